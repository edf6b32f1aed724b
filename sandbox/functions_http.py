"""HTTP triggers of the Functions host: routes, keys, and the request and answer types of azure-functions."""

from __future__ import annotations

import asyncio
import hmac
import inspect
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import azure.functions as func
from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.web_urldispatcher import UrlDispatcher

_CATCH_ALL: Final = re.compile(r"\{\*(\w+)\}")

logger = logging.getLogger("sandbox.functions_host")


@dataclass(frozen=True, slots=True)
class Keys:
    """The host's keys: callers give one as ``?code=`` or in ``x-functions-key``."""

    function: str
    master: str

    def require_master(self, request: web.Request) -> None:
        """Refuse a request without the master key."""
        self._require(request, (self.master,))

    def require_function(self, request: web.Request) -> None:
        """Refuse a request without a function key or the master key."""
        self._require(request, (self.function, self.master))

    @staticmethod
    def _require(request: web.Request, accepted: tuple[str, ...]) -> None:
        given = request.headers.get("x-functions-key") or request.query.get("code") or ""
        if not any(hmac.compare_digest(given.encode(), key.encode()) for key in accepted):
            raise web.HTTPUnauthorized


class HttpFunction:
    """One function with an HTTP trigger."""

    def __init__(self, function: func.Function, trigger: dict[str, Any], prefix: str, keys: Keys) -> None:
        self.name = function.get_function_name() or ""
        self._call = function.get_user_function()
        self._argument = trigger["name"]
        route = (trigger.get("route") or self.name).strip("/")
        self._path = "/{}/{}".format(prefix, _CATCH_ALL.sub(r"{\1:.*}", route))
        self._methods = [str(getattr(method, "value", method)) for method in trigger.get("methods") or ["*"]]
        self._level = str(getattr(trigger.get("authLevel"), "value", trigger.get("authLevel"))).lower()
        self._keys = keys

    def register(self, router: UrlDispatcher) -> None:
        """Add the function's route for each of its methods."""
        for method in self._methods:
            router.add_route(method.upper(), self._path, self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        if self._level == "admin":
            self._keys.require_master(request)
        elif self._level != "anonymous":
            self._keys.require_function(request)
        call = func.HttpRequest(
            request.method,
            str(request.url),
            headers=dict(request.headers),
            params=dict(request.query),
            route_params=dict(request.match_info),
            body=await request.read(),
        )
        try:
            answer = self._call(**{self._argument: call})
            if inspect.isawaitable(answer):
                answer = await answer
        except asyncio.CancelledError:
            raise
        except Exception:
            logger.exception("%s failed", self.name)
            return web.Response(status=500)
        return _shaped(answer)


def _shaped(answer: func.HttpResponse | str) -> web.Response:
    if isinstance(answer, str):
        return web.Response(text=answer)
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-type"}
    content_type = answer.headers.get("content-type") or f"{answer.mimetype}; charset={answer.charset}"
    return web.Response(
        body=answer.get_body(), status=answer.status_code, headers={**headers, "Content-Type": content_type}
    )
