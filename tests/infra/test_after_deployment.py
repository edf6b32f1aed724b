from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from compliance_api.callers.access import require_reader
from compliance_api.http import ProblemError, Request
from compliance_api.settings import ApiSettings
from infra.hooks import smoke_test
from notification_endpoint.notification import parse_notification

GUID = "11111111-2222-3333-4444-555555555555"
PROJECT = Path(__file__).resolve().parents[2]
AzureCli = Callable[[dict[str, Any]], Path]
KEY, SIGNATURE = "the-key", "the-signature-the-signature-the-signature"


def listed(role: str, *names: str) -> list[dict[str, str]]:
    return [{"name": f"func-{role}/{name}"} for name in names]


def app(role: str, host: str) -> dict[str, Any]:
    return {"name": f"func-{role}", "tags": {"azd-service-name": role}, "defaultHostName": host}


ANSWERS: dict[str, Any] = {
    "functionapp function keys list --resource-group rg --name func-front": {"default": KEY},
    "functionapp list": [app("front", "127.0.0.1:1"), app("worker", ""), app("api", "127.0.0.1:1")],
    **{
        f"functionapp function list --resource-group rg --name func-{role}": listed(role, *names)
        for role, names in smoke_test.FUNCTIONS.items()
    },
}


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts apps that answer as sound ones do, but for what a test says otherwise; returns their address.

    The webhook knows `key` and `signature`, and keeps what it takes in `taken`.
    """
    servers = []

    def start(*, key: str = KEY, signature: str = SIGNATURE, taken: list[bytes] | None = None, **otherwise: int) -> str:
        statuses = {"unsigned": 401, "signed": 200}
        statuses |= dict.fromkeys(("compliance", "dashboard", "query_logs", "forged"), 401)
        statuses |= otherwise

        class Handler(BaseHTTPRequestHandler):
            body = b""

            def name(self) -> str:
                url = urlsplit(self.path)
                given = {name: values[0] for name, values in parse_qs(url.query).items()}
                name = url.path.removeprefix("/api/")
                if name != "resource":
                    return "forged" if "X-MS-CLIENT-PRINCIPAL" in self.headers else name
                if given.get("code") != key:
                    return "no key"
                return "signed" if given.get("sig") == signature else "unsigned"

            def do_GET(self) -> None:
                name = self.name()
                if name == "signed" and taken is not None:
                    taken.append(self.body)
                self.send_response(statuses.get(name, 401))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                self.body = self.rfile.read(int(self.headers["Content-Length"]))
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


def front(address: str, *signatures: str) -> list[str]:
    return smoke_test.front_failures("rg", "func-front", address, [*signatures], pause=lambda _: None)


def test_the_webhook_passes_when_it_refuses_who_does_not_sign_and_takes_who_does(
    azure_cli: AzureCli, serve: Callable[..., str]
) -> None:
    azure_cli(ANSWERS)
    taken: list[bytes] = []
    assert front(serve(taken=taken), SIGNATURE) == []
    assert len(taken) == 1


def test_without_a_signature_no_notification_is_sent(azure_cli: AzureCli, serve: Callable[..., str]) -> None:
    azure_cli(ANSWERS)
    taken: list[bytes] = []
    assert front(serve(taken=taken)) == []
    assert taken == []


def test_what_is_sent_is_a_notification_that_needs_nothing_to_be_done() -> None:
    """Accepted: the worker writes an event row and asks nobody. The webhook's own parser takes it."""
    now = datetime(2027, 1, 1, tzinfo=UTC)
    parsed = parse_notification(smoke_test.notification(now), received_at=now, correlation_id="x")
    assert parsed.kind == ("PUT", "Accepted")
    assert parsed.event_time == now
    assert "smoke-test" in str(parsed.application_id)


