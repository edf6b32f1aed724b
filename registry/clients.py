"""Clients that invocations share: opened from settings, and closed when no invocation uses them any more."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from publisher.credentials import own_identity_credential, service_principal_credential
from publisher.logs_endpoint import LogsEndpoint
from publisher.resource_manager import ResourceManager
from publisher.retry import DEFAULT_ATTEMPTS, Patience, Sleep
from publisher.settings import ReconcileSettings
from registry.ownership import Ownership
from registry.refresh import Refresher
from registry.registry import Registry

_Settings = TypeVar("_Settings", bound=Hashable)
_Client = TypeVar("_Client")


@dataclass(slots=True)
class _OpenClient(Generic[_Client]):
    """One client, the connections to close after it, and how many invocations use it now."""

    client: _Client
    connections: AsyncExitStack
    users: int = field(default=0)


class SharedClients(Generic[_Settings, _Client]):
    """One client for all invocations that run at the same time with the same settings, closed after the last of them.

    So a burst of notifications needs one token and one pool of connections, and an idle process keeps nothing open.
    """

    def __init__(self, open_client: Callable[[_Settings, Patience], tuple[_Client, AsyncExitStack]]) -> None:
        self._open = open_client
        self._clients: dict[tuple[asyncio.AbstractEventLoop, _Settings, Patience], _OpenClient[_Client]] = {}

    @asynccontextmanager
    async def share(self, settings: _Settings, patience: Patience) -> AsyncIterator[_Client]:
        """Yield the client for these settings in this event loop; raise what opening it raises."""
        key = asyncio.get_running_loop(), settings, patience
        shared = self._clients.get(key)
        if shared is None:
            shared = self._clients[key] = _OpenClient(*self._open(settings, patience))
        shared.users += 1
        try:
            yield shared.client
        finally:
            shared.users -= 1
            if not shared.users:
                del self._clients[key]
                await shared.connections.aclose()


@asynccontextmanager
async def shared_refresher(
    settings: ReconcileSettings,
    *,
    attempts: int = DEFAULT_ATTEMPTS,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Refresher]:
    """Yield a refresher, shared by all invocations that run at the same time with the same settings.

    `attempts` is how often a call is made that fails for a reason that may pass, `sleep` waits in between. Raises
    SettingsError for a certificate that cannot be used.
    """
    async with _REFRESHERS.share(settings, Patience(attempts, sleep=sleep)) as refresher:
        yield refresher


@asynccontextmanager
async def shared_logs_endpoint(
    settings: ReconcileSettings,
    *,
    attempts: int = DEFAULT_ATTEMPTS,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[LogsEndpoint]:
    """Yield the client of the data collection rule, shared like the refresher; `attempts` and `sleep` as there."""
    async with _LOGS_ENDPOINTS.share(settings, Patience(attempts, sleep=sleep)) as endpoint:
        yield endpoint


def _open_refresher(settings: ReconcileSettings, patience: Patience) -> tuple[Refresher, AsyncExitStack]:
    credential = service_principal_credential(settings.service_principal, settings.cloud)
    arm = ResourceManager(credential, settings.cloud, patience=patience)
    registry = Registry(settings, patience=patience)
    ownership = Ownership(settings.offers, settings.service_principal.tenant_id)
    return Refresher(arm, registry, ownership), closing(credential, arm, registry)


def _open_logs_endpoint(settings: ReconcileSettings, patience: Patience) -> tuple[LogsEndpoint, AsyncExitStack]:
    credential = own_identity_credential(settings.own_identity_client_id)
    endpoint = LogsEndpoint(settings, credential, patience=patience)
    return endpoint, closing(credential, endpoint)


def closing(*clients: AbstractAsyncContextManager[Any]) -> AsyncExitStack:
    """Return a stack that closes these clients, the last one first."""
    connections = AsyncExitStack()
    for client in clients:
        connections.push_async_exit(client)
    return connections


_REFRESHERS: Final = SharedClients(_open_refresher)
_LOGS_ENDPOINTS: Final = SharedClients(_open_logs_endpoint)
