"""One application's story for the judge: what Azure shows at a time, and what the ledger remembers after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from publisher.resource_ids import ApplicationId, ResourceGroupId, fold
from registry.managed_application import Exemption, ExpectedAssignment, ManagedApplication, Posture, Removal
from verdicts.control import RunRecord
from verdicts.derive import Verdict, held_of, verdict_of
from verdicts.evidence import AssignmentEvidence, Evidence, GuardReading
from verdicts.facts import ApplicationFacts, AssignmentFacts, HeldReason, StateKey, StatesUpload
from verdicts.guard.declared import Declared, plan_key
from verdicts.judging.departures import judge_absent
from verdicts.judging.judge import judge
from verdicts.outcome import Outcome

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CUSTOMER = "11111111-1111-4111-8111-111111111111"
APPLICATION = ApplicationId.parse(
    f"/subscriptions/{CUSTOMER}/resourceGroups/apps/providers/Microsoft.Solutions/applications/Shop"
)
GROUP = ResourceGroupId(CUSTOMER, "Shop-managed")
DEFINITION = "/providers/microsoft.authorization/policydefinitions/storage"


def assignment_id(name: str, group: ResourceGroupId = GROUP) -> str:
    return f"{group}/providers/Microsoft.Authorization/policyAssignments/{name}"


def resource(name: str, group: ResourceGroupId = GROUP) -> str:
    return fold(f"{group}/providers/Microsoft.Storage/storageAccounts/{name}")


def state(name: str) -> StateKey:
    return StateKey("", DEFINITION, resource(name))


def expected(name: str = "baseline", group: ResourceGroupId = GROUP, **posture: Any) -> ExpectedAssignment:
    """An assignment of one definition, whose effect could be read."""
    return ExpectedAssignment(
        assignment_id(name, group), f"The {name}", DEFINITION, "", Posture(**{"disabled": (), **posture})
    )


def application(**fields: Any) -> ManagedApplication:
    known: dict[str, Any] = {
        "plan_publisher": "contoso",
        "plan_product": "shop",
        "plan_name": "gold",
        "plan_version": "1.0.0",
        "provisioning_state": "Succeeded",
        "assignments": (expected(),),
        "exemptions": (),
        "assignments_read_at": START - HOUR,
    }
    return ManagedApplication(APPLICATION, fields.pop("group", GROUP), "Contoso Ltd", **{**known, **fields})


def declared(*assignments: ExpectedAssignment, version: str = "1.0.0") -> Declared:
    plan = plan_key(application(plan_version=version))
    by_name = {fold(one.id.rpartition("/")[2]): one for one in assignments}
    named = {name: replace(one, id=name) for name, one in by_name.items()}
    return Declared(plan, named, START - DAY, "Ada", "as shipped")


def read(
    name: str = "baseline",
    *,
    noncompliant: Mapping[str, datetime | None] | Iterable[str] = (),
    compliant: Mapping[str, datetime | None] | Iterable[str] = (),
    exempt: Iterable[str] = (),
    other: Iterable[str] = (),
    manual: int = 0,
    overflow: bool = False,
    group: ResourceGroupId = GROUP,
) -> AssignmentEvidence:
    """What a read has of one assignment: names of resources, with their evaluation times where these matter."""
    wrong, right = (
        {state(key): moment for key, moment in (dict(one) if isinstance(one, Mapping) else dict.fromkeys(one)).items()}
        for one in (noncompliant, compliant)
    )
    excused, others = {state(key) for key in exempt}, {state(key) for key in other}
    return AssignmentEvidence(
        fold(assignment_id(name, group)),
        name,
        f"The {name}",
        DEFINITION,
        noncompliant=wrong,
        compliant=right,
        exempt=excused,
        other=others,
        overflow=overflow,
        compliant_states=len(right),
        exempt_states=len(excused),
        manual_states=manual,
        undecided_states=len(others),
    )


@dataclass
class Story:
    """Runs over one application, an hour apart unless `later` says otherwise."""

    application: ManagedApplication = field(default_factory=application)
    declared: Declared | None = None
    record: RunRecord | None = None
    facts: ApplicationFacts | None = None
    now: datetime = START
    runs: int = 0

    def later(self, by: timedelta) -> Story:
        self.now += by
        return self

    def evidence(self, *found: AssignmentEvidence, **fields: Any) -> Evidence:
        known: dict[str, Any] = {
            "outcome": Outcome.SUCCEEDED,
            "complete": True,
            "states": StatesUpload("run-1", START, 1, "fingerprint"),
        }
        return Evidence(f"run-{self.runs}", self.now, **{**known, **fields}, assignments={one.id: one for one in found})

    def run(self, *found: AssignmentEvidence, guard: GuardReading | str | None = "intact", **fields: Any) -> Story:
        """A run that read everything, and that found every listed assignment as the registry has it."""
        self.now += HOUR
        self.runs += 1
        reading = self.reading(*(self.application.assignments or ())) if isinstance(guard, str) else guard
        evidence = self.evidence(*found, guard=reading, **fields)
        self.facts = judge(self.facts, self.application, evidence, record=self.record, declared=self.declared)
        return self

    def fails(self, outcome: Outcome = Outcome.FAILED, *found: AssignmentEvidence, **fields: Any) -> Story:
        """A run whose read broke off."""
        return self.run(*found, guard=None, outcome=outcome, complete=False, states=None, **fields)

    def is_missing(self, removal: Removal | None = None, *, partial_run: bool = False) -> Story:
        """A run in which the registry has no active row of the application."""
        self.now += HOUR
        self.runs += 1
        self.facts = judge_absent(
            self.known,
            removal,
            run_id=f"run-{self.runs}",
            started_at=self.now,
            partial_run=partial_run,
            record=self.record,
        )
        return self

    def reading(
        self,
        *listed: ExpectedAssignment,
        missing: Mapping[str, bool] | None = None,
        exemptions: tuple[Exemption, ...] = (),
    ) -> GuardReading:
        return GuardReading(
            self.now,
            {fold(one.id): one for one in listed},
            {fold(assignment_id(name)): sure for name, sure in (missing or {}).items()},
            exemptions,
        )

    def become(self, **fields: Any) -> Story:
        self.application = replace(self.application, **fields)
        return self

    def complete_run_was(self) -> Story:
        """The run that just ended read everybody."""
        self.record = RunRecord(f"run-{self.runs}", self.now, 0)
        return self

    @property
    def known(self) -> ApplicationFacts:
        assert self.facts is not None
        return self.facts

    def assignment(self, name: str = "baseline", group: ResourceGroupId = GROUP) -> AssignmentFacts:
        return self.known.assignments[fold(assignment_id(name, group))]

    def open(self, name: str = "baseline") -> set[str]:
        """Names of the resources that violate an assignment."""
        return {key.key.resource_id.rpartition("/")[2] for key in self.assignment(name).open}

    def verdict(self, name: str = "baseline") -> Verdict:
        return verdict_of(self.known, self.assignment(name))

    def held(self, name: str = "baseline") -> HeldReason | None:
        held = held_of(self.known, self.assignment(name))
        return held.reason if held else None


def violated(*resources: str, **fields: Any) -> Story:
    """A story that began with resources read as NonCompliant, evaluated at the start."""
    story = Story(application(**fields)) if fields else Story()
    return story.run(read(noncompliant=dict.fromkeys(resources or ("disk",), START)))


def later_evaluation(story: Story) -> datetime:
    return story.now + timedelta(minutes=30)


def removal(story: Story, *, confirmed: bool) -> Removal:
    return Removal(story.now, confirmed, "Azure", "deleted" if confirmed else "")
