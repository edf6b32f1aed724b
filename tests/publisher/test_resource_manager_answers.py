"""Lists of ARM page by page, and answers that are not what they seem: none of them is an empty list, or fine."""

from __future__ import annotations

import json
import time

import pytest

from publisher.errors.kinds import (
    MalformedAnswer,
    RequestRefused,
)
from publisher.resource_ids import ApplicationId
from publisher.resource_manager import ResourceManager
from sandbox.faults.effects import (
    Body,
    Rewritten,
)
from sandbox.faults.operations import ApplicationRead, AssignmentList
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer

ASSIGNMENTS = "/providers/Microsoft.Authorization/policyAssignments"


def page(link: str, *names: str, called: str = "nextLink") -> Body:
    return Body(json.dumps({"value": [{"name": name} for name in names], called: link}).encode())


async def names_of(arm: ResourceManager, customer: Customer) -> list[str]:
    path = customer.managed_resource_group_id + ASSIGNMENTS
    members = arm.list(path, api_version="2022-06-01", deadline=time.monotonic() + 10)
    return [member["name"] async for member in members]


def link_to(arm: ResourceManager, customer: Customer, token: str) -> str:
    return f"{arm.endpoint}{customer.managed_resource_group_id}{ASSIGNMENTS}?api-version=2022-06-01&$skiptoken={token}"


async def test_lists_are_followed_to_their_end(sandbox: Sandbox, arm: ResourceManager, customer: Customer) -> None:
    sandbox.faults.add(AssignmentList(), page(link_to(arm, customer, "2"), "one", "two"), times=1)
    sandbox.faults.add(AssignmentList(), page(link_to(arm, customer, "3")), times=1)
    sandbox.faults.add(AssignmentList(), page("", "three"), times=1)
    assert await names_of(arm, customer) == ["one", "two", "three"]
    asked = sandbox.requests.of(Service.RESOURCE_MANAGER)
    assert [entry.query.get("$skiptoken") for entry in asked] == [None, "2", "3"]
    assert {entry.query["api-version"] for entry in asked} == {"2022-06-01"}


@pytest.mark.parametrize(
    "called",
    ["NextLink", "nextlink", "@nextLink", "@odata.nextLink", "@odata.nextlink", "odata.nextLink", "odata.NEXTLINK "],
)
async def test_the_next_page_of_a_list_is_found_by_whatever_name(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, called: str
) -> None:
    sandbox.faults.add(AssignmentList(), page(link_to(arm, customer, "2"), "one", called=called), times=1)
    sandbox.faults.add(AssignmentList(), page("", "two", called=called), times=1)
    assert await names_of(arm, customer) == ["one", "two"]


