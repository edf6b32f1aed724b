"""The handlers for KQL: a caller's own query (role Compliance.Query), saved queries and tables (every reader).

`query_logs` and `list_tables` take and answer what the published sample for private workspaces does, and more.
"""

import asyncio
import hashlib
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import orjson

from compliance_api.asked import run_of
from compliance_api.endpoint import Context
from compliance_api.failures import problem_of_query
from compliance_api.fleet.compliance import LOOK_BACK
from compliance_api.fleet.fleet import Run
from compliance_api.fleet.frame import UNKNOWN
from compliance_api.fleet.paging import LARGEST_SIZE, PAGING, page_of
from compliance_api.http import Answer, ProblemError, Request, bad_request, json_answer, json_object
from compliance_api.settings import QueryLimits
from compliance_api.timespan import FIELD as TIMESPAN
from compliance_api.timespan import timespan_of
from compliance_api.workspace import saved_queries
from compliance_api.workspace.kql import refusal
from compliance_api.workspace.places import Places
from compliance_api.workspace.query_parameters import given, parameters_of
from compliance_api.workspace.workspace import Question, Table
from publisher.errors.kinds import AzureFailure

_LOGGER = logging.getLogger(__name__)
_LARGEST_BODY: Final = 128 * 1024
_LONGEST_QUERY: Final = 32 * 1024
_READ_FACTOR: Final = 4
"""An answer is read up to this multiple of the bytes that are handed out; then its rows are cut."""

TABLES_QUERY: Final = """
union withsource=Table_name
    PolicyVerdicts_CL, PolicyCollectionResults_CL, PolicyCollectionRuns_CL, ManagedApplicationEvents_CL
| summarize Rows = count() by Table_name
| union (
    PolicyCollectionRuns_CL
    | summarize arg_max(TimeGenerated, Uploaded_rows, Result_rows) by Run_id
    | summarize Rows = sum(Uploaded_rows - Result_rows)
    | where Rows > 0
    | extend Table_name = "PolicyComplianceStates_CL"
)
| project Table_name, Rows
| order by Rows desc
"""
"""State rows are so many that they are not counted: each run says how many of them were accepted."""

_CUT: Final = (
    f"Only the first {LARGEST_SIZE} rows are here, and Listed_violations says how many there are: "
    "/compliance/applications/{id} has those of one application page by page."
)
_MEMBERS: Final = ("query", "timespan")
_FUNCTION_KEY: Final = "code"
"""A parameter that callers of older samples still send; it is accepted and not used."""

_PLACES: Final = Places()


async def query_logs(request: Request, context: Context) -> Answer:
    """Run the caller's query. 200: all of the answer; 206: part of it, and `error` says why."""
    request.refuse_other_parameters(_FUNCTION_KEY)
    limits, principal = context.settings.limits, context.principal
    query, timespan = _query_and_timespan(request, limits)
    question = Question(query, timespan, limits.seconds, limits.answer_bytes * _READ_FACTOR)
    of_run = await _run_looked_up(context)
    table = await _table_of(context.compliance.workspace.ask(question), context)
    _LOGGER.info(
        "query by %s of %s: %d rows, %d characters of KQL",
        principal.object_id,
        principal.client_id,
        len(table.rows),
        len(query),
    )
    return _table_answer(table, limits, of_run, timespan=timespan)


async def list_tables(request: Request, context: Context) -> Answer:
    """Answer with the tables that have rows of the last day, and how many: of states, those that runs uploaded."""
    request.refuse_other_parameters(_FUNCTION_KEY)
    limits = context.settings.limits
    question = Question(TABLES_QUERY, "P1D", limits.seconds, limits.answer_bytes)
    of_run = await _run_looked_up(context)
    table = await _table_of(context.compliance.ask(question), context)
    tables = [{"name": name, "row_count_24h": rows} for name, rows in table.rows]
    if table.incomplete:
        status = {"status": "partial", "error": table.incomplete}
        return json_answer(
            {**of_run, **status, "table_count": len(tables), "tables": tables}, HTTPStatus.PARTIAL_CONTENT
        )
    return json_answer({**of_run, "status": "success", "table_count": len(tables), "tables": tables})


async def list_saved_queries(request: Request, context: Context) -> Answer:
    """Answer with the names of the saved queries and what they are for."""
    request.refuse_other_parameters()
    found = [
        {
            "name": name,
            "description": saved_queries.description(name),
            "parameters": [asdict(one) for one in parameters_of(saved_queries.text(name))],
        }
        for name in saved_queries.names()
    ]
    return json_answer({**await _run_looked_up(context), "queries": found})