@pytest.mark.parametrize("status", [200, 404, 500])
def test_the_smoke_test_fails_when_an_unsigned_call_gets_another_answer(
    azure_cli: AzureCli, serve: Callable[..., str], status: int
) -> None:
    azure_cli(ANSWERS)
    assert front(serve(unsigned=status)) == [f"an unsigned notification was answered with {status} instead of 401"]


@pytest.mark.parametrize("status", [400, 401, 503])
def test_the_smoke_test_fails_when_the_queue_or_the_webhook_does_not_take_a_signed_notification(
    azure_cli: AzureCli, serve: Callable[..., str], status: int
) -> None:
    azure_cli(ANSWERS)
    found = front(serve(signed=status), SIGNATURE)
    assert found == [f"a signed notification was answered with {status} instead of 200"]
    assert SIGNATURE not in "".join(found)


@pytest.mark.parametrize("known", ["new-" * 10, "old-" * 10])
def test_a_signature_that_is_being_rotated_is_taken_whichever_of_the_two_the_app_knows(
    azure_cli: AzureCli, serve: Callable[..., str], known: str
) -> None:
    azure_cli(ANSWERS)
    assert front(serve(signature=known), "new-" * 10, "old-" * 10) == []


def test_a_key_that_is_being_rotated_is_the_one_that_there_is_now(
    azure_cli: AzureCli, serve: Callable[..., str]
) -> None:
    """The default key may be gone; and one that is replaced while the test waits is read again."""
    keys = "functionapp function keys list --resource-group rg --name func-front"
    azure_cli({**ANSWERS, keys: {"second": KEY}})
    assert front(serve(), SIGNATURE) == []
    azure_cli({**ANSWERS, keys: {"default": "of-yesterday"}})

    def replace(_: float) -> None:
        azure_cli(ANSWERS)

    assert smoke_test.front_failures("rg", "func-front", serve(signed=200), [SIGNATURE], pause=replace) == []


@pytest.mark.parametrize("path", ["compliance", "dashboard", "query_logs", "forged"])
def test_the_smoke_test_fails_when_the_api_answers_who_is_not_signed_in(serve: Callable[..., str], path: str) -> None:
    (failure,) = smoke_test.api_failures(serve(**{path: 200}), pause=lambda _: None)
    assert failure.endswith("was answered with 200 instead of 401")
    assert smoke_test.api_failures(serve(), pause=lambda _: None) == []


def test_who_is_sent_to_the_sign_in_is_refused_and_a_query_is_not_sent_there(serve: Callable[..., str]) -> None:
    redirected = serve(compliance=302, dashboard=302, forged=302)
    assert smoke_test.api_failures(redirected, pause=lambda _: None) == []
    (failure,) = smoke_test.api_failures(serve(query_logs=302), pause=lambda _: None)
    assert failure.endswith("was answered with 302 instead of 401")


def test_a_forged_sign_in_that_the_platform_lets_through_looks_different_from_a_refused_one() -> None:
    settings = ApiSettings.from_environment(
        {
            **dict.fromkeys(("API_CLIENT_ID", "AZURE_TENANT_ID", "LOG_ANALYTICS_WORKSPACE_ID"), GUID),
            "DATA_COLLECTION_ENDPOINT": "https://dce.example",
            "AUDIT_IMMUTABLE_ID": "dcr-" + "0" * 32,
        }
    )
    with pytest.raises(ProblemError) as refused:
        require_reader(Request("GET", {name.lower(): value for name, value in smoke_test.FORGED.items()}), settings)
    assert refused.value.status == HTTPStatus.FORBIDDEN


BLUEPRINTS = {
    "front": ("notification_endpoint",),
    "worker": ("collector", "verdicts", "registry/notifications", "registry/discovery"),
    "api": ("compliance_api",),
}


