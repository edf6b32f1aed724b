"""Remediation tasks of a resource group: what Azure says of them, and the calls that create and follow them.

Source: Remediations, api-version 2019-07-01 (FACTS 11.5). A task deploys with the identity of the assignment; only the
effects deployIfNotExists and modify have something to deploy, and of an initiative a task is for one reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from azure.mgmt.policyinsights.models import QueryOptions, Remediation

from publisher.errors.reasons import reasons_of
from publisher.lenient_json import member
from publisher.policy_insights.client import PolicyInsights
from publisher.resource_ids import fold
from publisher.resource_manager import id_at, text_at
from publisher.texts import moment_in, printable, word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager

DISCOVERY_MODE: Final = "ExistingNonCompliant"
_OVER: Final = frozenset({"succeeded", "failed", "canceled", "cancelled", "complete", "completed"})
_GOOD: Final = frozenset({"succeeded", "complete", "completed"})


@dataclass(frozen=True, slots=True)
class Task:
    """A remediation task as Azure describes it; ids are folded, texts "" and numbers None where Azure has none.

    `state` is Azure's word, such as Accepted, Evaluating, Succeeded, Failed, Cancelling or Canceled. The counts are of
    deployments, and may be filled in later than the state.
    """

    name: str
    assignment_id: str
    reference_id: str
    state: str
    total: int | None = None
    successful: int | None = None
    failed: int | None = None
    created_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether Azure does no more about it; not for a word that we do not know."""
        return word(self.state) in _OVER

    @property
    def is_good(self) -> bool:
        """Whether Azure calls it done. That says nothing of its deployments, nor of what they repaired."""
        return word(self.state) in _GOOD

    @property
    def is_counted(self) -> bool:
        """Whether the counts tell of every deployment."""
        return self.total is not None and (self.successful or 0) + (self.failed or 0) >= self.total > 0


@dataclass(frozen=True, slots=True)
class TaskDeployment:
    """What a task did to one resource: Azure's word for how it went, and why it failed; "" where it says nothing."""

    resource_id: str
    deployment_id: str
    status: str
    code: str = ""
    message: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether it failed, or was ended before it was done."""
        return bool(self.code) or (word(self.status) in _OVER and word(self.status) not in _GOOD)


class RemediationTasks:
    """The tasks of one resource group. Methods raise the AzureFailures of `publisher.errors`.

    Deadlines are in seconds of `time.monotonic`.
    """

    def __init__(self, arm: ResourceManager, group: ResourceGroupId) -> None:
        self._insights = PolicyInsights(arm, group.subscription_id)
        self._tasks = self._insights.sdk.remediations
        self._group = group.resource_group

    async def create(self, name: str, assignment_id: str, reference_id: str, *, deadline: float) -> Task:
        """Create a task for what Azure calls non-compliant now; created twice under one name, it is one task."""
        body = Remediation(
            policy_assignment_id=assignment_id,
            policy_definition_reference_id=reference_id or None,
            resource_discovery_mode=DISCOVERY_MODE,
        )
        create = partial(self._tasks.create_or_update_at_resource_group, self._group, name, body)
        return _task(await self._insights.document(create, deadline=deadline), name)

    async def get(self, name: str, *, deadline: float) -> Task:
        """Return a task."""
        get = partial(self._tasks.get_at_resource_group, self._group, name)
        return _task(await self._insights.document(get, deadline=deadline), name)

    async def of_assignment(self, assignment_id: str, *, deadline: float) -> list[Task]:
        """Return the tasks of an assignment at the group, the latest last."""
        wanted = "PolicyAssignmentId eq '{}'".format(assignment_id.replace("'", "''"))
        found = partial(self._tasks.list_for_resource_group, self._group, QueryOptions(filter=wanted))
        tasks = [_task(one, "") for one in await self._insights.members(found, deadline=deadline)]
        own = [one for one in tasks if one.assignment_id == fold(assignment_id)]
        return sorted(own, key=lambda one: one.created_at.timestamp() if one.created_at else 0.0)

    async def deployments(self, name: str, *, deadline: float) -> list[TaskDeployment]:
        """Return what a task has done so far."""
        found = partial(self._tasks.list_deployments_at_resource_group, self._group, name)
        return [_deployment(one) for one in await self._insights.members(found, deadline=deadline)]


def _task(document: Mapping[str, Any], name: str) -> Task:
    properties = member(document, "properties")
    status = member(properties, "deploymentStatus")
    return Task(
        name=text_at(document, "name") or name,
        assignment_id=fold(id_at(properties, "policyAssignmentId")),
        reference_id=fold(text_at(properties, "policyDefinitionReferenceId")),
        state=text_at(properties, "provisioningState"),
        total=_number(member(status, "totalDeployments")),
        successful=_number(member(status, "successfulDeployments")),
        failed=_number(member(status, "failedDeployments")),
        created_at=moment_in(text_at(properties, "createdOn")),
    )


def _deployment(document: Mapping[str, Any]) -> TaskDeployment:
    error = member(document, "error")
    reasons = reasons_of({"error": error}) if isinstance(error, dict) and error else None
    return TaskDeployment(
        resource_id=id_at(document, "remediatedResourceId"),
        deployment_id=id_at(document, "deploymentId"),
        status=text_at(document, "status"),
        code=printable(reasons.code or "Untold") if reasons else "",
        message=printable(reasons.message) if reasons else "",
    )


def _number(value: object) -> int | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        return None
    return int(value)
