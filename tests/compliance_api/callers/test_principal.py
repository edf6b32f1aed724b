"""Who is let in: the platform's principal headers, forged, contradictory and broken."""

import base64
import json
import logging
from typing import Any

import pytest

from sandbox.azure.identity.directory import API_CLIENT_ID
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.compliance_api.conftest import OBJECT_ID, QUERIER, QUERY, READ, READER, Api, principal
from tests.queries.fleet import Fleet, good

STRANGER = "99999999-0000-4000-8000-000000000000"
HEADER = "X-MS-CLIENT-PRINCIPAL"
LONG_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def encoded(content: Any) -> str:
    return base64.b64encode(json.dumps(content).encode()).decode()


def claims_of(headers: dict[str, str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.b64decode(headers[HEADER]))
    return content


@pytest.fixture(autouse=True)
def rows(api: Api, fleet: Fleet) -> None:
    fleet.run(alpha=[good()])


@pytest.mark.parametrize("path", ["compliance", "list_tables", "saved_queries", "openapi.json", "dashboard"])
async def test_without_a_principal_nothing_is_answered(api: Api, path: str) -> None:
    reply = await api.get(path, caller={})

    assert reply.status == 401
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["detail"] == "The request carries no signed-in principal."
    assert b"alpha" not in reply.body


@pytest.mark.parametrize(
    "header",
    [
        "no base64!",
        base64.b64encode(b"no json").decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        encoded([]),
        encoded(None),
        encoded({}),
        encoded({"auth_typ": "aad", "claims": {}}),
        encoded({"auth_typ": "aad", "claims": ["roles"]}),
        encoded({"auth_typ": "aad", "claims": [{"typ": "roles", "val": 1}]}),
        encoded({"auth_typ": "aad", "claims": [{"typ": "roles", "val": READ}]}),
        encoded({"auth_typ": "aad", "claims": [{"typ": "roles", "val": READ}] * 501}),
        encoded({"auth_typ": "google", "claims": claims_of(READER)["claims"]}),
        encoded({"claims": claims_of(READER)["claims"]}),
        f"{READER[HEADER]},{READER[HEADER]}",
        "A" * 40_000,
        base64.b64encode(b"[" * 20_000).decode(),
    ],
    ids=range(16),
)
async def test_a_principal_that_is_none_gets_401(api: Api, header: str) -> None:
    reply = await api.get("compliance", caller={HEADER: header})

    assert reply.status == 401
    assert reply.json["status"] == 401


@pytest.mark.parametrize(
    "caller",
    [
        {**READER, f"{HEADER}-ID": STRANGER},
        {**READER, f"{HEADER}-IDP": "github"},
        principal(READ, azp=STRANGER),
        principal(READ, **{LONG_OBJECT_ID: STRANGER}),
        principal(READ, appid="not-a-guid"),
        principal(READ, oid=None),
    ],
    ids=["another id", "another provider", "two clients", "two objects", "no client id", "nobody"],
)
async def test_a_principal_that_contradicts_itself_gets_401(api: Api, caller: dict[str, str]) -> None:
    assert (await api.get("compliance", caller=caller)).status == 401


@pytest.mark.parametrize(
    "caller",
    [
        principal(READ, appid=STRANGER),
        principal(READ, appid=None),
        principal(READ, tid=STRANGER),
        principal(READ, tid=None),
        principal(READ, aud=None),
        principal(READ, aud=f"api://{STRANGER}"),
        principal(READ, aud=STRANGER, appid=None),
        principal(),
        principal("compliance.read"),
        principal(f"{READ} {QUERY}"),
        principal("Compliance.ReadWrite"),
    ],
    ids=[
        "client",
        "no client",
        "tenant",
        "no tenant",
        "no audience",
        "audience",
        "page of another",
        "no role",
        "case",
        "joined",
        "other role",
    ],
)
async def test_a_stranger_gets_403(api: Api, caller: dict[str, str]) -> None:
    reply = await api.get("compliance", caller=caller)

    assert reply.status == 403
    assert b"alpha" not in reply.body


@pytest.mark.parametrize(
    "caller",
    [
        READER,
        QUERIER,
        principal(READ, QUERY),
        principal(READ, appid=None, azp="7E57AB1E-0000-4000-8000-00000000000B"),
        principal(READ, appid=None, aud=API_CLIENT_ID),
        principal(READ, oid=None, **{LONG_OBJECT_ID: OBJECT_ID.upper()}),
        {HEADER: READER[HEADER]},
    ],
    ids=["reader", "querier", "both", "version 2 token", "signed in on the page", "long names", "one header"],
)
async def test_a_caller_with_a_role_is_answered(api: Api, caller: dict[str, str]) -> None:
    assert (await api.get("compliance", caller=caller)).status == 200


async def test_reading_does_not_allow_queries_of_one_s_own(api: Api) -> None:
    reply = await api.query({"query": "print 1"}, caller=READER)

    assert reply.status == 403
    assert QUERY in reply.json["detail"]


async def test_the_page_itself_is_shown_to_who_is_signed_in_whatever_the_role(api: Api) -> None:
    assert (await api.get("dashboard", caller=principal())).status == 200
    assert (await api.get("dashboard", caller=principal(appid=STRANGER))).status == 403


@pytest.mark.parametrize("value", ["", "False", "0", "no"])
async def test_nothing_is_served_while_the_platform_s_sign_in_is_off(
    api: Api, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", value)

    for path in ("compliance", "compliance/applications", "dashboard", "openapi.json", "list_tables"):
        reply = await api.get(path)
        assert reply.status == 503
        assert "WEBSITE_AUTH_ENABLED" in reply.json["detail"]
        assert b"alpha" not in reply.body


async def test_nothing_is_served_while_the_platform_says_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED")

    assert (await api.get("compliance")).status == 503


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "https://api.example.evil.example"},
        {"Origin": "https://api.example", "Sec-Fetch-Site": "cross-site"},
    ],
    ids=["cross-site", "same-site", "origin", "null", "no address", "look-alike", "both"],
)
async def test_what_another_site_makes_a_browser_ask_is_refused(api: Api, headers: dict[str, str]) -> None:
    assert (await api.get("compliance", caller={**READER, **headers})).status == 403
    assert (await api.query({"query": "print 1"}, caller={**QUERIER, **headers})).status == 403


