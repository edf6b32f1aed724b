"""What ``cost`` was not told is not nothing, and is said with the next step."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from checks.kql import analyse
from publisher.lenient_json import LARGEST_BYTES
from sandbox.faults.effects import Body, Call, Status
from sandbox.faults.operations import LogQuery
from sandbox.local_azure import Sandbox
from sandbox.roles import AUDIT_TABLE
from sandbox.services import Service
from sandbox.workspace.schema import Column, read_tables
from tests.operations.command_line import Cli
from tests.operations.cost.rows import (
    RUNS,
    STATES,
    midnight,
    parts,
    store_run,
    store_states,
    tables,
)


def test_before_a_full_day_is_over_no_month_is_made_up(cli: Cli, sandbox: Sandbox) -> None:
    store_run(sandbox, midnight())
    done = cli("cost", "--json")
    assert done.status == 1
    assert (done.document["tables"], done.document["price_a_month"], done.document["complete"]) == ([], None, False)
    assert {one["table"]: one["rows"] for one in done.document["intake"]}[RUNS] == 1
    assert "no full day" in cli("cost").errors


def test_an_empty_workspace_costs_nothing_that_anybody_knows(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("cost", "--json")
    assert done.status == 1
    assert "price_a_month" not in done.document
    assert "does the collector run" in done.document["error"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Status(403), "right to read"),
        (Status(401), "have to be of one cloud"),
        (Status(404), "LOG_ANALYTICS_WORKSPACE_ID"),
        (Status(400, code="BadArgumentError"), "deploy the template again"),
        (Body(b'{"tables": [{"columns": [{"name": "Day", "type": "datetime"}], "rows": [["x"]]}]}'), ""),
        (
            Body(
                b'{"tables": [{"columns": [{"name": "Day", "type": "datetime"}], "rows": []}],'
                b' "error": {"code": "PartialError", "message": "parts are missing"}}'
            ),
            "--days 1",
        ),
    ],
)
def test_what_the_workspace_does_not_tell_is_not_nothing(cli: Cli, sandbox: Sandbox, fault: Any, words: str) -> None:
    for day in (1, 2):
        store_run(sandbox, midnight(day))
    sandbox.faults.add(LogQuery(), fault)
    done = cli("cost", "--json")
    assert done.status == 1
    assert {check["name"] for check in done.document["not_told"]} == set(read_tables()) - {AUDIT_TABLE}
    assert all(words in check["next_step"] for check in done.document["not_told"])
    assert "price_a_month" not in done.document
    assert "5 tables could not be read" in done.document["error"]


def test_a_workspace_that_is_not_there_is_said(cli: Cli, sandbox: Sandbox) -> None:
    with sandbox.offline(Service.LOG_ANALYTICS):
        done = cli("cost")
    assert done.status == 1
    assert "ConnectionFailed" in done.words


def test_who_cannot_sign_in_is_told_so_once(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "nobody answers")
    done = cli("cost")
    assert done.status == 1
    assert not [record for record in caplog.records if record.name.startswith("azure.identity")]


def test_one_table_that_is_not_there_leaves_the_others_and_says_at_least(cli: Cli, sandbox: Sandbox) -> None:
    for day in (1, 2):
        store_run(sandbox, midnight(day))
    refused = Status(400, code="SemanticError")

    async def verdicts_are_not_there(call: Call) -> web.StreamResponse:
        is_about_them = b"PolicyVerdicts_CL" in await call.request.read()
        return await (refused(call) if is_about_them else call.answer())

    sandbox.faults.add(LogQuery(), verdicts_are_not_there)
    done = cli("cost", "--json")
    assert done.status == 1
    assert [check["name"] for check in done.document["not_told"]] == ["PolicyVerdicts_CL"]
    assert set(tables(done)) == set(read_tables()) - {"PolicyVerdicts_CL", AUDIT_TABLE}
    assert "at least" in cli("cost").output


def test_without_run_rows_what_they_tell_is_missing_and_not_nothing(cli: Cli, sandbox: Sandbox) -> None:
    for day in (1, 2):
        store_states(sandbox, midnight(day))
    done = cli("cost", "--json")
    assert done.status == 1
    assert (parts(done)["functions"], parts(done)["alert rules"]) == (None, None)
    assert any(RUNS in doubt for doubt in done.document["doubts"])


def test_days_without_rows_and_a_table_younger_than_the_others_are_told(cli: Cli, sandbox: Sandbox) -> None:
    store_run(sandbox, midnight(6))
    store_run(sandbox, midnight(1))
    store_states(sandbox, midnight(2))
    doubts = " ".join(cli("cost", "--json", "--days", "5").document["doubts"])
    assert f"{RUNS} has no rows on 4 of these days" in doubts
    assert f"{STATES} has its first rows on {midnight(2).date()}" in doubts
    assert "PolicyVerdicts_CL has no rows on these days" in doubts
    assert "ManagedApplicationEvents_CL" not in doubts, "most days have no event"


@pytest.mark.parametrize("wrong", [("--days", "0"), ("--days", "91"), ("--days", "x"), ("--price-per-gigabyte", "-1")])
def test_options_that_make_no_sense_are_refused_by_name(cli: Cli, wrong: tuple[str, str]) -> None:
    done = cli("cost", *wrong)
    assert done.status == 2
    assert wrong[0] in done.errors


def test_without_the_workspaces_id_nothing_is_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOG_ANALYTICS_WORKSPACE_ID")
    done = cli("cost")
    assert done.status == 2
    assert "LOG_ANALYTICS_WORKSPACE_ID" in done.errors


def test_no_other_setting_than_the_workspaces_is_needed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    for day in (1, 2):
        store_run(sandbox, midnight(day))
    for name in ("API_CLIENT_ID", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "OFFERS", "DATA_COLLECTION_IMMUTABLE_ID"):
        monkeypatch.delenv(name, raising=False)
    assert cli("cost").status == 0


def test_azures_own_parser_takes_every_query(cli: Cli, sandbox: Sandbox) -> None:
    store_run(sandbox, midnight(1))
    queries: dict[str, str] = {}

    async def noted(call: Call) -> web.StreamResponse:
        query = json.loads(await call.request.read())["query"]
        queries[query] = query
        return await call.answer()

    sandbox.faults.add(LogQuery(), noted)
    cli("cost")
    more = (Column("_BilledSize", "real", ""), Column("_IsBillable", "string", ""))
    known = {name: replace(table, columns=(*table.columns, *more)) for name, table in read_tables().items()}
    assert len(queries) == len(known.keys() - {AUDIT_TABLE}) + 4
    assert [analysis.diagnostics for analysis in analyse(queries, known).values()] == [()] * len(queries)


def test_uploads_that_are_too_many_to_be_told_leave_the_month(cli: Cli, sandbox: Sandbox) -> None:
    for day in (1, 2):
        store_run(sandbox, midnight(day))
    too_much = Body(b" " * (LARGEST_BYTES + 1))

    async def uploads_are_too_many(call: Call) -> web.StreamResponse:
        is_about_them = b"Time = min(TimeGenerated)" in await call.request.read()
        return await (too_much(call) if is_about_them else call.answer())

    sandbox.faults.add(LogQuery(), uploads_are_too_many)
    done = cli("cost", "--json")
    assert (done.status, done.document["complete"], done.document["drivers"]) == (1, False, None)
    assert done.document["price_a_month"] > 0
    [check] = done.document["not_told"]
    assert (check["name"], check["next_step"]) == (STATES, "ask about fewer days: --days 1")
    assert "what drives it was not" in done.document["error"]
