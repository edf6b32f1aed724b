"""The rules about policy assignments, over verdicts as the ledger publishes them: what fires, what closes and what does not."""

from itertools import permutations

import pytest

from sandbox.workspace.workspace import Workspace
from tests.queries.conftest import Fired, Names, Story
from tests.queries.published import (
    RESULTS,
    VERDICTS,
    Row,
    at,
    heartbeat,
    key_of,
    result,
    run,
    store,
    time,
    verdict,
    violated,
)

RULES = {
    "application-noncompliant": "noncompliant",
    "guard-changed": "guard",
    "guard-noticed": "notice",
    "assignment-undecided": "undecided",
}
every_rule = pytest.mark.parametrize(("rule", "kind"), RULES.items())


def open_alarm(kind: str, name: str = "alpha", **more: object) -> Row:
    """A verdict with one open alarm."""
    state = {"noncompliant": "NonCompliant", "undecided": "Undecided"}.get(kind, "Compliant")
    return verdict(name, state, alarms=[kind], **more)


@every_rule
def test_an_open_alarm_fires_with_the_words_of_its_opening(
    workspace: Workspace, fired: Fired, rule: str, kind: str
) -> None:
    store(workspace, open_alarm(kind), verdict("beta"))

    assert list(fired(rule)) == [
        (
            "Customer alpha",
            "alpha",
            "standard 1.0.0",
            "baseline",
            f"{kind} of baseline",
            key_of("alpha", "baseline", kind),
        )
    ]


@every_rule
def test_nothing_fires_over_empty_tables_and_heartbeats(
    workspace: Workspace, fired: Fired, rule: str, kind: str
) -> None:
    assert fired(rule) == {}
    store(workspace, heartbeat(VERDICTS), heartbeat(RESULTS))
    assert fired(rule) == {}


@every_rule
def test_the_latest_row_tells_in_whatever_order_rows_become_visible(
    workspace: Workspace, names: Names, rule: str, kind: str
) -> None:
    rows = [open_alarm(kind, hours_ago=3), verdict("alpha", hours_ago=2), open_alarm(kind, hours_ago=1)]
    for order in permutations(rows):
        workspace.clear()
        store(workspace, *order)
        assert names(rule) == ["alpha"], order
        store(workspace, verdict("alpha", hours_ago=0.5))
        assert names(rule) == [], order


@every_rule
@pytest.mark.parametrize("hours", [1, 20, 47])
def test_an_alarm_outlives_runs_whose_rows_never_arrive(
    workspace: Workspace, names: Names, rule: str, kind: str, hours: float
) -> None:
    store(workspace, open_alarm(kind, hours_ago=hours))
    for hours_ago in range(int(hours)):  # accepted with a 204 and dropped: only the runs themselves are seen
        store(workspace, run(hours_ago=hours_ago), result("alpha", "AccessDenied", hours_ago=hours_ago))

    assert names(rule) == ["alpha"]


@every_rule
def test_a_table_that_is_an_hour_late_neither_closes_nor_refires(story: Story, rule: str, kind: str) -> None:
    arrivals = {0: [open_alarm(kind)]}
    for hour in range(1, 8):
        arrivals |= {hour: [result("alpha", hours_ago=-hour), run(hours_ago=-hour)]}
        arrivals |= {hour + 0.95: [open_alarm(kind, hours_ago=-hour)]}

    assert story(rule, arrivals, until=10) == ["Fired alpha"]


@every_rule
def test_a_repair_closes_within_three_quarters_of_an_hour(story: Story, rule: str, kind: str) -> None:
    arrivals = {0: [open_alarm(kind)], 1: [verdict("alpha", hours_ago=-1)]}

    assert story(rule, arrivals, until=1.75) == ["Fired alpha", "Resolved alpha"]


@every_rule
def test_a_closing_that_was_dropped_is_told_again_by_the_next_run(story: Story, rule: str, kind: str) -> None:
    arrivals = {0: [open_alarm(kind)], 2: [verdict("alpha", hours_ago=-2)]}  # that of hour 1 was lost

    assert story(rule, arrivals, until=3) == ["Fired alpha", "Resolved alpha"]


