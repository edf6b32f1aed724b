"""The command ``exemptions`` and its options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations import arguments, options
from operations.parsing.changes import NOTHING
from operations.parsing.commands import add_command

if TYPE_CHECKING:
    from operations.parsing.commands import Commands


def add_exemptions_command(commands: Commands) -> None:
    """Add `exemptions`."""
    exemptions = add_command(
        commands,
        "exemptions",
        "list policy exemptions, or tell how one is made",
        "List the exemptions of the applications' own policy assignments, what expires first at the top: of all as the "
        "ledger knows them, of one as Azure says now. With --request: whether you can make an exemption at the "
        "customer, and what the customer has to do where you cannot. Nothing is ever written at a customer.",
        changes=NOTHING,
    )
    options.one_application(exemptions, is_needed=False)
    options.plan_version(exemptions, "instead of one application: all of this plan", "and of this version of it")
    options.expiring(exemptions)
    exemptions.add_argument(
        "--request",
        metavar="NAME|ID",
        type=arguments.some_name,
        help="tell how an exemption of this policy assignment is made",
    )
    exemptions.add_argument(
        "--category",
        choices=("Waiver", "Mitigated"),
        default="Waiver",
        help="of the requested one; Mitigated says that the policy's intent is met in another way",
    )
    options.until(exemptions)
