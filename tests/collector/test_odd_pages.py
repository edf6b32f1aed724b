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
from tests.collector.test_addresses_and_pages import assert_all_are_there, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.faults.effects import Effect
    from sandbox.world.customers import Customer
    from tests.collector.conftest import Fleet

NEXT = "@odata.nextLink"
ARM = "https://management.azure.com"


async def collected(fleet: Fleet, effect: Effect, *, page_size: int | None = None) -> Customer:
    """A customer, whose pages of states were changed like this and then collected."""
    (customer,) = await fleet.deploy("Contoso")
    if page_size is not None:
        fleet.sandbox.arm.page_size = page_size
    fleet.sandbox.faults.add(PolicyQuery(), effect)
    await fleet.collect()
    return customer


def states(change: Callable[[dict[str, Any]], object]) -> Effect:
    """The right page, with each of its states changed by this."""
    return page(lambda document: [change(state) for state in document["value"]])


def with_next_link(link: Any, name: str = NEXT) -> Effect:
    return page(lambda document: document.update({name: link}))


def assert_failed(fleet: Fleet, customer: Customer, code: str, says: str) -> None:
    result = fleet.results[customer.application_id]
    assert (result.outcome.value, result.error_code) == ("Failed", code)
    assert says in (result.error_message or "")


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
    "state",
    [
        {},
        {"a": 1},
        {"resourceId": "/r"},
        {"complianceState": "Compliant"},
        {"resourceId": "/r", "complianceState": "?"},
    ],
)
async def test_an_object_that_says_nothing_of_anything_could_not_be_read(fleet: Fleet, state: dict[str, str]) -> None:
    def odd(document: dict[str, Any]) -> None:
        document["value"][-1] = state

    assert_failed(fleet, await collected(fleet, page(odd)), "MalformedState", "no states")


@pytest.mark.parametrize("scope", ["", 0, 7, "mrg-contoso", "Contoso", [], False, "/"])
async def test_a_scope_that_is_none_makes_no_state_foreign(fleet: Fleet, scope: Any) -> None:
    effect = states(lambda state: state.update(policyAssignmentScope=scope))
    assert_all_are_there(fleet, await collected(fleet, effect))


@pytest.mark.parametrize("identity", [5, "5", "secure-transfer", True, {}, "/providers/Microsoft.Authorization/x"])
@pytest.mark.parametrize("scope", ["as it is", "nowhere", None])
async def test_an_assignment_id_that_is_none_could_not_be_read(fleet: Fleet, identity: Any, scope: str | None) -> None:
    def odd(state: dict[str, Any]) -> None:
        state["policyAssignmentId"] = identity
        if scope != "as it is":
            state["policyAssignmentScope"] = scope

    customer = await collected(fleet, states(odd))
    assert_failed(fleet, customer, "MalformedState", "unreadable assignment")
    assert fleet.results[customer.application_id].foreign_states == 0


@pytest.mark.parametrize(
    "spell",
    [lambda text: f"{text}/", lambda text: text.replace("/providers/", "//providers/"), lambda text: f"{text}// "],
)
async def test_slashes_too_many_in_an_assignment_id_make_no_other_assignment(
    fleet: Fleet, spell: Callable[[str], str]
) -> None:
    def odd(state: dict[str, Any]) -> None:
        state["policyAssignmentId"] = spell(state["policyAssignmentId"])
        state["policyAssignmentScope"] += "/"

    assert_all_are_there(fleet, await collected(fleet, states(odd)))


JOINTS = ["-", "_", " ", "\u2010", "\u2011", "\u2012", "\u00ad", "\u200b", "\u200d", "\ufeff", "\u00a0", " \u2011 "]


@pytest.mark.parametrize("joint", JOINTS)
async def test_a_compliance_state_is_read_whatever_joins_its_words(fleet: Fleet, joint: str) -> None:
    def odd(state: dict[str, Any]) -> None:
        state["complianceState"] = state["complianceState"].replace("NonC", f"{joint}non{joint}c") + joint

    customer = await collected(fleet, states(odd))
    assert_all_are_there(fleet, customer)
    said = [state["complianceState"] for state in customer.owned_states()]
    assert sorted(row["Compliance_state"] for row in fleet.rows()) == sorted(said)


@pytest.mark.parametrize(
    "word", ["Exempted", "Compliant?", "Not compliant", "\ufffd", "", None, True, 1, ["Compliant"]]
)
async def test_a_word_that_nobody_knows_is_never_compliant(fleet: Fleet, word: Any) -> None:
    customer = await collected(fleet, states(lambda state: state.update(complianceState=word)))
    assert fleet.outcome(customer) == "Failed"
    assert {row["Verdict"] for row in fleet.verdicts().values()} <= {"NotEvaluated"}


async def test_an_assignment_with_a_state_that_nobody_can_read_is_not_compliant(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso", foreign=False)
    await fleet.register_as_azure_says(customer)

    def odd(document: dict[str, Any]) -> None:
        for state in document["value"]:
            state["complianceState"] = "Compliant"
        document["value"][0]["complianceState"] = "Exempted"

    fleet.sandbox.faults.add(PolicyQuery(), page(odd))
    await fleet.collect()
    name = customer.owned_states()[0]["policyAssignmentName"]
    verdicts = {key: row["Verdict"] for key, row in fleet.verdicts().items()}
    assert verdicts.pop(name) == "Undecided"
    assert set(verdicts.values()) == {"Compliant"}


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
    ],
)
async def test_a_member_that_comes_twice_is_no_answer(fleet: Fleet, effect: Effect) -> None:
    assert_failed(fleet, await collected(fleet, effect), "MalformedAnswer", "twice")


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.9999999-12:00",
        "0001-01-01T00:00:00Z",
        "2026-11-01T24:00:00Z",
        "2026-11-01T10:00:00.123456789Z",
        "2026-11-01T10:00:00.123456789+23:59",
        "99999-01-01T00:00:00Z",
    ],
)
async def test_no_time_of_an_evaluation_keeps_a_state_from_being_judged(
    fleet: Fleet, time: str, caplog: pytest.LogCaptureFixture
) -> None:
    violation = {"timestamp": time, "complianceState": "NonCompliant"}
    customer = await collected(fleet, states(lambda state: state.update(violation)))
    await fleet.collect()
    assert fleet.outcome(customer) == "Succeeded"
    assert {row["Verdict"] for row in fleet.verdicts().values()} == {"NonCompliant"}
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
