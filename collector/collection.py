"""One run: read every registered application, and upload its states, its result row and at last the run row."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from collector.bounded_tasks import BoundedTasks
from collector.reading.application_reading import ReadJob
from collector.reporting.chunks import Delivery
from collector.reporting.ingestion import HeldRows, StreamUploader
from collector.reporting.outcomes import ApplicationResult, RunSummary
from collector.reporting.rows import run_row
from collector.reporting.serialised import encoded
from collector.settling import Outlets, Settling, note_refusal
from publisher.configuration.version import VERSION
from publisher.credentials import certificate_expires_at
from publisher.errors.kinds import AzureFailure
from registry.managed_application import ManagedApplication
from verdicts.ledger import Entry
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from collector.judging import Judging
    from collector.reading.application_reader import ApplicationReader
    from collector.reporting.ingestion import Endpoint
    from collector.reporting.outcomes import Run
    from collector.reporting.serialised import Row
    from publisher.settings import CollectorSettings
    from verdicts.joined import Pair

    Pairs = AsyncIterator[Pair]
    Read = Callable[[ReadJob, StreamUploader], Awaitable[None]]
    """Reads an application, as ApplicationReader.read."""

LOOKAHEAD: Final = 8
"""Applications that wait for each place: enough to go on with others while a subscription is throttled, and few enough
that what the ledger remembers of them takes little memory."""

STATES_UPLOADS_IN_FLIGHT: Final = 6
RESULTS_UPLOADS_IN_FLIGHT: Final = 2

SETTLED_AT_ONCE: Final = 16
"""Applications whose ledger row is written at the same time."""

WAITING_TO_BE_SETTLED: Final = 64
"""With more than so many that wait for that, no further application is read."""


class ReportRefusedError(Exception):
    """Result rows, or the run row, were not stored: the work that they report does not count as done."""


class Collection:
    """Reads a stream of applications, judges them, and uploads what it finds.

    State rows go first. Once those of an application were all accepted or refused, it is judged into the ledger, and
    then its verdict rows and its result row are made from there. The run row is last, and only when every result row
    and verdict row is stored: it says that the whole registry was read.

    Args:
        run: what the rows name.
        settings: the collector's settings.
        reader: reads one application.
        endpoint: where rows are uploaded to.
        judging: judges into the ledger.
        on_result: called with each application's final result.
    """

    def __init__(
        self,
        run: Run,
        settings: CollectorSettings,
        reader: ApplicationReader,
        endpoint: Endpoint,
        judging: Judging,
        *,
        on_result: Callable[[ApplicationResult], None],
    ) -> None:
        self.summary = RunSummary(run)
        self._run = run
        self._settings = settings
        self._endpoint = endpoint
        self._reader = reader
        self._judging = judging
        self._settling = Settling(run, judging, self.summary, on_result)

    async def collect(self, pairs: Pairs) -> None:
        """Collect every application of the stream; ``summary`` then holds the totals.

        The stream has the registry's rows, each with what the ledger remembers of the application. When it breaks off,
        the reason is in the summary's ``error``; what was read before is uploaded.
        """
        started = time.monotonic()
        async with asyncio.TaskGroup() as uploads:
            results = self._uploader(self._settings.results_stream, uploads, RESULTS_UPLOADS_IN_FLIGHT)
            verdicts = self._uploader(self._settings.verdicts_stream, uploads, RESULTS_UPLOADS_IN_FLIGHT)
            outlets = Outlets(verdicts, results)
            self.summary.error = await self._read_all(pairs, outlets, uploads, self._reader.read)
            await verdicts.flush()
            await results.flush()
        self._count(results)
        self.summary.result_rows += results.uploaded_rows
        self._count_verdicts(verdicts)
        self.summary.duration_ms = _milliseconds_since(started)
        is_stored = results.rejected_rows == verdicts.rejected_rows == 0
        if self.summary.error is None and not self._run.partial and is_stored:
            with suppress(ReportRefusedError):
                await self.complete()
            if self.summary.completed:
                await self.note_run()

    async def read(self, pairs: Pairs) -> list[bytes]:
        """Collect every application of the stream, except that the result rows are returned, and not uploaded.

        Raises:
            AzureFailure: the stream broke off.
            ReportRefusedError: verdict rows were not stored.
        """
        return await self._held(pairs, self._reader.read)

    async def give_up(self, pairs: Pairs) -> list[bytes]:
        """Like ``read``, without reading anything: every application of the stream has failed."""
        return await self._held(pairs, _given_up)

    async def _held(self, pairs: Pairs, read: Read) -> list[bytes]:
        results = HeldRows()
        async with asyncio.TaskGroup() as uploads:
            verdicts = self._uploader(self._settings.verdicts_stream, uploads, RESULTS_UPLOADS_IN_FLIGHT)
            failure = await self._read_all(pairs, Outlets(verdicts, results), uploads, read)
            await verdicts.flush()
        self._count_verdicts(verdicts)
        if failure is not None:
            raise failure
        if verdicts.rejected_rows:
            raise ReportRefusedError(
                f"{verdicts.rejected_rows} rows for {self._settings.verdicts_stream} were not stored"
            )
        return results.rows

    async def report(self, results: list[bytes]) -> None:
        """Upload result rows that were held back.

        Raises:
            ReportRefusedError: some of them were not stored.
        """
        await self._upload(self._settings.results_stream, results)

    async def complete(self) -> None:
        """Upload the run row.

        Raises:
            ReportRefusedError: it was not stored.
        """
        await self._upload(self._settings.runs_stream, [encoded(self._run_row())])
        self.summary.completed = True

    async def note_run(self) -> None:
        """Remember in the ledger that the run is complete; call it once the run row is stored."""
        await self._judging.note_run(self.summary)

    def _run_row(self) -> Row:
        return run_row(
            self.summary,
            VERSION,
            interval=self._settings.interval,
            canary_application_id=self._settings.canary_application_id,
            credential_expires_at=credential_expires_at(self._settings),
        )

    async def _upload(self, stream: str, rows: list[bytes]) -> None:
        async with asyncio.TaskGroup() as uploads:
            uploader = StreamUploader(self._endpoint, stream, uploads, RESULTS_UPLOADS_IN_FLIGHT)
            uploader.add(rows)
            await uploader.flush()
        if uploader.rejected_rows:
            raise ReportRefusedError(f"{uploader.rejected_rows} rows for {stream} were not stored")

    def _count(self, uploader: StreamUploader) -> None:
        self.summary.uploaded_rows += uploader.uploaded_rows
        self.summary.rejected_rows += uploader.rejected_rows
        self.summary.truncated_rows += uploader.truncated_rows

    async def _read_all(
        self, pairs: Pairs, outlets: Outlets, uploads: asyncio.TaskGroup, read: Read
    ) -> AzureFailure | None:
        """Settle every application of the stream; return the failure that broke the stream off, or None."""
        states = self._uploader(self._settings.states_stream, uploads, STATES_UPLOADS_IN_FLIGHT)
        settling = BoundedTasks(uploads, SETTLED_AT_ONCE, WAITING_TO_BE_SETTLED)
        waiting = asyncio.Semaphore(LOOKAHEAD * self._settings.max_concurrent_applications)

        async def read_one(pair: Pair) -> None:
            try:
                await self._read_one(pair, read, states, settling, outlets)
            finally:
                waiting.release()

        failure = None
        async with asyncio.TaskGroup() as readings:
            try:
                async for pair in pairs:
                    await outlets.results.room()
                    await outlets.verdicts.room()
                    await settling.room()
                    if pair.application is None and pair.entry is not None:
                        settling.begin(partial(self._settling.settle_absent, pair.entry, pair.removal, outlets))
                        continue
                    await waiting.acquire()
                    readings.create_task(read_one(pair))
            except AzureFailure as error:
                failure = error
        await states.flush()
        await settling.drain()
        self._count(states)
        return failure

    async def _read_one(
        self,
        pair: Pair,
        read: Read,
        states: StreamUploader,
        settling: BoundedTasks,
        outlets: Outlets,
    ) -> None:
        """Read an application, and begin to settle it once its state rows are accepted or refused."""
        result, before = _result_of(pair), pair.entry.facts if isinstance(pair.entry, Entry) else None
        evidence = self._judging.evidence(pair, result.outcome)

        def settle(refusal: Exception | None) -> None:
            if refusal is not None:
                note_refusal(result, evidence, refusal)
            settling.begin(partial(self._settling.settle, pair, result, evidence, outlets))

        delivery = Delivery(settle)
        if isinstance(pair.application, ManagedApplication):
            await read(ReadJob(pair.application, before, result, evidence, delivery), states)
        delivery.close()

    def _count_verdicts(self, uploader: StreamUploader) -> None:
        self.summary.verdict_rows += uploader.uploaded_rows
        self.summary.rejected_rows += uploader.rejected_rows

    def _uploader(self, stream: str, tasks: asyncio.TaskGroup, in_flight: int) -> StreamUploader:
        return StreamUploader(self._endpoint, stream, tasks, in_flight)


def credential_expires_at(settings: CollectorSettings) -> datetime | None:
    """Return when the credential of the publisher's service principal expires; None where nobody can tell."""
    identity = settings.service_principal
    return settings.secret_expires_at if identity.secret else certificate_expires_at(identity)


def _result_of(pair: Pair) -> ApplicationResult:
    if isinstance(pair.application, ManagedApplication):
        return ApplicationResult.of(pair.application)
    assert pair.application is not None  # noqa: S101 - for the type checker
    return ApplicationResult.of_malformed(pair.application)


async def _given_up(job: ReadJob, _: StreamUploader) -> None:
    message = "collecting this application's shard ended without a result again and again"
    job.result.conclude(Outcome.FAILED, "ShardFailed", message)


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
