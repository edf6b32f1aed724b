"""How a request fails: each class plays one failure of Azure, of a gateway or of the network. A new one goes here."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from sandbox.world.state_documents import timestamp

if TYPE_CHECKING:
    from sandbox.faults.operations import Operation

Answer = Callable[[], Awaitable[web.Response]]
"""The server's own answer: calling it does the work, such as storing uploaded rows."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that fails: what it asks for, the HTTP request, and what the server would answer."""

    operation: Operation
    request: web.Request
    answer: Answer


Effect = Callable[[Call], Awaitable[web.StreamResponse]]
"""Returns what goes out instead of `await call.answer()`."""


@dataclass(frozen=True, slots=True)
class Status:
    """An error answer in the service's own shape, with a Retry-After header if wanted (seconds, or any text)."""

    status: int
    retry_after: float | str | None = None
    code: str | None = None
    message: str = "The sandbox was asked to fail here."

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        code = self.code or call.operation.code(self.status)
        headers = {"x-ms-error-code": code}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        content_type, body = call.operation.error(code, self.message)
        return web.Response(status=self.status, headers=headers, body=body, content_type=content_type)


@dataclass(frozen=True, slots=True)
class Dropped:
    """The connection is cut before anything is answered or done."""

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        return _cut(call.request)


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """The request is carried out, then the connection is cut: the client cannot know."""

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        await call.answer()
        return _cut(call.request)


@dataclass(frozen=True, slots=True)
class CutHalfWay:
    """The request is carried out, headers and half of the body arrive, then the connection is cut."""

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        whole = await call.answer()
        body = _bytes(whole)
        if not body:
            return _cut(call.request)  # headers alone would already be the whole answer
        part = web.StreamResponse(status=whole.status, headers={"Content-Type": "application/json"})
        part.content_length = len(body)
        await part.prepare(call.request)
        await part.write(body[: len(body) // 2])
        _cut(call.request)
        return part


@dataclass(frozen=True, slots=True)
class Slow:
    """The right answer, `seconds` late. With a large number the answer never comes."""

    seconds: float

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        await asyncio.sleep(self.seconds)
        return await call.answer()


@dataclass(frozen=True, slots=True)
class Body:
    """A status with any body, such as a gateway's HTML page or nothing at all."""

    content: bytes
    content_type: str = "application/json"
    status: int = 200

    async def __call__(self, _: Call) -> web.StreamResponse:
        """See Effect."""
        return web.Response(status=self.status, body=self.content, content_type=self.content_type)


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect to another address."""

    location: str
    status: int = 307

    async def __call__(self, _: Call) -> web.StreamResponse:
        """See Effect."""
        return web.Response(status=self.status, headers={"Location": self.location})


def html(status: int = 200) -> Body:
    """A proxy's or gateway's page where JSON was expected."""
    page = b"<html><head><title>Service unavailable</title></head><body>Please try again later.</body></html>"
    return Body(page, "text/html", status)


def empty(status: int = 200) -> Body:
    """A status without a body."""
    return Body(b"", status=status)


@dataclass(frozen=True, slots=True)
class TruncatedJson:
    """A complete HTTP answer whose JSON stops in the middle."""

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        whole = await call.answer()
        body = _bytes(whole)
        return web.Response(status=whole.status, body=body[: len(body) // 2], content_type="application/json")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The right answer, whose body somebody on the way wrote anew."""

    rewrite: Callable[[bytes], bytes]

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        whole = await call.answer()
        return web.Response(status=whole.status, body=self.rewrite(_bytes(whole)), content_type="application/json")


@dataclass(frozen=True, slots=True)
class Edited:
    """The right answer, whose JSON object somebody changed in place."""

    edit: Callable[[dict[str, Any]], object]

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        return _edited(await call.answer(), self.edit)


@dataclass(frozen=True, slots=True)
class WithoutValue:
    """A page that has no `value` member."""

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        return _edited(await call.answer(), lambda page: page.pop("value", None))


@dataclass(frozen=True, slots=True)
class NextLink:
    """A page whose nextLink leads elsewhere: to `link`, or, when it is None, to the very page that was asked for."""

    link: str | None = None

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        link = self.link or str(call.request.url)
        return _edited(await call.answer(), lambda page: page.update({"@odata.nextLink": link}))


@dataclass(frozen=True, slots=True)
class SkewedClock:
    """Timestamps in a page of states that are off by `by`, as from a machine with a wrong clock."""

    by: dt.timedelta

    async def __call__(self, call: Call) -> web.StreamResponse:
        """See Effect."""
        whole = await call.answer()
        body = re.sub(rb'(?<="timestamp":")([^"]+)', self._skewed, _bytes(whole))
        return web.Response(status=whole.status, body=body, content_type="application/json")

    def _skewed(self, found: re.Match[bytes]) -> bytes:
        return timestamp(dt.datetime.fromisoformat(found[1].decode()) + self.by).encode()


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)  # never sent: the connection is gone


def _bytes(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""


def _edited(response: web.Response, edit: Callable[[dict[str, Any]], object]) -> web.Response:
    page: dict[str, Any] = orjson.loads(_bytes(response))
    edit(page)
    return web.Response(status=response.status, body=orjson.dumps(page), content_type="application/json")
