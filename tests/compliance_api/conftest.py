"""The API's functions, called as the Functions worker calls them, against a sandbox whose workspace a test fills."""

import base64
import functools
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

import azure.functions as func
import pytest

from compliance_api.blueprint import blueprint
from compliance_api.endpoint import answer
from compliance_api.trail.keeper import KEEPER
from sandbox.azure.identity.directory import AGENT, API_CLIENT_ID, TENANT_ID
from sandbox.local_azure import Sandbox
from tests.queries.fleet import NOW, Fleet, State, bad, good, states_of, summarised

READ, QUERY = "Compliance.Read", "Compliance.Query"
OBJECT_ID = "00000000-0000-4000-8000-0000000000aa"


def principal(*roles: str, **claims: str | None) -> dict[str, str]:
    """The headers that the platform adds for a caller with these roles; a claim of None is left out."""
    told = {"aud": f"api://{API_CLIENT_ID}", "appid": AGENT.client_id, "tid": TENANT_ID, "oid": OBJECT_ID, **claims}
    listed = [{"typ": kind, "val": value} for kind, value in told.items() if value is not None]
    listed += [{"typ": "roles", "val": role} for role in roles]
    content = {"auth_typ": "aad", "claims": listed, "name_typ": "name", "role_typ": "roles"}
    return {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(content).encode()).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": OBJECT_ID,
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
    }


READER = principal(READ)
QUERIER = principal(QUERY)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@functools.cache
def functions() -> list[tuple[str, str, re.Pattern[str], Any]]:
    """Method, name, path and callable of every function of the blueprint."""
    app = func.FunctionApp()
    app.register_functions(blueprint)
    found = []
    for function in app.get_functions():
        trigger = function.get_trigger()
        assert trigger is not None
        bound = trigger.get_dict_repr()
        path = re.sub(
            r"\{\\\*(\w+)\}", r"(?P<\1>.*)", re.escape(bound["route"]).replace(r"\{", "{").replace(r"\}", "}")
        )
        path = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
        name, called = function.get_function_name() or "", function.get_user_function()
        methods = [str(getattr(method, "value", method)) for method in bound["methods"]]
        found += [(method, name, re.compile(path), called) for method in methods]
    return sorted(found, key=lambda one: one[2].pattern.startswith("(?P"))  # what takes the rest comes last


class Api:
    """Calls the API as a signed-in caller; by default one with the role Compliance.Read."""

    async def get(self, path: str, *, caller: Mapping[str, str] = READER, **parameters: Any) -> Reply:
        return await self.send("GET", path, caller, parameters)

    async def query(
        self, content: Any, *, caller: Mapping[str, str] = QUERIER, media_type: str = "application/json"
    ) -> Reply:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return await self.send("POST", "query_logs", {**caller, "Content-Type": media_type}, {}, body)

    async def send(
        self, method: str, path: str, headers: Mapping[str, str], parameters: Mapping[str, Any], body: bytes = b""
    ) -> Reply:
        for known, _, pattern, function in functions():
            match = pattern.fullmatch(unquote(path))
            if known == method and match:
                request = func.HttpRequest(
                    method,
                    f"https://api.example/api/{path}?{urlencode(parameters)}",
                    headers={"host": "api.example", **headers},
                    params={name: str(value) for name, value in parameters.items()},
                    route_params=match.groupdict(),
                    body=body,
                )
                given = await function(request)
                sent = {name.lower(): value for name, value in given.headers.items()}
                return Reply(given.status_code, {**sent, "content-type": given.mimetype}, given.get_body())
        raise LookupError(f"{method} {path}")


@pytest.fixture(autouse=True)
async def closed_keeper() -> AsyncIterator[None]:
    """No connection outlives the event loop of its test."""
    yield
    await KEEPER.close()


@pytest.fixture
def api(sandbox: Sandbox, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API behind the platform's sign-in, on the day of the fleets' rows."""
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    monkeypatch.setitem(answer.__kwdefaults__, "clock", sandbox.clock)
    sandbox.clock.stop(NOW)
    return Api()


@pytest.fixture
def fleet(sandbox: Sandbox) -> Fleet:
    return Fleet(sandbox.workspace)


@pytest.fixture
def two_runs(api: Api, fleet: Fleet) -> None:
    """A run of yesterday, and one of half an hour ago with twenty states."""
    fleet.run(hours_ago=30, alpha=[good()])
    fleet.run(hours_ago=0.5, alpha=states_of(20, good()))


@pytest.fixture
def mixed(fleet: Fleet) -> Fleet:
    """Compliant alpha, bad beta out of reach, never read gamma, stateless delta, undecided epsilon, bad nu, left zeta.

    Of omega the latest run has no row, because it was lost.
    """
    fleet.run(hours_ago=3, beta=[good("a")], nu=[good()], omega=[good()], zeta=[bad()])
    fleet.run(
        hours_ago=2, beta=[bad("a"), bad("b"), good("c")], gamma="Failed", nu=[bad("a")], omega=[good()], zeta="Left"
    )
    fleet.run(
        hours_ago=1,
        registered=7,
        alpha=[good("a"), State("Exempt", "x"), summarised(9, assignment="tls")],
        beta="AccessDenied",
        gamma="Failed",
        delta=[],
        epsilon=[State("Unknown", "disk")],
        nu=[bad("b"), bad("a"), good("c")],
    )
    return fleet
