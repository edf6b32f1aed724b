"""The connections to Azure: one bounded pool per client, with time-outs that fit a function's life."""

import functools
import os
import ssl
from typing import Final

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport

DEFAULT_CONNECTIONS: Final = 64
_CONNECT_SECONDS: Final = 15
_READ_SECONDS: Final = 60
"""Longest silence while waiting for an answer or its next bytes, not for the whole of it."""


class Transport(AioHttpTransport):  # type: ignore[misc] # azure-core exports it lazily, without its type
    """azure-core's aiohttp transport with a connection pool of its own, opened with its first request.

    Trust comes from SSL_CERT_FILE and SSL_CERT_DIR, as OpenSSL reads them, at that time: aiohttp by itself would keep
    what they were when it was imported.
    """

    def __init__(self, *, connections: int = DEFAULT_CONNECTIONS) -> None:
        super().__init__(connection_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS)
        self.session: aiohttp.ClientSession | None = None
        self._connections = connections
        self._closed = False

    async def open(self) -> None:
        """Open the connection pool, unless it is open; a transport that was closed stays closed."""
        if self.session is None and not self._closed:
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections,
                    ssl=_tls(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
                ),
                trust_env=True,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # azure-core decompresses
            )
        await super().open()

    async def close(self) -> None:
        """Close the connection pool for good."""
        self._closed = True
        await super().close()


@functools.lru_cache(maxsize=8)
def _tls(_certificate_file: str | None, _certificate_directory: str | None) -> ssl.SSLContext:
    return ssl.create_default_context()
