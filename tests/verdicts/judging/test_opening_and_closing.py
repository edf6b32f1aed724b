"""What opens and what closes a violation, one rule and one trap at a time (docs/closing.md)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.verdicts.judging.story import (
    DAY,
    HOUR,
    START,
    Story,
    expected,
    later_evaluation,
    read,
    resource,
    state,
    violated,
)
from verdicts.derive import Verdict
from verdicts.facts import MOST_OPEN_KEYS, HeldReason
from verdicts.outcome import Outcome

FAILURES = [
    Outcome.ACCESS_DENIED,
    Outcome.NOT_FOUND,
    Outcome.THROTTLED,
    Outcome.FAILED,
    Outcome.UPLOAD_FAILED,
    Outcome.SKIPPED,
]


# Opening


def test_a_noncompliant_state_opens_its_key_in_the_first_read() -> None:
    story = violated("disk", "vault")
    assert story.open() == {"disk", "vault"}
    assert story.verdict() is Verdict.NON_COMPLIANT
    assert story.held() is None


def test_a_noncompliant_state_opens_its_key_from_a_read_that_broke_off() -> None:
    story = Story().fails(Outcome.FAILED, read(noncompliant=["disk"]))
    assert story.open() == {"disk"}
    assert story.known.last_read is None


def test_a_key_keeps_the_time_at_which_it_opened() -> None:
    story = violated()
    opened = story.assignment().open[0].opened_at
    story.run(read(noncompliant={"disk": START + HOUR}))
    assert story.assignment().open[0].opened_at == opened
    assert story.assignment().open[0].evaluated_at == START + HOUR


def test_a_state_no_newer_than_the_key_that_was_closed_as_gone_does_not_open_it_again() -> None:
    story = violated().run(read(compliant=["vault"]), gone=frozenset({resource("disk")}))
    assert story.verdict() is Verdict.COMPLIANT
    for _ in range(3):
        story.later(DAY).run(read(noncompliant={"disk": START}, compliant=["vault"]))
        assert story.open() == set()


def test_a_newer_state_opens_a_key_that_was_closed_as_gone() -> None:
    story = violated().run(read(), gone=frozenset({resource("disk")}))
    story.run(read(noncompliant={"disk": START + HOUR}))
    assert story.open() == {"disk"}
    assert story.assignment().gone == ()


def test_a_gone_key_is_remembered_for_thirty_days_and_then_forgotten() -> None:
    story = violated().run(read(), gone=frozenset({resource("disk")}))
    assert story.later(29 * DAY).run(read(compliant=["vault"])).assignment().gone
    assert not story.later(2 * DAY).run(read(compliant=["vault"])).assignment().gone


# An incomplete read changes nothing else


@pytest.mark.parametrize("outcome", FAILURES)
def test_an_incomplete_read_closes_nothing(outcome: Outcome) -> None:
    story = violated()
    before = story.assignment()
    story.fails(outcome, read(compliant={"disk": later_evaluation(story)}), gone=frozenset({resource("disk")}))
    assert story.assignment() == before
    assert story.held() is HeldReason.UNREAD


def test_nothing_read_for_48_hours_closes_nothing() -> None:
    story = violated()
    for _ in range(100):
        story.fails(Outcome.ACCESS_DENIED)
    assert story.open() == {"disk"}
    assert story.verdict() is Verdict.NON_COMPLIANT
    assert story.known.unread is not None
    assert story.known.unread.failures == 100


def test_an_incomplete_read_does_not_interrupt_a_day_of_complete_ones() -> None:
    story = violated().run(read(compliant={"disk": START}))
    story.later(12 * HOUR).fails()
    story.later(12 * HOUR).run(read(compliant={"disk": START}))
    assert story.verdict() is Verdict.COMPLIANT


# Closing: this very key, read as Compliant


def test_a_key_closes_when_a_later_evaluation_says_compliant_and_the_guard_is_intact() -> None:
    story = violated("disk", "vault")
    story.run(read(compliant={"disk": later_evaluation(story)}, noncompliant=["vault"]))
    assert story.open() == {"vault"}
    story.run(read(compliant={"vault": later_evaluation(story)}))
    assert story.verdict() is Verdict.COMPLIANT
    assert story.assignment().closed_at == story.now


def test_the_same_evaluation_that_opened_the_key_does_not_close_it_at_once() -> None:
    story = violated().run(read(compliant={"disk": START}))
    assert story.held() is HeldReason.UNDECIDED


@pytest.mark.parametrize("evaluated_at", [None, START - DAY, START])
def test_a_key_that_stays_compliant_for_a_day_closes_whatever_its_evaluation_time(
    evaluated_at: datetime | None,
) -> None:
    story = violated()
    for _ in range(24):
        assert story.run(read(compliant={"disk": evaluated_at})).open() == {"disk"}
    assert story.run(read(compliant={"disk": evaluated_at})).open() == set()


def test_a_relapse_starts_the_day_again() -> None:
    story = violated().run(read(compliant={"disk": START}))
    story.later(20 * HOUR).run(read(noncompliant={"disk": START}))
    story.later(20 * HOUR).run(read(compliant={"disk": START}))
    assert story.open() == {"disk"}


@pytest.mark.parametrize("worse", ["noncompliant", "exempt", "other"])
def test_of_states_that_disagree_the_worst_one_counts(worse: str) -> None:
    story = violated()
    found = read(compliant={"disk": later_evaluation(story)}, **{worse: ["disk"]})  # type: ignore[arg-type]
    assert story.run(found).open() == {"disk"}


def test_another_key_that_is_compliant_closes_nothing() -> None:
    story = violated()
    story.run(read(compliant={"vault": later_evaluation(story)}))
    assert story.open() == {"disk"}
    assert story.held() is HeldReason.NO_STATES


def test_without_a_reading_of_the_guard_nothing_closes() -> None:
    story = violated()
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=None)
    assert story.held() is HeldReason.GUARD_UNREAD


def test_a_guard_that_answers_an_empty_list_closes_nothing() -> None:
    story = violated()
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(missing={"baseline": False}))
    assert story.held() is HeldReason.GUARD_UNREAD


def test_an_assignment_written_after_the_evaluation_needs_a_later_one() -> None:
    story = violated()
    evaluated_at = later_evaluation(story)
    rewritten = expected(changed_at=evaluated_at + timedelta(minutes=1))
    story.later(HOUR).run(read(compliant={"disk": evaluated_at}), guard=story.reading(rewritten))
    assert story.open() == {"disk"}
    story.run(read(compliant={"disk": evaluated_at + HOUR}), guard=story.reading(rewritten))
    assert story.open() == set()


def test_a_key_with_an_unknown_opening_evaluation_is_compared_with_its_opening() -> None:
    story = Story().run(read(noncompliant=["disk"]))
    opened = story.now
    assert story.run(read(compliant={"disk": opened})).open() == {"disk"}
    assert story.run(read(compliant={"disk": opened + timedelta(minutes=1)})).open() == set()


# Closing: the resource is gone


def test_a_key_closes_when_its_resource_is_proven_gone() -> None:
    story = violated("disk", "vault").run(read(noncompliant=["vault"]), gone=frozenset({resource("disk")}))
    assert story.open() == {"vault"}
    assert [one.key for one in story.assignment().gone] == [state("disk")]


def test_states_that_vanish_without_proof_close_nothing() -> None:
    story = violated().run()
    assert story.open() == {"disk"}
    assert story.held() is HeldReason.NO_STATES
    assert story.later(60 * DAY).run(read(compliant=["vault"])).open() == {"disk"}


def test_a_resource_that_still_has_states_is_not_gone() -> None:
    story = violated().run(read(noncompliant={"disk": START}), gone=frozenset({resource("disk")}))
    assert story.open() == {"disk"}


def test_a_key_without_a_resource_is_never_gone() -> None:
    found = replace(read(), noncompliant={state("disk")._replace(resource_id=""): START})
    story = Story().run(found).run(gone=frozenset({""}))
    assert story.verdict() is Verdict.NON_COMPLIANT


# Overflow


def many(number: int) -> dict[str, datetime | None]:
    return {f"r{index:06}": START for index in range(number)}


def test_more_keys_than_are_remembered_overflow_and_end_only_after_a_day_of_complete_reads() -> None:
    story = Story().run(read(noncompliant=many(MOST_OPEN_KEYS + 1)))
    assert story.assignment().overflow
    assert len(story.assignment().open) == MOST_OPEN_KEYS
    clean = dict.fromkeys(many(MOST_OPEN_KEYS + 1), START + 2 * HOUR)
    story.run(read(compliant=clean))
    assert story.open() == set()
    assert story.verdict() is Verdict.NON_COMPLIANT
    story.later(22 * HOUR).run(read(compliant=clean))
    assert story.verdict() is Verdict.NON_COMPLIANT
    story.run(read(compliant=clean))
    assert story.verdict() is Verdict.COMPLIANT


@pytest.mark.parametrize("interrupted_by", [read(), read(noncompliant=["x"]), read(overflow=True, compliant=["x"])])
def test_an_overflow_does_not_end_by_reads_without_compliant_states(interrupted_by: object) -> None:
    story = Story().run(read(noncompliant=["disk"], overflow=True))
    story.run(read(compliant={"disk": later_evaluation(story)}))
    story.run(interrupted_by)  # type: ignore[arg-type]
    story.later(23 * HOUR).run(read(compliant={"disk": later_evaluation(story), "x": later_evaluation(story)}))
    assert story.assignment().overflow


def test_an_overflow_does_not_end_by_what_a_disabled_assignment_reported() -> None:
    story = Story().run(read(noncompliant=["disk"], overflow=True))
    disabled = story.reading(expected(disabled=("",)))
    for _ in range(30):
        story.run(read(compliant={"disk": later_evaluation(story)}), guard=disabled)
    put_back = story.reading(expected(changed_at=story.now))
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=put_back)
    assert story.assignment().overflow
    story.later(23 * HOUR).run(read(compliant={"disk": later_evaluation(story)}), guard=put_back)
    assert story.verdict() is Verdict.COMPLIANT


def test_an_overflow_does_not_end_without_the_guard() -> None:
    story = Story().run(read(noncompliant=["disk"], overflow=True))
    for _ in range(30):
        story.run(read(compliant={"disk": later_evaluation(story)}), guard=None)
    assert story.verdict() is Verdict.NON_COMPLIANT
