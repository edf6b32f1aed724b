"""Which part of a list about assignments is asked for: by plan, customer's subscription, assignment, or a search."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from compliance_api.fleet.listing import search_in, subscription_in
from publisher.resource_ids import fold

NARROWING: Final = ("plan", "plan_version", "subscription", "assignment", "search")
"""The parameters."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is asked for; an empty text asks for everything."""

    plan: str
    plan_version: str
    subscription: str
    assignment: str
    search: str

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> "Narrowing":
        """Return what the parameters ask for; raise ProblemError naming the one that cannot be understood."""
        return cls(
            plan=fold(parameters.get("plan", "")),
            plan_version=fold(parameters.get("plan_version", "")),
            subscription=subscription_in(parameters),
            assignment=fold(parameters.get("assignment", "").strip()),
            search=search_in(parameters),
        )

    def takes_plan(self, row: Mapping[str, Any]) -> bool:
        """Tell whether the plan version in a row of a saved query is asked for."""
        version = self.plan_version in ("", fold(_text(row, "Plan_version")))
        return version and self.plan in ("", fold(_text(row, "Plan_name")))

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row of a saved query is asked for."""
        names = ("Policy_assignment_id", "Policy_assignment_name", "Policy_assignment")
        return (
            self.takes_plan(row)
            and self.subscription in ("", _text(row, "Customer_subscription_id").lower())
            and (not self.assignment or self.assignment in {fold(_text(row, name)) for name in names})
            and (not self.search or self.search in _searchable(row))
        )


def _searchable(row: Mapping[str, Any]) -> str:
    names = ("Customer_name", "Application_name", "Application_id", "Policy_assignment")
    return "\n".join(_text(row, name) for name in names).casefold()


def _text(row: Mapping[str, Any], name: str) -> str:
    return str(row[name] or "")
