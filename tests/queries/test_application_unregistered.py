"""The rule that tells that a deployment could not be taken into the registry, over deliveries that Azure repeats."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import AlertRule
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet, application_id, good, subscription_of

Deliver = Callable[..., None]
Unregistered = Callable[[], dict[str, str]]
DENIED = {"Registry_action": "AccessDenied", "Registry_error": "AuthorizationFailed: no authorization"}


@pytest.fixture
def unregistered(fired: Callable[..., dict[tuple[str, ...], float]]) -> Unregistered:
    """What kept an application out, by application that fires now."""

    def evaluate() -> dict[str, str]:
        return {name: action for _, name, _, action in fired("application-unregistered", at=NOW)}

    return evaluate


@pytest.fixture
def deliver(workspace: Workspace) -> Deliver:
    """Stores one delivery: of which event, minutes after it happened, and what became of it."""

    def store(event: str, state: str, minutes_ago: float, name: str = "alpha", after: float = 0, **more: Any) -> None:
        happened = NOW - timedelta(minutes=minutes_ago)
        row = {
            "TimeGenerated": (happened + timedelta(minutes=after)).isoformat(),
            "Event_time": happened.isoformat(),
            "Event_id": f"{name} {event} {state} {minutes_ago}",
            "Application_id": application_id(name),
            "Application_name": name,
            "Customer_subscription_id": subscription_of(name),
            "Event_type": event,
            "Provisioning_state": state,
            "Registry_action": "Registered",
            "Registry_error": "",
        }
        workspace.insert("ManagedApplicationEvents_CL", [{**row, **more}])

    return store


@pytest.mark.parametrize("event", ["PUT", "PATCH"])
def test_a_deployment_that_stays_out_of_the_registry_fires(
    deliver: Deliver, unregistered: Unregistered, event: str
) -> None:
    for after in (0, 5, 20):
        deliver(event, "Succeeded", 40, after=after, **DENIED)
    deliver(event, "Succeeded", 40, name="beta")

    assert unregistered() == {"alpha": "AccessDenied"}


def test_the_first_half_hour_is_azures_chance_to_repeat(deliver: Deliver, unregistered: Unregistered) -> None:
    deliver("PUT", "Succeeded", 29, **DENIED)

    assert unregistered() == {}


def test_a_repeated_delivery_that_succeeded_resolves_it(
    deliver: Deliver, workspace: Workspace, rules: dict[str, AlertRule]
) -> None:
    evaluator = AlertEvaluator([rules["application-unregistered"]], workspace)
    deliver("PUT", "Succeeded", 60, **DENIED)
    assert [told.condition for told in evaluator.evaluate(NOW)] == ["Fired"]

    deliver("PUT", "Succeeded", 60, after=61)

    later = [told for minutes in range(15, 90, 15) for told in evaluator.evaluate(NOW + timedelta(minutes=minutes))]
    assert [told.condition for told in later] == ["Resolved"]


def test_the_latest_delivery_tells_whatever_came_before(deliver: Deliver, unregistered: Unregistered) -> None:
    deliver("PUT", "Succeeded", 60)
    deliver("PUT", "Succeeded", 60, after=20, **DENIED)

    assert unregistered() == {"alpha": "AccessDenied"}


def test_ids_spelled_differently_are_one_application(deliver: Deliver, unregistered: Unregistered) -> None:
    deliver("PUT", "Succeeded", 60, **DENIED)
    deliver("PUT", "Succeeded", 60, after=20, Application_id=application_id("alpha").upper())

    assert unregistered() == {}


@pytest.mark.parametrize("outcome", ["AccessDenied", "Succeeded"])
def test_an_application_that_the_collector_knows_is_the_collectors_to_tell(
    fleet: Fleet, deliver: Deliver, unregistered: Unregistered, outcome: str
) -> None:
    deliver("PUT", "Succeeded", 60, **DENIED)
    fleet.run(alpha=[good()] if outcome == "Succeeded" else outcome)

    assert unregistered() == {}


def test_an_application_that_left_and_came_back_is_missed_again(
    fleet: Fleet, deliver: Deliver, unregistered: Unregistered
) -> None:
    fleet.run(hours_ago=2, alpha=[good()])
    fleet.run(hours_ago=1)
    deliver("PUT", "Succeeded", 40, **DENIED)

    assert unregistered() == {"alpha": "AccessDenied"}


@pytest.mark.parametrize("error", [{}, DENIED])
def test_a_deletion_ends_the_matter(deliver: Deliver, unregistered: Unregistered, error: dict[str, str]) -> None:
    deliver("PUT", "Succeeded", 60, **DENIED)
    deliver("DELETE", "Deleted", 40, **error)

    assert unregistered() == {}


@pytest.mark.parametrize(("event", "state"), [("PUT", "Accepted"), ("PUT", "Failed"), ("DELETE", "Failed")])
def test_what_asks_for_no_registration_is_not_missed(
    deliver: Deliver, unregistered: Unregistered, event: str, state: str
) -> None:
    deliver(event, state, 60, **DENIED)

    assert unregistered() == {}


def test_a_later_deployment_that_was_registered_counts(deliver: Deliver, unregistered: Unregistered) -> None:
    deliver("PUT", "Succeeded", 60, **DENIED)
    deliver("PUT", "Succeeded", 40)
    deliver("PUT", "Succeeded", 60, after=35, **DENIED)

    assert unregistered() == {}


def test_nothing_fires_over_empty_tables(workspace: Workspace, unregistered: Unregistered) -> None:
    assert unregistered() == {}
