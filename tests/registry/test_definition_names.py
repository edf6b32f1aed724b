"""Names of rules: asked for once, kept in the row, and never worth a failure."""

from __future__ import annotations

import json
import time

import pytest

from publisher.resource_ids import ApplicationId
from publisher.resource_manager import ResourceManager
from registry.managed_application import ManagedApplication
from registry.policies.definition_names import DefinitionNames
from registry.policies.stored_assignments import definition_names_in, definition_names_text
from registry.refresh import Refresher
from registry.registry import Registry
from registry.rows import is_tombstone
from sandbox.azure.request_log import LoggedRequest
from sandbox.faults.effects import Body, Status, html
from sandbox.faults.operations import DefinitionRead
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer
from sandbox.world.policies import BASELINE

MEMBERS = {member.id.lower(): member.display_name for _, member in BASELINE.members}


def soon() -> float:
    return time.monotonic() + 20


def reads_of_members(sandbox: Sandbox) -> list[LoggedRequest]:
    requests = sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="/policyDefinitions/")
    return [request for request in requests if request.path.lower() in MEMBERS]


async def names_of_members(arm: ResourceManager, names: DefinitionNames, **already: str) -> dict[str, str]:
    return await names.of_members(arm, [(BASELINE.id, "")], already=already, deadline=soon())


async def test_the_rules_inside_an_initiative_are_named_once(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    names = DefinitionNames()
    for _ in range(2):
        assert await names_of_members(arm, names) == MEMBERS
    assert len(reads_of_members(sandbox)) == len(MEMBERS)


async def test_names_that_are_known_are_not_asked_for(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    known = dict.fromkeys(MEMBERS, "known")
    found = await DefinitionNames().of_members(arm, [(BASELINE.id, "")], already=known, deadline=soon())
    assert found == known
    assert reads_of_members(sandbox) == []


@pytest.mark.parametrize("fault", [Status(403), Status(404), Status(400), Body(b"[]"), html()])
async def test_names_that_cannot_be_read_are_left_out(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, fault: Status | Body
) -> None:
    sandbox.faults.add(DefinitionRead(), fault)
    found = await DefinitionNames().of_members(arm, [(BASELINE.id, "")], already={}, deadline=time.monotonic() + 1)
    assert found == {}


async def test_a_definition_that_cannot_be_read_disables_nothing_and_is_asked_for_again(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    names = DefinitionNames()
    half = {"policyRule": {"then": {"effect": "Disabled"}}, "policyDefinitions": [None, {"policyDefinitionId": "/x"}]}
    for odd in ({}, {"properties": None}, {"properties": [1]}, {"properties": half}):
        sandbox.faults.add(DefinitionRead(), Body(json.dumps(odd).encode()))
        assert (await names.definition(arm, BASELINE.id, deadline=soon())).effects == ()
        sandbox.faults.clear()
    assert len((await names.definition(arm, BASELINE.id, deadline=soon())).effects) > 1


@pytest.mark.parametrize(
    "body", [b'{"properties": {"policyDefinitions": 1}}', b'{"properties": {"policyDefinitions": [1]}}']
)
async def test_an_initiative_that_makes_no_sense_has_no_rules(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, body: bytes
) -> None:
    sandbox.faults.add(DefinitionRead(), Body(body))
    assert await names_of_members(arm, DefinitionNames()) == {}


class TestRows:
    async def stored(self, registry: Registry) -> ManagedApplication:
        (found,) = [item async for item in registry.applications()]
        assert isinstance(found, ManagedApplication)
        return found

    async def test_a_row_keeps_the_names(self, refresher: Refresher, registry: Registry, customer: Customer) -> None:
        await refresher.refresh(ApplicationId.parse(customer.application_id), deadline=soon())
        assert dict((await self.stored(registry)).definition_names) == MEMBERS

    async def test_names_that_were_known_survive_what_cannot_be_read_now(
        self, sandbox: Sandbox, refresher: Refresher, registry: Registry, customer: Customer
    ) -> None:
        identity = ApplicationId.parse(customer.application_id)
        await refresher.refresh(identity, deadline=soon())
        sandbox.faults.add(DefinitionRead(), Status(403))
        stranger = Refresher(refresher.arm, registry, refresher.ownership, DefinitionNames())
        await stranger.reconcile(identity, deadline=soon())
        assert dict((await self.stored(registry)).definition_names) == MEMBERS

    async def test_a_tombstone_keeps_none(self, refresher: Refresher, registry: Registry, customer: Customer) -> None:
        identity = ApplicationId.parse(customer.application_id)
        await refresher.refresh(identity, deadline=soon())
        customer.provisioning_state = "Deleted"
        await refresher.reconcile(identity, deadline=soon())
        row = await registry.find(identity)
        assert row
        assert is_tombstone(row)
        assert "definition_names" not in row.properties


class TestTexts:
    def test_built_in_and_other_ids_come_back(self) -> None:
        names = (("/providers/microsoft.authorization/policydefinitions/one", "One ß"), ("/subscriptions/x/two", "Two"))
        assert definition_names_in(definition_names_text(names)) == names
        assert "providers" not in definition_names_text(names[:1])

    @pytest.mark.parametrize("text", [None, 1, "", "[]", "{", '{"a": 1}'])
    def test_anything_else_is_no_name(self, text: object) -> None:
        assert definition_names_in(text) == ()

    def test_what_does_not_fit_into_a_property_is_left_out(self) -> None:
        names = tuple((f"/providers/microsoft.authorization/policydefinitions/{n}", "😀" * 100) for n in range(1000))
        text = definition_names_text(names)
        kept = definition_names_in(text)
        assert 100 < len(kept) < 1000
        assert kept == names[: len(kept)]
        assert 31_000 < len(text.encode("utf-16-le")) // 2 <= 32_000
