"""What the workspace answers: a table that can be read, or a failure; never an empty table in place of one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compliance_api.settings import ApiSettings
from compliance_api.workspace.workspace import Question, Table, TooLarge, Workspace
from publisher.errors.kinds import AzureFailure, MalformedAnswer, RequestRefused
from sandbox.faults.effects import Body, Redirect
from sandbox.faults.operations import LogQuery
from sandbox.local_azure import Sandbox
from sandbox.services import Service

QUESTION = Question("print 1", "P1D", 5, 1_000_000)
COLUMNS = [{"name": "Run_id", "type": "string"}, {"name": "Rows", "type": "long"}]
TABLE = {"name": "PrimaryResult", "columns": COLUMNS, "rows": [["one", 1], ["two", None]]}


async def asked(sandbox: Sandbox, body: bytes, status: int = 200) -> Table:
    sandbox.faults.add(LogQuery(), Body(body, status=status))
    return await Workspace(ApiSettings.from_environment(sandbox.environment)).ask(QUESTION)


def with_table(**changes: Any) -> bytes:
    return json.dumps({"tables": [TABLE | changes]}).encode()


MALFORMED = {
    "no JSON": b"{",
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"tables"',
    "no tables": b"{}",
    "null": b'{"tables": null}',
    "none of several": b'{"tables": []}',
    "an object of tables": b'{"tables": {"0": {}}}',
    "a table of nothing": b'{"tables": [null]}',
    "a table that is a list": b'{"tables": [[]]}',
    "only an error": b'{"error": {"code": "PartialError", "message": "Too much."}}',
    "no columns": with_table(columns=[], rows=[]),
    "columns of null": with_table(columns=None, rows=[]),
    "columns as texts": with_table(columns=["Run_id", "Rows"], rows=[]),
    "a column of null": with_table(columns=[COLUMNS[0], None], rows=[]),
    "a column without name": with_table(columns=[COLUMNS[0], {"type": "long"}], rows=[]),
    "a column with an empty name": with_table(columns=[COLUMNS[0], {"name": "", "type": "long"}], rows=[]),
    "a column named by a number": with_table(columns=[COLUMNS[0], {"name": 1, "type": "long"}], rows=[]),
    "a column without type": with_table(columns=[COLUMNS[0], {"name": "Rows"}], rows=[]),
    "no rows": json.dumps({"tables": [{"columns": COLUMNS}]}).encode(),
    "rows of null": with_table(rows=None),
    "rows as an object": with_table(rows={}),
    "rows as texts": with_table(rows=["ab"]),
    "rows as objects": with_table(rows=[{"Run_id": "one", "Rows": 1}]),
    "a row of null": with_table(rows=[["one", 1], None]),
    "fewer cells": with_table(rows=[["one", 1], ["two"]]),
    "more cells": with_table(rows=[["one", 1, 2]]),
    "an empty row": with_table(rows=[[]]),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_an_answer_that_is_no_table_is_a_failure(sandbox: Sandbox, body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        await asked(sandbox, body)


@pytest.mark.parametrize("status", [201, 202, 203, 204, 206])
async def test_a_table_with_another_status_is_a_failure(sandbox: Sandbox, status: int) -> None:
    with pytest.raises(MalformedAnswer):
        await asked(sandbox, with_table(), status)


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + with_table(),
        with_table().decode().encode("utf-16"),
        with_table().replace(b"null", b"NaN"),
        with_table().replace(b"null", b"1e400"),
        with_table().replace(b"null", b"[" * 300 + b"]" * 300),
        with_table().replace(b'"tables"', b'"Tables"').replace(b'"columns"', b'"Columns"'),
        with_table().replace(b'"name"', b'"Name"').replace(b'"rows"', b'"ROWS"'),
    ],
)
async def test_a_table_is_read_however_it_is_written(sandbox: Sandbox, body: bytes) -> None:
    table = await asked(sandbox, body)
    assert (table.columns, table.types) == (("Run_id", "Rows"), ("string", "long"))
    assert [row[0] for row in table.rows] == ["one", "two"]
    assert table.rows[0][1] == 1
    assert table.rows[1][1] is None or isinstance(table.rows[1][1], list)
    assert table.complete() is table


@pytest.mark.parametrize("name", ["error", "Error"])
@pytest.mark.parametrize(
    "error",
    [{"code": "PartialError", "message": "Too much."}, {}, "", [], 0, False, "Too much.", {"details": [{"code": "E"}]}],
)
async def test_part_of_an_answer_is_not_taken_for_all_of_it(sandbox: Sandbox, name: str, error: object) -> None:
    table = await asked(sandbox, json.dumps({"tables": [TABLE | {"rows": []}], name: error}).encode())
    assert table.incomplete
    with pytest.raises(MalformedAnswer, match="in part only"):
        table.complete()


async def test_an_error_of_null_is_none(sandbox: Sandbox) -> None:
    table = await asked(sandbox, json.dumps({"tables": [TABLE], "error": None}).encode())
    assert table.incomplete is None


async def test_an_answer_beyond_its_limit_is_too_large(sandbox: Sandbox) -> None:
    with pytest.raises(TooLarge):
        await asked(sandbox, with_table(rows=[["x" * 1_000_000, 1]]))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("there", [Service.LOG_ANALYTICS, Service.LOGS_INGESTION])
async def test_question_and_token_follow_no_redirect(sandbox: Sandbox, status: int, there: Service) -> None:
    sandbox.faults.add(LogQuery(), Redirect(f"{sandbox.url(there)}/elsewhere?sig=secret", status), times=1)
    with pytest.raises(AzureFailure, match="redirect to") as raised:
        await Workspace(ApiSettings.from_environment(sandbox.environment)).ask(QUESTION)
    assert isinstance(raised.value, RequestRefused)
    assert "secret" not in str(raised.value)
    assert sandbox.requests.count(Service.LOG_ANALYTICS) == 1
    assert sandbox.requests.count(Service.LOGS_INGESTION) == 0
