"""What ARM answers, and what it may not make us do."""

from __future__ import annotations

import json
import time

import pytest
from azure.core.rest import HttpRequest

from publisher.errors.kinds import (
    AccessDenied,
    AzureFailure,
    Blocked,
    DeadlineExceeded,
    MalformedAnswer,
    NotFound,
    NoToken,
    NotProjected,
    RequestRefused,
    Throttled,
    TransientFailure,
)
from publisher.resource_ids import ApplicationId
from publisher.resource_manager import ResourceManager
from sandbox.faults.effects import (
    Body,
    CutHalfWay,
    Dropped,
    Effect,
    Rewritten,
    Slow,
    Status,
    TruncatedJson,
    empty,
    html,
)
from sandbox.faults.operations import ApplicationRead, AssignmentList, TokenRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer, Plan


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return sandbox.arm.add_customer("Contoso", resource_group="rg-(höhe)_1.x", plan=Plan(version="2.1.0"))


@pytest.fixture
def identity(customer: Customer) -> ApplicationId:
    return ApplicationId.parse(customer.application_id)


async def test_an_application_is_described_in_arms_casing(arm: ResourceManager, customer: Customer) -> None:
    application = await arm.application(ApplicationId.parse(customer.application_id.upper()))
    assert str(application.id) == customer.application_id
    assert str(application.managed_resource_group_id) == customer.managed_resource_group_id
    assert (application.plan_name, application.plan_version) == ("standard", "2.1.0")
    assert (application.provisioning_state, application.kind) == ("Succeeded", "MarketPlace")
    assert not application.is_going


async def test_a_service_catalog_application_has_a_definition_and_no_plan(
    sandbox: Sandbox, arm: ResourceManager
) -> None:
    customer = sandbox.arm.add_customer("Fabrikam", kind="ServiceCatalog")
    application = await arm.application(ApplicationId.parse(customer.application_id))
    assert application.plan_name == application.plan_version == ""
    assert application.definition_id.endswith("/applicationDefinitions/secure-analytics")


async def test_an_application_on_its_way_out_is_told(
    arm: ResourceManager, customer: Customer, identity: ApplicationId
) -> None:
    customer.start_deleting()
    application = await arm.application(identity)
    assert application.is_going
    assert not application.is_gone


async def test_permissions_and_absence_are_told_apart(
    arm: ResourceManager, customer: Customer, identity: ApplicationId
) -> None:
    customer.revoke_access()
    with pytest.raises(AccessDenied) as denied:
        await arm.application(identity)
    assert denied.value.code == "AuthorizationFailed"
    customer.hide()
    with pytest.raises(NotProjected) as hidden:
        await arm.application(identity)
    assert hidden.value.code == "InvalidAuthenticationTokenTenant"
    customer.delete()
    with pytest.raises(NotFound) as gone:
        await arm.application(identity)
    assert gone.value.code == "ResourceNotFound"
    with pytest.raises(NotProjected):
        await arm.application(ApplicationId("00000000-0000-4000-8000-000000000000", "rg", "app"))


async def test_one_token_and_no_more_is_fetched(
    sandbox: Sandbox, arm: ResourceManager, identity: ApplicationId
) -> None:
    for _ in range(3):
        await arm.application(identity)
    assert sandbox.directory.tokens_issued() == {sandbox.url(Service.RESOURCE_MANAGER): 1}


@pytest.mark.parametrize(
    "fault",
    [
        Status(429, retry_after=0),
        Status(500, retry_after=0),
        Status(503, retry_after=0),
        Status(408, retry_after=0),
        Dropped(),
        CutHalfWay(),
        TruncatedJson(),
        empty(),
        html(),
        Body(b"[]"),
        Body(b"null"),
        Body(b'{"id": "/subscriptions/other"}'),
    ],
)
async def test_a_passing_fault_is_repeated_away(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, identity: ApplicationId, fault: Effect
) -> None:
    script = sandbox.faults.add(ApplicationRead(customer), fault, times=1)
    if isinstance(fault, Body) and fault.content.startswith(b'{"id"'):
        with pytest.raises(MalformedAnswer):
            await arm.application(identity)
    else:
        assert (await arm.application(identity)).id == identity
    assert script.played == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(400), RequestRefused),
        (Status(409, code="MissingSubscriptionRegistration"), Blocked),
        (Status(429, retry_after=86_400), Throttled),
        (Status(503, retry_after=86_400), TransientFailure),
        (Body(b"", status=302), RequestRefused),
    ],
)
async def test_what_waiting_cannot_change_is_told_after_one_request(
    sandbox: Sandbox,
    arm: ResourceManager,
    customer: Customer,
    fault: Effect,
    kind: type[AzureFailure],
) -> None:
    identity = ApplicationId.parse(customer.application_id)
    script = sandbox.faults.add(ApplicationRead(customer), fault)
    with pytest.raises(kind):
        await arm.application(identity)
    assert script.played == 1
    assert sandbox.requests.count(Service.RESOURCE_MANAGER) == 1  # no provider registration either


async def test_the_deadline_ends_a_call(
    sandbox: Sandbox, arm: ResourceManager, customer: Customer, identity: ApplicationId
) -> None:
    sandbox.faults.add(ApplicationRead(customer), Slow(60))
    with pytest.raises(DeadlineExceeded):
        await arm.application(identity, deadline=time.monotonic() + 0.1)


async def test_a_missing_token_is_not_taken_for_arms_answer(
    sandbox: Sandbox, arm: ResourceManager, identity: ApplicationId
) -> None:
    sandbox.faults.add(TokenRequest(), Status(401))
    with pytest.raises(NoToken, match="no token for the publisher's service principal"):
        await arm.application(identity)
    assert sandbox.requests.count(Service.RESOURCE_MANAGER) == 0


@pytest.mark.parametrize(
    "place", ["https://attacker.example/subscriptions", "http://127.0.0.1/", "//attacker.example/x"]
)
async def test_our_token_goes_to_no_other_host(sandbox: Sandbox, arm: ResourceManager, place: str) -> None:
    with pytest.raises(RequestRefused, match=r"another host|does not begin with https"):
        await arm.send(HttpRequest("GET", place))
    assert sandbox.requests.count(Service.RESOURCE_MANAGER) == 0


async def test_the_same_host_in_another_spelling_is_the_same_host(arm: ResourceManager, customer: Customer) -> None:
    url = arm.endpoint.replace("https", "HTTPS") + customer.application_id + "?api-version=2021-07-01"
    assert (await arm.send(HttpRequest("GET", url))).status_code == 200


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
