"""The error bodies of Azure's services, so that a handler can refuse a request in one line."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web


class RefusedError(Exception):
    """A request that Azure would refuse: raised anywhere below a handler, answered in Azure's usual error shape.

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
    """The refusal of something that Azure can do and the sandbox cannot: loud, instead of a plausible guess."""
    return RefusedError(501, "NotImplementedInSandbox", f"The sandbox does not implement {what}.")


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """`body` as JSON, encoded by orjson because some answers are megabytes."""
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")
