"""The commands about applications that Azure has not answered about yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations import options
from operations.parsing.changes import NOTHING
from operations.parsing.commands import add_command

if TYPE_CHECKING:
    from operations.parsing.commands import Commands


def add_pending_commands(commands: Commands) -> None:
    """Add `pending list`, `pending replay` and `pending drop`."""
    pending = commands.add_parser("pending", help="look after the applications about which Azure has not answered yet")
    actions = pending.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_command(
        actions,
        "list",
        "list the applications that notifications told of and Azure has not answered about",
        changes=NOTHING,
    )
    replay = add_command(
        actions,
        "replay",
        "let Azure be asked within a minute",
        "Let Azure Resource Manager be asked within a minute, and often again for the next ten hours.",
    )
    which = replay.add_mutually_exclusive_group()
    options.one_application(which, is_needed=False)
    which.add_argument("--all", action="store_true", help="about everything that waits")
    drop = add_command(
        actions,
        "drop",
        "ask no more about an application",
        "Ask no more about an application that Azure will never show us. Nothing is taken out of monitoring by that.",
    )
    options.one_application(drop)
    options.decision(drop)
