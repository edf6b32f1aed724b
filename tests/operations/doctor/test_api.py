"""The doctor in the api's app: its settings, and a question to each table."""

from __future__ import annotations

from typing import Any

import pytest

from checks.scans.states import STATES
from sandbox.faults.effects import Body, Redirect, Status, html
from sandbox.faults.operations import IdentityTokenRequest, LogQuery
from sandbox.local_azure import Sandbox
from sandbox.roles import AUDIT_TABLE
from sandbox.services import Service
from sandbox.workspace.schema import read_tables
from tests.operations.doctor.conftest import Doctor
from tests.operations.doctor.findings import check, verdicts
from tests.queries.asked import asked

TABLES = {f"table {name}" for name in read_tables() if name != AUDIT_TABLE}
RUNS = "table PolicyCollectionRuns_CL"


def test_each_table_is_asked(doctor: Doctor) -> None:
    done = doctor("api")
    assert done.status == 0
    assert {name for name in verdicts(done) if name.startswith("table")} == TABLES
    assert {verdicts(done)[name] for name in TABLES - {RUNS}} == {"ok"}


def test_of_the_states_one_row_is_asked_for(
    doctor: Doctor, identity_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = identity_sandbox.clock().isoformat()
    identity_sandbox.workspace.insert(STATES, [{"TimeGenerated": now, "Run_id": "one"}])
    queries = asked(identity_sandbox.workspace, monkeypatch)
    assert check(doctor("api"), f"table {STATES}")["finding"].startswith("readable, a row of ")
    assert [query for query in queries if STATES in query] == [
        f"{STATES} | take 1 | summarize Latest = max(TimeGenerated)"
    ]


def test_no_run_in_two_days_is_a_warning(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    assert check(doctor("api"), RUNS)["verdict"] == "warning"
    now = identity_sandbox.clock().isoformat()
    identity_sandbox.workspace.insert("PolicyCollectionRuns_CL", [{"TimeGenerated": now, "Run_id": "one"}])
    assert check(doctor("api"), RUNS)["verdict"] == "ok"


def test_an_identity_that_may_not_read_is_found(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    identity_sandbox.readers.object_ids.clear()
    done = doctor("api")
    assert done.status == 1
    assert {verdicts(done)[name] for name in TABLES} == {"failed"}
    assert "right to read PolicyVerdicts_CL" in check(done, "table PolicyVerdicts_CL")["next_step"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Status(401), "have to be of one cloud"),
        (Status(404), "LOG_ANALYTICS_WORKSPACE_ID"),
        (Status(400, code="BadArgumentError"), "deploy the template again"),
        (Status(503), "status page"),
        (html(200), "LOG_ANALYTICS_ENDPOINT"),
        (Redirect("https://sign-in.example/"), "LOG_ANALYTICS_ENDPOINT"),
    ],
)
def test_every_refusal_has_its_next_step(doctor: Doctor, identity_sandbox: Sandbox, fault: Any, words: str) -> None:
    identity_sandbox.faults.add(LogQuery(), fault)
    found = check(doctor("api"), RUNS)
    assert found["verdict"] == "failed"
    assert words in found["next_step"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"tables": [{"columns": [{"name": "Latest", "type": "datetime"}], "rows": []}]}',
        b'{"tables": [{"columns": [], "rows": [[]]}]}',
        b'{"tables": [{"columns": [{"name": "Latest", "type": "datetime"}], "rows": [[null]]}], "error": {"code": "E"}}',
    ],
)
def test_an_answer_without_an_answer_is_not_a_table_without_rows(
    doctor: Doctor, identity_sandbox: Sandbox, body: bytes
) -> None:
    identity_sandbox.faults.add(LogQuery(), Body(body))
    assert {verdicts(doctor("api"))[name] for name in TABLES} == {"failed"}


def test_a_workspace_that_is_not_there_is_found(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    with identity_sandbox.offline(Service.LOG_ANALYTICS):
        assert "ConnectionFailed" in check(doctor("api"), RUNS)["finding"]


def test_an_identity_that_is_not_here_shows_where_it_is(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    identity_sandbox.faults.add(IdentityTokenRequest(), Status(400))
    assert check(doctor("api"), "token: own identity, for the workspace")["verdict"] == "failed"


def test_an_identity_that_may_not_write_audit_rows_is_found(doctor: Doctor, identity_sandbox: Sandbox) -> None:
    stream = f"stream Custom-{AUDIT_TABLE} of the api's rule"
    assert check(doctor("api"), stream)["verdict"] == "ok"
    identity_sandbox.audit_rule.authorized_object_ids.clear()
    found = check(doctor("api"), stream)
    assert (found["verdict"], "Monitoring Metrics Publisher" in found["next_step"]) == ("failed", True)


def test_bad_settings_are_named(doctor: Doctor) -> None:
    done = doctor("api", without=["API_CLIENT_ID", "LOG_ANALYTICS_WORKSPACE_ID"])
    assert done.status == 2
    assert set(verdicts(done)) == {"setting API_CLIENT_ID", "setting LOG_ANALYTICS_WORKSPACE_ID"}
