"""What the webhook answers in every cell of its fault matrix: the only place where it is written down.

docs/reliability.md shows it; the tests play every cell and compare.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.reliability.webhook_faults import DEPENDENCIES, faults_of


@dataclass(frozen=True)
class Expectation:
    """The answers to four notifications under some faults of a dependency, and how the registry becomes right."""

    faults: tuple[str, ...] | None
    """None: all that are not named elsewhere."""
    new: str
    changed: str
    left: str
    forged: str
    healed_by: str = "Azure repeating"

    @property
    def answers(self) -> dict[str, str]:
        """By situation."""
        return {"new": self.new, "changed": self.changed, "left": self.left, "forged": self.forged}


AGAIN = ("503", "503", "503", "503")
DONE = ("200 Registered", "200 Updated", "200 Removed", "200 Ignored")
RECONCILED = "the daily reconciliation"

EXPECTED: dict[str, list[Expectation]] = {
    "Entra ID token": [Expectation(None, *AGAIN)],
    "managed identity token": [Expectation(None, *AGAIN)],
    "registry, reading": [
        Expectation(None, *AGAIN),
        # Storage says that there is no such table although it takes rows: what there is already cannot be written again.
        Expectation(("404",), "200 Registered", "503", "503", "503"),
    ],
    "registry, writing": [Expectation(None, "503", "503", "503", "200 Ignored")],
    "ARM, application": [
        Expectation(None, *AGAIN),
        # ARM says that there is nothing: that is how it confirms a deletion, also one that is forged.
        Expectation(("404",), "503", "503", "200 Removed", "200 Removed", RECONCILED),
        # ARM shuts us out of the application: whose managed resource group can be read has not left.
        Expectation(("403",), "503", "503", "200 Removed", "200 Ignored"),
        # The 404 for the one who left is ARM's whatever its body looks like.
        Expectation(("truncated JSON",), "503", "503", "200 Removed", "503"),
    ],
    "ARM, assignments": [Expectation(None, *DONE, healed_by="nothing to heal")],
    "ingestion of events": [Expectation(None, *AGAIN)],
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
