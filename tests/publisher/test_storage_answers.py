"""Answers that Table and Queue storage do not give: a failure of its kind, never "empty", "not there" or "done"."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from publisher.configuration.resource_settings import Storage
from publisher.errors.kinds import (
    AuthenticationFailed,
    AzureFailure,
    MalformedAnswer,
    NotFound,
    RequestRefused,
    TransientFailure,
)
from publisher.queue import Queue
from publisher.resource_ids import ApplicationId
from publisher.retry import Patience
from publisher.table import Row, Table
from registry.ownership import Ownership
from registry.policies.definition_names import DefinitionNames
from registry.reconcile import ReconciliationFailed, reconcile_registry
from registry.refresh import Refresher
from registry.registry import Registry
from sandbox.azure.site import Site
from sandbox.faults.effects import Call, CutHalfWay, Status
from sandbox.faults.operations import QueueRequest, TableRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

    from publisher.resource_manager import ResourceManager
    from publisher.settings import ReconcileSettings
    from sandbox.local_azure import Sandbox

ONCE = Patience(attempts=1)
STORAGES = {"x-ms-request-id": "3dc9c7aa-d003-0063-1cb1-203cb4000000", "x-ms-version": "2019-02-02"}
PAGE = b"<html><head><title>Sign in</title></head><body>to the network</body></html>"
JSON = "application/json"
NAME = "numbers"
ROW = Row("p", "r", 'W/"1"', {})


@dataclass(frozen=True)
class Answer:
    """Any answer; by default one with storage's headers."""

    body: bytes = b""
    content_type: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: STORAGES)

    async def __call__(self, _: Call) -> web.StreamResponse:
        return web.Response(
            status=self.status, body=self.body, headers={**self.headers, "Content-Type": self.content_type}
        )


def gateways(body: bytes = PAGE, content_type: str = "text/html", status: int = 200, **headers: str) -> Answer:
    return Answer(body, content_type, status, {name.replace("_", "-"): value for name, value in headers.items()})


def account(sandbox: Sandbox) -> Storage:
    return Storage(connection_string=sandbox.environment["AzureWebJobsStorage"])


@asynccontextmanager
async def a_table(sandbox: Sandbox, answer: Answer | Status | None) -> AsyncIterator[Table]:
    """A table with one row, whose every answer is another one."""
    async with Table(account(sandbox), NAME, what="table", patience=ONCE) as table:
        await table.insert(ROW.partition_key, ROW.row_key, {})
        if answer:
            sandbox.faults.add(TableRequest(), answer)
        yield table


async def listed(table: Table) -> object:
    return [row async for row in table.rows()]


async def matching(table: Table) -> object:
    return [row async for row in table.matching("RowKey eq @key", key="r")]


async def one(table: Table) -> object:
    return await table.get("p", "r")


async def inserted(table: Table) -> object:
    return await table.insert("p", "another", {})


async def replaced(table: Table) -> object:
    return await table.replace(ROW, {})


async def deleted(table: Table) -> object:
    return await table.delete(ROW)


async def deleted_unchanged(table: Table) -> object:
    return await table.delete_unchanged(ROW)


