"""The settings of every function, checked when they are read, with all problems reported at once (README, Settings).

Each function reads its settings when it runs; nothing is read at import. Secrets are in no `repr` and no message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, cast

from publisher.configuration.cloud import CLOUD_SETTING_NAMES, Cloud, cloud_from
from publisher.configuration.offers import OFFERS_SETTING, Offers, offers_from
from publisher.configuration.proxies import note_proxies
from publisher.configuration.resource_settings import (
    DATA_COLLECTION_SETTING_NAMES,
    QUEUE_SETTING_NAMES,
    STORAGE_SETTING_NAMES,
    Storage,
    endpoint_and_rule_from,
    queue_from,
    storage_from,
    streams_from,
)
from publisher.configuration.service_principal import (
    SERVICE_PRINCIPAL_SETTING_NAMES,
    ServicePrincipal,
    secret_expires_at,
    service_principal_from,
)
from publisher.configuration.timers import (
    COLLECTION_SCHEDULE_SETTING,
    DISCOVERY_SETTING,
    PROBE_SCHEDULE_SETTING,
    collection_interval_from,
    probe_interval_from,
)
from publisher.configuration.webhook import SIGNATURE_SETTING, signatures_from
from publisher.environment import Environment, SettingsError
from publisher.resource_ids import ApplicationId, InvalidResourceId
from publisher.roles import ROLE_SETTING

__all__ = [
    "SETTING_NAMES",
    "Cloud",
    "CollectorSettings",
    "DiscoverySettings",
    "IngestionSettings",
    "IntakeSettings",
    "NotificationSettings",
    "ProbeSettings",
    "PublicationSettings",
    "ReconcileSettings",
    "ServicePrincipal",
    "SettingsError",
    "SharedSettings",
    "Storage",
]

CONCURRENT_APPLICATIONS: Final = 32
"""How many applications are read at once unless MAX_CONCURRENT_APPLICATIONS says otherwise."""

MOST_ROWS_OF_AN_APPLICATION: Final = 20_000
"""How many rows of states an application may have in an upload unless MAX_ROWS_PER_APPLICATION says otherwise.

