"""States are uploaded when they changed, or when it is their application's turn, and are named by who uploaded them."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.reading.application_reading import ApplicationReading, CompliantStates, ReadJob, UploadedStates
from collector.reporting.chunks import Delivery
from collector.reporting.ingestion import StreamUploader
from collector.reporting.outcomes import ApplicationResult, Run
from collector.reporting.states_outlet import LARGEST_IN_MEMORY
from tests.collector.reading.test_application_reading import page_of
from tests.collector.reporting.test_rows import APPLICATION, STATE
from tests.verdicts.remembered import remembered
from verdicts.evidence import Evidence
from verdicts.facts import StatesUpload
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from registry.managed_application import ManagedApplication

START = datetime(2026, 5, 4, tzinfo=UTC)
NEXT = START + timedelta(minutes=1)
"""Soon enough that the application's turn has not come."""


class Endpoint:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    async def upload(self, stream: str, body: bytes) -> None:
        self.rows += orjson.loads(gzip.decompress(body))


def read(
    *pages: list[Any],
    before: StatesUpload | None = None,
    at: datetime = NEXT,
    run_id: str = "run",
    application: ManagedApplication = APPLICATION,
    compliant_states: CompliantStates = "detailed",
    uploaded_states: UploadedStates = "changed",
) -> tuple[StatesUpload | None, list[dict[str, Any]]]:
    """Read pages as a run does; return the upload that stands afterwards, and the rows that arrived."""
    endpoint, evidence = Endpoint(), Evidence(run_id, at, Outcome.FAILED)
    facts = replace(remembered(), states=before)

    async def run() -> None:
        async with asyncio.TaskGroup() as uploads:
            uploader = StreamUploader(endpoint, "stream", uploads, 2)
            job = ReadJob(application, facts, ApplicationResult.of(application), evidence, Delivery(lambda _: None))
            reading = ApplicationReading(
                job,
                Run(run_id, at, "test"),
                uploader=uploader,
                compliant_states=compliant_states,
                uploaded_states=uploaded_states,
                most_rows=20_000,
                version="1",
            )
            with closing(reading):
                for page in pages:
                    await reading.take(page_of(page))
                await reading.conclude()
            await uploader.flush()

    asyncio.run(run())
    return evidence.states, endpoint.rows


def states(count: int, first: int = 0, **fields: str) -> list[dict[str, Any]]:
    group = APPLICATION.managed_resource_group_id
    return [
        {**STATE, "resourceId": f"{group}/providers/a/b/{number}", "complianceState": "Compliant", **fields}
        for number in range(first, first + count)
    ]


FEW = states(3)
FIRST, _ = read(FEW, at=START, run_id="first")


def test_the_first_read_uploads_everything_and_is_named() -> None:
    upload, rows = read(FEW, at=START, run_id="first")
    assert upload is not None
    assert (upload.run_id, upload.time, upload.rows, len(rows)) == ("first", START, 3, 3)
    assert {row["Run_id"] for row in rows} == {"first"}


def test_states_that_are_what_they_were_are_not_uploaded_and_the_earlier_upload_stands() -> None:
    assert read(FEW, before=FIRST) == (FIRST, [])


@pytest.mark.parametrize(
    "pages",
    [
        [FEW[::-1]],
        [FEW[:1], FEW[1:]],
        [FEW[1:], FEW[:2]],
        [[{**one, "timestamp": "2026-05-03T09:00:00Z"} for one in FEW]],
        [[{**one, "resourceId": one["resourceId"].upper()} for one in FEW]],
    ],
    ids=["another order", "two pages", "a state that comes again", "another evaluation", "another letter case"],
)
def test_neither_order_nor_pages_nor_the_time_of_an_evaluation_is_a_change(pages: list[list[Any]]) -> None:
    assert read(*pages, before=FIRST) == (FIRST, [])


