"""The commands ``scan`` and ``remediate``, which act at a customer, and their options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations import arguments, options
from operations.parsing.changes import Changes, Reach
from operations.parsing.commands import add_command

if TYPE_CHECKING:
    import argparse

    from operations.parsing.commands import Commands

_WAIT_MINUTES: Final = 60.0
"""An evaluation takes minutes to hours, and Azure promises no time (FACTS 2.10)."""


def add_acting_commands(commands: Commands) -> None:
    """Add `scan` and `remediate`."""
    scan = add_command(
        commands,
        "scan",
        "let Azure Policy evaluate applications now, and collect",
        "Let Azure Policy evaluate the managed resource group of an application, or of each that has something open; "
        "wait until the policy states have later times; then collect them and tell the verdicts. That Azure calls the "
        "evaluation done is told, and not believed. Exit status 1 when one was not evaluated later, or not collected.",
        changes=Changes(Reach.CUSTOMERS),
    )
    options.one_application(scan, is_needed=False)
    scan.add_argument(
        "--all-open", action="store_true", help="instead of one application: all that have something open"
    )
    _wait(scan)
    options.decision(scan, is_reason_needed=False)

    remediate = add_command(
        commands,
        "remediate",
        "remediate what violates an assignment (deployIfNotExists and modify)",
        "Show what a remediation of the open violations of an assignment would do, with which identity and roles, and "
        "what speaks against it. With --create, create one remediation task for each reference of the assignment, "
        "follow its deployments, wait until Azure Policy has evaluated the resources later, and tell the verdict. Only "
        "the effects deployIfNotExists and modify can be remediated.",
        changes=Changes(Reach.CUSTOMERS, only_with="create"),
    )
    options.one_application(remediate)
    options.assignment(remediate, is_needed=True)
    remediate.add_argument(
        "--reference",
        metavar="REFERENCE",
        type=arguments.some_name,
        help="only this policy definition reference of an initiative",
    )
    remediate.add_argument("--create", action="store_true", help="create the tasks; without it nothing is changed")
    remediate.add_argument(
        "--force", action="store_true", help="also in doubt: when something could not be read, or only Azure knows"
    )
    _wait(remediate)
    options.decision(remediate, is_reason_needed=False)


def _wait(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--wait",
        metavar="MINUTES",
        type=arguments.minutes,
        default=_WAIT_MINUTES,
        help=f"how long to wait for a later evaluation; {_WAIT_MINUTES:g} unless given, 0 to start it and not to wait",
    )