@every_rule
def test_a_customer_who_is_renamed_or_recased_does_not_fire_again(story: Story, rule: str, kind: str) -> None:
    first = open_alarm(kind)
    renamed = first.with_(
        TimeGenerated=time(-1), Customer_name="Alpha Limited", Application_name="alpha-2", Plan_version="2.0.0"
    )
    shouted = open_alarm(kind, hours_ago=-2).shouted()

    assert story(rule, {0: [first], 1: [renamed], 2: [shouted]}, until=4) == ["Fired alpha"]


@every_rule
def test_ids_spelled_differently_are_one_assignment(workspace: Workspace, names: Names, rule: str, kind: str) -> None:
    store(workspace, open_alarm(kind, hours_ago=1).shouted(), verdict("alpha"))

    assert names(rule) == []


@every_rule
@pytest.mark.parametrize("ending", ["Left", "LeftUnconfirmed", "Retired"])
def test_what_has_ended_never_fires_whatever_else_its_row_says(
    workspace: Workspace, names: Names, rule: str, kind: str, ending: str
) -> None:
    store(workspace, open_alarm(kind, hours_ago=1), open_alarm(kind).with_(Verdict=ending))

    assert names(rule) == []


@every_rule
def test_an_application_that_left_is_silent_although_the_closing_rows_were_lost(
    workspace: Workspace, names: Names, rule: str, kind: str
) -> None:
    store(workspace, open_alarm(kind, hours_ago=2), result("alpha", "Left", hours_ago=1).shouted())

    assert names(rule) == []


@every_rule
def test_an_application_that_came_back_fires_although_its_result_is_late(
    workspace: Workspace, names: Names, rule: str, kind: str
) -> None:
    store(workspace, result("alpha", "Left", hours_ago=3), open_alarm(kind, hours_ago=1))

    assert names(rule) == ["alpha"]


@every_rule
@pytest.mark.parametrize("outcome", ["AccessDenied", "NotFound", "Throttled", "Vanished", "LeftUnconfirmed", "Skipped"])
def test_an_application_that_cannot_be_read_keeps_its_alarms(
    workspace: Workspace, names: Names, rule: str, kind: str, outcome: str
) -> None:
    store(workspace, open_alarm(kind, hours_ago=2), result("alpha", outcome, hours_ago=1))

    assert names(rule) == ["alpha"]


@every_rule
def test_a_snoozed_plan_version_is_silent_until_the_end(
    workspace: Workspace, names: Names, rule: str, kind: str
) -> None:
    store(workspace, open_alarm(kind, Snoozed_until=at(3).isoformat()), open_alarm(kind, "beta"))

    assert names(rule) == ["beta"]
    assert names(rule, at=at(2.9)) == ["beta"]
    assert names(rule, at=at(3)) == ["alpha", "beta"]


@pytest.mark.parametrize(
    ("rule", "kind", "column"),
    [
        ("application-noncompliant", "noncompliant", "Accepted_until"),
        ("guard-changed", "guard", "Guard_accepted_until"),
    ],
)
def test_what_an_operator_accepted_is_silent_until_the_end(
    workspace: Workspace, names: Names, rule: str, kind: str, column: str
) -> None:
    store(workspace, open_alarm(kind, **{column: at(3).isoformat()}))

    assert names(rule) == []
    assert names(rule, at=at(3)) == ["alpha"]


@every_rule
def test_an_acceptance_silences_nothing_but_what_it_is_about(
    workspace: Workspace, names: Names, rule: str, kind: str
) -> None:
    column = "Guard_accepted_until" if kind == "noncompliant" else "Accepted_until"
    store(workspace, open_alarm(kind, **{column: at(100).isoformat()}))

    assert names(rule) == ["alpha"]


