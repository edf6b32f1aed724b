"""Plays remediation tasks of Microsoft.PolicyInsights at a managed resource group.

Source: Microsoft.PolicyInsights 2019-07-01, `Remediations_*AtResourceGroup`. That a task names one reference of an
initiative, that one task is under way for a reference, and that an active one cannot be replaced, Azure says in its
refusals (github.com/Azure/azure-policy/issues/1234, github.com/Azure/avdaccelerator/issues/539).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from sandbox.errors import RefusedError, json_response, not_implemented
from sandbox.faults.operations import DeploymentList, RemediationList, RemediationRead, RemediationWrite
from sandbox.world.odata import parse_filter
from sandbox.world.plans import Access
from sandbox.world.remediation import Task
from sandbox.world.state_documents import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.azure.resource_manager import ArmRequest, PathParameters, ResourceManager
    from sandbox.faults.operations import Operation
    from sandbox.world.customers import Customer
    from sandbox.world.remediation import TaskDeployment

VERSIONS = frozenset({"2018-07-01-preview", "2019-07-01", "2021-10-01", "2024-10-01"})
_REMEDIABLE = frozenset({"deployifnotexists", "modify"})
_MODES = frozenset({"ExistingNonCompliant", "ReEvaluateCompliance"})
_TASKS = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.PolicyInsights/remediations"
_TASK = f"{_TASKS}/{{task}}"


class Remediations:
    """PUT, GET, list, listDeployments, cancel and DELETE. A GET takes a task one step further."""

    def __init__(self, arm: ResourceManager) -> None:
        self.page_size = 1000
        """Deployments per page."""
        self.next_page_by_post = False
        """Whether a further page is asked for with POST, as that of policy states is; the SDK asks with GET."""
        self._arm = arm
        for method, path, operation, answer in (
            ("PUT", _TASK, RemediationWrite, self._create),
            ("GET", _TASK, RemediationRead, self._get),
            ("DELETE", _TASK, RemediationWrite, self._delete),
            ("GET", _TASKS, RemediationList, self._list),
            ("POST", f"{_TASK}/listDeployments", DeploymentList, self._deployments),
            ("GET", f"{_TASK}/listDeployments", DeploymentList, self._deployments),
            ("POST", f"{_TASK}/cancel", RemediationWrite, self._cancel),
        ):
            arm.serve(method, path, VERSIONS, partial(self._operation, operation), answer)

    def reset(self) -> None:
        """Default behaviour."""
        self.page_size, self.next_page_by_post = 1000, False

    def _operation(
        self, kind: Callable[[Customer | None], Operation], _: web.Request, path: PathParameters
    ) -> Operation:
        return kind(self._arm.customer_at(path))

    def _create(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.REMEDIATE)
        name, tasks = request.path["task"], owner.remediation.tasks
        wanted = _body(request)
        known = tasks.get(name.lower())
        if known is not None and known.is_running:
            raise _refused("Update", name, "A remediation may not be changed or replaced while it is active.")
        reference = self._check(owner, name, wanted)
        task = Task(
            name,
            str(wanted["policyAssignmentId"]),
            reference,
            str(wanted.get("resourceDiscoveryMode") or "ExistingNonCompliant"),
            self._arm.now(),
        )
        tasks[name.lower()] = task
        return json_response(_task_json(owner, task), status=201 if known is None else 200)

    def _check(self, owner: Customer, name: str, wanted: dict[str, Any]) -> str:
        """Return the reference of the task; raise RefusedError as Azure refuses what it cannot do."""
        assignment_id, reference = str(wanted["policyAssignmentId"]), wanted.get("policyDefinitionReferenceId")
        assignment = next((one for one in owner.assignments if one.id.lower() == assignment_id.lower()), None)
        if assignment is None:
            raise _refused("Create", name, f"The policy assignment '{assignment_id}' could not be found.")
        rules = {(one or "").lower(): rule for one, rule in assignment.references}
        if "" not in rules and not reference:
            raise _refused(
                "Create",
                name,
                f"The policy assignment '{assignment.id}' assigns a policy set definition. Remediations must specify a "
                "single policy definition reference ID within the policy set definition.",
            )
        rule = rules.get(str(reference or "").lower())
        if rule is None:
            raise _refused("Create", name, f"The policy definition reference ID '{reference}' could not be found.")
        if rule.effect.lower() not in _REMEDIABLE:
            raise _refused("Create", name, f"The policy definition's effect '{rule.effect}' cannot be remediated.")
        for other in owner.remediation.tasks.values():
            same = other.assignment_id.lower(), other.reference_id.lower()
            if other.is_running and same == (assignment.id.lower(), str(reference or "").lower()):
                raise _refused(
                    "Create",
                    name,
                    f"The following remediations: '{other.name}' are already running for policy assignment "
                    f"'{assignment.id}', definition reference ID '{reference or ''}' on a scope conflicting with "
                    "requested scope.",
                )
        return str(reference or "")

    def _get(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.READ_REMEDIATIONS)
        task = self._found(owner, request)
        owner.remediation.advance(task)
        return json_response(_task_json(owner, task))

    def _delete(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.REMEDIATE)
        task = owner.remediation.tasks.pop(request.path["task"].lower(), None)
        return web.Response(status=204) if task is None else json_response(_task_json(owner, task))

    def _cancel(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.REMEDIATE)
        task = self._found(owner, request)
        if not task.is_running:
            raise RefusedError(400, "InvalidCancelRemediationRequest", "A completed remediation cannot be cancelled.")
        task.state = "Cancelling"
        return json_response(_task_json(owner, task))

    def _list(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.READ_REMEDIATIONS)
        if text := request.http.query.get("$filter"):
            passes = parse_filter(text, {"policyassignmentid": "policyAssignmentId"}, ignore_case=True)
        else:
            passes = bool
        tasks = [_task_json(owner, one) for one in owner.remediation.tasks.values()]
        return json_response({"value": [one for one in tasks if passes(one["properties"])], "nextLink": None})

    def _deployments(self, request: ArmRequest) -> web.Response:
        owner = self._arm.group_owner(request, Access.READ_REMEDIATIONS)
        task = self._found(owner, request)
        is_further = "$skiptoken" in request.http.query
        if request.http.method == "GET" and (self.next_page_by_post or not is_further):
            raise RefusedError(
                405, "HttpMethodNotSupported", "The http method 'GET' is not supported for 'listDeployments'."
            )
        if "$top" in request.http.query:
            raise not_implemented("$top of remediation deployments")
        begin = int(request.http.query.get("$skiptoken", "0"))
        page = task.deployments[begin : begin + self.page_size]
        link, end = None, begin + self.page_size
        if end < len(task.deployments):
            link = f"{request.http.url.with_query(None)}?api-version=2019-07-01&$skiptoken={end}"
        return json_response({"value": [_deployment_json(one) for one in page], "nextLink": link})

    def _found(self, owner: Customer, request: ArmRequest) -> Task:
        task = owner.remediation.tasks.get(request.path["task"].lower())
        if task is None:
            name = request.path["task"]
            raise RefusedError(404, "ResourceNotFound", f"The remediation '{name}' could not be found.")
        return task


def _body(request: ArmRequest) -> dict[str, Any]:
    """Return the properties in the body of a PUT; raise RefusedError 400."""
    try:
        document = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(400, "InvalidRequestContent", "The request content was invalid.") from error
    properties = document.get("properties") if isinstance(document, dict) else None
    if not isinstance(properties, dict):
        raise RefusedError(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: 'Required property 'properties' not found "
            "in JSON. Path '', line 1, position 2.'.",
        )
    if not properties.get("policyAssignmentId"):
        raise RefusedError(400, "InvalidRequestContent", "Required property 'policyAssignmentId' not found in JSON.")
    if (properties.get("resourceDiscoveryMode") or "ExistingNonCompliant") not in _MODES:
        raise RefusedError(400, "InvalidRequestContent", "resourceDiscoveryMode has no such value.")
    if unknown := properties.keys() - {"policyAssignmentId", "policyDefinitionReferenceId", "resourceDiscoveryMode"}:
        raise not_implemented(f"{', '.join(sorted(unknown))} of remediations")
    return properties


def _refused(what: str, name: str, why: str) -> RefusedError:
    message = f"The request to {what.lower()} remediation '{name}' is invalid. {why}"
    return RefusedError(400, f"Invalid{what}RemediationRequest", message)


def _task_json(owner: Customer, task: Task) -> dict[str, Any]:
    group = owner.managed_resource_group_id.lower()
    failed = sum(one.error is not None for one in task.deployments)
    return {
        "properties": {
            "policyAssignmentId": task.assignment_id,
            **({"policyDefinitionReferenceId": task.reference_id} if task.reference_id else {}),
            "provisioningState": task.state,
            "createdOn": timestamp(task.created_at),
            "lastUpdatedOn": timestamp(task.created_at),
            "resourceDiscoveryMode": task.discovery_mode,
            "deploymentStatus": {
                "totalDeployments": task.total,
                "successfulDeployments": len(task.deployments) - failed,
                "failedDeployments": failed,
            },
        },
        "id": f"{group}/providers/microsoft.policyinsights/remediations/{task.name}",
        "name": task.name,
        "type": "Microsoft.PolicyInsights/remediations",
    }


def _deployment_json(deployment: TaskDeployment) -> dict[str, Any]:
    document: dict[str, Any] = {
        "remediatedResourceId": deployment.resource_id.lower(),
        "deploymentId": deployment.deployment_id.lower(),
        "status": "Failed" if deployment.error else "Succeeded",
        "resourceLocation": "westeurope",
        "createdOn": timestamp(deployment.begun_at),
        "lastUpdatedOn": timestamp(deployment.begun_at),
    }
    if deployment.error:
        code, message = deployment.error
        inner = {"code": code, "message": message}
        outer = "At least one resource deployment operation failed. Please list deployment operations for details."
        document["error"] = {"code": "DeploymentFailed", "message": outer, "details": [inner]}
    return document
