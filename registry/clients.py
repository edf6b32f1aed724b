"""The clients a function needs, opened from its settings and closed again when nobody uses them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from publisher.credentials import own_identity_credential, service_principal_credential
from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_manager import ResourceManager
from publisher.retry import DEFAULT_ATTEMPTS, Sleep
from publisher.settings import NotificationSettings, ReconcileSettings
from publisher.table import Patience
from registry.refresh import Refresher
from registry.registry import Registry

_Key = TypeVar("_Key", bound=Hashable)
_Client = TypeVar("_Client")


@dataclass(slots=True)
class _Lease(Generic[_Client]):
    """One client, what has to be closed after it, and how many invocations use it now."""

    client: _Client
    connections: AsyncExitStack
    users: int = field(default=0)


class _Lending(Generic[_Key, _Client]):
    """Lends one client to all invocations that run at the same time with the same key, and closes it after the last.

    A burst of notifications so needs one token and one pool of connections, and an idle process keeps nothing open.
    """

    def __init__(self, open_client: Callable[[_Key], tuple[_Client, AsyncExitStack]]) -> None:
        self._open = open_client
        self._leases: dict[tuple[asyncio.AbstractEventLoop, _Key], _Lease[_Client]] = {}

    @asynccontextmanager
    async def lend(self, key: _Key) -> AsyncIterator[_Client]:
        """Lend the client of a key in this event loop; raise what opening it raises."""
        here = asyncio.get_running_loop(), key
        lease = self._leases.get(here)
        if lease is None:
            lease = self._leases[here] = _Lease(*self._open(key))
        lease.users += 1
        try:
            yield lease.client
        finally:
            lease.users -= 1
            if not lease.users:
                del self._leases[here]
                await lease.connections.aclose()


@asynccontextmanager
async def shared_refresher(
    settings: NotificationSettings | ReconcileSettings,
    *,
    attempts: int = DEFAULT_ATTEMPTS,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Refresher]:
    """Lend a refresher, shared by all who have the same settings at the same time.

    `attempts` is how often a call is made that fails for a reason that may pass, `sleep` waits in between. Raises
    SettingsError for a certificate that cannot be used.
    """
    async with _REFRESHERS.lend((settings, attempts, sleep)) as refresher:
        yield refresher


@asynccontextmanager
async def shared_logs_endpoint(
    settings: NotificationSettings, *, attempts: int = DEFAULT_ATTEMPTS, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[LogsEndpoint]:
    """Lend the way into the tables, shared by all who have the same settings at the same time.

    `attempts` is how often an upload is tried that fails for a reason that may pass, `sleep` waits in between.
    """
    async with _LOGS_ENDPOINTS.lend((settings, attempts, sleep)) as endpoint:
        yield endpoint


def _open_refresher(
    key: tuple[NotificationSettings | ReconcileSettings, int, Sleep],
) -> tuple[Refresher, AsyncExitStack]:
    settings, attempts, sleep = key
    credential = service_principal_credential(settings.service_principal, settings.cloud)
    arm = ResourceManager(credential, settings.cloud, attempts=attempts, sleep=sleep)
    patience = Patience(attempts, sleep=sleep)
    registry = Registry.open(settings.storage, settings.table_name, settings.own_identity_client_id, patience=patience)
    connections = AsyncExitStack()
    for client in (credential, arm, registry):
        connections.push_async_exit(client)
    return Refresher(arm, registry), connections


def _open_logs_endpoint(key: tuple[NotificationSettings, int, Sleep]) -> tuple[LogsEndpoint, AsyncExitStack]:
    settings, attempts, sleep = key
    credential = own_identity_credential(settings.own_identity_client_id)
    endpoint = LogsEndpoint(
        settings.data_collection_endpoint,
        settings.data_collection_rule_id,
        settings.cloud.monitor_audience,
        credential,
        attempts=attempts,
        sleep=sleep,
    )
    connections = AsyncExitStack()
    for client in (credential, endpoint):
        connections.push_async_exit(client)
    return endpoint, connections


_REFRESHERS: Final = _Lending(_open_refresher)
_LOGS_ENDPOINTS: Final = _Lending(_open_logs_endpoint)