async def test_a_list_that_leads_in_circles_or_elsewhere_is_not_followed(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    sandbox.faults.add(AssignmentList(), page(link_to(arm, customer, "2"), "again"), times=5)
    with pytest.raises(MalformedAnswer):
        await names_of(arm, customer)
    sandbox.faults.clear()
    sandbox.faults.add(AssignmentList(), page("https://attacker.example/", "one"))
    with pytest.raises(RequestRefused, match="another host"):
        await names_of(arm, customer)


async def test_a_page_without_members_is_not_an_empty_list(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    sandbox.faults.add(AssignmentList(), Body(b"{}"))
    with pytest.raises(MalformedAnswer):
        await names_of(arm, customer)


@pytest.mark.parametrize("beside", [
    {"error": {"code": "Throttled", "message": "Not all could be read."}},
    {"Error": {"code": "Throttled"}},
    {"odata.error": {"code": "Throttled", "message": {"value": "Not all could be read."}}},
    {"error": "Throttled"},
    {"error": {}},
    {"nextLink": "https://a.example/", "@odata.nextLink": "https://b.example/"},
    {"nextLink": ["https://a.example/"]},
])  # fmt: skip
async def test_a_page_with_an_error_beside_its_members_is_no_answer(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, beside: dict[str, object]
) -> None:
    sandbox.faults.add(AssignmentList(), Body(json.dumps({"value": [{"name": "one"}], **beside}).encode()))
    with pytest.raises(MalformedAnswer):
        await names_of(arm, customer)


async def test_what_an_answer_states_as_its_error_is_told(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer
) -> None:
    error = {"code": "Outer", "innererror": {"code": "ShardLost", "message": "A shard is away."}}
    sandbox.faults.add(ApplicationRead(), Body(json.dumps({"error": error}).encode()))
    with pytest.raises(MalformedAnswer, match="A shard is away") as caught:
        await arm.application(ApplicationId.parse(customer.application_id), deadline=time.monotonic() + 10)
    assert caught.value.code == "ShardLost"


async def test_no_error_is_no_error(sandbox: Sandbox, arm: ResourceManager, customer: Customer) -> None:
    sandbox.faults.add(AssignmentList(), Body(b'{"value": [{"name": "one"}], "error": null}'))
    assert await names_of(arm, customer) == ["one"]


@pytest.mark.parametrize("entry", [None, 7, "one", ["one"]])
async def test_an_entry_of_a_list_that_is_no_object_is_not_passed_over(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, entry: object
) -> None:
    sandbox.faults.add(AssignmentList(), Body(json.dumps({"value": [{"name": "one"}, entry]}).encode()))
    with pytest.raises(MalformedAnswer):
        await names_of(arm, customer)


@pytest.mark.parametrize("status", [201, 202, 203, 204, 206])
async def test_what_is_not_the_whole_answer_is_none(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, status: int
) -> None:
    sandbox.faults.add(AssignmentList(), Body(b'{"value": []}', status=status))
    sandbox.faults.add(ApplicationRead(), Body(b"{}", status=status))
    with pytest.raises(MalformedAnswer, match=str(status)):
        await names_of(arm, customer)
    with pytest.raises(MalformedAnswer, match=str(status)):
        await arm.application(ApplicationId.parse(customer.application_id), deadline=time.monotonic() + 10)


async def test_a_sign_in_page_is_told_as_a_web_page(sandbox: Sandbox, arm: ResourceManager, customer: Customer) -> None:
    page = b"\xef\xbb\xbf\n<!DOCTYPE html><html><head><title>Sign in to your account</title></head><body></body></html>"
    sandbox.faults.add(AssignmentList(), Body(page, content_type="text/html"))
    with pytest.raises(MalformedAnswer, match="a web page, not JSON: Sign in to your account"):
        await names_of(arm, customer)


@pytest.mark.parametrize("state", [" Deleted ", "deleted\n", "\tDELETED", "\u00a0Deleted\u200b"])
async def test_a_state_with_blanks_around_it_is_the_same_state(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, state: str
) -> None:
    def spelled(body: bytes) -> bytes:
        document = json.loads(body)
        document["properties"]["provisioningState"] = state
        return json.dumps(document).encode()

    sandbox.faults.add(ApplicationRead(), Rewritten(spelled))
    application = await arm.application(ApplicationId.parse(customer.application_id))
    assert application.is_gone
    assert application.is_going


@pytest.mark.parametrize("body", [
    '{"value": [{"name": "one"}], "value": []}',
    '{"value": [{"name": "one"}], "Value": []}',
    '{"value": [], "error": {"code": "Throttled"}, "error": null}',
    '{"value": [], "nextLink": "https://a.example/", "nextLink": null}',
])  # fmt: skip
async def test_a_list_that_says_something_twice_is_no_answer(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, body: str
) -> None:
    sandbox.faults.add(AssignmentList(), Body(body.encode()))
    with pytest.raises(MalformedAnswer, match="twice"):
        await names_of(arm, customer)


@pytest.mark.parametrize("name", ["provisioningState", "ProvisioningState"])
async def test_an_application_of_two_states_is_in_neither(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, name: str
) -> None:
    twice = f'"properties":{{"{name}":"Deleted",'.encode()
    sandbox.faults.add(
        ApplicationRead(), Rewritten(lambda body: body.replace(b'": {', b'":{').replace(b'"properties":{', twice))
    )
    with pytest.raises(MalformedAnswer, match="provisioningstate"):
        await arm.application(ApplicationId.parse(customer.application_id))
