"""What a run says in every cell of the collector's fault matrix: the only place where it is written down.

docs/reliability.md shows it; the tests play every cell and compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.reliability.collector_faults import DEPENDENCIES, FAULTS

Unread = Literal["nobody", "the affected one", "both"]


@dataclass(frozen=True)
class Verdict:
    """How a run ends: two applications' outcomes, the invocation, and the alerts besides those about violations."""

    affected: str
    bystander: str
    invocation_failed: bool
    unread: Unread = "nobody"
    silent: bool = False

    @property
    def exit_status(self) -> int:
        """Of `python -m collector`."""
        return 0 if {self.affected, self.bystander} == {"Succeeded"} and not self.invocation_failed else 1


@dataclass(frozen=True)
class Expectation:
    """Faults of one dependency with the same consequences, while they last and when they pass."""

    faults: tuple[str, ...]
    lasting: Verdict
    passing: Verdict


READ = Verdict("Succeeded", "Succeeded", invocation_failed=False)
NOTHING_READ = Verdict("-", "-", invocation_failed=True, silent=True)
NOT_COMPLETED = Verdict("Succeeded", "Succeeded", invocation_failed=True, silent=True)
ALL_FAILED = Verdict("Failed", "Failed", invocation_failed=True, unread="both")
ALL_THROTTLED = Verdict("Throttled", "Throttled", invocation_failed=True, unread="both")
NOT_STORED = Verdict("UploadFailed", "UploadFailed", invocation_failed=True, unread="both")
NOTHING_STORED = Verdict("UploadFailed", "UploadFailed", invocation_failed=True, silent=True)
ONE_FAILED = Verdict("Failed", "Succeeded", invocation_failed=True, unread="the affected one")
ONE_THROTTLED = Verdict("Throttled", "Succeeded", invocation_failed=True, unread="the affected one")
ONE_DENIED = Verdict("AccessDenied", "Succeeded", invocation_failed=False, unread="the affected one")
ONE_NOT_FOUND = Verdict("NotFound", "Succeeded", invocation_failed=False, unread="the affected one")

CONNECTION = ("connection refused", "TLS failure")
CUT = ("reset before the answer", "reset half way", "time-out")
THROTTLED = ("429", "429, Retry-After")
ABSURD = ("429, absurd Retry-After",)
SERVER_ERRORS = ("408", "500", "502", "503")
NONSENSE = ("truncated JSON", "HTML", "empty body", "`value` missing")
LOST = ("reset half way",)


def _token(broken: Verdict, throttled: Verdict) -> list[Expectation]:
    return [
        Expectation(CONNECTION + CUT + SERVER_ERRORS + NONSENSE, broken, READ),
        Expectation(THROTTLED, throttled, READ),
        Expectation(ABSURD, throttled, throttled),
        Expectation(("401", "403", "404", "413"), broken, broken),
    ]


def _policy_query() -> list[Expectation]:
    return [
        Expectation(CONNECTION, ALL_FAILED, READ),
        Expectation(CUT + SERVER_ERRORS + NONSENSE, ONE_FAILED, READ),
        Expectation(THROTTLED, ONE_THROTTLED, READ),
        Expectation(ABSURD, ONE_THROTTLED, ONE_THROTTLED),
        Expectation(("403",), ONE_DENIED, ONE_DENIED),
        Expectation(("404",), ONE_NOT_FOUND, ONE_NOT_FOUND),
        Expectation(("401", "413", "repeated nextLink", "nextLink to a foreign host"), ONE_FAILED, ONE_FAILED),
        Expectation(("clock skew",), READ, READ),
    ]


def _last_word(lost: Verdict) -> list[Expectation]:
    """Result rows and the run row: without them a run does not count; `lost` is when only the answers got lost."""
    repeated = ("reset before the answer", "time-out", "403", *THROTTLED, *SERVER_ERRORS, "HTML")
    return [
        Expectation(CONNECTION, NOTHING_STORED, READ),  # nobody takes anything any more
        Expectation(repeated, NOT_COMPLETED, READ),
        Expectation(LOST, lost, READ),
        Expectation((*ABSURD, "401", "404", "413"), NOT_COMPLETED, NOT_COMPLETED),
    ]


EXPECTED: dict[str, list[Expectation]] = {
    "Entra ID token": _token(ALL_FAILED, ALL_THROTTLED),
    "managed identity token": _token(NOTHING_READ, NOTHING_READ),
    "table listing": [
        Expectation(CONNECTION + CUT + THROTTLED + SERVER_ERRORS + NONSENSE, NOTHING_READ, READ),
        Expectation((*ABSURD, "401", "403", "404", "413", "repeated nextLink"), NOTHING_READ, NOTHING_READ),
    ],
    "policy query, first page": _policy_query(),
    "policy query, later page": _policy_query(),
    "ingestion of states": [
        Expectation(CONNECTION, NOTHING_STORED, READ),
        Expectation((*CUT, "403", "413", *THROTTLED, *SERVER_ERRORS, "HTML"), NOT_STORED, READ),
        Expectation((*ABSURD, "401", "404"), NOT_STORED, NOT_STORED),
    ],
    "ingestion of results": _last_word(NOT_COMPLETED),
    "ingestion of the run row": _last_word(
        Verdict("Succeeded", "Succeeded", invocation_failed=True)  # the row is there, only nobody told us
    ),
}


def cells() -> dict[tuple[str, str], Expectation]:
    """Every cell that makes sense, by dependency and fault; raises when one is told twice, or not at all."""
    found: dict[tuple[str, str], Expectation] = {}
    for dependency in DEPENDENCIES.values():
        applicable = set(FAULTS) - set(dependency.not_applicable)
        for expectation in EXPECTED[dependency.name]:
            for fault in applicable.intersection(expectation.faults):
                if (dependency.name, fault) in found:
                    raise ValueError(f"{dependency.name}, {fault}: expected twice")
                found[dependency.name, fault] = expectation
        if missing := {fault for fault in applicable if (dependency.name, fault) not in found}:
            raise ValueError(f"{dependency.name}: nothing expected for {sorted(missing)}")
    return {key: found[key] for key in sorted(found, key=lambda key: (list(DEPENDENCIES).index(key[0]), key[1]))}
