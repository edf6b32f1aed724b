"""The checks of the role api: a question to each table that it answers from, and where its audit rows go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from compliance_api.workspace.workspace import Question, Workspace
from operations.doctor.causes.cause import Service
from operations.doctor.causes.table import Where
from operations.doctor.checks import SECONDS_PER_CHECK, Check, Verdict
from operations.doctor.streams import examine_streams
from operations.doctor.tokens import examine_own_token, examine_token
from publisher.credentials import own_identity_credential
from publisher.errors.kinds import AzureFailure, MalformedAnswer

if TYPE_CHECKING:
    from compliance_api.settings import ApiSettings

_HEARTBEAT: Final = "PolicyCollectionRuns_CL"
_STATES: Final = "PolicyComplianceStates_CL"
TABLES: Final = (
    "PolicyVerdicts_CL",
    _STATES,
    "PolicyCollectionResults_CL",
    _HEARTBEAT,
    "ManagedApplicationEvents_CL",
)
_TIMESPAN: Final = "P2D"
_LARGEST_ANSWER_BYTES: Final = 100_000


async def examine_api(settings: ApiSettings) -> list[Check]:
    """Return whether the api's identity gets its tokens, may read each of the tables, and may write audit rows."""
    checks = [await examine_own_token("the workspace", settings.own_identity_client_id, settings.query_audience)]
    workspace = Workspace(settings)
    checks += [await _examine_table(workspace, name) for name in TABLES]
    async with own_identity_credential(settings.own_identity_client_id) as own:
        token = await examine_token("own identity, for the audit rows", own, settings.cloud.monitor_audience)
        return [*checks, token, *await examine_streams(settings, [settings.audit_stream], own, of=" of the api's rule")]


async def _examine_table(workspace: Workspace, name: str) -> Check:
    # State rows are so many that any one of them has to do.
    rows_asked, told = (f"{name} | take 1", "a") if name == _STATES else (name, "latest")
    query = f"{rows_asked} | summarize Latest = max(TimeGenerated)"
    question = Question(query, _TIMESPAN, int(SECONDS_PER_CHECK), _LARGEST_ANSWER_BYTES)
    try:
        rows = (await workspace.ask(question)).complete().rows
        if len(rows) != 1:  # it is a summary, which has a row for a table without rows, too
            raise MalformedAnswer("the workspace's answer is not one row", code="MalformedAnswer")
    except AzureFailure as failure:
        where = Where(Service.WORKSPACE, "LOG_ANALYTICS_ENDPOINT", role=name)
        return Check.of_failure(f"table {name}", failure, where)
    latest = rows[0][0]
    if latest:
        return Check(f"table {name}", Verdict.OK, f"readable, {told} row of {latest}")
    if name == _HEARTBEAT:
        next_step = "does the collector run, and may the api's identity read this table"
        return Check(f"table {name}", Verdict.WARNING, "no run in two days", next_step)
    return Check(f"table {name}", Verdict.OK, "readable, no row in two days")
