"""What the webhook answers in every cell of its fault matrix: the only place where it is written down.

docs/reliability.md shows it; the tests play every cell and compare.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.reliability.webhook_faults import DEPENDENCIES, QUEUE, faults_of


@dataclass(frozen=True)
class Expectation:
    """What becomes of notifications under some faults of a dependency.

    `lasting` is the answer while the fault lasts, `queued` how often a notification is on the queue then, and `passing`
    the answer when the fault passes after one attempt, "" where that cannot be.
    """

    faults: tuple[str, ...] | None
    """None: all that are not named elsewhere."""
    queued: int
    passing: int | None
    lasting: int = 503


ATTEMPTS = 3
ATTEMPTS_WITHOUT_ANSWER = 2

EXPECTED: dict[str, list[Expectation]] = {
    "managed identity token": [
        Expectation(None, 0, 200),
        Expectation(("401", "403", "404", "409", "412", "413", "429, absurd Retry-After"), 0, 503),
        Expectation(("connection refused",), 0, None),
    ],
    QUEUE: [
        Expectation(None, 0, 200),
        Expectation(("401", "403", "404", "409", "412", "413", "429, absurd Retry-After"), 0, 503),
        Expectation(("connection refused", "TLS failure"), 0, None),
        # It is there, and nobody said so: it is sent again, and the worker sees by its time that it is the same event.
        Expectation(("reset half way", "truncated XML", "lost answer"), ATTEMPTS, 200),
    ],
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