READS = [listed, matching, one]
WRITES = [inserted, replaced, deleted, deleted_unchanged]
NO_LIST_NOR_ROW = {
    "a gateway's page": gateways(),
    "a gateway's list": gateways(b'{"value": []}', JSON),
    "a page": Answer(PAGE, "text/html"),
    "a page called JSON": Answer(PAGE),
    "nothing": Answer(),
    "nothing of no type": Answer(content_type=""),
    "xml": Answer(b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"/>', "application/xml"),
    "no value": Answer(b"{}"),
    "value null": Answer(b'{"value": null}'),
    "value an object": Answer(b'{"value": {}}'),
    "value a text": Answer(b'{"value": ""}'),
    "a list": Answer(b"[]"),
    "null": Answer(b"null"),
    "a row that is none": Answer(b'{"value": [1]}'),
    "a row without keys": Answer(b'{"value": [{"a": 1}], "a": 1}'),
    "keys that are no texts": Answer(b'{"value": [{"PartitionKey": 1, "RowKey": 2}], "PartitionKey": 1, "RowKey": 2}'),
    "no text": Answer(b'{"value": [\xff\xfe]}'),
    "broken off": Answer(b'{"value": [{"PartitionKey": "p", "RowKey"'),
    "bad date": Answer(b'{"PartitionKey": "p", "RowKey": "r", "Timestamp": 5, "value": 1}'),
    "all deep": Answer(b"[" * 100_000),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("answer", NO_LIST_NOR_ROW.values(), ids=NO_LIST_NOR_ROW.keys())
async def test_what_is_no_row_and_no_list_of_rows_is_neither_an_absence_nor_an_empty_table(
    sandbox: Sandbox, answer: Answer, read: Callable[[Table], Coroutine[None, None, object]]
) -> None:
    async with a_table(sandbox, answer) as table:
        with pytest.raises(MalformedAnswer, match=r"^table: "):
            await read(table)


@pytest.mark.parametrize(
    "members",
    [
        b'"Timestamp": 5',
        b'"n": "abc", "n@odata.type": "Edm.Int64"',
        b'"n": 1e999, "n@odata.type": "Edm.Int64"',
        b'"n": {}, "n@odata.type": "Edm.DateTime"',
        b'"n": ' + b"[" * 5000 + b"]" * 5000,
    ],
    ids=["no time", "no number", "endless", "no date", "deep"],
)
async def test_a_value_that_cannot_be_read_is_a_failure(sandbox: Sandbox, members: bytes) -> None:
    row = b'{"PartitionKey": "p", "RowKey": "r", ' + members + b"}"
    async with a_table(sandbox, None) as table:
        sandbox.faults.add(TableRequest("GET"), Answer(row), times=1)
        with pytest.raises(MalformedAnswer):
            await one(table)
        sandbox.faults.add(TableRequest("GET"), Answer(b'{"value": [' + row + b"]}"))
        with pytest.raises(MalformedAnswer):
            await listed(table)


async def test_another_row_than_the_one_asked_for_is_a_failure(sandbox: Sandbox) -> None:
    async with a_table(sandbox, Answer(b'{"PartitionKey": "p", "RowKey": "q"}')) as table:
        with pytest.raises(MalformedAnswer, match="another row"):
            await one(table)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("status", [200, 201, 204])
async def test_a_write_that_somebody_else_answered_is_not_done(
    sandbox: Sandbox, write: Callable[[Table], Coroutine[None, None, object]], status: int
) -> None:
    async with a_table(sandbox, gateways(status=status)) as table:
        with pytest.raises(MalformedAnswer, match="not storage's"):
            await write(table)


@pytest.mark.parametrize("call", [*READS, *WRITES])
@pytest.mark.parametrize(
    "answer",
    [
        gateways(status=404),
        gateways(b"", status=404),
        gateways(b'{"error": {"code": "ResourceNotFound", "message": "no route"}}', JSON, 404),
        Answer(b'{"odata.error": {"code": "ResourceGroupNotFound", "message": {"value": "no"}}}', status=404),
        Answer(b"\xff\xfe\xff", "text/html; charset=utf-8", 404),
    ],
    ids=["page", "empty", "another service's", "another code", "no text"],
)
async def test_only_storages_own_codes_are_an_absence(
    sandbox: Sandbox, call: Callable[[Table], Coroutine[None, None, object]], answer: Answer
) -> None:
    async with a_table(sandbox, answer) as table:
        with pytest.raises(TransientFailure) as failure:
            await call(table)
    assert failure.value.status == 404


@pytest.mark.parametrize("call", [*READS, inserted])
async def test_an_answer_that_breaks_off_is_a_failure(
    sandbox: Sandbox, call: Callable[[Table], Coroutine[None, None, object]]
) -> None:
    async with a_table(sandbox, None) as table:
        sandbox.faults.add(TableRequest(), CutHalfWay())
        with pytest.raises(MalformedAnswer, match=r"^table: the answer broke off") as failure:
            await call(table)
    assert failure.value.code == "IncompleteAnswer"


@pytest.mark.parametrize("code", ["ResourceNotFound", "EntityNotFound", "TableNotFound"])
async def test_a_row_is_gone_when_storage_says_so(sandbox: Sandbox, code: str) -> None:
    async with a_table(sandbox, Status(404, code=code)) as table:
        await deleted(table)
        await deleted_unchanged(table)
        assert await one(table) is None


@pytest.mark.parametrize("call", [*READS, *WRITES])
@pytest.mark.parametrize("status", [500, 503])
async def test_code_and_wish_of_an_xml_refusal_are_kept(
    sandbox: Sandbox, call: Callable[[Table], Coroutine[None, None, object]], status: int
) -> None:
    body = b'\xef\xbb\xbf<?xml version="1.0"?><Error><Code>ServerBusy</Code><Message>Ingress is over.</Message></Error>'
    answer = Answer(body, "application/xml", status, {"Retry-After": "7"})
    async with a_table(sandbox, answer) as table:
        with pytest.raises(TransientFailure, match=r"^table: Ingress is over\.") as failure:
            await call(table)
    assert (failure.value.code, failure.value.status, failure.value.retry_after) == ("ServerBusy", status, 7)


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/xml", JSON, "image/png"])
async def test_a_refused_key_is_told_whatever_the_body_is(sandbox: Sandbox, content_type: str) -> None:
    answer = Answer(b"\xff\xfe\x00<", content_type, 401)
    async with a_table(sandbox, answer) as table, Queue(account(sandbox), NAME, patience=ONCE) as queue:
        sandbox.faults.add(QueueRequest(), answer)
        for call in (one(table), deleted(table), queue.length(), queue.send("x")):
            with pytest.raises(AuthenticationFailed):
                await call


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(sandbox: Sandbox, status: int) -> None:
    arrived: list[str] = []

    async def arrive(request: web.Request) -> web.Response:
        arrived.append(request.path)
        return web.json_response({"value": []}, headers=STORAGES)

    with Site(lambda app: app.router.add_route("*", "/{path:.*}", arrive)) as elsewhere:
        answer = gateways(b"", status=status, Location=f"{elsewhere.url}/sign-in?sig=s3cret")
        async with a_table(sandbox, answer) as table, Queue(account(sandbox), NAME, patience=ONCE) as queue:
            sandbox.faults.add(QueueRequest(), answer)
            calls = [call(table) for call in (*READS, *WRITES)]
            for asked in (*calls, queue.send("x"), queue.length(), queue.create()):
                with pytest.raises(RequestRefused, match=r"redirect to 127\.0\.0\.1") as failure:
                    await asked
                assert failure.value.status == status
                assert "s3cret" not in str(failure.value)
    assert arrived == []


async def test_a_redirect_to_nowhere_is_a_redirect(sandbox: Sandbox) -> None:
    for location in ({}, {"Location": "/sign-in"}, {"Location": "https://[::1"}):
        async with Table(account(sandbox), NAME, what="table", patience=ONCE) as table:
            script = sandbox.faults.add(TableRequest(), gateways(status=302, **location))
            with pytest.raises(RequestRefused, match="redirect to another address"):
                await listed(table)
            sandbox.faults.remove(script)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (gateways(), MalformedAnswer),
        (gateways(b"", x_ms_approximate_messages_count="0"), MalformedAnswer),
        (Answer(PAGE, "text/html"), MalformedAnswer),
        (Answer(headers=STORAGES | {"x-ms-approximate-messages-count": "many"}), MalformedAnswer),
        (Answer(headers=STORAGES | {"x-ms-approximate-messages-count": "-1"}), MalformedAnswer),
        (gateways(status=404), TransientFailure),
        (Status(404), NotFound),
    ],
)
async def test_a_queue_of_unknown_length_is_not_empty(
    sandbox: Sandbox, answer: Answer | Status, failure: type[AzureFailure]
) -> None:
    async with Queue(account(sandbox), NAME, patience=ONCE) as queue:
        await queue.create()
        assert await queue.length() == 0
        sandbox.faults.add(QueueRequest(), answer)
        with pytest.raises(AzureFailure, match=rf"^queue {NAME}: ") as raised:
            await queue.length()
    assert type(raised.value) is failure


