"""The clients a function needs, opened from its settings and closed again when nobody uses them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from publisher.credentials import service_principal_credential
from publisher.refresh import Refresher
from publisher.registry import Registry
from publisher.resource_manager import ResourceManager
from publisher.settings import NotificationSettings, ReconcileSettings


@dataclass(slots=True)
class _Lease:
    """One set of clients and how many invocations use it now."""

    refresher: Refresher
    clients: AsyncExitStack
    users: int = field(default=0)


_LEASES: Final[dict[tuple[asyncio.AbstractEventLoop, NotificationSettings | ReconcileSettings], _Lease]] = {}


@asynccontextmanager
async def shared_refresher(settings: NotificationSettings | ReconcileSettings) -> AsyncIterator[Refresher]:
    """Lend a refresher whose clients all invocations share that run at the same time with the same settings.

    A burst of notifications so needs one token and one pool of connections, and an idle process keeps nothing open.
    Raises SettingsError for a certificate that cannot be used.
    """
    key = asyncio.get_running_loop(), settings
    lease = _LEASES.get(key)
    if lease is None:
        lease = _LEASES[key] = _open(settings)
    lease.users += 1
    try:
        yield lease.refresher
    finally:
        lease.users -= 1
        if not lease.users:
            del _LEASES[key]
            await lease.clients.aclose()


def _open(settings: NotificationSettings | ReconcileSettings) -> _Lease:
    credential = service_principal_credential(settings.service_principal, settings.cloud)
    arm = ResourceManager(credential, settings.cloud)
    registry = Registry.open(settings.storage, settings.table_name, settings.own_identity_client_id)
    clients = AsyncExitStack()
    for client in (credential, arm, registry):
        clients.push_async_exit(client)
    return _Lease(Refresher(arm, registry), clients)
