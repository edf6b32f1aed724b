"""One run: every registered application gets an outcome; concurrency, deadline, summary."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from collector.chunks import Delivery, encoded
from collector.ingestion import StreamUploader
from collector.outcomes import ApplicationResult, Outcome, RunSummary
from collector.policy_states import Page, follow_pages, page_request, parse_page, query_url
from collector.reading import ApplicationReading
from collector.rows import result_row, run_row
from collector.slots import ReadingSlots
from collector.version import VERSION
from publisher.errors import (
    AccessDenied,
    AuthenticationFailed,
    AzureFailure,
    DeadlineExceeded,
    NotFound,
    NoToken,
    Throttled,
)
from publisher.registry import MalformedRow
from publisher.retry import with_retries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from collector.ingestion import Endpoint
    from collector.outcomes import Run
    from collector.slots import Place, Sleep
    from publisher.registry import ManagedApplication
    from publisher.resource_manager import ResourceManager
    from publisher.settings import CollectorSettings

logger = logging.getLogger(__name__)

LOOKAHEAD: Final = 16
"""Applications that may wait for a place, for each place: enough to pass a throttled subscription by."""

STATES_UPLOADS_IN_FLIGHT: Final = 6
RESULTS_UPLOADS_IN_FLIGHT: Final = 2

_OUTCOMES: Final = (
    (NoToken, Outcome.FAILED),
    (AuthenticationFailed, Outcome.ACCESS_DENIED),  # ARM's 401: the publisher's tenant is not projected there
    (AccessDenied, Outcome.ACCESS_DENIED),
    (NotFound, Outcome.NOT_FOUND),
    (Throttled, Outcome.THROTTLED),
    (DeadlineExceeded, Outcome.SKIPPED),
)


class Collection:
    """Reads a stream of registered applications and uploads what it finds.

    State rows go first, then the result row of each application whose rows are settled, and last, when nothing is
    missing, the run row: it says that the whole registry was gone through.
    """

    def __init__(
        self,
        run: Run,
        settings: CollectorSettings,
        resource_manager: ResourceManager,
        endpoint: Endpoint,
        *,
        reading_deadline: float,
        on_result: Callable[[ApplicationResult], None] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.summary = RunSummary(run)
        self._run = run
        self._settings = settings
        self._resource_manager = resource_manager
        self._endpoint = endpoint
        self._reading_deadline = reading_deadline
        self._on_result = on_result
        self._slots = ReadingSlots(
            settings.max_concurrent_applications, settings.max_concurrent_per_subscription, sleep=sleep
        )
        self._desk = asyncio.Lock()
        self._unreadable: AzureFailure | None = None

    def declare_unreadable(self, failure: AzureFailure) -> None:
        """Give every application this failure without asking: there is no token to ask with."""
        self._unreadable = failure

    async def collect(self, registered: AsyncIterator[ManagedApplication | MalformedRow], *, partial_run: bool) -> None:
        """Collect every application of the stream; ``summary`` then holds the totals.

        Args:
            registered: the registry's rows.
            partial_run: the stream is not the whole registry, so no run row may claim that it was gone through.

        What breaks the stream is in the summary's ``error``; what was read until then is uploaded.
        """
        started = time.monotonic()
        async with asyncio.TaskGroup() as uploads:
            states = StreamUploader(self._endpoint, self._settings.states_stream, uploads, STATES_UPLOADS_IN_FLIGHT)
            results = StreamUploader(self._endpoint, self._settings.results_stream, uploads, RESULTS_UPLOADS_IN_FLIGHT)
            self.summary.error = await self._read_all(registered, states, results)
            await states.flush()
            await results.flush()
            self.summary.uploaded_rows = states.uploaded_rows + results.uploaded_rows
            self.summary.rejected_rows += states.rejected_rows + results.rejected_rows
            self.summary.truncated_rows = states.truncated_rows + results.truncated_rows
            self.summary.duration_ms = _milliseconds_since(started)
            if self.summary.error is None and not partial_run and results.rejected_rows == 0:
                await self._upload_run_row(uploads)

    async def _upload_run_row(self, uploads: asyncio.TaskGroup) -> None:
        runs = StreamUploader(self._endpoint, self._settings.runs_stream, uploads, 1)
        runs.add([encoded(run_row(self.summary, VERSION))])
        await runs.flush()
        self.summary.completed = runs.uploaded_rows == 1

    async def _read_all(
        self,
        registered: AsyncIterator[ManagedApplication | MalformedRow],
        states: StreamUploader,
        results: StreamUploader,
    ) -> AzureFailure | None:
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

    async def _read_one(self, application: ManagedApplication, states: StreamUploader, results: StreamUploader) -> None:
        """Read one application to its end or to its failure; never raises, so that no other application suffers."""
        result = ApplicationResult.of(application)
        delivery = Delivery(partial(self._settle, result, results))
        started = time.monotonic()
        try:
            async with (
                asyncio.timeout_at(self._reading_deadline),
                self._slots.reading(application.application_id.subscription_id) as place,
            ):
                started = time.monotonic()
                reading = ApplicationReading(
                    application,
                    self._run,
                    result,
                    uploader=states,
                    delivery=delivery,
                    compliant_states=self._settings.compliant_states,
                )
                await self._read_pages(application, reading, states, place)
                reading.conclude()
        except AzureFailure as failure:
            result.conclude(_outcome_of(failure), failure.code, str(failure))
        except TimeoutError:
            result.conclude(
                Outcome.SKIPPED, "DeadlineExceeded", "the run's time was over before this application was read"
            )
        except Exception as error:
            logger.exception("application %s could not be read", result.application_id)
            result.conclude(
                Outcome.FAILED, type(error).__name__, "unexpected error in the collector; its log has details"
            )
        result.duration_ms = _milliseconds_since(started)
        delivery.close()

    async def _read_pages(
        self, application: ManagedApplication, reading: ApplicationReading, states: StreamUploader, place: Place
    ) -> None:
        if self._unreadable is not None:
            raise self._unreadable
        since = self._run.started_at - self._settings.states_window
        for filtered in (True, False):
            url = query_url(self._resource_manager.endpoint, application, since, filtered=filtered)
            async for page in follow_pages(url, partial(self._fetch, place, states)):
                reading.take(page.states)
            if reading.found_states:
                return
            # An empty filtered answer is not trusted: how the service compares the filter's ids is not documented.

    async def _fetch(self, place: Place, states: StreamUploader, url: str) -> Page:
        async def attempt() -> Page:
            response = await self._resource_manager.send(page_request(url))
            # A page is several times larger once it is parsed: it waits as bytes, and they are unfolded one by one.
            async with self._desk:
                await states.room()
                return parse_page(response.content)

        return await with_retries(attempt, deadline=self._reading_deadline, sleep=place.pause)

    def _settle(self, result: ApplicationResult, results: StreamUploader, refusal: Exception | None) -> None:
        """Give an application its final result once all of its rows are accepted, or one was refused."""
        if refusal is not None:
            result.conclude(Outcome.UPLOAD_FAILED, getattr(refusal, "code", None), str(refusal))
        self.summary.add(result)
        results.add([encoded(result_row(result, self._run))])
        self._on_result(result)


def _outcome_of(failure: AzureFailure) -> Outcome:
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(failure, kind)), Outcome.FAILED)


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
