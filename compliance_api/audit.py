"""The handlers for looking back: what was resolved, and the report about one application and a period."""

from datetime import timedelta
from typing import Any, Final

from compliance_api.asked import FORMAT, as_csv, not_found
from compliance_api.endpoint import Context
from compliance_api.fleet import customer_report, resolved, views
from compliance_api.fleet.application_history import gaps_of, points_of
from compliance_api.fleet.compliance import LOOK_BACK_DAYS
from compliance_api.fleet.csv_export import csv_answer
from compliance_api.fleet.frame import frame, iso
from compliance_api.fleet.narrowing import NARROWING, Narrowing
from compliance_api.fleet.paging import PAGING, page_of
from compliance_api.http import Answer, Request, bad_request, json_answer
from compliance_api.named import named_in
from compliance_api.timespan import FIELD as TIMESPAN
from compliance_api.timespan import LONGEST_HISTORY, bounds_of, timespan_of
from compliance_api.workspace import saved_queries

_LONGEST_LOOK_BACK: Final = timedelta(days=30)
_EVIDENCE: Final = {
    "verdict_periods": ["PolicyVerdicts_CL"],
    "application_history": ["PolicyCollectionRuns_CL", "PolicyCollectionResults_CL", "PolicyVerdicts_CL"],
}
"""The saved queries that a report is made of, and the tables that they read."""


async def list_resolved(request: Request, context: Context) -> Answer:
    """Answer with what is not wrong any more, the latest first, page by page; or with all of it as CSV."""
    request.refuse_other_parameters(TIMESPAN, *NARROWING, *PAGING, FORMAT)
    timespan = timespan_of(request.parameters.get(TIMESPAN), _LONGEST_LOOK_BACK, "P1D")
    wanted, is_csv = Narrowing.parse(request.parameters), as_csv(request)
    begin, end = bounds_of(timespan, context.now)
    if context.now - begin > timedelta(days=LOOK_BACK_DAYS):
        raise bad_request(
            TIMESPAN, f"timespan begins more than {LOOK_BACK_DAYS} days ago; nothing that old is looked at."
        )
    fleet = await context.compliance.fleet()
    days = (context.now - begin).days + 1
    rows = [] if fleet.run is None else await context.compliance.resolved(days, fleet.run)
    found = resolved.resolved_of(rows, wanted, begin, end)
    begins_with = frame(fleet, context.now, context.settings.stale_after)
    if is_csv:
        return csv_answer("resolved.csv", begins_with, resolved.CSV_COLUMNS, map(resolved.cells, found))
    question = f"resolved {timespan} {wanted!r}"
    page = page_of(found, resolved.key, request, question=question, descending=True)
    return json_answer(
        {
            **begins_with,
            "timespan": timespan,
            "total": None if fleet.run is None else page.total,
            "resolved": page.items,
            "next_page_token": page.next_token,
        }
    )


async def report_of_application(request: Request, context: Context) -> Answer:
    """Answer with a report about one application and a period, which can be checked against the tables."""
    request.refuse_other_parameters(TIMESPAN)
    timespan = timespan_of(request.parameters.get(TIMESPAN), LONGEST_HISTORY, "P30D")
    fleet = await context.compliance.fleet()
    found = fleet.find(named_in(request).id)
    if found is None or fleet.run is None:
        raise not_found("No registered application has this id.", fleet.run)
    begin, end = bounds_of(timespan, context.now)
    periods = await context.compliance.verdict_periods(found.id, timespan)
    points = points_of(await context.compliance.application_history(found.id, timespan))
    gaps = gaps_of(points, begin, end, context.settings.stale_after)
    return json_answer(
        {
            **frame(fleet, context.now, context.settings.stale_after),
            "application": views.application(found, context.settings.portal),
            "timespan": timespan,
            "period": {"from": iso(begin), "until": iso(end)},
            "runs": customer_report.runs(points),
            "assignments": customer_report.assignments(periods),
            "gaps": customer_report.gaps(gaps, points),
            "exemptions": customer_report.exemptions(periods),
            "evidence": [_evidence(name, found.id) for name in _EVIDENCE],
        }
    )


def _evidence(name: str, application_id: str) -> dict[str, Any]:
    """Return a query that returns the rows of the report, as an auditor can run it."""
    return {"name": name, "tables": _EVIDENCE[name], "kql": saved_queries.text_for(name, application_id)}
