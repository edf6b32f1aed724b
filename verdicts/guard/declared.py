"""Baselines that an operator declares for a plan version, and the ids by which applications compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from registry.managed_application import ExpectedAssignment, ManagedApplication

_ASSIGNMENTS = "/providers/microsoft.authorization/policyassignments/"


@dataclass(frozen=True, slots=True)
class Declared:
    """The assignments that a plan version has, by `relative_id`; `plan` is its `plan_key`."""

    plan: str
    assignments: Mapping[str, ExpectedAssignment]
    declared_at: datetime
    person: str
    reason: str


def plan_key(application: ManagedApplication) -> str:
    """Return what an application was deployed from, folded: publisher, product, plan and version, or the definition."""
    if application.plan_name:
        parts = application.plan_publisher, application.plan_product, application.plan_name, application.plan_version
        return "/".join(fold(part) for part in parts)
    return fold(application.definition_id)


def relative_id(assignment_id: str, group_id: str) -> str:
    """Return a folded assignment id without the managed resource group: its name, or the path inside the group."""
    folded, group = fold(assignment_id), fold(group_id)
    if not group or not folded.startswith(f"{group}/"):
        return folded
    return folded.removeprefix(group).removeprefix(_ASSIGNMENTS).lstrip("/")
