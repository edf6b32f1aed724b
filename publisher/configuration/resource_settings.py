"""Settings of the Azure resources that the program writes to: the storage account and the data collection rule."""

import re
from dataclasses import dataclass, field
from typing import Final

from publisher.configuration.cloud import Cloud, note_mixed, wrong_service
from publisher.configuration.connection_string import connection_string_from, reaches
from publisher.configuration.proxies import note_proxies
from publisher.environment import Environment

_PLAIN: Final = "AzureWebJobsStorage"
_ACCOUNT: Final = "AzureWebJobsStorage__accountName"
_TABLE_URI: Final = "AzureWebJobsStorage__tableServiceUri"
_QUEUE_URI: Final = "AzureWebJobsStorage__queueServiceUri"
_BLOB_URI: Final = "AzureWebJobsStorage__blobServiceUri"
_CREDENTIAL: Final = "AzureWebJobsStorage__credential"
_CLIENT_ID: Final = "AzureWebJobsStorage__clientId"
STORAGE_SETTING_NAMES: Final = (_PLAIN, _ACCOUNT, _TABLE_URI, _QUEUE_URI, _BLOB_URI, _CREDENTIAL, _CLIENT_ID)

_QUEUE: Final = "NOTIFICATIONS"
QUEUE_SETTING_NAMES: Final = tuple(
    _QUEUE + part for part in ("", "__accountName", "__queueServiceUri", "__credential", "__clientId")
)

_ENDPOINT: Final = "DATA_COLLECTION_ENDPOINT"
_RULE_ID: Final = "DATA_COLLECTION_IMMUTABLE_ID"
AUDIT_RULE_SETTING: Final = "AUDIT_IMMUTABLE_ID"
"""The immutable id of the rule that the api writes audit rows through, and nothing else."""

_DEFAULT_STREAMS: Final = {
    "STREAM_NAME": "Custom-PolicyComplianceStates_CL",
    "RESULTS_STREAM_NAME": "Custom-PolicyCollectionResults_CL",
    "RUNS_STREAM_NAME": "Custom-PolicyCollectionRuns_CL",
    "VERDICTS_STREAM_NAME": "Custom-PolicyVerdicts_CL",
    "EVENTS_STREAM_NAME": "Custom-ManagedApplicationEvents_CL",
    "AUDIT_STREAM_NAME": "Custom-ManagedApplicationAudit_CL",
}
DATA_COLLECTION_SETTING_NAMES: Final = (_ENDPOINT, _RULE_ID, *_DEFAULT_STREAMS)

