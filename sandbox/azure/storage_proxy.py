"""Forwards storage requests to Azurite, so that they are logged, can fail, and are refused to who has no right.

Requests pass unchanged: a shared key signature covers the path, not the host, so it stays valid.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from yarl import URL

from sandbox.azure.template_queues import TemplateQueues
from sandbox.errors import RefusedError
from sandbox.faults.operations import BlobRequest, QueueRequest, TableRequest
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.azure.azurite import Azurite
    from sandbox.azure.rights import Rights
    from sandbox.faults.faults import Faults

_CONNECTION_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_BY_KEY = ("sharedkey ", "sharedkeylite ")
_OPERATIONS: dict[Service, Callable[[str, str], TableRequest | QueueRequest | BlobRequest]] = {
    Service.TABLES: TableRequest.from_path,
    Service.QUEUES: QueueRequest.from_path,
    Service.BLOBS: BlobRequest.from_path,
}
_AZURITE_NAMES = {Service.TABLES: "table", Service.QUEUES: "queue", Service.BLOBS: "blob"}


class StorageProxy:
    """Forwards one storage service.

    With `rights` it takes tokens alone, and checks what their bearers may do; with `keys_only` it takes no token: the
    emulator believes every one. Requests keep their host, so answers name this address and not the emulator's.
    """

    def __init__(
        self,
        service: Service,
        azurite: Azurite,
        faults: Faults,
        authority: Path,
        rights: Rights | None = None,
        *,
        keys_only: bool = False,
    ) -> None:
        self._service = service
        self._azurite = azurite
        self._faults = faults
        self._authority = authority
        self._rights = rights
        self._keys_only = keys_only
        self._queues = TemplateQueues(azurite, authority)
        self._session: aiohttp.ClientSession | None = None

    def add_routes(self, app: web.Application) -> None:
        """Adds one route for everything, and the client that lives as long as the server."""
        app.router.add_route("*", "/{path:.*}", self._forward)
        app.on_startup.append(self._open)
        app.on_cleanup.append(self._close)

    async def _open(self, _: web.Application) -> None:
        context = ssl.create_default_context(cafile=self._authority)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=0), auto_decompress=False
        )

    async def _close(self, _: web.Application) -> None:
        if self._session is not None:
            await self._session.close()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        operation = _OPERATIONS[self._service](request.method, request.path)

        async def answer() -> web.Response:
            try:
                if self._rights is not None:
                    self._rights.require(self._service, request)
                elif self._keys_only:
                    _require_key(request)
                return await self._passed_on(request, body)
            except RefusedError as refused:
                content_type, content = operation.error(refused.code, refused.message)
                headers = refused.headers | {"x-ms-error-code": refused.code}
                return web.Response(status=refused.status, body=content, content_type=content_type, headers=headers)

        return await self._faults.answer(operation, request, answer)

    async def _passed_on(self, request: web.Request, body: bytes) -> web.Response:
        if self._session is None:
            raise RuntimeError("the proxy was not started")
        kept = {name: value for name, value in request.headers.items() if name.lower() not in _CONNECTION_HEADERS}
        if self._service is Service.QUEUES:
            await self._queues.prepare(request.path)
        url = f"{self._azurite.endpoint(_AZURITE_NAMES[self._service])}{request.raw_path}"
        try:
            async with self._session.request(
                request.method,
                URL(url, encoded=True),
                headers=kept,
                data=body or None,
                skip_auto_headers=("User-Agent", "Content-Type", "Accept"),
                allow_redirects=False,
            ) as response:
                content = await response.read()
        except aiohttp.ClientConnectionError as error:
            raise RefusedError(503, "ServerBusy", "The storage emulator does not answer.") from error
        headers = {name: value for name, value in response.headers.items() if name.lower() not in _CONNECTION_HEADERS}
        return web.Response(status=response.status, body=content, headers=headers)


def _require_key(request: web.Request) -> None:
    given = request.headers.get("Authorization", "").lower()
    is_signed = given.startswith(_BY_KEY) if given else "sig" in request.query
    if not is_signed:
        raise RefusedError(403, "AuthenticationFailed", "Only an account's key opens this address.")
