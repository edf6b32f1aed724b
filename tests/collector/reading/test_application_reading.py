"""What one application's pages come to: rows, counts, and no difference between states met first and met again."""

import asyncio
import gzip
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.reading.application_reading import ApplicationReading, CompliantStates, ReadJob
from collector.reporting.chunks import Delivery
from collector.reporting.ingestion import StreamUploader
from collector.reporting.outcomes import ApplicationResult, Run
from publisher.policy_states.page import Page, parse_page
from publisher.policy_states.state import SELECTED_FIELDS
from publisher.resource_ids import fold
from tests.collector.reporting.test_rows import APPLICATION, GROUP, STATE
from verdicts.evidence import Evidence
from verdicts.outcome import Outcome

RUN = Run("run-1", datetime(2026, 5, 4, tzinfo=UTC), "test")


def page_of(states: list[Any]) -> Page:
    """A page with these states, as it comes over the wire."""
    return parse_page(json.dumps({"value": states}).encode())


class Rows:
    """An ingestion endpoint that keeps the bodies it gets."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def upload(self, stream: str, body: bytes) -> None:
        self.bodies.append(body)


def read(*pages: list[Any], compliant_states: CompliantStates = "detailed") -> tuple[ApplicationResult, list[Any]]:
    """Read pages as a run would; returns the result and the rows uploaded."""
    result, _, rows = reading_of(pages, compliant_states)
    return result, rows


def evidence_of(*pages: list[Any]) -> Evidence:
    """What the judge is told of pages."""
    return reading_of(pages, "detailed")[1]


def reading_of(
    pages: Sequence[list[Any]], compliant_states: CompliantStates
) -> tuple[ApplicationResult, Evidence, list[Any]]:
    endpoint, result = Rows(), ApplicationResult.of(APPLICATION)
    evidence = Evidence(RUN.run_id, RUN.started_at, Outcome.FAILED)

    async def run() -> None:
        async with asyncio.TaskGroup() as uploads:
            uploader = StreamUploader(endpoint, "stream", uploads, 2)
            job = ReadJob(APPLICATION, None, result, evidence, Delivery(lambda _: None))
            reading = ApplicationReading(
                job,
                RUN,
                uploader=uploader,
                compliant_states=compliant_states,
                uploaded_states="changed",
                most_rows=20_000,
                version="1",
            )
            for page in pages:
                await reading.take(page_of(page))
            await reading.conclude()
            await uploader.flush()

    asyncio.run(run())
    return result, evidence, [row for body in endpoint.bodies for row in orjson.loads(gzip.decompress(body))]


half_pairs = st.sampled_from(["\ud800", "a\udfffb", "😀"])
anything = st.recursive(
    half_pairs | st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)
odd_states = st.dictionaries(st.sampled_from(SELECTED_FIELDS), anything, max_size=4).map(lambda odd: {**STATE, **odd})
incomplete_states = st.sets(st.sampled_from(SELECTED_FIELDS)).map(
    lambda missing: {name: value for name, value in STATE.items() if name not in missing}
)


@settings(deadline=None, max_examples=60)
@given(st.lists(odd_states | incomplete_states | anything, max_size=8))
def test_a_state_becomes_the_same_row_whether_its_policy_was_met_before_or_not(states: list[Any]) -> None:
    alone = list[Any]()
    for state in states:
        alone += [row for row in read([state])[1] if not any(is_same_state(row, one) for one in alone)]

    result, together = read(states, states)

    violations_first = sorted(alone, key=lambda row: (False, None, True).index(row["Is_compliant"]))
    assert together == violations_first
    assert result.states == len(alone)
    assert result.rejected_states == 2 * sum(read([state])[0].rejected_states for state in states)


def is_same_state(row: dict[str, Any], other: dict[str, Any]) -> bool:
    names = ("Policy_assignment_id", "Policy_definition_reference_id", "Policy_definition_id", "Resource_id")
    return row["Compliance_state"] == other["Compliance_state"] and all(
        fold(row[name] or "") == fold(other[name] or "") for name in names
    )


@pytest.mark.parametrize(
    "spelling",
    [
        {"resourceId": STATE["resourceId"].upper()},
        {"resourceId": f" {STATE['resourceId']}\t"},
        {"policyAssignmentId": STATE["policyAssignmentId"].lower()},
        {"policyDefinitionId": STATE["policyDefinitionId"].upper(), "complianceState": "Non-Compliant"},
        {"complianceState": "NONCOMPLIANT"},
        {"complianceState": " non compliant "},
        {"timestamp": "2026-05-04T01:00:00Z"},
    ],
)
def test_a_state_that_comes_again_in_another_spelling_counts_once(spelling: dict[str, str]) -> None:
    result, rows = read([STATE], [{**STATE, **spelling}])

    assert (result.states, result.noncompliant_states, len(rows)) == (1, 1, 1)
    assert rows[0]["Compliance_state"] == "NonCompliant"


def test_blanks_around_the_time_of_an_evaluation_make_it_no_other_time() -> None:
    later = {**STATE, "resourceId": f"{GROUP}/providers/a/b/2", "timestamp": " 2026-05-04T01:00:00Z "}

    for states in ([STATE, later], [later, STATE]):
        result, _ = read(states)
        assert (result.oldest_evaluation, result.latest_evaluation) == (STATE["timestamp"], "2026-05-04T01:00:00Z")


def test_of_one_resource_the_state_that_says_otherwise_counts_too() -> None:
    result, _ = read([{**STATE, "complianceState": "Compliant"}, STATE])

    assert (result.states, result.noncompliant_states) == (2, 1)


@pytest.mark.parametrize("case", [str.lower, str.upper, lambda name: name[0].upper() + name[1:]])
def test_members_are_found_however_they_are_cased(case: Callable[[str], str]) -> None:
    result, rows = read([{case(name): value for name, value in STATE.items()}])

    assert (result.noncompliant_states, rows) == (1, read([STATE])[1])


@pytest.mark.parametrize(
    "states",
    [
        [{name: value for name, value in STATE.items() if name != "complianceState"} | {"isCompliant": True}],
        [{**STATE, "complianceState": word, "resourceId": f"/r{word}"} for word in ("", "Fine", None, 1, True)],
    ],
)
def test_states_of_which_none_says_anything_are_no_success(states: list[Any]) -> None:
    result, _ = read(states)

    assert (result.outcome, result.error_code) == (Outcome.FAILED, "NoComplianceStates")
    assert read([*states, STATE])[0].outcome is Outcome.SUCCEEDED


def test_states_without_assignment_or_resource_are_counted_once() -> None:
    lacking = [{**STATE, name: None} for name in ("policyAssignmentId", "resourceId")]
    lacking[0]["policyAssignmentScope"] = None

    result, rows = read(lacking, lacking)

    assert (result.states, len(rows)) == (2, 2)


def test_timestamps_of_another_form_are_uploaded_and_not_judged() -> None:
    times = ["2026-05-03T22:10:09Z", "yesterday", "2026-05-02T00:00:00Z", "", "2026-05-03T23:00:00+02:00", None]

    result, rows = read([{**STATE, "resourceId": f"/{number}", "timestamp": time} for number, time in enumerate(times)])

    assert [row["Evaluated_at"] for row in rows] == times
    assert (result.oldest_evaluation, result.latest_evaluation) == ("2026-05-02T00:00:00Z", "2026-05-03T22:10:09Z")


def test_more_policies_than_are_kept_at_hand_cost_no_state() -> None:
    states = [{**STATE, "policyDefinitionReferenceId": str(number)} for number in range(1500)]

    result, rows = read(states, states)

    assert result.states == 1500
    assert len({row["Policy_definition_reference_id"] for row in rows}) == 1500


@pytest.mark.parametrize("effect", ["manual", "Manual", " MANUAL "])
def test_unknown_of_a_manual_policy_is_told_apart_however_its_effect_is_cased(effect: str) -> None:
    states = [{**STATE, "complianceState": "Unknown", "policyDefinitionAction": one} for one in (effect, "audit")]

    (manual,), (audited,) = (evidence_of([state]).assignments.values() for state in states)

    assert (manual.manual_states, manual.undecided_states) == (1, 0)
    assert (audited.manual_states, audited.undecided_states) == (0, 1)


def test_states_of_other_assignments_are_counted_and_dropped() -> None:
    subscription = GROUP.rpartition("/resourceGroups/")[0]
    foreign = {**STATE, "policyAssignmentScope": subscription}
    foreign["policyAssignmentId"] = STATE["policyAssignmentId"].replace(GROUP, subscription)

    result, rows = read([foreign, STATE, foreign])

    assert (result.states, result.foreign_states, len(rows)) == (1, 1, 1)
    assert result.assignments_without_states == 0


def test_summarised_rows_name_the_policy_the_count_and_the_latest_evaluation() -> None:
    compliant = {**STATE, "complianceState": "Compliant"}
    later = {**compliant, "resourceId": "other", "timestamp": "2026-05-04T00:00:00Z"}

    another = {**compliant, "resourceId": "another"}
    result, rows = read([STATE, compliant, later], [compliant, another], compliant_states="summarised")

    assert result.states == 4
    detailed, summary = sorted(rows, key=lambda row: row["Resource_count"])
    assert detailed["Compliance_state"] == "NonCompliant"
    assert (summary["Resource_count"], summary["Resource_id"], summary["Resource_type"]) == (3, None, None)
    assert (summary["Is_compliant"], summary["Evaluated_at"]) == (True, "2026-05-04T00:00:00Z")