@pytest.mark.parametrize("role", smoke_test.FUNCTIONS)
def test_every_function_that_the_smoke_test_wants_is_one_of_the_roles_blueprints(role: str) -> None:
    sources = "".join((PROJECT / folder / "blueprint.py").read_text() for folder in BLUEPRINTS[role])
    declared = set(re.findall(r"^async def ([a-z]\w+)\(", sources, re.MULTILINE))
    assert set(smoke_test.FUNCTIONS[role]) <= declared
    # Of front and worker all are wanted; the API's many answers need no list.
    assert role == "api" or set(smoke_test.FUNCTIONS[role]) == declared


def test_the_smoke_test_fails_without_the_timers_and_waits_for_a_new_deployment(azure_cli: AzureCli) -> None:
    known = [name for name in smoke_test.FUNCTIONS["worker"] if name not in ("collect_shard", "reconcile_registry")]
    azure_cli({"functionapp function list": listed("worker", *known)})
    waits: list[float] = []
    found = smoke_test.function_failures("rg", "worker", "func-worker", pause=waits.append)
    assert [line.split()[1] for line in found] == ["collect_shard", "reconcile_registry"]
    assert len(waits) == smoke_test.ATTEMPTS - 1


def test_a_function_of_another_role_is_a_failure(azure_cli: AzureCli) -> None:
    """So a front that runs with the role of the single app before it, or a worker with a route, is told."""
    functions = [*smoke_test.FUNCTIONS["front"], "collect_policy_states"]
    azure_cli({"functionapp function list": listed("front", *functions)})
    (line,) = smoke_test.function_failures("rg", "front", "func-front", pause=lambda _: None)
    assert line == "front: collect_policy_states is a function of func-front and belongs to another role"


def test_the_smoke_test_fails_when_nobody_answers(azure_cli: AzureCli) -> None:
    azure_cli(ANSWERS)
    found = front("http://127.0.0.1:1/api", SIGNATURE)
    found += smoke_test.api_failures("http://127.0.0.1:1/api", pause=lambda _: None)
    assert len(found) == 2 + len(smoke_test.API_CALLS)
    assert all("answered with nothing" in failure for failure in found)


def test_the_smoke_test_fails_when_azure_cannot_be_asked(azure_cli: AzureCli, serve: Callable[..., str]) -> None:
    azure_cli({})
    assert [line.split(" (")[0] for line in front(serve(), SIGNATURE)] == [
        "the key of managed_application_notification could not be read"
    ]


def test_the_function_key_stays_out_of_the_smoke_tests_words(azure_cli: AzureCli, serve: Callable[..., str]) -> None:
    azure_cli(ANSWERS)
    assert KEY not in " ".join(front(serve(unsigned=500, signed=500), SIGNATURE))


def test_the_whole_test_finds_the_apps_by_their_tags(
    azure_cli: AzureCli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = {"name": "func-front", "tags": {"azd-service-name": "front"}, "properties": {"defaultHostName": "front.x"}}
    azure_cli({**ANSWERS, "functionapp list": [site, app("worker", "worker.x")]})
    asked: list[tuple[str, str]] = []

    def answer(endpoint: str, call: smoke_test.Call) -> int:
        asked.append((endpoint, call.who))
        return call.expected

    monkeypatch.setattr(smoke_test, "status_of", answer)
    monkeypatch.setenv("NOTIFICATION_SIGNATURE", f"{SIGNATURE},another")
    assert smoke_test.main(["rg"]) == 0
    assert asked == [
        ("https://front.x/api", "an unsigned notification"),
        ("https://front.x/api", "a signed notification"),
    ]
    assert "taken and put on the queue" in capsys.readouterr().out
    monkeypatch.delenv("NOTIFICATION_SIGNATURE")
    assert smoke_test.main(["rg"]) == 0
    assert "not sent: set NOTIFICATION_SIGNATURE" in capsys.readouterr().out


def test_the_notification_has_the_members_of_azures_own() -> None:
    payload = json.loads(smoke_test.notification(datetime.now(UTC)))
    assert set(payload) == {"eventType", "applicationId", "eventTime", "provisioningState", "plan"}
    assert set(payload["plan"]) == {"publisher", "product", "name", "version"}
