"""Azure Resource Manager, as the publisher's service principal sees it.

Calls go through the SDK's pipeline and authentication, without its models, its redirects, its retries (those of
`publisher.retry` replace them) and its automatic registration of resource providers, which would change a customer's
subscription.
"""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote

from azure.core.pipeline.policies import UserAgentPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.mgmt.core import AsyncARMPipelineClient

from publisher.configuration.cloud import Cloud
from publisher.credentials import SharedCredential
from publisher.errors.answers import as_failure, failure_of_response
from publisher.errors.documents import document_of, next_link_in
from publisher.errors.kinds import AuthenticationFailed, MalformedAnswer, NoToken, RequestRefused, Unusable
from publisher.lenient_json import member
from publisher.resource_ids import ApplicationId, InvalidResourceId, ResourceGroupId, plain_id
from publisher.retry import USUAL_PATIENCE, Patience, with_retries
from publisher.texts import printable, trimmed, word
from publisher.transport import DEFAULT_CONNECTIONS, Authentication, Closing, Transport, astray

APPLICATIONS_API_VERSION: Final = "2021-07-01"  # FACTS 5.4
DEFAULT_SECONDS: Final = 60.0
_USER_AGENT: Final = "managed-application-compliance"
_MOST_PAGES: Final = 1000
_Answer = TypeVar("_Answer")
_SERVER: Final = re.compile(r"(?:[^/?#]*:)?//")
"""Begins what is no path."""


@dataclass(frozen=True, slots=True)
class Application:
    """A managed application as ARM describes it. Ids are cased as ARM cases them; texts are "" where ARM has none.

    `managed_resource_group_id` is None where ARM names none that can be used, and `group_problem` says why.
    `management_mode` is Managed, or Unmanaged where the publisher has no part in it. `is_just_in_time` tells that the
    publisher has to ask the customer before each change (FACTS 5.5).
    """

    id: ApplicationId
    managed_resource_group_id: ResourceGroupId | None
    provisioning_state: str
    location: str
    kind: str
    plan_publisher: str
    plan_product: str
    plan_name: str
    plan_version: str
    definition_id: str
    publisher_tenant_id: str = ""
    group_problem: str = ""
    management_mode: str = ""
    is_just_in_time: bool = False

    @property
    def group(self) -> ResourceGroupId:
        """The managed resource group; raise Unusable when ARM names none that can be used."""
        if self.managed_resource_group_id is None:
            raise Unusable(self.group_problem, code="UnusableManagedResourceGroup")
        return self.managed_resource_group_id

    @property
    def is_going(self) -> bool:
        """Whether ARM is deleting the application, or has deleted it."""
        return self.is_gone or word(self.provisioning_state) == "deleting"

    @property
    def is_gone(self) -> bool:
        """Whether ARM still describes the application, as deleted."""
        return word(self.provisioning_state) == "deleted"


