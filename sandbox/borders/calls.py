"""The calls that somebody who has broken into an app tries (sandbox/borders/probe.py): a few of every service."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from sandbox.environment import AUDIT_RULE_ID, RULE_ID, WORKSPACE_ID
from sandbox.roles import APPS, accounts_of
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.installation import Installation
    from sandbox.local_azure import Sandbox
    from sandbox.world.customers import Customer

_JSON: Final = {"Content-Type": "application/json"}
_STORAGE: Final = {"x-ms-version": "2021-12-02"}
_TABLES: Final = _STORAGE | {"Accept": "application/json;odata=nometadata", "DataServiceVersion": "3.0;NetFx"} | _JSON
_MESSAGE: Final = b"<QueueMessage><MessageText>bm8gbm90aWZpY2F0aW9u</MessageText></QueueMessage>"
"""Its text says "no notification", in base64."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be broken into: the services' addresses, the apps' storage accounts, and a customer."""

    urls: Mapping[Service, str]
    accounts: Mapping[str, str]
    customer: Customer
    api_url: str | None = None

    @classmethod
    def of(cls, sandbox: Sandbox, customer: Customer) -> Target:
        """Return the target that a sandbox is."""
        accounts = {role.value: accounts_of(sandbox.storage.number)[role].name for role in APPS}
        return cls({service: sandbox.url(service) for service in Service}, accounts, customer)

    @classmethod
    def installed(cls, installation: Installation, customer: Customer) -> Target:
        """Return the target that an installation is: its API is one more service."""
        azure = cls.of(installation.sandbox, customer)
        return cls(azure.urls, azure.accounts, customer, installation.front_door.url)


@dataclass(frozen=True, slots=True)
class Call:
    """One request without its token: where (in words), what it would do, and how it is made."""

    place: str
    what: str
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def calls(target: Target) -> Iterator[Call]:
    """Yield every call."""
    yield from _resource_manager(target)
    yield from _workspace(target)
    for role, account in target.accounts.items():
        yield from _blobs(f"Blobs of the {role}", f"{target.urls[Service.BLOBS]}/{account}")
        yield from _queues(f"Queues of the {role}", f"{target.urls[Service.QUEUES]}/{account}")
        yield from _tables(f"Tables of the {role}", f"{target.urls[Service.TABLES]}/{account}")
    if target.api_url is not None:
        yield Call("API", "ask for the fleet", "GET", f"{target.api_url}/api/compliance")


def _resource_manager(target: Target) -> Iterator[Call]:
    base, place = target.urls[Service.RESOURCE_MANAGER], "Resource Manager"
    application, group = target.customer.application_id, target.customer.managed_resource_group_id
    subscription = f"/subscriptions/{target.customer.subscription_id}/providers/Microsoft.Solutions/applications"
    states = f"{group}/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults"
    yield Call(place, "read an application", "GET", f"{base}{application}?api-version=2021-07-01")
    yield Call(place, "list applications", "GET", f"{base}{subscription}?api-version=2021-07-01")
    yield Call(place, "read a managed group", "GET", f"{base}{group}?api-version=2021-04-01")
    yield Call(place, "read policy states", "POST", f"{base}{states}?api-version=2019-10-01", _JSON, b"")


def _workspace(target: Target) -> Iterator[Call]:
    rule = f"{target.urls[Service.LOGS_INGESTION]}/dataCollectionRules/{RULE_ID}"
    row = {"TimeGenerated": dt.datetime.now(dt.UTC), "Registry_action": "Probed"}
    yield Call(
        "Logs ingestion",
        "write rows",
        "POST",
        f"{rule}/streams/Custom-ManagedApplicationEvents_CL?api-version=2023-01-01",
        _JSON,
        orjson.dumps([row]),
    )
    yield Call(
        "Logs ingestion",
        "write audit rows as the api",
        "POST",
        f"{target.urls[Service.LOGS_INGESTION]}/dataCollectionRules/{AUDIT_RULE_ID}"
        "/streams/Custom-ManagedApplicationAudit_CL?api-version=2023-01-01",
        _JSON,
        orjson.dumps([{"TimeGenerated": row["TimeGenerated"], "Writer": "worker", "Kind": "probed"}]),
    )
    yield Call(
        "Log Analytics",
        "read the audit table",
        "POST",
        f"{target.urls[Service.LOG_ANALYTICS]}/v1/workspaces/{WORKSPACE_ID}/query",
        _JSON,
        orjson.dumps({"query": "ManagedApplicationAudit_CL | take 1"}),
    )
    yield Call(
        "Log Analytics",
        "query the tables",
        "POST",
        f"{target.urls[Service.LOG_ANALYTICS]}/v1/workspaces/{WORKSPACE_ID}/query",
        _JSON,
        orjson.dumps({"query": "PolicyVerdicts_CL | take 1"}),
    )


def _blobs(place: str, account: str) -> Iterator[Call]:
    put = _STORAGE | {"x-ms-blob-type": "BlockBlob"}
    yield Call(place, "list containers", "GET", f"{account}?comp=list", _STORAGE)
    yield Call(place, "make a container", "PUT", f"{account}/probed?restype=container", _STORAGE)
    yield Call(place, "write a blob", "PUT", f"{account}/probed/package.zip", put, b"PK")
    yield Call(place, "read a blob", "GET", f"{account}/probed/package.zip", _STORAGE)


def _queues(place: str, account: str) -> Iterator[Call]:
    yield Call(place, "list queues", "GET", f"{account}?comp=list", _STORAGE)
    yield Call(place, "make a queue", "PUT", f"{account}/probed", _STORAGE)
    yield Call(place, "look into a queue", "GET", f"{account}/notifications?comp=metadata", _STORAGE)
    yield Call(place, "send to notifications", "POST", f"{account}/notifications/messages", _STORAGE, _MESSAGE)
    yield Call(place, "peek into notifications", "GET", f"{account}/notifications/messages?peekonly=true", _STORAGE)
    taken = f"{account}/notifications/messages?visibilitytimeout=1"
    yield Call(place, "take from notifications", "GET", taken, _STORAGE)
    yield Call(place, "empty another queue", "DELETE", f"{account}/probed/messages", _STORAGE)
    yield Call(place, "send to another queue", "POST", f"{account}/probed/messages", _STORAGE, _MESSAGE)


def _tables(place: str, account: str) -> Iterator[Call]:
    entity = orjson.dumps({"PartitionKey": "p", "RowKey": "r"})
    yield Call(place, "list tables", "GET", f"{account}/Tables", _TABLES)
    yield Call(place, "make a table", "POST", f"{account}/Tables", _TABLES, orjson.dumps({"TableName": "probed"}))
    yield Call(place, "read the registry", "GET", f"{account}/applications()", _TABLES)
    yield Call(place, "write an entity", "POST", f"{account}/probed", _TABLES, entity)
