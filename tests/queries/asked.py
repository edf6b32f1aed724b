"""The queries that reach a workspace of the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.workspace.workspace import QueryResult, Workspace


def asked(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that every query is added to, as it comes, for as long as the test lasts."""
    answer, queries = workspace.run, list[str]()

    def run(kql: str, **bounds: Any) -> QueryResult:
        queries.append(kql)
        return answer(kql, **bounds)

    monkeypatch.setattr(workspace, "run", run)
    return queries
