"""A resource is gone when the group's list lacks it and ARM says so by its id; anything else proves nothing."""

from __future__ import annotations

import pytest

from publisher.resource_ids import ResourceGroupId
from publisher.resource_manager import ResourceManager
from sandbox.faults.effects import Body, Status, empty, html
from sandbox.faults.operations import ResourceList, ResourceRead
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import DEFAULT_RESOURCES, Customer, Resource
from tests.verdicts.guard.conftest import soon
from verdicts.guard.gone import proven_gone

SLOT = Resource("web/staging", "Microsoft.Web/sites/slots")


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso", resources=(*DEFAULT_RESOURCES, SLOT))


def resource(customer: Customer, name: str) -> str:
    (found,) = [one.id(customer.managed_resource_group_id) for one in (*DEFAULT_RESOURCES, SLOT) if one.name == name]
    return found.lower()


async def gone(arm: ResourceManager, customer: Customer, *resources: str, seconds: float = 10) -> set[str]:
    group = ResourceGroupId.parse(customer.managed_resource_group_id)
    return set(await proven_gone(arm, group, resources, deadline=soon(seconds)))


def refused(code: str, message: str, status: int = 400) -> Status:
    return Status(status, code=code, message=message)


def gets(sandbox: Sandbox) -> list[str]:
    requests = sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="/providers/")
    return [one.path.lower() for one in requests if one.method == "GET"]


async def test_a_deleted_resource_is_gone_and_its_neighbour_is_not_even_asked_for(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    storage, vault = resource(customer, "storage1"), resource(customer, "vault")
    customer.remove_resource("storage1")
    assert await gone(arm, customer, storage, vault) == {storage}
    assert set(gets(sandbox)) == {storage}


async def test_a_child_goes_with_its_parent_and_one_question_is_enough(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    web, slot = resource(customer, "web"), resource(customer, "web/staging")
    setting = f"{web}/providers/microsoft.insights/diagnosticsettings/logs"
    customer.remove_resource("web")
    assert await gone(arm, customer, web, slot, setting) == {web, slot, setting}
    assert set(gets(sandbox)) == {web}


async def test_a_child_of_a_living_parent_is_asked_for_itself(arm: ResourceManager, customer: Customer) -> None:
    slot = resource(customer, "web/staging")
    assert await gone(arm, customer, slot) == set()
    customer.remove_resource("web/staging")
    assert await gone(arm, customer, slot, resource(customer, "web")) == {slot}


async def test_the_group_and_what_is_elsewhere_are_never_gone(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    group = customer.managed_resource_group_id.lower()
    elsewhere = f"{group}-2/providers/microsoft.storage/storageaccounts/storage9"
    odd = (group, f"{group}/", f"{group}/providers/x", f"{group}/providers/a//b", "", elsewhere)
    assert await gone(arm, customer, *odd) == set()
    assert gets(sandbox) == []


async def test_the_api_version_of_a_type_is_learned_once_from_arms_refusal(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    first, second = resource(customer, "storage1"), resource(customer, "storage2")
    customer.remove_resource("storage1")
    assert await gone(arm, customer, first) == {first}
    versions = [one.query["api-version"] for one in sandbox.requests.of(Service.RESOURCE_MANAGER, path_part=first)]
    assert versions == ["2021-04-01", "2024-01-01"], "the newest stable version that the message lists"
    customer.remove_resource("storage2")
    assert await gone(arm, customer, first, second) == {first, second}


@pytest.mark.parametrize(
    ("refusal", "is_asked_again"),
    [
        (refused("NoRegisteredProviderFound", "The supported api-versions are '2020-06-01, 2022-09-01, 2024-…"), True),
        (refused("InvalidResourceType", "For '2021-04-01'. Supported api-versions are '2015-07-01'.", 404), True),
        (refused("InvalidApiVersionParameter", "The versions are '2024-06-01-preview,2020-07-01-preview'."), True),
        (refused("NoRegisteredProviderFound", "No version is listed, 2024-01-01 neither"), False),
        (refused("NoRegisteredProviderFound", "API version '2021-04-01' for type 'x'."), False),
        (refused("InvalidResourceNamespace", "The namespace 'x' is invalid, not '2020-01-01'.", 404), False),
        (refused("BadRequest", "Since '2020-01-01' nothing works."), False),
    ],
)
async def test_which_refusals_lead_to_a_second_question(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, refusal: Status, is_asked_again: bool
) -> None:
    storage = resource(customer, "storage1")
    customer.remove_resource("storage1")
    sandbox.faults.add(ResourceRead(), refusal, times=1)
    sandbox.faults.add(ResourceRead(), Status(404, code="ResourceNotFound"), after=1)
    assert await gone(arm, customer, storage) == ({storage} if is_asked_again else set())


@pytest.mark.parametrize(
    "fault",
    [
        html(404),
        empty(404),
        Status(404, code="ResourceGroupNotFound"),
        Status(404, code="ParentResourceNotFound"),
        Status(404, code="SubscriptionNotFound"),
        Status(404, code="InvalidResourceNamespace"),
        Status(400, code="ResourceNotFound"),
        Status(403),
        Status(401, code="InvalidAuthenticationTokenTenant"),
        Status(409),
        Status(500),
        Body(b"{}"),
    ],
)
async def test_anything_but_resource_not_found_proves_nothing(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, fault: Status | Body
) -> None:
    customer.remove_resource("storage1")
    sandbox.faults.add(ResourceRead(), fault)
    assert await gone(arm, customer, resource(customer, "storage1"), seconds=1) == set()


@pytest.mark.parametrize("fault", [html(404), Status(403), Status(500), Body(b"{}"), Body(b'{"value": {}}')])
async def test_without_the_list_nothing_is_gone(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, fault: Status | Body
) -> None:
    customer.remove_resource("storage1")
    sandbox.faults.add(ResourceList(), fault)
    assert await gone(arm, customer, resource(customer, "storage1"), seconds=1) == set()
    assert gets(sandbox) == []


async def test_a_list_that_lacks_what_lives_proves_nothing(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    sandbox.faults.add(ResourceList(), Body(b'{"value": []}'))
    assert await gone(arm, customer, resource(customer, "storage1"), resource(customer, "web/staging")) == set()


async def test_a_group_that_is_gone_proves_nothing(arm: ResourceManager, customer: Customer) -> None:
    customer.delete()
    assert await gone(arm, customer, resource(customer, "storage1")) == set()


async def test_a_run_asks_a_hundred_times_at_most_and_the_next_ones_prove_the_rest(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    prefix = f"{customer.managed_resource_group_id}/providers/microsoft.storage/storageaccounts".lower()
    waiting = {f"{prefix}/lost{number}" for number in range(150)}
    proven = await gone(arm, customer, *waiting)
    assert len(gets(sandbox)) == 100
    assert 90 <= len(proven) < 100
    for _ in range(8):
        waiting -= await gone(arm, customer, *waiting)
    assert waiting == set()
