"""One finding that is remediated: what was read and planned, what became of it, and whether it is proven repaired."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from operations.acting.collecting import Collected, collect
from operations.acting.evaluation import Evaluation, Evaluator, Pace
from operations.acting.readings import AssignmentNow, Unread
from operations.acting.told import plan_document, plan_listings
from operations.acting.watch import Watch
from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.acting.plan import Plan
    from operations.acting.readings import Readings
    from operations.acting.states import Watched
    from operations.acting.tasks import Course, Worker
    from operations.report import Console, Listing
    from operations.workplace import Workplace
    from publisher.resource_ids import ApplicationId
    from publisher.settings import CollectorSettings
    from registry.managed_application import ManagedApplication
    from verdicts.facts import AssignmentFacts


@dataclass(slots=True)
class Remediation:
    """One finding, and what is done about it."""

    workplace: Workplace
    settings: CollectorSettings
    application: ManagedApplication
    finding: AssignmentFacts
    evaluator: Evaluator
    readings: Readings
    plan: Plan
    courses: list[Course] = field(default_factory=list)
    evaluation: Evaluation = field(default_factory=Evaluation)
    collected: Collected | None = None
    untold: str | None = None
    """Why the event that tells who did it was not stored."""

    @property
    def identity(self) -> ApplicationId:
        """The application's id."""
        return self.application.application_id

    @property
    def assignment_id(self) -> str:
        """The id of the assignment, as Azure cases it where that is known."""
        assignment = self.readings.assignment
        return assignment.id if isinstance(assignment, AssignmentNow) else self.finding.id

    @property
    def wanted(self) -> frozenset[Watched]:
        """The states that should be compliant after the tasks: those of resources whose deployment did not fail."""
        failed = {fold(done.resource_id) for one in self.courses for done in one.failures}
        return frozenset(
            state.watched
            for one in self.courses
            if one.task
            for state in one.step.states
            if fold(state.resource_id) not in failed
        )

    @property
    def still_open(self) -> int | None:
        """How many violations of the references are still open in the ledger; None where that is not known."""
        assignment = self.verdict
        if assignment is None:
            return None
        references = {step.rule.reference_id for step in self.plan.steps}
        return sum(one.key.reference_id in references for one in assignment.open) + assignment.overflow

    @property
    def verdict(self) -> AssignmentFacts | None:
        """The assignment as the ledger has it after the collection."""
        facts = self.collected.facts if self.collected else None
        return facts.assignments.get(self.finding.id) if facts else None

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The tables about what would be done."""
        return plan_listings(self.plan, self.readings, self.finding, self.evaluator.group)

    @property
    def head(self) -> dict[str, Any]:
        """What the JSON object begins with."""
        return {
            "application_id": str(self.identity),
            "managed_resource_group_id": str(self.evaluator.group),
            "assignment_id": self.finding.id,
            "plan": plan_document(self.plan, self.readings, self.evaluator.group),
        }


async def follow(task: Remediation, worker: Worker, pace: Pace, console: Console) -> None:
    """Follow the tasks; when they repaired anything, wait for a later evaluation of it, and collect."""
    with console.busy("following the remediation tasks") as tell:
        await worker.follow(task.courses, pace, tell)
    if not any(one.may_have_repaired for one in task.courses):
        task.evaluation.note("nothing was repaired, so no later evaluation was waited for")
        return
    with console.busy("waiting for a later evaluation") as tell:
        await _evaluate(task, pace, tell)
    with console.busy("collecting the application"):
        task.collected = (await collect(task.workplace, task.settings, [task.identity]))[task.identity]


async def _evaluate(task: Remediation, pace: Pace, tell: Callable[[str], None]) -> None:
    """Let Azure evaluate, and wait until it has; it also does by itself, some time after a resource was changed."""
    evaluation, before = task.evaluation, task.readings.states
    link = ""
    try:
        states = await task.evaluator.states()
    except AzureFailure as failure:
        evaluation.note(f"the policy states could not be read after the repair: {failure.code}: {failure}")
        return
    watch = Watch.over(states, task.wanted, () if isinstance(before, Unread) else before)
    try:
        link = await task.evaluator.start()
        evaluation.started = True
    except AzureFailure as failure:
        evaluation.note(f"no evaluation could be started, Azure's own is waited for: {failure.code}: {failure}")
    await task.evaluator.wait(evaluation, watch, link, pace, tell)
