"""Stores audit rows with one client for all requests of a warm instance."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from compliance_api.settings import ApiSettings
from compliance_api.trail.batches import Batches
from publisher.audit.row import AuditRow
from publisher.audit.store import record
from publisher.credentials import own_identity_credential
from publisher.logs_endpoint import LogsEndpoint
from publisher.retry import Patience

SECONDS: Final = 3.0
"""What an answer waits for its row at most."""

_ATTEMPTS: Final = 2


class Keeper:
    """The open client of the api's data collection rule: its connections and its token serve every request.

    A process has one event loop and one set of settings; for others it is opened anew.
    """

    def __init__(self) -> None:
        self._opened_for: tuple[asyncio.AbstractEventLoop, ApiSettings] | None = None
        self._batches: Batches | None = None
        self._connections = AsyncExitStack()

    async def keep(self, rows: Sequence[AuditRow], settings: ApiSettings) -> None:
        """Store rows; raise NotRecorded when they are not stored in time."""
        batches = await self._open(settings)
        await batches.store(rows, seconds=SECONDS)

    async def close(self) -> None:
        """Close the connections, unless none is open."""
        connections, self._connections = self._connections, AsyncExitStack()
        self._batches = self._opened_for = None
        await connections.aclose()

    async def _open(self, settings: ApiSettings) -> Batches:
        wanted = asyncio.get_running_loop(), settings
        if self._batches is not None and self._opened_for == wanted:
            return self._batches
        former, self._connections = self._connections, AsyncExitStack()
        credential = own_identity_credential(settings.own_identity_client_id)
        endpoint = LogsEndpoint(settings, credential, patience=Patience(_ATTEMPTS))
        self._connections.push_async_exit(credential)
        self._connections.push_async_exit(endpoint)
        batches = Batches(lambda rows: record(rows, endpoint, settings.audit_stream, seconds=SECONDS))
        # All at once, without waiting in between: a request that comes meanwhile finds the client open.
        self._batches, self._opened_for = batches, wanted
        await former.aclose()
        return batches


KEEPER: Final = Keeper()
