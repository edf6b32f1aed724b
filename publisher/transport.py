"""The connections to Azure: one bounded pool per client, with time-outs that fit a function's life."""

import functools
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport

DEFAULT_CONNECTIONS: Final = 64
_CONNECT_SECONDS: Final = 15
_LONGEST_SILENCE: Final = ContextVar("longest_silence", default=60.0)
"""Seconds of waiting for an answer or its next bytes, not for the whole of it."""


@contextmanager
def longest_silence(seconds: float) -> Iterator[None]:
    """Clients that are made inside give up after so much silence instead of a minute: for a diagnosis, say."""
    token = _LONGEST_SILENCE.set(seconds)
    try:
        yield
    finally:
        _LONGEST_SILENCE.reset(token)


class Transport(AioHttpTransport):  # type: ignore[misc] # azure-core exports it lazily, without its type
    """azure-core's aiohttp transport with a connection pool of its own, opened with its first request.

    Trust comes from SSL_CERT_FILE and SSL_CERT_DIR, as OpenSSL reads them, at that time: aiohttp by itself would keep
    what they were when it was imported. Proxies come from HTTPS_PROXY, HTTP_PROXY and NO_PROXY, looked up once for
    each server: aiohttp would do so for each request, in a thread, and read ~/.netrc besides, whose passwords have
    no business in a request that carries a token.
    """

    def __init__(self, *, connections: int = DEFAULT_CONNECTIONS) -> None:
        super().__init__(connection_timeout=_CONNECT_SECONDS, read_timeout=_LONGEST_SILENCE.get())
        self.session: aiohttp.ClientSession | None = None
        self._connections = connections
        self._closed = False
        self._proxies: dict[str, str | None] = {}

    async def open(self) -> None:
        """Open the connection pool, unless it is open; a transport that was closed stays closed."""
        if self.session is None and not self._closed:
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
        """Send one request; see azure-core's transport."""
        if not proxies:
            origin = request.url[: request.url.find("/", len("https://"))]
            if origin not in self._proxies:
                self._proxies[origin] = _proxy_for(origin)
            options.setdefault("proxy", self._proxies[origin])
        return await super().send(request, stream=stream, proxies=proxies, **options)

    async def close(self) -> None:
        """Close the connection pool for good."""
        self._closed = True
        await super().close()


class Closing:
    """Something with connections: an asynchronous context manager that closes them at its end."""

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


@functools.lru_cache(maxsize=8)
def _tls(_certificate_file: str | None, _certificate_directory: str | None) -> ssl.SSLContext:
    return ssl.create_default_context()


def _proxy_for(origin: str) -> str | None:
    parts = urlsplit(origin)
    if proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)
