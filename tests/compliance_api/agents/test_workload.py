"""A workload with a managed identity, from its token to an answer: through the sign-in, the host and the workspace."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sandbox.azure.identity.directory import AGENT, API_CLIENT_ID
from sandbox.azure.site import Site
from sandbox.functions.easy_auth import READ, SETTINGS, EasyAuth
from sandbox.functions.process import FunctionsProcess
from sandbox.local_azure import Sandbox
from tests.queries.fleet import NOW, Fleet, bad, good

# ruff: noqa: S310 - every address is the sandbox's own


class Agent:
    """Calls as the tools of the published private-workspace sample do: urllib, a token of its own, a bearer header."""

    def __init__(self, api: str, environment: Mapping[str, str]) -> None:
        self._api = api
        self._environment = environment

    def token(self) -> str:
        endpoint = self._environment["IDENTITY_ENDPOINT"]
        url = f"{endpoint}?api-version=2019-08-01&resource=api://{API_CLIENT_ID}&client_id={AGENT.client_id}"
        request = urllib.request.Request(url, headers={"X-IDENTITY-HEADER": self._environment["IDENTITY_HEADER"]})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.loads(answer.read())["access_token"])

    def call(self, function: str, content: Any = None) -> tuple[int, Any]:
        body = None if content is None else json.dumps(content).encode()
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._api}/{function}", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())


@pytest.fixture
def sign_in(sandbox: Sandbox, environment: dict[str, str]) -> Iterator[EasyAuth]:
    sandbox.clock.stop(NOW)
    fleet = Fleet(sandbox.workspace)
    fleet.run(hours_ago=0.5, alpha=[good()], beta=[bad()], gamma="AccessDenied")
    with FunctionsProcess({**environment, **SETTINGS}) as host:
        yield EasyAuth(sandbox.directory.issuer, host.url)


def test_an_agent_asks_everything_there_is_to_ask(sign_in: EasyAuth, environment: dict[str, str]) -> None:
    with Site(sign_in.add_routes) as site:
        agent = Agent(f"{site.url}/api", environment)

        status, answer = agent.call("query_logs", {"query": "PolicyCollectionRuns_CL", "timespan": "P1D"})
        assert (status, answer["status"], answer["row_count"]) == (200, "success", 1)
        status, answer = agent.call("list_tables")
        assert (status, answer["status"], answer["table_count"]) == (200, "success", 4)
        status, answer = agent.call("compliance")
        assert (status, answer["applications"]["noncompliant"], answer["unread"]["count"]) == (200, 1, 1)
        _, listed = agent.call("compliance/applications?status=noncompliant")
        status, answer = agent.call(listed["applications"][0]["links"]["self"].removeprefix("/api/"))
        assert (status, answer["violations"]["total"]) == (200, 1)
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "getFleet"}}
        status, answer = agent.call("mcp", message)
        assert (status, answer["result"]["structuredContent"]["applications"]["noncompliant"]) == (200, 1)
        status, answer = agent.call("query_logs", {"query": "PolicyCollectionRuns_CL |"})
        assert (status, answer["field"]) == (400, "query")

        sign_in.app_roles[AGENT.object_id] = (READ,)
        assert agent.call("query_logs", {"query": "print 1"})[0] == 403
        assert agent.call("compliance")[0] == 200
        sign_in.app_roles[AGENT.object_id] = ()
        assert agent.call("compliance")[0] == 403
