"""Exemptions in force, by application and assignment, the one that expires soonest first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from compliance_api.fleet.csv_export import cells_of
from compliance_api.fleet.narrowing import Narrowing
from compliance_api.fleet.paging import SortKey
from compliance_api.fleet.views import application_link, assignment_link, plan_of
from compliance_api.timespan import moment_given
from publisher.texts import moment_in

MOST_ROWS: Final = 20_000
"""The saved query ends there."""

EXPIRES_BEFORE: Final = "expires_before"
_NEVER: Final = "9999"


@dataclass(frozen=True, slots=True)
class ExemptionFilter:
    """Which exemptions are asked for; `expires_before` is a moment, or None for all."""

    narrowing: Narrowing
    expires_before: datetime | None

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> "ExemptionFilter":
        """Return what the parameters ask for; raise ProblemError naming the one that cannot be understood."""
        return cls(Narrowing.parse(parameters), moment_given(EXPIRES_BEFORE, parameters.get(EXPIRES_BEFORE, "")))

    def of(self, rows: Iterable[Mapping[str, Any]], portal: str) -> list[dict[str, Any]]:
        """Return the exemptions that match, from rows of the saved query `exemptions`, soonest expiry first."""
        found = (_exemption(row, portal) for row in rows if self.narrowing.takes(row) and self._ends_in_time(row))
        return sorted(found, key=key)

    def _ends_in_time(self, row: Mapping[str, Any]) -> bool:
        end = moment_in(str(row["Exemption_expires_at"] or ""))
        return self.expires_before is None or (end is not None and end < self.expires_before)


def key(one: Mapping[str, Any]) -> SortKey:
    """Return what exemptions are sorted by; it differs between any two."""
    named = (one["customer"], one["application"]["name"], one["application"]["id"])
    return (one["expires_at"] or _NEVER, *(name.casefold() for name in named), one["assignment"]["id"])


def _exemption(row: Mapping[str, Any], portal: str) -> dict[str, Any]:
    identifier = str(row["Application_id"] or "")
    assignment = str(row["Policy_assignment_id"] or "")
    return {
        "customer": row["Customer_name"] or "",
        "subscription_id": row["Customer_subscription_id"] or "",
        "application": {"id": identifier, "name": row["Application_name"] or ""},
        "plan": plan_of(row),
        "assignment": {"id": assignment, "name": row["Policy_assignment"] or ""},
        "category": row["Exemption_category"] or "",
        "created_by": row["Exemption_created_by"] or "",
        "expires_at": row["Exemption_expires_at"],
        "is_expired": row["Expired"] is True,
        "count": row["Exemptions"],
        "accepted_until": row["Exemption_accepted_until"],
        "accepted_by": row["Exemption_accepted_by"] or "",
        "accepted_reason": row["Exemption_accepted_reason"] or "",
        "exempt_states": row["Exempt_states"],
        "suspended_violations": row["Suspended_states"],
        "verdict": row["Verdict"],
        "last_read": row["Last_read"],
        "unread_since": row["Unread_since"],
        "links": {"application": application_link(identifier), "portal": assignment_link(portal, assignment)},
    }


CSV_COLUMNS: Final = (
    "expires_at", "is_expired", "category", "created_by", "count", "customer", "application", "assignment", "verdict",
    "exempt_states", "suspended_violations", "last_read", "unread_since", "plan", "plan_version", "subscription_id",
    "application_id", "assignment_id", "accepted_until", "accepted_by", "accepted_reason",
)  # fmt: skip


def cells(one: Mapping[str, Any]) -> list[Any]:
    """Return an exemption as cells of CSV_COLUMNS."""
    return cells_of(one, CSV_COLUMNS)
