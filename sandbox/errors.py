"""How the servers refuse a request (`raise RefusedError(...)`) and answer JSON."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web


class RefusedError(Exception):
    """Raised by a server for a request that Azure would refuse; answered in Azure's usual error shape.

    Source: `{"error": {"code", "message"}}`, the shape of Azure Resource Manager and Logs Ingestion.
    """

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def response(self) -> web.Response:
        """The answer that goes out on the wire."""
        body = {"error": {"code": self.code, "message": self.message}}
        return json_response(body, status=self.status, headers=self.headers | {"x-ms-error-code": self.code})


def not_implemented(what: str) -> RefusedError:
    """The 501 for something that Azure can do and the sandbox cannot; it never guesses an answer."""
    return RefusedError(501, "NotImplementedInSandbox", f"The sandbox does not implement {what}.")


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """`body` as JSON, encoded by orjson because some answers are megabytes."""
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")
