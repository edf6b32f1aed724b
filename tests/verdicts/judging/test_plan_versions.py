"""What a new plan version changes: nothing by itself, and what an operator declared for it."""

from __future__ import annotations

from publisher.resource_ids import ResourceGroupId, fold
from registry.policies.postures import not_scopes_of
from tests.verdicts.judging.story import (
    DAY,
    GROUP,
    Story,
    application,
    assignment_id,
    declared,
    expected,
    read,
    resource,
    violated,
)
from verdicts.derive import Verdict, is_expected
from verdicts.facts import GuardState


def test_a_new_plan_version_without_a_declared_baseline_ends_nothing() -> None:
    story = violated()
    story.become(plan_version="2.0.0", assignments=(expected("other"),), assignments_read_at=story.now)
    story.run(guard=story.reading(expected("other"), missing={"baseline": True}))
    assert story.verdict() is Verdict.NON_COMPLIANT
    assert story.assignment().guard.state is GuardState.WITHDRAWN


def test_a_declared_plan_version_without_the_assignment_retires_it() -> None:
    story = violated()
    story.become(plan_version="2.0.0", assignments=(expected("other"),), assignments_read_at=story.now)
    story.declared = declared(expected("other"), version="2.0.0")
    story.run(guard=story.reading(expected("other"), missing={"baseline": True}))
    assert story.verdict() is Verdict.RETIRED
    assert story.open() == set()


def test_an_assignment_that_azure_still_lists_is_not_retired() -> None:
    story = violated()
    story.become(plan_version="2.0.0")
    story.declared = declared(expected("other"), version="2.0.0")
    story.run(read(noncompliant=["disk"]))
    assert story.verdict() is Verdict.NON_COMPLIANT


def test_an_assignment_of_which_nothing_could_be_listed_is_not_retired() -> None:
    story = violated()
    story.become(plan_version="2.0.0", assignments=None)
    story.declared = declared(expected("other"), version="2.0.0")
    story.run(guard=None)
    assert story.verdict() is Verdict.NON_COMPLIANT


def test_an_assignment_that_this_run_found_is_not_retired_for_an_older_list() -> None:
    story = violated()
    story.become(plan_version="2.0.0", assignments=(expected("other"),))
    story.declared = declared(expected("other"), version="2.0.0")
    story.run(read(noncompliant=["disk"]), guard=story.reading(expected(), expected("other")))
    assert story.verdict() is Verdict.NON_COMPLIANT


def test_an_assignment_known_by_its_states_alone_retires_once_a_later_list_lacks_it() -> None:
    story = Story(application(assignments=(expected("other"),)), declared=declared(expected("other")))
    story.run(read(noncompliant=["disk"]), guard=None).run(read(noncompliant=["disk"]), guard=None)
    assert story.verdict() is Verdict.NON_COMPLIANT
    story.become(assignments_read_at=story.now).run(read(noncompliant=["disk"]), guard=None)
    assert story.verdict() is Verdict.RETIRED


def test_a_retired_assignment_is_remembered_while_azure_may_still_report_states_of_it() -> None:
    story = violated()
    story.become(plan_version="2.0.0", assignments=(expected("other"),))
    story.declared = declared(expected("other"), version="2.0.0")
    story.run(guard=None)
    story.later(29 * DAY).run(read(noncompliant=["disk"]), guard=None)
    assert story.verdict() is Verdict.RETIRED
    story.later(2 * DAY).run(guard=None)
    assert fold(assignment_id("baseline")) not in story.known.assignments


def test_a_declared_baseline_of_another_group_fits_by_paths_from_the_group_on() -> None:
    elsewhere = ResourceGroupId("22222222-2222-4222-8222-222222222222", "other-managed")
    excluded = expected(group=elsewhere, not_scopes=not_scopes_of([resource("logs", elsewhere)], fold(str(elsewhere))))
    here = expected(not_scopes=not_scopes_of([resource("logs")], fold(str(GROUP))))
    story = Story(application(assignments=(here,)), declared=declared(excluded))
    story.run(read(compliant=["disk"]))
    assert story.assignment().guard.state is GuardState.INTACT
    wider = expected(not_scopes=not_scopes_of([resource("logs"), resource("disk")], fold(str(GROUP))))
    assert story.run(guard=story.reading(wider)).assignment().guard.state is GuardState.WEAKENED


def test_a_declared_baseline_that_leaves_out_its_group_judges_nothing_anywhere() -> None:
    elsewhere = ResourceGroupId("22222222-2222-4222-8222-222222222222", "other-managed")
    scopes = not_scopes_of([f"/subscriptions/{elsewhere.subscription_id}"], fold(str(elsewhere)))
    story = Story(declared=declared(expected(group=elsewhere, not_scopes=scopes))).run()
    assert not is_expected(story.assignment(), str(GROUP))


def test_what_a_declared_version_has_is_expected_before_it_was_ever_seen() -> None:
    story = Story(declared=declared(expected(), expected("second"))).run(read(compliant=["disk"]))
    assert story.verdict("second") is Verdict.NOT_EVALUATED
    assert is_expected(story.assignment("second"), str(GROUP))
