"""HTTP triggers of the Functions host: routes, keys, and the request and answer types of azure-functions."""

from __future__ import annotations

import hmac
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import azure.functions as func
from aiohttp import web

from sandbox.functions.index import IndexingError

if TYPE_CHECKING:
    from multidict import MultiMapping

    from sandbox.functions.index import UserFunction

_PARAMETER: Final = re.compile(r"\{(?P<rest>\*?)(?P<name>\w+)\}")

logger = logging.getLogger("sandbox.functions.host")


@dataclass(frozen=True, slots=True)
class Keys:
    """The host's keys: callers give one as ``?code=`` or in ``x-functions-key``."""

    function: str
    master: str

    def require_master(self, request: web.Request) -> None:
        """Refuse a request without the master key with 401."""
        self._require(request, (self.master,))

    def require_function(self, request: web.Request) -> None:
        """Refuse a request without a function key or the master key with 401."""
        self._require(request, (self.function, self.master))

    @staticmethod
    def _require(request: web.Request, accepted: tuple[str, ...]) -> None:
        given = request.headers.get("x-functions-key") or request.query.get("code") or ""
        if not any(hmac.compare_digest(given.encode(), key.encode()) for key in accepted):
            raise web.HTTPUnauthorized(text="")


class HttpFunction:
    """One function with an HTTP trigger."""

    def __init__(self, function: UserFunction, prefix: str, keys: Keys) -> None:
        self.name = function.name
        self._function = function
        self._keys = keys
        route = (function.trigger.get("route") or function.name).strip("/")
        path = f"{prefix}/{route}".lstrip("/")
        self._path = _path_pattern(function.name, path)
        self.precedence = _precedence(path)
        self._methods = {_text(method).upper() for method in function.trigger.get("methods") or ()}
        self._level = _text(function.trigger.get("authLevel")).lower()

    def match(self, request: web.Request) -> dict[str, str] | None:
        """Return the route's parameters when the request is for this function, else None."""
        if self._methods and request.method not in self._methods:
            return None
        path = request.rel_url.path_safe.replace("%25", "%")  # as Kestrel decodes it: all but %2F
        found = self._path.fullmatch(path.removeprefix("/").removesuffix("/"))
        return None if found is None else found.groupdict(default="")

    async def serve(self, request: web.Request, route_parameters: dict[str, str]) -> web.Response:
        """Check the key, call the function and shape its answer; whatever the function raises is a 500."""
        if self._level == "admin":
            self._keys.require_master(request)
        elif self._level != "anonymous":
            self._keys.require_function(request)
        call = func.HttpRequest(
            request.method,
            str(request.url),
            headers={name.lower(): value for name, value in _joined(request.headers).items()},
            params=_joined(request.query),
            route_params=route_parameters,
            body=await request.read(),
        )
        try:
            return _shaped(await self._function.invoke(call))
        except Exception:  # noqa: BLE001 - a function's failure is its own, and is logged where it is invoked
            return web.Response(status=500)


def _path_pattern(name: str, route: str) -> re.Pattern[str]:
    """Return the pattern of a route; paths match in any casing, as in Azure.

    A parameter for the rest of a path matches no rest as well. Two slashes one after the other match nothing before it,
    nor at its beginning (github.com/dotnet/aspnetcore, RoutePatternMatcher).
    """
    pattern, end = "", 0
    for parameter in _PARAMETER.finditer(route):
        before = re.escape(route[end : parameter.start()])
        if parameter["rest"]:
            slash = "/" if before.endswith("/") else ""
            pattern += f"{before.removesuffix('/')}(?:{slash}(?P<{parameter['name']}>[^/].*))?"
        else:
            pattern += f"{before}(?P<{parameter['name']}>[^/]+)"
        end = parameter.end()
    if "{" in (literals := _PARAMETER.sub("", route)) or "}" in literals:
        raise IndexingError(f"{name}: this host has no constraints or optional parameters in routes: {route}")
    return re.compile(pattern + re.escape(route[end:]), re.IGNORECASE)


def _precedence(route: str) -> list[tuple[int, str]]:
    """Return the order in which routes are tried: texts before parameters, and longer routes before shorter ones.

    Source: github.com/Azure/azure-webjobs-sdk-extensions, WebJobsRouteBuilder.
    """
    segments = route.split("/")
    return [(1, "") if segment.startswith("{") else (0, segment.lower()) for segment in segments] + [(2, "")]


def _joined(values: MultiMapping[str]) -> dict[str, str]:
    """Return each name once, repeated values with a comma between them, as the host passes them to a worker."""
    return {name: ",".join(values.getall(name)) for name in values}


def _text(value: object) -> str:
    return str(getattr(value, "value", value))


def _shaped(answer: Any) -> web.Response:
    if isinstance(answer, str):
        return web.Response(text=answer)
    if not isinstance(answer, func.HttpResponse):
        logger.error("a function answered with a %s instead of an HttpResponse", type(answer).__name__)
        return web.Response(status=500)
    headers = dict(answer.headers.items())
    if "content-type" not in answer.headers:
        charset = f"; charset={answer.charset}" if answer.mimetype.startswith("text/") else ""
        headers["Content-Type"] = answer.mimetype + charset
    return web.Response(body=answer.get_body(), status=answer.status_code, headers=headers)