@pytest.mark.parametrize(
    "answer",
    [
        gateways(status=201),
        gateways(b"<QueueMessagesList/>", "application/xml", 201),
        Answer(PAGE, "text/html", 201),
        Answer(b"", "application/xml", 201),
        Answer(b"<QueueMessagesList>", "application/xml", 201),
        Answer(b"<QueueMessagesList/>", "application/xml", 201),
        Answer(b"\xff\xfe\xff", "application/xml", 201),
        Answer(b"[" * 100_000, JSON, 201),
    ],
)
async def test_a_message_that_nobody_took_is_not_sent(sandbox: Sandbox, answer: Answer) -> None:
    async with Queue(account(sandbox), NAME, patience=ONCE) as queue:
        await queue.create()
        sandbox.faults.add(QueueRequest("POST"), answer)
        with pytest.raises(MalformedAnswer, match=rf"^queue {NAME}: "):
            await queue.send("x")


@pytest.mark.parametrize(
    "answer",
    [gateways(b'{"value": []}', JSON), Answer(b"<feed/>", "application/xml"), gateways(), gateways(status=404)],
    ids=["list", "xml", "page", "page of 404"],
)
async def test_a_fleet_that_cannot_be_read_is_not_an_empty_one(
    sandbox: Sandbox, settings: ReconcileSettings, arm: ResourceManager, ownership: Ownership, answer: Answer
) -> None:
    identity = ApplicationId.parse(sandbox.arm.add_customer("Contoso").application_id)
    async with Registry(settings, patience=ONCE) as registry:
        refresher = Refresher(arm, registry, ownership, DefinitionNames())
        await refresher.refresh(identity, deadline=time.monotonic() + 30)
        sandbox.faults.add(TableRequest("GET", settings.table_name), answer)
        result = await reconcile_registry(refresher, deadline=time.monotonic() + 30)
        with pytest.raises(ReconciliationFailed, match="not everything was read"):
            result.raise_for_failures()
        assert not result.changes
        with pytest.raises(TransientFailure):
            await registry.find(identity)
