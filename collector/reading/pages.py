"""Reads the pages of one application's policy states: of its own assignments, and of all when some are missing.

How Azure's filter compares scopes is not documented, so what it finds is believed, and what it does not find is not.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from publisher.errors.absence import says_gone
from publisher.errors.kinds import AzureFailure, NotFound, RequestRefused, TransientFailure
from publisher.policy_states.query import LONGEST_ADDRESS, follow_pages, other_spellings, query_url

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from collector.reading.application_reading import ApplicationReading
    from publisher.policy_states.page import Page
    from publisher.resource_ids import ResourceGroupId

_ABOUT_THE_ADDRESS: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    }
)
"""How a filter is refused, or an address that it made too long for a gateway (FACTS 11.5)."""

_ABOUT_THE_NEXT_LINK: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
"""How the link to a later page is refused when what it points to has expired."""


class FilterRefused(AzureFailure):
    """The query with a filter was refused for what may be the filter's sake."""


class StatesPages:
    """The pages of a resource group's latest states.

    Args:
        endpoint: of Azure Resource Manager, without trailing slash.
        group: whose states.
        since: states evaluated before are left out.
        fetch: reads one page, with retries; the second argument says what a failure of an attempt means.
        on_taken: called when nobody needs the page that was fetched any more.
    """

    def __init__(
        self,
        endpoint: str,
        group: ResourceGroupId,
        since: datetime,
        fetch: Callable[[str, Callable[[AzureFailure], AzureFailure]], Awaitable[Page]],
        on_taken: Callable[[], None],
    ) -> None:
        self._endpoint = endpoint
        self._group = group
        self._since = since
        self._fetch = fetch
        self._on_taken = on_taken

    async def read(self, reading: ApplicationReading, scopes: Sequence[str]) -> None:
        """Read the states of assignments at `scopes`, and without a filter when `reading` lacks some after that."""
        is_filtered = await self._read_filtered(reading, scopes)
        if is_filtered and reading.lacks_states and reading.is_empty:
            is_filtered = await self._read_filtered(reading, other_spellings(scopes))
        if not is_filtered or reading.lacks_states:
            await self._follow(reading, query_url(self._endpoint, self._group, self._since))

    async def _read_filtered(self, reading: ApplicationReading, scopes: Sequence[str]) -> bool:
        """Read what the filter lets through; return False when it is refused, or would make the address long."""
        url = query_url(self._endpoint, self._group, self._since, scopes=scopes)
        if len(url) > LONGEST_ADDRESS:
            return False
        try:
            await self._follow(reading, url, is_filtered=True)
        except FilterRefused:
            return False
        return True

    async def _follow(self, reading: ApplicationReading, first_url: str, *, is_filtered: bool = False) -> None:
        """Take every page; once more from the first one when the link to a later one has expired."""

        async def fetch(url: str) -> Page:
            return await self._fetch(url, self._of_filter if is_filtered and url == first_url else _unchanged)

        for is_second_time in (False, True):
            pages = 0
            try:
                async for page in follow_pages(first_url, fetch):
                    pages += 1
                    await reading.take(page)
                    self._on_taken()
            except AzureFailure as failure:
                if is_second_time or not pages or failure.status not in _ABOUT_THE_NEXT_LINK:
                    raise
            else:
                return
            finally:
                self._on_taken()

    def _of_filter(self, failure: AzureFailure) -> AzureFailure:
        """Return FilterRefused for what may be the filter's fault, any other failure as it is."""
        is_refusal = isinstance(failure, RequestRefused | TransientFailure | NotFound)
        if not is_refusal or failure.status not in _ABOUT_THE_ADDRESS or says_gone(failure, self._group):
            return failure
        return FilterRefused(str(failure), code=failure.code, status=failure.status)


def _unchanged(failure: AzureFailure) -> AzureFailure:
    return failure
