"""When an answer that is the one before is not parsed, and what has to be parsed all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from collector.reading.unchanged import evidence_of
from publisher.resource_ids import fold
from tests.collector.reading.answers import (
    APPLICATION,
    BASELINE,
    FEW,
    NAMES,
    START,
    judged,
    read,
    registered,
    state,
    without_answer,
)
from tests.verdicts.judging.story import (
    DAY,
    HOUR,
    declared,
    expected,
    resource,
)
from tests.verdicts.remembered import assignment, remembered
from verdicts.evidence import GuardReading
from verdicts.facts import Counts

if TYPE_CHECKING:
    pass

NEXT = START + timedelta(minutes=1)

FIRST = judged(None, read(FEW))


def test_the_answer_before_is_not_parsed_and_comes_to_the_same() -> None:
    again = read(FEW, FIRST, at=NEXT)
    assert (again.parsed, again.rows) == (0, [])
    assert again.result == read(FEW).result
    assert judged(FIRST, again) == FIRST


def test_an_answer_without_a_filter_is_known_with_what_is_foreign_in_it() -> None:
    facts = judged(None, read(FEW, refuses_filter=True))
    again = read(FEW, facts, at=NEXT, refuses_filter=True)
    assert (again.parsed, again.result.foreign_states, again.result.states) == (0, 1, 3)


@pytest.mark.parametrize(
    "changed",
    [
        {"states": [*FEW[:1], state(one="b"), *FEW[2:]]},
        {"states": FEW[::-1]},
        {"of": replace(APPLICATION, customer_name="Fabrikam")},
        {"of": registered(assignments=(replace(expected(), display_name="Renamed"), expected("second")))},
        {"of": registered(assignments=(expected(), replace(expected("second"), definition_display_name="Renamed")))},
        {"of": registered(definition_names={"/other": "Renamed"})},
        {"of": registered(plan_version="2.0.0")},
        {"of": registered(assignments=tuple(map(expected, NAMES)))},
        {"of": registered(registered_at=START)},
        {"compliant_states": "summarised"},
        {"uploaded_states": "all"},
        {"version": "2"},
        {"at": START + timedelta(hours=19)},
        {"pages": 2},
    ],
    ids=[
        "state",
        "order",
        "customer",
        "assignment's name",
        "definition's name",
        "name of a definition in an initiative",
        "plan version",
        "an assignment more",
        "another deployment",
        "compliant states",
        "every state in every run",
        "version",
        "turn",
        "pages",
    ],
)
def test_whatever_may_come_to_something_else_is_parsed(changed: dict[str, Any]) -> None:
    again = read(**{"states": FEW, "before": FIRST, "at": NEXT, **changed})
    assert again.parsed > 0


def test_a_state_that_is_not_kept_in_the_ledger_is_parsed_in_every_run() -> None:
    found = [*FEW, state("second", "c", "Protected")]
    assert read(found, judged(None, read(found)), at=NEXT).parsed == 1


def test_what_a_run_changed_that_broke_off_is_parsed() -> None:
    broken = read([*FEW, state(one="c", said="NonCompliant")], FIRST, at=NEXT)
    broken.evidence.complete, broken.evidence.states = False, None
    facts = judged(FIRST, broken)
    assert facts.states is not None
    assert facts.states.answer is None
    assert read(FEW, facts, at=NEXT + HOUR).parsed == 1


def test_a_key_that_is_held_is_parsed_in_every_run_until_it_closes() -> None:
    facts, now = FIRST, START
    repaired = [*FEW[:1], state(one="b"), *FEW[2:]]
    for _ in range(3):
        now += HOUR
        one = read(repaired, facts, at=now)
        assert one.parsed == 1
        facts = judged(facts, one)
    one = read(repaired, facts, at=now + DAY)
    intact = {fold(each.id): each for each in map(expected, NAMES[:2])}
    one.evidence.guard = GuardReading(now + DAY, intact)
    facts = judged(facts, one)
    assert [len(each.open) for each in facts.assignments.values()] == [0, 0]
    assert read(repaired, facts, at=now + DAY + HOUR / 60).parsed == 0


def test_a_violation_of_what_is_gone_is_parsed_in_every_run() -> None:
    without = [FEW[0], *FEW[2:]]
    gone = read(without, FIRST, at=NEXT)
    gone.evidence.gone = frozenset({resource("b")})
    facts = judged(FIRST, gone)
    told_again = read(FEW, facts, at=NEXT + HOUR)
    facts = judged(facts, told_again)
    assert [len(each.open) for each in facts.assignments.values()] == [0, 0]
    assert read(FEW, facts, at=NEXT + 2 * HOUR).parsed == 1


def test_a_key_that_is_held_beside_a_violation_of_what_is_gone_is_parsed() -> None:
    gone = state(one="c", said="NonCompliant")
    facts = judged(None, read([*FEW, gone]))
    without = read(FEW, facts, at=NEXT)
    without.evidence.gone = frozenset({resource("c")})
    found = [FEW[0], *FEW[2:], gone]
    facts = judged(judged(facts, without), read(found, facts, at=NEXT + HOUR))
    assert [one.key.resource_id for one in facts.assignments[BASELINE].open] == [resource("b")]
    assert facts.assignments[BASELINE].counts.noncompliant == 1
    again = read(found, facts, at=NEXT + 2 * HOUR)
    assert again.parsed == 1
    assert judged(facts, again).assignments[BASELINE].held is not None


def test_an_assignment_that_has_ended_is_not_told_of_by_what_it_had() -> None:
    third = [*FEW, state("third")]
    baseline = declared(expected(), expected("second"))
    facts = judged(None, read(third))
    read_later = replace(APPLICATION, assignments_read_at=NEXT)
    facts = judged(facts, read(third, facts, at=NEXT + HOUR, of=read_later), read_later, baseline)
    assert sum(one.ending is not None for one in facts.assignments.values()) == 1
    facts = judged(facts, read(FEW, facts, at=NEXT + 2 * HOUR, of=read_later), read_later, baseline)
    assert len(read(FEW, facts, at=NEXT + 3 * HOUR, of=read_later).evidence.assignments) == 2


def test_what_has_no_name_is_parsed_in_every_run() -> None:
    nameless = [{**one, "policyAssignmentName": ""} for one in FEW]
    facts = judged(FIRST, read(nameless, FIRST, at=NEXT + 6 * HOUR))
    assert read(nameless, facts, at=NEXT + 7 * HOUR).parsed == 1


def test_a_known_answer_that_lacks_an_assignment_by_now_is_parsed_and_all_are_asked_for() -> None:
    disabled = registered(assignments=(*APPLICATION.assignments, expected("third", disabled=("",))))
    one = read(FEW, of=disabled)
    assert one.parsed == 1
    facts = judged(None, one, disabled, declared(*map(expected, NAMES)))
    again = read(FEW, facts, at=NEXT, of=disabled)
    assert again.parsed == 2
    assert again.result == read(FEW, without_answer(facts), at=NEXT, of=disabled).result


def test_a_known_answer_is_parsed_when_it_is_a_later_page_and_so_is_one_that_was_a_later_page() -> None:
    more = [state(one="c"), state(one="d"), state(one="e")]
    both = [one for pair in zip(more, FEW[:3], strict=True) for one in pair]
    two_pages = read(both, FIRST, at=NEXT, pages=2)
    assert (two_pages.parsed, two_pages.result.states) == (2, 6)
    facts = judged(FIRST, two_pages)
    one_page = read(FEW, facts, at=NEXT + HOUR)
    assert (one_page.parsed, one_page.result.states) == (1, 3)


def test_what_overflows_is_parsed() -> None:
    assert evidence_of(remembered(assignment("baseline", "a", counts=Counts(1)))) is not None
    assert evidence_of(remembered(assignment("baseline", "a", counts=Counts(1), overflow=True))) is None


def test_another_answer_that_comes_to_the_same_is_remembered_in_six_hours_and_not_in_every_run() -> None:
    facts = FIRST
    for number in range(1, 9):
        later = [{**one, "timestamp": f"2026-02-28T10:{number:02}:00Z"} for one in (*FEW[:1], *FEW[2:])]
        found = [*later, FEW[1]]
        after = judged(facts, read(found, facts, at=START + number * HOUR))
        assert (after == facts) == (number != 6)
        facts = after
