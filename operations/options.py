"""Options that several commands of ``python -m operations`` have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations import arguments

if TYPE_CHECKING:
    import argparse


def one_application(command: argparse._ActionsContainer, *, is_needed: bool = True) -> None:
    """Add the resource id of one application, to a command or to a group of options of which one is given."""
    command.add_argument(
        "application",
        metavar="ID",
        nargs=None if is_needed else "?",
        type=arguments.application_id,
        help="resource id of the application",
    )


def assignment(command: argparse.ArgumentParser, *, is_needed: bool = False) -> None:
    """Add --assignment, a policy assignment of the application."""
    command.add_argument(
        "--assignment",
        metavar="NAME|ID",
        required=is_needed,
        type=arguments.some_name,
        help="the policy assignment, by its name or id",
    )


def subscriptions(command: argparse.ArgumentParser, what: str) -> None:
    """Add --subscription, which can be given several times; `what` says what it does."""
    command.add_argument(
        "--subscription",
        metavar="SUBSCRIPTION",
        dest="subscriptions",
        action="append",
        default=[],
        type=arguments.subscription_id,
        help=f"{what}; can be given several times",
    )


def plan_version(command: argparse.ArgumentParser, what: str, version: str) -> None:
    """Add --plan and --version, with what they say."""
    command.add_argument("--plan", metavar="NAME", type=arguments.some_name, help=what)
    command.add_argument("--version", metavar="VERSION", type=arguments.some_name, help=version)


def listing(command: argparse.ArgumentParser, what: str) -> None:
    """Add --list, with what it says, and --expiring."""
    command.add_argument("--list", action="store_true", help=what)
    expiring(command)


def expiring(command: argparse.ArgumentParser) -> None:
    """Add --expiring, which narrows a list."""
    command.add_argument(
        "--expiring", metavar="DAYS", type=arguments.days, help="list only what ends within so many days, or has ended"
    )


def until(command: argparse.ArgumentParser) -> None:
    """Add --until, when it ends."""
    command.add_argument(
        "--until",
        metavar="DATE",
        type=arguments.end,
        help="when it ends: a date such as 2026-12-31, or days such as 7d; at most a year ahead",
    )


def decision(command: argparse.ArgumentParser, *, is_reason_needed: bool = True, asks: bool = True) -> None:
    """Add --reason and --person, and --yes to a command that asks."""
    command.add_argument("--reason", metavar="TEXT", type=arguments.reason, required=is_reason_needed, help="why")
    command.add_argument(
        "--person", metavar="NAME", type=arguments.person, help="who decides; by default the signed-in user"
    )
    if asks:
        command.add_argument("--yes", action="store_true", help="do not ask")


def dry_run(command: argparse.ArgumentParser) -> None:
    """Add --dry-run."""
    command.add_argument("--dry-run", action="store_true", help="list what would be done, and change nothing")
