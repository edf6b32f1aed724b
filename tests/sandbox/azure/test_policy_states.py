"""Policy queries: what the real SDK reads from them, and what a client that is not careful would get wrong."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.policyinsights.aio import PolicyInsightsClient
from azure.mgmt.policyinsights.models import QueryOptions

from sandbox.azure.identity.directory import USER_ASSIGNED
from sandbox.services import Service
from sandbox.world.customers import MISSING, Access, BulkStates
from sandbox.world.state_documents import FIELDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from azure.identity.aio import ClientSecretCredential

    from sandbox.local_azure import Sandbox
    from tests.sandbox.conftest import Caller

QUERY = "/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults"


@pytest.fixture
async def policy_insights(sandbox: Sandbox, credential: ClientSecretCredential) -> AsyncIterator[PolicyInsightsClient]:
    arm = sandbox.url(Service.RESOURCE_MANAGER)
    async with PolicyInsightsClient(
        credential,
        "unused",
        base_url=arm,
        credential_scopes=[f"{arm}/.default"],
        connection_verify=str(sandbox.certificate_authority),
        retry_total=0,
    ) as client:
        yield client


async def test_the_sdk_reads_every_page(sandbox: Sandbox, policy_insights: PolicyInsightsClient) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    customer.break_resource("vault", "baseline", "vaultSoftDelete")
    sandbox.arm.page_size = 4
    states = [
        state
        async for state in policy_insights.policy_states.list_query_results_for_resource_group(
            "latest", customer.subscription_id, customer.managed_resource_group
        )
    ]
    assert len(states) == len(customer.owned_states()) + len(customer.foreign_states()) == 17
    assert [state.policy_definition_reference_id for state in states if state.compliance_state == "NonCompliant"] == [
        "vaultSoftDelete"
    ]
    assert sandbox.requests.count(Service.RESOURCE_MANAGER) == 5


async def test_the_sdks_options_are_understood(sandbox: Sandbox, policy_insights: PolicyInsightsClient) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    sandbox.arm.page_size = 2
    options = QueryOptions(
        filter=f"PolicyAssignmentScope eq '{customer.managed_resource_group_id.upper()}'",
        select="resourceId, ComplianceState",
        from_property=sandbox.clock() - dt.timedelta(days=2),
    )
    states = [
        state
        async for state in policy_insights.policy_states.list_query_results_for_resource_group(
            "latest", customer.subscription_id, customer.managed_resource_group, options
        )
    ]
    assert len(states) == len(customer.owned_states())
    assert {state.compliance_state for state in states} == {"Compliant"}
    assert {state.policy_assignment_id for state in states} == {None}


async def test_a_nextlink_carries_the_whole_query_and_takes_nothing_more(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    sandbox.arm.page_size = 3
    first = await caller.states(customer, filter="policyAssignmentName eq 'baseline'")
    assert first.body["@odata.count"] == len(first.body["value"]) == 3
    link = first.body["@odata.nextLink"]
    second = await caller.arm("POST", link)
    assert {state["policyAssignmentName"] for state in second.body["value"]} == {"baseline"}
    assert second.body["@odata.nextLink"] is None
    assert (await caller.arm("POST", f"{link}&$filter=x")).status == 400
    refused = await caller.arm("GET", link)
    assert (refused.status, refused.code) == (405, "HttpMethodNotSupported")


async def test_top_limits_the_answer_and_must_not_be_large(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    answer = await caller.states(customer, top="2")
    assert (answer.body["@odata.count"], answer.body["@odata.nextLink"]) == (2, None)
    assert (await caller.states(customer, top="5000")).code == "ResponseTooLarge"


async def test_the_default_window_is_one_day(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    customer.age_states(dt.timedelta(hours=30))
    assert (await caller.states(customer)).body["value"] == []
    since = (sandbox.clock() - dt.timedelta(hours=48)).isoformat()
    assert len((await caller.states(customer, from_=since)).body["value"]) == 17
    until = (sandbox.clock() - dt.timedelta(hours=40)).isoformat()
    assert (await caller.states(customer, from_=since, to=until)).body["value"] == []


async def test_a_state_has_every_field_and_ids_in_several_casings(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    states = (await caller.states(customer)).body["value"]
    assert set(states[0]) == {*FIELDS, "@odata.id", "@odata.context"}
    for name in ("resourceId", "policyAssignmentId", "policyAssignmentScope"):
        ids = [state[name] for state in states]
        assert any("/resourceGroups/" in one for one in ids), name
        assert any("/resourcegroups/" in one for one in ids), name


async def test_states_can_be_odd(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    customer.remove_states("baseline")
    customer.add_state(resourceId=None, policyAssignmentId="", timestamp=MISSING, complianceState="Protected")
    odd = (await caller.states(customer)).body["value"][-1]
    assert (odd["resourceId"], odd["policyAssignmentId"], odd["complianceState"]) == (None, "", "Protected")
    assert "timestamp" not in odd


async def test_generated_states_arrive_with_the_customers_own_ids(sandbox: Sandbox, caller: Caller) -> None:
    bulk = BulkStates(2500, noncompliant_every=5, foreign_every=10)
    customers = [sandbox.arm.add_customer(name, bulk=bulk) for name in ("One", "Two")]
    for customer in customers:
        scope = f"PolicyAssignmentScope eq '{customer.managed_resource_group_id}'"
        answer = await caller.states(customer, filter=scope, select="resourceId,complianceState,timestamp")
        pages = [answer.body]
        while link := pages[-1]["@odata.nextLink"]:
            pages.append((await caller.arm("POST", link)).body)
        states = [state for page in pages for state in page["value"]]
        assert [page["@odata.count"] for page in pages] == [1000, 1000, 250]
        assert len({state["resourceId"] for state in states}) == 2250
        group = customer.managed_resource_group_id.lower()
        assert all(state["resourceId"].lower().startswith(group) for state in states)
        assert sum(state["complianceState"] == "NonCompliant" for state in states) == 250
        since = (sandbox.clock() - dt.timedelta(minutes=5)).isoformat()
        assert (await caller.states(customer, from_=since)).body["value"] == []


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"filter": "PolicyAssignmentScope eq"}, 400),
        ({"filter": "Nonsense eq 'x'"}, 400),
        ({"filter": "contains(resourceId, 'x')"}, 501),
        ({"select": "resourceId,nonsense"}, 400),
        ({"apply": "aggregate($count as n)"}, 501),
        ({"orderby": "timestamp"}, 501),
        ({"from_": "yesterday"}, 400),
        ({"top": "-1"}, 400),
        ({"skiptoken": "garbage"}, 400),
        ({"selct": "resourceId"}, 400),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    sandbox: Sandbox, caller: Caller, parameters: dict[str, str], status: int
) -> None:
    assert (await caller.states(sandbox.arm.add_customer("Contoso"), **parameters)).status == status


async def test_who_may_not_query_is_told_why(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    path = f"{customer.managed_resource_group_id}{QUERY}"
    version = {"api-version": "2019-10-01"}
    assert (await caller.arm("POST", path)).code == "MissingApiVersionParameter"
    assert (await caller.arm("POST", path, None, params=version)).code == "AuthenticationFailed"
    for token, code in (
        ("nonsense", "InvalidAuthenticationToken"),
        (caller.token("https://management.azure.com", lifetime=-60), "ExpiredAuthenticationToken"),
        (caller.token("https://monitor.azure.com"), "InvalidAuthenticationTokenAudience"),
    ):
        refused = await caller.arm("POST", path, token, params=version)
        assert (refused.status, refused.code) == (401, code)
        assert "WWW-Authenticate" in refused.headers
    own_identity = caller.token("https://management.azure.com", USER_ASSIGNED)
    assert (await caller.arm("POST", path, own_identity, params=version)).code == "AuthorizationFailed"


async def test_lost_access_looks_as_it_does_in_azure(sandbox: Sandbox, caller: Caller) -> None:
    jit, revoked, hidden, gone = (sandbox.arm.add_customer(name) for name in ("Jit", "Revoked", "Hidden", "Gone"))
    jit.revoke_access(Access.STATES)
    revoked.revoke_access()
    hidden.hide()
    gone.delete()
    answers = [await caller.states(customer) for customer in (jit, revoked, hidden, gone)]
    assert [(answer.status, answer.code) for answer in answers] == [
        (403, "AuthorizationFailed"),
        (403, "AuthorizationFailed"),
        (401, "InvalidAuthenticationTokenTenant"),
        (404, "ResourceGroupNotFound"),
    ]
    elsewhere = f"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg{QUERY}"
    assert (await caller.arm("POST", elsewhere, params={"api-version": "2019-10-01"})).code == "SubscriptionNotFound"
    revoked.grant_access()
    assert (await caller.states(revoked)).status == 200


async def test_the_sdk_sees_a_revoked_role_as_an_error(sandbox: Sandbox, policy_insights: PolicyInsightsClient) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    customer.revoke_access()
    with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
        async for _ in policy_insights.policy_states.list_query_results_for_resource_group(
            "latest", customer.subscription_id, customer.managed_resource_group
        ):
            pass


def test_a_misspelt_helper_call_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(LookupError):
        sandbox.arm.add_customer("Contoso").break_resource("no such resource")


async def test_a_repaired_resource_is_evaluated_anew(sandbox: Sandbox, caller: Caller) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    assert customer.break_resource("web") == 1
    sandbox.clock.advance(dt.timedelta(hours=2))
    customer.repair("web")
    states = (await caller.states(customer, filter="resourceType eq 'Microsoft.Web/sites'")).body["value"]
    states += (await caller.states(customer, filter="policyAssignmentName eq 'web-https'")).body["value"]
    evaluated = {state["timestamp"] for state in states if state["policyAssignmentName"] == "web-https"}
    assert {state["complianceState"] for state in states} == {"Compliant"}
    assert dt.datetime.fromisoformat(evaluated.pop()) > sandbox.clock() - dt.timedelta(minutes=1)


@pytest.mark.parametrize(("length", "status"), [(7_000, 400), (8_001, 404)])
async def test_an_address_that_is_too_long_is_refused_with_a_gateways_page(
    sandbox: Sandbox, caller: Caller, length: int, status: int
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    path = f"{customer.managed_resource_group_id}{QUERY}?api-version=2019-10-01&$filter="
    answer = await caller.arm("POST", path + "x" * (length - len(path)))
    assert answer.status == status
    assert ("html" in answer.headers["Content-Type"]) is (status == 404)
