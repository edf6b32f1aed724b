"""The settings of the compliance API (README, Settings), validated; all problems are reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from publisher.configuration.cloud import Cloud, cloud_from, note_mixed
from publisher.configuration.proxies import note_proxies
from publisher.configuration.resource_settings import AUDIT_RULE_SETTING, endpoint_and_rule_from, streams_from
from publisher.environment import Environment
from publisher.resource_ids import is_guid

PLATFORM_SIGN_IN: Final = "WEBSITE_AUTH_ENABLED"
"""Set by App Service, never by us: whether its authentication (Easy Auth) stands in front of the app."""

API_SETTING_NAMES: Final = (
    "API_CLIENT_ID",
    "API_ALLOWED_CLIENTS",
    "API_CACHE_SECONDS",
    "API_STALE_AFTER_MINUTES",
    AUDIT_RULE_SETTING,
    "LOG_ANALYTICS_WORKSPACE_ID",
    "LOG_ANALYTICS_ENDPOINT",
    "QUERY_MAX_DAYS",
    "QUERY_MAX_ROWS",
    "QUERY_MAX_MEGABYTES",
    "QUERY_MAX_SECONDS",
)
"""Every setting that only the API reads; publisher.settings names those that it shares with the rest."""

_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """Limits of one query of a caller: time span, rows and bytes handed out, seconds of running time."""

    timespan: timedelta
    rows: int
    answer_bytes: int
    seconds: int


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """Which workspace is queried, and with which identity: the user-assigned one named, or the system-assigned."""

    own_identity_client_id: str | None
    workspace_id: str
    query_endpoint: str
    query_audience: str

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "WorkspaceSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        settings = cls(*_workspace(env, cloud_from(env)))
        env.finish()
        return settings


@dataclass(frozen=True, slots=True)
class ApiSettings(WorkspaceSettings):
    """Whom the API answers, which workspace it queries, its limits, and where its audit rows go.

    `data_collection_rule_id` is the rule of the api's own, which takes audit rows and nothing else.
    """

    cloud: Cloud
    data_collection_endpoint: str
    data_collection_rule_id: str
    audit_stream: str
    tenant_id: str
    client_id: str
    allowed_clients: frozenset[str]
    portal: str
    limits: QueryLimits
    cache_lifetime: timedelta
    stale_after: timedelta

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "ApiSettings":
        """Return the settings; raise SettingsError with every problem there is."""
        env = Environment(variables)
        cloud = cloud_from(env)
        client_id = env.guid("API_CLIENT_ID", hint="give the client id of the API's own app registration").lower()
        endpoint, rule_id = endpoint_and_rule_from(env, cloud, AUDIT_RULE_SETTING)
        (audit,) = streams_from(env, "AUDIT_STREAM_NAME")
        settings = cls(
            *_workspace(env, cloud),
            cloud=cloud,
            data_collection_endpoint=endpoint,
            data_collection_rule_id=rule_id,
            audit_stream=audit,
            tenant_id=env.guid("AZURE_TENANT_ID", hint="give the id of the publisher's tenant").lower(),
            client_id=client_id,
            allowed_clients=_clients(env) | {client_id},
            portal=cloud.portal,
            limits=QueryLimits(
                timespan=timedelta(days=env.integer("QUERY_MAX_DAYS", 93, 1, 730)),
                rows=env.integer("QUERY_MAX_ROWS", 5000, 1, 500_000),
                answer_bytes=env.integer("QUERY_MAX_MEGABYTES", 8, 1, 64) * _MEGABYTE,
                # Callers of the older samples wait 60 seconds for an answer.
                seconds=env.integer("QUERY_MAX_SECONDS", 50, 1, 180),
            ),
            cache_lifetime=timedelta(seconds=env.integer("API_CACHE_SECONDS", 60, 0, 3600)),
            stale_after=timedelta(minutes=env.integer("API_STALE_AFTER_MINUTES", 150, 1, 100_000)),
        )
        env.finish()
        return settings


def _workspace(env: Environment, cloud: Cloud) -> tuple[str | None, str, str, str]:
    """Return the fields of WorkspaceSettings, in order."""
    identity = env.guid("MANAGED_IDENTITY_CLIENT_ID", hint="give the client id of the app's identity", required=False)
    hint = "give the workspace id (a GUID), not the resource id"
    workspace_id = env.guid("LOG_ANALYTICS_WORKSPACE_ID", hint=hint).lower()
    return identity or None, workspace_id, _query_endpoint(env, cloud), cloud.log_analytics_endpoint


def _query_endpoint(env: Environment, cloud: Cloud) -> str:
    name = "LOG_ANALYTICS_ENDPOINT"
    endpoint = env.https_url(name, cloud.log_analytics_endpoint, hint="give the query endpoint of your cloud")
    note_mixed(env, cloud, name, endpoint)
    note_proxies(env, endpoint)
    return endpoint


def _clients(env: Environment) -> frozenset[str]:
    name = "API_ALLOWED_CLIENTS"
    clients = [part.strip().lower() for part in env.text(name, "").split(",") if part.strip()]
    if not all(is_guid(client) for client in clients):
        env.problem(name, "is not a list of client ids (GUIDs, no braces) with commas between")
    return frozenset(clients)


def is_behind_sign_in(variables: Mapping[str, str]) -> bool:
    """Tell whether the platform says that its sign-in stands in front of the app; only then is a header believed."""
    return variables.get(PLATFORM_SIGN_IN, "").strip().lower() == "true"
