"""The first view of an assignment is its baseline from then on, and closes nothing that the assignment leaves out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.verdicts.judging.story import (
    START,
    Story,
    application,
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


def test_a_repair_closes_in_the_run_that_sees_the_assignment_for_the_first_time_if_it_judges_the_resource() -> None:
    story = unseen_and_violated()
    seen = expected(enforced=False)
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(seen))
    assert story.verdict() is Verdict.COMPLIANT, "what is not enforced is evaluated all the same"


def test_an_assignment_that_changes_after_its_first_view_closes_nothing() -> None:
    story = unseen_and_violated().run(read(noncompliant=["disk"]))
    story.run(read(noncompliant=["disk"]), guard=story.reading(expected()))
    weaker = story.reading(expected(parameters=(("effect", '"Audit"'),)))
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=weaker)
    assert (story.open(), story.held()) == ({"disk"}, HeldReason.WEAKENED)


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
