"""What a remediation would do, and what speaks against it: decided from what was read, without I/O.

A refusal is something that Azure says. A doubt is something that Azure could not be asked, or that only Azure knows: it
is never taken for fine, and an operator has to say that they go on all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from operations.acting.effects import REMEDIABLE, Rule
from operations.acting.readings import AssignmentNow, Gone, Unread
from operations.acting.rights import CONTRIBUTOR, DEPLOY, missing_roles, roles_at
from publisher.resource_ids import fold
from publisher.texts import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.acting.readings import Readings
    from operations.acting.states import SeenState
    from publisher.policy_insights.remediations import Task
    from publisher.resource_ids import ResourceGroupId
    from verdicts.facts import AssignmentFacts

_MANAGED: Final = frozenset({"", "notspecified", "managed"})
_JUST_IN_TIME: Final = "the plan is just-in-time, so changes need a request that the customer has approved"


@dataclass(frozen=True, slots=True)
class Step:
    """One remediation task: a rule, the states that violate it now, and the task that is at it already, if any."""

    rule: Rule
    states: tuple[SeenState, ...]
    running: Task | None = None

    @property
    def reference(self) -> str:
        """The reference as Azure cases it, "" outside an initiative."""
        return self.states[0].reference

    @property
    def resources(self) -> tuple[str, ...]:
        """The ids of the resources."""
        return tuple(dict.fromkeys(one.resource_id for one in self.states))

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "reference_id": self.reference,
            "definition_id": self.rule.definition_id,
            "effect": self.rule.effect,
            "roles_needed": list(self.rule.roles) if self.rule.roles is not None else None,
            "resources": list(self.resources),
            "running": self.running.name if self.running else None,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps, why they are refused, what is in doubt, and what else a person should know."""

    steps: tuple[Step, ...]
    refusals: tuple[str, ...]
    doubts: tuple[str, ...]
    notes: tuple[str, ...]


def plan_of(
    readings: Readings, finding: AssignmentFacts, group: ResourceGroupId, *, reference: str | None = None
) -> Plan:
    """Return the plan for what is open about an assignment; with `reference`, only for that reference of it."""
    planner = _Planner(readings, finding, group, None if reference is None else fold(reference))
    steps = planner.steps()
    planner.check_application()
    planner.check_assignment()
    planner.check_rights(steps)
    return Plan(steps, tuple(planner.refusals), tuple(planner.doubts), tuple(planner.notes))