class ResourceManager(Closing):
    """A client of ARM for one identity: one token, one connection pool. An asynchronous context manager.

    It does not close the credential. All methods raise the AzureFailures of `publisher.errors`. Calls are repeated as
    `patience` says, except that each call has a deadline of its own.
    """

    def __init__(
        self,
        credential: SharedCredential,
        cloud: Cloud,
        *,
        connections: int = DEFAULT_CONNECTIONS,
        patience: Patience = USUAL_PATIENCE,
    ) -> None:
        self.endpoint = cloud.resource_manager_endpoint
        self.credential = credential
        self._patience = patience
        self._client: AsyncARMPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncARMPipelineClient(
            self.endpoint,
            policies=[
                UserAgentPolicy(base_user_agent=_USER_AGENT),
                Authentication(credential, f"{cloud.resource_manager_audience}/.default"),
            ],
            transport=Transport(connections=connections),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def send(self, request: HttpRequest, **options: Any) -> AsyncHttpResponse:
        """Send one request, once, and return its 2xx answer with the body read.

        The URL is absolute, or a path that is put behind the endpoint. Raises RequestRefused for another host, because
        the request would send our token there. Where ARM refuses our token, one fresh token is tried.
        """
        request.url = self._url(request.url)
        try:
            return await self._send_once(request, options)
        except AuthenticationFailed as failure:
            if failure.status is None or isinstance(failure, NoToken):
                raise
            self.credential.forget_tokens()
            return await self._send_once(request, options)

    async def _send_once(self, request: HttpRequest, options: dict[str, Any]) -> AsyncHttpResponse:
        try:
            response = await self._client.send_request(request, **options)
        except Exception as error:
            failure = as_failure(error)
            if failure is None or failure is error:
                raise
            raise failure from error
        if not response.status_code // 100 == 2:  # noqa: PLR2004
            raise failure_of_response(response)
        return response

    async def get(self, url: str, *, api_version: str | None, deadline: float) -> dict[str, Any]:
        """Return the JSON object at a path or URL, with retries until `deadline` (seconds of `time.monotonic`)."""

        async def attempt() -> dict[str, Any]:
            parameters = {"api-version": api_version} if api_version else None
            return document_in(await self.send(HttpRequest("GET", url, params=parameters)))

        return await self.repeated(attempt, deadline=deadline)

    async def repeated(self, attempt: Callable[[], Awaitable[_Answer]], *, deadline: float) -> _Answer:
        """Return what an attempt returns that sends requests, repeated until `deadline` as this client's calls are."""
        patience = self._patience
        return await with_retries(attempt, deadline=deadline, attempts=patience.attempts, sleep=patience.sleep)

    async def list(self, path: str, *, api_version: str, deadline: float) -> AsyncIterator[dict[str, Any]]:
        """Yield the members of an ARM collection over all its pages; raise MalformedAnswer where one is no object."""
        async for members in self.pages(path, api_version=api_version, deadline=deadline):
            for one in members:
                if not isinstance(one, dict):
                    raise MalformedAnswer("an entry of the list is no object", code="MalformedAnswer")
                yield one

    async def pages(self, path: str, *, api_version: str, deadline: float) -> AsyncIterator[Sequence[Any]]:
        """Yield the members of an ARM collection page by page, whatever they are."""
        url, version, seen = path, str(api_version), set[str]()
        while True:
            page = await self.get(url, api_version=version, deadline=deadline)
            members = member(page, "value")
            if not isinstance(members, list):
                raise MalformedAnswer("a page of the list has no value", code="MalformedAnswer")
            yield members
            url, version = next_link_in(page) or "", ""
            if not url:
                return
            if url in seen or len(seen) >= _MOST_PAGES:
                raise MalformedAnswer("the list's next page makes no sense", code="MalformedAnswer")
            if problem := astray(url, self.endpoint):
                raise RequestRefused(f"the link to the list's next page {problem}", code="ForeignHost")
            seen.add(url)

    async def application(self, application_id: ApplicationId, *, deadline: float | None = None) -> Application:
        """Return the application; raise NotFound or AccessDenied when it does not exist or we may not read it.

        `deadline` is in seconds of `time.monotonic`; by default a minute from now.
        Source: GET {applicationId}, api-version 2021-07-01 (FACTS 5.4).
        """
        answer = await self.get(
            quote(str(application_id), safe="/()"),
            api_version=APPLICATIONS_API_VERSION,
            deadline=deadline if deadline is not None else time.monotonic() + DEFAULT_SECONDS,
        )
        described = application_in(answer)
        if described.id != application_id:
            raise MalformedAnswer("the answer describes another application", code="MalformedAnswer")
        return described

    def _url(self, url: str) -> str:
        if not _SERVER.match(url):
            return f"{self.endpoint}/{url.lstrip('/')}"
        if problem := astray(url, self.endpoint):
            raise RequestRefused(f"the link to Azure Resource Manager {problem}", code="ForeignHost")
        return url


def document_in(response: AsyncHttpResponse) -> dict[str, Any]:
    """Return the JSON object in the answer to a read; raise MalformedAnswer for anything else, and for a part of it."""
    return document_of(body_in(response))


def body_in(response: AsyncHttpResponse) -> bytes:
    """Return the body of the answer to a read; raise MalformedAnswer for one that is no whole answer."""
    if response.status_code != HTTPStatus.OK:  # 202 and 204 come before a result, 206 with a piece of it
        message = f"Azure answered {response.status_code}, which is no whole answer to a read"
        raise MalformedAnswer(message, code="MalformedAnswer", status=response.status_code)
    return response.content


def text_at(content: Any, *path: str) -> str:
    """Return the text at a path of member names, "" when there is none.

    It is printable, has no blanks around it, and at most 1,000 characters.
    """
    for name in path:
        content = member(content, name)
    return printable(trimmed(content), longest=1000) if isinstance(content, str) else ""


def id_at(content: Any, *path: str) -> str:
    """Return the resource id at a path of member names, as `plain_id` spells it; "" when there is none."""
    return plain_id(text_at(content, *path))


def application_in(answer: dict[str, Any]) -> Application:
    """Return the application that ARM describes; raise MalformedAnswer for what has no application's id."""
    group, group_problem = _managed_resource_group(answer)
    try:
        application_id = ApplicationId.parse(text_at(answer, "id"))
    except InvalidResourceId as error:
        raise MalformedAnswer(f"the application's description has {error}", code="MalformedAnswer") from error
    return Application(
        id=application_id,
        managed_resource_group_id=group,
        provisioning_state=text_at(answer, "properties", "provisioningState"),
        location=text_at(answer, "location"),
        kind=text_at(answer, "kind"),
        plan_publisher=text_at(answer, "plan", "publisher"),
        plan_product=text_at(answer, "plan", "product"),
        plan_name=text_at(answer, "plan", "name"),
        plan_version=text_at(answer, "plan", "version"),
        definition_id=text_at(answer, "properties", "applicationDefinitionId"),
        publisher_tenant_id=text_at(answer, "properties", "publisherTenantId"),
        group_problem=group_problem,
        management_mode=text_at(answer, "properties", "managementMode"),
        is_just_in_time=member(member(member(answer, "properties"), "jitAccessPolicy"), "jitAccessEnabled") is True,
    )


def _managed_resource_group(application: dict[str, Any]) -> tuple[ResourceGroupId | None, str]:
    """Return the managed resource group that ARM's description of an application names, or None and why it is none."""
    text = text_at(application, "properties", "managedResourceGroupId")
    if not text:
        return None, "Azure Resource Manager names no managed resource group of the application"
    try:
        return ResourceGroupId.parse(text), ""
    except InvalidResourceId as error:
        return None, f"the id of the application's managed resource group cannot be used: {error}"
