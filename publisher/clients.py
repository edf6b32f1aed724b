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
from publisher.retry import DEFAULT_ATTEMPTS
from publisher.settings import NotificationSettings, ReconcileSettings


@dataclass(slots=True)
class _Lease:
    """One set of clients and how many invocations use it now."""

    refresher: Refresher
    clients: AsyncExitStack
    users: int = field(default=0)


_Key = tuple[asyncio.AbstractEventLoop, NotificationSettings | ReconcileSettings, int]
_LEASES: Final[dict[_Key, _Lease]] = {}


@asynccontextmanager
async def shared_refresher(
    settings: NotificationSettings | ReconcileSettings, *, attempts: int = DEFAULT_ATTEMPTS
) -> AsyncIterator[Refresher]:
    """Lend a refresher whose clients all invocations share that run at the same time with the same settings.

    A burst of notifications so needs one token and one pool of connections, and an idle process keeps nothing open.
    `attempts` is how often a call is made that fails for a reason that may pass. Raises SettingsError for a certificate
    that cannot be used.
    """
    key = asyncio.get_running_loop(), settings, attempts
    lease = _LEASES.get(key)
    if lease is None:
        lease = _LEASES[key] = _open(settings, attempts)
    lease.users += 1
    try:
        yield lease.refresher
    finally:
        lease.users -= 1
        if not lease.users:
            del _LEASES[key]
            await lease.clients.aclose()


def _open(settings: NotificationSettings | ReconcileSettings, attempts: int) -> _Lease:
    credential = service_principal_credential(settings.service_principal, settings.cloud)
    arm = ResourceManager(credential, settings.cloud, attempts=attempts)
    registry = Registry.open(settings.storage, settings.table_name, settings.own_identity_client_id, attempts=attempts)
    clients = AsyncExitStack()
    for client in (credential, arm, registry):
        clients.push_async_exit(client)
    return _Lease(Refresher(arm, registry), clients)
