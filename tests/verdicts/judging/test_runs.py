"""Runs that are told twice, overlap, fail or look at some applications only, and rows of the registry that are malformed."""

from __future__ import annotations

from datetime import datetime

import pytest

from registry.managed_application import MalformedRow
from tests.verdicts.judging.story import (
    APPLICATION,
    CUSTOMER,
    DAY,
    GROUP,
    HOUR,
    START,
    Story,
    application,
    declared,
    expected,
    later_evaluation,
    read,
    removal,
    violated,
)
from verdicts.derive import Verdict
from verdicts.facts import GuardState, HeldReason, StatesUpload
from verdicts.judging.judge import judge
from verdicts.judging.reads import applies
from verdicts.outcome import Outcome

# Runs


def test_a_run_told_twice_changes_nothing() -> None:
    story = violated()
    again = judge(story.known, story.application, story.evidence(read(compliant=["disk"])), record=None, declared=None)
    assert again is story.known


def test_a_run_that_began_before_the_applied_one_changes_nothing() -> None:
    story = violated()
    story.now -= HOUR / 2
    story.runs += 7
    late = story.evidence(read(compliant={"disk": story.now}), guard=story.reading(expected()))
    assert judge(story.known, story.application, late, record=None, declared=None) is story.known
    assert not applies(story.known, "another", START)
    assert not applies(story.known, story.known.applied_run, story.now + DAY)
    assert applies(None, "another", START)


def test_a_partial_run_counts_no_failures_but_opens_and_closes() -> None:
    story = violated().fails(partial_run=True)
    assert story.known.unread is None
    story.run(read(compliant={"disk": later_evaluation(story)}), partial_run=True)
    assert story.verdict() is Verdict.COMPLIANT


def test_failures_in_a_row_are_counted_with_their_latest_reason() -> None:
    story = violated().fails(Outcome.THROTTLED).fails(Outcome.FAILED, error_code="Broken")
    unread = story.known.unread
    assert unread is not None
    assert (unread.failures, unread.outcome, unread.code) == (2, Outcome.FAILED, "Broken")
    assert unread.since == START + 2 * HOUR


def test_who_becomes_unread_was_last_read_by_the_latest_complete_run() -> None:
    story = violated().later(5 * DAY).complete_run_was()
    latest = story.now
    story.fails()
    assert story.known.last_read == latest


def test_the_upload_that_stands_is_the_one_that_was_read_last() -> None:
    first, second = StatesUpload("first", START, 1, "a"), StatesUpload("second", START + HOUR, 2, "b")
    story = Story().run(read(compliant=["disk"]), states=first)
    changed_at, assignment = story.known.changed_at, story.assignment()
    story.run(read(compliant=["disk"]), guard=None, states=second)
    assert story.known.states == second
    assert (story.known.changed_at, story.assignment()) == (changed_at, assignment), "an upload alone changes nothing"
    story.fails()
    assert story.known.states == second, "rows of a read that broke off stand for nothing"


def test_an_installation_without_a_ledger_closes_nothing_by_starting() -> None:
    story = Story().fails(Outcome.ACCESS_DENIED)
    assert story.known.last_read is None
    assert [one.closed_at for one in story.known.assignments.values()] == [None]
    assert story.run(read(compliant=["disk"])).assignment().closed_at is None


# Malformed rows of the registry


def malformed() -> MalformedRow:
    return MalformedRow("keys", "no managed group", CUSTOMER, APPLICATION)


def judged_as_malformed(story: Story) -> Story:
    story.now += HOUR
    story.runs += 1
    evidence = story.evidence(outcome=Outcome.FAILED, complete=False, states=None, error_code="MalformedRow")
    story.facts = judge(story.facts, malformed(), evidence, record=story.record, declared=None)
    return story


def test_a_malformed_row_of_a_known_application_keeps_everything_open_as_unread() -> None:
    story = judged_as_malformed(violated())
    assert story.open() == {"disk"}
    assert story.held() is HeldReason.UNREAD
    assert story.known.customer_name == "Contoso Ltd"


def test_a_malformed_row_of_an_unknown_application_is_remembered_as_unread() -> None:
    story = judged_as_malformed(Story())
    assert story.known.application_id == str(APPLICATION)
    assert story.known.unread is not None


def test_a_row_that_is_repaired_goes_on_with_the_keys_of_before() -> None:
    story = judged_as_malformed(violated())
    opened = story.assignment().open[0].opened_at
    assert story.run(read(noncompliant=["disk"])).assignment().open[0].opened_at == opened


@pytest.mark.parametrize("registered_at", [None, START])
def test_a_row_that_was_malformed_from_the_start_is_no_earlier_deployment(registered_at: datetime | None) -> None:
    story = judged_as_malformed(Story())
    story.become(registered_at=registered_at).run(read(noncompliant=["disk"]))
    assert story.open() == {"disk"}
    assert story.known.managed_resource_group_id == str(GROUP)


def test_a_malformed_row_after_a_confirmed_removal_brings_nothing_back() -> None:
    story = violated()
    story = judged_as_malformed(story.is_missing(removal(story, confirmed=True)))
    assert not story.known.assignments
    story.become(assignments=None).run(read(noncompliant=["disk"]))
    assert story.open() == {"disk"}


def test_what_the_group_had_before_the_application_was_deployed_anew_has_left_and_says_so() -> None:
    story = Story(application(assignments=(expected(), expected("other"))))
    story.run(read(noncompliant={"disk": START}), read("other", noncompliant={"vault": START}))
    story.become(registered_at=story.now, assignments=(expected("other"),), assignments_read_at=story.now + HOUR)
    story.run(read("other", noncompliant={"vault": story.now}))
    assert (story.verdict(), story.verdict("other")) == (Verdict.LEFT, Verdict.NON_COMPLIANT)
    assert story.assignment("other").first_seen == story.now
    story.run(read(noncompliant={"disk": story.now}))
    assert story.open() == {"disk"}, "states of it mean that it is there again"


def upgrading(state: str) -> Story:
    """Version 2 is being deployed, which the operator declared; Azure still lists what version 1 has."""
    story = violated()
    story.declared = declared(expected(parameters=(("strictness", "2"),)), expected("new"), version="2.0.0")
    return story.become(plan_version="2.0.0", provisioning_state=state)


@pytest.mark.parametrize("state", ["Accepted", "Updating"])
def test_a_declared_baseline_waits_for_a_deployment_that_is_on_its_way(state: str) -> None:
    story, found = upgrading(state), read(noncompliant={"disk": START})
    story.run(found, guard=story.reading(expected(), missing={"new": True}))
    assert story.assignment().guard.state is GuardState.INTACT
    assert [one.name for one in story.known.assignments.values()] == ["baseline"]

    second = expected(parameters=(("strictness", "2"),))
    story.run(found, guard=story.reading(second, missing={"new": True}))
    assert (story.assignment().guard.state, story.assignment().guard.declared) == (GuardState.INTACT, True)

    story.become(provisioning_state="Succeeded")
    story.run(found).run(found, guard=story.reading(second, missing={"new": True}))
    assert story.assignment("new").guard.state is GuardState.WITHDRAWN
    assert story.assignment().guard.state is GuardState.INTACT


@pytest.mark.parametrize("state", ["Succeeded", "Failed"])
def test_a_declared_baseline_counts_when_the_deployment_has_ended(state: str) -> None:
    story = upgrading(state)
    story.run(read(noncompliant={"disk": START}), guard=story.reading(expected(), missing={"new": True}))
    assert story.assignment().guard.state is GuardState.CHANGED
    assert story.assignment("new").guard.state is GuardState.WITHDRAWN
