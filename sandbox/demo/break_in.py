"""The demonstration's break-ins: what somebody who has taken over an app can reach with all that the app has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.borders.calls import Target
from sandbox.borders.expected import differences
from sandbox.borders.probe import break_in
from sandbox.roles import APPS

if TYPE_CHECKING:
    from sandbox.borders.probe import Findings
    from sandbox.demo.checks import Checks
    from sandbox.demo.display import Display
    from sandbox.installation import Installation
    from sandbox.world.customers import Customer


def expect_borders(installation: Installation, display: Display, checks: Checks, customer: Customer) -> None:
    """Break into each app, show what was reached and how the rest was refused, and check both."""
    target = Target.installed(installation, customer)
    found = {role: asyncio.run(break_in(installation.environment_of(role), target)) for role in APPS}
    places = list(dict.fromkeys(place for findings in found.values() for place in findings.tried))
    rows = [[place, *(_reached(findings, place) for findings in found.values())] for place in places]
    display.table("What can be reached from inside", ("", *(f"the {role}" for role in APPS)), rows)
    tries = [(role, len(one.attempts), sum(one.refusals.values()), _codes(one)) for role, one in found.items()]
    display.table("Everything was tried with every token", ("From", "Tries", "Refused", "Mostly as"), tries)
    for role, findings in found.items():
        checks.equal(f"from inside the {role}, that and no more", [], list(differences(role, findings)))


def _reached(findings: Findings, place: str) -> str:
    return ", ".join(findings.granted.get(place, ())) or "-"


def _codes(findings: Findings) -> str:
    return ", ".join(code for code, _ in findings.refusals.most_common(3))
