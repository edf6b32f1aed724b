"""What was wrong and is not any more: repaired as somebody read, left, or retired by an operator; the latest first."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from compliance_api.fleet.csv_export import cells_of
from compliance_api.fleet.narrowing import Narrowing
from compliance_api.fleet.paging import SortKey
from compliance_api.fleet.views import application_link, plan_of
from publisher.texts import moment_in

HOW: Final = {"Compliant": "compliant", "Left": "left", "Retired": "retired"}
"""What ended it: it was read as compliant, the application was deleted, or the plan version lacks the assignment."""


def resolved_of(
    rows: Iterable[Mapping[str, Any]], narrowing: Narrowing, begin: datetime, end: datetime
) -> list[dict[str, Any]]:
    """Return what was resolved between two moments, from rows of the saved query `resolved`, the latest first."""
    found = (_resolved(row) for row in rows if narrowing.takes(row) and _is_between(row, begin, end))
    return sorted(found, key=key, reverse=True)


def key(one: Mapping[str, Any]) -> SortKey:
    """Return what is sorted by; it differs between any two."""
    return (one["resolved_at"] or "", one["customer"].casefold(), one["application"]["id"], one["assignment"]["id"])


def _is_between(row: Mapping[str, Any], begin: datetime, end: datetime) -> bool:
    time = moment_in(str(row["Resolved_at"]))
    return time is not None and begin <= time <= end


def _resolved(row: Mapping[str, Any]) -> dict[str, Any]:
    identifier = str(row["Application_id"] or "")
    return {
        "resolved_at": row["Resolved_at"],
        "how": HOW[str(row["Verdict"])],
        "customer": row["Customer_name"] or "",
        "subscription_id": row["Customer_subscription_id"] or "",
        "application": {"id": identifier, "name": row["Application_name"] or ""},
        "plan": plan_of(row),
        "assignment": {"id": str(row["Policy_assignment_id"] or ""), "name": row["Policy_assignment"] or ""},
        "judged_by": row["Judged_by"],
        "noncompliant_since": row["Noncompliant_since"],
        "last_noncompliant": {"run_id": row["Last_noncompliant_run_id"], "time": row["Last_noncompliant"]},
        "resolved_by_run": row["Run_id"],
        "links": {"application": application_link(identifier)},
    }


CSV_COLUMNS: Final = (
    "resolved_at", "how", "customer", "application", "assignment", "noncompliant_since", "last_noncompliant",
    "last_noncompliant_run_id", "resolved_by_run", "plan", "plan_version", "subscription_id", "application_id",
    "assignment_id", "judged_by",
)  # fmt: skip


def cells(one: Mapping[str, Any]) -> list[Any]:
    """Return one as cells of CSV_COLUMNS."""
    last = one["last_noncompliant"]
    return cells_of(one, CSV_COLUMNS, {"last_noncompliant": last["time"], "last_noncompliant_run_id": last["run_id"]})
