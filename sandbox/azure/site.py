"""A plain HTTP server on a loopback port, for what is not Azure: alert receiver, playground, sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from aiohttp import web

from sandbox.azure.web import HOST, ServerThread

if TYPE_CHECKING:
    from collections.abc import Callable


class Site:
    """Serves plain HTTP from a thread of its own; a context manager.

    Each of `add_routes` adds what is served. Port 0 stands for a free one.
    """

    def __init__(self, *add_routes: Callable[[web.Application], None], port: int = 0) -> None:
        self._app = web.Application()
        for add in add_routes:
            add(self._app)
        self._port = port
        self._thread = ServerThread()
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1)

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"http://{HOST}:{self._runner.addresses[0][1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._thread.run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.run(self._runner.cleanup())
        self._thread.stop()

    async def _listen(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port).start()
