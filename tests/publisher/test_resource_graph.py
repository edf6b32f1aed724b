"""What Azure Resource Graph tells of managed resource groups, and what is made of answers that make no sense."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

import pytest

from publisher.errors.kinds import MalformedAnswer, RequestRefused, Throttled
from publisher.resource_graph.client import MOST_SUBSCRIPTIONS, ResourceGraph
from publisher.resource_graph.state_counts import StateCounts, counts_in
from publisher.resource_ids import ApplicationId, ResourceGroupId, fold
from publisher.resource_manager import ResourceManager
from publisher.retry import Patience
from sandbox.faults.effects import Body, Edited, Status, html
from sandbox.faults.operations import GraphQuery
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import Access, BulkStates, Customer
from sandbox.world.policies import SECURE_TRANSFER, Assignment


def group_of(customer: Customer) -> ResourceGroupId:
    return ResourceGroupId.parse(customer.managed_resource_group_id)


def key_of(customer: Customer) -> str:
    return fold(customer.managed_resource_group_id)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def graph(arm: ResourceManager, waits: list[float]) -> ResourceGraph:
    async def instantly(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    return ResourceGraph(arm, patience=Patience(attempts=3, deadline=math.inf, sleep=instantly))


def queries(sandbox: Sandbox) -> int:
    return len(sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="Microsoft.ResourceGraph"))


async def test_each_group_is_told_with_its_numbers_of_states_of_the_applications_own_assignments(
    sandbox: Sandbox, graph: ResourceGraph
) -> None:
    contoso, fabrikam = sandbox.arm.add_customer("Contoso"), sandbox.arm.add_customer("Fabrikam")
    contoso.break_resource("storage1", "secure-transfer")
    contoso.exempt("web-https")
    contoso.set_compliance("Conflict", resource="vault", reference="vaultSoftDelete")

    answer = await graph.state_counts([group_of(contoso), group_of(fabrikam)])

    assert contoso.foreign_states()
    owned = len(contoso.owned_states())
    assert answer.counts == {
        key_of(contoso): StateCounts(1, owned - 3, 1),
        key_of(fabrikam): StateCounts(0, owned, 0),
    }
    assert (answer.odd_rows, answer.strange_groups, answer.is_cut) == (0, 0, False)
    assert queries(sandbox) == 1
    assert str(answer.counts[key_of(contoso)]) == f"1/{owned - 3}/1"


async def test_an_assignment_inside_the_group_counts_and_one_of_a_group_whose_name_begins_alike_does_not(
    sandbox: Sandbox, graph: ResourceGraph
) -> None:
    contoso = sandbox.arm.add_customer("Contoso", assignments=[], foreign=False)
    vault = f"{contoso.managed_resource_group_id}/providers/Microsoft.KeyVault/vaults/vault"
    contoso.assign(Assignment("inside", "", SECURE_TRANSFER, vault))
    contoso.assign(Assignment("beside", "", SECURE_TRANSFER, f"{contoso.managed_resource_group_id}-2"))

    answer = await graph.state_counts([group_of(contoso)])

    assert answer.counts == {key_of(contoso): StateCounts(0, 2, 0)}


async def test_unknown_states_of_effect_manual_are_in_none_of_the_numbers(
    sandbox: Sandbox, graph: ResourceGraph
) -> None:
    contoso = sandbox.arm.add_customer("Contoso", foreign=False)
    before = await graph.state_counts([group_of(contoso)])
    contoso.add_state(policyDefinitionAction="manual", complianceState="Unknown", policyDefinitionReferenceId="m")
    assert (await graph.state_counts([group_of(contoso)])).counts == before.counts


async def test_all_pages_are_followed_with_the_token_in_the_body(sandbox: Sandbox, graph: ResourceGraph) -> None:
    customers = [sandbox.arm.add_customer(f"Customer {number}", bulk=BulkStates(3)) for number in range(7)]
    sandbox.graph.page_size = 3

    answer = await graph.state_counts([group_of(one) for one in customers])

    assert answer.counts == {key_of(one): StateCounts(1, 2, 0) for one in customers}
    assert queries(sandbox) == 3


async def test_what_may_not_be_read_is_left_out_and_told_of_nobody(sandbox: Sandbox, graph: ResourceGraph) -> None:
    contoso, fabrikam = sandbox.arm.add_customer("Contoso"), sandbox.arm.add_customer("Fabrikam")
    contoso.revoke_access()
    assert set((await graph.state_counts([group_of(contoso), group_of(fabrikam)])).counts) == {key_of(fabrikam)}
    fabrikam.revoke_access(Access.STATES)
    assert (await graph.state_counts([group_of(fabrikam)])).counts == {}


async def test_a_query_of_which_no_subscription_may_be_read_is_refused_with_the_innermost_reason(
    sandbox: Sandbox, graph: ResourceGraph
) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    contoso.revoke_access()
    with pytest.raises(RequestRefused) as caught:
        await graph.state_counts([group_of(contoso)])
    assert caught.value.code == "NoValidSubscriptionsInQueryRequest"


async def test_groups_that_nobody_asked_for_are_counted_and_nothing_else(
    sandbox: Sandbox, graph: ResourceGraph
) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    sandbox.arm.add_customer("Neighbour", subscription_id=contoso.subscription_id)
    answer = await graph.state_counts([group_of(contoso)])
    assert set(answer.counts) == {key_of(contoso)}
    assert answer.strange_groups == 1


@pytest.mark.parametrize(
    "row",
    [
        None,
        "text",
        {},
        {"id": "", "noncompliant": 1, "compliant": 2, "exempt": 0},
        {"id": 7, "noncompliant": 1, "compliant": 2, "exempt": 0},
        {"id": "/g", "noncompliant": 1, "compliant": 2},
        {"id": "/g", "noncompliant": "1", "compliant": 2, "exempt": 0},
        {"id": "/g", "noncompliant": True, "compliant": 2, "exempt": 0},
        {"id": "/g", "noncompliant": 1.5, "compliant": 2, "exempt": 0},
        {"id": "/g", "noncompliant": -1, "compliant": 2, "exempt": 0},
        {"id": "/g", "noncompliant": None, "compliant": 2, "exempt": 0},
        {"id": "/g", "noncompliant": 2**60, "compliant": 2, "exempt": 0},
    ],
)
async def test_a_row_without_a_group_or_without_numbers_is_counted_and_tells_nothing(
    sandbox: Sandbox, graph: ResourceGraph, row: Any
) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    assert counts_in(row) is None
    rewrite(sandbox, lambda answer: answer["data"].append(row))

    answer = await graph.state_counts([group_of(contoso)])

    assert set(answer.counts) == {key_of(contoso)}
    assert answer.odd_rows == 1


async def test_a_group_that_comes_twice_is_told_of_by_neither(sandbox: Sandbox, graph: ResourceGraph) -> None:
    contoso, fabrikam = sandbox.arm.add_customer("Contoso"), sandbox.arm.add_customer("Fabrikam")
    again = {"id": contoso.managed_resource_group_id.upper(), "noncompliant": 9, "compliant": 0, "exempt": 0}
    rewrite(sandbox, lambda answer: answer["data"].extend([again, again]))

    answer = await graph.state_counts([group_of(contoso), group_of(fabrikam)])

    assert set(answer.counts) == {key_of(fabrikam)}
    assert answer.odd_rows == 2


async def test_rows_that_azure_says_it_left_out_are_noted(sandbox: Sandbox, graph: ResourceGraph) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    rewrite(sandbox, lambda answer: answer.update(resultTruncated="true"))
    assert (await graph.state_counts([group_of(contoso)])).is_cut


@pytest.mark.parametrize(
    "edit",
    [
        lambda answer: answer.pop("data"),
        lambda answer: answer.update(data={"columns": [], "rows": []}),
        lambda answer: answer.update({"$skipToken": 7}),
        lambda answer: answer.update(error={"code": "Gone", "message": "half an answer"}),
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_failure(
    sandbox: Sandbox, graph: ResourceGraph, edit: Callable[[dict[str, Any]], object]
) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    rewrite(sandbox, edit)
    with pytest.raises(MalformedAnswer):
        await graph.state_counts([group_of(contoso)])


async def test_a_token_that_comes_again_is_a_failure(sandbox: Sandbox, graph: ResourceGraph) -> None:
    customers = [sandbox.arm.add_customer(f"Customer {number}") for number in range(3)]
    sandbox.graph.page_size = 1
    tokens: list[str] = []

    def repeat(answer: dict[str, Any]) -> None:
        tokens.append(answer["$skipToken"])
        answer["$skipToken"] = tokens[0]

    rewrite(sandbox, repeat)
    with pytest.raises(MalformedAnswer, match="makes no sense"):
        await graph.state_counts([group_of(one) for one in customers])


async def test_a_web_page_in_place_of_the_answer_is_a_failure(sandbox: Sandbox, graph: ResourceGraph) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    sandbox.faults.add(GraphQuery(), html())
    with pytest.raises(MalformedAnswer):
        await graph.state_counts([group_of(contoso)])


async def test_a_throttled_query_is_repeated_after_the_time_that_azure_names(
    sandbox: Sandbox, graph: ResourceGraph, waits: list[float]
) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    sandbox.faults.add(GraphQuery(), Status(429, retry_after=4), times=1)
    assert (await graph.state_counts([group_of(contoso)])).counts
    assert len(waits) == 1
    assert waits[0] >= 4

    sandbox.faults.add(GraphQuery(), Status(429, retry_after=4))
    with pytest.raises(Throttled) as caught:
        await graph.state_counts([group_of(contoso)])
    assert caught.value.code == "RateLimiting"


async def test_the_next_query_waits_when_azure_says_that_none_is_left(
    sandbox: Sandbox, graph: ResourceGraph, waits: list[float]
) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    sandbox.graph.limit(2)
    for _ in range(2):
        await graph.state_counts([group_of(contoso)])
    assert waits == []
    with pytest.raises(Throttled):  # the waits of this test take no time
        await graph.state_counts([group_of(contoso)])
    assert 1 <= waits[0] <= 5


async def test_more_subscriptions_than_a_query_may_name_are_not_asked_for(graph: ResourceGraph) -> None:
    groups = [
        ResourceGroupId.parse(f"/subscriptions/{UUID(int=number)}/resourceGroups/g")
        for number in range(MOST_SUBSCRIPTIONS + 1)
    ]
    with pytest.raises(ValueError, match="1001 subscriptions"):
        await graph.state_counts(groups)


def rewrite(sandbox: Sandbox, edit: Callable[[dict[str, Any]], object]) -> None:
    sandbox.faults.add(GraphQuery(), Edited(edit))


async def applications_of(graph: ResourceGraph, subscriptions: Collection[str]) -> list[ApplicationId]:
    return [one async for one in graph.applications(subscriptions)]


async def test_the_applications_of_all_pages_are_told_once_each(sandbox: Sandbox, graph: ResourceGraph) -> None:
    customers = [sandbox.arm.add_customer(f"Customer {number}") for number in range(5)]
    sandbox.graph.page_size = 2
    found = await applications_of(graph, {one.subscription_id.upper() for one in customers})
    assert sorted(map(str, found)) == sorted(one.application_id for one in customers)
    with pytest.raises(ValueError, match="more than one query may name"):
        await applications_of(graph, [str(number) for number in range(MOST_SUBSCRIPTIONS + 1)])


async def test_rows_that_name_no_application_are_left_out(sandbox: Sandbox, graph: ResourceGraph) -> None:
    contoso = sandbox.arm.add_customer("Contoso")
    ids = [contoso.application_id.upper(), 17, None, "/subscriptions/x"]
    rows = [*({"id": one} for one in ids), {}, None]
    sandbox.faults.add(GraphQuery(), Body(json.dumps({"data": rows}).encode()))
    assert await applications_of(graph, [contoso.subscription_id]) == [ApplicationId.parse(contoso.application_id)]
