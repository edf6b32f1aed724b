"""The commands about the ledger: ``accept``, ``baseline``, ``snooze`` and ``ledger``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from operations import arguments, options
from operations.parsing.changes import NOTHING, Changes
from operations.parsing.commands import add_command

if TYPE_CHECKING:
    from operations.parsing.commands import Commands


def add_ledger_commands(commands: Commands) -> None:
    """Add `accept`, `baseline`, `snooze`, `ledger check` and `ledger repair`."""
    accept = add_command(
        commands,
        "accept",
        "accept what is open about an assignment, for a time, or list what is accepted",
        "Accept every open violation, every difference from the baseline and every exemption of an assignment, of one "
        "application or of all of a plan version. The verdict stays, and says who accepted it; what opens later alarms "
        "again. With --list: what is accepted, by whom, why and until when, what ends first at the top; of all "
        "applications unless one or a plan version is named.",
        changes=Changes(unless=("list", "dry_run")),
    )
    options.listing(accept, "list what is accepted")
    options.one_application(accept, is_needed=False)
    options.plan_version(accept, "instead of one application: all of this plan", "and of this version of it")
    options.assignment(accept)
    options.until(accept)
    options.decision(accept, is_reason_needed=False)
    options.dry_run(accept)

    baseline = add_command(
        commands,
        "baseline",
        "declare which assignments a plan version has, or list what is declared",
        "Declare the policy assignments that every application of a plan version must have. Those that the declaration "
        "lacks are retired, others are expected from now on.",
        changes=Changes(unless=("list", "dry_run")),
    )
    baseline.add_argument(
        "--plan",
        metavar="NAME",
        type=arguments.some_name,
        help="the plan; the name or id of the definition for service catalog applications",
    )
    baseline.add_argument(
        "--version",
        metavar="VERSION",
        type=arguments.name_or_nothing,
        default="",
        help="the version of the plan; none for service catalog applications",
    )
    source = baseline.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--from",
        dest="application",
        metavar="ID",
        type=arguments.application_id,
        help="take those that this application has now",
    )
    source.add_argument("--file", metavar="FILE", type=Path, help="take those in this file")
    source.add_argument("--list", action="store_true", help="list which plan versions are declared, by whom and when")
    options.decision(baseline, is_reason_needed=False)
    options.dry_run(baseline)

    snooze = add_command(
        commands,
        "snooze",
        "silence the alerts about a plan version, with an end",
        "Silence the alerts about the applications of a plan version during planned maintenance, with an end.",
        changes=Changes(unless=("list",)),
    )
    which = snooze.add_mutually_exclusive_group()
    which.add_argument("--list", action="store_true", help="list what is snoozed")
    which.add_argument("--end", action="store_true", help="end the snooze now")
    options.plan_version(snooze, "the plan", "the version of the plan; left out: every version")
    options.until(snooze)
    options.decision(snooze, is_reason_needed=False)

    ledger = commands.add_parser("ledger", help="look after rows of the ledger that cannot be read")
    actions = ledger.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_command(
        actions, "check", "list the rows that cannot be read; exit status 1 when there are any", changes=NOTHING
    )
    repair = add_command(
        actions,
        "repair",
        "replace a row that cannot be read by a fresh start",
        "Replace a row that cannot be read by a fresh start. What it remembered is forgotten.",
    )
    options.one_application(repair, is_needed=False)
    repair.add_argument(
        "--row",
        metavar="KEYS",
        type=arguments.keys_of_row,
        help="instead of one application: the row that `ledger check` shows so, also one of a plan version",
    )
    options.decision(repair)
