"""Reads one application: waits for a place, reads its pages of policy states, and sets its outcome in any case."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from collector.reading.application_reading import ApplicationReading
from collector.reading.failed_reads import outcome_of
from collector.reading.intake import Intake
from collector.reading.ownership import owned_scopes
from collector.reading.pages import StatesPages
from collector.reading.places import ReadingSlots
from publisher.errors.kinds import AzureFailure
from publisher.policy_states.query import page_request
from publisher.resource_manager import body_in
from publisher.retry import with_retries
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.rest import AsyncHttpResponse

    from collector.reading.application_reading import ReadJob
    from collector.reading.check_reader import CheckReader
    from collector.reading.closer_look import CloserLook
    from collector.reading.intake import PlaceAtTheDesk
    from collector.reading.places import Place
    from collector.reporting.ingestion import StreamUploader
    from collector.reporting.outcomes import Run
    from publisher.policy_states.page import Page
    from publisher.resource_manager import ResourceManager
    from publisher.retry import Patience
    from publisher.settings import CollectorSettings
    from registry.managed_application import ManagedApplication

logger = logging.getLogger(__name__)

_NOT_CHECKED: Final = frozenset({Outcome.NOT_FOUND, Outcome.THROTTLED})
"""Outcomes of reading an application's states after which nothing more is asked about it."""


class ApplicationReader:
    """Reads applications, as many at once as the settings allow; `patience.deadline` ends all reading.

    `version` is of the collector: what one concluded from an answer, another concludes anew.
    """

    def __init__(
        self,
        run: Run,
        settings: CollectorSettings,
        resource_manager: ResourceManager,
        patience: Patience,
        *,
        check_reader: CheckReader,
        closer_look: CloserLook,
        version: str,
    ) -> None:
        self._run = run
        self._version = version
        self._settings = settings
        self._resource_manager = resource_manager
        self._closer_look = closer_look
        self._check_reader = check_reader
        self._deadline = patience.deadline
        self._slots = ReadingSlots(
            settings.max_concurrent_applications, settings.max_concurrent_per_subscription, patience.sleep
        )
        self._intake = Intake(settings.max_concurrent_applications)
        self.unreadable: AzureFailure | None = None
        """The outcome of every application, without a call, when there is no token for ARM."""

    async def read(self, job: ReadJob, states: StreamUploader) -> None:
        """Read one application: fill its evidence, and set the outcome, the counts and the duration of its result.

        Raises nothing, so that other applications are read whatever happens to this one.
        """
        started, result = time.monotonic(), job.result
        try:
            async with (
                asyncio.timeout_at(self._deadline) as limit,
                self._slots.reading(job.application.application_id.subscription_id) as place,
            ):
                started = time.monotonic()
                try:
                    await self._read_states(job, states, place)
                except AzureFailure as failure:
                    group = job.application.managed_resource_group_id
                    result.conclude(outcome_of(failure, group), failure.code, str(failure))
                limit.reschedule(None)  # what was read stays, however long the rest takes
                await self._read_checks(job, states)
                await self._look_closer(job)
        except TimeoutError:
            result.conclude(
                Outcome.SKIPPED, "DeadlineExceeded", "the run's time was over before this application was read"
            )
        except Exception as error:
            logger.exception("application %s could not be read", result.application_id)
            result.conclude(
                Outcome.FAILED, type(error).__name__, "unexpected error in the collector; its log has details"
            )
        result.duration_ms = round((time.monotonic() - started) * 1000)

    async def _read_states(self, job: ReadJob, states: StreamUploader, place: Place) -> None:
        """Read the application's states, and queue their rows; raise the AzureFailure when they cannot be read."""
        reading = ApplicationReading(
            job,
            self._run,
            uploader=states,
            compliant_states=self._settings.compliant_states,
            uploaded_states=self._settings.uploaded_states,
            most_rows=self._settings.max_rows_per_application,
            version=self._version,
        )
        with closing(reading):
            await self._read_pages(job.application, reading, states, place)
            await reading.conclude()

    async def _read_checks(self, job: ReadJob, states: StreamUploader) -> None:
        """Read what the publisher's checks need, and judge by it; a check that cannot be read concerns no other."""
        if not job.evidence.checks or self.unreadable is not None or job.result.outcome in _NOT_CHECKED:
            return
        try:
            async with asyncio.timeout_at(self._deadline):
                await self._check_reader.read(job, states)
        except TimeoutError:
            logger.info("no time was left for the checks of %s", job.result.application_id)
        except Exception:
            logger.exception("the checks of application %s failed", job.result.application_id)

    async def _look_closer(self, job: ReadJob) -> None:
        """Read the guard and prove resources gone, where the judge needs it; what cannot be read stays unknown."""
        if not job.evidence.complete and not job.evidence.checks:
            return
        try:
            async with asyncio.timeout_at(self._deadline):
                await self._closer_look.take(job)
        except TimeoutError:
            logger.info("no time was left for a closer look at %s", job.result.application_id)
        except Exception:
            logger.exception("a closer look at application %s failed", job.result.application_id)

    async def _read_pages(
        self, application: ManagedApplication, reading: ApplicationReading, states: StreamUploader, place: Place
    ) -> None:
        """Read the pages of the application's states."""
        if self.unreadable is not None:
            raise self.unreadable
        with self._intake.desk() as desk:
            pages = StatesPages(
                self._resource_manager.endpoint,
                application.managed_resource_group_id,
                self._run.started_at - self._settings.states_window,
                partial(self._fetch, place, desk, states, page_in=reading.page_in),
                on_taken=desk.leave,
            )
            await pages.read(reading, owned_scopes(application))

    async def _fetch(
        self,
        place: Place,
        desk: PlaceAtTheDesk,
        states: StreamUploader,
        url: str,
        told: Callable[[AzureFailure], AzureFailure],
        *,
        page_in: Callable[[bytes], Page],
    ) -> Page:
        """Return one page, asked for at the subscription's pace and with retries; `told` says what failures mean.

        The application is then at the desk, where `page_in` makes a page of the answer.
        """

        async def attempt() -> Page:
            async with self._intake.page() as page:

                async def send() -> AsyncHttpResponse:
                    await page.let_in()
                    return await self._resource_manager.send(page_request(url))

                try:
                    response = await place.pace.ask(send, place, self._deadline)
                except AzureFailure as failure:
                    raise told(failure) from None
                page.size = len(response.content)
                await desk.take()
                try:
                    await states.room()
                    return page_in(body_in(response))
                except BaseException:
                    desk.leave()
                    raise

        return await with_retries(attempt, deadline=self._deadline, sleep=place.pause)
