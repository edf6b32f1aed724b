"""Opens what notifications need: for taking them in, and for asking ARM."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from publisher.credentials import own_identity_credential
from publisher.logs_endpoint import LogsEndpoint
from publisher.retry import Patience, Sleep
from publisher.settings import IntakeSettings, ReconcileSettings
from registry.clients import SharedClients, closing, shared_logs_endpoint, shared_refresher
from registry.notifications.asking import Asker
from registry.notifications.bounds import Bounds
from registry.notifications.intake import Intake
from registry.notifications.pending_table import PendingTable
from registry.registry import Registry

_ATTEMPTS: Final = 2
"""The host delivers a message again, and the timer asks again in a minute: few quick attempts are enough."""

BOUNDS: Final = Bounds()
"""Of this process, for as long as it lives: an intake is closed when no message is being taken."""


def _open_intake(settings: IntakeSettings, patience: Patience) -> tuple[Intake, AsyncExitStack]:
    credential = own_identity_credential(settings.own_identity_client_id)
    endpoint = LogsEndpoint(settings, credential, patience=patience)
    registry = Registry(settings, patience=patience)
    pending = PendingTable(settings.storage, patience=patience)
    intake = Intake(registry, pending, endpoint, settings.events_stream, settings.offers, BOUNDS)
    return intake, closing(credential, endpoint, registry, pending)


_INTAKES: Final = SharedClients(_open_intake)


@asynccontextmanager
async def shared_intake(settings: IntakeSettings, *, sleep: Sleep = asyncio.sleep) -> AsyncIterator[Intake]:
    """Yield an intake, shared by all messages that are taken at the same time; `sleep` waits between attempts."""
    async with _INTAKES.share(settings, Patience(_ATTEMPTS, sleep=sleep)) as intake:
        yield intake


@asynccontextmanager
async def open_asker(settings: ReconcileSettings, *, sleep: Sleep = asyncio.sleep) -> AsyncIterator[Asker]:
    """Yield an asker; raise SettingsError for a certificate that cannot be used. `sleep` waits between attempts."""
    async with (
        shared_refresher(settings, attempts=_ATTEMPTS, sleep=sleep) as refresher,
        shared_logs_endpoint(settings, attempts=_ATTEMPTS, sleep=sleep) as endpoint,
        PendingTable(settings.storage, patience=Patience(_ATTEMPTS, sleep=sleep)) as pending,
    ):
        yield Asker(refresher, pending, endpoint, settings.events_stream)
