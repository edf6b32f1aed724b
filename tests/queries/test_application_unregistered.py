"""The rule that tells that a deployment could not be taken into the registry, over deliveries that Azure repeats."""

from itertools import permutations

import pytest

from sandbox.workspace.workspace import Workspace
from tests.queries.conftest import Fired, Names, Story
from tests.queries.fleet import application_id, subscription_of
from tests.queries.published import EVENTS, NOW, Row, event, heartbeat, result, store, time, unread

RULE = "application-unregistered"
DENIED = {"Registry_action": "AccessDenied", "Registry_error": "AuthorizationFailed: no authorization"}
REGISTERED = {"Registry_action": "Registered"}
SUPERSEDED = {"Registry_action": "Superseded", "Registry_error": ""}


def refused(minutes_ago: float = 100, *, event_type: str = "PUT", **more: object) -> Row:
    return event(event_type, "Succeeded", minutes_ago=minutes_ago, **{**DENIED, **more})


@pytest.mark.parametrize("event_type", ["PUT", "PATCH"])
def test_a_deployment_that_stays_out_of_the_registry_fires_with_ids_alone(
    workspace: Workspace, fired: Fired, event_type: str
) -> None:
    store(workspace, *(refused(event_type=event_type, after=after) for after in (0, 5, 20)))
    store(workspace, event(event_type, "Succeeded", minutes_ago=100, name="beta", **REGISTERED))

    assert list(fired(RULE)) == [(application_id("alpha").lower(), subscription_of("alpha"))]


def test_nothing_fires_over_empty_tables_and_heartbeats(workspace: Workspace, fired: Fired) -> None:
    assert fired(RULE) == {}
    store(workspace, heartbeat(EVENTS))
    assert fired(RULE) == {}


def test_azure_may_repeat_for_half_an_hour_and_rows_may_be_an_hour_late(workspace: Workspace, names: Names) -> None:
    store(workspace, refused(90))

    assert names(RULE, at=NOW) == []


def test_a_repeated_delivery_that_succeeded_closes_it(story: Story) -> None:
    arrivals = {0: [refused()], 1: [refused(after=160, Registry_action="Registered", Registry_error="")]}

    assert story(RULE, arrivals, until=2) == ["Fired alpha", "Resolved alpha"]


def test_the_latest_delivery_tells_whatever_came_before(workspace: Workspace, names: Names) -> None:
    store(workspace, event("PUT", "Succeeded", minutes_ago=100, **REGISTERED), refused(after=20))

    assert names(RULE) == ["alpha"]


def test_reasons_that_alternate_do_not_fire_again(story: Story) -> None:
    reasons = ["AccessDenied", "Throttled", "Timeout", "AccessDenied", "NotFound"]
    arrivals = {
        number: [refused(after=100 + 60 * number, Registry_action=reason, Registry_error=f"{reason}: {number}")]
        for number, reason in enumerate(reasons)
    }

    assert story(RULE, {-1: [refused()], **arrivals}, until=6) == ["Fired alpha"]


def test_ids_spelled_differently_are_one_application(workspace: Workspace, names: Names) -> None:
    store(workspace, refused(), refused(after=20, Registry_action="Registered", Registry_error="").shouted())

    assert names(RULE) == []


@pytest.mark.parametrize("known", [result("alpha"), unread("alpha"), unread("alpha", "Vanished")])
def test_an_application_that_the_collector_knows_is_the_collectors_to_tell(
    workspace: Workspace, names: Names, known: Row
) -> None:
    store(workspace, refused(), known.shouted())

    assert names(RULE) == []


@pytest.mark.parametrize("outcome", ["Left", "LeftUnconfirmed"])
def test_an_application_that_left_and_came_back_is_missed_again(
    workspace: Workspace, names: Names, outcome: str
) -> None:
    store(workspace, result("alpha", hours_ago=5), result("alpha", outcome, hours_ago=4), refused())

    assert names(RULE) == ["alpha"]