@pytest.mark.parametrize(
    "pages",
    [
        [[*FEW[:2], {**FEW[2], "complianceState": "NonCompliant"}]],
        [FEW[:2]],
        [FEW, states(1, 9)],
        [[*FEW[:2], {**FEW[2], "policyDefinitionReferenceId": "another"}]],
        [[{**one, "policyDefinitionAction": "deny"} for one in FEW]],
        [[]],
    ],
    ids=["state", "gone", "added on another page", "policy", "effect", "all gone"],
)
def test_whatever_changed_is_uploaded_whole_by_the_run_that_read_it(pages: list[list[Any]]) -> None:
    upload, rows = read(*pages, before=FIRST)
    assert upload is not None
    assert FIRST is not None
    assert (upload.run_id, upload.time, upload.rows) == ("run", NEXT, sum(map(len, pages)))
    assert len(rows) == upload.rows
    assert upload.fingerprint != FIRST.fingerprint


def test_what_changed_back_is_uploaded_again() -> None:
    changed, _ = read(FEW[:2], before=FIRST)
    back, rows = read(FEW, before=changed, run_id="third")
    assert back is not None
    assert FIRST is not None
    assert (back.run_id, len(rows), back.fingerprint) == ("third", 3, FIRST.fingerprint)


def test_two_states_that_change_places_are_a_change() -> None:
    one = [{**FEW[0], "complianceState": "NonCompliant"}, FEW[1]]
    other = [FEW[0], {**FEW[1], "complianceState": "NonCompliant"}]
    before, _ = read(one)
    assert len(read(other, before=before)[1]) == 2


def test_a_row_that_would_be_another_is_a_change() -> None:
    renamed = replace(APPLICATION, customer_name="Another name")
    assert len(read(FEW, before=FIRST, application=renamed)[1]) == 3


def test_another_setting_is_a_change() -> None:
    upload, rows = read(FEW, before=FIRST, compliant_states="summarised")
    assert upload is not None
    assert (upload.rows, [row["Resource_count"] for row in rows]) == (1, [3])
    assert read(FEW[::-1], before=upload, compliant_states="summarised") == (upload, [])


def test_all_uploads_every_state_in_every_run() -> None:
    upload, rows = read(FEW, before=FIRST, uploaded_states="all")
    assert upload is not None
    assert (upload.run_id, len(rows)) == ("run", 3)


def test_an_application_whose_turn_has_come_is_uploaded_although_nothing_changed() -> None:
    upload, rows = read(FEW, before=FIRST, at=START + timedelta(hours=20))
    assert upload is not None
    assert (upload.run_id, len(rows)) == ("run", 3)


def test_more_than_memory_holds_waits_in_a_file_and_arrives_in_whole() -> None:
    names = [f"{number:x}" * 90 for number in range(15)]  # hard to compress enough
    pages = [[{**one, "resourceLocation": str(hash((number, name))) * 9} for one in states(600, 600 * number)]
             for number, name in enumerate(names)]  # fmt: skip
    upload, rows = read(*pages, before=FIRST)
    assert sum(len(orjson.dumps(row)) for row in rows) > 10 * LARGEST_IN_MEMORY
    assert upload is not None
    assert upload.rows == len(rows) == 9000
    assert {row["Resource_id"] for row in rows} == {one["resourceId"] for page in pages for one in page}
    assert read(*pages[::-1], before=upload) == (upload, [])


changes = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["Compliant", "NonCompliant", "Exempt", "gone"])), max_size=4
)


@given(st.lists(changes, min_size=1, max_size=6))
def test_whatever_happens_the_upload_that_is_named_has_what_was_read(runs: list[list[tuple[int, str]]]) -> None:
    """A table of all uploads by the run that made them: the named one is always what stands in Azure."""
    world = dict.fromkeys(range(5), "Compliant")
    uploaded: dict[str, set[tuple[str, str]]] = {}
    stands = None
    for number, changed in enumerate(runs):
        world |= dict(changed)
        found = [
            {**one, "complianceState": world[position]}
            for position, one in enumerate(states(5))
            if world[position] != "gone"
        ]
        stands, rows = read(found, before=stands, run_id=f"run-{number}")
        if rows:
            uploaded[f"run-{number}"] = {(row["Resource_id"], row["Compliance_state"]) for row in rows}
        assert stands is not None
        assert uploaded.get(stands.run_id, set()) == {(one["resourceId"], one["complianceState"]) for one in found}
        assert len(found) == stands.rows
