"""What the reliability tests share: a fleet, and hypothesis without its clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.local_azure import Sandbox
from tests.collector.conftest import fleet
from tests.reliability.secrets_watch import secrets_stay_unsaid

__all__ = ["fleet"]


@pytest.fixture
def nothing_secret_is_logged(sandbox: Sandbox) -> Iterator[None]:
    """Whatever a test does: at no level does any logger of the process tell a secret or a body."""
    with secrets_stay_unsaid(sandbox):
        yield
