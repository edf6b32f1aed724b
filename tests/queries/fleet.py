"""Writes the rows of collection runs as the collector would, in a notation short enough to read in a test.

Verdict rows are the product's own: each application is judged from the states that it is given, and remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_DNS, uuid5

from publisher.resource_ids import ApplicationId, ResourceGroupId
from registry.managed_application import Exemption, ExpectedAssignment, ManagedApplication, Posture, Removal
from verdicts.alarms import AlarmBook
from verdicts.evidence import AssignmentEvidence, CheckEvidence, CheckFailure, Evidence, GuardReading
from verdicts.exempted import stage_of
from verdicts.facts import Acceptance, ApplicationFacts, StateKey, StatesUpload
from verdicts.judging.departures import judge_absent
from verdicts.judging.judge import judge
from verdicts.outcome import ENDED_OUTCOMES, READ_OUTCOMES, Outcome
from verdicts.publication import Publication
from verdicts.publisher_checks.ids import JudgedBy, check_id, definition_id
from verdicts.rows import result_columns, verdict_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sandbox.workspace.workspace import Workspace
    from verdicts.plan_settings import PlanSettings

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
POLICIES = "/providers/microsoft.authorization/policydefinitions"
CHECK = "nsg-without-deny-all"
REASON = "no inbound rule denies anything"
VERDICTS = {"Compliant": True, "Exempt": True, "NonCompliant": False}


@dataclass(frozen=True)
class State:
    """One policy state; `count` above 1 makes a summarised row."""

    compliance: str
    resource: str = "vm"
    assignment: str = "baseline"
    reference: str = ""
    definition: str = "definition"
    count: int = 1


def bad(resource: str = "vm", **more: Any) -> State:
    return State("NonCompliant", resource, **more)


def good(resource: str = "vm", **more: Any) -> State:
    return State("Compliant", resource, **more)


def summarised(count: int, **more: Any) -> State:
    return State("Compliant", "", count=count, **more)


def subscription_of(application: str) -> str:
    return str(uuid5(NAMESPACE_DNS, application))


def application_id(application: str, group: str = "Customer-RG") -> str:
    return (
        f"/subscriptions/{subscription_of(application)}/resourceGroups/{group}"
        f"/providers/Microsoft.Solutions/applications/{application}"
    )


class Fleet:
    """A workspace that fills up with runs. An application is given its states, or the outcome that kept them away."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.runs: dict[str, str] = {}
        self.remembered: dict[str, ApplicationFacts] = {}
        self.plans: dict[str, tuple[str, str]] = {}
        """Plan name and version of each application that has one."""
        self.settled: dict[str, PlanSettings] = {}
        """Settings of plans, by their folded names."""
        self.exempted: dict[str, datetime | None] = {}
        """When the exemption of each exempted application's baseline expires."""
        self.withheld: dict[str, int] = {}
        """How many states of an application are left out of each upload, beside those that it is given."""

    def started(self, run_id: str) -> str:
        """Return TimeGenerated of a run's rows."""
        return self.runs[run_id]

    def run(
        self,
        *,
        hours_ago: float = 0,
        completed: bool = True,
        partial: bool = False,
        registered: int | None = None,
        shouting: bool = False,
        dropped: Collection[str] = (),
        weakened: Collection[str] = (),
        checks: Mapping[str, Sequence[State] | str] | None = None,
        **applications: Sequence[State] | str,
    ) -> str:
        """Write a run: state rows, verdict rows, result rows and (if completed) the run row; return its id.

        A `partial` one is over chosen applications: it has no run row, and each result row announces verdict rows.
        `registered` is how many applications the run says it went through: as many as it reports, unless told.
        `shouting` writes every id in capitals, as Azure sometimes does. State rows of the `dropped` are lost after they
        were accepted; the policy assignments of the `weakened` are not enforced any more. `checks` has what the check
        CHECK found at each application where it is switched on, or the outcome that kept it from being read.
        """
        run_id = f"run-{len(self.runs) + 1}"
        self.runs[run_id] = (NOW - timedelta(hours=hours_ago)).isoformat()
        common = {"TimeGenerated": self.runs[run_id], "Run_id": run_id}
        uploaded = sum(len(found) for found in applications.values() if not isinstance(found, str))
        for name, found in applications.items():
            of_check = (checks or {}).get(name)
            stored = [] if isinstance(found, str) or name in dropped else [*found]
            if not isinstance(of_check, str) and name not in dropped:
                stored += [replace(one, assignment=CHECK) for one in of_check or ()]
            self.upload_states(common, name, stored, shouting=shouting)
            known = self.upload_verdicts(
                common, name, found, enforced=name not in weakened, partial=partial, check=of_check
            )
            self.upload_result(common, name, found, shouting=shouting, **known)
        if completed and not partial:
            run = {
                **common,
                "Applications": _counted(applications) if registered is None else registered,
                "Uploaded_rows": uploaded + len(applications),
                "Result_rows": len(applications),
            }
            self.workspace.insert("PolicyCollectionRuns_CL", [run])
        return run_id

    def accept(self, name: str, *, until: datetime) -> None:
        """Accept every violation of an application that is open now, as an operator; the next run publishes it."""
        acceptance = Acceptance("ada", "planned", NOW, until)
        facts = self.remembered[name]
        assignments = {
            key: replace(one, open=tuple(replace(each, acceptance=acceptance) for each in one.open))
            for key, one in facts.assignments.items()
        }
        self.remembered[name] = replace(facts, assignments=assignments)

    def accept_exemption(self, name: str, *, until: datetime) -> None:
        """Accept the exemptions of an application, as an operator; the next run publishes it."""
        facts, acceptance = self.remembered[name], Acceptance("ada", "planned", NOW, until)
        tokens = {token for one in facts.exemptions for token in (stage_of(one, NOW).token, one.id)}
        known = tuple(sorted({*facts.known_exemptions, *tokens}))
        self.remembered[name] = replace(
            facts, known_exemptions=known, accepted_exemptions=dict.fromkeys(tokens, acceptance)
        )

    def upload_states(
        self, common: Mapping[str, Any], name: str, states: Sequence[State], *, shouting: bool = False
    ) -> None:
        rows = [_state_row(common, name, state) for state in states]
        self.workspace.insert("PolicyComplianceStates_CL", [_shouted(row) for row in rows] if shouting else rows)

    def upload_verdicts(
        self,
        common: Mapping[str, Any],
        name: str,
        found: Sequence[State] | str,
        *,
        enforced: bool = True,
        partial: bool = False,
        check: Sequence[State] | str | None = None,
    ) -> dict[str, Any]:
        """Judge what the run found, write the verdict rows, and return what the ledger adds to the result row."""
        now, run_id = datetime.fromisoformat(common["TimeGenerated"]), str(common["Run_id"])
        before = self.remembered.get(name)
        if isinstance(found, str) and found in {*ENDED_OUTCOMES, Outcome.VANISHED}:
            assert before is not None, f"{name} was never there"
            told = found in ENDED_OUTCOMES
            removal = Removal(now, found == Outcome.LEFT, "Azure", "ResourceNotFound") if told else None
            after = judge_absent(before, removal, run_id=run_id, started_at=now, partial_run=False, record=None)
        else:
            evidence = _evidence(name, found, run_id, now, enforced=enforced)
            if evidence.guard is not None and name in self.exempted:
                evidence.guard = replace(evidence.guard, exemptions=(_exemption(name, self.exempted[name]),))
            if evidence.states is not None:
                evidence.states = replace(evidence.states, withheld=self.withheld.get(name, 0))
            evidence.checks_are_known = True
            if check is not None:
                _note_check(evidence, name, check)
            after = judge(before, _registered(name, *self.plans.get(name, ())), evidence, record=None, declared=None)
        facts = self.remembered[name] = AlarmBook(named_alarms=0, now=now).update(after)
        read = None if isinstance(found, str) else now
        is_checked = check is not None and not isinstance(check, str)
        checked = now if is_checked else None
        publication = Publication(run_id, now, None, read_at=read, checked_at=checked, plans=self.settled)
        rows = verdict_rows(facts, publication)
        self.workspace.insert("PolicyVerdicts_CL", rows)
        return result_columns(facts, publication) | ({"Partial_run_verdicts": len(rows)} if partial else {})

    def upload_result(
        self, common: Mapping[str, Any], name: str, found: Sequence[State] | str, *, shouting: bool = False, **more: Any
    ) -> None:
        states = [] if isinstance(found, str) else found
        row = {
            **common,
            "Application_id": application_id(name),
            "Application_name": name,
            "Customer_subscription_id": subscription_of(name),
            "Outcome": found if isinstance(found, str) else ("Succeeded" if states else "NoStates"),
            "States": sum(state.count for state in states),
            "Noncompliant_states": sum(state.compliance == "NonCompliant" for state in states),
            **more,
        }
        self.workspace.insert("PolicyCollectionResults_CL", [_shouted(row) if shouting else row])


