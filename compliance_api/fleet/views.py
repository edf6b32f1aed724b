"""Turns the fleet and rows of saved queries into the JSON of the API's answers (openapi.json describes them)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

from compliance_api.fleet.compliance import Details
from compliance_api.fleet.fleet import Application, Fleet, LastKnown, Severity, Status, share
from compliance_api.fleet.frame import iso

STATE_KINDS: Final = ("noncompliant", "compliant", "exempt", "unknown")
"""In the order in which answers count policy states."""

PUBLISHER_CHECK: Final = "PublisherCheck"
"""Who judges the publisher's own checks (column Judged_by)."""

_INITIATIVES: Final = "/policysetdefinitions/"
_CHECKS: Final = "/publisher-check/"


def summary(fleet: Fleet) -> dict[str, Any]:
    """Return the whole fleet in numbers; the statuses add up to the total. Before the first run there is no number."""
    statuses = Counter(application.status for application in fleet.applications)
    last_known = Counter(application.last_known.value for application in fleet.unread())
    total = len(fleet.applications)
    kinds = ("noncompliant", "exempt", "unknown")
    numbers: dict[str, dict[str, int | None]] = {
        "applications": {"total": total, **{status.value: statuses[status] for status in Status}},
        "unread_last_known": {
            name: last_known[name] for name in ("noncompliant", "compliant", "not_evaluated", "unknown")
        },
        "states": {kind: fleet.states(kind) for kind in kinds},
        "checks": _checks_of(fleet),
        "overdue": overdue({severity: fleet.overdue(severity) for severity in Severity}, fleet.undated()),
    }
    if fleet.run is None:
        numbers = {name: dict.fromkeys(figures) for name, figures in numbers.items()}
    return {
        **numbers,
        "compliant_share": share(statuses[Status.COMPLIANT], total),
        "oldest_read": iso(
            min((one.last_read for one in fleet.applications if one.last_read is not None), default=None)
        ),
    }


def _checks_of(fleet: Fleet) -> dict[str, int | None]:
    """Return what the publisher's own checks say, of which nothing else in the summary tells."""
    checked = [one.checks for one in fleet.applications if one.checks is not None]
    return {
        "applications": len(checked),
        "noncompliant": sum(one.noncompliant > 0 for one in checked),
        "doubtful": sum(one.doubtful > 0 for one in checked),
        "violations": sum(one.violations for one in checked),
    }


def overdue(counts: Mapping[Severity, int | None], undated: int | None) -> dict[str, int | None]:
    """Return how many findings are overdue, of each severity, and of how many it is not known when they are due."""
    known = [count for count in counts.values() if count is not None]
    total = sum(known) if known else None
    return {"total": total, **{severity.value: counts[severity] for severity in Severity}, "not_known": undated}


def application(one: Application, portal: str) -> dict[str, Any]:
    """Return one application of a listing."""
    return {
        "id": one.id,
        "name": one.name,
        "customer": one.customer,
        "subscription_id": one.subscription_id,
        "managed_resource_group_id": one.managed_resource_group_id,
        "plan": {"name": one.plan_name, "version": one.plan_version} if one.plan_name else None,
        "status": one.status.value,
        "last_known": one.last_known.value,
        "states": {kind: getattr(one, kind) for kind in STATE_KINDS},
        "assignments_without_states": one.assignments_without_states,
        "held_assignments": one.held_assignments,
        "accepted_assignments": one.accepted_assignments,
        "overdue_assignments": one.overdue_assignments,
        "guard_changes": one.guard_changes,
        "checks": asdict(one.checks) if one.checks is not None else None,
        "noncompliant_since": iso(one.noncompliant_since),
        "due_by": iso(one.due_by),
        "last_read": iso(one.last_read),
        "reading": {
            "is_readable": one.is_readable,
            "outcome": one.outcome,
            "error_code": one.error_code,
            "error_message": one.error_message,
            "last_tried": iso(one.last_tried),
            "unread_since": iso(one.unread_since),
        },
        "links": {
            "self": application_link(one.id),
            "history": f"{application_link(one.id)}/history",
            "portal": resource_link(portal, one.id),
            "portal_managed_resource_group": resource_link(portal, one.managed_resource_group_id),
        },
    }


