"""The way from the platform's sign-in to a host behind it: in Azure there is no other, so here a key stands for it."""

from __future__ import annotations

import hmac
from typing import Final

from aiohttp import web

HEADER: Final = "X-Sandbox-Door"


def require_door_key(request: web.Request, key: str) -> None:
    """Refuse a request that does not show the key with 403; an empty key lets everybody in."""
    if key and not hmac.compare_digest(request.headers.get(HEADER, "").encode(), key.encode()):
        raise web.HTTPForbidden(text="This app is reached through the sign-in before it alone.")
