"""The handlers for what goes across the fleet: findings, plan versions, exemptions; and one application over time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from compliance_api.asked import FORMAT, as_csv, not_found
from compliance_api.endpoint import Context
from compliance_api.fleet import application_history, budgets, exemptions, findings, plans
from compliance_api.fleet.csv_export import csv_answer
from compliance_api.fleet.fleet import Fleet
from compliance_api.fleet.frame import frame
from compliance_api.fleet.narrowing import NARROWING, Narrowing
from compliance_api.fleet.paging import PAGING, SortKey, page_of
from compliance_api.http import Answer, ProblemError, Request, json_answer
from compliance_api.named import id_in, named_in
from compliance_api.timespan import FIELD as TIMESPAN
from compliance_api.timespan import LONGEST_HISTORY, before, bounds_of, timespan_of

Rows = list[dict[str, Any]]


async def list_findings(request: Request, context: Context) -> Answer:
    """Answer with what is wrong anywhere in the fleet, sorted, page by page; or with all of it as CSV."""
    request.refuse_other_parameters(*findings.FILTERS, *PAGING, FORMAT)
    wanted, is_csv = findings.FindingFilter.parse(request.parameters), as_csv(request)
    fleet = await context.compliance.fleet()
    rows = await _standing("findings", fleet, context)
    found = wanted.of(rows, context.settings.portal)
    if is_csv:
        return _csv("findings.csv", fleet, context, findings.CSV_COLUMNS, map(findings.cells, found))
    counts = findings.counts(found) if fleet.run is not None else None
    more = {"counts": counts, "is_complete": fleet.run is not None and len(rows) < findings.MOST_ROWS}
    return _page(
        request,
        fleet,
        context,
        name="findings",
        items=found,
        key=wanted.key,
        question=repr(wanted),
        descending=wanted.descending,
        more=more,
    )


async def list_plans(request: Request, context: Context) -> Answer:
    """Answer with the plan versions: applications by status, error budget, and which assignments break how many."""
    request.refuse_other_parameters("plan", TIMESPAN, budgets.OBJECTIVE, *PAGING, FORMAT)
    wanted, is_csv = Narrowing.parse(request.parameters), as_csv(request)
    objective = budgets.objective_in(request.parameters)
    timespan = timespan_of(request.parameters.get(TIMESPAN), LONGEST_HISTORY - budgets.BEFORE, "P28D")
    begin, end = map(budgets.whole_hour, bounds_of(timespan, context.now))
    fleet = await context.compliance.fleet()
    versions = await _standing("plans", fleet, context)
    assignments = await _standing("plan_assignments", fleet, context)
    introductions = await _standing("plan_introductions", fleet, context)
    history = [] if fleet.run is None else await context.compliance.plan_history(before(timespan, budgets.BEFORE))
    known = budgets.budgets_of(history, begin, end, context.settings.stale_after)
    found = plans.plans_of(
        [row for row in versions if wanted.takes_plan(row)],
        assignments,
        introductions,
        lambda version: known.get(version, budgets.Budget(begin)).told(end, objective),
    )
    if is_csv:
        lines = (line for one in found for line in plans.lines(one))
        return _csv("plans.csv", fleet, context, plans.CSV_COLUMNS, lines)
    return _page(
        request, fleet, context, name="plans", items=found, key=plans.key, question=f"{wanted!r} {timespan} {objective}"
    )


async def list_exemptions(request: Request, context: Context) -> Answer:
    """Answer with the exemptions in force, the one that expires soonest first, page by page; or with all as CSV."""
    request.refuse_other_parameters(exemptions.EXPIRES_BEFORE, *NARROWING, *PAGING, FORMAT)
    wanted, is_csv = exemptions.ExemptionFilter.parse(request.parameters), as_csv(request)
    fleet = await context.compliance.fleet()
    rows = await _standing("exemptions", fleet, context)
    found = wanted.of(rows, context.settings.portal)
    if is_csv:
        return _csv("exemptions.csv", fleet, context, exemptions.CSV_COLUMNS, map(exemptions.cells, found))
    more = {"is_complete": fleet.run is not None and len(rows) < exemptions.MOST_ROWS}
    return _page(
        request, fleet, context, name="exemptions", items=found, key=exemptions.key, question=repr(wanted), more=more
    )


async def history_of_application(request: Request, context: Context) -> Answer:
    """Answer with what each completed run published about one application, and with the gaps between."""
    request.refuse_other_parameters(TIMESPAN, *PAGING, FORMAT)
    timespan = timespan_of(request.parameters.get(TIMESPAN), LONGEST_HISTORY, "P14D")
    is_csv, identifier = as_csv(request), _id_in(request)
    fleet = await context.compliance.fleet()
    rows = await context.compliance.application_history(identifier, timespan)
    points = application_history.points_of(rows)
    if fleet.find(identifier) is None and not application_history.is_told_of(points):
        raise not_found("No run of this time tells of an application with this id.", fleet.run)
    if is_csv:
        columns = application_history.CSV_COLUMNS
        return _csv("history.csv", fleet, context, columns, map(application_history.cells, points))
    begin, end = bounds_of(timespan, context.now)
    more = {
        "application": _named(identifier, rows),
        "timespan": timespan,
        "gaps": application_history.gaps_of(points, begin, end, context.settings.stale_after),
    }
    question = f"{identifier.casefold()} {timespan}"
    return _page(
        request, fleet, context, name="runs", items=points, key=application_history.key, question=question, more=more
    )


def _page(
    request: Request,
    fleet: Fleet,
    context: Context,
    *,
    name: str,
    items: Sequence[dict[str, Any]],
    key: Callable[[dict[str, Any]], SortKey],
    question: str,
    descending: bool = False,
    more: Mapping[str, Any] | None = None,
) -> Answer:
    page = page_of(items, key, request, question=f"{name} {question}", descending=descending)
    return json_answer(
        {
            **frame(fleet, context.now, context.settings.stale_after),
            **(more or {}),
            "total": None if fleet.run is None else page.total,
            name: page.items,
            "next_page_token": page.next_token,
        }
    )


def _csv(file: str, fleet: Fleet, context: Context, columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> Answer:
    return csv_answer(file, frame(fleet, context.now, context.settings.stale_after), columns, lines)


async def _standing(name: str, fleet: Fleet, context: Context) -> Rows:
    return [] if fleet.run is None else await context.compliance.standing(name, fleet.run)


def _id_in(request: Request) -> str:
    if identifier := id_in(named_in(request).id):
        return identifier
    raise ProblemError(HTTPStatus.NOT_FOUND, "This is not the id of an application.", field="id")


def _named(identifier: str, rows: Rows) -> dict[str, str]:
    """Return how the latest run that tells of an application calls it."""
    told = next((row for row in reversed(rows) if row["Reported"]), None)
    return {
        "id": str(told["Application_id"]) if told else identifier,
        "name": str(told["Application_name"] or "") if told else "",
        "customer": str(told["Customer_name"] or "") if told else "",
    }
