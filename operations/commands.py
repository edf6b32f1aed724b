"""Runs a command of ``python -m operations``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.agreements.acceptances import accept
from operations.agreements.exemptions import exemptions
from operations.baseline.command import baseline
from operations.changes import add, name, reconcile, remove
from operations.discovery.command import discover
from operations.ledger_rows import ledger
from operations.lookups import check, list_applications, show
from operations.pending import pending
from operations.plans.command import plan
from operations.snoozes import snooze
from operations.workplace import Workplace, open_workplace
from publisher.settings import ReconcileSettings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Mapping

    from operations.report import Console, Report

_COMMANDS: Final[dict[str, Callable[[Workplace, argparse.Namespace, Console], Awaitable[Report]]]] = {
    "list": list_applications,
    "show": show,
    "add": add,
    "discover": discover,
    "remove": remove,
    "name": name,
    "check": check,
    "reconcile": reconcile,
    "accept": accept,
    "exemptions": exemptions,
    "baseline": baseline,
    "plan": plan,
    "snooze": snooze,
    "ledger": ledger,
    "pending": pending,
}


async def run(options: argparse.Namespace, variables: Mapping[str, str], console: Console) -> Report:
    """Run the command that the options name.

    Raises:
        SettingsError: settings are missing or wrong; `doctor` reports them instead.
        BadUsage, Refused: the command does not do what was asked.
        AzureFailure: the registry, or another service that the whole command needs, could not be reached.
    """
    if options.command == "doctor":
        from operations.doctor.examination import examine  # noqa: PLC0415 - nothing else needs every role

        with console.busy("examining the installation"):
            return await examine(variables, only=options.application, everything=options.all, probe=options.probe)
    if options.command == "cost":
        from operations.cost.command import cost  # noqa: PLC0415 - nothing else asks the workspace

        return await cost(variables, options, console)
    if options.command in {"scan", "remediate"}:
        return await _act(variables, options, console)
    if options.command == "restore":
        return await _restore(variables, options, console)
    settings = ReconcileSettings.from_environment(variables)
    async with open_workplace(settings) as workplace:
        return await _COMMANDS[options.command](workplace, options, console)


async def _restore(variables: Mapping[str, str], options: argparse.Namespace, console: Console) -> Report:
    from operations.restore.command import restore  # noqa: PLC0415 - nothing else needs the client of Blob storage

    settings = ReconcileSettings.from_environment(variables)
    async with open_workplace(settings) as workplace:
        return await restore(workplace, settings, options, console)


async def _act(variables: Mapping[str, str], options: argparse.Namespace, console: Console) -> Report:
    """Run a command that acts at a customer and collects afterwards: with the settings for both, or not at all."""
    from operations.acting.remediate import remediate  # noqa: PLC0415 - azure-mgmt-policyinsights takes its time
    from operations.acting.scan import scan  # noqa: PLC0415
    from publisher.settings import CollectorSettings  # noqa: PLC0415

    settings = CollectorSettings.from_environment(variables)
    command = scan if options.command == "scan" else remediate
    async with open_workplace(ReconcileSettings.from_environment(variables)) as workplace:
        return await command(workplace, settings, options, console)
