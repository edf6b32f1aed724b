"""The demonstration's checks: what was expected, what was found, and how the two differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from sandbox.world.customers import Customer

LONGEST_VALUE = 300
MOST_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation; `problems` says how what was found differs from it, and is empty when it holds."""

    what: str
    problems: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether what was found is what was expected."""
        return not self.problems


@dataclass
class Checks:
    """Collects the checks of a demonstration, in order; `show` is called with each one."""

    show: Callable[[Check], None] = lambda _: None
    made: list[Check] = field(default_factory=list)

    @property
    def failed(self) -> list[Check]:
        """The checks that did not hold."""
        return [check for check in self.made if not check.holds]

    def equal(self, what: str, expected: object, found: object) -> None:
        """Expect one value."""
        problems = () if expected == found else (f"expected {_shortened(expected)}", f"found    {_shortened(found)}")
        self._add(Check(what, problems))

    def same(self, what: str, expected: Iterable[Hashable], found: Iterable[Hashable]) -> None:
        """Expect the same things, each as often, in any order."""
        wanted, there = Counter(expected), Counter(found)
        missing = [f"missing    {_shortened(item)}" for item in (wanted - there).elements()]
        surplus = [f"unexpected {_shortened(item)}" for item in (there - wanted).elements()]
        problems = [*missing, *surplus]
        if len(problems) > MOST_PROBLEMS:
            problems[MOST_PROBLEMS:] = [f"and {len(problems) - MOST_PROBLEMS} more"]
        self._add(Check(what, tuple(problems)))

    def _add(self, check: Check) -> None:
        self.made.append(check)
        self.show(check)


def states_in_azure(customer: Customer) -> list[tuple[str, ...]]:
    """Return the customer's own policy states: resource, assignment, definition, reference and compliance state."""
    ids = ("resourceId", "policyAssignmentId", "policyDefinitionId", "policyDefinitionReferenceId")
    return _values(customer.owned_states(), *ids, "complianceState")


def states_in_rows(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the same of rows of PolicyComplianceStates_CL."""
    ids = ("Resource_id", "Policy_assignment_id", "Policy_definition_id", "Policy_definition_reference_id")
    return _values(rows, *ids, "Compliance_state")


def _values(rows: Iterable[Mapping[str, Any]], *names: str) -> list[tuple[str, ...]]:
    return [tuple((row[name] or "").lower() for name in names) for row in rows]


def _shortened(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
