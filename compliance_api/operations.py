"""The handlers for GET /api/compliance and what is below it: summary, applications, history and runs of the fleet."""

import re
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from compliance_api.asked import FORMAT, as_csv, not_found
from compliance_api.audit import report_of_application
from compliance_api.description import PREFIX, methods_of
from compliance_api.endpoint import Context
from compliance_api.fleet import views
from compliance_api.fleet.compliance import MOST_VIOLATIONS
from compliance_api.fleet.csv_export import csv_answer
from compliance_api.fleet.exports import APPLICATION_COLUMNS, VIOLATION_COLUMNS, application_cells, violation_lines
from compliance_api.fleet.fleet import Fleet
from compliance_api.fleet.frame import frame
from compliance_api.fleet.listing import FILTERS, Listing
from compliance_api.fleet.paging import (
    DEFAULT_SIZE,
    LARGEST_SIZE,
    PAGING,
    TOKEN,
    page_of,
    place_in,
    token_after,
)
from compliance_api.http import Answer, ProblemError, Request, bad_request, json_answer
from compliance_api.named import HISTORY, REPORT, named_in
from compliance_api.reports import history_of_application
from compliance_api.selection import address_of_page
from compliance_api.timespan import FIELD as TIMESPAN
from compliance_api.timespan import LONGEST_HISTORY, timespan_of

_MOST_RUNS: Final = 500
_LEADING_SLASH: Final = re.compile(r"/compliance/applications//+(?P<id>[^/].*)", re.IGNORECASE)


async def fleet_summary(request: Request, context: Context) -> Answer:
    """Answer with the whole fleet in numbers."""
    request.refuse_other_parameters()
    fleet = await context.compliance.fleet()
    return json_answer({**_frame(fleet, context), **views.summary(fleet)})


async def applications(request: Request, context: Context) -> Answer:
    """Answer with the applications that match, sorted, page by page; or with all of them as CSV."""
    request.refuse_other_parameters(*FILTERS, *PAGING, FORMAT)
    listing = Listing.parse(request.parameters)
    is_csv = as_csv(request)
    fleet = await context.compliance.fleet()
    matching = listing.of(fleet.applications)
    if is_csv:
        shown = [views.application(one, context.settings.portal) for one in matching]
        return csv_answer(
            "applications.csv", _frame(fleet, context), APPLICATION_COLUMNS, map(application_cells, shown)
        )
    page = page_of(matching, listing.key, request, question=repr(listing), descending=listing.descending)
    return json_answer(
        {
            **_frame(fleet, context),
            "total": None if fleet.run is None else page.total,
            "applications": [views.application(one, context.settings.portal) for one in page.items],
            "next_page_token": page.next_token,
        }
    )


async def application_or_history(request: Request, context: Context) -> Answer:
    """Answer with one application, or with its history or the report about it where its address ends so."""
    handlers = {HISTORY: history_of_application, REPORT: report_of_application}
    return await handlers.get(named_in(request).below, application)(request, context)


async def anything_else(request: Request, context: Context) -> Answer:
    """Answer what no route takes: an application whose id has its leading slash; refuse anything else.

    Two slashes one after the other match no other route.
    """
    below = _LEADING_SLASH.fullmatch(request.path.removeprefix(PREFIX))
    if below and request.method == "GET":
        return await application_or_history(replace(request, route={"id": below["id"]}), context)
    if allowed := methods_of(request.path):
        raise ProblemError(
            HTTPStatus.METHOD_NOT_ALLOWED, f"This address takes {', '.join(allowed)} only.", allowed=allowed
        )
    raise ProblemError(HTTPStatus.NOT_FOUND, "There is no such address; GET /api/openapi.json describes all there are.")


async def application(request: Request, context: Context) -> Answer:
    """Answer with one application, its assignments, and its violations page by page; or with a page of them as CSV."""
    request.refuse_other_parameters(*PAGING, FORMAT)
    is_csv = as_csv(request)
    fleet = await context.compliance.fleet()
    found = fleet.find(named_in(request).id)
    if found is None or fleet.run is None:
        raise not_found("No registered application has this id.", fleet.run)
    question = f"{found.key} {fleet.run.id}"
    usual = LARGEST_SIZE if is_csv else DEFAULT_SIZE
    start, size, total = place_in(request, question=question, most=MOST_VIOLATIONS, usual=usual)
    details = await context.compliance.details(found, fleet.run)
    part = await context.compliance.violations(found, fleet.run, start=start, size=size, total=total)
    if total not in (None, part.total):
        raise bad_request(TOKEN, "The violations have changed since the page before. Start again without it.")
    token = token_after(start + size, part.total, question=question)
    answer = {
        **_frame(fleet, context),
        "application": views.application(found, context.settings.portal),
        "assignments": [views.assignment(row, context.settings.portal) for row in details.assignments],
    }
    shown = {
        **views.violations(found, details, part.total),
        "resources": [views.resource(row, context.settings.portal) for row in part.rows],
        "next_page_token": token,
    }
    if is_csv:
        lines = violation_lines({**answer, "violations": shown})
        file = csv_answer("violations.csv", answer, VIOLATION_COLUMNS, lines)
        following = {"Link": f'<{address_of_page(request, token)}>; rel="next"'} if token else {}
        return replace(file, headers={**file.headers, **following})
    return json_answer({**answer, "violations": shown})


async def history(request: Request, context: Context) -> Answer:
    """Answer with the fleet in numbers, run by run, and with how long a time without a run is a gap."""
    request.refuse_other_parameters(TIMESPAN)
    timespan = timespan_of(request.parameters.get(TIMESPAN), LONGEST_HISTORY, "P14D")
    fleet, rows = await context.compliance.fleet(), await context.compliance.history(timespan)
    return json_answer(
        {
            **_frame(fleet, context),
            "timespan": timespan,
            "gap_after_seconds": int(context.settings.stale_after.total_seconds()),
            "history": [views.history_point(row) for row in rows],
        }
    )


async def runs(request: Request, context: Context) -> Answer:
    """Answer with the collector's completed runs, latest first."""
    request.refuse_other_parameters(TIMESPAN, "limit")
    timespan = timespan_of(request.parameters.get(TIMESPAN), LONGEST_HISTORY, "P7D")
    limit = request.whole_number("limit", 50, _MOST_RUNS)
    fleet, rows = await context.compliance.fleet(), await context.compliance.runs(timespan)
    return json_answer(
        {
            **_frame(fleet, context),
            "timespan": timespan,
            "total": None if fleet.run is None else len(rows),
            "runs": [views.run(row) for row in rows[:limit]],
        }
    )


def _frame(fleet: Fleet, context: Context) -> dict[str, Any]:
    return frame(fleet, context.now, context.settings.stale_after)
