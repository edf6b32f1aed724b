"""Managed applications and their resource groups as Resource Manager answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.services import Service
from sandbox.world.customers import Plan

if TYPE_CHECKING:
    from sandbox.local_azure import Sandbox
    from tests.sandbox.conftest import Caller

APPLICATIONS = {"api-version": "2021-07-01"}


async def test_an_application_is_found_in_any_casing(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso (EU)", resource_group="rg (eu)_ö", plan=Plan(version="2.0.0"))
    for path in (customer.application_id, customer.application_id.upper(), customer.application_id.lower()):
        answer = await caller.arm("GET", path, params=APPLICATIONS)
        assert answer.body["id"] == customer.application_id
        assert answer.body["plan"]["version"] == "2.0.0"
        assert answer.body["properties"]["managedResourceGroupId"] == customer.managed_resource_group_id


async def test_a_service_catalog_application_has_a_definition_and_no_plan(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Fabrikam", kind="ServiceCatalog")
    body = (await caller.arm("GET", customer.application_id, params=APPLICATIONS)).body
    assert body["plan"] is None
    assert body["properties"]["applicationDefinitionId"].endswith("/applicationDefinitions/secure-analytics")


async def test_an_application_that_left_is_not_found(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    customer.start_deleting()
    body = (await caller.arm("GET", customer.application_id, params=APPLICATIONS)).body
    assert body["properties"]["provisioningState"] == "Deleting"
    customer.delete()
    assert (await caller.arm("GET", customer.application_id, params=APPLICATIONS)).code == "ResourceNotFound"
    group = await caller.arm("GET", customer.managed_resource_group_id, params={"api-version": "2021-04-01"})
    assert group.code == "ResourceGroupNotFound"


async def test_applications_are_listed_by_subscription_and_by_group(sandbox: Sandbox, caller: Caller) -> None:
    first = sandbox.arm.add_customer("First")
    second = sandbox.arm.add_customer("Second", subscription_id=first.subscription_id)
    third = sandbox.arm.add_customer("Third", subscription_id=first.subscription_id)
    third.revoke_access()
    everything = f"/subscriptions/{first.subscription_id}/providers/Microsoft.Solutions/applications"
    listed = (await caller.arm("GET", everything, params=APPLICATIONS)).body["value"]
    assert [one["id"] for one in listed] == [first.application_id, second.application_id]
    in_group = second.application_id.rpartition("/")[0]
    listed = (await caller.arm("GET", in_group, params=APPLICATIONS)).body["value"]
    assert [one["id"] for one in listed] == [second.application_id]


async def test_one_application_exists_once(sandbox: Sandbox) -> None:
    sandbox.arm.add_customer("Contoso")
    with pytest.raises(ValueError, match="exists already"):
        sandbox.arm.add_customer("Contoso")


async def test_an_application_can_be_deployed_again_after_its_deletion(sandbox: Sandbox, caller: Caller) -> None:
    first = sandbox.arm.add_customer("Contoso")
    first.delete()
    second = sandbox.arm.add_customer("Contoso", plan=Plan(version="2.0.0"))
    assert second.application_id == first.application_id
    assert (await caller.arm("GET", second.application_id, params=APPLICATIONS)).body["plan"]["version"] == "2.0.0"
    assert sandbox.arm.customers.in_subscription(first.subscription_id) == [second]


async def test_an_application_can_move_and_change_its_managed_group(sandbox: Sandbox, caller: Caller) -> None:
    customer, other = sandbox.arm.add_customer("Contoso"), sandbox.arm.add_customer("Other")
    before = customer.application_id
    sandbox.arm.customers.move(customer, resource_group="rg-new", managed_resource_group="mrg-new")
    assert (await caller.arm("GET", before, params=APPLICATIONS)).status == 404
    body = (await caller.arm("GET", customer.application_id, params=APPLICATIONS)).body
    assert body["properties"]["managedResourceGroupId"].endswith("/mrg-new")
    states = (await caller.states(customer)).body["value"]
    assert all("/mrg-new/" in state["resourceId"].lower() for state in states)
    assert len(customer.owned_states()) == len(other.owned_states())


async def test_the_group_names_the_application_that_manages_it(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    group = await caller.arm("GET", customer.managed_resource_group_id, params={"api-version": "2021-04-01"})
    assert group.body["managedBy"] == customer.application_id


async def test_what_the_sandbox_does_not_know_is_not_implemented(caller: Caller) -> None:
    answer = await caller.arm("PUT", "/subscriptions/x/providers/Microsoft.Compute/disks/y", params=APPLICATIONS)
    assert (answer.status, answer.code) == (501, "NotImplementedInSandbox")


async def test_an_api_version_that_azure_never_had_is_refused(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    answer = await caller.arm("GET", customer.application_id, params={"api-version": "2020-13-01"})
    assert (answer.status, answer.code) == (400, "InvalidResourceType")


async def test_a_throttled_subscription_does_not_slow_another(sandbox: Sandbox, caller: Caller) -> None:
    busy, calm = sandbox.arm.add_customer("Busy"), sandbox.arm.add_customer("Calm")
    sandbox.arm.throttle.limit(capacity=2, refill_per_second=0.01)
    left = [await caller.arm("GET", busy.application_id, params=APPLICATIONS) for _ in range(3)]
    remaining = [answer.headers["x-ms-ratelimit-remaining-subscription-reads"] for answer in left]
    assert ([answer.status for answer in left], remaining) == ([200, 200, 429], ["1", "0", "0"])
    assert int(left[2].headers["Retry-After"]) == 100
    assert (await caller.arm("GET", calm.application_id, params=APPLICATIONS)).status == 200
    assert (sandbox.arm.throttle.allowed, sandbox.arm.throttle.refused) == (3, 1)
    assert sandbox.requests.count(Service.RESOURCE_MANAGER, 429) == 1


async def test_subscriptions_are_listed_in_pages_for_who_may_read_anything_in_them(
    sandbox: Sandbox, caller: Caller
) -> None:
    customers = [sandbox.arm.add_customer(f"Customer {number}") for number in range(5)]
    customers[0].revoke_access()
    sandbox.arm.unlisted_subscriptions = {customers[1].subscription_id}
    sandbox.arm.subscription_states[customers[2].subscription_id] = "Disabled"
    sandbox.arm.list_page_size = 2
    first = await caller.arm("GET", "/subscriptions", params={"api-version": "2022-12-01"})
    following = first.body["nextLink"].removeprefix(sandbox.url(Service.RESOURCE_MANAGER))
    second = await caller.arm("GET", following)
    assert [one["subscriptionId"] for one in first.body["value"]] == [one.subscription_id for one in customers[2:4]]
    assert [one["subscriptionId"] for one in second.body["value"]] == [customers[4].subscription_id]
    assert "nextLink" not in second.body
    assert first.body["value"][0]["state"] == "Disabled"
    strange = await caller.arm("GET", "/subscriptions?api-version=2022-12-01&$skiptoken=x")
    assert (strange.status, strange.code) == (400, "InvalidSkipToken")
