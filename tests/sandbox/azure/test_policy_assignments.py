"""Policy assignments, definitions and initiatives as Resource Manager answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.world.customers import Access
from sandbox.world.policies import BASELINE, SECURE_TRANSFER, STORAGE_NETWORK, Assignment

if TYPE_CHECKING:
    from sandbox.local_azure import Sandbox
    from tests.sandbox.conftest import Caller

POLICIES = {"api-version": "2022-06-01"}
ASSIGNMENTS = "/providers/Microsoft.Authorization/policyAssignments"


async def test_a_new_plan_version_can_bring_and_drop_assignments(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    customer.assign(Assignment("new", "New", STORAGE_NETWORK))
    customer.assign(Assignment("not-yet", "Not evaluated yet", SECURE_TRANSFER), evaluated=False)
    customer.unassign("baseline")
    customer.upgrade("2.0.0")
    found = {state["policyAssignmentName"] for state in (await caller.states(customer)).body["value"]}
    assert found == {"secure-transfer", "web-https", "new", "cost-tags", "eu-only"}
    path = f"{customer.managed_resource_group_id}{ASSIGNMENTS}"
    listed = (await caller.arm("GET", path, params={**POLICIES, "$filter": "atExactScope()"})).body["value"]
    assert [one["name"] for one in listed] == ["secure-transfer", "web-https", "new", "not-yet"]


async def test_assignments_are_listed_with_those_above_and_inside(sandbox: Sandbox, caller: Caller) -> None:
    inner = Assignment("inner", "On one account", SECURE_TRANSFER, "")
    customer = sandbox.arm.add_customer("Contoso", assignments=(inner,))
    storage = f"{customer.managed_resource_group_id}/providers/Microsoft.Storage/storageAccounts/storage1"
    customer.assignments += (Assignment("deep", "Inside", STORAGE_NETWORK, storage),)

    async def names(text: str | None) -> list[str]:
        query = POLICIES | ({"$filter": text} if text else {})
        answer = await caller.arm("GET", customer.managed_resource_group_id + ASSIGNMENTS, params=query)
        return [one["name"] for one in answer.body["value"]]

    assert await names(None) == ["inner", "deep", "cost-tags", "eu-only"]
    assert await names("atScope()") == ["inner", "cost-tags", "eu-only"]
    assert await names("atExactScope()") == ["inner"]
    customer.revoke_access(Access.ASSIGNMENTS)
    assert await names(None) == []


async def test_definitions_have_display_names(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    listed = await caller.arm("GET", f"{customer.managed_resource_group_id}{ASSIGNMENTS}/baseline", params=POLICIES)
    assert listed.body["properties"]["policyDefinitionId"] == BASELINE.id
    initiative = (await caller.arm("GET", BASELINE.id, params=POLICIES)).body
    assert initiative["properties"]["displayName"] == BASELINE.display_name
    member = initiative["properties"]["policyDefinitions"][0]["policyDefinitionId"]
    assert (await caller.arm("GET", member, params=POLICIES)).body["properties"]["displayName"]
    own = f"/subscriptions/{customer.subscription_id}/providers/Microsoft.Authorization/policyDefinitions/own"
    assert (await caller.arm("GET", own, params=POLICIES)).status == 403
    missing = "/providers/Microsoft.Authorization/policyDefinitions/missing"
    assert (await caller.arm("GET", missing, params=POLICIES)).status == 404


async def test_an_assignment_has_what_its_api_version_has(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    customer.disable("baseline", by_override=True)
    path = f"{customer.managed_resource_group_id}{ASSIGNMENTS}/baseline"

    async def properties(version: str) -> set[str]:
        body = (await caller.arm("GET", path, params={"api-version": version})).body
        assert body["systemData"]["lastModifiedAt"] == body["properties"]["metadata"]["updatedOn"]
        return set(body["properties"])

    usual = await properties("2021-06-01")
    assert usual == {
        "displayName",
        "policyDefinitionId",
        "scope",
        "notScopes",
        "parameters",
        "enforcementMode",
        "metadata",
    }
    assert await properties("2022-06-01") - usual == {"overrides"}
    assert await properties("2025-01-01") - usual == {"overrides", "definitionVersion"}


async def test_an_assignment_is_found_where_it_stands_and_nowhere_else(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    storage = f"{customer.managed_resource_group_id}/providers/Microsoft.Storage/storageAccounts/storage1"
    customer.assign(Assignment("deep", "Inside", STORAGE_NETWORK, storage))
    assert (await caller.arm("GET", f"{storage}{ASSIGNMENTS}/deep", params=POLICIES)).body["name"] == "deep"
    elsewhere = await caller.arm("GET", f"{customer.managed_resource_group_id}{ASSIGNMENTS}/deep", params=POLICIES)
    assert (elsewhere.status, elsewhere.code) == (404, "PolicyAssignmentNotFound")
    customer.revoke_access(Access.ASSIGNMENTS)
    refused = await caller.arm("GET", f"{storage}{ASSIGNMENTS}/deep", params=POLICIES)
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
