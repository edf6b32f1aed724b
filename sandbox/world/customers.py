"""A customer: one deployment of the managed application, and what people do to it and to the publisher's access."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.world.deployments import DEFAULT_RESOURCES, MISSING, Deployment
from sandbox.world.plans import Access, Plan
from sandbox.world.policies import NO_PUBLIC_BLOBS_ASSIGNMENT, Assignment, Exemption
from sandbox.world.remediation import Remediation
from sandbox.world.state_documents import Resource
from sandbox.world.state_sources import BulkStates


@dataclass(slots=True)
class _Exempted:
    """States that an exemption made Exempt, and what each said before."""

    exemption: Exemption
    before: list[tuple[dict[str, Any], str]]


@dataclass(eq=False)
class Customer(Deployment):
    """Made by `ResourceManager.add_customer`. All methods can be called from any thread while servers run."""

    exempted: list[_Exempted] = field(default_factory=list)
    publisher_is_owner: bool = False
    """The plan's authorizations give the publisher Owner instead of Contributor."""

    def __post_init__(self, foreign: bool, bulk: BulkStates | None) -> None:
        super().__post_init__(foreign, bulk)
        self.remediation = Remediation(self)

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
        """A new plan version brings an assignment, or somebody puts one back.

        Azure has `evaluated` it already, and found everything compliant; or not yet.
        """
        added = replace(self.at_the_group(assignment), changed_at=self.now())
        self.assignments += (added,)
        if evaluated:
            with self.states.lock:
                self.states.documents.extend(self.evaluated((added,), self.now()))

    def assign_repairing(self, assignment: Assignment = NO_PUBLIC_BLOBS_ASSIGNMENT) -> Assignment:
        """A new plan version brings an assignment that Azure Policy can repair; its identity has the roles it needs.

        Returns it with its scope; break a resource of it, and `operations remediate` has something to do.
        """
        self.assign(assignment)
        placed = self.assignments[-1]
        self.remediation.give_roles(placed)
        return placed

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

    def exclude(self, name: str, *scopes: str) -> None:
        """Adds notScopes, by default the whole group; Azure reports no state of what is excluded any more."""
        known = self._assignment(name)
        excluded = scopes or (known.scope,)
        self.change_assignment(name, notScopes=[*known.properties.get("notScopes", ()), *excluded])
        with self.states.lock:
            self.states.documents[:] = [
                state
                for state in self.states.documents
                if state.get("policyAssignmentName") != name
                or not any(_is_inside(str(state.get("resourceId")), scope) for scope in excluded)
            ]

    def disable(self, name: str, *, by_override: bool = False, reference: str | None = None) -> None:
        """Sets the effect of an assignment to Disabled; then Azure evaluates, and reports everything as Compliant.

        Args:
            name: the assignment's.
            by_override: with an override instead of the parameter `effect`.
            reference: the only reference of an initiative that is concerned; implies an override.
        """
        if by_override or reference:
            kind = "policyDefinitionReferenceId"
            selectors = {"selectors": [{"kind": kind, "in": [reference]}]} if reference else {}
            self.change_assignment(name, overrides=[{"kind": "policyEffect", "value": "Disabled", **selectors}])
        else:
            self.change_assignment(name, parameters={"effect": {"value": "Disabled"}})
        self.set_compliance("Compliant", assignment=name, reference=reference)

    def exempt(
        self,
        assignment: str,
        *,
        name: str = "waiver",
        days: float | None = None,
        by: str = "customer",
        references: tuple[str, ...] = (),
        resource: str | None = None,
    ) -> None:
        """Creates an exemption of an assignment, for a number of days or for ever; its states become Exempt.

        Args:
            assignment: the assignment's name.
            name: the exemption's.
            days: until it ends; then Azure evaluates, and the states come back.
            by: who creates it.
            references: of an initiative, those that are exempted; none means all.
            resource: the name of the only resource that is exempted, at which the exemption stands.
        """
        expires_at = None if days is None else self.now() + dt.timedelta(days=days)
        chosen = self._states_of(assignment, references, resource)
        if not chosen:
            raise LookupError(f"{self.name} has no state for {assignment=} {references=} {resource=}")
        scope = str(chosen[0]["resourceId"]) if resource else ""
        known = self._assignment(assignment).id
        exemption = Exemption(name, known, expires_at, created_by=by, references=references, scope=scope)
        self.exemptions += (exemption,)
        with self.states.lock:
            self.exempted.append(_Exempted(exemption, [(state, str(state["complianceState"])) for state in chosen]))
            for state in chosen:
                self.evaluate(state, "Exempt")

    def end_exemption(self, name: str = "waiver") -> None:
        """Deletes an exemption; the states stay as they are until Azure evaluates again."""
        self.exemptions = tuple(one for one in self.exemptions if one.name != name)

    def honour_expiry(self) -> None:
        """Azure honours exemptions until they expire: then the states say again what they did. The object stays."""
        with self.states.lock:
            for one in [*self.exempted]:
                if one.exemption.expires_at is None or one.exemption.expires_at > self.now():
                    continue
                self.exempted.remove(one)
                for state, before in one.before:
                    if state["complianceState"] == "Exempt":
                        self.evaluate(state, before)

    def remove_resource(self, name: str) -> None:
        """Deletes a resource and what is inside it; Azure reports no state of them any more."""
        group = self.managed_resource_group_id
        removed = [one.id(group) for one in self.resources if f"{one.name}/".startswith(f"{name}/")]
        self.resources = tuple(one for one in self.resources if one.id(group) not in removed)
        with self.states.lock:
            self.states.documents[:] = [
                state
                for state in self.states.documents
                if not any(_is_inside(str(state.get("resourceId")), one) for one in removed)
            ]

    def _states_of(self, assignment: str, references: tuple[str, ...], resource: str | None) -> list[dict[str, Any]]:
        return [
            state
            for state in self.states.documents
            if state.get("policyAssignmentName") == assignment
            and (not references or state.get("policyDefinitionReferenceId") in references)
            and resource in {None, str(state.get("resourceId")).rpartition("/")[2]}
        ]

    def _assignment(self, name: str) -> Assignment:
        for assignment in self.assignments:
            if assignment.name == name:
                return assignment
        raise LookupError(f"{self.name} has no assignment {name}")


def _is_inside(resource_id: str, scope: str) -> bool:
    return f"{resource_id.lower()}/".startswith(f"{scope.lower().rstrip('/')}/")


__all__ = ["DEFAULT_RESOURCES", "MISSING", "Access", "BulkStates", "Customer", "Plan", "Resource"]