async def test_the_page_s_own_requests_and_links_to_the_page_are_answered(api: Api) -> None:
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "https://api.example"}

    assert (await api.get("compliance", caller={**READER, **own})).status == 200
    assert (await api.get("dashboard", caller={**READER, "Sec-Fetch-Site": "cross-site"})).status == 200


async def test_a_link_that_somebody_follows_from_another_site_is_answered(api: Api) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

    assert (await api.get("compliance/applications", caller={**READER, **followed}, format="csv")).status == 200
    framed = {**followed, "Sec-Fetch-Dest": "iframe"}
    assert (await api.get("compliance", caller={**READER, **framed})).status == 403
    assert (await api.query({"query": "print 1"}, caller={**QUERIER, **followed})).status == 403


async def test_no_answer_can_be_framed_sniffed_or_shared(api: Api) -> None:
    keeping = {200: "private, no-cache", 401: "no-store"}
    for reply in (await api.get("compliance"), await api.get("compliance", caller={})):
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == keeping[reply.status]
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        assert not [name for name in reply.headers if name.startswith("access-control-")]


async def test_a_refusal_is_logged_without_what_was_sent(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        reply = await api.get("compliance", caller={**READER, f"{HEADER}-ID": STRANGER})

    [line] = [record.getMessage() for record in caplog.records if record.name.startswith("compliance_api")]
    assert reply.json["correlation_id"] in line
    assert READER[HEADER] not in caplog.text
    assert STRANGER not in caplog.text


async def test_what_a_caller_signs_in_with_goes_no_further(api: Api, sandbox: Sandbox) -> None:
    """The workspace answers the api's own token alone; a token of the caller's does not reach it."""
    sandbox.requests.clear()
    signed_in = {"X-MS-TOKEN-AAD-ACCESS-TOKEN": "a token of the caller's"}
    assert (await api.query({"query": "print 1"}, caller=QUERIER | signed_in)).status == 200

    asked = sandbox.requests.of(Service.LOG_ANALYTICS)
    assert asked
    for request in asked:
        assert not [name for name in request.headers if name.startswith("x-ms-token")]
        assert "of the caller's" not in str((request.headers, request.query))
