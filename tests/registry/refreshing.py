"""What tests of the refresh share."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from registry.managed_application import ManagedApplication
from registry.registry import Registry

NOW = datetime.now(UTC)


def soon() -> float:
    return time.monotonic() + 20


async def only(registry: Registry) -> ManagedApplication:
    (found,) = [item async for item in registry.applications()]
    assert isinstance(found, ManagedApplication)
    return found
