"""The demonstration's calls of the API: with a workload's token, without one, and with forged headers."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sandbox.demo.checks import Checks
    from sandbox.demo.tables import Tables
    from sandbox.functions.process import Answer
    from sandbox.world.customers import Customer

FLEET: Final = "/api/compliance"
UNREAD: Final = "/api/compliance/applications?status=unread"
FORGED_PRINCIPAL: Final = {"X-MS-CLIENT-PRINCIPAL": "e30=", "X-MS-CLIENT-PRINCIPAL-IDP": "aad"}
"""The headers in which the platform names the signed-in caller, here sent by the caller."""

_COLUMNS: Final = {
    "Registered": "total",
    "Compliant": "compliant",
    "Not compliant": "noncompliant",
    "Not evaluated": "not_evaluated",
    "Could not be read": "unread",
}


def expect_api(tables: Tables, checks: Checks, *unread: tuple[Customer, str, str]) -> None:
    """Ask for the fleet, and show and check the answers.

    They must speak of the latest run, count what the tables hold, and name exactly those customers as unread that are
    given, each with what was last known of it and its outcome. Strangers must not get in.
    """
    door, display = tables.installation.front_door, tables.display
    agent = {"Authorization": f"Bearer {door.token()}"}
    answers = {
        "a workload, with its managed identity": door.get(FLEET, agent),
        "anybody, not signed in": door.get(FLEET, {}),
        "anybody, with a principal of their own making": door.get(FLEET, FORGED_PRINCIPAL),
    }
    display.table(f"GET {FLEET}", ("Caller", "Answer"), [(who, str(one.status)) for who, one in answers.items()])
    checks.equal("only who is signed in gets an answer", [200, 401, 401], [one.status for one in answers.values()])
    fleet = _content(next(iter(answers.values())))
    counts, run = fleet.get("applications", {}), fleet.get("as_of") or {}
    display.table("The fleet, says the API", tuple(_COLUMNS), [[counts.get(name) for name in _COLUMNS.values()]])
    checks.equal("it speaks of the latest run", tables.latest_run_id(), run.get("run_id"))
    checks.equal("it agrees with the tables", tables.statuses(), counts)
    listed = [
        (one["customer"], one["status"], one["last_known"], one["reading"]["outcome"])
        for one in _content(door.get(UNREAD, agent)).get("applications", [])
    ]
    display.table(f"GET {UNREAD}", ("Customer", "Status", "Last known", "Outcome"), listed)
    checks.same(
        "who could not be read is told as exactly that",
        [(customer.name, "unread", last_known, outcome) for customer, last_known, outcome in unread],
        listed,
    )


def _content(answer: Answer) -> dict[str, Any]:
    """Return what the API says; nothing when it refuses."""
    content: dict[str, Any] = json.loads(answer.body) if answer.status == HTTPStatus.OK else {}
    return content
