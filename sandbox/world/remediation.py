"""What a remediation and an evaluation on demand do to a customer's deployment.

A task deploys for each resource that is NonCompliant of its reference, with the identity of the assignment. What it
repaired is Compliant with the next evaluation only. Source: "Azure Policy remediation task structure" and "Remediate
non-compliant resources" (learn.microsoft.com/azure/governance/policy).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.world.deployments import Deployment
    from sandbox.world.policies import Assignment, PolicyDefinition

RUNNING = ("Accepted", "Evaluating", "InProgress", "Cancelling")


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """A role (by its name, a GUID) that a principal has at a scope."""

    principal_id: str
    role: str
    scope: str


@dataclass(frozen=True, slots=True)
class DenyAssignment:
    """Actions that are denied to everybody at the managed resource group, except to the `excluded` principals.

    That of a managed application leaves reading, and what the plan allows to customers (azure-docs, "List Azure deny
    assignments").
    """

    name: str
    actions: tuple[str, ...] = ("*",)
    not_actions: tuple[str, ...] = ("*/read",)
    excluded: tuple[str, ...] = ()
    here_only: bool = False


@dataclass(slots=True)
class TaskDeployment:
    """What a task did to one resource; `error` is code and message, None where it succeeded."""

    resource_id: str
    deployment_id: str
    error: tuple[str, str] | None
    begun_at: dt.datetime


@dataclass(slots=True)
class Task:
    """A remediation task. Each GET of it takes it one step further, until its deployments are done."""

    name: str
    assignment_id: str
    reference_id: str
    discovery_mode: str
    created_at: dt.datetime
    state: str = "Accepted"
    deployments: list[TaskDeployment] = field(default_factory=list)
    total: int = 0

    @property
    def is_running(self) -> bool:
        """Whether Azure still works on it."""
        return self.state in RUNNING


@dataclass(slots=True)
class Evaluation:
    """An evaluation on demand: the id of its operation, and when it is done; None: Azure never gets to it."""

    operation_id: str
    done_at: dt.datetime | None


@dataclass(eq=False)
class Remediation:
    """The tasks of one deployment, the rights of the identities that deploy, and what was repaired.

    `roles_are_shown` says whether the publisher, of another tenant, is shown roles at all. `fails` says with which code
    and message the deployment for a resource (by name) fails. `evaluation_takes` is how long an evaluation on demand
    takes, None for ever.
    """

    place: Deployment
    tasks: dict[str, Task] = field(default_factory=dict)
    roles: list[RoleAssignment] = field(default_factory=list)
    roles_are_shown: bool = True
    denials: list[DenyAssignment] = field(default_factory=list)
    fails: dict[str, tuple[str, str]] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    evaluation_takes: dt.timedelta | None = dt.timedelta(seconds=1)
    _repaired: list[dict[str, Any]] = field(default_factory=list)

    def give_roles(self, assignment: Assignment, *roles: str) -> None:
        """The identity of an assignment gets roles at the managed resource group: by default those that it needs."""
        needed = roles or tuple(role for _, definition in assignment.references for role in definition.roles)
        scope = self.place.managed_resource_group_id
        self.roles += [RoleAssignment(assignment.identity, role, scope) for role in dict.fromkeys(needed)]

    def violations(self, task: Task) -> list[dict[str, Any]]:
        """The states that a task is about: what Azure calls NonCompliant now."""
        return [
            state
            for state in self.place.states.documents
            if state["complianceState"] == "NonCompliant"
            and str(state["policyAssignmentId"]).lower() == task.assignment_id.lower()
            and str(state.get("policyDefinitionReferenceId") or "").lower() == task.reference_id.lower()
        ]

    def advance(self, task: Task) -> None:
        """Take a task one step further."""
        if task.state == "Accepted":
            task.state = "Evaluating"
            with self.place.states.lock:
                task.total = len(self.violations(task))
        elif task.state == "Evaluating":
            self._deploy(task)
            failed = any(one.error for one in task.deployments)
            task.state = "Failed" if failed else "Succeeded"
        elif task.state == "Cancelling":
            task.state = "Canceled"

    def _deploy(self, task: Task) -> None:
        assignment = next(one for one in self.place.assignments if one.id.lower() == task.assignment_id.lower())
        definition = dict(assignment.references)[task.reference_id or None]
        with self.place.states.lock:
            for number, state in enumerate(self.violations(task)):
                resource = str(state["resourceId"])
                error = self._error(assignment, definition, resource)
                deployment = f"{self.place.managed_resource_group_id}/providers/Microsoft.Resources/deployments/"
                deployment += f"{task.name}-{number}"
                task.deployments.append(TaskDeployment(resource, deployment, error, self.place.now()))
                if error is None:
                    self._repaired.append(state)

    def _error(self, assignment: Assignment, definition: PolicyDefinition, resource: str) -> tuple[str, str] | None:
        """Why the deployment for a resource fails, with code and message; None when it succeeds."""
        if scripted := self.fails.get(resource.rpartition("/")[2]):
            return scripted
        if any(assignment.identity not in denial.excluded for denial in self.denials):
            return (
                "DenyAssignmentAuthorizationFailed",
                (
                    f"The client with object id '{assignment.identity}' has permission to perform action over scope "
                    f"'{resource}'; however, the access is denied because of the deny assignment with name "
                    f"'{self.denials[0].name}'."
                ),
            )
        held = {one.role for one in self.roles if one.principal_id == assignment.identity}
        if lacking := [role for role in definition.roles if role not in held]:
            return (
                "AuthorizationFailed",
                (
                    f"The policy assignment '{assignment.id}' resource identity does not have the necessary "
                    f"permissions to create deployment: {lacking[0]}."
                ),
            )
        return None

    def evaluate_now(self) -> None:
        """Azure evaluates everything: what was repaired is Compliant, and every state has the present time."""
        place = self.place
        with place.states.lock:
            for state in place.states.documents:
                repaired = any(state is one for one in self._repaired)
                place.evaluate(state, "Compliant" if repaired else str(state["complianceState"]))
            self._repaired.clear()

    def honour_evaluation(self) -> None:
        """An evaluation on demand whose time has come is done."""
        evaluation = self.evaluation
        if evaluation is not None and evaluation.done_at is not None and evaluation.done_at <= self.place.now():
            self.evaluation = None
            self.evaluate_now()
