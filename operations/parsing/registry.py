"""The commands about the registry: ``list``, ``show``, ``add``, ``remove``, ``name``, ``check`` and ``reconcile``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations import arguments, options
from operations.parsing.changes import NOTHING
from operations.parsing.commands import add_command

if TYPE_CHECKING:
    from operations.parsing.commands import Commands


def add_registry_commands(commands: Commands) -> None:
    """Add `list`, `show`, `add`, `remove`, `name`, `check` and `reconcile`."""
    listing = add_command(commands, "list", "list the registered applications, with their verdicts", changes=NOTHING)
    listing.add_argument("--find", metavar="TEXT", default="", help="only those whose id or customer contains TEXT")

    options.one_application(
        add_command(commands, "show", "show everything that is known about an application", changes=NOTHING)
    )

    add = add_command(
        commands,
        "add",
        "register applications as Azure describes them",
        "Register applications, or refresh registered ones. Each is read from Azure Resource Manager; nothing else is "
        "believed. `discover` finds those whose ids you do not know.",
    )
    add.add_argument(
        "applications", metavar="ID", nargs="+", type=arguments.application_id, help="resource id of an application"
    )
    options.decision(add, is_reason_needed=False, asks=False)

    remove = add_command(
        commands,
        "remove",
        "take an application out of monitoring",
        "Leave a tombstone in the application's place; what was open about it ends with the next collection. The daily "
        "reconciliation leaves it alone; a notification about it, or `add`, brings the application back.",
    )
    options.one_application(remove)
    options.decision(remove)
    remove.add_argument("--force", action="store_true", help="also when Azure calls it alive, or cannot be asked")

    name = add_command(commands, "name", "say what a customer is called, on rows, alerts and dashboards")
    options.one_application(name)
    name.add_argument(
        "customer", metavar="CUSTOMER", type=arguments.name_or_nothing, help='the name; "" for the subscription id'
    )

    add_command(
        commands,
        "check",
        "compare the registry with Azure; change nothing",
        "Compare every row with Azure Resource Manager. Changes nothing; exit status 1 when anything differs. "
        "`discover --check` tells who has no row.",
        changes=NOTHING,
    )

    add_command(
        commands,
        "reconcile",
        "refresh every application now, as the daily timer does",
        "Refresh every application in the registry, and look for those that only the ledger knows, as the daily timer "
        "does.",
    )
