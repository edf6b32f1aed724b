"""Creates remediation tasks, one for each reference, and follows them to their end.

A task that is under way for a reference already is followed instead: Azure refuses a second one. Azure's word that a
task has succeeded says nothing of its deployments, whose counts it may fill in later, nor of what they repaired.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from operations.acting.evaluation import CALL_SECONDS, Pace, soon
from publisher.errors.kinds import AzureFailure, NotFound, RequestRefused, TransientFailure
from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from operations.acting.plan import Step
    from publisher.policy_insights.remediations import RemediationTasks, Task, TaskDeployment

_OF_REFERENCE: Final = frozenset({"invalidcreateremediationrequest", "invalidupdateremediationrequest", "conflict"})
"""Codes with which Azure refuses a task of one reference, such as while another one is under way for it.

azure-powershell's tests of Start-AzPolicyRemediation and Azure/azure-policy#1234 have them with what is wrong with one
request. Every other refusal, such as of rights or locks, is of all tasks at the group alike.
"""

_LOOKS_FOR_COUNTS: Final = 3
"""How often the deployments of a task that is over are asked for while they are not all told."""

_ABSENCES_BELIEVED: Final = 3


@dataclass(slots=True)
class Course:
    """What became of one step: the task as it was seen last, None when none was created and found.

    `created` tells that this command created it. `problem` is why it was not, or could not be followed. `deployments`
    is None where they could not be read.
    """

    step: Step
    name: str
    task: Task | None = None
    created: bool = False
    acted: bool = False
    """Azure was asked to create it, and nothing tells that it did not."""
    problem: str | None = None
    concerns_all: bool = False
    """What the problem is, the tasks of other references would meet as well."""
    deployments: list[TaskDeployment] | None = None
    notes: list[str] = field(default_factory=list)
    absences: int = 0
    """How often in a row Azure said that the task does not exist."""

    @property
    def failures(self) -> list[TaskDeployment]:
        """The deployments that failed."""
        return [one for one in self.deployments or () if one.has_failed]

    @property
    def may_have_repaired(self) -> bool:
        """Whether anything may be repaired: a deployment succeeded, or nobody can tell us what the task does."""
        task = self.task
        if task is None:
            return False
        is_done = any(not one.has_failed for one in self.deployments or ())
        return task.is_good or bool(task.successful) or is_done or (self.problem is not None and not task.is_over)

    @property
    def is_good(self) -> bool:
        """Whether the task is over, Azure calls it done, and no deployment failed."""
        task = self.task
        if self.problem or task is None or not task.is_good:
            return False
        return not self.failures and not task.failed and task.total != 0

    @property
    def trouble(self) -> str:
        """Why it is not good, "" when it is."""
        task = self.task
        if self.problem:
            return self.problem
        if task is None:
            return "no task was created"
        if self.failures or task.failed:
            return f"{max(len(self.failures), task.failed or 0)} deployments failed"
        if not task.is_over:
            return f"the task is still {task.state or 'under way'}"
        if not task.is_good:
            return f"the task is {task.state}"
        return "the task found no resource to remediate" if task.total == 0 else ""

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        task = self.task
        return {
            "reference_id": self.step.reference,
            "name": self.name,
            "created": self.created,
            "state": task.state if task else None,
            "total_deployments": task.total if task else None,
            "successful_deployments": task.successful if task else None,
            "failed_deployments": task.failed if task else None,
            "deployments": None
            if self.deployments is None
            else [
                {
                    "resource_id": one.resource_id,
                    "deployment_id": one.deployment_id,
                    "status": one.status,
                    "error_code": one.code,
                    "error_message": one.message,
                }
                for one in self.deployments
            ],
            "error": self.trouble or None,
            "notes": self.notes,
        }


def task_name(assignment_id: str, reference_id: str, now: datetime) -> str:
    """Return the name of a new task: it begins the same for every task of a reference, and ends with the time.

    A request that is sent again, because its answer was lost, has the same name and creates no second task.
    """
    digest = hashlib.sha256(f"{fold(assignment_id)}\n{fold(reference_id)}".encode()).hexdigest()[:10]
    return f"operations-{digest}-{now:%Y%m%dt%H%M%S}"


class Worker:
    """Creates and follows the tasks of one managed resource group, for one assignment."""

    def __init__(self, tasks: RemediationTasks, assignment_id: str, now: datetime) -> None:
        self._tasks = tasks
        self._assignment_id = assignment_id
        self._now = now

    def course(self, step: Step) -> Course:
        """Return the course of a step that has not begun; of one that a task is at already, that of this task."""
        if step.running is None:
            return Course(step, task_name(self._assignment_id, step.rule.reference_id, self._now))
        course = Course(step, step.running.name, step.running)
        course.notes.append(f"task {course.name} is under way already and is followed; no other one is created")
        return course

    async def begin(self, course: Course) -> None:
        """Create the task of a course, or find the one that is at it; raises no AzureFailure.

        Interrupted, it leaves the course as one of which nobody knows whether its task was created.
        """
        if course.task is not None:
            return
        course.acted, course.problem = True, "whether it was created is not known: the command was interrupted"
        try:
            course.task = await self._tasks.create(
                course.name, self._assignment_id, course.step.reference, deadline=soon()
            )
        except AzureFailure as failure:
            await self._find(course, failure)
        else:
            course.created, course.problem = True, None

    async def _find(self, course: Course, failure: AzureFailure) -> None:
        """Look for the task after a failure: another one may be at it, or ours was created and nobody told us.

        Of several attempts the failure is the last one's: an earlier one may have been carried out.
        """
        told = f"{failure.code}: {failure}"
        if not isinstance(failure, TransientFailure):
            course.acted, course.problem = False, f"not created: {told}"
        is_of_reference = isinstance(failure, RequestRefused) and fold(failure.code) in _OF_REFERENCE
        course.concerns_all = not is_of_reference
        try:
            if is_of_reference:
                await self._find_other(course)
            elif isinstance(failure, TransientFailure):
                course.problem = f"whether it was created is not known: {told}"
                await self._find_own(course, told)
        except AzureFailure as unread:
            course.notes.append(f"task {course.name} could not be looked for: {unread.code}")

    async def _find_own(self, course: Course, told: str) -> None:
        """Look for the task of a course, several times, as Azure may not show at once what it made."""
        pace = Pace(CALL_SECONDS)
        for look in range(_ABSENCES_BELIEVED):
            if look:
                await pace.pause()
            try:
                course.task = await self._tasks.get(course.name, deadline=soon())
            except (NotFound, RequestRefused) as failure:
                if not _is_absence(failure):
                    raise
            else:
                course.created, course.problem = True, None
                return
        course.acted, course.problem = False, f"not created: {told}"

    async def _find_other(self, course: Course) -> None:
        reference = course.step.rule.reference_id
        tasks = await self._tasks.of_assignment(self._assignment_id, deadline=soon())
        at_it = [one for one in tasks if one.reference_id == reference and not one.is_over]
        if at_it:
            course.task, course.created = at_it[-1], at_it[-1].name == course.name
            course.name, course.problem, course.acted = course.task.name, None, course.created
            course.notes.append(f"task {course.name} is under way already and is followed")

    async def follow(self, courses: Sequence[Course], pace: Pace, tell: Callable[[str], None]) -> None:
        """Follow the tasks until they are over, or the time is; then read what they deployed. No AzureFailures."""
        while True:
            going = [one for one in courses if one.task and not one.task.is_over and not one.problem]
            for one in going:
                await self._look(one)
            tell("; ".join(_progress(one) for one in courses if one.task))
            if not any(one.task and not one.task.is_over and not one.problem for one in going) or pace.is_over:
                break
            await pace.pause()
        for one in courses:
            if one.task:
                await self._settle(one, pace)

    async def _look(self, course: Course) -> None:
        try:
            course.task = await self._tasks.get(course.name, deadline=soon())
        except AzureFailure as failure:
            self._note(course, failure)
        else:
            course.absences = 0

    def _note(self, course: Course, failure: AzureFailure) -> None:
        """Note why a task could not be read: for good, or for a while, as Azure may not show at once what it made."""
        if _is_absence(failure):
            course.absences += 1
            if course.absences >= _ABSENCES_BELIEVED:
                course.problem = f"somebody deleted the task meanwhile ({failure.code}); what it did is not known"
        elif isinstance(failure, TransientFailure):
            note = f"the task could not be followed for a while: {failure.code}"
            if note not in course.notes:
                course.notes.append(note)
        else:
            course.problem = f"the task goes on and cannot be followed: {failure.code}: {failure}"

    async def _settle(self, course: Course, pace: Pace) -> None:
        """Read the deployments of a task; again where it is over and they are not all told yet."""
        for look in range(_LOOKS_FOR_COUNTS):
            if look:
                await pace.pause()
                await self._look(course)
            try:
                course.deployments = await self._tasks.deployments(course.name, deadline=soon())
            except AzureFailure as failure:
                course.notes.append(f"what the task deployed could not be read: {failure.code}: {failure}")
                return
            task = course.task
            if task is None or not task.is_over or course.problem or task.is_counted or pace.is_over:
                return


def _is_absence(failure: AzureFailure) -> bool:
    """Tell whether Policy Insights says that a task does not exist; a gateway's 404 is a TransientFailure."""
    return isinstance(failure, NotFound) or (
        isinstance(failure, RequestRefused) and failure.status == HTTPStatus.NOT_FOUND
    )


def _progress(course: Course) -> str:
    task = course.task
    if task is None:
        return ""
    done = f"{task.successful or 0} of {task.total} deployments done" if task.total is not None else task.state
    failed = f", {task.failed} failed" if task.failed else ""
    return f"{course.step.reference or 'task'}: {done}{failed}"
