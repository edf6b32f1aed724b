"""Hands the finished package to the function app, and waits until the app has taken it. Azure builds nothing.

`python -m infra.hooks.deploy_package RESOURCE_GROUP FUNCTION_APP FILE.zip`; exit status 1 with one line on failure.
`az functionapp deployment source config-zip` does not do: on Flex Consumption it asks for a remote build whenever the
app runs Python, whatever --build-remote says (azure-cli 2.91, appservice/custom.py, enable_zip_deploy_flex).
Source of the two addresses and the states: the same file, and github.com/projectkudu/kudu/wiki/REST-API.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.hooks.azure_cli import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SUCCEEDED: Final = 4
FAILED: Final = {-1: "was cancelled", 3: "failed", 5: "gave way to another one", 6: "succeeded in part only"}
ATTEMPTS: Final = 120
SECONDS_BETWEEN: Final = 5
TIMEOUT_SECONDS: Final = 300


class DeploymentError(Exception):
    """The package is not deployed; the message says why."""


def publish(address: str, token: str, package: bytes, pause: Callable[[float], None] = time.sleep) -> None:
    """Send the package and wait for the end of its deployment.

    Raises:
        DeploymentError: the app refused the package, its deployment failed, or ten minutes were not enough.
    """
    if not address.startswith(("https://", "http://127.0.0.1")):
        raise DeploymentError("the deployment endpoint must be https")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/zip", "Cache-Control": "no-cache"}
    status, text = _call(f"{address}/api/publish?RemoteBuild=false&Deployer=compliance", headers, package)
    if status == 409:  # noqa: PLR2004
        raise DeploymentError("another deployment is under way: wait for its end, and run this one again")
    if status not in (200, 202):
        raise DeploymentError(f"the app answered {status or 'nothing'} to the package: {text[:300]}")
    for _ in range(ATTEMPTS):
        pause(SECONDS_BETWEEN)
        state = _state(*_call(f"{address}/api/deployments/latest", headers))
        if state.get("status") == SUCCEEDED:
            return
        if outcome := FAILED.get(state.get("status", 0)):
            raise DeploymentError(
                f"the deployment {outcome}: {state.get('status_text') or state.get('message') or '?'}"
            )
    raise DeploymentError(f"the deployment did not end within {ATTEMPTS * SECONDS_BETWEEN // 60} minutes")


def _call(url: str, headers: Mapping[str, str], body: bytes | None = None) -> tuple[int, str]:
    """Return status and text of the answer; status 0 when there is none."""
    request = urllib.request.Request(url, data=body, headers=dict(headers))  # noqa: S310 - `publish` checks the scheme
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return int(answer.status), answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        return 0, str(error)


def _state(status: int, text: str) -> dict[str, Any]:
    """Return the deployment's state; empty while there is none, or when the app is just restarting."""
    try:
        state = json.loads(text) if status in (200, 202) else {}
    except json.JSONDecodeError:
        return {}
    return state if isinstance(state, dict) else {}


def _needed(answer: Answer, what: str) -> Any:
    if not answer.found:
        raise DeploymentError(f"{what} ({answer.reason})")
    return answer.data


def deploy(group: str, app: str, package: Path) -> None:
    """Deploy a package file; raise DeploymentError."""
    try:
        content = package.read_bytes()
    except OSError as error:
        raise DeploymentError(f"{package} could not be read: {error.strerror}") from error
    site = _needed(ask("functionapp", "show", "-g", group, "-n", app), f"{app} could not be found")
    hosts = [host["name"] for host in site.get("hostNameSslStates") or [] if host["hostType"] == "Repository"]
    if not hosts:
        raise DeploymentError(f"{app} names no deployment endpoint")
    token = _needed(ask("account", "get-access-token"), "no token for the deployment endpoint")
    publish(f"https://{hosts[0]}", token["accessToken"], content)


def main(arguments: list[str]) -> int:
    """Deploy."""
    if len(arguments) != 3:  # noqa: PLR2004
        sys.stderr.write("usage: python -m infra.hooks.deploy_package RESOURCE_GROUP FUNCTION_APP FILE.zip\n")
        return 2
    group, app, file = arguments
    try:
        deploy(group, app, Path(file))
    except DeploymentError as error:
        sys.stderr.write(f"problem: {error}\n")
        return 1
    sys.stdout.write(f"{app} runs {Path(file).name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
