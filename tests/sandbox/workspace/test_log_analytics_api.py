"""The query API, asked by the SDK's own client over TLS, and by hand where the SDK cannot misbehave."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

import aiohttp
import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.monitor.query.aio import LogsQueryClient

from sandbox.azure.certificates import CertificateAuthority
from sandbox.workspace.log_analytics_api import LogAnalyticsApi
from sandbox.workspace.schema import read_tables
from sandbox.workspace.workspace import Workspace

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
WORKSPACE_ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
RUNS = "PolicyCollectionRuns_CL"


class Credential:
    """Hands out a token without asking anybody."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(self._token, int(datetime.now(UTC).timestamp()) + 3600)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest.fixture
def workspace() -> Workspace:
    workspace = Workspace(read_tables(), clock=lambda: NOW)
    for hours in (30, 1):
        when = (NOW - timedelta(hours=hours)).isoformat()
        workspace.insert(RUNS, [{"TimeGenerated": when, "Run_id": f"{hours} hours ago", "Applications": hours}])
    return workspace


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def trust(authority: CertificateAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(Path(authority.certificate_file)))


@pytest.fixture
async def url(workspace: Workspace, authority: CertificateAuthority) -> AsyncIterator[str]:
    def access(request: web.Request) -> int:
        return {"Bearer good": 200, "Bearer stranger": 403}.get(request.headers.get("Authorization", ""), 401)

    app = web.Application()
    LogAnalyticsApi(workspace, WORKSPACE_ID, access, clock=lambda: NOW).add_routes(app)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server_certificate().context())
    await site.start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def session(trust: ssl.SSLContext) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=trust)
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": "Bearer good"}) as session:
        yield session


@pytest.fixture
async def client(url: str, session: aiohttp.ClientSession) -> AsyncIterator[LogsQueryClient]:
    async with LogsQueryClient(
        Credential("good"),
        endpoint=url,
        transport=AioHttpTransport(session=session, session_owner=False),
        retry_total=0,
    ) as client:
        yield client


async def test_the_sdk_reads_rows_with_their_types(client: LogsQueryClient) -> None:
    result = await client.query_workspace(WORKSPACE_ID, f"{RUNS} | order by TimeGenerated asc", timespan=None)

    [table] = result.tables
    assert [(row["Run_id"], row["Applications"]) for row in table.rows] == [("30 hours ago", 30), ("1 hours ago", 1)]
    assert table.rows[1]["TimeGenerated"] == NOW - timedelta(hours=1)
    types = dict(zip(table.columns, table.columns_types, strict=True))
    assert (types["TimeGenerated"], types["Run_id"], types["Applications"], types["States"]) == (
        "datetime",
        "string",
        "int",
        "long",
    )


@pytest.mark.parametrize(
    ("timespan", "runs"),
    [
        (timedelta(days=1), ["1 hours ago"]),
        ((NOW - timedelta(days=2), timedelta(days=1)), ["30 hours ago"]),
        ((NOW - timedelta(days=2), NOW), ["1 hours ago", "30 hours ago"]),
    ],
)
async def test_every_form_of_time_span_is_understood(client: LogsQueryClient, timespan: Any, runs: list[str]) -> None:
    result = await client.query_workspace(WORKSPACE_ID, f"{RUNS} | project Run_id", timespan=timespan)

    assert sorted(row[0] for row in result.tables[0].rows) == runs


async def test_dynamic_values_and_time_spans_are_spelled_as_azure_does(client: LogsQueryClient) -> None:
    query = "print Bag = bag_pack('a', 1), Long = 26h + 1ms, Back = -90s, Yes = true, Half = 0.5, Nothing = long(null)"

    result = await client.query_workspace(WORKSPACE_ID, query, timespan=None)

    assert list(result.tables[0].rows[0]) == ['{"a":1}', "1.02:00:00.0010000", "-00:01:30", True, 0.5, None]


async def test_a_wrong_query_is_an_error_with_the_engines_message(client: LogsQueryClient) -> None:
    with pytest.raises(HttpResponseError) as error:
        await client.query_workspace(WORKSPACE_ID, f"{RUNS} | where Missing == 1", timespan=None)

    assert error.value.status_code == 400
    assert error.value.error.code == "BadArgumentError"
    assert "Missing" in str(error.value)


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [("bad", 401, "AuthorizationRequiredError"), ("stranger", 403, "InsufficientAccessError")],
)
async def test_who_may_not_query_is_refused(
    url: str, session: aiohttp.ClientSession, token: str, status: int, code: str
) -> None:
    transport = AioHttpTransport(session=session, session_owner=False)
    async with LogsQueryClient(Credential(token), endpoint=url, transport=transport, retry_total=0) as client:
        with pytest.raises(HttpResponseError) as error:
            await client.query_workspace(WORKSPACE_ID, RUNS, timespan=None)

    assert error.value.status_code == status
    assert error.value.error.code == code


async def test_the_query_can_come_with_get(url: str, session: aiohttp.ClientSession) -> None:
    parameters = {"query": f"{RUNS} | project Run_id", "timespan": "P1D"}
    async with session.get(f"{url}/v1/workspaces/{WORKSPACE_ID.upper()}/query", params=parameters) as answer:
        assert await answer.json() == {
            "tables": [
                {
                    "name": "PrimaryResult",
                    "columns": [{"name": "Run_id", "type": "string"}],
                    "rows": [["1 hours ago"]],
                }
            ]
        }


class Refused(NamedTuple):
    """A request that cannot be answered, and how that is said."""

    body: Any
    status: int
    code: str
    path: str = f"workspaces/{WORKSPACE_ID}/query"


@pytest.mark.parametrize(
    "refused",
    [
        Refused({"query": RUNS}, 404, "WorkspaceNotFoundError", "workspaces/another/query"),
        Refused(b"{not json", 400, "BadArgumentError"),
        Refused([RUNS], 400, "BadArgumentError"),
        Refused({}, 400, "BadArgumentError"),
        Refused({"query": "  "}, 400, "BadArgumentError"),
        Refused({"query": RUNS, "timespan": 5}, 400, "BadArgumentError"),
        Refused({"query": RUNS, "timespan": "a day"}, 400, "BadArgumentError"),
        Refused({"query": RUNS, "timespan": "2026-02-02/2026-02-01"}, 400, "BadArgumentError"),
        Refused({"query": f"{RUNS} | evaluate pivot(Run_id)"}, 501, "NotImplemented"),
        Refused({"query": RUNS, "workspaces": ["b"]}, 501, "NotImplemented"),
        Refused({"requests": []}, 501, "NotImplemented", "$batch"),
    ],
)
async def test_what_is_wrong_or_missing_is_said(url: str, session: aiohttp.ClientSession, refused: Refused) -> None:
    content: dict[str, Any] = {"data" if isinstance(refused.body, bytes) else "json": refused.body}
    async with session.post(f"{url}/v1/{refused.path}", **content) as answer:
        assert answer.status == refused.status
        assert (await answer.json())["error"]["code"] == refused.code
