"""Reads one application: waits for its turn, follows its pages, and gives it an outcome whatever happens."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from collector.reading.application_reading import ApplicationReading
from collector.reading.intake import Intake
from collector.reading.ownership import owned_scopes
from collector.reading.places import ReadingSlots
from collector.reporting.outcomes import Outcome
from publisher.errors import (
    AccessDenied,
    AuthenticationFailed,
    AzureFailure,
    DeadlineExceeded,
    NotFound,
    NoToken,
    RequestRefused,
    Throttled,
)
from publisher.policy_states import Page, follow_pages, page_request, parse_page, query_url
from publisher.retry import Sleep, with_retries

if TYPE_CHECKING:
    from azure.core.rest import AsyncHttpResponse

    from collector.reading.places import Place
    from collector.reporting.chunks import Delivery
    from collector.reporting.ingestion import StreamUploader
    from collector.reporting.outcomes import ApplicationResult, Run
    from publisher.resource_manager import ResourceManager
    from publisher.settings import CollectorSettings
    from registry.managed_application import ManagedApplication

logger = logging.getLogger(__name__)

_OUTCOMES: Final = (
    (NoToken, Outcome.FAILED),
    (AuthenticationFailed, Outcome.ACCESS_DENIED),  # ARM's 401: the publisher's tenant is not projected there
    (AccessDenied, Outcome.ACCESS_DENIED),
    (NotFound, Outcome.NOT_FOUND),
    (Throttled, Outcome.THROTTLED),
    (DeadlineExceeded, Outcome.SKIPPED),
)


class ApplicationReader:
    """Reads applications, as many at once as the settings allow."""

    def __init__(
        self,
        run: Run,
        settings: CollectorSettings,
        resource_manager: ResourceManager,
        *,
        deadline: float,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._run = run
        self._settings = settings
        self._resource_manager = resource_manager
        self._deadline = deadline
        self._slots = ReadingSlots(
            settings.max_concurrent_applications, settings.max_concurrent_per_subscription, sleep=sleep
        )
        self._intake = Intake(settings.max_concurrent_applications)
        self.unreadable: AzureFailure | None = None
        """The failure of every application, when there is no token to ask with."""

    async def read(
        self, application: ManagedApplication, result: ApplicationResult, states: StreamUploader, delivery: Delivery
    ) -> None:
        """Read one application to its end or to its failure, and put both into its result.

        Never raises, so that no other application suffers.
        """
        started = time.monotonic()
        try:
            async with (
                asyncio.timeout_at(self._deadline),
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
        result.duration_ms = round((time.monotonic() - started) * 1000)

    async def _read_pages(
        self, application: ManagedApplication, reading: ApplicationReading, states: StreamUploader, place: Place
    ) -> None:
        if self.unreadable is not None:
            raise self.unreadable
        since = self._run.started_at - self._settings.states_window
        fetch = partial(self._fetch, place, states)
        endpoint, group = self._resource_manager.endpoint, application.managed_resource_group_id
        try:
            async for page in follow_pages(query_url(endpoint, group, since, scopes=owned_scopes(application)), fetch):
                reading.take(page.states)
                page.states.clear()  # parsed it is large, and the next page may take its time
        except RequestRefused as failure:
            if failure.status != HTTPStatus.BAD_REQUEST or reading.has_pages:
                raise
        if reading.lacks_states:
            # The filter's grammar and how it compares ids are not documented: what it left out is asked for without it.
            reading.begin_second_look()
            async for page in follow_pages(query_url(endpoint, group, since), fetch):
                reading.take_what_is_new(page.states)

    async def _fetch(self, place: Place, states: StreamUploader, url: str) -> Page:
        async def attempt() -> Page:
            async with self._intake.page() as page:

                async def send() -> AsyncHttpResponse:
                    await page.let_in()
                    return await self._resource_manager.send(page_request(url))

                response = await place.pace.ask(send, place, self._deadline)
                async with self._intake.desk():
                    await states.room()
                    return parse_page(response.content)

        return await with_retries(attempt, deadline=self._deadline, sleep=place.pause)


def _outcome_of(failure: AzureFailure) -> Outcome:
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(failure, kind)), Outcome.FAILED)
