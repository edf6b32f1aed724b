"""The files of queries over rows: ours, and those of tables that Azure fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from checks.observation import INFRASTRUCTURE, azure_tables, runnable
from sandbox.workspace.billing import USAGE
from sandbox.workspace.schema import Column, read_tables
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def shared_workspace() -> Iterator[Workspace]:
    # Azure Resource Graph has no time; the local workspace wants one in every table.
    time = Column("TimeGenerated", "dateTime", "")
    timed = {
        name: table
        if "TimeGenerated" in {column.name for column in table.columns}
        else replace(table, columns=(*table.columns, time))
        for name, table in azure_tables().items()
        if name != USAGE  # the local workspace fills it by itself
    }
    with Workspace({**read_tables(), **timed}, clock=lambda: NOW) as workspace:
        yield workspace


@pytest.fixture
def workspace(shared_workspace: Workspace) -> Workspace:
    shared_workspace.clear()
    return shared_workspace


@pytest.fixture
def ask(workspace: Workspace) -> Ask:
    """Runs a query file as the workbook would, over the last seven days; keywords fill in workbook parameters."""

    def run(file: str, **parameters: str) -> list[dict[str, Any]]:
        text = runnable(INFRASTRUCTURE / file, chosen={f"{{{name}}}": value for name, value in parameters.items()})
        return workspace.query(text, timespan=(NOW - timedelta(days=7), NOW))

    return run
