"""The commands about the installation: what it costs, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations import arguments
from operations.parsing.changes import NOTHING
from operations.parsing.commands import add_command

if TYPE_CHECKING:
    from operations.parsing.commands import Commands


def add_installation_commands(commands: Commands) -> None:
    """Add `cost` and `doctor`."""
    cost = add_command(
        commands,
        "cost",
        "estimate what a month costs",
        "Estimate what a month costs, from what the tables took in on the last full days (UTC), and say what drives "
        "it. Needs the api's settings. Prices are list prices without free allowances. Writes nothing.",
        changes=NOTHING,
    )
    cost.add_argument(
        "--days", metavar="N", type=arguments.days, default=7, help="how many full days are looked at; 7 unless given"
    )
    cost.add_argument(
        "--price-per-gigabyte",
        metavar="PRICE",
        type=arguments.price,
        help="what a GB into Log Analytics costs you, in place of the list price",
    )
    doctor = add_command(
        commands,
        "doctor",
        "find out what is wrong with the installation",
        "Check, for the role that APP_ROLE names, settings, tokens and all that the app has to reach, each with a "
        "verdict and what to do next. Writes nothing.",
        changes=NOTHING,
    )
    which = doctor.add_mutually_exclusive_group()
    which.add_argument(
        "--application", metavar="ID", type=arguments.application_id, help="read the policy states of this one"
    )
    which.add_argument("--all", action="store_true", help="read the policy states of every application, not of one")
    doctor.add_argument(
        "--probe",
        action="store_true",
        help="also compare Azure Resource Graph with Policy Insights, as is done where PROBE_SCHEDULE is set",
    )
