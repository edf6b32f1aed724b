"""Filters and sorts the fleet as a request's parameters ask."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from compliance_api.fleet.fleet import Application, LastKnown, Status
from compliance_api.fleet.paging import SortKey
from compliance_api.http import bad_request
from publisher.resource_ids import fold, is_guid

FILTERS: Final = ("status", "last_known", "subscription", "plan", "plan_version", "search", "sort")
Choice = TypeVar("Choice", bound=StrEnum)
_LONGEST_SEARCH: Final = 200
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS_RANK: Final = {status: rank for rank, status in enumerate(Status)}
_LAST_KNOWN_RANK: Final = {known: rank for rank, known in enumerate(LastKnown)}


def _trouble(application: Application) -> SortKey:
    """Sort key: applications with violations first, then unread ones, then those that were never evaluated."""
    return (
        _STATUS_RANK[application.status],
        _LAST_KNOWN_RANK[application.last_known],
        -(application.noncompliant or 0),
        -(application.assignments_without_states or 0),
        application.customer.casefold(),
        application.name.casefold(),
    )


_SORTS: Final[Mapping[str, Callable[[Application], SortKey]]] = {
    "trouble": _trouble,
    "customer": lambda application: (application.customer.casefold(), application.name.casefold()),
    "application": lambda application: (application.name.casefold(), application.customer.casefold()),
    "status": lambda application: (_STATUS_RANK[application.status],),
    "noncompliant": lambda application: (-1 if application.noncompliant is None else application.noncompliant,),
    "last_read": lambda application: ((application.last_read or _NEVER).isoformat(),),
}


@dataclass(frozen=True, slots=True)
class Listing:
    """What part of the fleet is asked for, and in which order."""

    statuses: frozenset[Status]
    last_known: frozenset[LastKnown]
    subscription: str
    plan: str
    plan_version: str
    search: str
    sort: str
    descending: bool

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> "Listing":
        """Return what the parameters ask for; raise ProblemError naming the one that cannot be understood."""
        sort = parameters.get("sort", "trouble")
        if sort.removeprefix("-") not in _SORTS:
            raise bad_request("sort", f"sort is one of {', '.join(_SORTS)}, with a minus sign before it to reverse.")
        return cls(
            statuses=chosen("status", parameters, Status),
            last_known=chosen("last_known", parameters, LastKnown),
            subscription=subscription_in(parameters),
            plan=parameters.get("plan", ""),
            plan_version=parameters.get("plan_version", ""),
            search=search_in(parameters),
            sort=sort.removeprefix("-"),
            descending=sort.startswith("-"),
        )

    def key(self, application: Application) -> SortKey:
        """Return what the listing is sorted by; the id makes it different for each application."""
        return (*_SORTS[self.sort](application), application.key)

    def of(self, applications: Iterable[Application]) -> list[Application]:
        """Return the applications that match, in order."""
        return sorted(filter(self._matches, applications), key=self.key, reverse=self.descending)

    def _matches(self, application: Application) -> bool:
        return (
            (not self.statuses or application.status in self.statuses)
            and (not self.last_known or application.last_known in self.last_known)
            and (not self.subscription or application.subscription_id.lower() == self.subscription)
            and (not self.plan or fold(application.plan_name) == fold(self.plan))
            and (not self.plan_version or fold(application.plan_version) == fold(self.plan_version))
            and (not self.search or self.search in _searchable(application) or self._is_resource_of(application))
        )

    def _is_resource_of(self, application: Application) -> bool:
        """Tell whether what is looked for is the id of a managed resource group, or of a resource in it."""
        group = fold(application.managed_resource_group_id)
        return bool(group) and f"{self.search}/".startswith(f"{group}/")


def _searchable(application: Application) -> str:
    return f"{application.customer}\n{application.name}\n{application.id}".casefold()


def search_in(parameters: Mapping[str, str]) -> str:
    """Return what to look for, folded; ProblemError 400 when it is too long."""
    search = parameters.get("search", "")
    if len(search) > _LONGEST_SEARCH:
        raise bad_request("search", f"search has at most {_LONGEST_SEARCH} characters.")
    return search.casefold().strip()


def subscription_in(parameters: Mapping[str, str]) -> str:
    """Return the subscription id to list, in lower case, or "" for all; ProblemError 400 for what is no GUID."""
    subscription = parameters.get("subscription", "")
    if subscription and not is_guid(subscription):
        raise bad_request("subscription", "subscription is the id (a GUID) of a customer's subscription.")
    return subscription.lower()


def chosen(name: str, parameters: Mapping[str, str], kind: type[Choice]) -> frozenset[Choice]:
    """Return the words of a parameter that has any of them, with commas between; ProblemError 400 for others."""
    try:
        return frozenset(kind(part.strip()) for part in parameters.get(name, "").split(",") if part.strip())
    except ValueError as error:
        raise bad_request(name, f"{name} is any of {', '.join(kind)}, with commas between.") from error
