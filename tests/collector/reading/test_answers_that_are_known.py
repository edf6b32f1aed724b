"""An answer that is the one before comes to the same without being parsed, whatever happened in between."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.reading.application_reading import ApplicationReading, CompliantStates, ReadJob, UploadedStates
from collector.reading.ownership import owned_scopes
from collector.reading.pages import StatesPages
from collector.reading.unchanged import KnownPage, evidence_of
from collector.reporting.chunks import Delivery
from collector.reporting.ingestion import StreamUploader
from collector.reporting.outcomes import ApplicationResult, Run
from publisher.errors.kinds import RequestRefused
from publisher.resource_ids import fold
from registry.managed_application import Exemption
from tests.verdicts.judging.any_runs import POSTURES
from tests.verdicts.judging.story import (
    CUSTOMER,
    DAY,
    DEFINITION,
    GROUP,
    HOUR,
    application,
    assignment_id,
    declared,
    expected,
    resource,
)
from tests.verdicts.judging.story import START as MARCH
from tests.verdicts.remembered import assignment, remembered
from verdicts.alarms import AlarmBook
from verdicts.evidence import Evidence, GuardReading
from verdicts.facts import Acceptance, ApplicationFacts, Counts, StateKey
from verdicts.judging.judge import judge
from verdicts.judging.wants import wants
from verdicts.outcome import Outcome
from verdicts.stored.application_rows import facts_of, properties_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.errors.kinds import AzureFailure
    from publisher.policy_states.page import Page
    from registry.managed_application import ManagedApplication
    from verdicts.guard.declared import Declared

START = MARCH + 3 * HOUR
"""The application's turn, in which its states are uploaded in any case, has just been, and comes in 17 hours."""
NAMES = ("baseline", "second", "third")
FOREIGN = f"/subscriptions/{CUSTOMER}/providers/Microsoft.Authorization/policyAssignments/defender"
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


def state(
    name: str = "baseline", one: str = "a", said: str | None = "Compliant", **fields: str | None
) -> dict[str, Any]:
    identity = FOREIGN if name == "defender" else assignment_id(name)
    return {
        "timestamp": "2026-02-27T10:00:00Z",
        "resourceId": resource(one),
        "resourceType": "Microsoft.Storage/storageAccounts",
        "complianceState": said,
        "policyAssignmentId": identity,
        "policyAssignmentName": name,
        "policyAssignmentScope": identity.partition("/providers/Microsoft.Authorization")[0],
        "policyDefinitionId": DEFINITION,
        "policyDefinitionName": "storage",
        "policyDefinitionAction": "audit",
        **fields,
    }


FEW = [state(), state(one="b", said="NonCompliant"), state("second"), state("defender")]


@dataclass
class Read:
    """What one read of an application came to."""

    result: ApplicationResult
    evidence: Evidence
    rows: list[dict[str, Any]]
    parsed: int


class Uploads:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    async def upload(self, stream: str, body: bytes) -> None:
        self.rows += orjson.loads(gzip.decompress(body))


def registered(**fields: Any) -> ManagedApplication:
    return application(**{"assignments": tuple(map(expected, NAMES[:2])), **fields})


APPLICATION = registered()
BASELINE = fold(assignment_id("baseline"))


def read(
    states: list[dict[str, Any]],
    before: ApplicationFacts | None = None,
    *,
    at: datetime = START,
    of: ManagedApplication = APPLICATION,
    pages: int = 1,
    refuses_filter: bool = False,
    is_partial: bool = False,
    compliant_states: CompliantStates = "detailed",
    uploaded_states: UploadedStates = "changed",
    version: str = "1",
) -> Read:
    """Read what Azure has of an application as a run does, with and without a filter."""
    run = Run(f"run-{at:%d-%H-%M}", at, "test", partial=is_partial)
    evidence = Evidence(run.run_id, at, Outcome.FAILED, partial_run=is_partial)
    result, uploads, parsed = ApplicationResult.of(of), Uploads(), 0

    async def collect() -> None:
        nonlocal parsed
        async with asyncio.TaskGroup() as tasks:
            uploader = StreamUploader(uploads, "stream", tasks, 2)
            reading = ApplicationReading(
                ReadJob(of, before, result, evidence, Delivery(lambda _: None)),
                run,
                uploader=uploader,
                compliant_states=compliant_states,
                uploaded_states=uploaded_states,
                version=version,
            )

            async def fetch(url: str, told: Callable[[AzureFailure], AzureFailure]) -> Page:
                nonlocal parsed
                if "$filter" in url and refuses_filter:
                    raise told(RequestRefused("no such filter", code="BadRequest", status=400))
                some = [one for one in states if "$filter" not in url or one["policyAssignmentId"] != FOREIGN]
                first, _, place = url.partition("&place=")
                following = int(place or 0) + 1
                link = f"{first}&place={following}" if following < pages else None
                answer = {"value": some[following - 1 :: pages], "@odata.nextLink": link}
                page = reading.page_in(orjson.dumps(answer))
                parsed += not isinstance(page, KnownPage)
                return page

            with closing(reading):
                query = StatesPages("https://arm.test", GROUP, at - 2 * DAY, fetch, on_taken=lambda: None)
                await query.read(reading, owned_scopes(of))
                await reading.conclude()
            await uploader.flush()

    asyncio.run(collect())
    evidence.outcome = result.outcome
    return Read(result, evidence, uploads.rows, parsed)


def judged(
    before: ApplicationFacts | None,
    one: Read,
    of: ManagedApplication = APPLICATION,
    baseline: Declared | None = None,
) -> ApplicationFacts:
    """What the ledger has of it afterwards, read from there."""
    after = judge(before, of, one.evidence, record=None, declared=baseline)
    after = AlarmBook(named_alarms=0, shards=1, now=one.evidence.started_at).update(after)
    return facts_of(properties_of(after))


def without_answer(facts: ApplicationFacts | None) -> ApplicationFacts | None:
    return facts and replace(facts, states=facts.states and replace(facts.states, answer=None))


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