def _state_row(common: Mapping[str, Any], name: str, state: State) -> dict[str, Any]:
    scope = f"/subscriptions/{subscription_of(name)}/resourceGroups/mrg-{name}"
    assignment = f"{scope}/providers/microsoft.authorization/policyassignments/{state.assignment}".lower()
    row = {
        **common,
        "Application_id": application_id(name),
        "Application_name": name,
        "Customer_name": f"Customer {name}",
        "Customer_subscription_id": subscription_of(name),
        "Policy_assignment_id": assignment,
        "Policy_assignment_name": state.assignment,
        "Policy_assignment_display_name": f"The {state.assignment}",
        "Policy_definition_id": f"{POLICIES}/{state.definition}",
        "Policy_definition_reference_id": state.reference or None,
        "Resource_id": f"{scope}/providers/Microsoft.Compute/virtualMachines/{state.resource}"
        if state.resource
        else None,
        "Compliance_state": state.compliance,
        "Is_compliant": VERDICTS.get(state.compliance),
        "Resource_count": state.count,
    }
    if state.assignment != CHECK:
        return row
    of_check = {
        "Policy_assignment_id": check_id(scope, CHECK),
        "Policy_definition_id": definition_id(CHECK),
        "Judged_by": JudgedBy.PUBLISHER_CHECK.value,
    }
    return row | of_check | ({"Reason": REASON} if state.compliance == "NonCompliant" else {})