class _Planner:
    def __init__(
        self, readings: Readings, finding: AssignmentFacts, group: ResourceGroupId, reference: str | None
    ) -> None:
        self._read = readings
        self._finding = finding
        self._group = group
        self._reference = reference
        self.refusals: list[str] = []
        self.doubts: list[str] = []
        self.notes: list[str] = []

    def steps(self) -> tuple[Step, ...]:
        """Return a step for each reference that is violated and can be remediated."""
        states = self._violations()
        if states is None:
            return ()
        by_rule: dict[tuple[str, str], list[SeenState]] = {}
        for one in states:
            by_rule.setdefault((one.key.reference_id, one.key.definition_id), []).append(one)
        found = [self._step(self._rule(*key, of), of) for key, of in sorted(by_rule.items())]
        steps = tuple(one for one in found if one is not None)
        if not steps:
            effects = ", ".join(sorted({self._rule(*key, of).effect or "not known" for key, of in by_rule.items()}))
            self.refusals.append(
                f"nothing can be remediated: only deployIfNotExists and modify deploy, the effect is {effects}"
            )
        if isinstance(self._read.tasks, Unread):
            self.doubts.append(f"whether a remediation is under way could not be read ({self._read.tasks.why})")
        return steps

    def _violations(self) -> list[SeenState] | None:
        """Return the states of the assignment that are NonCompliant now; None, with the reason told, without any."""
        if isinstance(self._read.states, Unread):
            self.refusals.append(f"what violates it now could not be read ({self._read.states.why})")
            return None
        violations = [one for one in self._read.states if one.compliance == "noncompliant"]
        if self._reference is not None:
            known = sorted({one.reference for one in violations})
            violations = [one for one in violations if one.key.reference_id == self._reference]
            if not violations:
                told = ", ".join(filter(None, known)) or "none"
                self.refusals.append(f"no resource violates reference {self._reference} now; violated are: {told}")
                return None
        if not violations:
            self.refusals.append(
                "Azure calls no resource non-compliant now, so a task would find nothing to do: let it evaluate first, "
                "with `scan`"
            )
            return None
        return violations

    def _rule(self, reference: str, definition: str, states: Sequence[SeenState]) -> Rule:
        """Return the rule behind states; where its effect cannot be told, it is what the states say it is.

        Of several effects, which overrides may give to resources, it is the one that can be remediated.
        """
        rules = self._read.rules if not isinstance(self._read.rules, Unread) else ()
        known = next((one for one in rules if (one.reference_id, one.definition_id) == (reference, definition)), None)
        known = known or next((one for one in rules if reference and one.reference_id == reference), None)
        if known is not None and known.effect:
            return known
        effects = {one.effect for one in states if one.effect}
        told = effects & REMEDIABLE or effects
        return Rule(reference, definition, told.pop() if len(told) == 1 else "", known.roles if known else None)

    def _step(self, rule: Rule, states: Sequence[SeenState]) -> Step | None:
        """Return the step of a rule; Azure may have evaluated some of its resources with another effect."""
        what = states[0].reference or "the definition"
        if rule.effect not in REMEDIABLE:
            if self._reference is None:
                self.notes.append(f"{what} has the effect {rule.effect or 'not known'} and is left as it is")
            return None
        others = [one for one in states if one.effect and one.effect not in REMEDIABLE]
        if others:
            effects = ", ".join(sorted({one.effect for one in others}))
            self.doubts.append(
                f"{what} had the effect {effects} for {len(others)} of {len(states)} resources, and the effect "
                f"{rule.effect} otherwise: whether Azure remediates them cannot be told"
            )
        return Step(rule, tuple(states), self._running(rule.reference_id))

    def _running(self, reference: str) -> Task | None:
        """Return the task of a reference that is under way; Azure refuses a second one."""
        tasks = self._read.tasks if not isinstance(self._read.tasks, Unread) else ()
        return next((one for one in reversed(tasks) if one.reference_id == reference and not one.is_over), None)

    def check_application(self) -> None:
        """Note what speaks against it in the application and its plan."""
        application = self._read.application
        if isinstance(application, Gone):
            self.refusals.append("Azure says that the application does not exist")
            return
        if isinstance(application, Unread):
            self.doubts.append(
                f"the application, and whether its plan is locked, could not be read ({application.why})"
            )
        else:
            if application.is_going:
                self.refusals.append(f"the application is {application.provisioning_state}")
            if application.managed_resource_group_id != self._group:
                self.refusals.append("the application has another managed resource group by now: run `reconcile`")
            if word(application.management_mode) not in _MANAGED:
                mode = application.management_mode
                self.refusals.append(f"the plan is locked: the application is {mode}, and the publisher has no access")
        is_just_in_time = not isinstance(application, Unread) and application.is_just_in_time
        if self._read.may_create is False:
            why = f": {_JUST_IN_TIME}" if is_just_in_time else ": the plan is locked, or gives us less than Contributor"
            self.refusals.append(f"we may not create remediations at the managed resource group{why}")
        elif is_just_in_time:
            self.doubts.append(f"{_JUST_IN_TIME}, and whether that holds until the end cannot be told")
        if self._read.may_create is None:
            self.notes.append("whether we may create remediations there could not be read; Azure will say")

    def check_assignment(self) -> None:
        """Note what speaks against it in the assignment and its identity."""
        assignment = self._read.assignment
        if isinstance(assignment, Gone):
            self.refusals.append("the assignment was withdrawn: Azure says that it does not exist")
        elif isinstance(assignment, Unread):
            self.doubts.append(f"the assignment and its identity could not be read ({assignment.why})")
        else:
            if fold(assignment.scope) != fold(str(self._group)):
                self.refusals.append(
                    f"the assignment is at {assignment.scope}, and tasks stand at the managed resource group: use "
                    "`az policy remediation create --resource`"
                )
            if assignment.identity.is_untold:
                self.doubts.append(
                    f"the assignment has a {assignment.identity.kind} identity whose principal Azure does not tell, so "
                    "its roles could not be read"
                )
            elif not assignment.identity.principal_ids:
                self.refusals.append("the assignment has no managed identity, and nobody else can deploy for it")
            if word(assignment.enforcement) != "default":
                self.notes.append(f"the assignment is {assignment.enforcement}: new violations are not repaired")

    def check_rights(self, steps: Sequence[Step]) -> None:
        """Note what the identity lacks, and what is denied to it."""
        assignment = self._read.assignment
        if not isinstance(assignment, AssignmentNow) or not assignment.identity.principal_ids or not steps:
            return
        for step in steps:
            self._check_roles(step, assignment)
        if isinstance(self._read.denials, Unread):
            self.doubts.append(f"deny assignments could not be read ({self._read.denials.why})")
            return
        wanted = self._wanted(steps)
        for denial in self._read.denials:
            if action := denial.denies(assignment.identity.principal_ids, wanted):
                told = f"deny assignment {denial.name!r} denies {action} to the assignment's identity"
                self.doubts.append(f"{told}; whether Azure Policy gets past it all the same cannot be told")

    def _check_roles(self, step: Step, assignment: AssignmentNow) -> None:
        rule, what = step.rule, f" of {step.reference}" if step.reference else ""
        if rule.roles is None:
            self.doubts.append(f"the definition{what}, and which roles it needs, could not be read")
        elif isinstance(self._read.roles, Unread):
            self.doubts.append(f"the roles of the assignment's identity could not be read ({self._read.roles.why})")
        else:
            principals, group = assignment.identity.principal_ids, str(self._group)
            missing = missing_roles(rule.roles, self._read.roles, principals, group)
            names = ", ".join(map(self._read.named, missing))
            if missing and CONTRIBUTOR in roles_at(self._read.roles, principals, group):
                lacking = f"the identity has Contributor and lacks the roles{what} {names}"
                self.doubts.append(f"{lacking}: whether that is enough cannot be told")
            elif missing:
                self.refusals.append(f"the assignment's identity lacks the roles{what}: {names}")

    def _wanted(self, steps: Sequence[Step]) -> dict[str, list[str]]:
        """Return what the deployments have to do, by the ids of where."""
        wanted: dict[str, list[str]] = {}
        for step in steps:
            if step.rule.effect != "modify":
                wanted[str(self._group)] = [DEPLOY]
                continue
            for one in step.states:
                wanted.setdefault(one.resource_id, []).append(f"{one.resource_type}/write")
        return wanted
