"""Asks Azure Resource Graph through the pipeline of Azure Resource Manager.

Sources: the REST specification of Microsoft.ResourceGraph, 2022-10-01, and Azure's SDKs, which send that version
(Resources: POST with subscriptions, query and options; answers with data, $skipToken and resultTruncated);
learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data and guidance-for-throttled-requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from azure.core.rest import HttpRequest

from publisher.errors.kinds import MalformedAnswer
from publisher.errors.waits import retry_after_seconds
from publisher.lenient_json import member
from publisher.resource_graph.applications import QUERY as APPLICATIONS_QUERY
from publisher.resource_graph.applications import application_in
from publisher.resource_graph.state_counts import QUERY as STATES_QUERY
from publisher.resource_graph.state_counts import StateCounts, counts_in
from publisher.resource_ids import ApplicationId, fold
from publisher.resource_manager import document_in
from publisher.retry import USUAL_PATIENCE, Patience, with_retries
from publisher.texts import word

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from azure.core.rest import AsyncHttpResponse

    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager

API_VERSION: Final = "2022-10-01"
MOST_SUBSCRIPTIONS: Final = 1000
"""Subscriptions that one query may name (FACTS 11.6)."""

ROWS_IN_A_PAGE: Final = 1000
"""The most that Resource Graph returns at once."""

_PATH: Final = "/providers/Microsoft.ResourceGraph/resources"
_QUOTA_LEFT: Final = "x-ms-user-quota-remaining"
_LONGEST_PAUSE_SECONDS: Final = 60.0
_MOST_PAGES: Final = 1000


@dataclass(slots=True)
class GraphAnswer:
    """What Resource Graph said of the groups that were asked for; one that is not in `counts` was not told of.

    `counts` is by folded id of the group. `odd_rows` counts rows without a group or without numbers, and those of a
    group that came twice, which then counts as not told of; `strange_groups` those of groups that nobody asked for.
    `is_cut` tells that Azure left rows out and said so.
    """

    counts: dict[str, StateCounts] = field(default_factory=dict)
    odd_rows: int = 0
    strange_groups: int = 0
    is_cut: bool = False


class ResourceGraph:
    """Resource Graph for the identity of a client of ARM, which it does not close.

    An answer may lack anything without saying so: rows of subscriptions that the principal may not read, and states
    that Resource Graph has not taken in yet. So it may be a reason to look, and never one to conclude.
    """

    def __init__(self, arm: ResourceManager, *, patience: Patience = USUAL_PATIENCE) -> None:
        self._arm = arm
        self._patience = patience
        self._pause = 0.0

    async def state_counts(self, groups: Collection[ResourceGroupId]) -> GraphAnswer:
        """Return the numbers of policy states of managed resource groups, with one query for all of them.

        Raises:
            AzureFailure: a page could not be read, or leads nowhere; then nothing is told of any group.
            ValueError: the groups are in more than MOST_SUBSCRIPTIONS subscriptions.
        """
        subscriptions = sorted({group.subscription_id.lower() for group in groups})
        wanted, taken = {fold(str(group)) for group in groups}, set[str]()
        answer = GraphAnswer()
        async for rows, answer.is_cut in self._pages(STATES_QUERY, subscriptions):
            for row in rows:
                _take(row, answer, wanted, taken)
        return answer

    async def applications(self, subscriptions: Collection[str]) -> AsyncIterator[ApplicationId]:
        """Yield the managed applications that Resource Graph shows us in these subscriptions, of whomever they are.

        Those of the pages before one that fails are as good as others: each may be a reason to look.

        Raises:
            AzureFailure: a page could not be read, or leads nowhere.
            ValueError: there are more than MOST_SUBSCRIPTIONS subscriptions.
        """
        async for rows, _ in self._pages(APPLICATIONS_QUERY, sorted(subscriptions)):
            for identity in filter(None, map(application_in, rows)):
                yield identity

    async def _pages(self, query: str, subscriptions: list[str]) -> AsyncIterator[tuple[list[Any], bool]]:
        """Yield the rows of each page of a query's answer, and whether Azure says that it left some out."""
        if len(subscriptions) > MOST_SUBSCRIPTIONS:
            raise ValueError(f"{len(subscriptions)} subscriptions are more than one query may name")
        tokens, token = set[str](), ""
        while True:
            page = await self._page(query, subscriptions, token)
            rows = member(page, "data")
            if not isinstance(rows, list):
                raise MalformedAnswer("the answer has no list 'data'", code="MalformedAnswer")
            yield rows, word(str(member(page, "resultTruncated"))) == "true"
            token = _token_in(page)
            if not token:
                return
            if token in tokens or len(tokens) >= _MOST_PAGES:
                raise MalformedAnswer("the token of the next page makes no sense", code="MalformedAnswer")
            tokens.add(token)

    async def _page(self, query: str, subscriptions: list[str], token: str) -> dict[str, Any]:
        options = {"resultFormat": "objectArray", "$top": ROWS_IN_A_PAGE} | ({"$skipToken": token} if token else {})
        body = {"subscriptions": subscriptions, "query": query, "options": options}

        async def attempt() -> dict[str, Any]:
            request = HttpRequest("POST", _PATH, params={"api-version": API_VERSION}, json=body)
            response = await self._arm.send(request)
            self._pause = _pause_after(response)
            return document_in(response)

        pause, self._pause = self._pause, 0.0
        if pause:
            await self._patience.sleep(pause)
        patience = self._patience
        return await with_retries(attempt, deadline=patience.deadline, attempts=patience.attempts, sleep=patience.sleep)


def _take(row: Any, answer: GraphAnswer, wanted: set[str], taken: set[str]) -> None:
    found = counts_in(row)
    if found is None:
        answer.odd_rows += 1
        return
    group, counts = found
    if group not in wanted:
        answer.strange_groups += 1
    elif group in taken:
        answer.odd_rows += 1
        answer.counts.pop(group, None)
    else:
        taken.add(group)
        answer.counts[group] = counts


def _token_in(page: dict[str, Any]) -> str:
    token = member(page, "$skipToken")
    if token is not None and not isinstance(token, str):
        raise MalformedAnswer("the token of the next page is no text", code="MalformedAnswer")
    return token or ""


def _pause_after(response: AsyncHttpResponse) -> float:
    """Return how many seconds to wait before the next query: none while Azure says that some are left."""
    if (response.headers.get(_QUOTA_LEFT) or "").strip() != "0":
        return 0.0
    return min(retry_after_seconds(response.headers) or 0.0, _LONGEST_PAUSE_SECONDS)
