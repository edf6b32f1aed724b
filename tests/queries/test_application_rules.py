"""The rules about applications that could not be read or have left, and the one about many findings with one cause."""

from itertools import permutations

import pytest

from sandbox.workspace.workspace import Workspace
from tests.queries.conftest import Fired, Names, Story
from tests.queries.fleet import application_id
from tests.queries.published import RESULTS, Row, at, heartbeat, result, run, store, time, unread, verdict, violated

UNREAD = "application-unread"
LEFT = "application-left-unconfirmed"
MANY = "fleet-in-trouble"
EVERY = "every plan"
EXPIRED = "unread: Failed: InvalidClientSecret"


def left_unconfirmed(name: str = "alpha", **more: object) -> Row:
    alarm = {"Left_alarm_key": f"{application_id(name).lower()}#left", "Left_alarm_says": "LeftUnconfirmed at first"}
    return result(name, "LeftUnconfirmed", **{**alarm, **more})


def test_an_unread_application_is_named_with_the_reason_of_the_opening(workspace: Workspace, fired: Fired) -> None:
    store(workspace, unread("alpha"), result("beta"))

    assert list(fired(UNREAD)) == [
        ("Customer alpha", "alpha", "standard 1.0.0", "AccessDenied at first", application_id("alpha").lower())
    ]


def test_an_application_that_left_unconfirmed_is_named(workspace: Workspace, fired: Fired) -> None:
    store(workspace, left_unconfirmed())

    [(customer, name, _, says, key)] = fired(LEFT)
    assert (customer, name, says) == ("Customer alpha", "alpha", "LeftUnconfirmed at first")
    assert key == f"{application_id('alpha').lower()}#left"
    assert fired(UNREAD) == {}


@pytest.mark.parametrize("rule", [UNREAD, LEFT, MANY])
def test_nothing_fires_over_empty_tables_and_heartbeats(workspace: Workspace, fired: Fired, rule: str) -> None:
    assert fired(rule) == {}
    store(workspace, heartbeat(RESULTS))
    assert fired(rule) == {}


@pytest.mark.parametrize("outcome", ["AccessDenied", "NotFound", "Throttled", "Failed", "UploadFailed", "Skipped"])
def test_what_the_collector_does_not_tell_yet_does_not_fire(workspace: Workspace, names: Names, outcome: str) -> None:
    store(workspace, result("alpha", outcome, Unread_since=time(1), Failures_in_a_row=1))

    assert names(UNREAD) == []


def test_reasons_that_alternate_do_not_fire_again(story: Story) -> None:
    outcomes = ["AccessDenied", "Throttled", "Failed", "AccessDenied"]
    arrivals = {
        hour: [unread("alpha", outcome, hours_ago=-hour, Unread_alarm_says="AccessDenied at first")]
        for hour, outcome in enumerate(outcomes)
    }

    assert story(UNREAD, arrivals, until=5) == ["Fired alpha"]


@pytest.mark.parametrize(("rule", "opened"), [(UNREAD, unread("alpha")), (LEFT, left_unconfirmed())])
@pytest.mark.parametrize("closing", ["Succeeded", "NoStates", "Left"])
def test_a_read_and_a_confirmed_departure_close(story: Story, rule: str, opened: Row, closing: str) -> None:
    arrivals = {0: [opened], 1: [result("alpha", closing, hours_ago=-1)]}

    assert story(rule, arrivals, until=2) == ["Fired alpha", "Resolved alpha"]


@pytest.mark.parametrize(("rule", "opened"), [(UNREAD, unread("alpha")), (LEFT, left_unconfirmed())])
def test_rows_that_are_missing_or_about_others_close_nothing(story: Story, rule: str, opened: Row) -> None:
    arrivals = {0: [opened, result("beta")]}
    arrivals |= {hour: [result("beta", hours_ago=-hour), run(hours_ago=-hour)] for hour in range(1, 23)}

    assert story(rule, arrivals, until=23) == ["Fired alpha"]


@pytest.mark.parametrize("rule", [UNREAD, LEFT])
def test_a_departure_ends_the_other_alarm(workspace: Workspace, names: Names, rule: str) -> None:
    rows = {UNREAD: [unread("alpha"), left_unconfirmed()], LEFT: [left_unconfirmed(), result("alpha", "Left")]}
    opened, closed = rows[rule]
    store(workspace, opened.with_(TimeGenerated=time(1)), closed.with_(**_alarms_of(opened)))

    assert names(rule) == []


def _alarms_of(row: Row) -> dict[str, object]:
    """The columns of a row's alarms, to see that the outcome alone decides."""
    return {name: value for name, value in row.values.items() if "_alarm_" in name}


def test_an_application_that_vanished_is_told_at_once(workspace: Workspace, names: Names) -> None:
    store(workspace, result("alpha", hours_ago=1), unread("alpha", "Vanished"))

    assert names(UNREAD) == ["alpha"]


def test_who_was_never_read_is_named_too(workspace: Workspace, fired: Fired) -> None:
    store(workspace, unread("alpha", Last_read=None))

    assert [customer for customer, *_ in fired(UNREAD)] == ["Customer alpha"]


def test_the_latest_result_tells_in_whatever_order_rows_become_visible(workspace: Workspace, names: Names) -> None:
    for order in permutations(
        [unread("alpha", hours_ago=3), result("alpha", hours_ago=2), unread("alpha", hours_ago=1)]
    ):
        workspace.clear()
        store(workspace, *order)
        assert names(UNREAD) == ["alpha"], order


