"""What a ticket system gets: the examples and mappings of docs/tickets, held against what the receiver really got."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.receiver import AlertReceiver, post_to
from sandbox.azure.site import Site
from tests.queries.fleet import NOW
from tests.queries.published import result, run, store, verdict, violated
from tests.queries.tickets import TICKETS, mapped, mapping_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.alerts.rules import AlertRule
    from sandbox.workspace.workspace import Workspace

RULE = "application-noncompliant"
LINKS = {
    "Rule": RULE,
    "Runbook": "https://github.com/contoso/compliance/blob/main/docs/operations.md#managed-application-is-not-compliant",
    "OperationsPage": "https://app-api.azurewebsites.net/.auth/login/aad?post_login_redirect_uri=/api/dashboard",
}
CONDITIONS = ("fired", "resolved")
TARGETS = ("servicenow", "teams", "receiver")


@pytest.fixture
def received(workspace: Workspace, rules: dict[str, AlertRule]) -> dict[str, Any]:
    """What is posted when a violation is found, and when its repair is, by condition."""
    receiver = AlertReceiver()
    with Site(receiver.add_routes) as site:
        rule = replace(rules[RULE], custom_properties=LINKS)
        evaluator = AlertEvaluator([rule], workspace, post_to(f"{site.url}/alerts"))
        store(
            workspace, run(), result("alpha"), violated("alpha", Alarm_says="3 violations: storage1, storage2, vault")
        )
        evaluator.evaluate(NOW + timedelta(minutes=1))
        store(workspace, verdict("alpha", hours_ago=-0.1))
        for quarter in range(1, 5):
            evaluator.evaluate(NOW + timedelta(minutes=15 * quarter))
    return dict(zip(CONDITIONS, receiver.payloads, strict=True))


def shown(payload: Mapping[str, Any]) -> Any:
    """The payload with what differs each time, and the query in several spellings, as the example has them."""
    text = json.dumps(payload)
    for words, value in (
        ("<id of the alert>", payload["data"]["essentials"]["originAlertId"]),
        *(("<the rule's query>", one) for one in _queries(payload)),
    ):
        text = text.replace(json.dumps(value)[1:-1], words)
    return json.loads(text)


def _queries(payload: Mapping[str, Any]) -> list[str]:
    criterion = payload["data"]["alertContext"]["condition"]["allOf"][0]
    return [criterion["searchQuery"], criterion["linkToSearchResultsAPI"]]


def example(name: str) -> Any:
    return json.loads((TICKETS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_example_of_an_alert_is_what_the_receiver_got(received: dict[str, Any], condition: str) -> None:
    assert shown(received[condition]) == example(f"alert.{condition}")


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_the_example_of_a_ticket_is_what_its_mapping_makes_of_that(
    received: dict[str, Any], target: str, condition: str
) -> None:
    made = mapped(mapping_of(target), shown(received[condition]))
    assert made == example(f"{target}.{condition}")
    assert "{" not in json.dumps(list(_texts(made)))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    return [text for one in value for text in _texts(one)] if isinstance(value, list) else [str(value)]


def test_what_resolves_a_ticket_has_the_key_of_what_opened_it(received: dict[str, Any]) -> None:
    fired, resolved = (mapped(mapping_of("servicenow"), received[one]) for one in CONDITIONS)
    assert fired["message_key"] == resolved["message_key"] != ""
    assert (fired["severity"], resolved["severity"]) == ("3", "0")
    opened, closed = (mapped(mapping_of("receiver"), received[one]) for one in CONDITIONS)
    assert (opened["key"], opened["state"], closed["key"], closed["state"]) == (
        fired["message_key"],
        "open",
        fired["message_key"],
        "closed",
    )


def test_another_finding_and_the_same_one_again_are_tickets_of_their_own(
    workspace: Workspace, rules: dict[str, AlertRule]
) -> None:
    told: list[Mapping[str, Any]] = []
    evaluator = AlertEvaluator([rules[RULE]], workspace, told.append)
    store(workspace, run(), violated("alpha"), violated("beta"))
    evaluator.evaluate(NOW + timedelta(minutes=1))
    store(workspace, verdict("alpha", hours_ago=-0.1))
    for quarter in range(1, 5):
        evaluator.evaluate(NOW + timedelta(minutes=15 * quarter))
    store(workspace, violated("alpha", hours_ago=-1.5))
    evaluator.evaluate(NOW + timedelta(minutes=100))
    tickets = [mapped(mapping_of("receiver"), dict(one)) for one in told]
    assert [one["state"] for one in tickets] == ["open", "open", "closed", "open"]
    assert len({one["key"] for one in tickets}) == 3
    assert tickets[3]["finding"] in {one["finding"] for one in tickets[:2]}


def test_a_cause_of_many_findings_is_one_ticket_that_names_the_plan_version(
    workspace: Workspace, rules: dict[str, AlertRule]
) -> None:
    cause = "violated: gold 1.2.0, baseline"
    told: list[Mapping[str, Any]] = []
    store(workspace, *(violated(name, cause=cause) for name in ("alpha", "beta")))
    AlertEvaluator([rules["fleet-in-trouble"]], workspace, told.append).evaluate(NOW + timedelta(minutes=1))
    [payload] = told
    event, card, ticket = (mapped(mapping_of(target), dict(payload)) for target in TARGETS)
    assert event["description"] == f"Many findings have one cause. Cause: {cause}; Plan: gold 1.2.0"
    facts = card["attachments"][0]["content"]["body"][1]["facts"]
    assert facts[:2] == [{"title": "Cause", "value": cause}, {"title": "Plan", "value": "gold 1.2.0"}]
    assert all(fact["value"] for fact in facts)
    assert event["additional_info"]["finding"] == ticket["finding"] == cause
