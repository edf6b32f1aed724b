"""The platform's sign-in before the Functions host: what an agent and a browser get, and what cannot be forged."""

# ruff: noqa: S310 - every address is the sandbox's own

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPMessage
from typing import Any

import pytest
from aiohttp import web

from sandbox.azure.identity.directory import AGENT, API_CLIENT_ID, USER_ASSIGNED
from sandbox.azure.site import Site
from sandbox.functions.easy_auth import LOGIN, OPERATOR_OBJECT_ID, EasyAuth
from sandbox.local_azure import Sandbox

AUDIENCE = f"api://{API_CLIENT_ID}"
FORGED = {
    "X-MS-CLIENT-PRINCIPAL": "Zm9yZ2Vk",
    "x-ms-client-principal-id": "forged",
    "X-Ms-Token-Aad-Access-Token": "forged",
    "Client-IP": "203.0.113.1",
}


async def mirror(request: web.Request) -> web.Response:
    """Stands where the Functions host is, and says what it was sent."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = (await request.read()).decode()
    return web.json_response({"method": request.method, "path": request.path_qs, "headers": headers, "body": body})


@dataclass
class Door:
    auth: EasyAuth
    url: str

    def call(self, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> tuple[int, Any]:
        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        request = urllib.request.Request(self.url + path, data=body, headers=headers or {})
        try:
            with urllib.request.build_opener(Stay).open(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers


@pytest.fixture
def door(sandbox: Sandbox) -> Iterator[Door]:
    with Site(lambda app: app.router.add_route("*", "/{path:.*}", mirror)) as host:  # type: ignore[arg-type,return-value]
        auth = EasyAuth(sandbox.directory.issuer, host.url, excluded_paths=frozenset({"/api/resource"}))
        with Site(auth.add_routes) as site:
            yield Door(auth, site.url)


def token_of_agent(environment: dict[str, str], client_id: str = AGENT.client_id) -> str:
    """Get a token as a workload with a managed identity does."""
    url = f"{environment['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource={AUDIENCE}&client_id={client_id}"
    request = urllib.request.Request(url, headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.loads(answer.read())["access_token"])


def claims(told: Any) -> list[tuple[str, str]]:
    content = json.loads(base64.b64decode(told["headers"]["x-ms-client-principal"]))
    return [(claim["typ"].rsplit("/", 1)[-1], claim["val"]) for claim in content["claims"]]


def test_a_workload_s_token_becomes_a_principal(door: Door, environment: dict[str, str]) -> None:
    bearer = {"Authorization": f"Bearer {token_of_agent(environment)}", "Content-Type": "application/json"}

    status, told = door.call("/api/query_logs?x=1", bearer, b'{"query": "T"}')

    assert (status, told["method"], told["path"], told["body"]) == (
        200,
        "POST",
        "/api/query_logs?x=1",
        '{"query": "T"}',
    )
    assert told["headers"]["x-ms-client-principal-id"] == AGENT.object_id
    assert {("appid", AGENT.client_id), ("roles", "Compliance.Read"), ("roles", "Compliance.Query")} <= set(
        claims(told)
    )


@pytest.mark.parametrize("path", ["/api/compliance", "/api/resource/", "/api/RESOURCE2", "/", "/admin/functions"])
def test_nobody_gets_in_with_headers_of_their_own(door: Door, path: str) -> None:
    status, headers = door.call(path, FORGED)

    assert status == 401
    assert isinstance(headers, HTTPMessage)


def test_forged_headers_are_taken_off_even_where_everybody_gets_in(door: Door) -> None:
    status, told = door.call("/api/resource", FORGED, b"{}")

    assert status == 200
    assert not [name for name in told["headers"] if name.startswith("x-ms-")]


def test_forged_headers_do_not_add_to_a_real_principal(door: Door, environment: dict[str, str]) -> None:
    _, told = door.call("/api/compliance", {**FORGED, "Authorization": f"Bearer {token_of_agent(environment)}"})

    assert told["headers"]["x-ms-client-principal-id"] == AGENT.object_id
    assert "forged" not in json.dumps(told)


def test_a_token_of_another_audience_client_or_key_is_refused(door: Door, sandbox: Sandbox) -> None:
    issuer = sandbox.directory.issuer
    wrong_audience = issuer.issue(AGENT, "https://management.azure.com")
    wrong_client = issuer.issue(USER_ASSIGNED, AUDIENCE)
    expired = issuer.issue(AGENT, AUDIENCE, lifetime_seconds=-10)

    statuses = [
        door.call("/api/compliance", {"Authorization": f"Bearer {token}"})[0]
        for token in (wrong_audience, wrong_client, expired, "x.y.z")
    ]

    assert statuses == [401, 403, 401, 401]


def test_an_operator_signs_in_for_a_session_and_out_again(door: Door) -> None:
    status, headers = door.call(f"{LOGIN}?post_login_redirect_uri=/api/dashboard")
    cookie = {"Cookie": headers["Set-Cookie"].partition(";")[0]}

    assert (status, headers["Location"]) == (302, "/api/dashboard")
    _, told = door.call("/api/dashboard", cookie)
    assert told["headers"]["x-ms-client-principal-id"] == OPERATOR_OBJECT_ID
    assert ("aud", API_CLIENT_ID) in claims(told)
    assert "appid" not in dict(claims(told))

    urllib.request.urlopen(urllib.request.Request(f"{door.url}/.auth/logout", headers=cookie), timeout=20).close()
    assert door.call("/api/dashboard", cookie)[0] == 401


def test_a_browser_without_a_session_comes_back_through_the_sign_in_to_where_it_pointed(door: Door) -> None:
    address = "/api/compliance/applications?format=csv&search=a%20b"
    browser = {"Accept": "text/html,application/xhtml+xml"}

    status, headers = door.call(address, browser)
    assert status == 302
    status, headers = door.call(headers["Location"], browser)
    assert (status, headers["Location"]) == (302, address)


@pytest.mark.parametrize(
    "headers", [{}, {"Accept": "*/*"}, {"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"}]
)
def test_programs_without_a_session_get_401(door: Door, headers: dict[str, str]) -> None:
    assert door.call("/api/compliance", headers)[0] == 401


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_signing_in_leads_to_this_site_only(door: Door, target: str) -> None:
    assert door.call(f"{LOGIN}?post_login_redirect_uri={target}")[0] == 400


def test_a_host_that_is_not_there_is_a_502(door: Door) -> None:
    door.auth.upstream = "http://127.0.0.1:9"  # the discard service, which nobody runs
    assert door.call("/api/resource", body=b"{}")[0] == 502
