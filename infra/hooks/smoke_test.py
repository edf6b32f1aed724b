"""After a deployment: does each app have its functions and no others, and does each answer as it should?

`python -m infra.hooks.smoke_test RESOURCE_GROUP`; exit status 1 with one line per failure. The webhook must refuse who
does not sign, the API who is not signed in or merely claims to be. With NOTIFICATION_SIGNATURE in the environment a
signed notification is sent, about an application that does not exist: the webhook answers 200 only once it is on the
worker's queue. During a rotation every key and every signature is tried.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from infra.hooks.azure_cli import ask_list, text
from infra.hooks.deployment import NOTIFICATION_FUNCTION, apps_of, host_name
from infra.hooks.keys import function_keys
from infra.hooks.names import API, FRONT, WORKER
from infra.hooks.run import run_hook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FUNCTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    FRONT: (NOTIFICATION_FUNCTION,),
    WORKER: (
        "take_notification",
        "take_poisoned_notification",
        "ask_about_pending",
        "collect_policy_states",
        "collect_shard",
        "publish_verdicts",
        "reconcile_registry",
        "discover_applications",
        "export_registry_and_ledger",
    ),
    API: ("compliance_fleet", "query_logs", "operations_page"),
}
"""Functions that the app of each role must have, and the others must not."""

ATTEMPTS: Final = 12
SECONDS_BETWEEN: Final = 10
TIMEOUT_SECONDS: Final = 60

_CLAIMS: Final = {"roles": "Compliance.Query", "oid": "nobody", "azp": "00000000-0000-0000-0000-000000000000"}
_PRINCIPAL: Final = {"auth_typ": "aad", "claims": [{"typ": name, "val": value} for name, value in _CLAIMS.items()]}
FORGED: Final = {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(_PRINCIPAL).encode()).decode()}
"""The header of a caller who only says to be signed in: the API answers 403, the platform's sign-in before it 401."""

_NOBODY: Final = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/smoke-test"
    "/providers/Microsoft.Solutions/applications/smoke-test"
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call, and the status that it has to be answered with."""

    who: str
    method: str
    path: str
    expected: HTTPStatus
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


API_CALLS: Final = (
    Call("a reader who is not signed in", "GET", "compliance", HTTPStatus.UNAUTHORIZED),
    Call("a visitor of the page who is not signed in", "GET", "dashboard", HTTPStatus.UNAUTHORIZED),
    Call("a query of somebody who is not signed in", "POST", "query_logs", HTTPStatus.UNAUTHORIZED),
    Call("a reader who only claims to be signed in", "GET", "compliance", HTTPStatus.UNAUTHORIZED, FORGED),
)
"""Calls that the api has to refuse: with 401, or by sending a browser to the sign-in."""


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the sign-in page that it leads to answers everybody."""

    def redirect_request(self, *_: object) -> None:
        """Return no request to go on with."""


_OPENER: Final = urllib.request.build_opener(_StayHere())


def notification(now: datetime) -> bytes:
    """Return a notification that needs nothing to be done: a deployment of an application that nobody has has begun."""
    payload = {
        "eventType": "PUT",
        "provisioningState": "Accepted",
        "applicationId": _NOBODY,
        "eventTime": now.isoformat(),
        "plan": {"publisher": "smoke-test", "product": "smoke-test", "name": "smoke-test", "version": "1.0.0"},
    }
    return json.dumps(payload).encode()


def status_of(endpoint: str, call: Call) -> int:
    """Return the status that a call is answered with, of a redirect its own; 0 when there is no answer."""
    if not endpoint.startswith(("https://", "http://127.0.0.1")):
        raise ValueError("the endpoint must be https")
    headers = {"Content-Type": "application/json", **call.headers}
    body = call.body if call.method == "POST" else None
    url = f"{endpoint}/{call.path}"
    request = urllib.request.Request(url, data=body, method=call.method, headers=headers)  # noqa: S310 - checked above
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


