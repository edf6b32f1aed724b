"""After a deployment: is the timer there, and does the webhook refuse a call without its signature?

`python -m infra.hooks.smoke_test RESOURCE_GROUP FUNCTION_APP`; exit status 1 with one line per failure.
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from infra.hooks.azure_cli import ask
from infra.hooks.postdeploy import FUNCTION

if TYPE_CHECKING:
    from collections.abc import Callable

TIMER: Final = "collect_policy_states"
REQUIRED_FUNCTIONS: Final = (TIMER, FUNCTION, "reconcile_registry")
ATTEMPTS: Final = 12
SECONDS_BETWEEN: Final = 10
TIMEOUT_SECONDS: Final = 60


def listed_functions(group: str, app: str) -> tuple[set[str], str]:
    """Return the names of the functions that the platform knows, and why when it could not be asked."""
    answer = ask("functionapp", "function", "list", "-g", group, "-n", app)
    if not answer.found:
        return set(), answer.reason
    return {entry["name"].rsplit("/", 1)[-1] for entry in answer.data}, ""


def status_of_unsigned_call(endpoint: str, key: str) -> int:
    """Return the status of a notification with a function key and no signature; 0 when there is no answer."""
    url = f"{endpoint}/resource?code={key}"
    if not url.startswith(("https://", "http://127.0.0.1")):
        raise ValueError("the endpoint must be https")
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=b"{}", method="POST", headers=headers)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, TimeoutError):
        return 0


def failures(group: str, app: str, endpoint: str, pause: Callable[[float], None] = time.sleep) -> list[str]:
    """Return one line per failure. A new deployment gets two minutes to start."""
    functions, reason = set[str](), ""
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(SECONDS_BETWEEN)
        functions, reason = listed_functions(group, app)
        if functions.issuperset(REQUIRED_FUNCTIONS):
            break
    found = [
        f"{name} is not among the functions ({reason or 'the app lists others'})"
        for name in REQUIRED_FUNCTIONS
        if name not in functions
    ]
    keys = ask("functionapp", "function", "keys", "list", "-g", group, "-n", app, "--function-name", FUNCTION)
    if not keys.found:
        return [*found, f"the key of {FUNCTION} could not be read ({keys.reason})"]
    status = 0
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(SECONDS_BETWEEN)
        status = status_of_unsigned_call(endpoint, keys.data["default"])
        if status == HTTPStatus.UNAUTHORIZED:
            return found
    return [*found, f"an unsigned notification was answered with {status or 'nothing'} instead of 401"]


def main(arguments: list[str]) -> int:
    """Run the smoke test against an app in Azure."""
    if len(arguments) != 2:  # noqa: PLR2004
        sys.stderr.write("usage: python -m infra.hooks.smoke_test RESOURCE_GROUP FUNCTION_APP\n")
        return 2
    group, app = arguments
    site = ask("functionapp", "show", "-g", group, "-n", app)
    if not site.found:
        sys.stderr.write(f"{app} could not be found ({site.reason})\n")
        return 1
    found = failures(group, app, f"https://{site.data['defaultHostName']}/api")
    for line in found:
        sys.stderr.write(f"failed: {line}\n")
    if not found:
        sys.stdout.write(f"{app}: every function is listed, and an unsigned notification is refused\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