As many as the ledger remembers open violations one by one, and as a list of them can have.
"""

SETTING_NAMES: Final = (
    ROLE_SETTING,
    *SERVICE_PRINCIPAL_SETTING_NAMES,
    "MANAGED_IDENTITY_CLIENT_ID",
    *STORAGE_SETTING_NAMES,
    *QUEUE_SETTING_NAMES,
    "TABLE_NAME",
    *DATA_COLLECTION_SETTING_NAMES,
    COLLECTION_SCHEDULE_SETTING,
    "COLLECTION_MODE",
    PROBE_SCHEDULE_SETTING,
    DISCOVERY_SETTING,
    "STATES_WINDOW_HOURS",
    "COMPLIANT_STATES",
    "UPLOADED_STATES",
    "MAX_ROWS_PER_APPLICATION",
    "MAX_CONCURRENT_APPLICATIONS",
    "MAX_CONCURRENT_PER_SUBSCRIPTION",
    "CANARY_APPLICATION_ID",
    OFFERS_SETTING,
    SIGNATURE_SETTING,
    *CLOUD_SETTING_NAMES,
)
"""Every setting that the program reads; the two schedules are read by the Functions host too, for the timers."""

_TABLE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")


@dataclass(frozen=True, slots=True)
class SharedSettings:
    """What every function needs: the cloud, both identities and the registry's table.

    `own_identity_client_id` is the client id of the app's user-assigned managed identity, None for the
    system-assigned one.
    """

    cloud: Cloud
    service_principal: ServicePrincipal
    own_identity_client_id: str | None
    storage: Storage
    table_name: str

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "SharedSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        settings = SharedSettings(*_shared(env))
        env.finish()
        return settings


@dataclass(frozen=True, slots=True)
class IngestionSettings(SharedSettings):
    """What a function needs that writes rows: the logs ingestion URL, and the immutable id of the rule."""

    data_collection_endpoint: str
    data_collection_rule_id: str


@dataclass(frozen=True, slots=True)
class CollectorSettings(IngestionSettings):
    """What the collector needs.

    `states_window` is how far back policy states are asked for, `interval` the longest time between two runs,
    `canary_application_id` the application that is broken on purpose, "" for none, and `secret_expires_at` when the
    service principal's secret expires, as far as somebody said it.
    """

    states_stream: str
    results_stream: str
    runs_stream: str
    verdicts_stream: str
    states_window: timedelta
    compliant_states: Literal["detailed", "summarised"]
    uploaded_states: Literal["changed", "all"]
    mode: Literal["inline", "fan-out"]
    max_rows_per_application: int
    max_concurrent_applications: int
    max_concurrent_per_subscription: int
    interval: timedelta
    canary_application_id: str
    secret_expires_at: datetime | None

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "CollectorSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        settings = cls.read(env)
        env.finish()
        return settings

    @classmethod
    def read(cls, env: Environment) -> "CollectorSettings":
        """Return the settings; note every problem there is."""
        states, results, runs, verdicts = streams_from(
            env, "STREAM_NAME", "RESULTS_STREAM_NAME", "RUNS_STREAM_NAME", "VERDICTS_STREAM_NAME"
        )
        settings = cls(
            *_shared(env),
            *endpoint_and_rule_from(env, cloud_from(env)),
            states_stream=states,
            results_stream=results,
            runs_stream=runs,
            verdicts_stream=verdicts,
            states_window=timedelta(hours=env.integer("STATES_WINDOW_HOURS", 48, 1, 720)),
            compliant_states=cast(
                "Literal['detailed', 'summarised']", _choice(env, "COMPLIANT_STATES", "detailed", "summarised")
            ),
            uploaded_states=cast("Literal['changed', 'all']", _choice(env, "UPLOADED_STATES", "changed", "all")),
            mode=cast("Literal['inline', 'fan-out']", _choice(env, "COLLECTION_MODE", "inline", "fan-out")),
            max_rows_per_application=env.integer("MAX_ROWS_PER_APPLICATION", MOST_ROWS_OF_AN_APPLICATION, 1, 1_000_000),
            max_concurrent_applications=env.integer("MAX_CONCURRENT_APPLICATIONS", CONCURRENT_APPLICATIONS, 1, 512),
            max_concurrent_per_subscription=env.integer("MAX_CONCURRENT_PER_SUBSCRIPTION", 4, 1, 64),
            interval=collection_interval_from(env),
            canary_application_id=_canary(env),
            secret_expires_at=secret_expires_at(env),
        )
        if settings.mode == "fan-out" and not settings.storage.has_queues:
            env.problem("COLLECTION_MODE", "is fan-out, and no setting of the storage account names its queue service")
        return settings


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """What the probe needs that brings turns forward; `interval` is the longest time between two probes.

    They are apart from the collector's, so that a wrong schedule of the probe keeps nobody from being collected.
    """

    collector: CollectorSettings
    interval: timedelta

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "ProbeSettings":
        """Return the settings; raise SettingsError with every problem there is, also where no schedule is set."""
        env = Environment(variables)
        collector = CollectorSettings.read(env)
        settings = cls(collector, probe_interval_from(env, collector.interval))
        env.finish()
        return settings

    @property
    def probes_in_an_interval(self) -> int:
        """How many probes there are between two runs of the collector."""
        return max(1, self.collector.interval // self.interval)


@dataclass(frozen=True, slots=True)
class PublicationSettings:
    """What the publication of the ledger needs: nothing of the service principal, whose credential may have expired."""

    cloud: Cloud
    own_identity_client_id: str | None
    storage: Storage
    table_name: str
    data_collection_endpoint: str
    data_collection_rule_id: str
    results_stream: str
    verdicts_stream: str
    events_stream: str

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "PublicationSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        streams = streams_from(env, "RESULTS_STREAM_NAME", "VERDICTS_STREAM_NAME", "EVENTS_STREAM_NAME")
        settings = cls(*_own(env), *endpoint_and_rule_from(env, cloud_from(env)), *streams)
        env.finish()
        return settings


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """What the worker needs to take notifications in; `offers` says which applications count.

    Nothing of the service principal, whose credential may have expired.
    """

    cloud: Cloud
    own_identity_client_id: str | None
    storage: Storage
    table_name: str
    data_collection_endpoint: str
    data_collection_rule_id: str
    events_stream: str
    offers: Offers

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "IntakeSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        (events,) = streams_from(env, "EVENTS_STREAM_NAME")
        settings = cls(
            *_own(env), *endpoint_and_rule_from(env, cloud_from(env)), events_stream=events, offers=offers_from(env)
        )
        env.finish()
        return settings


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """What the webhook needs: the queue that it sends to, and the signature that it asks for.

    `signatures` has one value, or two while one replaces the other.
    """

    own_identity_client_id: str | None
    queue: Storage
    signatures: tuple[str, ...] = field(repr=False)

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "NotificationSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        own_identity = _own_identity(env)
        queue = queue_from(env, cloud=cloud_from(env), own_identity_client_id=own_identity)
        settings = cls(own_identity, queue, signatures_from(env))
        env.finish()
        return settings


@dataclass(frozen=True, slots=True)
class ReconcileSettings(IngestionSettings):
    """What is needed to ask ARM and to write the registry, the ledger and the streams of events and of audit rows.

    The worker's handling of notifications, the daily job and the operator's commands do that. `offers` says which
    applications count.
    """

    events_stream: str
    audit_stream: str
    offers: Offers

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "ReconcileSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        settings = cls.read(env)
        env.finish()
        return settings

    @classmethod
    def read(cls, env: Environment) -> "ReconcileSettings":
        """Return the settings; note every problem there is."""
        events, audit = streams_from(env, "EVENTS_STREAM_NAME", "AUDIT_STREAM_NAME")
        return cls(
            *_shared(env),
            *endpoint_and_rule_from(env, cloud_from(env)),
            events_stream=events,
            audit_stream=audit,
            offers=offers_from(env),
        )


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """What the nightly discovery needs; `is_on` tells whether anything is searched.

    It is apart from the others, so that a wrong DISCOVERY keeps nobody from being collected or reconciled.
    """

    reconcile: ReconcileSettings
    is_on: bool

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "DiscoverySettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        settings = cls(ReconcileSettings.read(env), _choice(env, DISCOVERY_SETTING, "nightly", "off") == "nightly")
        env.finish()
        return settings


def _shared(env: Environment) -> tuple[Cloud, ServicePrincipal, str | None, Storage, str]:
    cloud, own_identity, storage, table_name = _own(env)
    note_proxies(env, cloud.authority_host, cloud.resource_manager_endpoint)
    return cloud, service_principal_from(env), own_identity, storage, table_name


def _own(env: Environment) -> tuple[Cloud, str | None, Storage, str]:
    """Return what a function needs to reach our own storage, and the registry's table in it."""
    cloud, own_identity = cloud_from(env), _own_identity(env)
    storage = storage_from(env, cloud=cloud, own_identity_client_id=own_identity)
    table_hint = "3 to 63 letters and digits, a letter first"
    table_name = env.matching("TABLE_NAME", "applications", _TABLE_NAME, hint=table_hint)
    return cloud, own_identity, storage, table_name


def _own_identity(env: Environment) -> str | None:
    hint = "give the client id of the app's user-assigned managed identity, or leave it out for the system-assigned one"
    own_identity = env.guid("MANAGED_IDENTITY_CLIENT_ID", hint=hint, required=False) or None
    if not own_identity and env.has("AZURE_FEDERATED_TOKEN_FILE") and not env.has("IDENTITY_ENDPOINT"):
        # On Kubernetes azure-identity would otherwise take AZURE_CLIENT_ID, which is the publisher's.
        env.problem("MANAGED_IDENTITY_CLIENT_ID", "is required with workload identity; give the app's own client id")
    return own_identity


def _canary(env: Environment) -> str:
    name = "CANARY_APPLICATION_ID"
    value = env.text(name, "")
    try:
        return str(ApplicationId.parse(value)) if value else ""
    except InvalidResourceId as problem:
        env.problem(name, f"is {problem}; give the resource id of the application that is broken on purpose")
        return ""


def _choice(env: Environment, name: str, *choices: str) -> str:
    value = env.text(name, choices[0])
    if value not in choices:
        env.problem(name, f"must be {' or '.join(choices)}")
        return choices[0]
    return value
