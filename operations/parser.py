"""The commands and options of ``python -m operations``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from operations import arguments, options
from operations.parsing.acting import add_acting_commands
from operations.parsing.commands import add_command as _command
from operations.parsing.discovery import add_discovery_command
from operations.parsing.exemptions import add_exemptions_command
from operations.parsing.plan import add_plan_commands
from operations.parsing.restore import add_restore_command

if TYPE_CHECKING:
    from operations.parsing.commands import Commands as _Commands


def command_parser() -> arguments.Parser:
    """Return the parser of the command line."""
    main = arguments.Parser(
        prog="python -m operations",
        description="Look after the registry of managed applications and the ledger of their verdicts, and find out "
        "what is wrong with an installation.",
        epilog="Settings are environment variables, the same as the worker's; doctor takes those of any app, cost the "
        "api's. Exit status: 0 done, and all is well; 1 something could not be done or is not as it should be; 2 bad "
        "settings or usage; 130 interrupted.",
    )
    commands = main.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_registry_commands(commands)
    add_discovery_command(commands)
    _add_ledger_commands(commands)
    add_exemptions_command(commands)
    add_plan_commands(commands)
    add_acting_commands(commands)
    _add_pending_commands(commands)
    add_restore_command(commands)
    cost = _command(
        commands,
        "cost",
        "estimate what a month costs",
        "Estimate what a month costs, from what the tables took in on the last full days (UTC), and say what drives "
        "it. Needs the api's settings. Prices are list prices without free allowances. Writes nothing.",
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
    doctor = _command(
        commands,
        "doctor",
        "find out what is wrong with the installation",
        "Check, for the role that APP_ROLE names, settings, tokens and all that the app has to reach, each with a "
        "verdict and what to do next. Writes nothing.",
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
    return main


def _add_registry_commands(commands: _Commands) -> None:
    listing = _command(commands, "list", "list the registered applications, with their verdicts")
    listing.add_argument("--find", metavar="TEXT", default="", help="only those whose id or customer contains TEXT")

    options.one_application(_command(commands, "show", "show everything that is known about an application"))

    add = _command(
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

    remove = _command(
        commands,
        "remove",
        "take an application out of monitoring",
        "Leave a tombstone in the application's place; what was open about it ends with the next collection. The daily "
        "reconciliation leaves it alone; a notification about it, or `add`, brings the application back.",
    )
    options.one_application(remove)
    options.decision(remove)
    remove.add_argument("--force", action="store_true", help="also when Azure calls it alive, or cannot be asked")

    name = _command(commands, "name", "say what a customer is called, on rows, alerts and dashboards")
    options.one_application(name)
    name.add_argument(
        "customer", metavar="CUSTOMER", type=arguments.name_or_nothing, help='the name; "" for the subscription id'
    )

    _command(
        commands,
        "check",
        "compare the registry with Azure; change nothing",
        "Compare every row with Azure Resource Manager. Changes nothing; exit status 1 when anything differs. "
        "`discover --check` tells who has no row.",
    )

    _command(
        commands,
        "reconcile",
        "refresh every application now, as the daily timer does",
        "Refresh every application in the registry, and look for those that only the ledger knows, as the daily timer "
        "does.",
    )


def _add_ledger_commands(commands: _Commands) -> None:
    accept = _command(
        commands,
        "accept",
        "accept what is open about an assignment, for a time, or list what is accepted",
        "Accept every open violation, every difference from the baseline and every exemption of an assignment, of one "
        "application or of all of a plan version. The verdict stays, and says who accepted it; what opens later alarms "
        "again. With --list: what is accepted, by whom, why and until when, what ends first at the top; of all "
        "applications unless one or a plan version is named.",
    )
    options.listing(accept, "list what is accepted")
    accept.add_argument(
        "application", metavar="ID", nargs="?", type=arguments.application_id, help="resource id of the application"
    )
    options.plan_version(accept, "instead of one application: all of this plan", "and of this version of it")
    accept.add_argument(
        "--assignment",
        metavar="NAME|ID",
        type=arguments.some_name,
        help="the policy assignment, by its name or id",
    )
    options.until(accept)
    options.decision(accept, is_reason_needed=False)
    options.dry_run(accept)

    baseline = _command(
        commands,
        "baseline",
        "declare which assignments a plan version has, or list what is declared",
        "Declare the policy assignments that every application of a plan version must have. Those that the declaration "
        "lacks are retired, others are expected from now on.",
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

    snooze = _command(
        commands,
        "snooze",
        "silence the alerts about a plan version, with an end",
        "Silence the alerts about the applications of a plan version during planned maintenance, with an end.",
    )
    which = snooze.add_mutually_exclusive_group()
    which.add_argument("--list", action="store_true", help="list what is snoozed")
    which.add_argument("--end", action="store_true", help="end the snooze now")
    options.plan_version(snooze, "the plan", "the version of the plan; left out: every version")
    options.until(snooze)
    options.decision(snooze, is_reason_needed=False)

    ledger = commands.add_parser("ledger", help="look after rows of the ledger that cannot be read")
    actions = ledger.add_subparsers(dest="action", metavar="ACTION", required=True)
    _command(actions, "check", "list the rows that cannot be read; exit status 1 when there are any")
    repair = _command(
        actions,
        "repair",
        "replace a row that cannot be read by a fresh start",
        "Replace a row that cannot be read by a fresh start. What it remembered is forgotten.",
    )
    repair.add_argument(
        "application", metavar="ID", nargs="?", type=arguments.application_id, help="resource id of the application"
    )
    repair.add_argument(
        "--row",
        metavar="KEYS",
        type=arguments.keys_of_row,
        help="instead of one application: the row that `ledger check` shows so, also one of a plan version",
    )
    options.decision(repair)


def _add_pending_commands(commands: _Commands) -> None:
    pending = commands.add_parser("pending", help="look after the applications about which Azure has not answered yet")
    actions = pending.add_subparsers(dest="action", metavar="ACTION", required=True)
    _command(actions, "list", "list the applications that notifications told of and Azure has not answered about")
    replay = _command(
        actions,
        "replay",
        "let Azure be asked within a minute",
        "Let Azure Resource Manager be asked within a minute, and often again for the next ten hours.",
    )
    which = replay.add_mutually_exclusive_group()
    which.add_argument(
        "application", metavar="ID", nargs="?", type=arguments.application_id, help="resource id of the application"
    )
    which.add_argument("--all", action="store_true", help="about everything that waits")
    drop = _command(
        actions,
        "drop",
        "ask no more about an application",
        "Ask no more about an application that Azure will never show us. Nothing is taken out of monitoring by that.",
    )
    options.one_application(drop)
    options.decision(drop)
