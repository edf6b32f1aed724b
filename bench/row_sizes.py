"""How large the product's rows are, as Log Analytics bills them: rows of a benchmark page, built by the collector."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Final

import msgspec
import orjson

from bench.answers import encoded_states, page_of, registered, state_document, states_that_change
from bench.standing_still import FIRST_RUN, facts_of
from collector.reporting.outcomes import ApplicationResult, Run, RunSummary
from collector.reporting.rows import StateRows, definition_rows, resource_columns, result_row, run_row, state_row
from collector.reporting.states import Assignment, Sighting
from publisher.configuration.version import VERSION
from publisher.policy_states.page import parse_page
from publisher.policy_states.state import ASSIGNMENT, DEFINITION, RESOURCE, SELECTED_FIELDS
from sandbox.workspace.billing import billed_bytes
from verdicts.outcome import Outcome
from verdicts.publication import Publication
from verdicts.rows import result_columns, verdict_rows

if TYPE_CHECKING:
    from publisher.policy_states.state import PolicyState
    from registry.managed_application import ManagedApplication

STATES: Final = 300
"""Of a customer whose rows are measured: each policy on resources of each type."""

_RUN: Final = Run(FIRST_RUN.run_id, FIRST_RUN.started_at, "timer")
_OF_MANY: Final = {
    "resource_id": None,
    "resource_type": None,
    "resource_location": None,
    "compliance_state": "Compliant",
}
"""What a summarised row says of its resources."""

_TIME: Final = "2026-01-01T00:00:00.0000000Z"


@dataclass(frozen=True, slots=True)
class RowSizes:
    """Billed bytes of a row: mean of a state, a summarised state and a verdict, a violated verdict, a result, a run.

    `answered_state` are the bytes of a state in ARM's answer.
    """

    state: int
    summary: int
    verdict: int
    violated: int
    result: int
    run: int
    answered_state: int


def measured() -> RowSizes:
    """Return the sizes for one customer, whom nobody gave a name, so that it is the subscription's id."""
    application = registered(1)
    application = replace(application, customer_name=application.application_id.subscription_id)
    page = _page(application, frozenset())
    states = parse_page(page).states
    rows = StateRows(application, _RUN)
    detailed, summarised = [], []
    for state in states:
        detailed.append(rendered(rows, state))
        summarised.append(rendered(rows, msgspec.structs.replace(state, **_OF_MANY), count=4))
    publication = Publication(_RUN.run_id, _RUN.started_at, None, read_at=_RUN.started_at)
    (compliant,) = facts_of([application], orjson.loads(page)["value"])
    (violating,) = facts_of([application], orjson.loads(_page(application, states_that_change(STATES)))["value"])
    result = ApplicationResult.of(application)
    result.conclude(Outcome.SUCCEEDED)
    result.states, result.pages, result.duration_ms = STATES, 1, 1000
    result.oldest_evaluation = result.latest_evaluation = _TIME
    result_columns_of = result_columns(compliant, publication)
    return RowSizes(
        state=round(fmean(map(_billed, detailed))),
        summary=round(fmean(map(_billed, summarised))),
        verdict=round(fmean(map(billed_bytes, verdict_rows(compliant, publication)))),
        violated=sum(billed_bytes(row) for row in verdict_rows(violating, publication) if row["Noncompliant_states"]),
        result=_billed(orjson.dumps(result_row(result, _RUN, result_columns_of, verdicts=0))),
        run=_billed(orjson.dumps(run_row(RunSummary(_RUN), VERSION, interval=timedelta(hours=1)))),
        answered_state=round(len(page) / STATES),
    )


def rendered(rows: StateRows, state: PolicyState, *, count: int = 1) -> bytes:
    """Return the row of one policy state, or of so many that are summarised."""
    fields = msgspec.structs.astuple(state)
    policy = rows.policy(rows.assignment(Assignment.of(fields[ASSIGNMENT])), definition_rows(fields[DEFINITION]))
    return state_row(policy, resource_columns(Sighting.of(fields[RESOURCE])), state.timestamp, count)


def _page(application: ManagedApplication, violated: frozenset[int]) -> bytes:
    states = (
        state_document(number, is_compliant=number not in violated, evaluated_at=_RUN.started_at)
        for number in range(STATES)
    )
    group = application.managed_resource_group_id
    return page_of(
        STATES,
        None,
        encoded_states(states, ",".join(SELECTED_FIELDS)),
        subscription=group.subscription_id,
        group=group.resource_group,
    )


def _billed(row: bytes) -> int:
    return billed_bytes(orjson.loads(row))