@every_rule
def test_what_is_one_of_many_by_a_cause_is_told_with_them_and_not_here(
    workspace: Workspace, names: Names, rule: str, kind: str
) -> None:
    store(workspace, open_alarm(kind, cause="violated: standard 1.0.0, baseline"), open_alarm(kind, "beta"))

    assert names(rule) == ["beta"]


@every_rule
def test_each_kind_of_alarm_has_a_rule_of_its_own(workspace: Workspace, names: Names, rule: str, kind: str) -> None:
    store(workspace, *(open_alarm(other, other) for other in RULES.values()))

    assert names(rule) == [kind]


@pytest.mark.parametrize("held", ["Unread", "NoStates", "Undecided", "Weakened", "GuardUnread", "Withdrawn"])
def test_violations_that_are_held_fire_like_any_other(workspace: Workspace, names: Names, held: str) -> None:
    store(workspace, violated("alpha", Held_reason=held, Held_since=time(30), Current=False))

    assert names("application-noncompliant") == ["alpha"]


def test_an_exemption_is_a_notice_beside_the_violation_that_it_suspends(workspace: Workspace, names: Names) -> None:
    exempted = {"Suspended_states": 1, "Exemption_category": "Waiver", "Exemptions": 1}
    store(workspace, violated("alpha", alarms=["notice"], **exempted))

    assert names("application-noncompliant") == names("guard-noticed") == ["alpha"]


def test_the_value_is_the_number_of_violations_and_never_makes_an_alarm_silent(
    workspace: Workspace, fired: Fired
) -> None:
    store(workspace, violated("many", Noncompliant_states=7), violated("none", Noncompliant_states=0))
    store(workspace, violated("unknown", Noncompliant_states=None))

    values = {application: value for (_, application, *_), value in fired("application-noncompliant").items()}
    assert values == {"many": 7, "none": 1, "unknown": 1}


def test_a_violation_that_comes_or_goes_beside_others_does_not_fire_again(story: Story) -> None:
    arrivals = {hour: [violated("alpha", hours_ago=-hour, Noncompliant_states=7 - hour)] for hour in range(6)}

    assert story("application-noncompliant", arrivals, until=7) == ["Fired alpha"]


def test_every_assignment_of_an_application_alarms_by_itself(workspace: Workspace, fired: Fired) -> None:
    store(workspace, violated("alpha"), violated("alpha", assignment="tls"), verdict("alpha", assignment="backup"))

    assert sorted(dimensions[3] for dimensions in fired("application-noncompliant")) == ["baseline", "tls"]


def test_a_future_date_in_a_row_is_no_way_to_stand_for_ever(workspace: Workspace, names: Names) -> None:
    """Azure takes TimeGenerated up to a day ahead; what is written later than that row tells again by then."""
    store(workspace, verdict("alpha", hours_ago=-2), violated("alpha", hours_ago=-3))

    assert names("application-noncompliant", at=at(3)) == ["alpha"]


def test_alarms_end_after_two_days_without_any_row_and_fire_again_with_the_first(story: Story) -> None:
    arrivals = {0: [violated("alpha", hours_ago=47)], 5: [violated("alpha", hours_ago=-5)]}

    assert story("application-noncompliant", arrivals, until=6) == ["Fired alpha", "Resolved alpha", "Fired alpha"]


def test_a_dead_collection_ends_nothing_while_the_ledger_is_published(story: Story) -> None:
    arrivals = {0: [violated("alpha", hours_ago=47)]}
    arrivals |= {hour: [violated("alpha", hours_ago=-hour), heartbeat(VERDICTS, hours_ago=-hour)] for hour in (0.5, 6)}

    assert story("application-noncompliant", arrivals, until=23) == ["Fired alpha"]


def test_three_hundred_at_once_are_twenty_five_alarms_of_their_own_and_one_by_cause(
    workspace: Workspace, fired: Fired
) -> None:
    cause = "violated: standard 1.0.0, baseline"
    store(workspace, *(violated(f"a{number}", cause="" if number < 25 else cause) for number in range(300)))

    assert len(fired("application-noncompliant")) == 25
    assert fired("fleet-in-trouble") == {(cause, "standard 1.0.0"): 275}
