"""What becomes of notifications in every cell of their fault matrix: the only place where it is written down.

docs/reliability.md shows it; the tests play every cell and compare.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.reliability.notification_cell import AGAIN, WAITS
from tests.reliability.notification_faults import DEPENDENCIES, faults_of


@dataclass(frozen=True)
class Expectation:
    """What becomes of four notifications under some faults of a dependency, and how the registry becomes right."""

    faults: tuple[str, ...] | None
    """None: all that are not named elsewhere."""
    new: str
    changed: str
    left: str
    forged: str
    healed_by: str = "asking again"

    @property
    def outcomes(self) -> dict[str, str]:
        """By situation."""
        return {"new": self.new, "changed": self.changed, "left": self.left, "forged": self.forged}


DELIVERED = (AGAIN, AGAIN, AGAIN, AGAIN)
ASKED = (WAITS, WAITS, WAITS, WAITS)
DONE = ("Registered", "Updated", "Removed", "Updated")
RECONCILED = "the daily reconciliation"

EXPECTED: dict[str, list[Expectation]] = {
    "Entra ID token": [Expectation(None, *ASKED)],
    "managed identity token": [Expectation(None, *DELIVERED)],
    "registry, reading": [
        Expectation(None, *DELIVERED),
        # Storage says that there is no such row although it takes rows: what there is cannot be written again.
        Expectation(("404",), *ASKED),
    ],
    "registry, writing": [Expectation(None, *DELIVERED)],
    "ARM, application": [
        Expectation(None, *ASKED),
        # ARM says that there is nothing: that is how it confirms a deletion, also one that is forged.
        Expectation(("404",), WAITS, WAITS, "Removed", "Removed", RECONCILED),
        # ARM shuts us out of the application: whose managed resource group can be read has not left.
        Expectation(("403",), WAITS, WAITS, "Removed", WAITS),
    ],
    "ARM, assignments": [Expectation(None, *DONE, healed_by="nothing to heal")],
    "ingestion of events": [Expectation(None, *DELIVERED)],
}


def cells() -> dict[tuple[str, str], Expectation]:
    """Every cell, by dependency and fault."""
    found = {}
    for dependency in DEPENDENCIES.values():
        expectations = EXPECTED[dependency.name]
        (usual,) = (expectation for expectation in expectations if expectation.faults is None)
        special = {fault: expectation for expectation in expectations for fault in expectation.faults or ()}
        for fault in faults_of(dependency):
            found[dependency.name, fault] = special.get(fault, usual)
    return found
