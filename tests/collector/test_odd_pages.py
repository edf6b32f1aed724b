"""Pages of policy states as gateways, proxies and other versions of the service may write them: read, or refused.

Whatever cannot be read fails the application. It never makes it look better than it is.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.faults.effects import Body, Rewritten
from sandbox.faults.operations import PolicyQuery
from sandbox.services import Service
from tests.collector.odd_answers import assert_failed, collected, states
from tests.collector.test_addresses_and_pages import assert_all_are_there, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.faults.effects import Effect
    from tests.collector.conftest import Fleet

NEXT = "@odata.nextLink"
ARM = "https://management.azure.com"


def with_next_link(link: Any, name: str = NEXT) -> Effect:
    return page(lambda document: document.update({name: link}))


@pytest.mark.parametrize("empty", [None, "", " "])
@pytest.mark.parametrize("name", ["@odata.nextlink", "NextLink", "@nextLink"])
async def test_an_empty_next_link_hides_no_other_one(fleet: Fleet, name: str, empty: str | None) -> None:
    def both(document: dict[str, Any]) -> None:
        document[name] = document.pop(NEXT)
        document[NEXT] = empty

    assert_all_are_there(fleet, await collected(fleet, page(both), page_size=2))


async def test_two_next_links_that_differ_are_no_page(fleet: Fleet) -> None:
    effect = with_next_link(f"{ARM}/elsewhere", "@odata.nextlink")
    customer = await collected(fleet, effect, page_size=2)
    assert_failed(fleet, customer, "MalformedAnswer", "two links")


async def test_a_next_link_whose_name_came_damaged_is_no_last_page(fleet: Fleet) -> None:
    damaged = Rewritten(lambda body: body.replace(b"odata.nextLink", b"odata.nex\xa9Link"))
    assert_failed(fleet, await collected(fleet, damaged, page_size=2), "MalformedAnswer", "name is no text")


@pytest.mark.parametrize(
    "name", ["\ufeff@odata.nextLink", " nextLink", "next_link", "@odata.next-link", "@odata.nextLink\u200b"]
)
async def test_the_next_page_is_found_whatever_joins_the_words_of_its_name(fleet: Fleet, name: str) -> None:
    effect = page(lambda document: document.update({name: document.pop(NEXT)}))
    assert_all_are_there(fleet, await collected(fleet, effect, page_size=2))


@pytest.mark.parametrize(
    "name", ["@0data.nextLink", "nextPageLink", "@odata.n\u00e9xtLink", "@odata.extLink", "next", "link", "NextPageUrl"]
)
async def test_what_may_be_a_next_link_by_another_name_is_no_last_page(fleet: Fleet, name: str) -> None:
    effect = page(lambda document: document.update({name: document.pop(NEXT)}))
    assert_failed(fleet, await collected(fleet, effect, page_size=2), "MalformedAnswer", "next page")


@pytest.mark.parametrize("name", ["continuationToken", "$skipToken", "hasMoreResults"])
async def test_what_says_that_there_is_more_is_no_last_page(fleet: Fleet, name: str) -> None:
    customer = await collected(fleet, page(lambda document: document.update({name: True})))
    assert_failed(fleet, customer, "MalformedAnswer", "next page")


@pytest.mark.parametrize("link", [0, False, True, 5, [], {}, ["https://management.azure.com"]])
async def test_a_next_link_that_is_no_text_is_no_last_page(fleet: Fleet, link: Any) -> None:
    assert_failed(fleet, await collected(fleet, with_next_link(link)), "MalformedAnswer", "nextLink is no text")


@pytest.mark.parametrize(
    ("spell", "says"),
    [
        (lambda _: "/subscriptions/next", "no complete address"),
        (lambda _: "subscriptions/next", "no complete address"),
        (lambda _: "https:", "no complete address"),
        (lambda _: "https://[::1", "no address"),
        (lambda _: "https://management.example/next", "another host"),
        (lambda arm: arm.replace("https", "http") + "/next", "does not begin with https"),
        (lambda arm: arm.replace("//", "//somebody:secret@") + "/next", "user name"),
        (lambda arm: arm.rpartition(":")[0] + ":99/next", "another port"),
        (lambda arm: arm.rpartition(":")[0] + ":99999/next", "another port"),
    ],
)
async def test_a_next_link_that_cannot_be_followed_says_what_is_wrong(
    fleet: Fleet, spell: Callable[[str], str], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    arm = fleet.sandbox.url(Service.RESOURCE_MANAGER)
    customer = await collected(fleet, with_next_link(spell(arm)))
    assert_failed(fleet, customer, "ForeignNextLink", says)
    assert "secret" not in (fleet.results[customer.application_id].error_message or "")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("status", [201, 202, 204, 206])
async def test_a_success_that_is_no_whole_answer_is_a_failure(fleet: Fleet, status: int) -> None:
    customer = await collected(fleet, Body(b'{"value":[]}', status=status))
    assert_failed(fleet, customer, "MalformedAnswer", str(status))


@pytest.mark.parametrize("name", ["error", "odata.error", "Error"])
async def test_an_error_beside_the_states_is_a_failure_with_its_reason(fleet: Fleet, name: str) -> None:
    error = {"code": "ResponsePartial", "message": "Some partitions did not answer."}
    customer = await collected(fleet, page(lambda document: document.update({name: error})))
    assert_failed(fleet, customer, "ResponsePartial", "Some partitions did not answer.")


@pytest.mark.parametrize("name", ["@odata.count", "@count", "count", "@odata.Count"])
@pytest.mark.parametrize("written", [str, float, int, lambda count: f" {count} "])
async def test_a_count_is_read_however_it_is_written(fleet: Fleet, name: str, written: Callable[[int], Any]) -> None:
    def counted(document: dict[str, Any], more: int = 0) -> None:
        document.pop("@odata.count", None)
        document[name] = written(len(document["value"]) + more)

    customer = await collected(fleet, page(counted))
    assert_all_are_there(fleet, customer)
    fleet.sandbox.faults.clear()
    fleet.sandbox.faults.add(PolicyQuery(), page(lambda document: counted(document, 1)))
    await fleet.collect()
    assert_failed(fleet, customer, "StatesMissing", "states, and")


@pytest.mark.parametrize("count", [-1, "-1", 1.5, True, "many", [9], {}, 1e30, "9e0"])
async def test_a_count_that_is_no_number_of_rows_is_no_page(fleet: Fleet, count: Any) -> None:
    customer = await collected(fleet, page(lambda document: document.update({"@odata.count": count})))
    assert_failed(fleet, customer, "MalformedAnswer", "count")


@pytest.mark.parametrize(("more", "outcome"), [(0, "Succeeded"), (1, "Failed"), (-1, "Failed")])
async def test_a_count_of_the_whole_on_the_first_page_holds_for_the_whole(
    fleet: Fleet, more: int, outcome: str
) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.arm.page_size = 2
    whole = len(customer.owned_states()) + more
    fleet.sandbox.faults.add(PolicyQuery(page=1), page(lambda document: document.update({"@odata.count": whole})))
    fleet.sandbox.faults.add(PolicyQuery(), page(lambda document: document.pop("@odata.count", None)))
    await fleet.collect()
    assert fleet.outcome(customer) == outcome


async def test_an_empty_page_that_counts_states_lacks_them(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    whole = len(customer.owned_states())
    fleet.sandbox.arm.page_size = whole // 2 + 1
    fleet.sandbox.faults.add(PolicyQuery(page=2), page(lambda document: document["value"].clear()))
    await fleet.collect()
    assert_failed(fleet, customer, "StatesMissing", "0 came")


@pytest.mark.parametrize(
    "name", ["complianceState", "policyAssignmentId", "policyAssignmentScope", "resourceId", "timestamp"]
)
async def test_a_null_hides_no_member_in_other_letter_case(fleet: Fleet, name: str) -> None:
    def odd(state: dict[str, Any]) -> None:
        state[name[0].upper() + name[1:]] = state[name]
        state[name] = None

    assert_all_are_there(fleet, await collected(fleet, states(odd)))


def doubled(before: bytes, after: bytes) -> Effect:
    """The right page, with this before the first text of that kind, as a proxy that joins documents may write it."""

    def rewrite(body: bytes) -> bytes:
        document = json.dumps(json.loads(body), separators=(",", ":")).encode()
        assert after in document
        return document.replace(after, before + after, 1)

    return Rewritten(rewrite)


@pytest.mark.parametrize(
    "effect",
    [
        doubled(b'"complianceState":"NonCompliant",', b'"complianceState":'),
        doubled(b'"value":[],', b'"value":'),
        doubled(b'"value":[{"complianceState":"NonCompliant"}],', b'"value":'),
        doubled(b'"Value":[{"complianceState":"NonCompliant"}],', b'"value":'),
        doubled(b'"ComplianceState":"NonCompliant",', b'"complianceState":'),
        doubled(b'"COMPLIANCESTATE":"Conflicting",', b'"complianceState":'),
        doubled(b'"compliance\\u0053tate":"NonCompliant",', b'"complianceState":'),
        doubled(b'"policyAssignmentId":"/providers/elsewhere",', b'"policyAssignmentId":'),
        doubled(b'"PolicyAssignmentId":"/providers/elsewhere",', b'"policyAssignmentId":'),
        doubled(b'"resourceId":"/another",', b'"resourceId":'),
        doubled(b'"ResourceId":"/another",', b'"resourceId":'),
    ],
)
async def test_a_member_that_comes_twice_is_no_answer(fleet: Fleet, effect: Effect) -> None:
    assert_failed(fleet, await collected(fleet, effect), "MalformedAnswer", "twice")


async def test_the_same_said_again_in_other_letter_case_is_read(fleet: Fleet) -> None:
    effect = states(lambda state: state.update(ComplianceState=state["complianceState"]))
    assert_all_are_there(fleet, await collected(fleet, effect))


@pytest.mark.parametrize("names", [("@odata.count", "count"), ("@odata.count", "@odata.Count")])
async def test_two_counts_that_differ_are_no_page(fleet: Fleet, names: tuple[str, str]) -> None:
    def counted(document: dict[str, Any]) -> None:
        document.update({name: len(document["value"]) + more for more, name in enumerate(names)})

    assert_failed(fleet, await collected(fleet, page(counted)), "MalformedAnswer", "two counts")


async def test_a_count_that_only_a_later_page_has_is_its_own(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    whole = len(customer.owned_states())
    fleet.sandbox.arm.page_size = whole // 2 + 1
    fleet.sandbox.faults.add(PolicyQuery(page=1), page(lambda document: document.pop("@odata.count", None)))
    fleet.sandbox.faults.add(PolicyQuery(), page(lambda document: document.update({"@odata.count": whole})))
    await fleet.collect()
    assert_failed(fleet, customer, "StatesMissing", f"counts {whole}")
