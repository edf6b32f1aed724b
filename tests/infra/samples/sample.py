"""The sample managed application, as ARM would deploy it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from checks.templates.deployment import Deployment, deploy
from checks.templates.values import Resource
from infra.pipeline.managed_application import SAMPLE

TABLE: dict[str, list[dict[str, Any]]] = json.loads((SAMPLE / "policies.json").read_text())
POLICIES: list[dict[str, Any]] = [*TABLE["audits"], *TABLE["repairs"]]
PARTS = ("aiServices", "apps", "arcPrivateLink", "arcServers")
EVERYTHING = dict.fromkeys(PARTS, True)
ASSIGNMENTS = "Microsoft.Authorization/policyAssignments"
ROLES = "Microsoft.Authorization/roleAssignments"


def deployed(**parameters: Any) -> Deployment:
    """Everything that the template makes in the tenant of the publisher, unless publisherTenantId is another one."""
    return deploy({"location": "westeurope", **parameters}, SAMPLE)


def of_type(deployment: Deployment, kind: str) -> list[Resource]:
    """The resources of a type, of which there has to be one, or nothing was proved."""
    found = deployment.of_type(kind)
    assert found, f"there is no {kind}"
    return found


def properties(deployment: Deployment, kind: str) -> Iterator[Any]:
    """The properties of each resource of a type."""
    for resource in of_type(deployment, kind):
        yield resource.body["properties"]


def assigned(deployment: Deployment) -> dict[str, Any]:
    """The policy assignments by name."""
    return {one.name: one.body for one in deployment.of_type(ASSIGNMENTS)}
