"""``python -m operations doctor``: examines an installation, and says for each finding what to do.

Writes nothing: not to the registry, not to the tables, and not in a customer's subscription.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from operations.doctor_checks import ATTEMPTS, Check, Verdict, examine_settings, examine_token, examine_webhook
from operations.doctor_services import examine_customers, examine_registry, examine_streams
from operations.report import Cell, Listing, Report, Tone
from publisher.configuration.resource_settings import DATA_COLLECTION_SETTING_NAMES
from publisher.credentials import own_identity_credential, service_principal_credential
from publisher.environment import SettingsError
from publisher.resource_manager import ResourceManager
from publisher.retry import Patience
from publisher.settings import CollectorSettings, NotificationSettings, SharedSettings
from registry.inventory import as_document
from registry.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.resource_ids import ApplicationId

MOST_READABLE_SHOWN: Final = 20
"""Applications without a finding in the table; --json has all of them."""

_TONES: Final[dict[Verdict, Tone]] = {
    Verdict.OK: "good",
    Verdict.WARNING: "doubtful",
    Verdict.FAILED: "bad",
    Verdict.SKIPPED: "",
}
_STORAGE_AUDIENCE: Final = "https://storage.azure.com"


async def examine(variables: Mapping[str, str], *, only: ApplicationId | None, everything: bool) -> Report:
    """Examine the installation that the settings describe, and return what was found.

    Args:
        variables: the settings.
        only: whose policy states to read; None for the first application of the registry.
        everything: read those of every application.
    """
    problems = set[str]()
    shared = _read(SharedSettings, variables, problems)
    collector = _read(CollectorSettings, variables, problems)
    webhook = _read(NotificationSettings, variables, problems)
    checks = examine_settings(variables, problems)
    bad_settings = any(check.verdict is Verdict.FAILED for check in checks)
    if shared is not None:
        try:
            checks += await _examine_azure(shared, collector, webhook, only=only, everything=everything)
        except SettingsError as error:  # a certificate is loaded only when it is used
            bad_settings = True
            checks += [Check.of_problem(problem) for problem in error.problems]
    if webhook is not None:
        checks.append(examine_webhook(webhook))
    return _report(checks, bad_settings=bad_settings)


async def _examine_azure(
    shared: SharedSettings,
    collector: CollectorSettings | None,
    webhook: NotificationSettings | None,
    *,
    only: ApplicationId | None,
    everything: bool,
) -> list[Check]:
    """Return the checks that call Azure; what has no settings is skipped."""
    cloud, patience = shared.cloud, Patience(ATTEMPTS)
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(service_principal_credential(shared.service_principal, cloud))
        own = await stack.enter_async_context(own_identity_credential(shared.own_identity_client_id))
        audience = cloud.resource_manager_audience
        checks = [await examine_token("service principal", publisher, audience, shared.service_principal.tenant_id)]
        if shared.storage.connection_string is None:
            storage = await stack.enter_async_context(own_identity_credential(shared.storage.identity_client_id))
            checks.append(await examine_token("own identity, for storage", storage, _STORAGE_AUDIENCE))
        ingestion = collector or webhook
        if ingestion is not None:
            checks.append(await examine_token("own identity, for the tables", own, cloud.monitor_audience))
            checks += await examine_streams(ingestion, _streams(collector, webhook), own)
        else:
            names = ", ".join(DATA_COLLECTION_SETTING_NAMES)
            checks.append(Check("tables", Verdict.SKIPPED, "not examined", f"set right what is wrong with {names}"))
        arm = await stack.enter_async_context(ResourceManager(publisher, cloud, patience=patience))
        registry = await stack.enter_async_context(Registry(shared, patience=patience))
        found, applications = await examine_registry(registry, only=only, everything=everything)
        checks += found
        window = collector.states_window if collector else None
        if window is None:
            checks.append(Check("policy states", Verdict.SKIPPED, "not read", "set the collector's settings right"))
        else:
            checks += await examine_customers(arm, applications, since=datetime.now(UTC) - window)
    return checks


def _streams(collector: CollectorSettings | None, webhook: NotificationSettings | None) -> list[str]:
    streams = (
        [collector.states_stream, collector.verdicts_stream, collector.results_stream, collector.runs_stream]
        if collector
        else []
    )
    return [*streams, webhook.events_stream] if webhook else streams


_AnySettings = TypeVar("_AnySettings", CollectorSettings, NotificationSettings, SharedSettings)


def _read(kind: type[_AnySettings], variables: Mapping[str, str], problems: set[str]) -> _AnySettings | None:
    """Return these settings, or None, and add what is wrong with them to `problems`."""
    try:
        return kind.from_environment(variables)
    except SettingsError as error:
        problems.update(error.problems)
        return None


def _report(checks: list[Check], *, bad_settings: bool) -> Report:
    counts = {verdict: sum(check.verdict is verdict for check in checks) for verdict in Verdict}
    shown = [check for check in checks if check.verdict is not Verdict.OK or not check.application_id]
    readable = [check for check in checks if check not in shown]
    shown += readable[:MOST_READABLE_SHOWN]
    rows = [(Cell(check.verdict, _TONES[check.verdict]), check.name, check.finding, check.next_step) for check in shown]
    more = len(readable) - MOST_READABLE_SHOWN
    healthy = not counts[Verdict.FAILED]
    return Report(
        ok=healthy,
        bad_usage=bad_settings,
        document={"healthy": healthy, "checks": [as_document(check) for check in checks]},
        listings=(Listing("", ("Verdict", "Check", "Finding", "What to do"), rows),),
        notes=(
            *([f"and {more} more applications that can be read"] if more > 0 else []),
            ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count),
        ),
    )
