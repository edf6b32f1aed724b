"""Builds the answers of the benchmark's server for a workload: pages of policy states and of the registry's table."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from base64 import b64encode
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from bench.standing_still import facts_of
from bench.workloads import VIOLATIONS
from publisher.resource_ids import ApplicationId, ResourceGroupId
from registry.managed_application import ExpectedAssignment, ManagedApplication, Posture
from registry.rows import properties_of
from sandbox.azure.policy_assignments import LONG_AGO
from sandbox.world.policies import KEY_VAULT, PLAN_ASSIGNMENTS, STORAGE, WEB_APP, Assignment, PolicyDefinition
from sandbox.world.state_documents import Resource, policy_state
from verdicts.stored.application_rows import properties_of as stored_properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bench.workloads import Workload

_SUBSCRIPTION: Final = "5b5e0000-5b5e-5b5e-5b5e-5b5e00000000"
_GROUP: Final = "mrg-customer-5b5e5"
_GROUP_ID: Final = f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/{_GROUP}"
CHANGING_ASSIGNMENT: Final = "baseline"
_REGISTRY_PAGE: Final = 1000
_TYPES: Final = (STORAGE, KEY_VAULT, WEB_APP, "Microsoft.Compute/virtualMachines", "Microsoft.Sql/servers/databases")
_LOCATIONS: Final = ("westeurope", "northeurope", "swedencentral")


class Answers:
    """The answers for one workload. The same states for every customer, with the customer's ids in them."""

    def __init__(self, workload: Workload, endpoint: str) -> None:
        self.workload = workload
        self._endpoint = endpoint
        self.reconciled(None)

    def reconciled(self, read_at: dt.datetime | None) -> None:
        """Say in the registry when the assignments of every application could last be read."""
        entities = (_entity(number, read_at) for number in range(self.workload.applications))
        # Table storage sorts by the keys.
        self._entities = [json.dumps(one).encode() for one in sorted(entities, key=itemgetter("PartitionKey"))]

    def page(self, path: str, query: str) -> bytes:
        """Return one page of policy states for the resource group in ``path``; ``$select`` is honoured."""
        _, _, subscription, _, group = path.split("/", 5)[:5]
        parameters = _parameters(query)
        offset, chosen = int(parameters.get("$skiptoken", "0").partition(".")[0]), parameters.get("$select", "")
        chosen = chosen or unquote(parameters.get("$skiptoken", "").partition(".")[2])
        count = min(self.workload.page_size, self.workload.states - offset)
        link = None
        if offset + count < self.workload.states:
            link = f"{self._endpoint}{path}?api-version=2019-10-01&$skiptoken={offset + count}.{chosen}"
        return page_of(count, link, _states(offset, count, chosen), subscription=subscription, group=group)

    def registry(self, query: str) -> bytes:
        """Return one page of the registry's table; ``$top`` is honoured."""
        parameters = _parameters(query)
        first, size = int(parameters.get("NextPartitionKey", "0")), int(parameters.get("$top", _REGISTRY_PAGE))
        rows = self._entities[first : first + size]
        content = b"".join((b'{"value":[', b",".join(rows), b"]}"))
        following = first + len(rows)
        more = f"x-ms-continuation-NextPartitionKey: {following}\r\n" if following < len(self._entities) else ""
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json;odata=minimalmetadata\r\nx-ms-version: 2019-02-02\r\n"
            f"{more}Content-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


def page_of(count: int, link: str | None, states: bytes, *, subscription: str, group: str) -> bytes:
    """Return a page of states as Azure answers it, in which they are those of a customer's resource group."""
    head = f'{{"@odata.count":{count},"@odata.nextLink":{json.dumps(link)},"value":'
    owned = states.replace(_SUBSCRIPTION.encode(), subscription.encode()).replace(_GROUP.encode(), group.encode())
    return b"".join((head.encode(), owned, b"}"))


def remembered(workload: Workload) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the ledger's rows of a fleet, each after its keys, as its first run leaves them."""
    first = registered(0)
    states = json.loads(
        _states(0, workload.states, "")
        .replace(_SUBSCRIPTION.encode(), first.application_id.subscription_id.encode())
        .replace(_GROUP.encode(), first.managed_resource_group_id.resource_group.encode())
    )
    applications = map(registered, range(workload.applications))
    # The registry's rows have no name that an operator gave, so the customer is called by the subscription.
    known = (replace(one, customer_name=one.application_id.subscription_id) for one in applications)
    for facts in facts_of(known, states):
        identity = ApplicationId.parse(facts.application_id)
        yield identity.partition_key, identity.row_key, _as_odata(stored_properties(facts))


