"""A customer, and the worker that is told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox.local_azure import Sandbox
from tests.worker_side import Lines, WorkerSide, open_worker_side


@pytest.fixture
async def worker(sandbox: Sandbox, environment: dict[str, str]) -> AsyncIterator[WorkerSide]:
    assert environment
    async with open_worker_side(sandbox) as opened:
        yield opened


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """What the worker logs about notifications."""
    return Lines(caplog, "registry.notifications")
