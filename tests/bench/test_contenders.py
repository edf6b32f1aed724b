"""The benchmark compares what does the same work: same rows, every row, on a server that cuts pages as Azure does."""

import asyncio
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from bench.answers import Answers, registered
from bench.contenders import (
    COLLECTOR,
    FLOOR,
    STRAIGHTFORWARD,
    Measurement,
    Server,
    WrongResultError,
    measure,
    measure_front,
    measure_standing_still,
)
from bench.floor import SELECT, RowBuilder
from bench.warm_front import ANSWERS
from bench.workloads import LEDGER, PAGE_SIZE, Workload
from collector.reading.application_reading import ApplicationReading, ReadJob
from collector.reporting.chunks import Delivery
from collector.reporting.ingestion import StreamUploader
from collector.reporting.outcomes import ApplicationResult, Run
from publisher.policy_states.page import parse_page
from publisher.policy_states.state import SELECTED_FIELDS
from registry.rows import properties_of
from verdicts.evidence import Evidence
from verdicts.outcome import Outcome

TINY = Workload("tiny", 3, 2 * PAGE_SIZE + 20, 0)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.mark.parametrize("program", [COLLECTOR, STRAIGHTFORWARD, FLOOR], ids=["collector", "straightforward", "floor"])
def test_every_contender_brings_every_row(server: Server, program: tuple[str, ...]) -> None:
    measured: Measurement = measure(server, TINY, program)

    assert measured.rows == TINY.rows
    assert 0 < measured.processor_seconds < 60
    assert measured.peak_megabytes > 10
    assert set(measured.tokens.values()) <= {1, TINY.applications}


def test_a_steady_run_brings_no_states_and_every_result(server: Server) -> None:
    measure(server, TINY, COLLECTOR)
    assert measure(server, TINY, COLLECTOR, is_steady=True).rows == TINY.applications
    with pytest.raises(WrongResultError, match="rows arrived"):
        measure(server, TINY, FLOOR, is_steady=True)


def test_a_contender_that_does_not_finish_the_work_is_no_measurement(server: Server) -> None:
    with pytest.raises(WrongResultError):
        measure(server, TINY, ("-c", "pass"))
    with pytest.raises(WrongResultError):
        measure(server, TINY, ("-c", "raise SystemExit(3)"))


def test_a_fleet_that_stands_still_is_judged_with_a_call_for_a_thousand_applications(server: Server) -> None:
    measured = measure_standing_still(server, LEDGER.scaled("ledger", 1001))

    assert measured.rows == 1001
    assert 0 < measured.judging_seconds < measured.processor_seconds


def test_a_fleet_that_nobody_remembers_does_not_stand_still(server: Server) -> None:
    with pytest.raises(WrongResultError):
        measure_standing_still(server, LEDGER.scaled("without a ledger", 3))


def test_a_warm_front_answers_next_to_bare_messages() -> None:
    times = measure_front()

    assert len(times.answers) == len(times.bare) == ANSWERS
    assert 0 < min(times.answers) < 1


def page_of(states: int) -> list[dict[str, Any]]:
    group = registered(7).managed_resource_group_id
    answers = Answers(Workload("one", 1, states, 0), "https://here")
    page = answers.page(f"{group}/providers/Microsoft.PolicyInsights/policyStates", f"$select={SELECT}")
    states_found: list[dict[str, Any]] = orjson.loads(page)["value"]
    return states_found


def test_the_floor_builds_the_collectors_rows() -> None:
    states, application = page_of(100), registered(7)
    started = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    builder = RowBuilder(properties_of(application, None), "floor", "2026-05-04T03:02:01.000Z")
    bodies: list[bytes] = []

    class Endpoint:
        async def upload(self, stream: str, body: bytes) -> None:
            bodies.append(body)

    async def collect() -> None:
        async with asyncio.TaskGroup() as uploads:
            uploader = StreamUploader(Endpoint(), "stream", uploads, 1)
            result, evidence = ApplicationResult.of(application), Evidence("floor", started, Outcome.FAILED)
            job = ReadJob(application, None, result, evidence, Delivery(lambda _: None))
            run = Run("floor", started, "test")
            reading = ApplicationReading(
                job,
                run,
                uploader=uploader,
                compliant_states="detailed",
                uploaded_states="changed",
                most_rows=len(states),
                version="1",
            )
            await reading.take(parse_page(orjson.dumps({"value": states})))
            await reading.conclude()
            await uploader.flush()

    asyncio.run(collect())
    ours = [row for body in bodies for row in orjson.loads(gzip.decompress(body))]
    violations_first = sorted(states, key=lambda state: state["complianceState"] != "NonCompliant")
    assert ours == [{**builder.row(state), "Customer_name": "Customer 7"} for state in violations_first]


def test_the_floor_selects_what_the_collector_selects() -> None:
    assert set(SELECT.split(",")) == set(SELECTED_FIELDS)


def test_pages_hold_a_thousand_states_with_the_customers_own_ids() -> None:
    states = page_of(2500)

    assert len(states) == PAGE_SIZE
    group = str(registered(7).managed_resource_group_id).lower()
    assert all(state["resourceId"].lower().startswith(group) for state in states)
    assert len({(state["policyAssignmentId"], state["policyDefinitionReferenceId"]) for state in states}) >= 20
