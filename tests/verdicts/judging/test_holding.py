"""What keeps a violation open, and what decides an assignment without one (docs/closing.md)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from publisher.resource_ids import fold
from registry.managed_application import Exemption
from tests.verdicts.judging.story import (
    DAY,
    GROUP,
    HOUR,
    Story,
    application,
    assignment_id,
    expected,
    later_evaluation,
    read,
    resource,
    violated,
)
from verdicts.derive import Verdict, accepted_until, is_expected
from verdicts.facts import Acceptance, GuardState, HeldReason

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
