"""What is wrong anywhere in the fleet, one finding for each application, assignment and kind, worst first.

A finding has two severities: that of the alert rule that tells of it, a number as Azure Monitor counts, and where
violations are open, how severe these are, a word that an operator settled for the plan.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from compliance_api.fleet.csv_export import cells_of
from compliance_api.fleet.fleet import Severity
from compliance_api.fleet.listing import chosen
from compliance_api.fleet.narrowing import NARROWING, Narrowing
from compliance_api.fleet.paging import SortKey
from compliance_api.fleet.rules import RULES, Kind, severities
from compliance_api.fleet.views import (
    PUBLISHER_CHECK,
    application_link,
    assignment_link,
    held_of,
    life_of,
    overdue,
    plan_of,
)
from compliance_api.http import bad_request
from publisher.errors.kinds import MalformedAnswer

FILTERS: Final = ("kind", "severity", "judged_by", *NARROWING, "new", "overdue", "sort")
_KINDS: Final = {
    "NonCompliant": Kind.NONCOMPLIANT,
    "Guard": Kind.GUARD_CHANGED,
    "NotEvaluated": Kind.NOT_EVALUATED,
    "Unread": Kind.UNREAD,
    "LeftUnconfirmed": Kind.LEFT_UNCONFIRMED,
}
MOST_ROWS: Final = 20_000
"""The saved query ends there; how many findings there are is then not known."""

_SEVERITIES: Final = range(5)
_BY_RANK: Final = {severity.value: rank for rank, severity in enumerate(Severity)}
_NEVER: Final = "9999"


class JudgedBy(StrEnum):
    """Who judges what a finding is about; the finding that an application cannot be read is nobody's."""

    AZURE_POLICY = "AzurePolicy"
    PUBLISHER_CHECK = PUBLISHER_CHECK


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings are asked for."""

    kinds: frozenset[Kind]
    severities: frozenset[int | str]
    judges: frozenset[JudgedBy]
    narrowing: Narrowing
    is_new: bool | None
    is_overdue: bool | None
    sort: str
    descending: bool

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> "FindingFilter":
        """Return what the parameters ask for; raise ProblemError naming the one that cannot be understood."""
        return cls(
            kinds=chosen("kind", parameters, Kind),
            severities=_severities(parameters.get("severity", "")),
            judges=chosen("judged_by", parameters, JudgedBy),
            narrowing=Narrowing.parse(parameters),
            is_new=_yes_or_no("new", parameters.get("new", "")),
            is_overdue=_yes_or_no("overdue", parameters.get("overdue", "")),
            sort=_sort(parameters),
            descending=parameters.get("sort", "").startswith("-"),
        )

    def key(self, one: Mapping[str, Any]) -> SortKey:
        """Return what findings are sorted by; it differs between any two."""
        return _SORTS[self.sort](one)

    def of(self, rows: Iterable[Mapping[str, Any]], portal: str) -> list[dict[str, Any]]:
        """Return the findings that match, from rows of the saved query `findings`, in order."""
        found = [_finding(row, portal) for row in rows if self.narrowing.takes(row)]
        return sorted((one for one in found if self._takes(one)), key=self.key, reverse=self.descending)

    def _takes(self, one: Mapping[str, Any]) -> bool:
        return (
            (not self.kinds or one["kind"] in self.kinds)
            and (not self.severities or bool(self.severities & {one["severity"], one["violation_severity"]}))
            and (not self.judges or one["judged_by"] in self.judges)
            and self.is_new in (None, one["is_new"])
            and self.is_overdue in (None, one["is_overdue"])
        )


def _trouble(one: Mapping[str, Any]) -> SortKey:
    """Sort key: overdue ones first, by how severe they are; then by the alert rule's severity and by age."""
    late = one["is_overdue"]
    of_late = (_BY_RANK.get(one["violation_severity"], 0), one["due_by"] or "") if late else (0, "")
    return (int(not late), *of_late, one["severity"], one["since"] or "", *_named(one))


def _due(one: Mapping[str, Any]) -> SortKey:
    return (one["due_by"] or _NEVER, _BY_RANK.get(one["violation_severity"], len(_BY_RANK)), *_named(one))


def _named(one: Mapping[str, Any]) -> SortKey:
    """Return what differs between any two."""
    named = (one["customer"], one["application"]["name"], one["application"]["id"])
    assignment = one["assignment"]["id"] if one["assignment"] else ""
    return (*(name.casefold() for name in named), assignment, one["kind"])


