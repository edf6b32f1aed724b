"""A managed resource group's resources, exemptions and permissions as Resource Manager answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.world.customers import DEFAULT_RESOURCES, Access, Resource

if TYPE_CHECKING:
    from sandbox.local_azure import Sandbox
    from sandbox.world.customers import Customer
    from tests.sandbox.conftest import Caller

SLOT = Resource("web/staging", "Microsoft.Web/sites/slots")


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso", resources=(*DEFAULT_RESOURCES, SLOT))


async def get(caller: Caller, path: str, version: str = "2024-01-01") -> tuple[int, Any]:
    answer = await caller.arm("GET", path, params={"api-version": version})
    return answer.status, answer.body


async def code(caller: Caller, path: str, version: str = "2024-01-01") -> tuple[int, str]:
    answer = await caller.arm("GET", path, params={"api-version": version})
    return answer.status, answer.code


async def test_the_list_has_top_level_resources_and_each_has_an_id(caller: Caller, customer: Customer) -> None:
    group = customer.managed_resource_group_id
    _, body = await get(caller, f"{group}/resources", "2021-04-01")
    assert [one["name"] for one in body["value"]] == ["storage1", "storage2", "vault", "web"]
    for one in (*DEFAULT_RESOURCES, SLOT):
        assert (await get(caller, one.id(group)))[0] == 200
    assert SLOT.id(group).endswith("/Microsoft.Web/sites/web/slots/staging")


async def test_a_version_that_the_type_lacks_is_refused_with_those_it_has(caller: Caller, customer: Customer) -> None:
    path = DEFAULT_RESOURCES[0].id(customer.managed_resource_group_id)
    for version in ("2021-04-01", "2022-04-01"):
        status, body = await get(caller, path, version)
        assert (status, body["error"]["code"]) == (400, "NoRegisteredProviderFound")
        assert f"API version '{version}' for type 'storageAccounts'" in body["error"]["message"]
        assert "'2022-09-01, 2023-05-01, 2024-01-01, 2024-06-01-preview'" in body["error"]["message"]
    assert await code(caller, path, "1999-01-01") == (400, "InvalidResourceType")
    assert await code(caller, f"{customer.managed_resource_group_id}/resources", "1999-01-01") == (
        400,
        "InvalidResourceType",
    )


async def test_a_deleted_resource_is_not_found_with_its_children_and_states(caller: Caller, customer: Customer) -> None:
    group = customer.managed_resource_group_id
    customer.remove_resource("web")
    assert await code(caller, DEFAULT_RESOURCES[3].id(group)) == (404, "ResourceNotFound")
    assert await code(caller, SLOT.id(group)) == (404, "ParentResourceNotFound")
    states = (await caller.states(customer)).body["value"]
    assert {str(one["resourceId"]).rpartition("/")[2] for one in states} == {"storage1", "storage2", "vault"}


async def test_what_the_sandbox_has_no_provider_for_is_not_pretended(caller: Caller, customer: Customer) -> None:
    path = f"{customer.managed_resource_group_id}/providers/Microsoft.Sql/servers/one"
    assert (await get(caller, path))[0] == 501


async def test_permissions_are_everything_until_a_right_is_taken(caller: Caller, customer: Customer) -> None:
    path = f"{customer.managed_resource_group_id}/providers/Microsoft.Authorization/permissions"

    async def actions() -> list[str]:
        _, body = await get(caller, path, "2022-04-01")
        (permission,) = body["value"]
        assert "Microsoft.Authorization/*/Write" in permission["notActions"]
        return list(permission["actions"])

    assert await actions() == ["*"]
    customer.revoke_access(Access.ASSIGNMENTS)
    assert await actions() == sorted(set(Access) - {Access.ASSIGNMENTS})
    customer.revoke_access()
    assert await code(caller, path, "2022-04-01") == (403, "AuthorizationFailed")


async def test_resources_that_we_may_not_read_are_left_out_of_the_list_and_refused_by_themselves(
    caller: Caller, customer: Customer
) -> None:
    group = customer.managed_resource_group_id
    customer.revoke_access(Access.RESOURCES)
    assert await get(caller, f"{group}/resources", "2021-04-01") == (200, {"value": []})
    assert await code(caller, DEFAULT_RESOURCES[0].id(group)) == (403, "AuthorizationFailed")
    networks = f"{group}/providers/Microsoft.Network/virtualNetworks"
    assert await code(caller, networks, "2024-07-01") == (403, "AuthorizationFailed")


async def test_exemptions_are_listed_wherever_they_stand_and_not_without_the_right(
    caller: Caller, customer: Customer
) -> None:
    customer.exempt("baseline", references=("vaultSoftDelete",), days=1)
    customer.exempt("secure-transfer", name="account", resource="storage1")
    path = f"{customer.managed_resource_group_id}/providers/Microsoft.Authorization/policyExemptions"
    _, body = await get(caller, path, "2022-07-01-preview")
    first, second = body["value"]
    assert first["properties"]["policyDefinitionReferenceIds"] == ["vaultSoftDelete"]
    assert first["properties"]["expiresOn"]
    assert second["properties"]["expiresOn"] is None
    assert "storageAccounts/storage1/providers/Microsoft.Authorization" in second["id"]
    customer.revoke_access(Access.EXEMPTIONS)
    assert (await get(caller, path, "2022-07-01-preview"))[1] == {"value": []}
