"""The settings of every function, checked when they are read, with all problems reported at once (README, Settings).

Each function reads its settings when it runs; nothing is read at import. Secrets are in no `repr` and no message.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, cast

from publisher.cloud import CLOUD_SETTING_NAMES, Cloud, cloud_from
from publisher.environment import Environment, SettingsError
from publisher.resource_ids import ApplicationId, InvalidResourceId
from publisher.resource_settings import (
    DATA_COLLECTION_SETTING_NAMES,
    STORAGE_SETTING_NAMES,
    Storage,
    endpoint_and_rule_from,
    storage_from,
    streams_from,
)
from publisher.schedule import UnknownInterval, longest_interval

__all__ = [
    "SETTING_NAMES",
    "Cloud",
    "CollectorSettings",
    "IngestionSettings",
    "NotificationSettings",
    "PublicationSettings",
    "ReconcileSettings",
    "ServicePrincipal",
    "SettingsError",
    "SharedSettings",
    "Storage",
]

SETTING_NAMES: Final = (
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_SECRET_EXPIRES_ON",
    "AZURE_CLIENT_CERTIFICATE",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID",
    "MANAGED_IDENTITY_CLIENT_ID",
    *STORAGE_SETTING_NAMES,
    "TABLE_NAME",
    *DATA_COLLECTION_SETTING_NAMES,
    "COLLECTION_SCHEDULE",
    "COLLECTION_MODE",
    "STATES_WINDOW_HOURS",
    "COMPLIANT_STATES",
    "MAX_CONCURRENT_APPLICATIONS",
    "MAX_CONCURRENT_PER_SUBSCRIPTION",
    "CANARY_APPLICATION_ID",
    "NOTIFICATION_SIGNATURE",
    *CLOUD_SETTING_NAMES,
)
"""Every setting that the program reads; COLLECTION_SCHEDULE is read by the Functions host too, for the timer."""

HOURLY: Final = "0 0 * * * *"
"""The schedule that is assumed where none is set, because something else than the timer collects."""

_TABLE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
SHORTEST_SIGNATURE: Final = 32
"""Characters of each webhook signature at least, as infra/hooks/preprovision.py asks before a deployment."""

_CREDENTIAL_SETTINGS: Final = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID",
)


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """The publisher's service principal and its one credential: a secret, a certificate or a federated identity."""

    tenant_id: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    certificate_path: str | None = None
    certificate_password: str | None = field(default=None, repr=False)
    federated_identity_client_id: str | None = None


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
    mode: Literal["inline", "fan-out"]
    max_concurrent_applications: int
    max_concurrent_per_subscription: int
    interval: timedelta
    canary_application_id: str
    secret_expires_at: datetime | None

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "CollectorSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        states, results, runs, verdicts = streams_from(
            env, "STREAM_NAME", "RESULTS_STREAM_NAME", "RUNS_STREAM_NAME", "VERDICTS_STREAM_NAME"
        )
        settings = cls(
            *_shared(env),
            *endpoint_and_rule_from(env),
            states_stream=states,
            results_stream=results,
            runs_stream=runs,
            verdicts_stream=verdicts,
            states_window=timedelta(hours=env.integer("STATES_WINDOW_HOURS", 48, 1, 720)),
            compliant_states=cast(
                "Literal['detailed', 'summarised']", _choice(env, "COMPLIANT_STATES", "detailed", "summarised")
            ),
            mode=cast("Literal['inline', 'fan-out']", _choice(env, "COLLECTION_MODE", "inline", "fan-out")),
            max_concurrent_applications=env.integer("MAX_CONCURRENT_APPLICATIONS", 32, 1, 512),
            max_concurrent_per_subscription=env.integer("MAX_CONCURRENT_PER_SUBSCRIPTION", 4, 1, 64),
            interval=_interval(env),
            canary_application_id=_canary(env),
            secret_expires_at=_secret_expires_at(env),
        )
        env.finish()
        return settings


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
        settings = cls(*_own(env), *endpoint_and_rule_from(env), *streams)
        env.finish()
        return settings


@dataclass(frozen=True, slots=True)
class NotificationSettings(IngestionSettings):
    """What the notification endpoint needs: `signatures` has one value, or two while one replaces the other."""

    events_stream: str
    signatures: tuple[str, ...] = field(repr=False)

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "NotificationSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        (events,) = streams_from(env, "EVENTS_STREAM_NAME")
        settings = cls(
            *_shared(env),
            *endpoint_and_rule_from(env),
            events_stream=events,
            signatures=_signatures(env),
        )
        env.finish()
        return settings


@dataclass(frozen=True, slots=True)
class ReconcileSettings(IngestionSettings):
    """What the daily job and the operator's commands need: the registry, the ledger, and the stream of events."""

    events_stream: str

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "ReconcileSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        (events,) = streams_from(env, "EVENTS_STREAM_NAME")
        settings = cls(*_shared(env), *endpoint_and_rule_from(env), events_stream=events)
        env.finish()
        return settings


def _shared(env: Environment) -> tuple[Cloud, ServicePrincipal, str | None, Storage, str]:
    cloud, own_identity, storage, table_name = _own(env)
    return cloud, _service_principal(env), own_identity, storage, table_name


