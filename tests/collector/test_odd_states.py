"""Policy states as gateways, proxies and other versions of the service may write them: judged, or not read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.faults.operations import PolicyQuery
from tests.collector.odd_answers import assert_failed, collected, states
from tests.collector.test_addresses_and_pages import assert_all_are_there, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.collector.conftest import Fleet


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


@pytest.mark.parametrize(
    "spell",
    [
        lambda text: f"{text}/",
        lambda text: text.replace("/providers/", "//providers/"),
        lambda text: f" /{text}",
        lambda text: text.strip("/"),
        lambda text: text.replace("Microsoft.", "Microsoft%2E"),
        lambda text: f"{text}\u200b",
    ],
)
async def test_two_spellings_of_a_resource_are_one_state_and_one_violation(
    fleet: Fleet, spell: Callable[[str], str]
) -> None:
    def odd(document: dict[str, Any]) -> None:
        again = [state | {"resourceId": spell(state["resourceId"])} for state in document["value"]]
        document["value"] += again
        document["@odata.count"] = len(document["value"])

    (customer,) = await fleet.deploy("Contoso")
    customer.break_resource("vault")
    await fleet.collect()
    open_before = {name: (row["Noncompliant_states"], row["Resources"]) for name, row in fleet.verdicts().items()}
    states_before = fleet.results[customer.application_id].states
    fleet.sandbox.faults.add(PolicyQuery(), page(odd))
    await fleet.collect()
    assert fleet.results[customer.application_id].states == states_before
    assert {
        name: (row["Noncompliant_states"], row["Resources"]) for name, row in fleet.verdicts().items()
    } == open_before


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