def _parameters(query: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in unquote(query).split("&"))


def _entity(number: int, read_at: dt.datetime | None) -> dict[str, Any]:
    application = replace(registered(number), assignments_read_at=read_at)
    identity = application.application_id
    return {
        "odata.etag": "W/\"datetime'2026-01-01T00%3A00%3A00.0000000Z'\"",
        "PartitionKey": identity.partition_key,
        "RowKey": identity.row_key,
        "Timestamp": "2026-01-01T00:00:00.0000000Z",
        **_as_odata(properties_of(application, None)),
    }


def _as_odata(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties as Table storage sends them: bytes in base64, with their type."""
    sent: dict[str, Any] = {}
    for name, value in properties.items():
        if isinstance(value, bytes):
            sent |= {f"{name}@odata.type": "Edm.Binary", name: b64encode(value).decode()}
        else:
            sent[name] = value
    return sent


def registered(number: int) -> ManagedApplication:
    """Return the customer with this number as the registry knows it."""
    subscription = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
    group = ResourceGroupId(subscription, f"mrg-customer-{number:05}")
    return ManagedApplication(
        application_id=ApplicationId(subscription, f"rg-customer-{number:05}", "secure-analytics"),
        managed_resource_group_id=group,
        customer_name=f"Customer {number}",
        plan_name="standard",
        plan_version="1.0.0",
        assignments=tuple(
            ExpectedAssignment(
                f"{group}{one.id}",
                one.display_name,
                one.definition.id,
                one.definition.display_name,
                Posture("1.*.*", disabled=(), references=len(one.references), changed_at=LONG_AGO),
            )
            for one in PLAN_ASSIGNMENTS
        ),
    )


@lru_cache(maxsize=256)
def _states(offset: int, count: int, select: str) -> bytes:
    """Return states of which every tenth is not compliant."""
    now = dt.datetime.now(dt.UTC)
    documents = (
        state_document(
            number,
            is_compliant=number % 10 != 0,
            evaluated_at=now - dt.timedelta(hours=3, seconds=number * 7919 % 5400),
        )
        for number in range(offset, offset + count)
    )
    return encoded_states(documents, select)


def encoded_states(documents: Iterable[dict[str, Any]], select: str) -> bytes:
    """Return states as the JSON array of an answer, with the fields that a query selects, or all."""
    fields = set(select.split(",")) if select else None
    return json.dumps(
        [{name: value for name, value in one.items() if not fields or name in fields} for one in documents],
        separators=(",", ":"),
    ).encode()


def states_that_change(states: int) -> frozenset[int]:
    """Return the numbers of VIOLATIONS states of one assignment, each policy of it on every resource in turn."""
    policies = [number for number, (assignment, *_) in enumerate(POLICIES) if assignment.name == CHANGING_ASSIGNMENT]
    numbers = (number for policy in policies for number in range(policy, states, len(POLICIES)))
    return frozenset(islice(numbers, VIOLATIONS))


def state_document(number: int, *, is_compliant: bool, evaluated_at: dt.datetime) -> dict[str, Any]:
    """Return one state: POLICIES in turn on each resource."""
    resource, policy = divmod(number, len(POLICIES))
    assignment, reference, definition = POLICIES[policy]
    kind = _TYPES[resource % len(_TYPES)]
    return policy_state(
        resource_group_id=_GROUP_ID,
        resource=Resource(_name(kind, resource), kind, _LOCATIONS[resource % 3]),
        assignment=assignment,
        reference_id=reference,
        definition=definition,
        compliance="Compliant" if is_compliant else "NonCompliant",
        evaluated_at=evaluated_at,
        variant=policy,
    )


def _name(kind: str, number: int) -> str:
    """Return a resource's name, with a part for each part of its type."""
    return "/".join(f"{part.lower()}{number:05}" for part in kind.split("/")[1:])


def _policies() -> Iterator[tuple[Assignment, str | None, PolicyDefinition]]:
    for one in PLAN_ASSIGNMENTS:
        assignment = Assignment(one.name, one.display_name, one.definition, _GROUP_ID)
        for reference, definition in assignment.references:
            for copy in range(5):
                # A state is one of its kind: where there is no reference to tell copies apart, the definition does.
                own = definition if reference else replace(definition, name=f"{definition.name[:-1]}{copy}")
                yield assignment, reference and f"{reference}{copy}", own


POLICIES: Final = tuple(_policies())
"""Each assignment, reference and definition that judges a resource."""
