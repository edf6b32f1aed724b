"""The HTTP connections to Azure: one bounded pool per client, with time-outs shorter than a function's."""

import asyncio.sslproto
import functools
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

from publisher.configuration.proxies import Proxy, proxy_for
from publisher.errors.kinds import UNTOLD, RequestRefused
from publisher.lenient_json import members_of

DEFAULT_CONNECTIONS: Final = 64
_CONNECT_SECONDS: Final = 15
_BUFFER_BYTES: Final = 65_536
"""What asyncio reads of a TLS connection at once. It keeps buffers for that, a quarter of a megabyte by default."""

_REDIRECTS: Final = frozenset({300, 301, 302, 303, 307, 308})
_LONGEST_SILENCE: Final = ContextVar("longest_silence", default=60.0)
"""The read time-out in seconds: for an answer to begin, or its next bytes to come."""


@contextmanager
def longest_silence(seconds: float) -> Iterator[None]:
    """Give clients that are made inside this read time-out in seconds instead of a minute."""
    token = _LONGEST_SILENCE.set(seconds)
    try:
        yield
    finally:
        _LONGEST_SILENCE.reset(token)


class Transport(AioHttpTransport):  # type: ignore[misc] # azure-core exports it lazily, without its type
    """azure-core's aiohttp transport with a connection pool of its own, opened with its first request.

    SSL_CERT_FILE and SSL_CERT_DIR are read then, as OpenSSL reads them; aiohttp by itself would read them when it is
    imported. The proxy's variables are looked up once for each server; aiohttp would do so for each request, in a
    thread, and would also send passwords from ~/.netrc. Its messages have a proxy's address, which is why user and
    password are taken out of it.

    No redirect is followed, whichever client asks: the SDKs would send the body, and on the same host the token, to
    wherever it leads.
    """

    def __init__(self, *, connections: int = DEFAULT_CONNECTIONS) -> None:
        super().__init__(connection_timeout=_CONNECT_SECONDS, read_timeout=_LONGEST_SILENCE.get())
        self.session: aiohttp.ClientSession | None = None
        self._connections = connections
        self._closed = False
        self._proxies: dict[str, Proxy | None] = {}

    async def open(self) -> None:
        """Open the connection pool, unless it is open or was closed."""
        if self.session is None and not self._closed:
            asyncio.sslproto.SSLProtocol.max_size = _BUFFER_BYTES  # there is no argument for it
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections,
                    ssl=_tls(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
                ),
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # azure-core decompresses
            )
        await super().open()

    async def send(self, request: Any, *, stream: bool = False, proxies: Any = None, **options: Any) -> Any:
        """Send one request; see azure-core's transport.

        Raises SettingsError for a proxy that is none, and RequestRefused for an answer that is a redirect.
        """
        if not proxies:
            parts = urlsplit(request.url)
            origin = f"{parts.scheme}://{parts.netloc}"
            if origin not in self._proxies:
                self._proxies[origin] = proxy_for(origin, os.environ)
            if proxy := self._proxies[origin]:
                options.setdefault("proxy", proxy.url)
                if proxy.authorization and parts.scheme == "https":
                    options.setdefault("proxy_headers", {"Proxy-Authorization": proxy.authorization})
                elif proxy.authorization:
                    request.headers["Proxy-Authorization"] = proxy.authorization
        response = await super().send(request, stream=stream, proxies=proxies, **options)
        if response.status_code in _REDIRECTS:
            raise _not_followed(response)
        return response

    async def close(self) -> None:
        """Close the connection pool for good."""
        self._closed = True
        await super().close()


class Authentication(AsyncARMChallengeAuthenticationPolicy):
    """Azure Resource Manager's tokens, also with the claims of a challenge (continuous access evaluation).

    A challenge whose claims are no JSON object is not taken up: the 401 that it came with is the answer.
    """

    async def on_challenge(self, request: Any, response: Any) -> bool:
        """Authorize the request as a challenge wants; return False when nobody can read what it wants."""
        try:
            return await super().on_challenge(request, response)
        except ValueError:  # also what the claims' base64 and UTF-8 raise
            return False

    async def authorize_request(self, request: Any, *scopes: str, claims: str = "", **options: Any) -> None:
        """Put a token into the request; raise ValueError for claims that are no JSON object."""
        if claims:
            members_of(claims.encode())
            options["claims"] = claims
        await super().authorize_request(request, *scopes, **options)


class Closing:
    """A client with connections, as an asynchronous context manager that closes them."""

    async def close(self) -> None:
        """Close the connections."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of a URL, in lower case; `("", None, None)` for a text that is no URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None, None


def _not_followed(response: Any) -> RequestRefused:
    """Return the failure for a redirect; of where it leads, the message has the host only."""
    response.internal_response.close()
    host = origin_of(response.headers.get("Location") or "")[1] or "another address"
    message = f"the answer is a redirect to {host}, which is not followed"
    return RequestRefused(message, code=UNTOLD.format(response.status_code), status=response.status_code)


def astray(link: str, home: str) -> str:
    """Return what is wrong with a link that has to lead to the server of the URL `home`; "" when nothing is."""
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        return "is no address"
    scheme, home_host, _ = origin_of(home)
    if not host:
        return "is no complete address"
    if host != home_host:
        return "leads to another host"
    if "@" in parts.netloc:
        return "has a user name in it"
    if parts.scheme.lower() != scheme:
        return f"does not begin with {scheme}:"
    return "" if origin_of(link) == origin_of(home) else "leads to another port"


@functools.lru_cache(maxsize=8)
def _tls(_certificate_file: str | None, _certificate_directory: str | None) -> ssl.SSLContext:
    return ssl.create_default_context()
