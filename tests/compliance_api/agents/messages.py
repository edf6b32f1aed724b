"""Sends messages of the Model Context Protocol to the API, as a client does."""

import json
from typing import Any

from tests.compliance_api.conftest import READER, Api, Reply


async def post(api: Api, message: Any, caller: dict[str, str] = READER, **headers: str) -> Reply:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers}
    return await api.send("POST", "mcp", {**caller, **sent}, {}, body)