def assignment(row: Mapping[str, Any], portal: str) -> dict[str, Any]:
    """Return one policy assignment of an application, from a row of the query `assignments`."""
    identifier = str(row["Policy_assignment_id"] or "")
    definition = row["Policy_definition_id"] or None
    return {
        "id": identifier,
        "name": row["Policy_assignment"],
        "definition_id": definition,
        "initiative_id": definition if definition and _INITIATIVES in definition else None,
        "judged_by": row["Judged_by"],
        "verdict": row["Verdict"],
        "since": row["Since"],
        "is_current": row["Current"] is True,
        **life_of(row),
        "held": held_of(row),
        "states": {kind: row[f"{kind.capitalize()}_states"] for kind in STATE_KINDS},
        "guard": {
            "state": row["Guard"] or "NotKnown",
            "since": row["Guard_since"],
            "details": row["Guard_details"] or "",
            "accepted_until": row["Guard_accepted_until"],
            "accepted_by": row["Guard_accepted_by"] or "",
            "accepted_reason": row["Guard_accepted_reason"] or "",
        },
        "exemptions": {
            "count": row["Exemptions"] or 0,
            "category": row["Exemption_category"] or "",
            "created_by": row["Exemption_created_by"] or "",
            "expires_at": row["Exemption_expires_at"],
            "accepted_until": row["Exemption_accepted_until"],
            "accepted_by": row["Exemption_accepted_by"] or "",
            "accepted_reason": row["Exemption_accepted_reason"] or "",
        },
        "accepted": {
            "until": row["Accepted_until"],
            "by": row["Accepted_by"] or "",
            "reason": row["Accepted_reason"] or "",
        }
        if row["Accepted_until"]
        else None,
        "snoozed_until": row["Snoozed_until"],
        "last_read": row["Last_read"],
        "unread": unread_of(row),
        "links": {"portal": assignment_link(portal, identifier)},
    }


def resource(row: Mapping[str, Any], portal: str) -> dict[str, Any]:
    """Return one violation, from a row of the query `noncompliant_resources`."""
    identifier = str(row["Resource_id"] or "")
    assignment_id = str(row["Policy_assignment_id"] or "")
    return {
        "id": identifier,
        "type": row["Resource_type"] or "",
        "location": row["Resource_location"] or "",
        "assignment_id": assignment_id,
        "assignment_name": row["Policy_assignment"] or "",
        "judged_by": row["Judged_by"],
        "reason": row["Reason"] or None,
        "definition_id": row["Policy_definition_id"] or "",
        "definition_name": row["Policy_definition"] or "",
        "definition_reference_id": row["Policy_definition_reference_id"] or None,
        "effect": row["Policy_effect"] or "",
        "evaluated_at": row["Evaluated_at"],
        "last_read": row["Last_read"],
        "held": held_of(row),
        "links": {
            "portal": resource_link(portal, identifier),
            "portal_assignment": assignment_link(portal, assignment_id),
        },
    }


class Listed(StrEnum):
    """How much of an application's violations a list has; unknown: it was never read, and nobody knows."""

    ALL = "all"
    SOME = "some"
    UNKNOWN = "unknown"