def front_failures(
    group: str, app: str, endpoint: str, signatures: list[str], pause: Callable[[float], None] = time.sleep
) -> list[str]:
    """Return one line for what the webhook does wrong: an unsigned call must be refused, a signed one be taken.

    `signatures` may be empty, then none is sent; of several, one must be right. A new deployment gets two minutes.
    """
    unsigned = Call("an unsigned notification", "POST", "resource", HTTPStatus.UNAUTHORIZED)
    signed = Call("a signed notification", "POST", "resource", HTTPStatus.OK, body=notification(datetime.now(UTC)))

    def failure(call: Call, endings: list[str]) -> str:
        reason, status = "", 0
        for attempt in range(ATTEMPTS):
            if attempt:
                pause(SECONDS_BETWEEN)
            # Read before each attempt: a key may have been replaced meanwhile.
            keys, reason = function_keys(group, app)
            for path in (f"{call.path}?code={quote(key, safe='')}{end}" for key in keys.values() for end in endings):
                status = status_of(endpoint, replace(call, path=path))
                if status == call.expected:
                    return ""
        if reason:
            return f"the key of {NOTIFICATION_FUNCTION} could not be read ({reason})"
        return _wrong(call, status)

    found = [failure(unsigned, [""])]
    found += [failure(signed, [f"&sig={quote(one, safe='')}" for one in signatures])] if signatures else []
    return [line for line in dict.fromkeys(found) if line]


def api_failures(endpoint: str, pause: Callable[[float], None] = time.sleep) -> list[str]:
    """Return one line for each call that the api does not refuse as it has to."""
    found = []
    for call in API_CALLS:
        status = 0
        for attempt in range(ATTEMPTS):
            if attempt:
                pause(SECONDS_BETWEEN)
            status = status_of(endpoint, call)
            if status == call.expected or (call.method == "GET" and status == HTTPStatus.FOUND):
                break
        else:
            found.append(_wrong(call, status))
    return found


def _wrong(call: Call, status: int) -> str:
    return f"{call.who} was answered with {status or 'nothing'} instead of {call.expected.value}"


def function_failures(group: str, role: str, app: str, pause: Callable[[float], None] = time.sleep) -> list[str]:
    """Return one line for each function that the app of a role lacks, and for each that it has of another role."""
    required = set(FUNCTIONS[role])
    foreign = {name for other, names in FUNCTIONS.items() if other != role for name in names}
    names, reason = set[str](), ""
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(SECONDS_BETWEEN)
        answer = ask_list("functionapp", "function", "list", "--resource-group", group, "--name", app)
        names = {text(entry, "name").rsplit("/", 1)[-1] for entry in answer.data}
        reason = answer.reason
        if names >= required and not names & foreign:
            break
    lacking = reason or "the app lists others"
    return [
        *(f"{role}: {name} is not among the functions of {app} ({lacking})" for name in sorted(required - names)),
        *(f"{role}: {name} is a function of {app} and belongs to another role" for name in sorted(names & foreign)),
    ]


def main(arguments: list[str]) -> int:
    """Run the smoke test against the apps of a resource group."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.hooks.smoke_test RESOURCE_GROUP\n")
        return 2
    (group,) = arguments
    apps = {role: (text(app, "name"), f"https://{host_name(app)}/api") for role, app in apps_of(group).items()}
    signatures = [one.strip() for one in os.environ.get("NOTIFICATION_SIGNATURE", "").split(",") if one.strip()]
    found = [failure for role, (app, _) in apps.items() for failure in function_failures(group, role, app)]
    found += front_failures(group, *apps[FRONT], signatures)
    found += api_failures(apps[API][1]) if API in apps else []
    for line in found:
        sys.stderr.write(f"failed: {line}\n")
    if not found:
        sys.stdout.write("Every function is listed where it belongs, and everybody is refused who has to be\n")
        taken = "taken and put on the queue" if signatures else "not sent: set NOTIFICATION_SIGNATURE for that"
        sys.stdout.write(f"A signed notification was {taken}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
