"""Applications and violations as lines of CSV."""

from collections.abc import Mapping
from typing import Any, Final

from compliance_api.fleet import views

APPLICATION_COLUMNS: Final = (
    "customer",
    "application",
    "status",
    "last_known",
    "noncompliant_states",
    "compliant_states",
    "exempt_states",
    "unknown_states",
    "assignments_without_states",
    "held_assignments",
    "accepted_assignments",
    "overdue_assignments",
    "guard_changes",
    "noncompliant_since",
    "due_by",
    "last_read",
    "outcome",
    "error_code",
    "error_message",
    "unread_since",
    "plan",
    "plan_version",
    "subscription_id",
    "application_id",
    "managed_resource_group_id",
    "checks",
    "checks_noncompliant",
    "checks_doubtful",
    "check_violations",
)


def application_cells(one: Mapping[str, Any]) -> list[Any]:
    """Return an application, as `views.application` has it, as cells of APPLICATION_COLUMNS."""
    plan, reading, states, checks = one["plan"] or {}, one["reading"], one["states"], one["checks"] or {}
    return [
        one["customer"],
        one["name"],
        one["status"],
        one["last_known"],
        *(states[kind] for kind in views.STATE_KINDS),
        one["assignments_without_states"],
        one["held_assignments"],
        one["accepted_assignments"],
        one["overdue_assignments"],
        one["guard_changes"],
        one["noncompliant_since"],
        one["due_by"],
        one["last_read"],
        reading["outcome"],
        reading["error_code"],
        reading["error_message"],
        reading["unread_since"],
        plan.get("name"),
        plan.get("version"),
        one["subscription_id"],
        one["id"],
        one["managed_resource_group_id"],
        *(checks.get(name) for name in ("total", "noncompliant", "doubtful", "violations")),
    ]


_OF_VIOLATION: Final = (
    "resource_id", "resource_type", "location", "assignment", "policy", "effect", "evaluated_at", "held_reason",
    "held_since", "assignment_id", "definition_id", "definition_reference_id", "judged_by", "reason",
)  # fmt: skip
VIOLATION_COLUMNS: Final = (
    "customer", "application", "status", "last_known", "last_read", "unread_since", "open_violations", "listed",
    *_OF_VIOLATION,
)  # fmt: skip


def violation_lines(answer: Mapping[str, Any]) -> list[list[Any]]:
    """Return an application's violations as lines of VIOLATION_COLUMNS, from the answer in JSON with all of them.

    Without any there is one line that says what is known of the application, so that the file is not taken for clean.
    """
    one, violations = answer["application"], answer["violations"]
    known = [one["customer"], one["name"], one["status"], one["last_known"], one["last_read"]]
    known += [one["reading"]["unread_since"], violations["open"], violations["listed"]]
    return [[*known, *_violation_cells(each)] for each in violations["resources"]] or [
        [*known, *([None] * len(_OF_VIOLATION))]
    ]


def _violation_cells(one: Mapping[str, Any]) -> list[Any]:
    names = ("id", "type", "location", "assignment_name", "definition_name", "effect", "evaluated_at")
    ids = ("assignment_id", "definition_id", "definition_reference_id", "judged_by", "reason")
    held = one["held"] or {}
    return [*(one[name] for name in names), held.get("reason"), held.get("since"), *(one[name] for name in ids)]
