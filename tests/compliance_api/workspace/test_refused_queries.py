"""What a caller is told about a query that the workspace refuses: the engine's own reason, and where."""

from __future__ import annotations

import json

import pytest

from sandbox.faults.effects import Body
from sandbox.faults.operations import LogQuery
from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import Api


@pytest.mark.parametrize(
    "error",
    [
        {"code": "BadArgumentError", "message": "m", "innererror": {"code": "SyntaxError", "innererror": {"code": "SYN0002", "message": "No such word.", "line": 2, "pos": 7}}},
        {"code": "BadArgumentError", "message": "m", "line": 2, "pos": 7, "details": [{"code": "SYN0002", "message": "No such word."}]},
        {"Code": "BadArgumentError", "InnerError": {"Code": "SYN0002", "Message": "No such word.\r\nRequest ID: 1", "Line": 2, "Pos": 7}},
        {"code": "BadArgumentError", "line": 2, "pos": 7, "message": json.dumps({"error": {"code": "SYN0002", "message": "No such word."}})},
    ],
    ids=str,
)  # fmt: skip
async def test_a_refused_query_gets_the_innermost_reason_and_its_place(
    api: Api, sandbox: Sandbox, error: dict[str, object]
) -> None:
    sandbox.faults.add(LogQuery(), Body(json.dumps({"error": error}).encode(), status=400))

    reply = await api.query({"query": "print 1"})

    engine = {"code": "SYN0002", "message": "No such word.", "line": 2, "position": 7}
    assert (reply.status, reply.json["engine"]) == (400, engine)


@pytest.mark.parametrize("body", [b"<html><title>400</title></html>", b"", b"[1]", b"no"])
async def test_a_gateways_refusal_is_not_the_querys_fault(api: Api, sandbox: Sandbox, body: bytes) -> None:
    sandbox.faults.add(LogQuery(), Body(body, "text/html", 400))

    assert (await api.query({"query": "print 1"})).status == 503
