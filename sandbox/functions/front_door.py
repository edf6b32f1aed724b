"""The public address of the api: the platform's sign-in (easy_auth.py) before a Functions host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sandbox.azure.identity.directory import AGENT, API_AUDIENCE
from sandbox.azure.identity.tokens import DEFAULT_LIFETIME_SECONDS
from sandbox.azure.site import Site
from sandbox.functions.easy_auth import EasyAuth
from sandbox.functions.process import Answer, send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.azure.identity.tokens import TokenIssuer


class FrontDoor:
    """Signs callers in and leads them to a Functions host; a context manager.

    Args:
        issuer: whose tokens are accepted.
        host_url: where the Functions host is.
        port: where to listen, 0 for a free one.
        door_key: what the host wants to be shown, when it answers the sign-in alone.
    """

    def __init__(self, issuer: TokenIssuer, host_url: str, port: int = 0, door_key: str = "") -> None:
        self._issuer = issuer
        self._sign_in = EasyAuth(issuer, host_url, door_key=door_key)
        self._site = Site(self._sign_in.add_routes, port=port)

    def __enter__(self) -> Self:
        self._site.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._site.__exit__(*_)

    @property
    def url(self) -> str:
        """The address, without a slash at the end: what ``https://<app>.azurewebsites.net`` is in Azure."""
        return self._site.url

    @property
    def operations_page(self) -> str:
        """What an operator opens in a browser: signs in and leads to the page."""
        return self._sign_in.front_door(self.url)

    def token(self, lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS) -> str:
        """Return a token for the API, of a workload that may read and query."""
        return self._issuer.issue(AGENT, API_AUDIENCE, lifetime_seconds)

    def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Send a GET with these headers, and return the answer."""
        return send(self.url, "GET", path, headers=headers)
