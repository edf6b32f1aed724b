"""The handlers for GET /api/compliance and what is below it: summary, applications, history and runs of the fleet."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from compliance_api.endpoint import Context
from compliance_api.fleet import views
from compliance_api.fleet.csv_export import csv_answer
from compliance_api.fleet.fleet import Application, Fleet
from compliance_api.fleet.listing import FILTERS, Listing
from compliance_api.fleet.paging import PAGING, SortKey, page_of
from compliance_api.http import Answer, ProblemError, Request, bad_request, json_answer
from compliance_api.timespan import FIELD as TIMESPAN
from compliance_api.timespan import timespan_of

_LONGEST_HISTORY: Final = timedelta(days=93)
_MOST_RUNS: Final = 500


async def fleet_summary(request: Request, context: Context) -> Answer:
    """Answer with the whole fleet in numbers."""
    request.refuse_other_parameters()
    fleet = await context.compliance.fleet()
    return json_answer({**_frame(fleet, context), **views.summary(fleet)})


async def applications(request: Request, context: Context) -> Answer:
    """Answer with the applications that match, sorted, page by page; or with all of them as CSV."""
    request.refuse_other_parameters(*FILTERS, *PAGING, "format")
    listing = Listing.parse(request.parameters)
    as_csv = _as_csv(request)
    fleet = await context.compliance.fleet()
    matching = listing.of(fleet.applications)
    if as_csv:
        shown = [views.application(one, context.settings.portal) for one in matching]
        return csv_answer("applications.csv", _APPLICATION_COLUMNS, [_application_cells(one) for one in shown])
    page = page_of(matching, listing.key, request, question=repr(listing), descending=listing.descending)
    return json_answer(
        {
            **_frame(fleet, context),
            "total": page.total,
            "applications": [views.application(one, context.settings.portal) for one in page.items],
            "next_page_token": page.next_token,
        }
    )


async def application(request: Request, context: Context) -> Answer:
    """Answer with one application, its assignments, and its violations page by page; or with all of these as CSV."""
    request.refuse_other_parameters(*PAGING, "format")
    as_csv = _as_csv(request)
    fleet = await context.compliance.fleet()
    # The platform does not document whether it decodes %2F in a path; a resource id has no % of its own.
    found = fleet.find(unquote(request.route.get("id", "")))
    if found is None or fleet.run is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "No registered application has this id.", field="id")
    details = await context.compliance.details(found, fleet.run)
    resources = sorted((views.resource(row, context.settings.portal) for row in details.resources), key=_violation_key)
    if as_csv:
        return csv_answer("violations.csv", _VIOLATION_COLUMNS, [_violation_cells(found, one) for one in resources])
    page = page_of(resources, _violation_key, request, question=found.key)
    return json_answer(
        {
            **_frame(fleet, context),
            "application": views.application(found, context.settings.portal),
            "assignments": [views.assignment(row, context.settings.portal) for row in details.assignments],
            "violations": {
                "total": page.total,
                "open": views.open_violations(details),
                "states_missing": views.states_missing(details),
                "resources": page.items,
                "next_page_token": page.next_token,
            },
        }
    )


async def history(request: Request, context: Context) -> Answer:
    """Answer with the fleet in numbers, run by run."""
    request.refuse_other_parameters(TIMESPAN)
    timespan = timespan_of(request.parameters.get(TIMESPAN), _LONGEST_HISTORY, "P14D")
    fleet, rows = await context.compliance.fleet(), await context.compliance.history(timespan)
    return json_answer(
        {**_frame(fleet, context), "timespan": timespan, "history": [views.history_point(row) for row in rows]}
    )


async def runs(request: Request, context: Context) -> Answer:
    """Answer with the collector's completed runs, latest first."""
    request.refuse_other_parameters(TIMESPAN, "limit")
    timespan = timespan_of(request.parameters.get(TIMESPAN), _LONGEST_HISTORY, "P7D")
    limit = request.whole_number("limit", 50, _MOST_RUNS)
    fleet, rows = await context.compliance.fleet(), await context.compliance.runs(timespan)
    return json_answer(
        {
            **_frame(fleet, context),
            "timespan": timespan,
            "total": len(rows),
            "runs": [views.run(row) for row in rows[:limit]],
        }
    )


def _frame(fleet: Fleet, context: Context) -> dict[str, Any]:
    return views.frame(fleet, context.now, context.settings.stale_after)


def _as_csv(request: Request) -> bool:
    form = request.parameters.get("format", "json")
    if form not in ("json", "csv"):
        raise bad_request("format", "format is json or csv.")
    return form == "csv"


_APPLICATION_COLUMNS: Final = (
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
    "guard_changes",
    "noncompliant_since",
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
)


def _application_cells(one: dict[str, Any]) -> list[Any]:
    plan, reading, states = one["plan"] or {}, one["reading"], one["states"]
    return [
        one["customer"],
        one["name"],
        one["status"],
        one["last_known"],
        *(states[kind] for kind in views.STATE_KINDS),
        one["assignments_without_states"],
        one["held_assignments"],
        one["accepted_assignments"],
        one["guard_changes"],
        one["noncompliant_since"],
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
    ]


_VIOLATION_COLUMNS: Final = (
    "customer",
    "application",
    "resource_id",
    "resource_type",
    "location",
    "assignment",
    "policy",
    "effect",
    "evaluated_at",
    "held_reason",
    "held_since",
    "assignment_id",
    "definition_id",
    "definition_reference_id",
)


def _violation_cells(application: Application, one: dict[str, Any]) -> list[Any]:
    names = ("id", "type", "location", "assignment_name", "definition_name", "effect", "evaluated_at")
    ids = ("assignment_id", "definition_id", "definition_reference_id")
    held = one["held"] or {}
    return [
        application.customer,
        application.name,
        *(one[name] for name in names),
        held.get("reason"),
        held.get("since"),
        *(one[name] for name in ids),
    ]


def _violation_key(one: dict[str, Any]) -> SortKey:
    names = ("assignment_name", "assignment_id", "definition_name", "definition_id", "definition_reference_id", "id")
    return tuple(str(one[name] or "").casefold() for name in names)
