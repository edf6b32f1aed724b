"""``python -m operations``: the operator's commands, with the settings of the function app."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.resource_ids import ApplicationId

DONE: Final = 0
NOT_DONE: Final = 1
BAD_USAGE: Final = 2
INTERRUPTED: Final = 130

_LONGEST_NAME: Final = 256


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 all is well, 1 something is not, 2 bad settings or usage."""
    options = _parser().parse_args(arguments)
    # Imported here, so that --help and usage errors answer at once.
    from operations.commands import run  # noqa: PLC0415
    from operations.report import Console, Report  # noqa: PLC0415
    from publisher.environment import SettingsError  # noqa: PLC0415
    from publisher.errors import AzureFailure  # noqa: PLC0415

    console = Console(as_json=options.json)
    try:
        report = asyncio.run(run(options, os.environ, console))
    except SettingsError as error:
        console.show_bad_settings(error)
        return BAD_USAGE
    except AzureFailure as failure:
        report = Report(ok=False, document={}, error=f"{failure.code}: {failure}")
    except KeyboardInterrupt:
        return INTERRUPTED
    console.show(report)
    if report.bad_usage:
        return BAD_USAGE
    return DONE if report.ok else NOT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m operations",
        description="Look after the registry of managed applications, and find out what is wrong with an installation.",
        epilog="Settings are environment variables, the same as the function app's. Exit status: 0 done, and all is "
        "well; 1 something could not be done or is not as it should be; 2 bad settings or usage.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, description: str = "") -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=summary, description=description or f"{summary[0].upper()}{summary[1:]}."
        )
        added.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
        return added

    listing = command("list", "list the registered applications")
    listing.add_argument("--find", metavar="TEXT", default="", help="only those whose id or customer contains TEXT")

    _one_application(command("show", "show everything that the registry knows about an application"))

    add = command(
        "add",
        "register applications as Azure describes them",
        "Register applications that were deployed before the webhook existed, or refresh registered ones. "
        "Each is read from Azure Resource Manager; nothing else is believed.",
    )
    add.add_argument(
        "applications", metavar="ID", nargs="*", type=_application_id, help="resource id of an application"
    )
    _subscriptions(add, "also every application of this subscription that the service principal can see")

    remove = command(
        "remove",
        "take an application out of monitoring",
        "Leave a tombstone in the application's place. The daily reconciliation leaves it alone; a notification about "
        "it, or `add`, brings the application back.",
    )
    _one_application(remove)
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.add_argument("--force", action="store_true", help="also when Azure calls it alive, or cannot be asked")

    name = command("name", "say what a customer is called, on rows, alerts and dashboards")
    _one_application(name)
    name.add_argument("customer", metavar="CUSTOMER", type=_customer_name, help='the name; "" for the subscription id')

    check = command(
        "check",
        "compare the registry with Azure; change nothing",
        "Compare every row with Azure Resource Manager, and look for applications that are not registered in the "
        "customers' subscriptions. Changes nothing; exit status 1 when anything differs.",
    )
    _subscriptions(check, "also look for unregistered applications in this subscription")

    command("reconcile", "refresh every application now, as the daily timer does")

    doctor = command(
        "doctor",
        "find out what is wrong with the installation",
        "Check settings, tokens, registry, data collection rule, policy reads and the webhook's settings, each with a "
        "verdict and what to do next. Writes nothing.",
    )
    which = doctor.add_mutually_exclusive_group()
    which.add_argument("--application", metavar="ID", type=_application_id, help="read the policy states of this one")
    which.add_argument("--all", action="store_true", help="read the policy states of every application, not of one")
    return parser


def _one_application(command: argparse.ArgumentParser) -> None:
    command.add_argument("application", metavar="ID", type=_application_id, help="resource id of the application")


def _subscriptions(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument(
        "--subscription",
        metavar="SUBSCRIPTION",
        dest="subscriptions",
        action="append",
        default=[],
        type=_subscription_id,
        help=f"{what}; can be given several times",
    )


def _application_id(text: str) -> ApplicationId:
    from publisher.resource_ids import ApplicationId, InvalidResourceId  # noqa: PLC0415

    try:
        return ApplicationId.parse(text)
    except InvalidResourceId as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _subscription_id(text: str) -> str:
    from publisher.resource_ids import is_guid  # noqa: PLC0415

    if not is_guid(text):
        raise argparse.ArgumentTypeError("a subscription id is a GUID")
    return text.lower()


def _customer_name(text: str) -> str:
    name = text.strip()
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise argparse.ArgumentTypeError(f"a name is one line of at most {_LONGEST_NAME} characters")
    return name


if __name__ == "__main__":
    sys.exit(main())
