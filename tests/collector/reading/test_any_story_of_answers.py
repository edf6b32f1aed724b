"""Whatever happens between two runs, an answer that is known comes to what it comes to when it is parsed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.resource_ids import fold
from registry.managed_application import Exemption
from tests.collector.reading.answers import (
    FEW,
    NAMES,
    START,
    judged,
    read,
    registered,
    state,
    without_answer,
)
from tests.verdicts.judging.any_runs import POSTURES
from tests.verdicts.judging.story import (
    DAY,
    DEFINITION,
    HOUR,
    assignment_id,
    declared,
    expected,
    resource,
)
from verdicts.evidence import Evidence, GuardReading
from verdicts.facts import Acceptance, ApplicationFacts, StateKey
from verdicts.judging.wants import wants
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    pass

SAID = (
    "NonCompliant",
    "NonCompliant",
    "Compliant",
    "Compliant",
    "Compliant",
    "Exempt",
    "Unknown",
    "Error",
    "Protected",
    "",
    "Odd",
)


def told(evidence: Evidence, before: ApplicationFacts | None) -> Evidence:
    """Evidence as far as the judge asks: a key's worst state, and its latest evaluation that is known."""
    known = {
        (key, one.key): one.evaluated_at
        for key, facts in (before.assignments.items() if before else ())
        for one in facts.open
    }

    def latest(key: str, one: StateKey, evaluated_at: datetime | None) -> datetime | None:
        return max((moment for moment in (known.get((key, one)), evaluated_at) if moment), default=None)

    assignments = {
        key: replace(
            found,
            noncompliant={one: latest(key, one, moment) for one, moment in found.noncompliant.items()},
            compliant={one: moment for one, moment in found.compliant.items() if one not in found.noncompliant},
            exempt=found.exempt - found.noncompliant.keys(),
            other=found.other - found.noncompliant.keys(),
        )
        for key, found in evidence.assignments.items()
    }
    return replace(evidence, assignments=assignments)


@dataclass(frozen=True)
class Step:
    """What a run meets; None is what the run before met."""

    after: timedelta
    states: list[dict[str, Any]] | None
    shape: tuple[int, bool] | None
    """In how many pages, and whether the filter is refused."""
    ends: str
    """"breaks off", "partial", "partial and breaks off", or "" for a usual run."""
    guard: tuple[int | None, ...] | None
    gone: frozenset[str]
    is_accepted: bool
    names: tuple[int, str, str] | None
    """How many assignments the registry has, what it calls them, and the customer."""
    is_declared: bool


def seldom(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 4).flatmap(lambda number: st.none() if number else one)


states = st.lists(
    st.builds(
        state,
        st.sampled_from(["baseline", "baseline", *NAMES, "defender"]),
        st.sampled_from("abc"),
        st.sampled_from(SAID),
        timestamp=st.sampled_from(["2026-02-27T10:00:00Z", "2026-02-28T10:00:00Z", "2026-03-02T10:00:00Z", "", None]),
        policyDefinitionAction=st.sampled_from(["audit", "audit", "manual", "denyAction"]),
        policyDefinitionReferenceId=st.sampled_from(["", "", "", "storage"]),
        policyAssignmentName=st.sampled_from(["baseline", "baseline", "other", ""]),
        policyDefinitionId=st.sampled_from([DEFINITION, DEFINITION, DEFINITION, "/other", ""]),
    ),
    max_size=4,
).map(lambda found: [*found, *FEW[:1], *FEW[2:]])
steps = st.builds(
    Step,
    after=st.sampled_from([1, 1, 2, 3, 8, 25]).map(lambda number: number * HOUR),
    states=st.integers(0, 2).flatmap(lambda number: st.none() if number else states),
    shape=seldom(st.tuples(st.sampled_from([1, 1, 2]), st.booleans())),
    ends=st.sampled_from(["", "", "", "breaks off", "partial", "partial and breaks off"]),
    guard=seldom(st.tuples(*[st.none() | st.integers(0, len(POSTURES) - 1)] * 2)),
    gone=st.frozensets(st.sampled_from("abc")),
    is_accepted=st.booleans(),
    names=seldom(
        st.tuples(st.sampled_from([0, 1, 2, 3]), st.sampled_from(["", "One"]), st.sampled_from(["Contoso", "Fabrikam"]))
    ),
    is_declared=seldom(st.just(value=True)).map(bool),
)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(states, st.lists(steps, min_size=2, max_size=8))
def test_whatever_happens_between_two_runs_a_known_answer_comes_to_what_it_comes_to_parsed(
    found: list[dict[str, Any]], story: list[Step]
) -> None:
    now, before = START, None
    names, shape = (2, "", "Contoso"), (1, False)
    for step in story:
        now += step.after
        found = found if step.states is None else step.states
        names, shape = step.names or names, step.shape or shape
        if before is not None and step.is_accepted:
            before = accepted(before, now)
        listed = tuple(replace(expected(one), display_name=names[1]) for one in NAMES[: names[0]])
        of = replace(registered(assignments=listed), customer_name=names[2])
        how: dict[str, Any] = {"at": now, "of": of, "pages": shape[0], "refuses_filter": shape[1]}
        how["is_partial"] = "partial" in step.ends
        known, parsed = read(found, before, **how), read(found, without_answer(before), **how)
        assert known.result == parsed.result
        assert known.rows == parsed.rows
        assert told(known.evidence, before) == told(parsed.evidence, before)
        for one in (known.evidence, parsed.evidence):
            look_closer(one, step)
        assert wants(before, of, known.evidence) == wants(before, of, parsed.evidence)
        baseline = declared(expected("baseline")) if step.is_declared else None
        after = judged(before, known, of, baseline)
        assert after == judged(before, parsed, of, baseline)
        before = after


def look_closer(evidence: Evidence, step: Step) -> None:
    """What a closer look adds, or a read that breaks off takes away."""
    if "breaks off" in step.ends:
        evidence.complete, evidence.states, evidence.outcome = False, None, Outcome.FAILED
    elif evidence.complete:
        evidence.gone = frozenset(map(resource, step.gone))
        if step.guard is not None:
            seen = [
                expected(name, **POSTURES[which])
                for name, which in zip(NAMES, step.guard, strict=False)
                if which is not None
            ]
            evidence.guard = GuardReading(
                evidence.started_at,
                {fold(one.id): one for one in seen},
                {
                    fold(assignment_id(name)): True
                    for name, which in zip(NAMES, step.guard, strict=False)
                    if which is None
                },
                (Exemption("/e", fold(assignment_id("baseline"))),),
            )


def accepted(facts: ApplicationFacts, now: datetime) -> ApplicationFacts:
    acceptance = Acceptance("Ada", "known", now, now + DAY)
    assignments = {
        key: replace(one, open=tuple(replace(each, acceptance=acceptance) for each in one.open))
        for key, one in facts.assignments.items()
    }
    return replace(facts, assignments=assignments)