async def saved_query(request: Request, context: Context) -> Answer:
    """Run a saved query with its own parameters: all rows at once, or pages when `page_size` is given.

    One that says what stands speaks of the latest run, whatever time span is asked for.
    """
    name = request.route.get("name", "")
    if name not in saved_queries.names():
        known = ", ".join(saved_queries.names())
        raise ProblemError(HTTPStatus.NOT_FOUND, f"There is no such query. There are: {known}.", field="name")
    declared = parameters_of(saved_queries.text(name))
    request.refuse_other_parameters(TIMESPAN, *PAGING, *(one.name for one in declared))
    limits = context.settings.limits
    timespan = timespan_of(request.parameters.get(TIMESPAN), limits.timespan, _default_timespan(limits))
    if saved_queries.stands(name):
        timespan = LOOK_BACK
    values = given(declared, request.parameters)
    run, of_run = await _run_and_name(context)
    table = await _table_of(context.compliance.saved(name, timespan, run, values), context)
    if name == saved_queries.VIOLATIONS and len(table.rows) < max(table.column("Listed_violations"), default=0):
        table = replace(table, incomplete=table.incomplete or _CUT)
    if not request.parameters.keys() & set(PAGING):
        return _table_answer(table, limits, of_run, timespan=timespan, total=len(table.rows), next_page_token=None)
    # A token is good for the very rows that it came from: two answers are never mixed.
    question = f"{name} {timespan} {sorted(values.items())} {hashlib.blake2b(orjson.dumps(table.rows)).hexdigest()}"
    page = page_of(list(enumerate(table.rows)), lambda numbered: (numbered[0],), request, question=question)
    shown = replace(table, rows=[row for _, row in page.items])
    return _table_answer(shown, limits, of_run, timespan=timespan, total=page.total, next_page_token=page.next_token)


async def _run_looked_up(context: Context) -> dict[str, Any]:
    """Return what an answer says about the latest run."""
    return (await _run_and_name(context))[1]


async def _run_and_name(context: Context) -> tuple[Run | None, dict[str, Any]]:
    """Return the latest run, and what an answer says about it: unknown where it cannot be looked up.

    The caller's own query may be answered where ours is not.
    """
    try:
        run = await asyncio.wait_for(context.compliance.run(), context.settings.limits.seconds)
    except (AzureFailure, TimeoutError) as failure:
        _LOGGER.warning("the latest run cannot be looked up: %s", type(failure).__name__)
        return None, dict(UNKNOWN)
    return run, run_of(run, context)


def _query_and_timespan(request: Request, limits: QueryLimits) -> tuple[str, str]:
    """Return the KQL and the time span in the body; ProblemError 400, 413 or 415 for a body that cannot be used."""
    content = json_object(request, _LARGEST_BODY)
    for member in content:
        if member not in _MEMBERS:
            raise bad_request(member[:100], f"There is no such member here. There are: {', '.join(_MEMBERS)}.")
    query = content.get("query")
    if not isinstance(query, str) or not query.strip():
        raise bad_request("query", "query is missing: the KQL to run.")
    if len(query) > _LONGEST_QUERY:
        raise bad_request("query", f"query has more than {_LONGEST_QUERY} characters.")
    if reason := refusal(query):
        raise bad_request("query", reason)
    return query, timespan_of(content.get("timespan"), limits.timespan, "PT1H")


async def _table_of(asking: Coroutine[Any, Any, Table], context: Context) -> Table:
    """Return the workspace's answer; ProblemError 429 when the caller has no place, or that of the failure."""
    principal = context.principal
    try:
        with _PLACES.place(f"{principal.client_id} {principal.object_id}"):
            return await asking
    except AzureFailure as failure:
        _LOGGER.info("query %s failed: %s", context.correlation_id, failure.code)
        raise problem_of_query(failure, context.settings.limits.seconds) from failure
    finally:
        asking.close()


def _table_answer(table: Table, limits: QueryLimits, of_run: Mapping[str, Any], **more: Any) -> Answer:
    """Return a table as JSON within the limits: 200 with all of it, or 206 with a part and the reason."""
    rows, cut = _cut(table.as_dicts(), limits)
    reason = cut or table.incomplete
    content = {
        **of_run,
        "status": "partial" if reason else "success",
        **({"error": reason} if reason else {}),
        "row_count": len(rows),
        "results": rows,
        "columns": [{"name": name, "type": kind} for name, kind in zip(table.columns, table.types, strict=True)],
        **more,
    }
    return json_answer(content, HTTPStatus.PARTIAL_CONTENT if reason else HTTPStatus.OK)


def _cut(rows: list[dict[str, Any]], limits: QueryLimits) -> tuple[list[dict[str, Any]], str | None]:
    kept = rows[: limits.rows]
    reason = f"Only the first {limits.rows} of {len(rows)} rows are here." if len(rows) > limits.rows else None
    size = 0
    for number, row in enumerate(kept):
        size += len(orjson.dumps(row)) + 1
        if size > limits.answer_bytes:
            return kept[
                :number
            ], f"Only the first {number} of {len(rows)} rows are here: the answer would be too large."
    return kept, reason


def _default_timespan(limits: QueryLimits) -> str:
    return "P2D" if limits.timespan >= timedelta(days=2) else f"P{limits.timespan.days}D"
