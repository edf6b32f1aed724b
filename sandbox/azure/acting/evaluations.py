"""Plays evaluations on demand of Microsoft.PolicyInsights.

Source: Microsoft.PolicyInsights 2019-10-01, `PolicyStates_TriggerResourceGroupEvaluation`, and "Get compliance data of
Azure resources": 202 with a Location at the subscription, the same one while an evaluation of the scope runs.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.azure.resource_manager import forbidden
from sandbox.errors import RefusedError, json_response
from sandbox.faults.operations import EvaluationRead, EvaluationStart
from sandbox.world.plans import Access
from sandbox.world.remediation import Evaluation

if TYPE_CHECKING:
    from sandbox.azure.resource_manager import ArmRequest, ResourceManager
    from sandbox.world.customers import Customer

VERSIONS = frozenset({"2018-07-01-preview", "2019-10-01", "2024-10-01"})
_READ = "Microsoft.PolicyInsights/asyncOperationResults/read"
_PROVIDER = "/providers/Microsoft.PolicyInsights"
_SUBSCRIPTION = "/subscriptions/{subscription}"
_RESULTS = f"{_PROVIDER}/asyncOperationResults"


class Evaluations:
    """POST that starts an evaluation, and GET of how far it is."""

    def __init__(self, arm: ResourceManager) -> None:
        self.retry_after = 30
        """Seconds after which Azure wants to be asked again."""
        self.may_follow = False
        """Whether those with rights at a managed resource group alone may read the operation at the subscription."""
        self.succeeds_early = False
        """Whether Azure calls the operation done before anything was evaluated, as was reported."""
        self._arm = arm
        self._started: dict[str, tuple[Customer, Evaluation]] = {}
        group = f"{_SUBSCRIPTION}/resourceGroups/{{group}}"
        arm.serve(
            "POST",
            f"{group}{_PROVIDER}/policyStates/latest/triggerEvaluation",
            VERSIONS,
            lambda _, path: EvaluationStart(arm.customer_at(path)),
            self._start,
        )
        arm.serve(
            "GET",
            f"{_SUBSCRIPTION}{_RESULTS}/{{operation}}",
            VERSIONS,
            lambda _, path: EvaluationRead(path["subscription"]),
            self._read,
        )

    def reset(self) -> None:
        """No evaluations, default behaviour."""
        self._started.clear()
        self.retry_after, self.may_follow, self.succeeds_early = 30, False, False

    def _start(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.EVALUATE)
        owner.remediation.honour_evaluation()
        running = owner.remediation.evaluation
        if running is None:
            takes = owner.remediation.evaluation_takes
            running = Evaluation(str(uuid.uuid4()), None if takes is None else self._arm.now() + takes)
            owner.remediation.evaluation = running
            self._started[running.operation_id] = owner, running
        return web.Response(status=202, headers=self._headers(request, running.operation_id))

    def _read(self, request: ArmRequest) -> web.Response:
        self._arm.require_subscription(request.path["subscription"])
        if not self.may_follow:
            raise forbidden(request.token, _READ, f"/subscriptions/{request.path['subscription']}")
        owner, running = self._started.get(request.path["operation"], (None, None))
        if owner is None or running is None:
            raise RefusedError(404, "NotFound", "The operation does not exist.")
        if not self.succeeds_early and (running.done_at is None or running.done_at > self._arm.now()):
            return web.Response(status=202, headers=self._headers(request, running.operation_id))
        return json_response({"status": "Succeeded"})

    def _headers(self, request: ArmRequest, operation: str) -> dict[str, str]:
        path = f"/subscriptions/{request.path['subscription']}{_RESULTS}/{operation}"
        link = str(request.http.url.with_path(path).with_query({"api-version": "2019-10-01"}))
        return {"Location": link, "Retry-After": str(self.retry_after)}
