"""The handlers for KQL: a caller's own query (role Compliance.Query), saved queries and tables (every reader).

`query_logs` and `list_tables` take and answer what the published sample for private workspaces does, and more.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
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
from compliance_api.http import Answer, ProblemError, Request, bad_request, json_answer
from compliance_api.settings import QueryLimits
from compliance_api.timespan import FIELD as TIMESPAN
from compliance_api.timespan import timespan_of
from compliance_api.workspace import saved_queries
from compliance_api.workspace.kql import refusal
from compliance_api.workspace.workspace import Question, Table
from publisher.errors.kinds import AzureFailure

_LOGGER = logging.getLogger(__name__)
_LARGEST_BODY: Final = 128 * 1024
_LONGEST_QUERY: Final = 32 * 1024
_MOST_AT_ONCE: Final = 4
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

_FUNCTION_KEY: Final = "code"
"""A parameter that callers of older samples still send; it is accepted and not used."""

_under_way: set[Coroutine[Any, Any, Table]] = set()


async def query_logs(request: Request, context: Context) -> Answer:
    """Run the caller's query. 200: all of the answer; 206: part of it, and `error` says why."""
    request.refuse_other_parameters(_FUNCTION_KEY)
    limits, principal = context.settings.limits, context.principal
    query, timespan = _query_and_timespan(request, limits)
    question = Question(query, timespan, limits.seconds, limits.answer_bytes * _READ_FACTOR)
    of_run, table = await asyncio.gather(
        _run_looked_up(context), _table_of(context.compliance.workspace.ask(question), limits)
    )
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
    of_run, table = await asyncio.gather(_run_looked_up(context), _table_of(context.compliance.ask(question), limits))
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
    found = [{"name": name, "description": saved_queries.description(name)} for name in saved_queries.names()]
    return json_answer({**await _run_looked_up(context), "queries": found})


async def saved_query(request: Request, context: Context) -> Answer:
    """Run a saved query. One that says what stands speaks of the latest run, whatever time span is asked for."""
    request.refuse_other_parameters(TIMESPAN)
    name = request.route.get("name", "")
    if name not in saved_queries.names():
        known = ", ".join(saved_queries.names())
        raise ProblemError(HTTPStatus.NOT_FOUND, f"There is no such query. There are: {known}.", field="name")
    limits = context.settings.limits
    timespan = timespan_of(request.parameters.get(TIMESPAN), limits.timespan, _default_timespan(limits))
    if saved_queries.stands(name):
        timespan = LOOK_BACK
    run, of_run = await _run_and_name(context)
    table = await _table_of(context.compliance.saved(name, timespan, run), limits)
    return _table_answer(table, limits, of_run, timespan=timespan)


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
    media_type = request.header("content-type").partition(";")[0].strip().lower()
    if media_type != "application/json":  # a form of another site could send text/plain with the caller's cookie
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.", field="Content-Type"
        )
    if len(request.body) > _LARGEST_BODY:
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {_LARGEST_BODY} bytes.")
    try:
        content = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise bad_request("body", "The body is not JSON.") from error
    if not isinstance(content, dict):
        raise bad_request("body", 'The body is a JSON object such as {"query": "…", "timespan": "P1D"}.')
    query = content.get("query")
    if not isinstance(query, str) or not query.strip():
        raise bad_request("query", "query is missing: the KQL to run.")
    if len(query) > _LONGEST_QUERY:
        raise bad_request("query", f"query has more than {_LONGEST_QUERY} characters.")
    if reason := refusal(query):
        raise bad_request("query", reason)
    return query, timespan_of(content.get("timespan"), limits.timespan, "PT1H")


async def _table_of(asking: Coroutine[Any, Any, Table], limits: QueryLimits) -> Table:
    """Return the workspace's answer; ProblemError 429 when too many queries run already, or that of the failure."""
    if len(_under_way) >= _MOST_AT_ONCE:
        asking.close()
        raise ProblemError(
            HTTPStatus.TOO_MANY_REQUESTS, f"{_MOST_AT_ONCE} queries are under way already.", retry_after_seconds=5
        )
    _under_way.add(asking)
    try:
        return await asking
    except AzureFailure as failure:
        problem = problem_of_query(failure, limits.seconds)
        _LOGGER.info("query %s failed: %s", problem.correlation_id, failure.code)
        raise problem from failure
    finally:
        _under_way.discard(asking)


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
