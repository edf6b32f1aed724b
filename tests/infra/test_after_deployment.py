from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from compliance_api.callers.access import require_reader
from compliance_api.http import ProblemError, Request
from compliance_api.settings import ApiSettings
from infra.hooks import smoke_test

GUID = "11111111-2222-3333-4444-555555555555"
PROJECT = Path(__file__).resolve().parents[2]
AzureCli = Callable[[dict[str, Any]], Path]

ANSWERS = {
    "functionapp function keys list": {"default": "the-key"},
    "functionapp config appsettings list": [{"name": "TABLE_NAME"}, {"name": "API_CLIENT_ID"}],
    "functionapp function list": [{"name": f"func-x/{name}"} for name in smoke_test.REQUIRED_FUNCTIONS],
}


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts an app that answers as a sound one does, but for what a test says otherwise; returns its address."""
    servers = []

    def start(**otherwise: int) -> str:
        statuses = {"resource": 401, "compliance": 401, "dashboard": 401, "query_logs": 401, "forged": 401, **otherwise}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name, _, query = self.path.removeprefix("/api/").partition("?")
                if "X-MS-CLIENT-PRINCIPAL" in self.headers:
                    name = "forged"
                expected_query = "code=the-key" if name == "resource" else ""
                self.send_response(statuses[name] if query == expected_query else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/api"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def smoke(address: str) -> list[str]:
    return smoke_test.failures("rg", "func-x", address, pause=lambda _: None)


def test_the_smoke_test_passes_when_everybody_is_refused(azure_cli: AzureCli, serve: Callable[..., str]) -> None:
    azure_cli(ANSWERS)
    assert smoke(serve()) == []


@pytest.mark.parametrize("status", [200, 404, 500])
def test_the_smoke_test_fails_when_an_unsigned_call_gets_another_answer(
    azure_cli: AzureCli, serve: Callable[..., str], status: int
) -> None:
    azure_cli(ANSWERS)
    assert smoke(serve(resource=status)) == [f"an unsigned notification was answered with {status} instead of 401"]


@pytest.mark.parametrize("path", ["compliance", "dashboard", "query_logs", "forged"])
def test_the_smoke_test_fails_when_the_api_answers_who_is_not_signed_in(
    azure_cli: AzureCli, serve: Callable[..., str], path: str
) -> None:
    azure_cli(ANSWERS)
    (failure,) = smoke(serve(**{path: 200}))
    assert failure.endswith("was answered with 200 instead of 401")


def test_without_its_registration_the_api_has_to_serve_nobody(azure_cli: AzureCli, serve: Callable[..., str]) -> None:
    azure_cli({**ANSWERS, "functionapp config appsettings list": [{"name": "TABLE_NAME"}]})
    closed = dict.fromkeys(("compliance", "dashboard", "query_logs", "forged"), 503)
    assert smoke(serve(**closed)) == []
    assert len(smoke(serve())) == len(closed)


def test_a_forged_sign_in_that_the_platform_lets_through_looks_different_from_a_refused_one() -> None:
    settings = ApiSettings.from_environment(
        {"API_CLIENT_ID": GUID, "AZURE_TENANT_ID": GUID, "LOG_ANALYTICS_WORKSPACE_ID": GUID}
    )
    with pytest.raises(ProblemError) as refused:
        require_reader(Request("GET", {name.lower(): value for name, value in smoke_test.FORGED.items()}), settings)
    assert refused.value.status == HTTPStatus.FORBIDDEN


def test_every_function_that_the_smoke_test_wants_is_one_of_the_apps() -> None:
    sources = "".join(path.read_text() for path in PROJECT.glob("*/blueprint.py"))
    assert [name for name in smoke_test.REQUIRED_FUNCTIONS if f"async def {name}(" not in sources] == []


def test_the_smoke_test_fails_without_the_timers_and_waits_for_a_new_deployment(
    azure_cli: AzureCli, serve: Callable[..., str]
) -> None:
    known = [name for name in smoke_test.REQUIRED_FUNCTIONS if name not in ("collect_shard", "reconcile_registry")]
    azure_cli({**ANSWERS, "functionapp function list": [{"name": f"func-x/{name}"} for name in known]})
    waits: list[float] = []
    found = smoke_test.failures("rg", "func-x", serve(), pause=waits.append)
    assert [line.split()[0] for line in found] == ["collect_shard", "reconcile_registry"]
    assert len(waits) == smoke_test.ATTEMPTS - 1


def test_the_smoke_test_fails_when_nobody_answers(azure_cli: AzureCli) -> None:
    azure_cli(ANSWERS)
    found = smoke("http://127.0.0.1:1/api")
    assert len(found) == len(smoke_test.calls("", has_api=True))
    assert all("answered with nothing" in failure for failure in found)


def test_the_smoke_test_fails_when_azure_cannot_be_asked(azure_cli: AzureCli, serve: Callable[..., str]) -> None:
    azure_cli({"functionapp function list": ANSWERS["functionapp function list"]})
    assert [line.split(" (")[0] for line in smoke(serve())] == [
        "the key of managed_application_notification could not be read",
        "the names of the app settings could not be read",
    ]


def test_the_function_key_stays_out_of_the_smoke_tests_words(azure_cli: AzureCli, serve: Callable[..., str]) -> None:
    azure_cli(ANSWERS)
    assert "the-key" not in " ".join(smoke(serve(resource=500)))


@pytest.mark.parametrize(
    "site", [{"defaultHostName": "127.0.0.1:1"}, {"properties": {"defaultHostName": "127.0.0.1:1"}}]
)
def test_the_host_name_is_found_in_both_forms_in_which_az_shows_an_app(
    azure_cli: AzureCli, monkeypatch: pytest.MonkeyPatch, site: dict[str, Any]
) -> None:
    asked: list[str] = []
    azure_cli({"functionapp show": site})
    monkeypatch.setattr(smoke_test, "failures", lambda _group, _app, endpoint: asked.append(endpoint) or [])
    assert smoke_test.main(["rg", "func-x"]) == 0
    assert asked == ["https://127.0.0.1:1/api"]


@pytest.mark.parametrize("site", [[], None, {"defaultHostName": 5}, "ERROR: (AuthorizationFailed) no"])
def test_an_app_that_cannot_be_seen_is_one_line(
    azure_cli: AzureCli, capsys: pytest.CaptureFixture[str], site: object
) -> None:
    azure_cli({"functionapp show": site})
    assert smoke_test.main(["rg", "func-x"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("func-x could not be found (")
