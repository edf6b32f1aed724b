"""One deployment of the managed application: where it is, the policies that watch it, and what they find."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import InitVar, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from sandbox.world.arm_documents import ArmDocuments
from sandbox.world.plans import Access, Plan, definition_id_of
from sandbox.world.policies import KEY_VAULT, LOCATIONS, REQUIRED_TAG, STORAGE, WEB_APP, Assignment, Exemption
from sandbox.world.state_documents import Resource, states_of, timestamp
from sandbox.world.state_sources import BulkStates, StateList, StateSource

if TYPE_CHECKING:
    from collections.abc import Callable

MISSING: Final = object()
"""As a value in `Deployment.add_state`: the field is not there at all."""

DEFAULT_RESOURCES = (
    Resource("storage1", STORAGE),
    Resource("storage2", STORAGE),
    Resource("vault", KEY_VAULT),
    Resource("web", WEB_APP),
)
EVALUATED_BEFORE = dt.timedelta(hours=3)


@dataclass(eq=False)
class Deployment:
    """The part of a Customer that can be looked at and evaluated.

    `source` answers policy queries: with `states`, or with thousands of generated states when `bulk` is given.
    """

    name: str
    subscription_id: str
    resource_group: str
    application_name: str
    managed_resource_group: str
    kind: str
    plan: Plan
    resources: tuple[Resource, ...]
    assignments: tuple[Assignment, ...]
    foreign: InitVar[bool]
    bulk: InitVar[BulkStates | None]
    now: Callable[[], dt.datetime]
    provisioning_state: str = "Succeeded"
    deleted: bool = False
    visible: bool = True
    access: set[Access] = field(default_factory=lambda: set(Access))
    states: StateList = field(default_factory=StateList)
    exemptions: tuple[Exemption, ...] = ()
    management_mode: str = "Managed"
    jit_access_policy: dict[str, Any] | None = None

    def __post_init__(self, foreign: bool, bulk: BulkStates | None) -> None:
        self.documents = ArmDocuments(self.managed_resource_group_id)
        self.usage_id = str(uuid.uuid5(uuid.NAMESPACE_URL, self.application_id))
        self.assignments = tuple(map(self.at_the_group, self.assignments))
        self.foreign_assignments = self._foreign_assignments() if foreign else ()
        self.source: StateSource = bulk.source(self.managed_resource_group_id, self.now) if bulk else self.states
        if bulk is None:
            self.states.documents.extend(self.evaluated(self.assignments + self.foreign_assignments))

    @property
    def application_id(self) -> str:
        """The ARM id of the managed application, in the casing ARM uses."""
        group = f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/Microsoft.Solutions/applications/{self.application_name}"

    @property
    def managed_resource_group_id(self) -> str:
        """The ARM id of the managed resource group, in the casing ARM uses."""
        return f"/subscriptions/{self.subscription_id}/resourceGroups/{self.managed_resource_group}"

    @property
    def application_definition_id(self) -> str:
        """The ARM id of the service catalog definition that the application was deployed from."""
        return definition_id_of(self.plan.product)

    def owned_states(self) -> list[dict[str, Any]]:
        """Copies of the states of the application's own assignments: those with a scope at or inside the group."""
        return [state for state in self._copies() if self._is_owned(state)]

    def foreign_states(self) -> list[dict[str, Any]]:
        """Copies of the states that belong to assignments of the customer's own."""
        return [state for state in self._copies() if not self._is_owned(state)]

    def set_compliance(
        self,
        compliance: str,
        *,
        resource: str | None = None,
        assignment: str | None = None,
        reference: str | None = None,
    ) -> int:
        """Evaluates again: the matching owned states get this complianceState and the present time.

        Args:
            compliance: "NonCompliant", "Compliant", "Exempt", "Unknown", "Conflict", "Error", or any other text.
            resource: the resource's name; None for all.
            assignment: the assignment's name; None for all.
            reference: the policy definition reference id; None for all.

        Returns:
            How many states changed.

        Raises:
            LookupError: nothing matches, so that a misspelt test does not pass.
        """
        changed = 0
        with self.states.lock:
            for state in self.states.documents:
                if (
                    self._is_owned(state)
                    and resource in {None, str(state.get("resourceId")).rpartition("/")[2]}
                    and assignment in {None, state.get("policyAssignmentName")}
                    and reference in {None, state.get("policyDefinitionReferenceId")}
                ):
                    self.evaluate(state, compliance)
                    changed += 1
        if not changed:
            raise LookupError(f"{self.name} has no state for {resource=} {assignment=} {reference=}")
        return changed

    def evaluate(self, state: dict[str, Any], compliance: str) -> None:
        """Evaluates a state again, which then has this complianceState and the present time."""
        state["complianceState"] = compliance
        state["isCompliant"] = compliance == "Compliant"
        state["timestamp"] = timestamp(self.now())

    def break_resource(self, resource: str, assignment: str | None = None, reference: str | None = None) -> int:
        """Makes a resource non-compliant; see `set_compliance`."""
        return self.set_compliance("NonCompliant", resource=resource, assignment=assignment, reference=reference)

    def repair(self, resource: str | None = None, assignment: str | None = None) -> int:
        """Makes a resource, or everything, compliant again; see `set_compliance`."""
        return self.set_compliance("Compliant", resource=resource, assignment=assignment)

    def add_state(self, **fields: Any) -> dict[str, Any]:
        """Adds a state like the first one, with `fields` instead; MISSING leaves a field out. Returns the state."""
        with self.states.lock:
            state = {**self.states.documents[0], **fields}
            state = {name: value for name, value in state.items() if value is not MISSING}
            self.states.documents.append(state)
        return dict(state)

    def remove_states(self, assignment: str | None = None) -> None:
        """Removes every state, or those of one assignment: resources deleted, or not evaluated yet."""
        with self.states.lock:
            self.states.documents[:] = [
                state
                for state in self.states.documents
                if assignment is not None and state.get("policyAssignmentName") != assignment
            ]

    def age_states(self, age: dt.timedelta) -> None:
        """Sets the time of every state to `age` before now, as when no evaluation happened since."""
        with self.states.lock:
            for state in self.states.documents:
                state["timestamp"] = timestamp(self.now() - age)

    def relocate(self, resource_group: str | None, managed_resource_group: str | None) -> None:
        """Changes where things are and evaluates anew. Called by `CustomerDirectory.move`."""
        before = self.managed_resource_group_id
        self.resource_group = resource_group or self.resource_group
        self.managed_resource_group = managed_resource_group or self.managed_resource_group
        after = self.managed_resource_group_id
        self.documents = ArmDocuments(after)
        self.assignments = tuple(
            replace(assignment, scope=assignment.scope.replace(before, after)) for assignment in self.assignments
        )
        with self.states.lock:
            self.states.documents[:] = self.evaluated(self.assignments + self.foreign_assignments)

    def at_the_group(self, assignment: Assignment) -> Assignment:
        """The assignment with the managed resource group as its scope, unless it has another one."""
        return replace(assignment, scope=assignment.scope or self.managed_resource_group_id)

    def evaluated(
        self, assignments: tuple[Assignment, ...], evaluated_at: dt.datetime | None = None
    ) -> list[dict[str, Any]]:
        """New states of assignments, all of them compliant; by default evaluated some hours ago."""
        return states_of(
            resource_group_id=self.managed_resource_group_id,
            resources=self.resources,
            assignments=assignments,
            evaluated_at=evaluated_at or self.now() - EVALUATED_BEFORE,
        )

    def _copies(self) -> list[dict[str, Any]]:
        with self.states.lock:
            return [dict(state) for state in self.states.documents]

    def _is_owned(self, state: dict[str, Any]) -> bool:
        scope = str(state.get("policyAssignmentScope") or "").lower()
        return f"{scope}/".startswith(f"{self.managed_resource_group_id.lower()}/")

    def _foreign_assignments(self) -> tuple[Assignment, ...]:
        management_group = "/providers/Microsoft.Management/managementGroups/contoso"
        return (
            Assignment(
                "cost-tags", "Cost centre on everything", REQUIRED_TAG, f"/subscriptions/{self.subscription_id}"
            ),
            Assignment("eu-only", "Only European regions", LOCATIONS, management_group),
        )
