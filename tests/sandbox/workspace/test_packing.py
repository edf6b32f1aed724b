"""A row as a bag, so that a query can ask for columns that a table may not have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.workspace.schema import Column, TableSchema
from sandbox.workspace.workspace import QueryError, Workspace


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    columns = (Column("TimeGenerated", "dateTime", ""), Column("Name", "string", ""), Column("Size", "int", ""))
    with Workspace({"Files": TableSchema("Files", "", columns)}) as workspace:
        workspace.insert("Files", [{"Name": "a", "Size": 3}])
        yield workspace


def test_a_column_that_the_table_lacks_is_empty_and_no_error(workspace: Workspace) -> None:
    query = "Files | extend Row = pack_all() | project Name = tostring(Row.Name), Size = toint(Row.Size), No = tostring(Row.No)"
    assert workspace.query(query) == [{"Name": "a", "Size": 3, "No": ""}]


def test_a_table_that_is_not_there_is_left_out_of_a_fuzzy_union(workspace: Workspace) -> None:
    legs = [f"({table} | extend Row = pack_all() | project Row)" for table in ("Files", "Folders")]
    query = f"union isfuzzy=true {', '.join(legs)} | project Name = tostring(Row.Name)"
    assert workspace.query(query) == [{"Name": "a"}]


def test_it_is_refused_where_it_does_not_follow_a_table(workspace: Workspace) -> None:
    with pytest.raises(QueryError, match="pack_all"):
        workspace.query("Files | where Size > 1 | extend Row = pack_all()")
