"""The command ``discover`` and its options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations import options
from operations.parsing.changes import Changes
from operations.parsing.commands import add_command

if TYPE_CHECKING:
    from operations.parsing.commands import Commands


def add_discovery_command(commands: Commands) -> None:
    """Add `discover`."""
    discover = add_command(
        commands,
        "discover",
        "find and register applications that no notification told of",
        "Search every subscription that the service principal sees, and every one that the registry knows, for "
        "applications of yours, and register those that are missing; asks first. What an operator removed is left "
        "alone, and nobody is removed. Exit status 1 when a subscription could not be read, or something is not "
        "registered.",
        changes=Changes(unless=("check",)),
    )
    options.subscriptions(discover, "search this subscription alone")
    discover.add_argument("--check", action="store_true", help="only tell what is missing, and change nothing")
    discover.add_argument(
        "--quick",
        action="store_true",
        help="ask Azure Resource Graph instead of each subscription; it may leave out anything",
    )
    options.decision(discover, is_reason_needed=False)