def _own(env: Environment) -> tuple[Cloud, str | None, Storage, str]:
    """Return what a function needs to reach our own storage, and the registry's table in it."""
    cloud = cloud_from(env)
    hint = "give the client id of the app's user-assigned managed identity, or leave it out for the system-assigned one"
    own_identity = env.guid("MANAGED_IDENTITY_CLIENT_ID", hint=hint, required=False) or None
    if not own_identity and env.has("AZURE_FEDERATED_TOKEN_FILE") and not env.has("IDENTITY_ENDPOINT"):
        # On Kubernetes azure-identity would otherwise take AZURE_CLIENT_ID, which is the publisher's.
        env.problem("MANAGED_IDENTITY_CLIENT_ID", "is required with workload identity; give the app's own client id")
    storage = storage_from(env, suffix=cloud.storage_suffix, own_identity_client_id=own_identity)
    table_hint = "3 to 63 letters and digits, a letter first"
    table_name = env.matching("TABLE_NAME", "applications", _TABLE_NAME, hint=table_hint)
    return cloud, own_identity, storage, table_name


def _service_principal(env: Environment) -> ServicePrincipal:
    """Return the service principal; note when not exactly one of _CREDENTIAL_SETTINGS is set."""
    tenant_id = env.guid("AZURE_TENANT_ID", hint="give the id of the publisher's tenant")
    client_id = env.guid("AZURE_CLIENT_ID", hint="give the application (client) id of the publisher's registration")
    given = [name for name in _CREDENTIAL_SETTINGS if env.has(name)]
    if not given:
        env.problem("AZURE_CLIENT_SECRET", f"is not set; set exactly one of {', '.join(_CREDENTIAL_SETTINGS)}")
    elif len(given) > 1:
        env.problem(given[0], f"is set together with {' and '.join(given[1:])}; keep exactly one of them")
    certificate_path = env.text("AZURE_CLIENT_CERTIFICATE_PATH", "")
    if certificate_path and not Path(certificate_path).is_file():
        env.problem("AZURE_CLIENT_CERTIFICATE_PATH", "names no readable file; give the path of a PEM or PKCS12 file")
    federated_hint = "give the client id of the user-assigned identity that the registration trusts"
    federated = env.guid("PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID", hint=federated_hint, required=False)
    password = "AZURE_CLIENT_CERTIFICATE_PASSWORD"  # noqa: S105 - the name of a setting
    return ServicePrincipal(
        tenant_id,
        client_id,
        secret=env.secret("AZURE_CLIENT_SECRET") if env.has("AZURE_CLIENT_SECRET") else None,
        certificate=_certificate(env),
        certificate_path=certificate_path or None,
        certificate_password=env.secret(password) if env.has(password) else None,
        federated_identity_client_id=federated or None,
    )


def _certificate(env: Environment) -> bytes | None:
    """Return the certificate in the setting: PEM or base64 of PKCS12, as a Key Vault reference gives it."""
    name = "AZURE_CLIENT_CERTIFICATE"
    if not env.has(name):
        return None
    value = env.text(name)
    if value.startswith("-----BEGIN"):
        return value.encode()
    try:
        return base64.b64decode("".join(value.split()), validate=True) or None
    except ValueError:
        env.problem(name, "is neither PEM nor base64; give the certificate with its private key, not a path")
        return None


def _signatures(env: Environment) -> tuple[str, ...]:
    """Return the one or two valid signatures; note any that is short or has white space."""
    name = "NOTIFICATION_SIGNATURE"
    value = env.text(name, hint="set the secret that the registered notification URL carries as sig")
    signatures = tuple(value.split(","))
    if not value:
        return ()
    if len(signatures) > 2:  # noqa: PLR2004
        env.problem(name, "has more than two values; give one, or the old and the new one with a comma between")
    elif any(len(signature) < SHORTEST_SIGNATURE for signature in signatures):
        env.problem(
            name, f"has a value of fewer than {SHORTEST_SIGNATURE} characters; make one with `openssl rand -hex 32`"
        )
    elif any(character.isspace() for character in value):
        env.problem(name, "contains white space; remove it")
    return signatures


def _interval(env: Environment) -> timedelta:
    name = "COLLECTION_SCHEDULE"
    try:
        return longest_interval(env.text(name, HOURLY) or HOURLY)
    except UnknownInterval as problem:
        env.problem(name, f"does not say how often the collector runs: {problem}; {HOURLY} is every hour, for example")
        return timedelta(hours=1)


def _canary(env: Environment) -> str:
    name = "CANARY_APPLICATION_ID"
    value = env.text(name, "")
    try:
        return str(ApplicationId.parse(value)) if value else ""
    except InvalidResourceId as problem:
        env.problem(name, f"is {problem}; give the resource id of the application that is broken on purpose")
        return ""


def _secret_expires_at(env: Environment) -> datetime | None:
    name = "AZURE_CLIENT_SECRET_EXPIRES_ON"
    value = env.text(name, "")
    try:
        moment = datetime.fromisoformat(value) if value else None
    except ValueError:
        env.problem(name, "is no date; give the day on which the client secret expires, as in 2027-06-30")
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _choice(env: Environment, name: str, *choices: str) -> str:
    value = env.text(name, choices[0])
    if value not in choices:
        env.problem(name, f"must be {' or '.join(choices)}")
        return choices[0]
    return value
