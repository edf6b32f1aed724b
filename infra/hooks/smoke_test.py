"""After a deployment: is every function there, and is everybody refused who has to be?

The webhook refuses a call without its signature; the API refuses who is not signed in, and who merely claims to be.
`python -m infra.hooks.smoke_test RESOURCE_GROUP FUNCTION_APP`; exit status 1 with one line per failure.
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from infra.hooks.azure_cli import ask_list, ask_object, text
from infra.hooks.deployment import NOTIFICATION_FUNCTION, host_name
from infra.hooks.run import run_hook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REQUIRED_FUNCTIONS: Final = (
    "collect_policy_states",
    "collect_shard",
    "collect_poisoned_shard",
    "publish_verdicts",
    "reconcile_registry",
    NOTIFICATION_FUNCTION,
    "compliance_fleet",
    "query_logs",
    "operations_page",
)
ATTEMPTS: Final = 12
SECONDS_BETWEEN: Final = 10
TIMEOUT_SECONDS: Final = 60

_CLAIMS: Final = {"roles": "Compliance.Query", "oid": "nobody", "azp": "00000000-0000-0000-0000-000000000000"}
_PRINCIPAL: Final = {"auth_typ": "aad", "claims": [{"typ": name, "val": value} for name, value in _CLAIMS.items()]}
FORGED: Final = {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(_PRINCIPAL).encode()).decode()}
"""The header of a caller who only says to be signed in: the API answers 403, the platform's sign-in before it 401."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that has to be refused."""

    who: str
    method: str
    path: str
    expected: HTTPStatus
    headers: Mapping[str, str] = field(default_factory=dict)


def calls(key: str, *, has_api: bool) -> list[Call]:
    """Return the calls to make. Without its app registration the API serves nobody, whoever asks."""
    refused = HTTPStatus.UNAUTHORIZED if has_api else HTTPStatus.SERVICE_UNAVAILABLE
    return [
        Call("an unsigned notification", "POST", f"resource?code={key}", HTTPStatus.UNAUTHORIZED),
        Call("a reader who is not signed in", "GET", "compliance", refused),
        Call("a visitor of the page who is not signed in", "GET", "dashboard", refused),
        Call("a query of somebody who is not signed in", "POST", "query_logs", refused),
        Call("a reader who only claims to be signed in", "GET", "compliance", refused, FORGED),
    ]


def status_of(endpoint: str, call: Call) -> int:
    """Return the status that a call is answered with; 0 when there is no answer."""
    if not endpoint.startswith(("https://", "http://127.0.0.1")):
        raise ValueError("the endpoint must be https")
    headers = {"Content-Type": "application/json", **call.headers}
    body = b"{}" if call.method == "POST" else None
    url = f"{endpoint}/{call.path}"
    request = urllib.request.Request(url, data=body, method=call.method, headers=headers)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


def failures(group: str, app: str, endpoint: str, pause: Callable[[float], None] = time.sleep) -> list[str]:
    """Return one line per failure. A new deployment gets two minutes to start."""
    found = _missing_functions(group, app, pause)
    place = ("--resource-group", group, "--name", app)
    keys = ask_object("functionapp", "function", "keys", "list", *place, "--function-name", NOTIFICATION_FUNCTION)
    settings = ask_list("functionapp", "config", "appsettings", "list", *place, "--query", "[].{name:name}")
    key = keys.text("default")
    if not key:
        reason = keys.reason or "it has none that is named default"
        found.append(f"the key of {NOTIFICATION_FUNCTION} could not be read ({reason})")
    if not settings.found:
        found.append(f"the names of the app settings could not be read ({settings.reason})")
    if not key or not settings.found:
        return found
    has_api = any(text(setting, "name") == "API_CLIENT_ID" for setting in settings.data)
    for call in calls(key, has_api=has_api):
        status = 0
        for attempt in range(ATTEMPTS):
            if attempt:
                pause(SECONDS_BETWEEN)
            status = status_of(endpoint, call)
            if status == call.expected:
                break
        else:
            found.append(f"{call.who} was answered with {status or 'nothing'} instead of {call.expected.value}")
    return found


def _missing_functions(group: str, app: str, pause: Callable[[float], None]) -> list[str]:
    names, reason = set[str](), ""
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(SECONDS_BETWEEN)
        answer = ask_list("functionapp", "function", "list", "--resource-group", group, "--name", app)
        names = {text(entry, "name").rsplit("/", 1)[-1] for entry in answer.data}
        reason = answer.reason
        if names.issuperset(REQUIRED_FUNCTIONS):
            break
    return [
        f"{name} is not among the functions ({reason or 'the app lists others'})"
        for name in REQUIRED_FUNCTIONS
        if name not in names
    ]


def main(arguments: list[str]) -> int:
    """Run the smoke test against an app in Azure."""
    if len(arguments) != 2:  # noqa: PLR2004
        sys.stderr.write("usage: python -m infra.hooks.smoke_test RESOURCE_GROUP FUNCTION_APP\n")
        return 2
    group, app = arguments
    site = ask_object("functionapp", "show", "--resource-group", group, "--name", app)
    if not (host := host_name(site.data)):
        sys.stderr.write(f"{app} could not be found ({site.reason or 'az functionapp show tells no host name'})\n")
        return 1
    found = failures(group, app, f"https://{host}/api")
    for line in found:
        sys.stderr.write(f"failed: {line}\n")
    if not found:
        sys.stdout.write(f"{app}: every function is listed, and everybody is refused who has to be\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
