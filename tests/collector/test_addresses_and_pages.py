"""The addresses of policy queries stay short, and what becomes of links to pages and counts that are wrong."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from publisher.policy_states.query import LONGEST_ADDRESS
from sandbox.faults.effects import Body, Rewritten, Status, html
from sandbox.faults.operations import PolicyQuery
from sandbox.services import Service
from sandbox.world.customers import Resource
from sandbox.world.policies import SECURE_TRANSFER, STORAGE, Assignment
from tests.collector.conftest import Fleet, key_of, key_of_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.world.customers import Customer

GROUP = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/mrg-inner"


def page(change: Callable[[dict[str, Any]], object]) -> Rewritten:
    """The right page, changed by this."""

    def rewrite(body: bytes) -> bytes:
        document = json.loads(body)
        change(document)
        return json.dumps(document).encode()

    return Rewritten(rewrite)


def renamed(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.update({name: document.pop("@odata.nextLink")})


def assert_all_are_there(fleet: Fleet, customer: Customer) -> None:
    assert fleet.outcome(customer) == "Succeeded"
    assert Counter(map(key_of_row, fleet.rows())) == Counter(map(key_of, customer.owned_states()))


def filters(fleet: Fleet) -> list[str]:
    asked = fleet.sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="queryResults")
    return [one.query.get("$filter", "") for one in asked]


async def with_inner_assignments(fleet: Fleet, number: int) -> Customer:
    stores = [f"store-number-{index:03}" for index in range(number)]
    customer = fleet.sandbox.arm.add_customer(
        "Inner",
        subscription_id=GROUP.split("/")[2],
        managed_resource_group="mrg-inner",
        resources=[Resource(store, STORAGE) for store in stores],
        assignments=[
            Assignment(store, store, SECURE_TRANSFER, f"{GROUP}/providers/{STORAGE}/{store}") for store in stores
        ],
    )
    await fleet.register(customer, assignments=True)
    return customer


async def test_a_healthy_application_costs_one_query_that_spells_its_scope_once(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    await fleet.collect()
    assert filters(fleet) == [f"PolicyAssignmentScope eq '{customer.managed_resource_group_id}'"]


@pytest.mark.parametrize("number", [5, 40, 120])
async def test_addresses_stay_short_however_many_assignments_there_are(fleet: Fleet, number: int) -> None:
    customer = await with_inner_assignments(fleet, number)
    await fleet.collect()
    assert_all_are_there(fleet, customer)
    asked = fleet.sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="queryResults")
    assert max(len(quote(one.query.get("$filter", ""), safe="")) for one in asked) < LONGEST_ADDRESS


async def test_a_filter_that_finds_nothing_is_asked_in_other_spellings_and_then_left_out(fleet: Fleet) -> None:
    customer = fleet.sandbox.arm.add_customer("Contoso", foreign=False)
    await fleet.register(customer, assignments=True)
    customer.remove_states(None)
    await fleet.collect()
    first, second, third = filters(fleet)
    assert (first.count(" eq "), third) == (1, "")
    assert first not in second
    assert first.lower() in second.lower()


@pytest.mark.parametrize("name", ["nextLink", "NextLink", "@odata.nextlink", "@odata.NextLink", "odata.nextLink"])
async def test_the_next_page_is_found_by_whatever_name(fleet: Fleet, name: str) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.arm.page_size = 2
    fleet.sandbox.faults.add(PolicyQuery(), page(renamed(name)))
    await fleet.collect()
    assert_all_are_there(fleet, customer)


@pytest.mark.parametrize(
    ("count", "code"), [(0, "StatesMissing"), (1000, "StatesMissing"), ("12", "StatesMissing"), (None, None)]
)
async def test_a_count_that_does_not_match_its_rows_is_a_failure(fleet: Fleet, count: Any, code: str | None) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(PolicyQuery(), page(lambda document: document.update({"@odata.count": count})))
    await fleet.collect()
    result = fleet.results[customer.application_id]
    assert (result.outcome.value, result.error_code) == ("Failed" if code else "Succeeded", code)


async def test_a_count_of_all_pages_on_each_of_them_is_no_failure(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.arm.page_size = 2
    whole = len(customer.owned_states())
    fleet.sandbox.faults.add(PolicyQuery(), page(lambda document: document.update({"@odata.count": whole})))
    await fleet.collect()
    assert_all_are_there(fleet, customer)


@pytest.mark.parametrize(
    "refusal", [Status(400, code="InvalidSkipToken"), Status(400, code="ExpiredSkipToken"), html(404), Body(b"", status=410)]
)  # fmt: skip
async def test_a_later_page_that_expired_is_begun_anew_once_and_nothing_counts_twice(
    fleet: Fleet, refusal: Status | Body
) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.arm.page_size = 2
    fleet.sandbox.faults.add(PolicyQuery(page=3), refusal, times=1)
    await fleet.collect()
    assert_all_are_there(fleet, customer)
    assert fleet.results[customer.application_id].states == len(customer.owned_states())


@pytest.mark.parametrize(
    ("refusal", "code"),
    [(Status(400, code="InvalidSkipToken"), "InvalidSkipToken"), (Body(b"", status=414), "Http414")],
)
async def test_a_link_that_stays_refused_is_a_failure_with_that_reason(
    fleet: Fleet, refusal: Status | Body, code: str
) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.arm.page_size = 2
    fleet.sandbox.faults.add(PolicyQuery(page=3), refusal)
    await fleet.collect()
    result = fleet.results[customer.application_id]
    assert (result.outcome.value, result.error_code) == ("Failed", code)


@pytest.mark.parametrize(
    ("status", "code", "outcome", "fails"),
    [
        (404, "ResourceGroupNotFound", "NotFound", False),
        (404, "NoRegisteredProviderFound", "Failed", True),
        (404, "InvalidResourceNamespace", "Failed", True),
        (404, "SubscriptionNotFound", "AccessDenied", False),
        (401, "InvalidAuthenticationTokenTenant", "AccessDenied", False),
        (401, "ExpiredAuthenticationToken", "Failed", True),
        (403, "InvalidAuthenticationTokenAudience", "Failed", True),
        (409, "ReadOnlyDisabledSubscription", "Blocked", False),
        (409, "MissingSubscriptionRegistration", "Blocked", False),
        (409, "ScopeLocked", "Blocked", False),
        (409, "ResourceGroupBeingDeleted", "Blocked", False),
        (409, "SomethingNew", "Failed", True),
    ],
)
async def test_whose_fault_it_is_decides_whether_the_run_fails(
    fleet: Fleet,
    status: int,
    code: str,
    outcome: str,
    fails: bool,
) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(PolicyQuery(), Status(status, code=code))
    summary = await fleet.collect()
    result = fleet.results[customer.application_id]
    assert (result.outcome.value, result.error_code) == (outcome, code)
    assert bool(summary.failed_by_us_or_azure) is fails


@pytest.mark.parametrize("answer", [html(404), Body(b"", status=404), html(403), html(401)])
async def test_a_gateways_answer_is_a_failure_to_read(fleet: Fleet, answer: Body) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(PolicyQuery(), answer)
    await fleet.collect()
    assert fleet.outcome(customer) == "Failed"


async def test_another_groups_absence_is_not_this_ones(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    refusal = Status(404, code="ResourceGroupNotFound", message="Resource group 'another' could not be found.")
    fleet.sandbox.faults.add(PolicyQuery(), refusal)
    await fleet.collect()
    assert fleet.outcome(customer) == "Failed"
