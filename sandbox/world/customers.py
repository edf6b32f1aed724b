"""A customer: one deployment of the managed application, its policies and states, and the publisher's access to it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import InitVar, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from sandbox.world.plans import Access, Plan
from sandbox.world.policies import KEY_VAULT, LOCATIONS, REQUIRED_TAG, STORAGE, WEB_APP, Assignment, Exemption
from sandbox.world.state_documents import Resource, states_of, timestamp
from sandbox.world.state_sources import BulkStates, StateList, StateSource

if TYPE_CHECKING:
    from collections.abc import Callable

MISSING: Final = object()
"""As a value in `Customer.add_state`: the field is not there at all."""

DEFAULT_RESOURCES = (
    Resource("storage1", STORAGE),
    Resource("storage2", STORAGE),
    Resource("vault", KEY_VAULT),
    Resource("web", WEB_APP),
)
EVALUATED_BEFORE = dt.timedelta(hours=3)


@dataclass(eq=False)
class Customer:
    """Made by `ResourceManager.add_customer`. All methods can be called from any thread while servers run.

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

    def __post_init__(self, foreign: bool, bulk: BulkStates | None) -> None:
        self.usage_id = str(uuid.uuid5(uuid.NAMESPACE_URL, self.application_id))
        self.assignments = tuple(map(self._at_the_group, self.assignments))
        self.foreign_assignments = self._foreign_assignments() if foreign else ()
        self.source: StateSource = bulk.source(self.managed_resource_group_id, self.now) if bulk else self.states
        if bulk is None:
            self.states.documents.extend(self._evaluated(self.assignments + self.foreign_assignments))

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
        catalog = f"/subscriptions/{self.subscription_id}/resourceGroups/rg-catalog"
        return f"{catalog}/providers/Microsoft.Solutions/applicationDefinitions/{self.plan.product}"

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
                    state["complianceState"] = compliance
                    state["isCompliant"] = compliance == "Compliant"
                    state["timestamp"] = timestamp(self.now())
                    changed += 1
        if not changed:
            raise LookupError(f"{self.name} has no state for {resource=} {assignment=} {reference=}")
        return changed

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

    def revoke_access(self, *what: Access) -> None:
        """Takes the publisher's permissions away: all, or only those named."""
        self.access -= set(what) or set(Access)

    def grant_access(self, *what: Access) -> None:
        """Gives permissions back: all, or only those named."""
        self.access |= set(what) or set(Access)

    def hide(self) -> None:
        """Ends the projection into the publisher's tenant: ARM answers 401 InvalidAuthenticationTokenTenant."""
        self.visible = False

    def start_deleting(self) -> None:
        """The customer has asked for deletion, which Azure has not finished."""
        self.provisioning_state = "Deleting"

    def delete(self) -> None:
        """The application and its managed resource group are gone."""
        self.provisioning_state = "Deleted"
        self.deleted = True

    def upgrade(self, version: str) -> None:
        """The customer updated to another version of the plan."""
        self.plan = replace(self.plan, version=version)

    def assign(self, assignment: Assignment, *, evaluated: bool = True) -> None:
        """A new plan version brings one more assignment, which Azure has `evaluated` already or not yet."""
        added = self._at_the_group(assignment)
        self.assignments += (added,)
        if evaluated:
            with self.states.lock:
                self.states.documents.extend(self._evaluated((added,)))

    def unassign(self, name: str) -> Assignment:
        """A new plan version drops an assignment, or somebody deletes it, and its states with it; returns it."""
        removed = self._assignment(name)
        self.assignments = tuple(assignment for assignment in self.assignments if assignment.name != name)
        self.remove_states(name)
        return removed

    def change_assignment(self, name: str, **properties: Any) -> None:
        """Writes properties of an assignment, in ARM's spelling: notScopes, parameters, enforcementMode and so on."""
        known = self._assignment(name)
        changed = replace(known, properties={**known.properties, **properties}, changed_at=self.now())
        self.assignments = tuple(changed if one is known else one for one in self.assignments)

    def disable(self, name: str) -> None:
        """Sets the effect of an assignment to Disabled; then Azure evaluates, and reports everything as Compliant."""
        self.change_assignment(name, parameters={"effect": {"value": "Disabled"}})
        self.set_compliance("Compliant", assignment=name)

    def exempt(self, assignment: str, *, name: str = "waiver", days: float | None = None, by: str = "customer") -> None:
        """Creates an exemption of an assignment, for a number of days or for ever; its states become Exempt."""
        expires_at = None if days is None else self.now() + dt.timedelta(days=days)
        self.exemptions += (Exemption(name, self._assignment(assignment).id, expires_at, created_by=by),)
        self.set_compliance("Exempt", assignment=assignment)

    def end_exemption(self, name: str = "waiver") -> None:
        """Deletes an exemption; the states stay as they are until Azure evaluates again."""
        self.exemptions = tuple(one for one in self.exemptions if one.name != name)

    def remove_resource(self, name: str) -> None:
        """Deletes a resource; Azure reports no state of it any more."""
        self.resources = tuple(resource for resource in self.resources if resource.name != name)
        with self.states.lock:
            self.states.documents[:] = [
                state for state in self.states.documents if str(state.get("resourceId")).rpartition("/")[2] != name
            ]

    def relocate(self, resource_group: str | None, managed_resource_group: str | None) -> None:
        """Changes where things are and evaluates anew. Called by `CustomerDirectory.move`."""
        before = self.managed_resource_group_id
        self.resource_group = resource_group or self.resource_group
        self.managed_resource_group = managed_resource_group or self.managed_resource_group
        after = self.managed_resource_group_id
        self.assignments = tuple(
            replace(assignment, scope=assignment.scope.replace(before, after)) for assignment in self.assignments
        )
        with self.states.lock:
            self.states.documents[:] = self._evaluated(self.assignments + self.foreign_assignments)

    def _assignment(self, name: str) -> Assignment:
        for assignment in self.assignments:
            if assignment.name == name:
                return assignment
        raise LookupError(f"{self.name} has no assignment {name}")

    def _at_the_group(self, assignment: Assignment) -> Assignment:
        return replace(assignment, scope=assignment.scope or self.managed_resource_group_id)

    def _evaluated(self, assignments: tuple[Assignment, ...]) -> list[dict[str, Any]]:
        return states_of(
            resource_group_id=self.managed_resource_group_id,
            resources=self.resources,
            assignments=assignments,
            evaluated_at=self.now() - EVALUATED_BEFORE,
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


__all__ = ["DEFAULT_RESOURCES", "MISSING", "Access", "BulkStates", "Customer", "Plan", "Resource"]
