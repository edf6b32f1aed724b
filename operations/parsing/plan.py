"""The command ``plan`` and its options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from operations import arguments, options
from operations.parsing.changes import NOTHING, Changes
from operations.parsing.commands import add_command

if TYPE_CHECKING:
    from operations.parsing.commands import Commands


def add_plan_commands(commands: Commands) -> None:
    """Add `plan show`, `plan settle` and `plan reset`."""
    plan = commands.add_parser(
        "plan", help="say how severe findings of a plan are, until when each is due, and which of your checks are on"
    )
    actions = plan.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_command(actions, "show", "show what is settled for each plan, and by whom", changes=NOTHING)
    settle = add_command(
        actions,
        "settle",
        "settle it for a plan, from a file",
        "Settle, for every version of a plan, how severe a violation of each assignment is, after how many days it "
        "is overdue, and which of the publisher's own checks are switched on. It holds from the next run on.",
        changes=Changes(unless=("dry_run",)),
    )
    settle.add_argument("--file", metavar="FILE", type=Path, required=True, help="the settings, as `show --json` has")
    options.decision(settle)
    options.dry_run(settle)
    reset = add_command(
        actions,
        "reset",
        "forget it for a plan",
        "Forget the settings of a plan: those of every plan hold for it again.",
    )
    reset.add_argument(
        "--plan",
        metavar="NAME",
        type=arguments.name_or_nothing,
        required=True,
        help='the plan; "" for what holds for every plan that has no settings of its own',
    )
    options.decision(reset)
