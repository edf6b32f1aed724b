"""What holds of the judge over every sequence of runs, as hypothesis finds them."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from publisher.resource_ids import fold
from tests.verdicts.judging.any_runs import (
    DISABLED,
    DISABLED_IN_PART,
    LEAVES_OUT_A,
    NAMES,
    NOT_ENFORCED,
    PLAIN,
    VIOLATED,
    Step,
    ends_by_departure,
    evidence_of,
    hours,
    is_intact,
    judged,
    open_keys,
    played,
    reads_compliant_only,
    registered,
    seen_as,
    steps,
    stories,
)
from tests.verdicts.judging.story import (
    CUSTOMER,
    GROUP,
    START,
    Story,
    assignment_id,
    declared,
    expected,
    read,
    resource,
)
from verdicts.alarms import NAMED_BY_CAUSE, AlarmBook
from verdicts.control import RunRecord
from verdicts.derive import application_kinds, held_of, open_kinds, since_of, verdict_of
from verdicts.facts import Alarm, AlarmKind, ApplicationFacts, AssignmentFacts
from verdicts.judging.judge import judge
from verdicts.judging.wants import wants

PATIENT = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@PATIENT
@given(stories)
def test_no_sequence_of_runs_makes_the_judge_or_what_is_derived_raise(story: list[Step]) -> None:
    for number, now, step, before, after in played(story):
        if before is not None and step.kind == "read":
            wants(before, registered(step), evidence_of(step, number, now))
        if after is None:
            continue
        application_kinds(after, now)
        for one in after.assignments.values():
            open_kinds(after, one, now)
            assert verdict_of(after, one)
            assert since_of(after, one) <= now
            held_of(after, one)


@PATIENT
@given(stories)
@example([VIOLATED, seen_as("compliant", NOT_ENFORCED)])
@example([VIOLATED, seen_as("compliant", PLAIN)])
@example([VIOLATED, seen_as("compliant", PLAIN, by_registry=True)])
@example([VIOLATED, *[seen_as("compliant", DISABLED)] * 20])
@example([VIOLATED, *[seen_as("compliant", LEAVES_OUT_A)] * 20])
@example([VIOLATED, *[seen_as("compliant", DISABLED_IN_PART)] * 20])
@example([VIOLATED, *[seen_as("compliant", None)] * 13, seen_as("compliant", NOT_ENFORCED)])
def test_a_key_leaves_open_only_by_evidence_about_itself(story: list[Step]) -> None:
    """Re-derived from what the runs saw: a repair with the guard as it has to be, a proof, a departure, a retirement."""
    for number, _, step, before, after in played(story):
        if before is None or ends_by_departure(before, step):
            continue
        for assignment, key in open_keys(before) - open_keys(after):
            name, one = assignment.rpartition("/")[2], key.resource_id.rpartition("/")[2]
            has_states = any((who, what) == (name, one) for who, what, _, _ in step.states)
            is_repaired = reads_compliant_only(step, name, one) and is_intact(step, name, one, story[:number])
            is_gone = one in step.gone and not has_states
            assert step.kind == "read", "an incomplete read closes nothing"
            assert is_repaired or is_gone


@PATIENT
@given(stories)
def test_what_decides_nothing_never_closes(story: list[Step]) -> None:
    """Only states that say nothing, or nothing at all, and no proof: everything stays open for ever."""
    first = replace(story[0], kind="read", states=(("baseline", "a", "noncompliant", 0),), partial_run=False)
    silent = [
        replace(
            step,
            states=tuple(
                (name, one, "other" if literal != "exempt" else literal, age) for name, one, literal, age in step.states
            ),
            gone=frozenset(),
            removal=None,
            kind=step.kind if step.kind != "absent" else "broken",
        )
        for step in story[1:]
    ]
    for *_, after in played([first, *silent]):
        assert {key.resource_id for _, key in open_keys(after)} == {resource("a")}


@PATIENT
@given(stories)
def test_every_key_that_a_read_saw_as_noncompliant_is_open_after_it(story: list[Step]) -> None:
    gone: set[str] = set()
    for _, _, step, before, after in played(story):
        gone |= step.gone
        if step.kind not in {"read", "broken"} or after is None:
            continue
        for name, one, literal, _ in step.states:
            if (
                literal == "noncompliant"
                and one not in gone
                and not after.assignments[fold(assignment_id(name))].ending
            ):
                assert (
                    fold(assignment_id(name)),
                    read(name, noncompliant=[one]).noncompliant.popitem()[0],
                ) in open_keys(after)
        assert before is None or after.application_id == before.application_id


@PATIENT
@given(stories)
def test_the_same_run_told_twice_changes_nothing(story: list[Step]) -> None:
    for number, now, step, before, after in played(story):
        if after is not None and after is not before:
            assert judged(after, step, number, now) is after


@PATIENT
@given(stories, hours)
def test_a_run_that_began_earlier_changes_nothing(story: list[Step], late: timedelta) -> None:
    """Earlier than the one that was applied last, which is not a partial one whose read broke off."""
    for _, now, step, before, after in played(story):
        if after is not None and after is not before and after.applied_at == now:
            assert judged(after, step, 1000, now - late) is after


@PATIENT
@given(stories, steps)
def test_a_fleet_that_stands_still_is_not_written(story: list[Step], last: Step) -> None:
    """The same world again: by then everything that takes a day has happened, and the facts are the same object."""
    still = replace(last, kind="read", removal=None, states=tuple((*one[:3], None) for one in last.states))
    runs = [*story, *[replace(still, after=timedelta(hours=20), reads_guard=False, gone=frozenset())] * 4]
    *_, (_, _, _, before, after) = played(runs)
    assert after is before


@PATIENT
@given(stories)
def test_letter_case_of_what_azure_and_the_registry_say_makes_no_difference(story: list[Step]) -> None:
    facts: ApplicationFacts | None = None
    for number, now, step, before, after in played(story):
        if step.kind in {"absent", "malformed"} or (before is not None and before.departure is not None):
            facts = after
            continue
        shouted = registered(step)
        listed = shouted.assignments
        shouted = replace(
            shouted,
            managed_resource_group_id=type(GROUP)(CUSTOMER.upper(), GROUP.resource_group.upper()),
            assignments=None if listed is None else tuple(replace(one, id=one.id.upper()) for one in listed),
        )
        baseline = declared(expected()) if step.declared else None
        record = RunRecord(f"run-{number - 1}", now - step.after, 0) if number else None
        facts = judge(before, shouted, evidence_of(step, number, now), record=record, declared=baseline)
        assert after is not None
        assert open_keys(facts) == open_keys(after)
        assert set(facts.assignments) == set(after.assignments)


def alarms_of(facts: ApplicationFacts | None) -> dict[tuple[str, AlarmKind], Alarm]:
    if facts is None:
        return {}
    found = {("", kind): alarm for kind, alarm in facts.alarms.items()}
    return found | {(one.id, kind): alarm for one in facts.assignments.values() for kind, alarm in one.alarms.items()}


def test_the_judge_is_pure() -> None:
    story = Story().run(read(noncompliant=["a"]))
    known = story.known
    evidence = story.later(timedelta(hours=1)).evidence(read(compliant=["a"]))
    evidence.run_id = "another"
    first = judge(known, story.application, evidence, record=None, declared=None)
    assert judge(known, story.application, evidence, record=None, declared=None) == first


@PATIENT
@given(stories)
def test_an_alarm_keeps_its_key_its_words_and_its_label_for_life(story: list[Step]) -> None:
    facts: ApplicationFacts | None = None
    now = START
    for number, step in enumerate(story):
        now += step.after
        after = judged(facts, step, number, now)
        if after is None:
            continue
        book = AlarmBook(named_alarms=0, now=now)
        after = book.update(after)
        known, then = alarms_of(facts), alarms_of(after)
        assert all(then[one] == known[one] for one in known.keys() & then.keys())
        assert book.open_alarms == len(then)
        for key, one in after.assignments.items():
            before = facts.assignments.get(key) if facts else None
            if before and before.alarms and one.alarms:
                assert one.label == before.label
            assert (one.label is not None) == bool(one.alarms)
        assert AlarmBook(named_alarms=0, now=now).update(after) is after, "the same facts have the same alarms"
        facts = after


def violating(number: int, name: str) -> ApplicationFacts:
    known = Story().run(read(name, noncompliant=["a"])).known
    return replace(known, application_id=f"{known.application_id}-{number}")


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from(NAMES), max_size=90),
    st.integers(1, 6),
    st.integers(0, 230),
)
def test_a_run_names_at_most_25_alarms_of_a_cause_and_200_in_all(names: list[str], shards: int, named: int) -> None:
    book = AlarmBook(named_alarms=named, shards=shards, now=START)
    told = [
        alarm
        for number, name in enumerate(names)
        for alarm in alarms_of(book.update(violating(number, name))).values()
        if alarm.opened_at == START
    ]
    assert len(told) >= len(names)
    own = [alarm for alarm in told if not alarm.cause]
    of_cause = {name: sum(alarm.key.endswith(f"#{name}") for alarm in own) for name in NAMES}
    assert all(count <= max(1, NAMED_BY_CAUSE // shards) for count in of_cause.values())
    assert len(own) <= max(0, 200 - named)
    assert all(alarm.key == f"cause: {alarm.cause}" for alarm in told if alarm.cause)
    assert book.named_alarms == len(own)


@given(st.text(string.printable, max_size=30), st.text(string.printable, max_size=30))
def test_renames_change_no_alarm(customer: str, plan: str) -> None:
    story = Story().run(read(noncompliant=["a"]))
    first = AlarmBook(named_alarms=0, now=story.now).update(story.known)
    story.facts = first
    story.become(customer_name=customer, plan_name=plan).run(read(noncompliant=["a"]))
    second = AlarmBook(named_alarms=0, now=story.now).update(story.known)
    assert alarms_of(second) == alarms_of(first)
    one: AssignmentFacts = second.assignments[fold(assignment_id("baseline"))]
    assert one.label == first.assignments[one.id].label
