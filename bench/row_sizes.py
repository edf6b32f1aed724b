"""How large the product's rows are, as Log Analytics bills them: rows of a benchmark page, built by the collector."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Final

import orjson

from bench.answers import Answers, registered
from bench.workloads import Workload
from collector.reporting.outcomes import ApplicationResult, Run, RunSummary
from collector.reporting.rows import StateRows, result_row, run_row, state_row
from collector.reporting.states import Evaluation, Policy, is_compliant
from collector.version import VERSION
from publisher.policy_states import SELECTED_FIELDS, parse_page
from sandbox.workspace.billing import billed_bytes
from verdicts.evidence import Evidence
from verdicts.judging.judge import judge
from verdicts.outcome import Outcome
from verdicts.publication import Publication
from verdicts.rows import result_columns, verdict_rows

STATES: Final = 100
_RUN: Final = Run(str(uuid.UUID(int=0)), datetime(2026, 1, 1, tzinfo=UTC), "timer")
_TIME: Final = "2026-01-01T00:00:00.0000000Z"


@dataclass(frozen=True, slots=True)
class RowSizes:
    """Billed bytes of a row: mean of a state, a summarised state and a verdict, a result, a run.

    `answered_state` are the bytes of a state in ARM's answer.
    """

    state: int
    summary: int
    verdict: int
    result: int
    run: int
    answered_state: int


def measured() -> RowSizes:
    """Return the sizes for one customer with 100 states."""
    application = registered(1)
    group = application.managed_resource_group_id
    answers = Answers(Workload("costs", 1, STATES, 0), "https://example.invalid")
    body = answers.page(f"{group}/providers/x", f"$select={','.join(SELECTED_FIELDS)}")
    rows = StateRows(application, _RUN)
    detailed, summarised = [], []
    for document in parse_page(body).states:
        policy, evaluation = rows.policy(Policy.of(document)), Evaluation.of(document)
        verdict = is_compliant(evaluation.compliance_state)
        detailed.append(state_row(policy, evaluation, verdict))
        summarised.append(state_row(policy, (evaluation.timestamp, None, None, None, "Compliant"), True, 4))  # noqa: FBT003
    result = ApplicationResult.of(application)
    result.conclude(Outcome.SUCCEEDED)
    result.states, result.pages, result.duration_ms = STATES, 1, 1000
    result.oldest_evaluation = result.latest_evaluation = _TIME
    facts = judge(
        None,
        application,
        Evidence(_RUN.run_id, _RUN.started_at, Outcome.SUCCEEDED, complete=True),
        record=None,
        declared=None,
    )
    publication = Publication(_RUN.run_id, _RUN.started_at, None)
    verdicts = [orjson.dumps(row) for row in verdict_rows(facts, publication)]
    columns = result_columns(facts, publication)
    return RowSizes(
        state=round(fmean(map(_billed, detailed))),
        summary=round(fmean(map(_billed, summarised))),
        verdict=round(fmean(map(_billed, verdicts))),
        result=_billed(orjson.dumps(result_row(result, _RUN, columns))),
        run=_billed(orjson.dumps(run_row(RunSummary(_RUN), VERSION, interval=timedelta(hours=1)))),
        answered_state=round(len(body) / STATES),
    )


def _billed(row: bytes) -> int:
    return billed_bytes(orjson.loads(row))
