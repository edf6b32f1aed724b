"""The command ``restore`` and its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations import arguments, options
from operations.parsing.changes import Changes
from operations.parsing.commands import add_command

if TYPE_CHECKING:
    from operations.parsing.commands import Commands

_TABLES: Final = ("applications", "verdicts", "pending")


def add_restore_command(commands: Commands) -> None:
    """Add `restore`."""
    restore = add_command(
        commands,
        "restore",
        "bring back what was deleted from registry and ledger, from the daily export",
        "Say what an export would bring back, table by table; with --reason, and --yes or on a terminal, do it. Rows "
        "that are missing are added. Rows that differ are left as they are unless --overwrite is said, and rows that "
        "are not in the export are never deleted. An export that is damaged is refused whole. Exit status 1 when "
        "something is left to restore.",
        changes=Changes(unless=("list", "dry_run"), only_with="reason"),
    )
    restore.add_argument(
        "--export",
        metavar="NAME",
        type=arguments.export_name,
        default="latest",
        help="which one: a date such as 2026-11-27, a name that --list shows, or latest, which it is unless given",
    )
    restore.add_argument(
        "--table",
        action="append",
        choices=_TABLES,
        help="only this one: applications is the registry, verdicts the ledger; can be given several times",
    )
    restore.add_argument(
        "--overwrite",
        action="store_true",
        help="also rows that differ get what the export has, unless written meanwhile",
    )
    which = restore.add_mutually_exclusive_group()
    which.add_argument("--list", action="store_true", help="list the exports, and check each")
    which.add_argument(
        "--begin-anew",
        action="store_true",
        help="restore nothing: take what the tables hold now for all there is, so that collections go on",
    )
    options.dry_run(restore)
    options.decision(restore, is_reason_needed=False)
