"""Runs the sandbox's servers in one thread with its own event loop, each service on a loopback port of its own."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from sandbox.errors import RefusedError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine

    from aiohttp.typedefs import Handler

    from sandbox.azure.certificates import ServerCertificate
    from sandbox.azure.request_log import RequestLog
    from sandbox.services import Service

HOST = "127.0.0.1"
LARGEST_BODY_BYTES = 8 * 1024 * 1024
"""Larger than anything a service accepts: each service refuses large bodies with its own error."""

T = TypeVar("T")


class ServerThread:
    """An event loop in a thread. Servers in it keep answering while a test's own loop is busy or blocked."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` in the thread's loop and returns its result; called from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        """Cancels what still runs and ends the thread."""
        self.run(_cancel_everything())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Server:
    """One service's HTTP server. `latency` seconds pass before each of its answers is worked out."""

    def __init__(
        self,
        service: Service,
        thread: ServerThread,
        log: RequestLog,
        certificate: ServerCertificate | None,
        port: int = 0,
    ) -> None:
        self.service = service
        self.latency = 0.0
        self.app = web.Application(client_max_size=LARGEST_BODY_BYTES, middlewares=[self._serve])
        self._thread = thread
        self._log = log
        self._scheme = "https" if certificate else "http"
        self._context = certificate.context() if certificate else None
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = port

    @property
    def url(self) -> str:
        """The address, without a slash at the end. It stays the same when the server stops and starts again."""
        return f"{self._scheme}://{HOST}:{self._port}"

    def start(self, certificate: ServerCertificate | None = None) -> None:
        """Listens, on the port it had before if it ran before, presenting another `certificate` if one is given."""
        self._thread.run(self._start(certificate.context() if certificate else self._context))

    def stop(self) -> None:
        """Refuses connections from now on and cuts those that are open."""
        self._thread.run(self._stop())

    def close(self) -> None:
        """Stops for good."""
        self._thread.run(self._close())

    async def _start(self, context: ssl.SSLContext | None) -> None:
        if self._runner is None:
            self._runner = web.AppRunner(
                self.app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1, auto_decompress=False
            )
            await self._runner.setup()
        self._site = web.TCPSite(self._runner, HOST, self._port, ssl_context=context, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        if self._site is not None:
            await self._site.stop()
            self._site = None
        if self._runner is not None and self._runner.server is not None:
            for connection in self._runner.server.connections:
                if connection.transport is not None:
                    connection.transport.abort()

    async def _close(self) -> None:
        await self._stop()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        with self._log.record(self.service, request) as entry:
            if self.latency:
                await asyncio.sleep(self.latency)
            try:
                response = await handler(request)
            except RefusedError as refused:
                response = refused.response()
            except web.HTTPException as error:
                entry.status = error.status
                raise
            if request.transport is not None and not request.transport.is_closing():
                entry.status = response.status
            body = response.body if isinstance(response, web.Response) else None
            entry.answered_bytes = len(body) if isinstance(body, bytes) else 0
            return response


async def _cancel_everything() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
