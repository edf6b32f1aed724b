"""A fleet that stands still, and its ledger; ``python -m bench.standing_still`` joins and judges it as a run does.

It reads the registry and the ledger in step, gives the judge the same evidence that the ledger was made of, and fails
unless every application is known and unchanged. It prints how many there were, and the processor seconds of judging.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from publisher.resource_ids import fold
from publisher.settings import ReconcileSettings
from registry.managed_application import ManagedApplication
from registry.registry import Registry
from verdicts.alarms import AlarmBook
from verdicts.control import RunRecord
from verdicts.evidence import AssignmentEvidence, Evidence
from verdicts.facts import StateKey, StatesUpload
from verdicts.joined import joined
from verdicts.judging.judge import judge
from verdicts.judging.reads import applies
from verdicts.judging.wants import wants
from verdicts.ledger import Entry, Ledger
from verdicts.outcome import Outcome
from verdicts.publication import Publication
from verdicts.rows import verdict_rows
from verdicts.stored.application_document import application_document, application_of, document_in, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verdicts.facts import ApplicationFacts

FIRST_RUN: Final = RunRecord(str(uuid.UUID(int=1)), datetime(2026, 1, 1, tzinfo=UTC), 0)
_HOUR: Final = timedelta(hours=1)


def facts_of(
    applications: Iterable[ManagedApplication], states: Iterable[dict[str, Any]]
) -> Iterable[ApplicationFacts]:
    """Yield what the first run remembers of each application, all of which have the same policy states.

    `states` are those of the first application, as Azure answers them.
    """
    known = None
    for application in applications:
        if known is None:
            evidence = _evidence(FIRST_RUN, {})
            for state in states:
                gather(evidence, state)
            facts = judge(None, application, evidence, record=None, declared=None)
            book = AlarmBook(named_alarms=0, now=FIRST_RUN.started_at)
            known = application, written(application_document(book.update(facts))).decode()
        first, document = known
        yield application_of(document_in(_renamed(document, first, application).encode()))


def _renamed(document: str, first: ManagedApplication, application: ManagedApplication) -> str:
    """Return a document about the first application as one about another one."""
    for was, now in (
        (first.application_id.subscription_id, application.application_id.subscription_id),
        (first.application_id.resource_group, application.application_id.resource_group),
        (first.managed_resource_group_id.resource_group, application.managed_resource_group_id.resource_group),
    ):
        document = document.replace(was, now)
    return document


def gather(evidence: Evidence, state: dict[str, Any]) -> None:
    """Gather one state as the collector does."""
    assignment_id = fold(state["policyAssignmentId"])
    found = evidence.assignments.setdefault(
        assignment_id, AssignmentEvidence(assignment_id, state["policyAssignmentName"])
    )
    if state["complianceState"] == "NonCompliant":
        reference, definition = state["policyDefinitionReferenceId"] or "", state["policyDefinitionId"]
        key = StateKey(fold(reference), fold(definition), fold(state["resourceId"]))
        found.noncompliant[key] = datetime.fromisoformat(state["timestamp"])
    else:
        found.compliant_states += 1


def _same_again(facts: ApplicationFacts, run: RunRecord) -> Evidence:
    """Return what a run learns that reads what the run before it has read."""
    assignments = {
        key: AssignmentEvidence(
            key,
            one.name,
            one.display_name,
            one.definition_id,
            noncompliant={open_key.key: open_key.evaluated_at for open_key in one.open},
            compliant_states=one.counts.compliant,
        )
        for key, one in facts.assignments.items()
    }
    return _evidence(run, assignments)


def _evidence(run: RunRecord, assignments: dict[str, AssignmentEvidence]) -> Evidence:
    return Evidence(
        run.run_id,
        run.started_at,
        Outcome.SUCCEEDED,
        complete=True,
        assignments=assignments,
        states=StatesUpload(FIRST_RUN.run_id, FIRST_RUN.started_at, 1, "fingerprint"),
    )


class Judge:
    """Judges as a run does, an hour after the first one, and counts what that costs."""

    def __init__(self) -> None:
        self.applications = 0
        self.processor_seconds = 0.0
        self._run = RunRecord("second", FIRST_RUN.started_at + _HOUR, 0)
        self._alarms = AlarmBook(named_alarms=0, now=self._run.started_at)
        self._publication = Publication("second", self._run.started_at, FIRST_RUN.started_at, record=FIRST_RUN)

    def judge(self, application: ManagedApplication, before: ApplicationFacts) -> None:
        """Judge one application and render its rows; raise AssertionError when anything changed."""
        evidence = _same_again(before, self._run)
        started = time.process_time()
        assert applies(before, self._run.run_id, self._run.started_at)  # noqa: S101 - void otherwise
        needed = wants(before, application, evidence)
        after = self._alarms.update(judge(before, application, evidence, record=FIRST_RUN, declared=None))
        rows = verdict_rows(after, self._publication)
        self.processor_seconds += time.process_time() - started
        assert after == before, f"{application.application_id} changed"  # noqa: S101 - void otherwise
        assert rows, "violations are told in every run"  # noqa: S101 - void otherwise
        assert not needed.resources  # noqa: S101 - void otherwise
        self.applications += 1


async def main() -> None:
    """Join and judge the fleet that the environment names."""
    settings = ReconcileSettings.from_environment(os.environ)
    judge_of_all = Judge()
    async with Registry(settings) as registry, Ledger(settings) as ledger:
        await ledger.control()
        async for pair in joined(registry, ledger):
            if not (isinstance(pair.application, ManagedApplication) and isinstance(pair.entry, Entry)):
                raise SystemExit(f"no pair of a fleet that stands still: {pair}"[:300])
            judge_of_all.judge(pair.application, pair.entry.facts)
    print(json.dumps({"applications": judge_of_all.applications, "judging": judge_of_all.processor_seconds}))


if __name__ == "__main__":
    asyncio.run(main())
