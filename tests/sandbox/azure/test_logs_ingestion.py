"""The Logs Ingestion API, asked by azure-monitor-ingestion and by a client that makes mistakes."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from azure.core.exceptions import HttpResponseError
from azure.monitor.ingestion.aio import LogsIngestionClient

from sandbox.azure.identity.directory import USER_ASSIGNED
from sandbox.environment import RULE_ID
from sandbox.faults.effects import AnswerLost, CutHalfWay, Status
from sandbox.faults.operations import Upload
from sandbox.services import Service
from sandbox.workspace.row_counter import RowCounter

if TYPE_CHECKING:
    from azure.identity.aio import ManagedIdentityCredential

    from sandbox.faults.effects import Effect
    from sandbox.local_azure import Sandbox
    from tests.sandbox.conftest import Answer, Caller

RUNS = "Custom-PolicyCollectionRuns_CL"
PATH = f"/dataCollectionRules/{RULE_ID}/streams/{RUNS}"


def run_row(sandbox: Sandbox, run_id: str = "run") -> dict[str, Any]:
    return {"TimeGenerated": sandbox.clock().isoformat(), "Run_id": run_id, "Applications": 3, "Nonsense": 1}


async def upload(caller: Caller, body: bytes, path: str = PATH, **changes: Any) -> Answer:
    headers = {"Content-Type": "application/json", **changes.pop("headers", {})}
    query = {"api-version": changes.pop("version", "2023-01-01")}
    token = changes.pop("token", caller.token("https://monitor.azure.com", USER_ASSIGNED))
    return await caller.ask(
        Service.LOGS_INGESTION, "POST", path, token, data=body, headers=headers, params=query, **changes
    )


async def test_what_the_sdk_uploads_can_be_queried(sandbox: Sandbox, own_identity: ManagedIdentityCredential) -> None:
    async with LogsIngestionClient(
        sandbox.environment["DATA_COLLECTION_ENDPOINT"],
        own_identity,
        connection_verify=str(sandbox.certificate_authority),
    ) as client:
        await client.upload(RULE_ID, RUNS, [run_row(sandbox, "one"), run_row(sandbox, "two")])
    rows = sandbox.workspace.query("PolicyCollectionRuns_CL | sort by Run_id asc")
    assert [(row["Run_id"], row["Applications"]) for row in rows] == [("one", 3), ("two", 3)]
    assert "Nonsense" not in rows[0]
    (accepted,) = sandbox.ingestion.accepted
    assert (accepted.stream, accepted.rows) == (RUNS, 2)
    assert accepted.inflated_bytes > accepted.sent_bytes


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"version": "2021-01-01"}, 400, "UnsupportedApiVersion"),
        ({"path": f"/dataCollectionRules/dcr-{'0' * 32}/streams/{RUNS}"}, 404, "NotFound"),
        ({"path": f"/dataCollectionRules/{RULE_ID}/streams/Custom-Other_CL"}, 400, "InvalidStream"),
        ({"headers": {"Content-Type": "text/plain"}}, 415, "UnsupportedMediaType"),
        ({"headers": {"Content-Encoding": "br"}}, 400, "UnsupportedContentEncoding"),
        ({"headers": {"Content-Encoding": "gzip"}}, 400, "InvalidGzip"),
        ({"token": None}, 401, "AuthenticationFailed"),
    ],
)
async def test_a_wrong_call_is_refused(caller: Caller, changes: dict[str, Any], status: int, code: str) -> None:
    answer = await upload(caller, b'[{"Run_id": "x"}]', **changes)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", b"[]", b'[{"a": 1}, null]', b'[["a"]]', b'[{"a": NaN}]', b"\xff", b'"text"']
)
async def test_a_body_that_is_no_array_of_objects_is_refused(caller: Caller, body: bytes) -> None:
    answer = await upload(caller, body)
    assert (answer.status, answer.code) == (400, "InvalidPayload")


@pytest.mark.parametrize("lost", [AnswerLost(), CutHalfWay()])
async def test_an_upload_can_be_stored_without_an_answer(sandbox: Sandbox, caller: Caller, lost: Effect) -> None:
    sandbox.faults.add(Upload(), lost, times=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await upload(caller, json.dumps([run_row(sandbox)]).encode())
    assert len(sandbox.workspace.query("PolicyCollectionRuns_CL")) == 1


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(("size", "status"), [(1_000_000, 204), (1_000_001, 413)])
async def test_a_megabyte_is_the_limit(caller: Caller, *, compressed: bool, size: int, status: int) -> None:
    body = json.dumps([{"Run_id": ""}]).encode()
    body = body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')
    headers = {}
    if compressed:
        body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
    assert (await upload(caller, body, headers=headers)).status == status


async def test_the_service_principal_may_not_upload(caller: Caller) -> None:
    answer = await upload(caller, b"[{}]", token=caller.token("https://monitor.azure.com"))
    assert (answer.status, answer.code) == (403, "OperationFailed")


async def test_the_records_of_a_call_lie_within_half_an_hour(sandbox: Sandbox, caller: Caller) -> None:
    late = {"TimeGenerated": (sandbox.clock() - dt.timedelta(minutes=31)).isoformat()}
    answer = await upload(caller, json.dumps([run_row(sandbox), late]).encode())
    assert answer.code == "RecordsTimeRangeIsMoreThan30Minutes"


async def test_a_stream_fails_on_demand(sandbox: Sandbox, caller: Caller) -> None:
    body = json.dumps([run_row(sandbox)]).encode()
    sandbox.faults.add(Upload("Custom-PolicyComplianceStates_CL"), Status(500))
    sandbox.faults.add(Upload(RUNS), Status(403), times=1)
    sandbox.faults.add(Upload(RUNS), Status(429, retry_after=7), times=1)
    answers = [await upload(caller, body) for _ in range(3)]
    assert [answer.status for answer in answers] == [403, 429, 204]
    assert answers[1].headers["Retry-After"] == "7"


async def test_a_lost_answer_leaves_its_rows_behind(sandbox: Sandbox, own_identity: ManagedIdentityCredential) -> None:
    sandbox.faults.add(Upload(), AnswerLost(), times=1)
    async with LogsIngestionClient(
        sandbox.environment["DATA_COLLECTION_ENDPOINT"],
        own_identity,
        connection_verify=str(sandbox.certificate_authority),
        retry_total=0,
    ) as client:
        with pytest.raises(Exception, match=r"(?i)disconnected|reset|closed"):
            await client.upload(RULE_ID, RUNS, [run_row(sandbox)])
        assert len(sandbox.workspace.query("PolicyCollectionRuns_CL")) == 1
        sandbox.faults.add(Upload(), Status(413))
        with pytest.raises(HttpResponseError, match="ContentLengthLimitExceeded"):
            await client.upload(RULE_ID, RUNS, [run_row(sandbox)])


def test_a_counter_tells_the_same_rows_in_any_order_from_others() -> None:
    counters = [RowCounter() for _ in range(3)]
    counters[0].insert("T", [{"a": 1, "b": 2}, {"a": 2}])
    counters[1].insert("T", [{"a": 2}])
    counters[1].insert("T", [{"b": 2, "a": 1}])
    counters[2].insert("T", [{"a": 1}, {"a": 2, "b": 2}])
    assert [counter.counts() for counter in counters] == [{"T": 2}] * 3
    assert counters[0].checksums() == counters[1].checksums() != counters[2].checksums()
