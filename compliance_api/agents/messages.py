"""Messages of the Model Context Protocol: what a body holds, which version of it a request speaks, and errors.

Sources: modelcontextprotocol.io/specification, 2025-03-26 to 2025-11-25 (basic, lifecycle, transports), and 2026-07-28
(basic/versioning, basic/transports/streamable-http), which has no handshake: each request says its version itself.
"""

import base64
import binascii
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson

from compliance_api.http import Answer, Request, json_answer

WITH_HANDSHAKE: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
"""The versions that begin with `initialize`, latest first."""

WITHOUT_HANDSHAKE: Final = ("2026-07-28",)
PROTOCOL_VERSIONS: Final = (*WITHOUT_HANDSHAKE, *WITH_HANDSHAKE)
"""The versions that are spoken, latest first."""

WITH_BATCHES: Final = "2025-03-26"
"""The one version in which a body may hold several messages; it is also the one of requests that name none."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022

META: Final = "io.modelcontextprotocol/"
_VERSION_HEADER: Final = "MCP-Protocol-Version"
_ENCODED: Final = ("=?base64?", "?=")


class RpcError(Exception):
    """Why a message is answered with a JSON-RPC error, and with which HTTP status."""

    def __init__(self, code: int, message: str, status: HTTPStatus = HTTPStatus.OK, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.data = data

    def response(self, identifier: str | int | None) -> dict[str, Any]:
        """Return the response; one without an id where the message has none that can be read."""
        error = {"code": self.code, "message": str(self), **({} if self.data is None else {"data": self.data})}
        return {"jsonrpc": "2.0", **({} if identifier is None else {"id": identifier}), "error": error}

    def answer(self, identifier: str | int | None = None) -> Answer:
        """Return the response as an answer."""
        return json_answer(self.response(identifier), self.status)


def messages_in(body: bytes) -> Any:
    """Return what a body holds; RpcError for what is not JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RpcError(PARSE_ERROR, "The body is not JSON.", HTTPStatus.BAD_REQUEST) from error


def identifier_of(message: Any) -> str | int | None:
    """Return the id of a message; None where it has none that a request may have."""
    identifier = message.get("id") if isinstance(message, dict) else None
    return identifier if isinstance(identifier, str | int) and not isinstance(identifier, bool) else None


def wants_answer(message: Any) -> bool:
    """Tell a request from a notification or a response; RpcError for what is none of them."""
    if isinstance(message, dict) and message.get("jsonrpc") == "2.0":
        if isinstance(message.get("method"), str):
            if "id" not in message:
                return False
            if identifier_of(message) is not None:
                return True
        elif "method" not in message and ("result" in message or "error" in message):
            return False
    raise RpcError(INVALID_REQUEST, "The message is none of JSON-RPC 2.0.", HTTPStatus.BAD_REQUEST)


def params_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params of a request; RpcError when they are no object."""
    params = message.get("params")
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "params is an object.")
    return params


def version_of(request: Request) -> str:
    """Return the version that a request's header names, or that of those without; RpcError for none of ours."""
    version = request.header(_VERSION_HEADER) or WITH_BATCHES
    if version not in PROTOCOL_VERSIONS:
        raise _unsupported(version)
    return version


def is_self_contained(request: Request, method: str, params: Mapping[str, Any]) -> bool:
    """Tell whether a request says its version itself, without a handshake; RpcError when it does so wrongly."""
    meta = params.get("_meta")
    told = meta.get(f"{META}protocolVersion") if isinstance(meta, dict) else None
    header = request.header(_VERSION_HEADER)
    if told is None and header not in WITHOUT_HANDSHAKE:
        return False
    if not isinstance(told, str) or not isinstance(meta, dict):
        raise _malformed(f"_meta names no {META}protocolVersion.")
    if header != told:
        raise _mismatch(_VERSION_HEADER)
    if told not in PROTOCOL_VERSIONS:
        raise _unsupported(told)
    if told not in WITHOUT_HANDSHAKE:
        return False
    if not isinstance(meta.get(f"{META}clientCapabilities"), dict):
        raise _malformed(f"_meta names no {META}clientCapabilities.")
    if request.header("Mcp-Method") != method:
        raise _mismatch("Mcp-Method")
    if method == "tools/call" and _decoded(request.header("Mcp-Name")) != params.get("name"):
        raise _mismatch("Mcp-Name")
    return True


def _decoded(header: str) -> str:
    begin, end = _ENCODED
    if not (header.startswith(begin) and header.endswith(end)):
        return header
    try:
        return base64.b64decode(header[len(begin) : -len(end)], validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _mismatch("Mcp-Name") from error


def _mismatch(header: str) -> RpcError:
    return RpcError(
        HEADER_MISMATCH,
        f"The header {header} is missing, or says something else than the body.",
        HTTPStatus.BAD_REQUEST,
    )


def _malformed(detail: str) -> RpcError:
    return RpcError(INVALID_PARAMS, detail, HTTPStatus.BAD_REQUEST)


def _unsupported(version: str) -> RpcError:
    data = {"supported": list(PROTOCOL_VERSIONS), "requested": version[:100]}
    detail = f"The versions spoken here are {', '.join(PROTOCOL_VERSIONS)}."
    return RpcError(UNSUPPORTED_VERSION, detail, HTTPStatus.BAD_REQUEST, data)
