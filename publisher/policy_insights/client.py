"""azure-mgmt-policyinsights over the publisher's client of Azure Resource Manager.

The SDK knows addresses, versions and bodies. Its requests are sent by `ResourceManager`, so they have its token, its
lock to the cloud's endpoint, its time-outs and its failures, and nothing of the SDK's own pipeline: no redirects, no
retries, no logging, no registration of resource providers. Answers are read here and not with the SDK's models, which
know one spelling of each member (FACTS 11.5).
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from azure.core.exceptions import StreamConsumedError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, ContentDecodePolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.mgmt.policyinsights.aio import PolicyInsightsClient

from publisher.errors.documents import document_of, next_link_in
from publisher.errors.kinds import MalformedAnswer, RequestRefused
from publisher.lenient_json import member
from publisher.transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from publisher.resource_manager import ResourceManager

_MOST_PAGES: Final = 100
_DOCUMENTS: Final = "documents"
_ANSWERS: Final = "answers"
"""The options of a call with the lists that take the JSON objects of its answers, and the answers themselves."""


class PolicyInsights:
    """The calls of azure-mgmt-policyinsights for one subscription. It opens no connections of its own.

    All methods raise the AzureFailures of `publisher.errors`. Deadlines are in seconds of `time.monotonic`.
    """

    def __init__(self, arm: ResourceManager, subscription_id: str) -> None:
        self._arm = arm
        self.sdk = PolicyInsightsClient(
            arm.credential,
            subscription_id,
            base_url=arm.endpoint,
            policies=[_Sending(arm)],
            transport=Transport(),  # never opened
        )

    async def answer(self, operation: Callable[..., Awaitable[Any]], *, deadline: float) -> AsyncHttpResponse:
        """Return what an operation of the SDK is answered with, whose body may be empty, with retries."""

        async def attempt() -> AsyncHttpResponse:
            answers: list[AsyncHttpResponse] = []
            with suppress(StreamConsumedError):  # azure-core reads a body again that is empty
                await operation(**{_ANSWERS: answers})
            return answers[-1]

        return await self._arm.repeated(attempt, deadline=deadline)

    async def document(self, operation: Callable[..., Awaitable[Any]], *, deadline: float) -> dict[str, Any]:
        """Return the JSON object that an operation of the SDK is answered with, with retries."""

        async def attempt() -> dict[str, Any]:
            documents: list[dict[str, Any]] = []
            try:
                await operation(**{_DOCUMENTS: documents})
            except (ValueError, TypeError, AttributeError) as error:  # what the SDK's models make of odd members
                if not documents:
                    raise MalformedAnswer("the answer cannot be read", code="MalformedAnswer") from error
            if not documents:
                raise MalformedAnswer("the answer is empty", code="MalformedAnswer")
            return documents[-1]

        return await self._arm.repeated(attempt, deadline=deadline)

    async def members(self, operation: Callable[..., Any], *, deadline: float) -> list[dict[str, Any]]:
        """Return the members of the pages that an operation of the SDK is answered with, with retries."""

        async def attempt() -> list[dict[str, Any]]:
            documents: list[dict[str, Any]] = []
            pages: AsyncIterator[Any] = operation(**{_DOCUMENTS: documents}).by_page()
            async for _ in pages:
                if len(documents) >= _MOST_PAGES:
                    raise MalformedAnswer("the list does not end", code="MalformedAnswer")
            return [one for document in documents for one in _members(document)]

        return await self._arm.repeated(attempt, deadline=deadline)


class _Sending(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Sends the SDK's requests through the publisher's client, and reads what they are answered with."""

    def __init__(self, arm: ResourceManager) -> None:
        super().__init__()
        self._arm = arm

    async def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, AsyncHttpResponse]:
        """Return the answer; raise the AzureFailure of one that is not good."""
        options = request.context.options
        documents: list[dict[str, Any]] | None = options.pop(_DOCUMENTS, None)
        answers: list[AsyncHttpResponse] = options.pop(_ANSWERS, [])
        options.clear()
        response = await self._answer(request.http_request)
        answers.append(response)
        if documents is not None:
            document = document_of(response.content)
            documents.append(document)
            # Where the SDK's pager looks for what azure-core has read of a page.
            request.context[ContentDecodePolicy.CONTEXT_NAME] = {"value": [], "nextLink": next_link_in(document)}
        return PipelineResponse(request.http_request, response, request.context)

    async def _answer(self, request: HttpRequest) -> AsyncHttpResponse:
        try:
            return await self._arm.send(request)
        except RequestRefused as failure:
            # The SDK asks for next pages with GET, which Policy Insights refuses where the first one is a POST
            # (FACTS 2.6).
            if request.method != "GET" or failure.status != HTTPStatus.METHOD_NOT_ALLOWED:
                raise
        return await self._arm.send(HttpRequest("POST", request.url))


def _members(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = member(document, "value")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise MalformedAnswer("a page of the list has no value, or an entry that is no object", code="MalformedAnswer")
    return found
