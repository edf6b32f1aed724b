"""One run: read every registered application, and upload its states, its result row and at last the run row."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from collector.reporting.chunks import Delivery
from collector.reporting.ingestion import HeldRows, StreamUploader
from collector.reporting.outcomes import ApplicationResult, RunSummary
from collector.reporting.rows import result_row, run_row
from collector.reporting.serialised import encoded
from collector.version import VERSION
from publisher.errors import AzureFailure
from registry.managed_application import MalformedRow
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from collector.reading.application_reader import ApplicationReader
    from collector.reporting.ingestion import Endpoint, RowSink
    from collector.reporting.outcomes import Run
    from publisher.settings import CollectorSettings
    from registry.managed_application import ManagedApplication

    Registered = AsyncIterator[ManagedApplication | MalformedRow]

LOOKAHEAD: Final = 16
"""Applications that wait for each place: enough to go on with others while a subscription is throttled."""

STATES_UPLOADS_IN_FLIGHT: Final = 6
RESULTS_UPLOADS_IN_FLIGHT: Final = 2


class ReportRefusedError(Exception):
    """Result rows, or the run row, were not stored: the work that they report does not count as done."""


class Collection:
    """Reads a stream of registered applications and uploads what it finds.

    State rows go first, then the result row of each application whose state rows were all accepted or refused. The run
    row is last, and only when every result row is stored: it says that the whole registry was read.

    Args:
        run: what the rows name.
        settings: the collector's settings.
        reader: reads one application.
        endpoint: where rows are uploaded to.
        on_result: called with each application's final result.
    """

    def __init__(
        self,
        run: Run,
        settings: CollectorSettings,
        reader: ApplicationReader,
        endpoint: Endpoint,
        *,
        on_result: Callable[[ApplicationResult], None],
    ) -> None:
        self.summary = RunSummary(run)
        self._run = run
        self._settings = settings
        self._endpoint = endpoint
        self._reader = reader
        self._on_result = on_result

    async def collect(self, registered: Registered, *, partial_run: bool) -> None:
        """Collect every application of the stream; ``summary`` then holds the totals.

        Args:
            registered: the registry's rows.
            partial_run: the stream is not the whole registry, so no run row is written.

        When the stream breaks off, the reason is in the summary's ``error``; what was read before is uploaded.
        """
        started = time.monotonic()
        async with asyncio.TaskGroup() as uploads:
            states = StreamUploader(self._endpoint, self._settings.states_stream, uploads, STATES_UPLOADS_IN_FLIGHT)
            results = StreamUploader(self._endpoint, self._settings.results_stream, uploads, RESULTS_UPLOADS_IN_FLIGHT)
            self.summary.error = await self._read_all(registered, states, results)
            await states.flush()
            await results.flush()
        self._count(states)
        self._count(results)
        self.summary.duration_ms = _milliseconds_since(started)
        if self.summary.error is None and not partial_run and results.rejected_rows == 0:
            with suppress(ReportRefusedError):
                await self.complete()

    async def read(self, registered: Registered) -> list[bytes]:
        """Read every application of the stream, upload its states, and return the result rows, which are not uploaded.

        Raises:
            AzureFailure: the stream broke off.
        """
        results = HeldRows()
        async with asyncio.TaskGroup() as uploads:
            states = StreamUploader(self._endpoint, self._settings.states_stream, uploads, STATES_UPLOADS_IN_FLIGHT)
            failure = await self._read_all(registered, states, results)
            await states.flush()
        self._count(states)
        if failure is not None:
            raise failure
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
        await self._upload(self._settings.runs_stream, [encoded(run_row(self.summary, VERSION))])
        self.summary.completed = True

    def settle(self, result: ApplicationResult) -> bytes:
        """Count an application's final result, tell ``on_result``, and return its row."""
        self.summary.add(result)
        self._on_result(result)
        return encoded(result_row(result, self._run))

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
        self,
        registered: Registered,
        states: StreamUploader,
        results: RowSink,
    ) -> AzureFailure | None:
        """Read every application of the stream; return the failure that broke the stream off, or None."""
        waiting = asyncio.Semaphore(LOOKAHEAD * self._settings.max_concurrent_applications)

        async def read(application: ManagedApplication) -> None:
            try:
                await self._read_one(application, states, results)
            finally:
                waiting.release()

        async with asyncio.TaskGroup() as readings:
            try:
                async for entry in registered:
                    if isinstance(entry, MalformedRow):
                        self._settle(ApplicationResult.of_malformed(entry), results, None)
                        continue
                    await results.room()
                    await waiting.acquire()
                    readings.create_task(read(entry))
            except AzureFailure as failure:
                return failure
        return None

    async def _read_one(self, application: ManagedApplication, states: StreamUploader, results: RowSink) -> None:
        result = ApplicationResult.of(application)
        delivery = Delivery(partial(self._settle, result, results))
        await self._reader.read(application, result, states, delivery)
        delivery.close()

    def _settle(self, result: ApplicationResult, results: RowSink, refusal: Exception | None) -> None:
        """Queue an application's result row; UploadFailed when one of its state rows was refused."""
        if refusal is not None:
            result.conclude(Outcome.UPLOAD_FAILED, getattr(refusal, "code", None), str(refusal))
        results.add([self.settle(result)])


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
