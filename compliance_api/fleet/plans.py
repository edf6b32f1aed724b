"""Plan versions: how their applications stand, and which policy assignments break how many of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from compliance_api.fleet.budgets import Version
from compliance_api.fleet.fleet import share
from compliance_api.fleet.paging import SortKey
from compliance_api.fleet.views import plan_of

Rows = Iterable[Mapping[str, Any]]


def plans_of(plans: Rows, assignments: Rows, budget: Callable[[Version], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the plan versions, by name and version, from rows of the saved queries `plans` and `plan_assignments`.

    `budget` tells the error budget of a version.
    """
    broken = defaultdict(list)
    for row in assignments:
        broken[_version(row)].append(_assignment(row))
    return sorted((_plan(row, broken[_version(row)], budget(_version(row))) for row in plans), key=key)


def key(one: Mapping[str, Any]) -> SortKey:
    """Return what plan versions are sorted by; it differs between any two."""
    plan = one["plan"] or {"name": "", "version": ""}
    return (plan["name"].casefold(), plan["version"].casefold(), plan["name"], plan["version"])


def _version(row: Mapping[str, Any]) -> Version:
    return str(row["Plan_name"] or ""), str(row["Plan_version"] or "")


def _plan(row: Mapping[str, Any], assignments: list[dict[str, Any]], budget: dict[str, Any]) -> dict[str, Any]:
    return {
        "plan": plan_of(row),
        "applications": {
            "total": row["Applications"],
            "noncompliant": row["Noncompliant"],
            "unread": row["Not_read"],
            "not_evaluated": row["Without_states"],
            "compliant": row["Compliant"],
        },
        "compliant_share": share(row["Compliant"], row["Applications"]),
        "unread_noncompliant": row["Not_read_noncompliant"],
        "violations": row["Noncompliant_states"],
        "noncompliant_since": row["Noncompliant_since"],
        "error_budget": budget,
        "checks": {
            "applications": row["Checked"],
            "noncompliant": row["With_check_violations"],
            "violations": row["Check_violations"],
        },
        "assignments": assignments,
    }


def _assignment(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": row["Policy_assignment_name"] or "",
        "display_name": row["Policy_assignment"] or "",
        "judged_by": row["Judged_by"],
        "definition_id": row["Policy_definition_id"] or None,
        "applications": row["Applications"],
        "noncompliant": row["Noncompliant"],
        "held": row["With_held_violations"],
        "guard_changed": row["With_guard_changes"],
        "not_evaluated": row["Not_evaluated"],
        "unread": row["Not_read"],
        "violations": row["Noncompliant_states"],
        "noncompliant_since": row["Noncompliant_since"],
    }


_STATUSES: Final = ("total", "noncompliant", "unread", "not_evaluated", "compliant")
_OF_ASSIGNMENT: Final = (
    "name", "display_name", "applications", "noncompliant", "held", "guard_changed", "not_evaluated", "unread",
    "violations", "noncompliant_since", "definition_id", "judged_by",
)  # fmt: skip
_OF_BUDGET: Final = ("state", "objective", "remaining_share", "remaining_share_if_unknown_was_bad")
CSV_COLUMNS: Final = (
    "plan",
    "plan_version",
    *(f"applications_{status}" for status in _STATUSES),
    "compliant_share",
    "violations",
    *(f"error_budget_{name}" for name in _OF_BUDGET),
    *(f"assignment_{name}" for name in _OF_ASSIGNMENT),
)


def lines(one: Mapping[str, Any]) -> list[list[Any]]:
    """Return a plan version as lines of CSV_COLUMNS: one for each of its assignments, or one without any."""
    plan = one["plan"] or {}
    own = [plan.get("name"), plan.get("version"), *(one["applications"][status] for status in _STATUSES)]
    own += [one["compliant_share"], one["violations"], *(one["error_budget"][name] for name in _OF_BUDGET)]
    return [[*own, *(each.get(name) for name in _OF_ASSIGNMENT)] for each in one["assignments"] or [{}]]
