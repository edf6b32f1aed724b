"""The package on its way to the app."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.hooks import deploy_package

PROJECT = Path(__file__).resolve().parent.parent.parent
AzureCli = Callable[[dict[str, Any]], Path]


def deploy(package: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.hooks.deploy_package", "rg-x", "func-x", str(package)],
        cwd=PROJECT,
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.fixture
def kudu() -> Iterator[Callable[..., tuple[str, list[str]]]]:
    """Starts a deployment endpoint with the answers that a test wants; returns its address and what it was asked."""
    servers = []

    def start(published: int, *states: object) -> tuple[str, list[str]]:
        asked: list[str] = []
        pending = list(states)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked.append(f"POST {self.path} {self.headers['Authorization']} {body.decode()}")
                self.answer(published, "refused: because")

            def do_GET(self) -> None:
                asked.append(f"GET {self.path}")
                state = pending.pop(0) if len(pending) > 1 else pending[0]
                self.answer(*((state, "") if isinstance(state, int) else (200, json.dumps(state))))

            def answer(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_package_is_deployed_as_it_is_without_a_remote_build(kudu: Any) -> None:
    address, asked = kudu(202, 404, 503, {"status": 0}, {"status": 2}, {"status": 4})
    deploy_package.publish(address, "the-token", b"zip", pause=lambda _: None)
    assert asked[0] == "POST /api/publish?RemoteBuild=false&Deployer=compliance Bearer the-token zip"
    assert asked[1:] == ["GET /api/deployments/latest"] * 5


@pytest.mark.parametrize(
    ("published", "state", "told"),
    [
        (202, {"status": 3, "status_text": "no host.json"}, "the deployment failed: no host.json"),
        (202, {"status": 6}, "succeeded in part only"),
        (202, {"status": 5}, "gave way to another one"),
        (202, {"status": 1}, "did not end within 10 minutes"),
        (202, 500, "did not end within 10 minutes"),
        (409, {}, "another deployment is under way"),
        (401, {}, "the app answered 401 to the package: refused: because"),
    ],
)
def test_a_deployment_that_did_not_succeed_is_told(kudu: Any, published: int, state: object, told: str) -> None:
    address, _ = kudu(published, state)
    with pytest.raises(deploy_package.DeploymentError, match=told) as caught:
        deploy_package.publish(address, "the-token", b"zip", pause=lambda _: None)
    assert "the-token" not in str(caught.value)


def test_the_token_goes_nowhere_unencrypted() -> None:
    with pytest.raises(deploy_package.DeploymentError, match="must be https"):
        deploy_package.publish("http://func-x.example", "the-token", b"zip")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({}, "problem: func-x could not be found (ERROR: the operation was refused)"),
        ({"functionapp show": {"hostNameSslStates": []}}, "problem: func-x names no deployment endpoint"),
        (
            {"functionapp show": {"hostNameSslStates": [{"hostType": "Repository", "name": "h"}]}},
            "problem: no token for the deployment endpoint (ERROR: the operation was refused)",
        ),
    ],
)
def test_a_deployment_that_cannot_begin_is_told_in_one_line(
    azure_cli: AzureCli, tmp_path: Path, answers: dict[str, Any], told: str
) -> None:
    azure_cli(answers)
    (tmp_path / "package.zip").write_bytes(b"zip")
    done = deploy(tmp_path / "package.zip")
    assert (done.returncode, done.stderr) == (1, f"{told}\n")


def test_a_package_that_is_not_there_is_told(azure_cli: AzureCli, tmp_path: Path) -> None:
    azure_cli({})
    done = deploy(tmp_path / "absent.zip")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "absent.zip could not be read" in done.stderr