_ACCOUNT_NAME: Final = re.compile(r"[a-z0-9]{3,24}")
_IMMUTABLE_ID: Final = re.compile(r"dcr-[0-9A-Za-z-]{4,64}")
"""Azure makes 32 hex digits; the prefix alone tells the immutable id from the rule's resource id or name."""
_STREAM_NAME: Final = re.compile(r"Custom-[A-Za-z][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage account: a connection string, or service URIs to reach with a managed identity.

    `identity_client_id` is the client id of that identity, None for the system-assigned one; `queue_service_uri` and
    `blob_service_uri` are None when the settings do not name those services.
    """

    connection_string: str | None = field(default=None, repr=False)
    table_service_uri: str | None = None
    queue_service_uri: str | None = None
    blob_service_uri: str | None = None
    identity_client_id: str | None = None

    @property
    def has_queues(self) -> bool:
        """Whether the settings say where the queue service is."""
        return bool(self.queue_service_uri or (self.connection_string and reaches(self.connection_string, "Queue")))

    @property
    def has_blobs(self) -> bool:
        """Whether the settings say where the blob service is."""
        return bool(self.blob_service_uri or (self.connection_string and reaches(self.connection_string, "Blob")))


def storage_from(env: Environment, *, cloud: Cloud, own_identity_client_id: str | None) -> Storage:
    """Return the storage account by the conventions of Azure Functions; problems are noted in `env`.

    `own_identity_client_id` is the identity that is used when the storage settings name none. The plain
    `AzureWebJobsStorage` wins over its `__` forms, as in the Functions host.
    Source: azure-docs `articles/azure-functions/functions-reference.md`, connections (FACTS 7.5).
    """
    if env.has(_PLAIN):
        return Storage(connection_string=connection_string_from(env, _PLAIN, "Table", cloud))
    if not env.has(_ACCOUNT) and not env.has(_TABLE_URI):
        env.text(_PLAIN, hint=f"set a connection string, or {_ACCOUNT} or {_TABLE_URI} to use a managed identity")
    account = _account(env, _ACCOUNT)
    return Storage(
        table_service_uri=_service_uri(env, _TABLE_URI, cloud, account and f"{account}.table"),
        queue_service_uri=_service_uri(env, _QUEUE_URI, cloud, account and f"{account}.queue") or None,
        blob_service_uri=_service_uri(env, _BLOB_URI, cloud, account and f"{account}.blob") or None,
        identity_client_id=_identity(env, _CREDENTIAL, _CLIENT_ID) or own_identity_client_id,
    )


def queue_from(env: Environment, *, cloud: Cloud, own_identity_client_id: str | None) -> Storage:
    """Return the account of the queue that notifications are sent to, which is the worker's; see `storage_from`.

    Its settings are those of a connection named NOTIFICATIONS.
    """
    plain, account_name, queue_uri, credential, client_id = QUEUE_SETTING_NAMES
    if env.has(plain):
        return Storage(connection_string=connection_string_from(env, plain, "Queue", cloud))
    if not env.has(account_name) and not env.has(queue_uri):
        env.text(queue_uri, hint="give the address of the queue service of the worker's storage account")
    account = _account(env, account_name)
    return Storage(
        queue_service_uri=_service_uri(env, queue_uri, cloud, account and f"{account}.queue") or None,
        identity_client_id=_identity(env, credential, client_id) or own_identity_client_id,
    )


def _account(env: Environment, name: str) -> str:
    return env.matching(name, "", _ACCOUNT_NAME, hint="3 to 24 lower-case letters and digits")


def _identity(env: Environment, credential: str, client_id: str) -> str:
    """Return the client id of the identity that a connection names, "" for none."""
    if env.text(credential, "managedidentity").lower() != "managedidentity":
        env.problem(credential, "must be managedidentity, or left out for the app's own identity")
    return env.guid(client_id, hint="give the client id of the identity", required=False)


def _service_uri(env: Environment, name: str, cloud: Cloud, host: str) -> str:
    """Return the address of a service; without the setting the one of `host`, which lacks the cloud's suffix."""
    default = host and f"https://{host}.{cloud.storage_suffix}"
    uri = env.https_url(name, default, hint="give the https:// address of the service", may_have_path=True)
    note_mixed(env, cloud, name, uri)
    note_proxies(env, uri)
    service = next(one for one in ("queue", "blob", "table") if f"{one}ServiceUri" in name)
    if wrong := wrong_service(uri, service):
        env.problem(name, wrong)
    return uri


def endpoint_and_rule_from(env: Environment, cloud: Cloud, rule_setting: str = _RULE_ID) -> tuple[str, str]:
    """Return the logs ingestion URL and the immutable id of a rule (FACTS 3.1); problems are noted in `env`."""
    endpoint = env.https_url(_ENDPOINT, hint="take the logs ingestion URL of the data collection endpoint or rule")
    note_mixed(env, cloud, _ENDPOINT, endpoint)
    note_proxies(env, endpoint)
    rule_id = env.matching(
        rule_setting,
        None,
        _IMMUTABLE_ID,
        hint="take the immutable id of the data collection rule (dcr- and 32 hex digits), not its resource id",
    )
    return endpoint, rule_id


def streams_from(env: Environment, *names: str) -> list[str]:
    """Return the streams that these settings name, in their order (FACTS 3.6).

    Problems are noted in `env`; it is one of them when two settings name the same stream.
    """
    hint = "it begins with Custom-, then letters, digits, underscores"
    streams = {name: env.matching(name, _DEFAULT_STREAMS[name], _STREAM_NAME, hint=hint) for name in names}
    given = [stream for stream in streams.values() if stream]
    if len(set(given)) < len(given):
        *others, last = names
        env.problem(names[0], f"{', '.join(others)} and {last} must all differ")
    return list(streams.values())
