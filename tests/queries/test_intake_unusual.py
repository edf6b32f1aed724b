"""The rule that tells of more notifications or registrations than usual, in few alerts however many there are."""

from datetime import timedelta

import pytest

from sandbox.workspace.workspace import Workspace
from tests.queries.conftest import Fired, Story
from tests.queries.published import EVENTS, NOW, Row, event, heartbeat, run, store

RULE = "intake-unusual"


def not_told(about: str, *, minutes_ago: float = 10) -> Row:
    columns = {"Application_id": "", "Registry_action": "NotTold", "Registry_error": about}
    return event("Notifications", minutes_ago=minutes_ago, name=about[-20:], **columns)


def registered(count: int, *, minutes_ago: float = 60) -> list[Row]:
    return [
        event("PUT", "Succeeded", minutes_ago=minutes_ago, name=f"new-{n}", Registry_action="Registered")
        for n in range(count)
    ]


def test_nothing_fires_over_empty_tables_heartbeats_and_runs_of_older_versions(
    workspace: Workspace, fired: Fired
) -> None:
    assert fired(RULE) == {}
    store(workspace, heartbeat(EVENTS), run(hours_ago=1, Applications=10))
    assert fired(RULE) == {}


def test_a_flood_about_a_thousand_ids_makes_two_alerts(workspace: Workspace, fired: Fired) -> None:
    store(workspace, not_told("applications that are not registered"))
    store(workspace, not_told("applications for which there is no place to wait"))
    store(workspace, *(not_told(f"/subscriptions/{number}/applications/ours") for number in range(1000)))
    what = "More notifications than are told"
    assert set(fired(RULE)) == {
        (what, "applications that are not registered"),
        (what, "applications that are registered"),
    }


def test_a_flood_is_over_two_hours_after_it_was_last_told(story: Story) -> None:
    arrivals = {0: [not_told("applications that are not registered", minutes_ago=0)]}
    assert story(RULE, arrivals, until=3) == [f"Fired {RULE}", f"Resolved {RULE}"]


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"Notifications_waiting": 1001}, {"Notifications wait"}),
        ({"Notifications_waiting": 1000}, set()),
        (
            {"Notifications_waiting": 3, "Notifications_oldest": (NOW - timedelta(hours=3)).isoformat()},
            {"Notifications wait"},
        ),
        ({"Notifications_waiting": 3, "Notifications_oldest": (NOW - timedelta(minutes=90)).isoformat()}, set()),
        ({"Pending_applications": 10_000}, {"Applications wait to be asked about"}),
        ({"Pending_applications": 9_999}, set()),
        ({"Notifications_waiting": None, "Notifications_oldest": None, "Pending_applications": None}, set()),
    ],
)
def test_what_waits_is_judged_by_the_latest_run(
    workspace: Workspace, fired: Fired, columns: dict[str, object], what: set[str]
) -> None:
    store(workspace, run(hours_ago=2, Notifications_waiting=99_999, Pending_applications=99_999))
    store(workspace, run(hours_ago=1, Applications=3, **columns))
    assert {dimensions[0] for dimensions in fired(RULE)} == what


@pytest.mark.parametrize(
    ("fleet", "new", "is_told"), [(10, 50, False), (10, 51, True), (1000, 200, False), (1000, 201, True)]
)
def test_registrations_of_a_day_are_compared_with_fifty_and_a_fifth_of_the_fleet(
    workspace: Workspace, fired: Fired, fleet: int, new: int, is_told: bool
) -> None:
    store(
        workspace,
        run(hours_ago=1, Applications=fleet),
        *registered(new),
        *registered(new),
        *registered(90, minutes_ago=1500),
    )
    assert (("More registrations than usual", "the registry") in fired(RULE)) is is_told


@pytest.mark.parametrize(
    ("rule", "columns"),
    [
        ("application-unregistered", {"Registry_action": "Pending", "Registry_error": "ResourceNotFound: none"}),
        ("deployment-failed", {"Registry_action": "Ignored"}),
    ],
)
def test_forged_events_about_thousands_of_applications_make_few_alerts_and_the_first_keep_their_names(
    workspace: Workspace, fired: Fired, rule: str, columns: dict[str, str]
) -> None:
    state = "Failed" if rule == "deployment-failed" else "Succeeded"
    first = [event("PUT", state, minutes_ago=1000 - n, name=f"first-{n}", **columns) for n in range(25)]
    store(workspace, *first)
    named = set(fired(rule))
    assert len(named) == 25
    store(
        workspace, *(event("PUT", state, minutes_ago=500 - n / 100, name=f"more-{n}", **columns) for n in range(2000))
    )
    assert set(fired(rule)) == named | {("more than 25 applications", "")}