def test_a_rename_or_another_case_does_not_fire_again(story: Story) -> None:
    renamed = unread("alpha", hours_ago=-1, Customer_name="Alpha Limited", Application_name="other")

    assert story(
        UNREAD, {0: [unread("alpha")], 1: [renamed], 2: [unread("alpha", hours_ago=-2).shouted()]}, until=4
    ) == ["Fired alpha"]


def test_expired_credentials_for_everybody_are_one_alert_by_cause(workspace: Workspace, fired: Fired) -> None:
    store(workspace, *(unread(f"a{number}", "Failed", cause="" if number < 25 else EXPIRED) for number in range(320)))

    assert len(fired(UNREAD)) == 25
    assert fired(MANY) == {(EXPIRED, EVERY): 295}


def test_causes_of_every_kind_are_counted_apart(workspace: Workspace, fired: Fired) -> None:
    store(workspace, *(violated(f"v{number}", cause="violated: tls") for number in range(4)))
    store(workspace, *(verdict(f"g{number}", alarms=["guard"], cause="withdrawn: tls") for number in range(3)))
    store(workspace, *(verdict(f"n{number}", alarms=["notice"], cause="noticed: tls") for number in range(2)))
    store(workspace, verdict("u", "Undecided", alarms=["undecided"], cause="no longer decided: tls"))
    store(workspace, unread("r", cause=EXPIRED), unread("s", cause=EXPIRED))

    assert fired(MANY) == {
        ("violated: tls", EVERY): 4,
        ("withdrawn: tls", EVERY): 3,
        ("noticed: tls", EVERY): 2,
        ("no longer decided: tls", EVERY): 1,
        (EXPIRED, EVERY): 2,
    }


@pytest.mark.parametrize(
    ("cause", "plan"),
    [
        ("violated: gold 1.2.0, baseline", "gold 1.2.0"),
        ("no longer decided: gold, silver 1.0, tls", "gold, silver 1.0"),
        ("withdrawn: no plan, tls", "no plan"),
    ],
)
def test_a_release_manager_sees_the_plan_version_of_a_cause(
    workspace: Workspace, fired: Fired, cause: str, plan: str
) -> None:
    store(workspace, violated("alpha", cause=cause), violated("beta", cause=cause))

    assert fired(MANY) == {(cause, plan): 2}


def test_one_application_with_two_kinds_counts_for_both(workspace: Workspace, fired: Fired) -> None:
    both = violated("alpha", cause="violated: tls").with_(Guard_alarm_key="cause: c", Guard_alarm_cause="changed: tls")
    store(workspace, both)

    assert fired(MANY) == {("violated: tls", EVERY): 1, ("changed: tls", EVERY): 1}


def test_a_cause_stays_fired_while_its_number_changes_and_closes_with_the_last(story: Story) -> None:
    def fleet(hour: int, broken: int) -> list[Row]:
        return [
            violated(f"a{number}", cause="violated: tls", hours_ago=-hour)
            if number < broken
            else verdict(f"a{number}", hours_ago=-hour)
            for number in range(40)
        ]

    arrivals = {hour: fleet(hour, broken) for hour, broken in enumerate([40, 39, 12, 1, 1, 0])}

    assert story(MANY, arrivals, until=6) == [f"Fired {MANY}", f"Resolved {MANY}"]


def test_a_cause_closes_when_nothing_of_it_is_left(story: Story) -> None:
    arrivals = {0: [violated("a", cause="violated: tls"), unread("b", cause=EXPIRED)]}
    arrivals |= {1: [verdict("a", hours_ago=-1), result("b", hours_ago=-1)]}

    assert story(MANY, arrivals, until=2) == [
        f"{condition} {MANY}" for condition in ("Fired", "Fired", "Resolved", "Resolved")
    ]


def test_accepted_snoozed_and_departed_findings_do_not_count(workspace: Workspace, fired: Fired) -> None:
    cause = "violated: tls"
    store(
        workspace,
        violated("open", cause=cause),
        violated("accepted", cause=cause, Accepted_until=at(2).isoformat()),
        verdict("guard", alarms=["guard"], cause="withdrawn: tls", Guard_accepted_until=at(2).isoformat()),
        violated("snoozed", cause=cause, Snoozed_until=at(2).isoformat()),
        violated("retired", cause=cause).with_(Verdict="Retired"),
        violated("left", cause=cause, hours_ago=1),
        result("left", "Left"),
        unread("gone", cause=EXPIRED).with_(Outcome="Left"),
        unread("resting", cause=EXPIRED, Snoozed_until=at(3).isoformat()),
    )

    assert fired(MANY) == {(cause, EVERY): 1}
    assert fired(MANY, at=at(2)) == {(cause, EVERY): 3, ("withdrawn: tls", EVERY): 1}


@pytest.mark.parametrize(("rule", "opened"), [(UNREAD, unread("alpha")), (LEFT, left_unconfirmed())])
def test_an_application_of_a_snoozed_plan_version_is_told_when_the_snooze_ends(
    workspace: Workspace, names: Names, rule: str, opened: Row
) -> None:
    store(workspace, opened.with_(Snoozed_until=at(2).isoformat()))

    assert names(rule, at=at(1.9)) == []
    assert names(rule, at=at(2)) == ["alpha"]


def test_many_that_left_unconfirmed_are_one_alert_by_cause(workspace: Workspace, fired: Fired) -> None:
    cause = "left: LeftUnconfirmed"
    store(workspace, *(left_unconfirmed(f"a{number}", Left_alarm_cause=cause) for number in range(320)))
    store(workspace, left_unconfirmed("gone", Left_alarm_cause=cause).with_(Outcome="Left"))

    assert fired(LEFT) == {}
    assert fired(MANY) == {(cause, EVERY): 320}
