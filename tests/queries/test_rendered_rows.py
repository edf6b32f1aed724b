"""The rules over rows that are rendered from the ledger's own facts, and the notation of these tests beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from publisher.resource_ids import fold
from registry.managed_application import Exemption, ExpectedAssignment, Posture
from sandbox.workspace.workspace import Workspace
from tests.queries.conftest import Fired, Names
from tests.queries.fleet import NOW, application_id, subscription_of
from tests.queries.published import RESULTS, VERDICTS, result, unread, verdict, violated
from verdicts.alarms import AlarmBook
from verdicts.control import Snooze
from verdicts.facts import (
    Acceptance,
    AlarmKind,
    ApplicationFacts,
    AssignmentFacts,
    AssignmentGuard,
    Departure,
    GuardState,
    OpenKey,
    StateKey,
    Unread,
)
from verdicts.outcome import Outcome
from verdicts.publication import Publication
from verdicts.rows import heartbeat_rows, result_columns, result_row_of_ledger, verdict_rows

EARLIER = NOW - timedelta(days=3)
GROUP = f"/subscriptions/{subscription_of('alpha')}/resourceGroups/mrg-alpha"
ASSIGNMENT_ID = fold(f"{GROUP}/providers/Microsoft.Authorization/policyAssignments/baseline")
VIOLATION = OpenKey(StateKey("", "/d", fold(f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm")), EARLIER)
BASELINE = ExpectedAssignment(ASSIGNMENT_ID, "", "/d", "", Posture())
INTACT = AssignmentGuard(BASELINE, state=GuardState.INTACT, since=EARLIER, seen=BASELINE)
WEAKENED = replace(INTACT, state=GuardState.WEAKENED, details=("DoNotEnforce",))
SOUND = AssignmentFacts(ASSIGNMENT_ID, "baseline", EARLIER, EARLIER, decided=True, guard=INTACT)


def facts(assignment: AssignmentFacts = SOUND, **changes: Any) -> ApplicationFacts:
    known = ApplicationFacts(
        application_id("alpha"),
        subscription_of("alpha"),
        GROUP,
        EARLIER,
        "alpha",
        "Customer alpha",
        "standard",
        "1.0.0",
        applied_run="run",
        applied_at=EARLIER,
        changed_at=EARLIER,
        assignments={assignment.id: assignment},
        last_read=NOW,
    )
    return replace(known, **changes)


def alarmed(known: ApplicationFacts, at: datetime = NOW) -> ApplicationFacts:
    return AlarmBook(named_alarms=0, now=at).update(known)


def publish(
    workspace: Workspace, known: ApplicationFacts, *, at: datetime = NOW, snoozes: tuple[Snooze, ...] = ()
) -> None:
    publication = Publication("publication", at, None, snoozes=snoozes)
    workspace.insert(VERDICTS, verdict_rows(known, publication))
    row = result_row_of_ledger(known, publication)
    workspace.insert(RESULTS, [row] if row else [])
    for table, heartbeat in heartbeat_rows(publication).items():
        workspace.insert(table, [heartbeat])


VIOLATED = replace(SOUND, open=(VIOLATION,))
WEAK = replace(SOUND, guard=WEAKENED)
UNDECIDED = replace(SOUND, undecided_since=EARLIER)
WAIVER = Exemption("/e", ASSIGNMENT_ID, category="Waiver", created_by="ada", display_name="agreed")
DENIED = Unread(EARLIER, 3, Outcome.ACCESS_DENIED, "AuthorizationFailed", "no authorization")
DEPARTED = Departure(Outcome.LEFT_UNCONFIRMED, EARLIER, "denied since")
FINDINGS = {
    "application-noncompliant": facts(VIOLATED),
    "guard-changed": facts(WEAK),
    "guard-noticed": facts(exemptions=(WAIVER,)),
    "assignment-undecided": facts(UNDECIDED),
    "application-unread": facts(unread=DENIED),
    "application-left-unconfirmed": facts(departure=DEPARTED),
}


@pytest.mark.parametrize(("rule", "found"), FINDINGS.items(), ids=FINDINGS)
def test_each_finding_fires_its_rule_and_no_other(
    workspace: Workspace, fired: Fired, rule: str, found: ApplicationFacts
) -> None:
    publish(workspace, alarmed(found))

    assert [name for name in FINDINGS if fired(name)] == [rule]
    [(customer, application, plan, *_)] = fired(rule)
    assert (customer, application, plan) == ("Customer alpha", "alpha", "standard 1.0.0")


@pytest.mark.parametrize(("rule", "found"), FINDINGS.items(), ids=FINDINGS)
def test_what_is_over_closes_and_its_words_do_not_change_before(
    workspace: Workspace, fired: Fired, rule: str, found: ApplicationFacts
) -> None:
    opened = alarmed(found, NOW - timedelta(hours=5))
    publish(workspace, opened, at=NOW - timedelta(hours=5))
    first = fired(rule)
    renamed = alarmed(replace(opened, customer_name="Alpha Limited", plan_version="2.0.0"))
    publish(workspace, renamed, at=NOW - timedelta(hours=4))
    assert fired(rule).keys() == first.keys()

    over = alarmed(facts(label=opened.label, alarms=opened.alarms))
    publish(workspace, over, at=NOW)
    workspace.insert(RESULTS, [{**result("alpha").values, **result_columns(over, Publication("run", NOW, None))}])
    assert fired(rule) == {}


def test_an_acceptance_and_a_snooze_rest_until_their_end(workspace: Workspace, names: Names) -> None:
    until = NOW + timedelta(hours=3)
    accepted = replace(VIOLATED, open=(replace(VIOLATION, acceptance=Acceptance("ada", "planned", NOW, until)),))
    publish(workspace, alarmed(facts(accepted)))
    assert names("application-noncompliant") == []
    assert names("application-noncompliant", at=until) == ["alpha"]

    workspace.clear()
    publish(workspace, alarmed(facts(VIOLATED)), snoozes=(Snooze("standard", "1.0.0", until, "ada", "move"),))
    assert names("application-noncompliant") == []
    assert names("application-noncompliant", at=until) == ["alpha"]


def test_three_hundred_applications_share_the_causes_of_their_kinds(workspace: Workspace, fired: Fired) -> None:
    book = AlarmBook(named_alarms=0, now=NOW)
    for number in range(300):
        name = application_id(f"a{number}")
        known = replace(facts(VIOLATED, unread=DENIED), application_id=name, application_name=f"a{number}")
        publish(workspace, book.update(known))

    assert len(fired("application-noncompliant")) == len(fired("application-unread")) == 25
    assert sorted(fired("fleet-in-trouble").values()) == [275, 275]
    causes = sorted(fired("fleet-in-trouble"))
    assert [(cause.split(":")[0], plan) for cause, plan in causes] == [
        ("unread", "every plan"),
        ("violated", "standard 1.0.0"),
    ]


def test_the_notation_of_these_tests_has_the_columns_and_keys_of_the_ledger() -> None:
    everything = alarmed(facts(replace(VIOLATED, guard=WEAKENED), exemptions=(WAIVER,), unread=DENIED))
    publication = Publication("run", NOW, None)
    [rendered] = verdict_rows(everything, publication)
    written = violated("alpha", alarms=["guard", "notice"]).values
    assert written.keys() <= rendered.keys()
    kinds = {"Alarm_key", "Guard_alarm_key", "Notice_alarm_key", "Policy_assignment_id", "Verdict", "Label_plan"}
    assert {name: rendered[name] for name in kinds} == {name: written[name] for name in kinds}
    row = result_row_of_ledger(everything, publication)
    assert row is not None
    assert unread("alpha").values.keys() <= row.keys()
    assert row["Unread_alarm_key"] == unread("alpha").values["Unread_alarm_key"]
    assert verdict("alpha").values.keys() <= rendered.keys()
    assert set(everything.assignments[ASSIGNMENT_ID].alarms) == {
        AlarmKind.NONCOMPLIANT,
        AlarmKind.GUARD,
        AlarmKind.NOTICE,
    }