def violations(one: Application, details: Details, listed: int) -> dict[str, Any]:
    """Return what is said about the list of an application's violations, of which `listed` are in it on all pages.

    `open` counts those too that no resource is known of; `open_is_at_least` says that there are more than the ledger
    remembers one by one, so that nobody has them all. `states_missing` says how many state rows the verdicts speak
    of, and how many are here; None when all are. `states_withheld` is how many were not uploaded because there are too
    many. What Azure Policy found and what checks found is uploaded apart, and told together here.
    """
    lacking = [row for row in details.states_missing if (row["Stored_rows"] or 0) < (row["States_rows"] or 0)]
    announced, stored = (sum(row[name] or 0 for row in lacking) for name in ("States_rows", "Stored_rows"))
    missing = {"announced": announced, "stored": stored} if lacking else None
    known = sum(row["Noncompliant_states"] or 0 for row in details.assignments)
    of_checks = [row for row in details.assignments if row["Judged_by"] == PUBLISHER_CHECK]
    is_known = one.last_known is not LastKnown.UNKNOWN and (one.noncompliant is not None or known > 0)
    is_more = any(row["Overflow"] is True for row in details.assignments)
    is_known = is_known or is_more
    is_complete = missing is None and listed >= known and not is_more
    return {
        "listed": (Listed.UNKNOWN if not is_known else Listed.ALL if is_complete else Listed.SOME).value,
        "total": listed if is_known else None,
        "open": known if is_known else None,
        "open_is_at_least": is_more,
        "open_by_checks": sum(row["Noncompliant_states"] or 0 for row in of_checks) if is_known else None,
        "last_read": iso(one.last_read),
        "states_missing": missing,
        "states_withheld": sum(row["States_withheld"] or 0 for row in details.states_missing),
    }


def history_point(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one run of the fleet's history, from a row of the query `fleet_history`."""
    total, compliant = row["Applications"] or 0, row["Compliant"] or 0
    return {
        "run_id": row["Run_id"],
        "run_time": row["TimeGenerated"],
        "applications": {
            "total": total,
            "noncompliant": row["Noncompliant"] or 0,
            "unread": row["Not_read"] or 0,
            "not_evaluated": row["Without_states"] or 0,
            "compliant": compliant,
        },
        "compliant_share": share(compliant, total),
    }


def run(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one completed collection run, from a row of the query `collector_runs`."""
    return {"run_time": row["TimeGenerated"], **{name.lower(): row[name] for name in row if name != "TimeGenerated"}}


def held_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return why violations stay open that were not read as such again, and since when; None where none does."""
    return {"reason": row["Held_reason"], "since": row["Held_since"]} if row["Held_reason"] else None


def unread_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return since when a check could not be read, and why; None for one that was, and for policy assignments.

    Those are read with their application, which says so itself.
    """
    if row["Judged_by"] != PUBLISHER_CHECK or not row["Unread_since"]:
        return None
    return {"since": row["Unread_since"], "reason": row["Unread_reason"] or ""}


def life_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return how severe open violations are, when they are due, and in which plan version they opened; None: unknown.

    Without open violations there is nothing to be due.
    """
    severity = str(row["Severity"] or "").lower()
    return {
        "violation_severity": severity if severity in {*Severity} else None,
        "due_by": row["Due_by"],
        "is_overdue": row["Overdue"] is True,
        "opened_in_version": row["Opened_in_version"] or None,
    }


def plan_of(row: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the plan version in a row of a saved query; None for an application of the service catalog."""
    name = str(row["Plan_name"] or "")
    return {"name": name, "version": str(row["Plan_version"] or "")} if name else None


def application_link(identifier: str) -> str:
    """Return where this API tells of one application."""
    return f"/api/compliance/applications/{quote(identifier.lstrip('/'))}"


def resource_link(portal: str, identifier: str) -> str | None:
    """Return where the portal shows a resource."""
    return f"{portal}/#resource{quote(identifier)}" if identifier.startswith("/") else None


def assignment_link(portal: str, identifier: str) -> str | None:
    """Return where the portal shows a policy assignment's compliance; None for a check, of which it knows nothing."""
    if not identifier.startswith("/") or _CHECKS in identifier.lower():
        return None
    view = f"{portal}/#view/Microsoft_Azure_Policy/PolicyComplianceDetail.ReactView"
    return f"{view}/assignmentId/{quote(identifier, safe='')}"