@pytest.mark.parametrize("error", [{}, DENIED])
def test_a_deletion_ends_the_matter(workspace: Workspace, names: Names, error: dict[str, str]) -> None:
    store(workspace, refused(), event("DELETE", "Deleted", minutes_ago=40, **error))

    assert names(RULE) == []


@pytest.mark.parametrize("action", ["Registered", "Updated", "Removed", "DeletionConfirmed", "GivenUp"])
@pytest.mark.parametrize("by", ["Reconciliation", "Operator"])
def test_what_the_daily_job_or_an_operator_did_about_it_closes_it(
    workspace: Workspace, names: Names, by: str, action: str
) -> None:
    store(workspace, refused(), event(by, minutes_ago=40, Registry_action=action))

    assert names(RULE) == []


def test_an_application_that_is_not_ours_is_never_told(workspace: Workspace, names: Names) -> None:
    store(workspace, refused(Registry_action="Pending"), refused(after=5, Registry_action="NotOurs", Registry_error=""))
    store(workspace, event("PUT", "Succeeded", minutes_ago=100, name="beta", Registry_action="NotOurs"))

    assert names(RULE) == []


@pytest.mark.parametrize(("event_type", "state"), [("PUT", "Accepted"), ("PUT", "Failed"), ("DELETE", "Failed")])
def test_what_asks_for_no_registration_is_not_missed(
    workspace: Workspace, names: Names, event_type: str, state: str
) -> None:
    store(workspace, event(event_type, state, minutes_ago=100, **DENIED))

    assert names(RULE) == []


def test_a_later_deployment_that_was_registered_counts_in_whatever_order_rows_are_seen(
    workspace: Workspace, names: Names
) -> None:
    rows = [refused(200), event("PUT", "Succeeded", minutes_ago=150, **REGISTERED), refused(200, after=95)]
    for order in permutations(rows):
        workspace.clear()
        store(workspace, *order)
        assert names(RULE) == [], order


def test_later_events_give_it_no_new_time(workspace: Workspace, names: Names) -> None:
    for minutes_ago in (200, 140, 80):
        store(workspace, refused(minutes_ago), refused(minutes_ago, after=60).with_(**SUPERSEDED))
    store(workspace, refused(20))

    assert names(RULE) == ["alpha"]


def test_what_was_superseded_before_an_answer_does_not_hurry_the_next_event(workspace: Workspace, names: Names) -> None:
    first = refused(600, Event_id="first").with_(**SUPERSEDED)
    answered = event("PATCH", "Succeeded", minutes_ago=590, Event_id="second", **REGISTERED)
    store(workspace, first, answered, refused(30, Event_id="third"))

    assert names(RULE) == []


@pytest.mark.parametrize("event_type", ["PUT", "DELETE"])
def test_nobody_silences_it_with_a_date_in_the_future(workspace: Workspace, names: Names, event_type: str) -> None:
    state = "Deleted" if event_type == "DELETE" else "Succeeded"
    forged = {"Event_time": "2099-01-01T00:00:00Z", "Event_id": "forged", **REGISTERED}
    store(workspace, event(event_type, state, minutes_ago=150, **forged), refused(120))

    assert names(RULE) == ["alpha"]


def test_a_refusal_that_claims_to_be_of_the_future_waits_no_longer_than_another(
    workspace: Workspace, names: Names
) -> None:
    store(workspace, refused(100, Event_time="2099-01-01T00:00:00Z"))

    assert names(RULE) == ["alpha"]
    store(workspace, event("PUT", "Succeeded", minutes_ago=10, **REGISTERED))
    assert names(RULE) == []


def test_a_read_before_the_event_leaves_the_application_known(workspace: Workspace, names: Names) -> None:
    """A change of tags that could not be written is no missing registration: the collector reads the application."""
    store(workspace, result("alpha", TimeGenerated=time(3)), refused(event_type="PATCH"))

    assert names(RULE) == []
