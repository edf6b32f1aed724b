"""What opens and closes a violation, one rule and one trap at a time (docs/closing.md)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from publisher.resource_ids import ResourceGroupId, fold
from registry.managed_application import Exemption, MalformedRow, Removal
from registry.policies.postures import not_scopes_of
from tests.verdicts.story import (
    APPLICATION,
    CUSTOMER,
    DAY,
    GROUP,
    HOUR,
    START,
    Story,
    application,
    assignment_id,
    declared,
    expected,
    read,
    resource,
    state,
    violated,
)
from verdicts.derive import Verdict, accepted_until, is_expected
from verdicts.facts import MOST_OPEN_KEYS, Acceptance, Ending, GuardState, HeldReason
from verdicts.judge import Wants, applies, judge, wants
from verdicts.outcome import Outcome

FAILURES = [
    Outcome.ACCESS_DENIED,
    Outcome.NOT_FOUND,
    Outcome.THROTTLED,
    Outcome.FAILED,
    Outcome.UPLOAD_FAILED,
    Outcome.SKIPPED,
]


def later_evaluation(story: Story) -> datetime:
    return story.now + timedelta(minutes=30)


def removal(story: Story, *, confirmed: bool) -> Removal:
    return Removal(story.now, confirmed, "Azure", "deleted" if confirmed else "")


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


# What is held


def test_a_key_whose_state_decides_nothing_stays_open() -> None:
    story = violated().run(read(other=["disk"]))
    assert (story.verdict(), story.held()) == (Verdict.NON_COMPLIANT, HeldReason.UNDECIDED)


def test_an_assignment_that_the_customer_deleted_closes_nothing() -> None:
    story = violated()
    story.run(guard=story.reading(missing={"baseline": True}))
    assert story.assignment().guard.state is GuardState.WITHDRAWN
    for _ in range(5):
        story.later(DAY).run(guard=story.reading(missing={"baseline": True}))
    assert story.open() == {"disk"}


def test_states_of_a_deleted_assignment_that_say_compliant_close_nothing() -> None:
    story = violated()
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(missing={"baseline": True}))
    assert story.held() is HeldReason.WITHDRAWN


@pytest.mark.parametrize(
    "weaker",
    [
        {"disabled": ("",)},
        {"not_scopes": (resource("disk"),)},
        {"not_scopes": (fold(str(GROUP)),)},
        {"enforced": False},
        {"selectors": '[{"selectors":[{"in":[],"kind":"resourceLocation"}]}]'},
        {"overrides": '[{"kind":"policyEffect","value":"Disabled"}]'},
        {"parameters": (("effect", '"Audit"'),)},
        {"definition_version": "1.*.*"},
    ],
)
def test_an_assignment_that_was_weakened_or_changed_closes_nothing(weaker: dict[str, Any]) -> None:
    story = violated()
    for _ in range(30):
        story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(expected(**weaker)))
    assert story.open() == {"disk"}
    assert story.held() is HeldReason.WEAKENED


def test_an_assignment_that_is_put_back_closes_by_the_next_evaluation() -> None:
    story = violated()
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(expected(disabled=("",))))
    back = expected(changed_at=story.now + timedelta(minutes=50))
    story.run(read(compliant={"disk": story.now}), guard=story.reading(back))
    assert story.open() == {"disk"}, "this evaluation was of the disabled assignment"
    story.run(read(compliant={"disk": story.now + timedelta(minutes=55)}), guard=story.reading(back))
    assert story.open() == set()


def test_a_definition_that_was_disabled_and_put_back_closes_by_the_next_evaluation() -> None:
    story = violated()  # the assignment itself was never written
    evaluated_at = later_evaluation(story)
    story.run(read(compliant={"disk": evaluated_at}), guard=story.reading(expected(disabled=("",))))
    assert story.run(read(compliant={"disk": evaluated_at})).open() == {"disk"}
    assert story.run(read(compliant={"disk": evaluated_at})).open() == {"disk"}
    assert story.run(read(compliant={"disk": later_evaluation(story)})).open() == set()


def test_a_disabled_assignment_decides_nothing_even_when_it_is_its_own_baseline() -> None:
    story = Story(application(assignments=(expected(disabled=("",)),))).run(read(compliant=["disk"]))
    assert story.verdict() is Verdict.NOT_EVALUATED
    assert not is_expected(story.assignment(), str(GROUP))


def test_an_exemption_suspends_a_key_and_its_end_opens_it_again() -> None:
    story = violated().run(read(exempt=["disk"]))
    assert (story.verdict(), story.held()) == (Verdict.NON_COMPLIANT, HeldReason.EXEMPT)
    assert story.assignment().open[0].suspended
    story.later(40 * DAY).run(read(exempt=["disk"]))
    assert story.open() == {"disk"}
    story.run(read(noncompliant={"disk": later_evaluation(story)}))
    assert story.held() is None
    assert not story.assignment().open[0].suspended


def test_a_key_that_was_exempt_from_the_first_sight_never_opens() -> None:
    story = Story().run(read(exempt=["disk"]))
    assert story.verdict() is Verdict.COMPLIANT


def test_a_new_exemption_is_kept_with_who_made_it() -> None:
    story = violated()
    exemption = Exemption("/e", fold(assignment_id("baseline")), category="Waiver", created_by="eve@example.com")
    story.run(read(exempt=["disk"]), guard=story.reading(expected(), exemptions=(exemption,)))
    assert story.known.exemptions == (exemption,)
    assert story.known.known_exemptions == ()


def test_the_reason_is_kept_with_the_time_of_the_first_run_that_had_it() -> None:
    story = violated().run()
    since = story.assignment().held
    assert story.later(DAY).run().assignment().held == since


def test_a_read_that_is_complete_again_forgets_that_the_application_was_unread() -> None:
    story = violated().fails().run(read(noncompliant=["disk"]))
    assert story.known.unread is None
    assert story.held() is None


# Verdicts without open keys


def test_one_compliant_or_exempt_state_decides_and_nothing_read_decides_nothing() -> None:
    assert Story().run(read(compliant=["disk"])).verdict() is Verdict.COMPLIANT
    assert Story().run().verdict() is Verdict.NOT_EVALUATED


def test_unknown_of_effect_manual_does_not_count_against_an_assignment() -> None:
    assert Story().run(read(compliant=["disk"], manual=3)).verdict() is Verdict.COMPLIANT
    assert Story().run(read(manual=3)).verdict() is Verdict.NOT_EVALUATED


def test_states_that_decide_nothing_make_a_decided_assignment_undecided() -> None:
    story = Story().run(read(compliant=["disk"]))
    story.run(read(compliant=["disk"], other=["vault"]))
    assert story.verdict() is Verdict.UNDECIDED
    assert story.run().verdict() is Verdict.UNDECIDED
    assert story.run(read(compliant=["disk"])).verdict() is Verdict.COMPLIANT


# Acceptance


def accepted(story: Story, *, until: datetime) -> Story:
    word = Acceptance("Ada", "by contract", story.now, until)
    facts = story.assignment()
    keys = tuple(replace(key, acceptance=word) for key in facts.open)
    story.facts = replace(story.known, assignments={**story.known.assignments, facts.id: replace(facts, open=keys)})
    return story


def test_what_is_accepted_stays_noncompliant_until_its_end() -> None:
    story = violated()
    end = story.now + 10 * DAY
    accepted(story, until=end).run(read(noncompliant=["disk"]))
    assert story.verdict() is Verdict.NON_COMPLIANT
    assert accepted_until(story.assignment(), story.now) is not None
    assert accepted_until(story.assignment(), end) is None


def test_a_new_key_beside_an_accepted_one_is_not_accepted() -> None:
    story = violated()
    accepted(story, until=story.now + 10 * DAY).run(read(noncompliant=["disk", "vault"]))
    assert accepted_until(story.assignment(), story.now) is None


def test_a_key_that_was_repaired_and_opens_again_is_not_accepted_any_more() -> None:
    story = violated()
    accepted(story, until=story.now + 10 * DAY)
    story.run(read(compliant={"disk": later_evaluation(story)}))
    story.run(read(noncompliant={"disk": later_evaluation(story)}))
    assert accepted_until(story.assignment(), story.now) is None


def test_an_accepted_difference_lets_a_repair_close_until_it_ends() -> None:
    story = violated("disk", "vault")
    changed = expected(parameters=(("effect", '"Audit"'),))
    story.run(read(noncompliant=["disk", "vault"]), guard=story.reading(changed))
    facts = story.assignment()
    word = Acceptance("Ada", "agreed", story.now, story.now + 5 * HOUR)
    guard = replace(facts.guard, accepted=facts.guard.seen, acceptance=word)
    story.facts = replace(story.known, assignments={facts.id: replace(facts, guard=guard)})
    story.run(read(compliant={"disk": later_evaluation(story)}, noncompliant=["vault"]), guard=story.reading(changed))
    assert story.open() == {"vault"}
    story.later(DAY).run(read(compliant={"vault": later_evaluation(story)}), guard=story.reading(changed))
    assert story.held() is HeldReason.WEAKENED


def test_an_accepted_difference_covers_no_other_one() -> None:
    story = violated()
    story.run(read(noncompliant=["disk"]), guard=story.reading(expected(enforced=False)))
    facts = story.assignment()
    word = Acceptance("Ada", "agreed", story.now, story.now + 5 * DAY)
    guard = replace(facts.guard, accepted=facts.guard.seen, acceptance=word)
    story.facts = replace(story.known, assignments={facts.id: replace(facts, guard=guard)})
    worse = expected(enforced=False, disabled=("",))
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(worse))
    assert story.held() is HeldReason.WEAKENED


def test_an_accepted_disabled_assignment_still_closes_nothing() -> None:
    story = violated()
    disabled = expected(disabled=("",))
    story.run(read(noncompliant=["disk"]), guard=story.reading(disabled))
    facts = story.assignment()
    word = Acceptance("Ada", "agreed", story.now, story.now + 5 * DAY)
    guard = replace(facts.guard, accepted=facts.guard.seen, acceptance=word)
    story.facts = replace(story.known, assignments={facts.id: replace(facts, guard=guard)})
    story.run(read(compliant={"disk": later_evaluation(story)}), guard=story.reading(disabled))
    assert story.open() == {"disk"}


# Plan versions


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


# Leaving, vanishing and coming back


def test_a_confirmed_deletion_ends_everything_with_left() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=True))
    assert story.verdict() is Verdict.LEFT
    assert story.known.departure is not None
    assert story.known.departure.outcome is Outcome.LEFT
    assert story.open() == set()


def test_an_unconfirmed_deletion_of_a_readable_application_is_left_unconfirmed_and_keeps_its_keys() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=False))
    assert story.verdict() is Verdict.LEFT_UNCONFIRMED
    assert story.open() == {"disk"}


def test_an_unconfirmed_deletion_counts_reads_of_runs_that_wrote_nothing() -> None:
    story = violated().later(10 * DAY).complete_run_was()
    story.is_missing(removal(story, confirmed=False))
    assert story.verdict() is Verdict.LEFT_UNCONFIRMED


def test_an_unconfirmed_deletion_becomes_left_after_thirty_days() -> None:
    story = violated()
    told = removal(story, confirmed=False)
    assert story.is_missing(told).later(29 * DAY).is_missing(told).verdict() is Verdict.LEFT_UNCONFIRMED
    assert story.later(DAY).is_missing(told).verdict() is Verdict.LEFT


def test_an_unconfirmed_deletion_of_an_application_that_was_not_read_before_is_vanished() -> None:
    story = violated().later(3 * DAY).fails(Outcome.ACCESS_DENIED)
    story.is_missing(removal(story, confirmed=False))
    assert story.verdict() is Verdict.NON_COMPLIANT
    assert story.known.departure is not None
    assert story.known.departure.outcome is Outcome.VANISHED


def test_an_unconfirmed_departure_that_arm_confirms_later_is_left() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=False)).is_missing(removal(story, confirmed=True))
    assert story.verdict() is Verdict.LEFT


@pytest.mark.parametrize("unconfirmed", [True, False])
def test_who_comes_back_and_is_read_again_has_the_keys_open_as_before(unconfirmed: bool) -> None:
    story = violated()
    opened = story.assignment().open[0].opened_at
    story.is_missing(removal(story, confirmed=False) if unconfirmed else None)
    story.run(read(noncompliant=["disk"]))
    assert story.known.departure is None
    assert story.assignment().open[0].opened_at == opened


def test_whoever_is_in_the_ledger_and_not_in_the_registry_has_vanished_and_closes_nothing() -> None:
    story = violated().is_missing()
    assert story.known.departure is not None
    assert story.known.departure.outcome is Outcome.VANISHED
    assert (story.verdict(), story.held()) == (Verdict.NON_COMPLIANT, HeldReason.UNREAD)
    before = story.known
    assert story.later(40 * DAY).is_missing().known is before


def test_a_partial_run_concludes_nothing_about_who_is_missing() -> None:
    story = violated()
    before = story.known
    assert story.is_missing(partial_run=True).known is before
    assert story.is_missing(removal(story, confirmed=True), partial_run=True).known is before


def test_who_has_left_stays_so_whatever_the_registry_forgets() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=True))
    before = story.known
    assert story.is_missing().known is before


OTHER_GROUP = ResourceGroupId(CUSTOMER, "Shop-managed-2")


def test_another_managed_group_under_the_same_id_ends_the_old_deployment_and_starts_afresh() -> None:
    story = violated()
    story.application = replace(
        story.application, managed_resource_group_id=OTHER_GROUP, assignments=(expected(group=OTHER_GROUP),)
    )
    story.run(read(compliant=["x"], group=OTHER_GROUP))
    assert story.assignment().ending is Ending.LEFT
    assert story.assignment(group=OTHER_GROUP).ending is None
    assert story.known.managed_resource_group_id == str(OTHER_GROUP)


def test_a_deployment_that_ended_is_forgotten_when_its_rows_were_told_for_long_enough() -> None:
    story = violated()
    story.application = replace(story.application, managed_resource_group_id=OTHER_GROUP, assignments=())
    story.run().later(49 * HOUR).run()
    assert story.assignment().ending is Ending.LEFT
    story.later(2 * HOUR).run()
    assert fold(assignment_id("baseline")) not in story.known.assignments


def test_a_group_that_is_only_spelled_otherwise_is_the_same_deployment() -> None:
    story = violated()
    story.application = replace(
        story.application, managed_resource_group_id=ResourceGroupId(CUSTOMER.upper(), "SHOP-MANAGED")
    )
    story.run(read(noncompliant=["disk"]))
    assert story.open() == {"disk"}
    assert len(story.known.assignments) == 1


def test_a_deployment_after_a_confirmed_removal_starts_afresh_in_the_same_group() -> None:
    story = violated()
    story.is_missing(removal(story, confirmed=True))
    story.become(registered_at=story.now).run(read(compliant=["disk"]))
    assert story.known.departure is None
    assert story.verdict() is Verdict.COMPLIANT


def test_a_removal_that_no_run_saw_still_ends_the_deployment_before_it() -> None:
    story = violated()
    story.become(registered_at=story.now).run(read(compliant=["vault"]))
    assert story.open() == set()


def test_a_registry_that_knows_no_time_of_registration_ends_nothing() -> None:
    story = violated(registered_at=START - DAY)
    story.become(registered_at=None).run(read(noncompliant=["disk"]))
    assert story.open() == {"disk"}


def test_renames_of_customer_and_plan_keep_the_keys() -> None:
    story = violated()
    story.become(customer_name="Contoso plc", plan_name="platinum").run(read(noncompliant={"disk": START}))
    assert story.known.customer_name == "Contoso plc"
    assert story.open() == {"disk"}


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
    assert story.known.states is not None
    assert story.known.states.time == latest


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


# What a complete read wants


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
