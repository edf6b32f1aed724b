"""The HTTP endpoint that an action group posts alerts to; it keeps them."""

from __future__ import annotations

import threading
import urllib.request
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiohttp import web

from sandbox.errors import json_response

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

PATH: Final = "/alerts"
TIMEOUT_SECONDS: Final = 10


class AlertReceiver:
    """Keeps every payload of the common alert schema that is posted to it. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._payloads: list[dict[str, Any]] = []

    def add_routes(self, app: web.Application) -> None:
        """Mount POST /alerts (receive) and GET /alerts (everything received)."""
        app.router.add_post(PATH, self._receive)
        app.router.add_get(PATH, self._list)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """What was received so far, in order."""
        with self._lock:
            return list(self._payloads)

    async def _receive(self, request: web.Request) -> web.Response:
        try:
            payload = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return web.Response(status=400, text="not JSON")
        if not isinstance(payload, dict) or payload.get("schemaId") != "azureMonitorCommonAlertSchema":
            return web.Response(status=400, text="not the common alert schema")
        with self._lock:
            self._payloads.append(payload)
        return web.Response(status=200)

    async def _list(self, _: web.Request) -> web.Response:
        return json_response(self.payloads)


def post_to(url: str, trust: ssl.SSLContext | None = None) -> Callable[[Mapping[str, Any]], None]:
    """Return a function that posts a payload to a receiver; OSError when nobody receives it.

    Args:
        url: an http or https address on this machine.
        trust: which certificates to accept; None: those that the system trusts.
    """

    def deliver(payload: Mapping[str, Any]) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        request = urllib.request.Request(url, orjson.dumps(payload), headers, method="POST")  # noqa: S310 - see url
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=trust):  # noqa: S310
            pass

    return deliver
