"""The life of a finding: how severe, since when, in which plan version it opened, until when it is due, and overdue."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from tests.verdicts.judging.story import DAY, HOUR, Story, application, expected, read, violated
from tests.verdicts.remembered import NOW, applications, assignment, own_times, remembered
from tests.verdicts.remembered import open_key as opened_a_day_ago
from verdicts.derive import Verdict, opened_since, since_of, verdict_of
from verdicts.facts import Acceptance, ApplicationFacts, AssignmentFacts, Departure, Ending, OpenKey, PlanVersion
from verdicts.life import Life, life_of
from verdicts.outcome import Outcome
from verdicts.plan_settings import OVERDUE_AFTER_DAYS, PlanSettings, Severity
from verdicts.publication import Publication
from verdicts.rows import verdict_rows

OPENED = NOW - 40 * DAY
GOLD = PlanSettings("gold", Severity.LOW, {"baseline": Severity.HIGH})


def open_key(resource: str, since: Any = OPENED, until: Any = None) -> OpenKey:
    acceptance = Acceptance("ada", "agreed", NOW - DAY, until) if until else None
    return replace(opened_a_day_ago(resource, acceptance=acceptance), opened_at=since)


def life(*keys: OpenKey, settings: PlanSettings | None = None, now: Any = NOW, **of_assignment: Any) -> Life:
    one = assignment(open=keys, **of_assignment)
    settled = {} if settings is None else {settings.plan_name: settings}
    return life_of(remembered(one), one, settled, now)


def test_where_nothing_was_settled_a_violation_is_of_medium_severity_and_due_after_thirty_days() -> None:
    found = life(open_key("disk"))

    assert (found.severity, found.due_by, found.is_overdue) == (Severity.MEDIUM, OPENED + 30 * DAY, True)
    assert not life(open_key("disk"), now=OPENED + 30 * DAY).is_overdue


def test_severity_and_days_are_the_plans() -> None:
    standard = replace(GOLD, plan_name="standard", overdue_after_days=OVERDUE_AFTER_DAYS | {Severity.HIGH: 60})

    assert life(open_key("disk"), settings=standard)[::2] == (Severity.HIGH, OPENED + 60 * DAY)
    assert life(open_key("disk"), settings=GOLD).severity is Severity.MEDIUM, "settings of another plan"


def test_the_oldest_violation_is_due_first() -> None:
    assert life(open_key("new", NOW), open_key("old")).due_by == OPENED + 30 * DAY


def test_an_acceptance_suspends_and_when_it_ends_the_finding_is_overdue_by_its_first_date() -> None:
    until = NOW + 5 * DAY
    accepted = life(open_key("disk", until=until))

    assert (accepted.due_by, accepted.is_overdue) == (OPENED + 30 * DAY, False)
    after = life(open_key("disk", until=until), now=until)
    assert (after.due_by, after.is_overdue) == (OPENED + 30 * DAY, True)


def test_of_violations_some_of_which_are_accepted_the_others_are_due() -> None:
    found = life(open_key("accepted", until=NOW + DAY), open_key("new", NOW - DAY))

    assert (found.due_by, found.is_overdue) == (NOW + 29 * DAY, False)
    assert life(open_key("accepted", NOW, until=NOW + DAY), open_key("old")).is_overdue


def test_an_exemption_moves_no_date() -> None:
    assert life(replace(open_key("disk"), suspended=True)).is_overdue


@pytest.mark.parametrize(
    ("of_assignment", "severity"),
    [({}, Severity.MEDIUM), ({"undecided_since": NOW}, Severity.MEDIUM), ({"ending": Ending.RETIRED}, None)],
)
def test_of_what_is_not_violated_nothing_is_due(of_assignment: dict[str, Any], severity: Severity | None) -> None:
    assert life(**of_assignment) == Life(severity, "", None, is_overdue=False)


def test_of_an_application_that_left_nothing_is_due() -> None:
    one = assignment(open=(open_key("disk"),))
    facts = remembered(one, departure=Departure(Outcome.LEFT_UNCONFIRMED, NOW))

    assert life_of(facts, one, {}, NOW).due_by is None


def test_more_violations_than_are_remembered_are_due_since_there_are_more() -> None:
    found = life(overflow=True, overflow_since=NOW - DAY)

    assert found.due_by == NOW + 29 * DAY
    assert life(open_key("disk", until=NOW + DAY), overflow=True, overflow_since=OPENED).is_overdue, "not all accepted"
    assert life(overflow=True).due_by is None, "an earlier version did not remember since when"


def test_more_violations_than_are_remembered_keep_their_date_when_the_remembered_ones_are_repaired() -> None:
    story = Story().run(read(noncompliant=["disk"], overflow=True))
    began = story.now
    story.later(DAY).run(read(compliant={"disk": story.now}, overflow=True))

    assert story.open() == set()
    assert (story.verdict(), opened_since(story.assignment())) == (Verdict.NON_COMPLIANT, began)
    for _ in range(25):
        story.run(read(compliant=["disk"]))
    assert (story.verdict(), story.assignment().overflow_since) == (Verdict.COMPLIANT, None)


def test_an_overflow_of_an_earlier_version_gets_the_earliest_date_that_is_known() -> None:
    story = Story().run(read(noncompliant=["disk"], overflow=True))
    began = story.now
    one = replace(story.assignment(), overflow_since=None)
    story.facts = replace(story.known, assignments={one.id: one})
    story.run(read(noncompliant=["disk"], overflow=True))

    assert story.assignment().overflow_since == began


def test_a_violation_opened_in_the_version_that_the_application_had_when_it_was_first_seen() -> None:
    story = violated()
    story.become(plan_version="2.0.0", assignments=(expected(), expected("second"))).run(read(noncompliant=["disk"]))
    story.run(read(noncompliant=["disk"]), read("second", noncompliant=["disk"]))

    assert opened_in(story) == {"baseline": "1.0.0", "second": "2.0.0"}


def test_versions_are_remembered_once_and_at_most_twenty_of_them() -> None:
    story = violated()
    story.become(plan_version="1.0.0").run(read(noncompliant=["disk"]))
    assert [one.version for one in story.known.versions] == ["1.0.0"]
    for number in range(20):
        story.become(plan_version=f"2.0.{number}").run(read(noncompliant=["disk"]))

    assert [one.version for one in story.known.versions] == [f"2.0.{number}" for number in range(20)]
    assert opened_in(story) == {"baseline": ""}


def test_what_opened_in_another_plan_opened_in_no_version_of_this_one() -> None:
    story = violated()
    story.become(plan_name="platinum").run(read(noncompliant=["disk"]))
    assert opened_in(story) == {"baseline": ""}
    story.become(plan_name="Platinum").run(read(noncompliant=["disk"]))
    assert len(story.known.versions) == 1


def test_what_was_open_before_versions_were_remembered_opened_in_one_that_nobody_knows() -> None:
    story = violated()
    story.facts = replace(story.known, versions=())
    story.run(read(noncompliant=["disk", "key"]))

    assert opened_in(story) == {"baseline": ""}
    assert story.known.versions == (PlanVersion("1.0.0", story.now),)


def test_an_application_that_is_deployed_anew_has_the_version_of_now() -> None:
    story = violated()
    story.become(registered_at=story.now, plan_version="3.0.0").run(read(noncompliant=["disk"]))

    assert [one.version for one in story.known.versions] == ["3.0.0"]


def opened_in(story: Story) -> dict[str, str]:
    facts = story.known
    lives = {one.name: life_of(facts, one, {}, story.now) for one in facts.assignments.values()}
    return {name: one.opened_in_version for name, one in lives.items()}


def test_a_row_has_the_life_by_the_settings_of_its_publication() -> None:
    story = Story(application()).run(read(noncompliant=["disk"]))
    publication = Publication("run", story.now + HOUR, None, plans={"gold": GOLD})

    [row] = verdict_rows(story.known, publication)

    due_by = story.now + timedelta(days=7)
    assert (row["Severity"], row["Due_by"]) == ("High", f"{due_by:%Y-%m-%dT%H:%M:%S}.000Z")
    assert (row["Since"], row["Opened_in_version"]) == (f"{story.now:%Y-%m-%dT%H:%M:%S}.000Z", "1.0.0")


@given(applications, own_times)
def test_whatever_is_remembered_nothing_is_due_before_it_was_first_seen(facts: ApplicationFacts, now: Any) -> None:
    for one in facts.assignments.values():
        found, since = life_of(facts, one, {}, now), first_seen(facts, one)
        assert found.due_by is None or (since is not None and found.due_by > since)
        assert not found.is_overdue or found.due_by is not None
        if verdict_of(facts, one) is Verdict.NON_COMPLIANT and since is not None:
            assert since_of(facts, one) == since


def first_seen(facts: ApplicationFacts, one: AssignmentFacts) -> Any:
    return opened_since(one) if verdict_of(facts, one) is Verdict.NON_COMPLIANT else None
