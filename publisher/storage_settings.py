"""Where the registry lives, by the conventions of the Functions host: a connection string or an identity.

Source: azure-docs `articles/azure-functions/functions-reference.md`, connections (FACTS 7.5). The plain
`AzureWebJobsStorage` wins over its `__` forms, as in the host.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from publisher.environment import Environment

_PLAIN: Final = "AzureWebJobsStorage"
_ACCOUNT: Final = "AzureWebJobsStorage__accountName"
_TABLE_URI: Final = "AzureWebJobsStorage__tableServiceUri"
_QUEUE_URI: Final = "AzureWebJobsStorage__queueServiceUri"
_CREDENTIAL: Final = "AzureWebJobsStorage__credential"
_CLIENT_ID: Final = "AzureWebJobsStorage__clientId"
STORAGE_SETTING_NAMES: Final = (_PLAIN, _ACCOUNT, _TABLE_URI, _QUEUE_URI, _CREDENTIAL, _CLIENT_ID)

_ACCOUNT_NAME: Final = re.compile(r"[a-z0-9]{3,24}")


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage account: a connection string, or service URIs to reach with a managed identity.

    `identity_client_id` is the identity for storage when it differs from the app's own; `queue_service_uri` may be
    missing when only the table service was named.
    """

    connection_string: str | None = field(default=None, repr=False)
    table_service_uri: str | None = None
    queue_service_uri: str | None = None
    identity_client_id: str | None = None


def storage_from(env: Environment, suffix: str) -> Storage:
    """Return the storage settings; problems are noted in `env`. `suffix` is the cloud's, such as core.windows.net."""
    if env.has(_PLAIN):
        return Storage(connection_string=_connection_string(env))
    if not env.has(_ACCOUNT) and not env.has(_TABLE_URI):
        env.text(_PLAIN, hint=f"set a connection string, or {_ACCOUNT} or {_TABLE_URI} to use a managed identity")
    account = env.matching(_ACCOUNT, "", _ACCOUNT_NAME, hint="3 to 24 lower-case letters and digits")
    credential = env.text(_CREDENTIAL, "managedidentity")
    if credential.lower() != "managedidentity":
        env.problem(_CREDENTIAL, "must be managedidentity, or left out for the app's own identity")
    hint = "give the https:// address of the service"
    return Storage(
        table_service_uri=env.https_url(_TABLE_URI, _of(account, "table", suffix), hint=hint, may_have_path=True),
        queue_service_uri=env.https_url(_QUEUE_URI, _of(account, "queue", suffix), hint=hint, may_have_path=True)
        or None,
        identity_client_id=env.guid(_CLIENT_ID, hint="give the client id of the identity", required=False) or None,
    )


def _of(account: str, service: str, suffix: str) -> str:
    return f"https://{account}.{service}.{suffix}" if account else ""


def _connection_string(env: Environment) -> str:
    value = env.text(_PLAIN)
    if not value or value.lower() == "usedevelopmentstorage=true":
        return value
    parts = dict(part.partition("=")[::2] for part in value.strip(";").split(";"))
    names = {name.strip().lower() for name, content in parts.items() if content}
    has_key = {"accountname", "accountkey"} <= names
    has_signature = "sharedaccesssignature" in names and bool({"tableendpoint", "accountname"} & names)
    if not (has_key or has_signature):
        env.problem(_PLAIN, "is not a storage connection string (AccountName=…;AccountKey=…)")
        return ""
    return value
