"""Reads that Azure Resource Graph's counts bring forward: what they leave behind, and how they meet the usual runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.verdicts.judging.story import HOUR, Story, later_evaluation, read, violated
from verdicts.derive import Verdict
from verdicts.evidence import AssignmentEvidence, Evidence
from verdicts.facts import ApplicationFacts
from verdicts.judging.judge import judge
from verdicts.outcome import Outcome

MINUTE = timedelta(minutes=1)
BROKEN_OFF: dict[str, Any] = {"complete": False, "outcome": Outcome.FAILED, "states": None}


def brought_forward(story: Story, *found: AssignmentEvidence, **fields: Any) -> Evidence:
    """What a read learned that was brought forward for the counts 2/1/0."""
    return replace(story.evidence(*found, **fields), run_id="probe", partial_run=True, probed="2/1/0")


def judged(story: Story, evidence: Evidence) -> ApplicationFacts:
    story.facts = judge(story.facts, story.application, evidence, record=story.record, declared=None)
    return story.facts


def test_what_brought_a_read_forward_is_remembered_and_changes_nothing_else() -> None:
    for fields in ({}, BROKEN_OFF, BROKEN_OFF | {"outcome": Outcome.ACCESS_DENIED}):
        story = violated()
        before = story.known
        after = judged(story.later(HOUR), brought_forward(story, read(noncompliant=["disk"]), **fields))
        assert after.probed == "2/1/0"
        assert after.assignments == before.assignments
        assert (after.changed_at, after.unread, after.alarms) == (before.changed_at, None, before.alarms)


@pytest.mark.parametrize("outcome", [Outcome.SKIPPED, Outcome.THROTTLED, Outcome.UPLOAD_FAILED])
def test_who_had_no_turn_is_due_again(outcome: Outcome) -> None:
    story = violated().later(HOUR)
    before = story.known
    assert judged(story, brought_forward(story, **BROKEN_OFF | {"outcome": outcome})) is before


def test_a_run_that_finds_the_same_counts_keeps_what_brought_a_read_forward() -> None:
    story = violated()
    story.facts = replace(story.known, probed="2/1/0")
    assert story.run(read(noncompliant=["disk"])).known.probed == "2/1/0"
    assert story.fails().known.probed == "2/1/0"


def test_a_run_that_finds_other_counts_forgets_what_brought_a_read_forward() -> None:
    """Else a violation that comes again would wait for its usual turn, because its counts were probed before."""
    story = violated()
    judged(story.later(MINUTE), brought_forward(story, read(noncompliant=["disk"])))
    story.run(read(compliant={"disk": later_evaluation(story)}))
    assert story.known.probed == ""


def test_an_application_that_was_deployed_anew_remembers_no_probe() -> None:
    story = violated()
    story.facts = replace(story.known, probed="2/1/0")
    story.application = replace(story.application, registered_at=story.now)
    assert story.run(read(compliant=["disk"])).known.probed == ""


def meets_a_run_that_began_before(
    story: Story, forward: tuple[AssignmentEvidence, ...], *usual: AssignmentEvidence, **fields: Any
) -> Story:
    """A run begins; a read that broke off is brought forward and judged meanwhile; then the run judges what it found."""
    story.later(HOUR)
    story.runs += 1
    evidence = story.evidence(*usual, **{"guard": story.reading(*(story.application.assignments or ())), **fields})
    story.later(MINUTE)
    judged(story, brought_forward(story, *forward, **BROKEN_OFF))
    judged(story, evidence)
    return story


def test_a_read_that_broke_off_hides_nothing_that_a_run_found_which_began_before() -> None:
    story = meets_a_run_that_began_before(violated(), (), read(noncompliant=["disk", "vault"]))
    assert story.open() == {"disk", "vault"}

    repaired = violated()
    meets_a_run_that_began_before(repaired, (), read(compliant={"disk": repaired.now + HOUR}))
    assert repaired.verdict() is Verdict.COMPLIANT


def test_a_read_that_broke_off_keeps_no_failure_of_a_run_from_counting_that_began_before() -> None:
    """The record of that run says that it read everybody who is not unread."""
    for forward in ((), (read(noncompliant=["vault"]),)):
        story = meets_a_run_that_began_before(violated(), forward, **BROKEN_OFF | {"guard": None})
        assert story.known.unread is not None


def test_what_a_read_opened_that_broke_off_stays_open_after_a_run_that_began_before() -> None:
    story = violated()
    opened = read(noncompliant={"vault": story.now + HOUR})
    usual = read(noncompliant=["disk"], compliant={"vault": story.now})
    assert meets_a_run_that_began_before(story, (opened,), usual).open() == {"disk", "vault"}