_SORTS: Final[Mapping[str, Callable[[Mapping[str, Any]], SortKey]]] = {"trouble": _trouble, "due_by": _due}


def counts(findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how many findings there are, and of each kind and severity."""
    kinds = Counter(one["kind"] for one in findings)
    judges = Counter(one["judged_by"] for one in findings)
    late = Counter(one["violation_severity"] for one in findings if one["is_overdue"])
    undated = sum(one["kind"] == Kind.NONCOMPLIANT.value and one["due_by"] is None for one in findings)
    by_severity = Counter(one["severity"] for one in findings)
    return {
        "total": len(findings),
        "new": sum(one["is_new"] for one in findings),
        "held": sum(one["held"] is not None for one in findings),
        "accepted": sum(one["accepted_until"] is not None for one in findings),
        "applications": len({one["application"]["id"].casefold() for one in findings}),
        "by_kind": {kind.value: kinds[kind.value] for kind in Kind},
        "by_judge": {judge.value: judges[judge.value] for judge in JudgedBy},
        "by_severity": {str(severity): by_severity[severity] for severity in _SEVERITIES},
        "overdue": overdue({severity: late[severity.value] for severity in Severity}, undated),
    }


def _finding(row: Mapping[str, Any], portal: str) -> dict[str, Any]:
    kind = _KINDS.get(str(row["Kind"]))
    if kind is None:
        raise MalformedAnswer("the workspace's answer has a finding of no kind that we know", code="MalformedAnswer")
    identifier = str(row["Application_id"] or "")
    assignment = str(row["Policy_assignment_id"] or "")
    return {
        "kind": kind.value,
        "severity": severities()[kind],
        "rule": RULES[kind],
        "since": row["Since"],
        "is_new": row["Is_new"] is True,
        "is_alarmed": row["Alarmed"] is True,
        "customer": row["Customer_name"] or "",
        "subscription_id": row["Customer_subscription_id"] or "",
        "application": {"id": identifier, "name": row["Application_name"] or ""},
        "plan": plan_of(row),
        "assignment": {"id": assignment, "name": row["Policy_assignment"] or ""} if assignment else None,
        "judged_by": row["Judged_by"] or None,
        "verdict": row["Verdict"] or None,
        "reason": row["Reason"] or None,
        "details": row["Details"] or "",
        "violations": row["Noncompliant_states"],
        "suspended_violations": row["Suspended_states"],
        **life_of(row),
        "held": held_of(row),
        "accepted_until": row["Accepted_until"],
        "accepted_by": row["Accepted_by"] or "",
        "accepted_reason": row["Accepted_reason"] or "",
        "snoozed_until": row["Snoozed_until"],
        "last_read": row["Last_read"],
        "unread_since": row["Unread_since"],
        "links": {"application": application_link(identifier), "portal": assignment_link(portal, assignment)},
    }


def _severities(text: str) -> frozenset[int | str]:
    known: dict[str, int | str] = {str(severity): severity for severity in _SEVERITIES}
    known |= {severity.value: severity.value for severity in Severity}
    words = [part.strip() for part in text.split(",") if part.strip()]
    if not set(words) <= known.keys():
        raise bad_request("severity", f"severity is any of {', '.join(known)}, with commas between.")
    return frozenset(known[word] for word in words)


def _sort(parameters: Mapping[str, str]) -> str:
    sort = parameters.get("sort", "trouble").removeprefix("-")
    if sort not in _SORTS:
        raise bad_request("sort", f"sort is one of {', '.join(_SORTS)}, with a minus sign before it to reverse.")
    return sort


def _yes_or_no(name: str, text: str) -> bool | None:
    if text not in ("", "true", "false"):
        raise bad_request(name, f"{name} is true or false.")
    return None if not text else text == "true"


CSV_COLUMNS: Final = (
    "severity", "kind", "customer", "application", "assignment", "since", "is_new", "violations",
    "suspended_violations", "violation_severity", "due_by", "is_overdue", "held_reason", "held_since", "accepted_until",
    "accepted_by", "accepted_reason", "snoozed_until", "is_alarmed", "verdict", "reason", "details", "last_read",
    "unread_since", "plan", "plan_version", "opened_in_version", "subscription_id", "application_id", "assignment_id",
    "judged_by",
)  # fmt: skip


def cells(one: Mapping[str, Any]) -> list[Any]:
    """Return a finding as cells of CSV_COLUMNS."""
    held = one["held"] or {}
    return cells_of(one, CSV_COLUMNS, {"held_reason": held.get("reason"), "held_since": held.get("since")})