def _note_check(evidence: Evidence, name: str, found: Sequence[State] | str) -> None:
    """Add to the evidence what the check CHECK found, or why it found nothing."""
    states = [] if isinstance(found, str) else [replace(one, assignment=CHECK) for one in found]
    row = _state_row({}, name, State("", assignment=CHECK))
    key = row["Policy_assignment_id"]
    one = AssignmentEvidence(key, CHECK, f"The {CHECK}", row["Policy_definition_id"])
    for state in states:
        resource = str(_state_row({}, name, state)["Resource_id"]).lower()
        _take(one, state, StateKey("", one.definition_id, resource), evidence.started_at)
    failure = CheckFailure(Outcome(found), "Code", "message") if isinstance(found, str) else None
    evidence.checks[key] = CheckEvidence(one, failure)
    if failure is None:
        evidence.check_states = StatesUpload(evidence.run_id, evidence.started_at, len(states))


def _shouted(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.upper() if name.endswith("_id") and isinstance(value, str) and name != "Run_id" else value
        for name, value in row.items()
    }


def states_of(count: int, state: State) -> list[State]:
    """Return as many states like this one, each of a resource of its own."""
    return [replace(state, resource=f"{state.resource}-{number}") for number in range(count)]


def _counted(applications: Mapping[str, Sequence[State] | str]) -> int:
    """Return how many applications a run counts: those that have left are told and not counted."""
    return sum(not (isinstance(found, str) and found in ENDED_OUTCOMES) for found in applications.values())


def _registered(name: str, plan_name: str = "", plan_version: str = "") -> ManagedApplication:
    return ManagedApplication(
        ApplicationId.parse(application_id(name)),
        ResourceGroupId(subscription_of(name), f"mrg-{name}"),
        f"Customer {name}",
        provisioning_state="Succeeded",
        plan_name=plan_name,
        plan_version=plan_version,
    )


def _exemption(name: str, expires_at: datetime | None) -> Exemption:
    assignment = str(_state_row({}, name, State("Exempt"))["Policy_assignment_id"])
    return Exemption(
        f"{assignment}/exemptions/x", assignment, (), category="Waiver", expires_at=expires_at, created_by="grace"
    )


def _evidence(name: str, found: Sequence[State] | str, run_id: str, now: datetime, *, enforced: bool) -> Evidence:
    if isinstance(found, str):
        return Evidence(run_id, now, Outcome(found), "Code", "message")
    outcome = Outcome.SUCCEEDED if found else Outcome.NO_STATES
    assert outcome in READ_OUTCOMES
    evidence = Evidence(run_id, now, outcome, complete=True, states=StatesUpload(run_id, now, len(found)))
    for state in found:
        row = _state_row({}, name, state)
        key = row["Policy_assignment_id"]
        one = evidence.assignments.setdefault(
            key, AssignmentEvidence(key, state.assignment, f"The {state.assignment}", row["Policy_definition_id"])
        )
        _take(
            one,
            state,
            StateKey(state.reference.lower(), row["Policy_definition_id"], (row["Resource_id"] or "").lower()),
            now,
        )
    guards = {
        key: ExpectedAssignment(key, "", "", "", Posture(disabled=(), enforced=enforced))
        for key in evidence.assignments
    }
    evidence.guard = GuardReading(now, guards, exemptions=())
    return evidence


def _take(one: AssignmentEvidence, state: State, key: StateKey, now: datetime) -> None:
    if state.compliance == "NonCompliant":
        one.noncompliant[key] = now
    elif state.compliance == "Compliant":
        one.compliant[key] = now
        one.compliant_states += state.count
    elif state.compliance == "Exempt":
        one.exempt.add(key)
        one.exempt_states += state.count
    else:
        one.other.add(key)
        one.undecided_states += state.count
