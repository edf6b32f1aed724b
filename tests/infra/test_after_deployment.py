from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.hooks import postdeploy, smoke_test, what_if_comment

AzureCli = Callable[[dict[str, Any]], Path]

DEPLOYED = {
    "PUBLISHER_CLIENT_ID": "the-client",
    "FUNCTION_APP_NAME": "func-x",
    "AZURE_RESOURCE_GROUP": "rg-x",
    "NOTIFICATION_ENDPOINT": "https://func-x.example/api",
    "NOTIFICATION_SIGNATURE": "new-signature,old-signature",
    "FEDERATED_CREDENTIAL_COMMAND": "az ad app federated-credential create --id the-client",
    "CREDENTIAL_KIND": "federated",
}
ANSWERS = {
    "functionapp function keys list": {"default": "the-key"},
    "functionapp function list": [{"name": f"func-x/{name}"} for name in smoke_test.REQUIRED_FUNCTIONS],
    "ad sp show": {"id": "the-object-id"},
    "account show": {"tenantId": "the-tenant"},
    "identity list": [{"name": "id-app-x", "principalId": "ours"}],
    "ad app federated-credential list": [],
}


@pytest.fixture
def webhook() -> Iterator[Callable[[int], str]]:
    """Starts a webhook that answers every call with one status; returns its address."""
    servers = []

    def start(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(status if self.path == "/api/resource?code=the-key" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

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


def test_a_log_gets_the_notification_url_without_its_secrets(
    azure_cli: AzureCli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    azure_cli(ANSWERS)
    for name, value in DEPLOYED.items():
        monkeypatch.setenv(name, value)
    assert postdeploy.main() == 0
    output = capsys.readouterr().out
    assert "https://func-x.example/api?code=<function key>&sig=<signature>" in output
    assert "the-key" not in output
    assert "new-signature" not in output
    assert "the-object-id" in output
    assert "the-tenant" in output
    assert "Contributor" in output
    assert "Still to do" in output
    assert DEPLOYED["FEDERATED_CREDENTIAL_COMMAND"] in output


def test_a_person_gets_the_whole_url_with_the_newer_signature(azure_cli: AzureCli) -> None:
    azure_cli(ANSWERS)
    url = postdeploy.notification_url(DEPLOYED, in_full=True)
    assert url == "https://func-x.example/api?code=the-key&sig=new-signature"


def test_values_that_cannot_be_read_say_how_to_look_them_up(azure_cli: AzureCli) -> None:
    azure_cli({})
    text = postdeploy.partner_center(DEPLOYED, in_full=True)
    assert "code=<function key>" in text
    assert "az ad sp show --id the-client --query id" in text


def test_the_smoke_test_passes_when_an_unsigned_call_is_refused(
    azure_cli: AzureCli, webhook: Callable[[int], str]
) -> None:
    azure_cli(ANSWERS)
    assert smoke_test.failures("rg", "func-x", webhook(401), pause=lambda _: None) == []


@pytest.mark.parametrize("status", [200, 404, 500])
def test_the_smoke_test_fails_when_an_unsigned_call_gets_another_answer(
    azure_cli: AzureCli, webhook: Callable[[int], str], status: int
) -> None:
    azure_cli(ANSWERS)
    (failure,) = smoke_test.failures("rg", "func-x", webhook(status), pause=lambda _: None)
    assert f"answered with {status} instead of 401" in failure


def test_the_smoke_test_fails_without_the_timer_and_waits_for_a_new_deployment(
    azure_cli: AzureCli, webhook: Callable[[int], str]
) -> None:
    azure_cli({**ANSWERS, "functionapp function list": [{"name": "func-x/managed_application_notification"}]})
    waits: list[float] = []
    found = smoke_test.failures("rg", "func-x", webhook(401), pause=waits.append)
    assert [line.split()[0] for line in found] == ["collect_policy_states", "reconcile_registry"]
    assert len(waits) == smoke_test.ATTEMPTS - 1


def test_the_smoke_test_fails_when_nobody_answers(azure_cli: AzureCli) -> None:
    azure_cli(ANSWERS)
    (failure,) = smoke_test.failures("rg", "func-x", "http://127.0.0.1:1/api", pause=lambda _: None)
    assert "answered with nothing" in failure


def test_the_function_key_stays_out_of_the_smoke_tests_words(
    azure_cli: AzureCli, webhook: Callable[[int], str]
) -> None:
    azure_cli(ANSWERS)
    assert "the-key" not in " ".join(smoke_test.failures("rg", "func-x", webhook(500), pause=lambda _: None))


def test_the_comment_names_resources_and_properties_but_no_values() -> None:
    group = "/subscriptions/s/resourceGroups/rg-x/providers/"
    answer = {
        "changes": [
            {"changeType": "NoChange", "resourceId": f"{group}Microsoft.Web/sites/a"},
            {"changeType": "Create", "resourceId": f"{group}Microsoft.Web/sites/b", "after": {"x": "secret"}},
            {
                "changeType": "Modify",
                "resourceId": f"{group}Microsoft.KeyVault/vaults/v",
                "delta": [{"path": "properties", "children": [{"path": "value", "before": "old", "after": "secret"}]}],
            },
        ]
    }
    text = what_if_comment.comment(answer)
    assert "**1 created**" in text
    assert "- `rg-x/providers/Microsoft.Web/sites/b`" in text
    assert "  - `properties.value`" in text
    assert "secret" not in text
    assert "sites/a" not in text


def test_no_change_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "answer.json").write_text(json.dumps({"changes": []}))
    assert what_if_comment.main([str(tmp_path / "answer.json")]) == 0
    assert "Nothing changes." in capsys.readouterr().out
