"""The first view of an assignment is its baseline from then on, and no evidence about what was open before it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.verdicts.judging.story import (
    HOUR,
    START,
    Story,
    application,
    declared,
    expected,
    later_evaluation,
    read,
    state,
    violated,
)
from verdicts.derive import Verdict
from verdicts.facts import HeldReason


def unseen_and_violated() -> Story:
    """A violation of an assignment that the registry does not list: nobody has seen yet what it judges."""
    return violated("disk", assignments=())


def test_a_repair_does_not_close_in_the_run_that_sees_the_assignment_for_the_first_time_but_in_the_next() -> None:
    story = unseen_and_violated()
    seen = expected(enforced=False)
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(seen))
    assert (story.open(), story.held()) == ({"disk"}, HeldReason.GUARD_UNREAD)
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(seen))
    assert story.verdict() is Verdict.COMPLIANT


def test_a_day_of_compliant_reads_does_not_make_a_first_view_of_the_assignment_vouch_for_itself() -> None:
    story = unseen_and_violated()
    for _ in range(30):
        story.run(read(compliant={"disk": later_evaluation(story)}), guard=None)
    assert story.run(read(compliant=["disk"]), guard=story.reading(expected())).open() == {"disk"}
    assert story.run(read(compliant=["disk"]), guard=story.reading(expected())).open() == set()


def test_an_overflow_does_not_end_in_the_run_that_sees_the_assignment_for_the_first_time() -> None:
    story = Story(application(assignments=())).run(read(noncompliant=["disk"], overflow=True))
    for _ in range(30):
        story.run(read(compliant=["disk"]), guard=None)
    assert story.run(read(compliant=["disk"]), guard=story.reading(expected())).assignment().overflow
    assert not story.run(read(compliant=["disk"]), guard=story.reading(expected())).assignment().overflow


def test_an_assignment_that_changes_after_its_first_view_closes_nothing() -> None:
    story = unseen_and_violated()
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(expected()))
    weaker = story.reading(expected(parameters=(("effect", '"Audit"'),)))
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=weaker)
    assert (story.open(), story.held()) == ({"disk"}, HeldReason.WEAKENED)


def test_a_declared_baseline_vouches_for_a_repair_in_the_first_run_that_sees_the_assignment() -> None:
    story = unseen_and_violated()
    story.declared = declared(expected())
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(expected()))
    assert story.verdict() is Verdict.COMPLIANT


def test_a_row_of_an_older_version_without_a_posture_closes_by_the_second_run_after_the_upgrade() -> None:
    listed = replace(expected(), posture=None)
    story = violated("disk", assignments=(listed,))
    story.become(assignments=(expected(),), assignments_read_at=story.now + HOUR)
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(expected()))
    assert (story.open(), story.held()) == ({"disk"}, HeldReason.GUARD_UNREAD)
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(expected()))
    assert story.open() == set()


@pytest.mark.parametrize(
    "posture",
    [
        {"disabled": ("",)},
        {"disabled": ("tls",), "references": 2},
        {"not_scopes": ("{group}/providers/microsoft.storage/storageaccounts/disk",)},
        {"not_scopes": ("{group}",)},
    ],
)
def test_a_violation_that_its_assignment_left_out_when_it_was_first_seen_closes_by_no_compliant_state(
    posture: dict[str, Any],
) -> None:
    key = state("disk")._replace(reference_id="tls")
    story = Story(application(assignments=())).run(replace(read(), noncompliant={key: START}))
    for _ in range(30):
        found = replace(read(), compliant={key: later_evaluation(story)}, compliant_states=1)
        story.run(found, guard=story.reading(expected(**posture)))
    assert [one.key for one in story.assignment().open] == [key]
    assert story.held() is HeldReason.WEAKENED


def test_a_definition_that_is_disabled_holds_no_violation_of_another_one_of_its_initiative() -> None:
    key = state("disk")._replace(reference_id="https")
    in_part = expected(disabled=("tls",), references=2)
    story = Story(application(assignments=(in_part,))).run(replace(read(), noncompliant={key: START}))
    story.run(replace(read(), compliant={key: later_evaluation(story)}, compliant_states=1))
    assert story.verdict() is Verdict.COMPLIANT
