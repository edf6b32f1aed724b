"""Plan versions: how their applications stand, which policy assignments break how many, and since which version."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from compliance_api.fleet.budgets import Version
from compliance_api.fleet.fleet import share
from compliance_api.fleet.paging import SortKey
from compliance_api.fleet.views import plan_of

Rows = Iterable[Mapping[str, Any]]
Place = tuple[str, str, str]
"""Plan, who judges, and name of an assignment."""

_STATES: Final = {
    "Violated": "violated",
    "NotKnown": "not_known",
    "CarriedOver": "carried_over",
    "Clean": "clean",
    "NotThere": "not_there",
}
"""How an assignment stood in a plan version (see infra/queries/plan_introductions.kql)."""


def plans_of(
    plans: Rows, assignments: Rows, introductions: Rows, budget: Callable[[Version], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the plan versions, by name and version.

    Args:
        plans: rows of the saved query of this name; so are the next two of `plan_assignments`, `plan_introductions`.
        assignments: see there.
        introductions: see there.
        budget: tells the error budget of a version.
    """
    introduced = {_place(row): _introduction(row) for row in introductions if row["Is_first"] is True}
    broken = defaultdict(list)
    for row in assignments:
        broken[_version(row)].append(_assignment(row, introduced))
    return sorted((_plan(row, broken[_version(row)], budget(_version(row))) for row in plans), key=key)


def key(one: Mapping[str, Any]) -> SortKey:
    """Return what plan versions are sorted by; it differs between any two."""
    plan = one["plan"] or {"name": "", "version": ""}
    return (plan["name"].casefold(), plan["version"].casefold(), plan["name"], plan["version"])


def _version(row: Mapping[str, Any]) -> Version:
    return str(row["Plan_name"] or ""), str(row["Plan_version"] or "")


def _place(row: Mapping[str, Any]) -> Place:
    return str(row["Plan_name"] or ""), str(row["Judged_by"]), str(row["Policy_assignment_name"] or "")


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
        "compliant_share_of_read": share(row["Compliant"], row["Applications"] - row["Not_read"]),
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


def _introduction(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": row["Plan_version"],
        "previous_version": row["Previous_version"] or None,
        "previous_state": _STATES.get(str(row["Previous_state"])),
    }


def _assignment(row: Mapping[str, Any], introduced: Mapping[Place, dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": row["Policy_assignment_name"] or "",
        "display_name": row["Policy_assignment"] or "",
        "judged_by": row["Judged_by"],
        "definition_id": row["Policy_definition_id"] or None,
        "applications": row["Applications"],
        "noncompliant": row["Noncompliant"],
        "overdue": row["Overdue"],
        "opened_in_this_version": row["Opened_in_this_version"],
        "opened_before": row["Opened_before"],
        "opened_in_unknown_version": row["Opened_in_unknown_version"],
        "introduced_in": introduced.get(_place(row)),
        "held": row["With_held_violations"],
        "guard_changed": row["With_guard_changes"],
        "not_evaluated": row["Not_evaluated"],
        "unread": row["Not_read"],
        "violations": row["Noncompliant_states"],
        "noncompliant_since": row["Noncompliant_since"],
    }


_STATUSES: Final = ("total", "noncompliant", "unread", "not_evaluated", "compliant")
_OF_ASSIGNMENT: Final = (
    "name", "display_name", "applications", "noncompliant", "overdue", "opened_in_this_version", "opened_before",
    "opened_in_unknown_version", "held", "guard_changed", "not_evaluated", "unread", "violations", "noncompliant_since",
    "definition_id", "judged_by",
)  # fmt: skip
_OF_INTRODUCTION: Final = ("version", "previous_version", "previous_state")
_OF_BUDGET: Final = ("state", "objective", "remaining_share", "remaining_share_if_unknown_was_bad")
CSV_COLUMNS: Final = (
    "plan",
    "plan_version",
    *(f"applications_{status}" for status in _STATUSES),
    "compliant_share",
    "compliant_share_of_read",
    "violations",
    *(f"error_budget_{name}" for name in _OF_BUDGET),
    *(f"assignment_{name}" for name in _OF_ASSIGNMENT),
    *(f"assignment_introduced_in_{name}" for name in _OF_INTRODUCTION),
)


def lines(one: Mapping[str, Any]) -> list[list[Any]]:
    """Return a plan version as lines of CSV_COLUMNS: one for each of its assignments, or one without any."""
    plan = one["plan"] or {}
    own = [plan.get("name"), plan.get("version"), *(one["applications"][status] for status in _STATUSES)]
    own += [one["compliant_share"], one["compliant_share_of_read"], one["violations"]]
    own += [one["error_budget"][name] for name in _OF_BUDGET]
    return [[*own, *_assignment_cells(each)] for each in one["assignments"] or [{}]]


def _assignment_cells(one: Mapping[str, Any]) -> list[Any]:
    introduction = one.get("introduced_in") or {}
    return [*(one.get(name) for name in _OF_ASSIGNMENT), *(introduction.get(name) for name in _OF_INTRODUCTION)]
