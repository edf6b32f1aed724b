"""Azure Resource Graph: as strict as Azure, and as unreliable as Azure says it may be, when a test wants that."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.azure.identity.directory import USER_ASSIGNED
from sandbox.azure.resource_graph.provider import MOST_SUBSCRIPTIONS, QUOTA
from sandbox.services import Service
from sandbox.world.customers import Access, BulkStates, Customer

if TYPE_CHECKING:
    from sandbox.local_azure import Sandbox
    from tests.sandbox.conftest import Answer, Caller

PATH = "/providers/Microsoft.ResourceGraph/resources"
VERSION = "?api-version=2022-10-01"
STATES = "policyresources | where type =~ 'microsoft.policyinsights/policystates'"
GROUPS = f"{STATES} | summarize states = count() by id = tolower(resourceGroup) | order by id asc"


async def ask(caller: Caller, query: str, /, *customers: Customer, version: str = VERSION, **body: Any) -> Answer:
    document = {"subscriptions": [one.subscription_id for one in customers], "query": query} | body
    return await caller.arm("POST", PATH + version, json=document)


def reason(answer: Answer) -> str:
    assert answer.body["error"]["code"] == "BadRequest"
    return str(answer.body["error"]["details"][0]["code"])


async def test_states_are_rows_with_what_policy_insights_says_below_properties(
    sandbox: Sandbox, caller: Caller
) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    contoso.break_resource("storage1", "secure-transfer")
    answer = await ask(
        caller,
        f"{STATES} | where tostring(properties.complianceState) == 'NonCompliant' "
        "| project id, subscriptionId, resourceGroup, scope = tostring(properties.policyAssignmentScope)",
        contoso,
    )
    (row,) = answer.body["data"]
    assert row["subscriptionId"] == contoso.subscription_id
    assert row["resourceGroup"] == contoso.managed_resource_group.lower()
    assert row["scope"].lower() == contoso.managed_resource_group_id.lower()
    assert (answer.body["totalRecords"], answer.body["resultTruncated"]) == (1, "false")


async def test_generated_states_are_there_too(sandbox: Sandbox, caller: Caller) -> None:
    contoso = sandbox.arm.add_customer("Contoso", bulk=BulkStates(2500))
    answer = await ask(caller, f"{STATES} | summarize states = count()", contoso)
    assert answer.body["data"] == [{"states": 2500}]


async def test_pages_go_on_with_the_token_in_the_options_and_only_for_rows_with_an_id(
    sandbox: Sandbox, caller: Caller
) -> None:
    customers = [sandbox.arm.add_customer(f"Customer {number}") for number in range(3)]
    first = await ask(caller, GROUPS, *customers, options={"$top": 2})
    token = first.body["$skipToken"]
    second = await ask(caller, GROUPS, *customers, options={"$top": 2, "$skipToken": token})
    assert [len(one.body["data"]) for one in (first, second)] == [2, 1]
    assert "$skipToken" not in second.body
    assert reason(await ask(caller, STATES, *customers, options={"$skipToken": token})) == "InvalidSkipToken"
    without = await ask(caller, GROUPS.replace("id", "group_name"), *customers, options={"$top": 2})
    assert (without.body["resultTruncated"], "$skipToken" in without.body) == ("true", False)


async def test_what_the_caller_may_not_read_is_left_out_without_a_word(sandbox: Sandbox, caller: Caller) -> None:
    contoso, fabrikam = sandbox.arm.add_customer("Contoso"), sandbox.arm.add_customer("Fabrikam")
    fabrikam.revoke_access()
    answer = await ask(caller, GROUPS, contoso, fabrikam)
    assert (answer.status, len(answer.body["data"]), answer.body["resultTruncated"]) == (200, 1, "false")
    contoso.revoke_access(Access.STATES)
    assert (await ask(caller, GROUPS, contoso)).body["data"] == []
    assert reason(await ask(caller, GROUPS, fabrikam)) == "NoValidSubscriptionsInQueryRequest"
    stranger = caller.token(sandbox.url(Service.RESOURCE_MANAGER), USER_ASSIGNED)
    refused = await caller.arm("POST", PATH + VERSION, stranger, json={"subscriptions": [], "query": GROUPS})
    assert refused.status in {400, 401}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"subscriptions": ["contoso"]}, "InvalidSubscriptionId"),
        (
            {"subscriptions": [str(uuid.UUID(int=n)) for n in range(MOST_SUBSCRIPTIONS + 1)]},
            "SubscriptionsLimitExceeded",
        ),
        ({"query": None}, "QueryEmpty"),
        ({"query": "policyresources | summarise x"}, "InvalidQuery"),
        ({"query": "resourcecontainers | project id"}, "InvalidQuery"),
        ({"query": "policyresources | project color"}, "InvalidQuery"),
        ({"options": {"$top": 1001}}, "InvalidQueryOptions"),
        ({"options": {"$top": "10"}}, "InvalidQueryOptions"),
        ({"options": {"$skipToken": "nonsense"}}, "InvalidSkipToken"),
    ],
)
async def test_what_azure_refuses_is_refused(sandbox: Sandbox, caller: Caller, body: dict[str, Any], code: str) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    answer = await ask(caller, GROUPS, contoso, **body)
    assert (answer.status, reason(answer)) == (400, code)


@pytest.mark.parametrize(
    "body",
    [
        {"managementGroups": ["contoso"]},
        {"subscriptions": None},
        {"facets": []},
        {"options": {"resultFormat": "table"}},
        {"options": {"allowPartialScopes": True}},
    ],
)
async def test_what_the_sandbox_does_not_play_is_told(sandbox: Sandbox, caller: Caller, body: dict[str, Any]) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    assert (await ask(caller, GROUPS, contoso, **body)).status == 501


async def test_method_and_version_are_checked(sandbox: Sandbox, caller: Caller) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    assert (await ask(caller, GROUPS, contoso, version="")).code == "MissingApiVersionParameter"
    assert (await ask(caller, GROUPS, contoso, version="?api-version=2018-01-01")).code == "InvalidResourceType"
    assert (await caller.arm("GET", PATH + VERSION)).status == 405


async def test_a_principal_has_a_quota_and_every_answer_tells_what_is_left(sandbox: Sandbox, caller: Caller) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    sandbox.graph.limit()
    answers = [await ask(caller, GROUPS, contoso) for _ in range(QUOTA)]
    assert [int(one.headers["x-ms-user-quota-remaining"]) for one in answers] == list(reversed(range(QUOTA)))
    refused = await ask(caller, GROUPS, contoso)
    assert (refused.status, refused.code) == (429, "RateLimiting")
    assert 1 <= int(refused.headers["Retry-After"]) <= 5
    assert refused.headers["x-ms-user-quota-resets-after"].startswith("00:00:0")


async def test_it_can_leave_out_states_and_fall_behind_without_a_word(sandbox: Sandbox, caller: Caller) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    broken = f"{STATES} | where tostring(properties.complianceState) == 'NonCompliant' | summarize states = count()"

    async def told() -> int:
        return int((await ask(caller, broken, contoso)).body["data"][0]["states"])

    sandbox.graph.fall_behind()
    contoso.break_resource("storage1", "secure-transfer")
    assert await told() == 0
    sandbox.graph.catch_up()
    assert await told() == 1
    sandbox.graph.hide(lambda owner, state: owner is contoso and state["complianceState"] == "NonCompliant")
    assert await told() == 0
    sandbox.graph.reset()
    assert await told() == 1


async def test_managed_applications_are_resources_for_who_may_read_them(sandbox: Sandbox, caller: Caller) -> None:
    contoso, fabrikam, tailspin = (sandbox.arm.add_customer(name) for name in ("Contoso", "Fabrikam", "Tailspin"))
    query = "resources | where type =~ 'Microsoft.Solutions/applications' | project id, name, type | order by id asc"
    fabrikam.revoke_access(Access.APPLICATION)
    sandbox.graph.hide_application(tailspin)
    answer = await ask(caller, query, contoso, fabrikam, tailspin)
    assert answer.body["data"] == [
        {
            "id": contoso.application_id,
            "name": contoso.application_name,
            "type": "microsoft.solutions/applications",
        }
    ]
    sandbox.graph.fall_behind()
    contoso.delete()
    sandbox.arm.add_customer("Contoso Two", subscription_id=contoso.subscription_id)
    assert [one["id"] for one in (await ask(caller, query, contoso)).body["data"]] == [contoso.application_id]
    sandbox.graph.catch_up()
    assert len((await ask(caller, query, contoso)).body["data"]) == 1
    other = await ask(caller, "resources | where type =~ 'microsoft.storage/storageaccounts'", contoso)
    assert other.status == 501
