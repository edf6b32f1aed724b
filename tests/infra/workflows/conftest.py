"""A runner that has nothing but what a test puts on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra.workflows.runner import Runner

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)
