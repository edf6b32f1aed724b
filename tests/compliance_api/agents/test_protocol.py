"""POST /api/mcp: the rules of the Model Context Protocol, in each of its versions that are spoken."""

import base64
from typing import Any

import pytest

from compliance_api.agents.messages import PROTOCOL_VERSIONS, WITH_BATCHES, WITH_HANDSHAKE, WITHOUT_HANDSHAKE
from compliance_api.agents.server import INSTRUCTIONS
from tests.compliance_api.agents.messages import post
from tests.compliance_api.conftest import READER, Api, Reply
from tests.queries.fleet import Fleet, bad

[MODERN] = WITHOUT_HANDSHAKE
META = "io.modelcontextprotocol/"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.fixture(autouse=True)
def rows(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=1, alpha=[bad()])


def meta(version: str = MODERN) -> dict[str, Any]:
    return {f"{META}protocolVersion": version, f"{META}clientCapabilities": {}}


async def modern(api: Api, method: str, params: dict[str, Any] | None = None, **headers: str) -> Reply:
    """A request as a client of the version without a handshake sends it; a header of "" is left out."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta(), **(params or {})}}
    name = {"Mcp-Name": params["name"]} if params and "name" in params else {}
    sent = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, **name, **headers}
    return await post(api, message, **{name: value for name, value in sent.items() if value})


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [
        *((version, version) for version in WITH_HANDSHAKE),
        ("2024-11-05", WITH_HANDSHAKE[0]),
        (MODERN, WITH_HANDSHAKE[0]),
    ],
)
async def test_a_client_that_begins_with_a_handshake_is_told_what_the_server_is(
    api: Api, wanted: str, spoken: str
) -> None:
    params = {"protocolVersion": wanted, "capabilities": {}, "clientInfo": {"name": "editor", "version": "1"}}

    told = (await post(api, {**PING, "method": "initialize", "params": params})).json["result"]

    assert told["protocolVersion"] == spoken
    assert told["capabilities"] == {"tools": {"listChanged": False}}
    assert told["instructions"] == INSTRUCTIONS
    assert (await post(api, PING, **{"MCP-Protocol-Version": spoken})).json == {"jsonrpc": "2.0", "id": 1, "result": {}}


@pytest.mark.parametrize(
    "message",
    [{"jsonrpc": "2.0", "method": "notifications/initialized"}, {"jsonrpc": "2.0", "id": 1, "result": {}},
     {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, {"jsonrpc": "2.0", "id": 1, "error": {}}],
)  # fmt: skip
async def test_what_wants_no_answer_gets_none(api: Api, message: Any) -> None:
    reply = await post(api, message)

    assert (reply.status, reply.body) == (202, b"")


@pytest.mark.parametrize(
    ("message", "code"),
    [({"method": "resources/list"}, -32601), ({"method": "server/discover"}, -32601), ({"method": "initialize"}, -32602),
     ({"method": "tools/call", "params": {"name": "nothing"}}, -32602), ({"method": "tools/call", "params": []}, -32602),
     ({"method": "tools/call", "params": {"name": ["getFleet"]}}, -32602),
     ({"method": "tools/call", "params": {"name": "getFleet", "arguments": []}}, -32602),
     ({"method": "tools/list", "params": {"cursor": "of another list"}}, -32602)],
)  # fmt: skip
async def test_a_request_that_cannot_be_answered_gets_its_code(api: Api, message: Any, code: int) -> None:
    reply = await post(api, PING | message)

    assert (reply.status, reply.json["id"], reply.json["error"]["code"]) == (200, 1, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", -32700), (b"{", -32700), (b"\xff", -32700), (b"[" * 100_000, -32700), (b"1", -32600), (b"{}", -32600), (b"[]", -32600),
     (b'{"jsonrpc": "2.0", "id": 1}', -32600), (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600),
     (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600), (b'{"jsonrpc": "2.0", "id": [1], "method": "ping"}', -32600),
     (b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', -32600), (b'{"jsonrpc": "2.0", "id": 1, "method": 5}', -32600)],
)  # fmt: skip
async def test_what_is_no_message_is_refused(api: Api, body: bytes, code: int) -> None:
    reply = await post(api, body)

    assert (reply.status, reply.json["error"]["code"]) == (400, code)
    assert reply.json.get("id") in (None, 1)


async def test_several_messages_at_once_are_answered_in_the_version_that_has_them(api: Api) -> None:
    batch = [PING, {"jsonrpc": "2.0", "method": "notifications/initialized"}, 5, PING | {"id": 2, "method": "x"}]

    replies = [await post(api, batch), await post(api, batch, **{"MCP-Protocol-Version": WITH_BATCHES})]
    later = await post(api, batch, **{"MCP-Protocol-Version": "2025-06-18"})

    for reply in replies:
        assert [one.get("id") for one in reply.json] == [1, None, 2]
        assert [one.get("error", {}).get("code") for one in reply.json] == [None, -32600, -32601]
    assert (await post(api, batch[1:2])).status == 202
    assert (later.status, later.json["error"]["code"]) == (400, -32600)
    assert (await post(api, [PING] * 21)).status == 400


async def test_a_client_without_a_handshake_asks_at_once(api: Api) -> None:
    found = (await modern(api, "server/discover")).json["result"]
    tools = (await modern(api, "tools/list")).json["result"]
    called = (await modern(api, "tools/call", {"name": "getFleet"})).json["result"]

    assert found["supportedVersions"] == list(PROTOCOL_VERSIONS)
    assert (found["capabilities"], found["instructions"]) == ({"tools": {"listChanged": False}}, INSTRUCTIONS)
    assert {one["resultType"] for one in (found, tools, called)} == {"complete"}
    assert all(one["_meta"][f"{META}serverInfo"]["name"] == "policy-compliance" for one in (found, tools, called))
    assert all(one["ttlMs"] > 0 and one["cacheScope"] == "private" for one in (found, tools))
    assert called["structuredContent"]["applications"]["noncompliant"] == 1
    encoded = f"=?base64?{base64.b64encode(b'getFleet').decode()}?="
    assert (await modern(api, "tools/call", {"name": "getFleet"}, **{"Mcp-Name": encoded})).status == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"MCP-Protocol-Version": ""}, -32020), ({"MCP-Protocol-Version": "2025-06-18"}, -32020), ({"Mcp-Method": ""}, -32020),
     ({"Mcp-Method": "tools/list"}, -32020), ({"Mcp-Name": ""}, -32020), ({"Mcp-Name": "listRuns"}, -32020),
     ({"Mcp-Name": "=?base64?/?="}, -32020), ({"MCP-Protocol-Version": "1900-01-01"}, -32022)],
)  # fmt: skip
async def test_headers_that_contradict_the_body_are_refused(api: Api, headers: dict[str, str], code: int) -> None:
    reply = await modern(api, "tools/call", {"name": "getFleet"}, **headers)

    assert (reply.status, reply.json["error"]["code"]) == (400, code)


@pytest.mark.parametrize("told", [None, {}, [], {f"{META}protocolVersion": MODERN}, {f"{META}protocolVersion": 1}])
async def test_a_request_that_does_not_say_what_it_has_to_is_refused(api: Api, told: Any) -> None:
    reply = await modern(api, "tools/list", {"_meta": told})

    assert (reply.status, reply.json["error"]["code"], reply.json["id"]) == (400, -32602, 1)


@pytest.mark.parametrize("method", ["ping", "initialize", "subscriptions/listen", "x"])
async def test_a_method_that_the_version_does_not_have_is_not_found(api: Api, method: str) -> None:
    reply = await modern(api, method)

    assert (reply.status, reply.json["error"]["code"]) == (404, -32601)


async def test_a_version_that_is_not_spoken_is_refused_with_those_that_are(api: Api) -> None:
    reply = await post(api, PING, **{"MCP-Protocol-Version": "1900-01-01"})

    assert (reply.status, reply.json["error"]["code"]) == (400, -32022)
    assert reply.json["error"]["data"] == {"supported": list(PROTOCOL_VERSIONS), "requested": "1900-01-01"}


async def test_the_transport_is_post_with_json_alone(api: Api) -> None:
    assert (await post(api, PING, **{"Content-Type": "text/plain"})).status == 415
    assert (await post(api, b" " * 200_000)).status == 413
    for method in ("GET", "DELETE"):
        reply = await api.send(method, "mcp", {**READER, "Mcp-Session-Id": "x"}, {})
        assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert (await post(api, PING, **{"Mcp-Session-Id": "of another server", "Last-Event-ID": "1"})).status == 200
