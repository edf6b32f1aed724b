"""What ARM answers, and what it may not make us do."""

from __future__ import annotations

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
    Slow,
    Status,
    TruncatedJson,
    empty,
    html,
)
from sandbox.faults.operations import ApplicationRead, TokenRequest
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Customer


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
