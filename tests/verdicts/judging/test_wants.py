"""What a complete read still needs before it is judged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.resource_ids import fold
from tests.verdicts.judging.story import (
    DAY,
    GROUP,
    HOUR,
    START,
    Story,
    application,
    expected,
    later_evaluation,
    read,
    resource,
    violated,
)
from verdicts.facts import GuardState
from verdicts.judging.wants import Wants, wants


def asked(story: Story, *found: object, by: timedelta = HOUR, **fields: object) -> Wants:
    story.now += by
    story.runs += 1
    return wants(story.known, story.application, story.evidence(*found, **fields))  # type: ignore[arg-type]


def test_a_key_that_is_ready_to_close_wants_the_guard_in_every_run() -> None:
    story = violated()
    ready = read(compliant={"disk": later_evaluation(story)})
    assert asked(story, ready) == Wants(guard=True)
    assert asked(story, ready) == Wants(guard=True)


def test_a_fleet_that_stands_still_wants_nothing() -> None:
    story = violated()
    assert asked(story, read(noncompliant=["disk"])) == Wants()
    story.become(assignments_read_at=story.now)
    assert asked(story, read(noncompliant=["disk"]), by=DAY) == Wants()


def test_assignments_that_could_not_be_listed_for_a_day_want_the_guard_once_in_six_hours() -> None:
    story = violated()
    found = read(noncompliant=["disk"])
    assert not asked(story, found, by=20 * HOUR).guard
    assert asked(story, found, by=6 * HOUR).guard
    story.run(found)
    assert not asked(story, found).guard
    assert asked(story, found, by=6 * HOUR).guard


@pytest.mark.parametrize("missing", [True, False])
def test_an_assignment_that_differs_wants_the_guard_in_every_run_until_it_is_as_it_was(*, missing: bool) -> None:
    story, found = violated(), read(noncompliant=["disk"])
    weakened = story.reading(expected(enforced=False))
    story.run(found, guard=story.reading(missing={"baseline": True}) if missing else weakened)
    assert asked(story, found).guard
    assert asked(story, found).guard
    story.run(found)
    assert not asked(story, found, by=7 * HOUR).guard


def test_a_guard_that_cannot_be_read_is_told_two_days_after_it_was_read_last() -> None:
    story, found = violated(), read(noncompliant=["disk"])
    story.later(30 * HOUR).run(found, guard=story.reading(missing={"baseline": False}))
    assert story.known.guard_unread_since == START + HOUR
    story.become(assignments_read_at=story.now).run(found, guard=None)
    assert story.assignment().guard.state is GuardState.INTACT
    assert story.known.guard_unread_since is None


def test_states_that_are_missing_want_the_guard_once_in_six_hours_and_the_resources_always() -> None:
    story = violated()
    assert asked(story) == Wants(resources=(resource("disk"),))
    assert asked(story, by=6 * HOUR) == Wants(guard=True, resources=(resource("disk"),))


def test_an_assignment_that_the_registry_no_longer_lists_wants_the_guard() -> None:
    story = violated()
    story.become(assignments=(expected("other"),), assignments_read_at=story.now)
    assert asked(story, read(noncompliant=["disk"]), read("other", compliant=["disk"]), by=DAY).guard


def test_what_by_its_baseline_judges_nothing_wants_no_second_query() -> None:
    story = Story(application(assignments=(expected(not_scopes=(fold(str(GROUP)),)),))).run()
    assert asked(story, by=DAY) == Wants()


def test_an_incomplete_read_and_an_unknown_application_want_nothing() -> None:
    story = violated()
    assert asked(story, by=DAY, complete=False) == Wants()
    assert wants(None, story.application, story.evidence()) == Wants()


def test_a_key_whose_states_disagree_or_that_is_only_suspended_wants_no_guard() -> None:
    story = violated()
    later = later_evaluation(story)
    assert not asked(story, read(compliant={"disk": later}, noncompliant=["disk"])).guard
    assert not asked(story, read(exempt=["disk"])).guard
