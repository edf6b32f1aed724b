"""Tables, and the exports of them, in the sandbox's storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest

from publisher.retry import Patience
from publisher.settings import PublicationSettings
from sandbox.local_azure import Sandbox
from verdicts.exports.daily import export_daily
from verdicts.exports.manifest import Manifest
from verdicts.exports.store import ExportStore

Export = Callable[..., Coroutine[Any, Any, Manifest | None]]


@pytest.fixture
def publication(sandbox: Sandbox) -> PublicationSettings:
    return PublicationSettings.from_environment(sandbox.environment)


@pytest.fixture
def export_now(publication: PublicationSettings) -> Export:
    """Does what the timer does; the day can be given."""

    async def export(day: datetime | None = None) -> Manifest | None:
        return await export_daily(
            publication, version="1.2.3", clock=lambda: day or datetime.now(UTC), sleep=_instantly
        )

    return export


async def _instantly(_: float) -> None:
    pass


@pytest.fixture
async def store(publication: PublicationSettings) -> AsyncIterator[ExportStore]:
    async with ExportStore(publication.storage, patience=Patience(2, sleep=_instantly)) as opened:
        yield opened
