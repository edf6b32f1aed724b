"""Runs over one application that see anything in any order, and what the judge makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from publisher.resource_ids import fold
from registry.managed_application import Exemption, ExpectedAssignment, MalformedRow, ManagedApplication, Removal
from tests.verdicts.judging.story import (
    APPLICATION,
    CUSTOMER,
    START,
    application,
    assignment_id,
    declared,
    expected,
    read,
    resource,
)
from verdicts.control import RunRecord
from verdicts.evidence import AssignmentEvidence, Evidence, GuardReading
from verdicts.facts import ApplicationFacts, StateKey, StatesUpload
from verdicts.judging.departures import judge_absent
from verdicts.judging.judge import judge
from verdicts.outcome import Outcome

NAMES = ("baseline", "second")
RESOURCES = ("a", "b", "c")
LITERALS = ("noncompliant", "compliant", "exempt", "other")
POSTURES: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"disabled": ("",)},
    {"enforced": False},
    {"parameters": (("effect", '"Audit"'),)},
    {"not_scopes": (resource("a"),)},
    {"disabled": ("",), "references": 2},
)
PLAIN, DISABLED, NOT_ENFORCED, OTHER_PARAMETERS, LEAVES_OUT_A, DISABLED_IN_PART = 0, 3, 4, 5, 6, 7
NO_WEAKER = {
    PLAIN: {PLAIN, 1, 2, NOT_ENFORCED, LEAVES_OUT_A, DISABLED_IN_PART},
    NOT_ENFORCED: {NOT_ENFORCED},
    OTHER_PARAMETERS: {OTHER_PARAMETERS},
    LEAVES_OUT_A: {LEAVES_OUT_A},
}
"""By posture: the ones than which it leaves out no more, and asks for nothing else."""

hours = st.integers(1, 40).map(lambda number: timedelta(hours=number))


@dataclass(frozen=True)
class Step:
    """What one run sees; `kind` is read, broken, absent or malformed."""

    kind: str
    after: timedelta
    states: tuple[tuple[str, str, str, int | None], ...]
    """Assignment, resource, literal, and hours since the evaluation."""
    posture: tuple[tuple[str, int | None], ...]
    """Assignment and which posture the guard found; None: it was not in the list."""
    sure: bool
    reads_guard: bool
    gone: frozenset[str]
    outcome: Outcome
    partial_run: bool
    removal: bool | None
    registry: bool
    declared: bool


states = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(RESOURCES),
        st.sampled_from(LITERALS),
        st.none() | st.integers(-2, 60),
    ),
    max_size=6,
).map(tuple)
steps = st.builds(
    Step,
    kind=st.sampled_from(["read", "read", "read", "read", "broken", "absent", "malformed"]),
    after=hours,
    states=states,
    posture=st.tuples(*(st.tuples(st.just(name), st.none() | st.integers(0, len(POSTURES) - 1)) for name in NAMES)),
    sure=st.booleans(),
    reads_guard=st.booleans(),
    gone=st.frozensets(st.sampled_from(RESOURCES)),
    outcome=st.sampled_from(list(Outcome)),
    partial_run=st.booleans(),
    removal=st.none() | st.booleans(),
    registry=st.booleans(),
    declared=st.booleans(),
)
stories = st.lists(steps, min_size=1, max_size=12)


def seen_as(literal: str, posture: int | None, *, age: int | None = 0, by_registry: bool = False) -> Step:
    """A run, two hours after the one before, that reads "a" for both assignments, and their posture where there is one."""
    return Step(
        kind="read",
        after=timedelta(hours=2),
        states=tuple((name, "a", literal, age) for name in NAMES),
        posture=tuple((name, posture) for name in NAMES),
        sure=True,
        reads_guard=posture is not None,
        gone=frozenset(),
        outcome=Outcome.FAILED,
        partial_run=False,
        removal=None,
        registry=by_registry,
        declared=False,
    )


VIOLATED = seen_as("noncompliant", None, age=None)


def found_by(step: Step, now: datetime) -> list[AssignmentEvidence]:
    found: dict[str, dict[str, dict[str, datetime | None]]] = {}
    for name, one, literal, age in step.states:
        moment = None if age is None else now - timedelta(hours=age)
        found.setdefault(name, {key: {} for key in LITERALS})[literal][one] = moment
    return [read(name, **by_literal) for name, by_literal in found.items()]  # type: ignore[arg-type]


def reading_of(step: Step, now: datetime) -> GuardReading | None:
    if not step.reads_guard:
        return None
    listed = [expected(name, **POSTURES[which]) for name, which in step.posture if which is not None]
    missing = {fold(assignment_id(name)): step.sure for name, which in step.posture if which is None}
    exemptions = (Exemption("/e", fold(assignment_id("baseline"))),)
    return GuardReading(now, {fold(one.id): one for one in listed}, missing, exemptions)


def upload_of(step: Step) -> StatesUpload:
    """The upload whose states stand: the same one for as long as the states are the same."""
    fingerprint = repr(sorted(one[:3] for one in step.states))
    return StatesUpload(f"the run that uploaded {fingerprint}", START, len(step.states), fingerprint)


def evidence_of(step: Step, number: int, now: datetime) -> Evidence:
    is_complete = step.kind == "read"
    return Evidence(
        f"run-{number}",
        now,
        Outcome.SUCCEEDED if is_complete else step.outcome,
        complete=is_complete,
        partial_run=step.partial_run,
        assignments={one.id: one for one in found_by(step, now)},
        states=upload_of(step) if is_complete else None,
        guard=reading_of(step, now),
        gone=frozenset(resource(one) for one in step.gone),
    )


def registered(step: Step) -> ManagedApplication:
    listed: tuple[ExpectedAssignment, ...] | None = tuple(expected(name) for name in NAMES)
    return application(assignments=listed if step.registry else None)


def judged(before: ApplicationFacts | None, step: Step, number: int, now: datetime) -> ApplicationFacts | None:
    record = RunRecord(f"run-{number - 1}", now - step.after, 0) if number else None
    if step.kind == "absent":
        told = None if step.removal is None else Removal(now - timedelta(hours=1), step.removal, "Azure")
        if before is None:
            return None
        return judge_absent(
            before, told, run_id=f"run-{number}", started_at=now, partial_run=step.partial_run, record=record
        )
    row = MalformedRow("keys", "broken", CUSTOMER, APPLICATION) if step.kind == "malformed" else registered(step)
    evidence = evidence_of(step, number, now)
    if step.kind == "malformed":
        evidence.complete, evidence.assignments = False, {}
    baseline = declared(expected()) if step.declared else None
    return judge(before, row, evidence, record=record, declared=baseline)


def played(
    story: list[Step],
) -> Iterator[tuple[int, datetime, Step, ApplicationFacts | None, ApplicationFacts | None]]:
    """Yield number, time, step, facts before and facts after of each run."""
    facts: ApplicationFacts | None = None
    now = START
    for number, step in enumerate(story):
        now += step.after
        after = judged(facts, step, number, now)
        yield number, now, step, facts, after
        facts = after


def open_keys(facts: ApplicationFacts | None) -> set[tuple[str, StateKey]]:
    return {(one.id, key.key) for one in (facts.assignments.values() if facts else ()) for key in one.open}


def ends_by_departure(before: ApplicationFacts, step: Step) -> bool:
    """Tell whether everything about the application may end: ARM confirmed it, or 30 days passed without a sign."""
    known = before.departure is not None and before.departure.outcome is not Outcome.VANISHED
    return (step.kind == "absent" and not step.partial_run and (step.removal is not None or known)) or known


def is_intact(step: Step, name: str, one: str, earlier: list[Step]) -> bool:
    """Tell whether the run saw the assignment judge the resource, and no less than when it was seen before, if it was."""
    which = dict(step.posture)[name] if step.reads_guard else None
    which = PLAIN if which is not None and POSTURES[which] == {} else which
    if which not in NO_WEAKER or (which, one) == (LEAVES_OUT_A, "a"):
        return False
    seen = {view for before in earlier for view in views_of(before, name)}
    if step.declared and name == "baseline":
        seen.add(PLAIN)
    # What was disabled when it was first seen is no yardstick that could be moved.
    return not seen or bool(seen & {*NO_WEAKER[which], DISABLED})


def views_of(step: Step, name: str) -> set[int]:
    """Return the postures of an assignment that a run could learn, or had declared."""
    if step.kind in {"absent", "malformed"}:
        return set()
    read_as = dict(step.posture)[name] if step.reads_guard else None
    is_declared = step.declared and name == "baseline"
    return {*({read_as} if read_as is not None else ()), *({PLAIN} if step.registry or is_declared else ())}


def reads_compliant_only(step: Step, name: str, one: str) -> bool:
    literals = {literal for who, what, literal, _ in step.states if (who, what) == (name, one)}
    return literals == {"compliant"}
