"""The checks of the role worker: its tokens, registry, streams, what waits, and the customers' policy states."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from operations.doctor.causes.cause import Service
from operations.doctor.causes.table import Where
from operations.doctor.checks import BRIEF, Check, Verdict
from operations.doctor.configured import read
from operations.doctor.customers import RESOURCE_MANAGER_SETTING, examine_customers
from operations.doctor.offers import examine_offers
from operations.doctor.probe import examine_probe
from operations.doctor.registered import examine_registry
from operations.doctor.streams import examine_streams
from operations.doctor.tokens import STORAGE_AUDIENCE, examine_own_token, examine_token, identity_setting
from operations.doctor.waiting import examine_waiting
from publisher.configuration.function_timeout import function_timeout
from publisher.configuration.resource_settings import DATA_COLLECTION_SETTING_NAMES
from publisher.configuration.timers import has_probe
from publisher.credentials import own_identity_credential, service_principal_credential
from publisher.resource_manager import ResourceManager
from publisher.settings import (
    CollectorSettings,
    DiscoverySettings,
    IntakeSettings,
    ProbeSettings,
    ReconcileSettings,
    SettingsError,
    SharedSettings,
)
from registry.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.resource_ids import ApplicationId


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What the worker's functions read, as far as it is right; `shared` is what all of them need.

    `has_probe` tells whether the probe is switched on.
    """

    shared: SharedSettings | None
    collector: CollectorSettings | None
    intake: IntakeSettings | None
    reconcile: ReconcileSettings | None
    has_probe: bool = False

    @classmethod
    def from_environment(cls, variables: Mapping[str, str], problems: set[str]) -> WorkerSettings:
        """Return the settings, and add what is wrong with them to `problems`."""
        discovery = read(DiscoverySettings, variables, problems)
        try:
            function_timeout(variables)
        except SettingsError as error:
            problems.update(error.problems)
        if has_probe(variables):
            read(ProbeSettings, variables, problems)
        return cls(
            read(SharedSettings, variables, problems),
            read(CollectorSettings, variables, problems),
            read(IntakeSettings, variables, problems),
            discovery.reconcile if discovery else None,
            has_probe(variables),
        )

    @property
    def streams(self) -> list[str]:
        """The streams that the worker writes to."""
        collector, found = self.collector, list[str]()
        if collector:
            found += [collector.states_stream, collector.verdicts_stream, collector.results_stream]
            found.append(collector.runs_stream)
        found += [self.intake.events_stream] if self.intake else []
        return [*found, self.reconcile.audit_stream] if self.reconcile else found


async def examine_worker(
    settings: WorkerSettings, *, only: ApplicationId | None, everything: bool, probe: bool
) -> list[Check]:
    """Return the checks that call Azure; what has no settings is skipped.

    `only` is whose policy states to read, None for the first application or, with `everything`, for every one; `probe`
    also compares Azure Resource Graph with Policy Insights, as is done anyway where the probe is switched on. Raises
    SettingsError for a certificate that cannot be used.
    """
    shared = settings.shared
    if shared is None:
        return []
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(
            service_principal_credential(shared.service_principal, shared.cloud)
        )
        principal, audience = shared.service_principal, shared.cloud.resource_manager_audience
        checks = [await examine_token("service principal", publisher, audience, principal)]
        if shared.storage.connection_string is None:
            checks.append(await examine_own_token("storage", shared.storage.identity_client_id, STORAGE_AUDIENCE))
        checks += await _examine_tables(settings, shared)
        registry = await stack.enter_async_context(Registry(shared, patience=BRIEF))
        offers = settings.intake.offers if settings.intake else None
        found = await examine_registry(registry, shared.storage, offers, only=only, everything=everything)
        checks += found.checks
        if offers is not None:
            checks += examine_offers(offers, found.foreign)
        checks += await examine_waiting(shared.storage, now=datetime.now(UTC))
        if settings.collector is None:
            skipped = Check("policy states", Verdict.SKIPPED, "not read", "set the collector's settings right")
            return [*checks, skipped]
        arm = await stack.enter_async_context(ResourceManager(publisher, shared.cloud, patience=BRIEF))
        since = datetime.now(UTC) - settings.collector.states_window
        identity = identity_setting(principal)
        checks += await examine_customers(arm, found.chosen, since=since, identity=identity)
        if probe or settings.has_probe:
            where = Where(Service.RESOURCE_MANAGER, RESOURCE_MANAGER_SETTING, identity=identity)
            checks.append(await examine_probe(arm, found.compared, since=since, where=where))
        return checks


async def _examine_tables(settings: WorkerSettings, shared: SharedSettings) -> list[Check]:
    ingestion = settings.collector or settings.intake
    if ingestion is None:
        names = ", ".join(DATA_COLLECTION_SETTING_NAMES)
        return [Check("tables", Verdict.SKIPPED, "not examined", f"set right what is wrong with {names}")]
    async with own_identity_credential(shared.own_identity_client_id) as own:
        token = await examine_token("own identity, for the tables", own, shared.cloud.monitor_audience)
        return [token, *await examine_streams(ingestion, settings.streams, own)]
