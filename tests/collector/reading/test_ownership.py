"""Which assignments an application owns, and at which scopes the query asks for their states."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from collector.reading.ownership import assignments_with_states, owned_scopes
from publisher.policy_states.ownership import is_owned
from publisher.resource_ids import assignment_scope
from registry.managed_application import ExpectedAssignment, Posture
from tests.collector.reporting.test_rows import APPLICATION, ASSIGNMENT, GROUP, SUBSCRIPTION
from verdicts.evidence import Evidence
from verdicts.facts import ApplicationFacts
from verdicts.judging.judge import judge
from verdicts.outcome import Outcome


def test_scopes_inside_the_managed_resource_group_are_asked_for_too() -> None:
    inner = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/o'neil"
    assignment = ExpectedAssignment(f"{inner}/providers/Microsoft.Authorization/policyAssignments/one", "", "", "")

    application = replace(APPLICATION, assignments=(assignment, *(APPLICATION.assignments or ())))

    assert owned_scopes(application) == [GROUP, inner]


@pytest.mark.parametrize(
    ("scope", "owned"),
    [
        (GROUP, True),
        (GROUP.upper(), True),
        (GROUP.lower().replace("resourcegroups", "RESOURCEGROUPS"), True),
        (f"{GROUP}/providers/Microsoft.Web/sites/shop", True),
        (f"{GROUP}2", False),
        (f"/subscriptions/{SUBSCRIPTION}", False),
        ("/providers/Microsoft.Management/managementGroups/contoso", False),
        (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other", False),
    ],
)
def test_an_application_owns_the_assignments_at_and_inside_its_group(scope: str, owned: bool) -> None:
    assert is_owned(scope, None, GROUP) is owned
    assert is_owned(None, f"{scope}/providers/Microsoft.Authorization/policyAssignments/a", GROUP) is owned


@pytest.mark.parametrize(
    "scope", ["", "mrg", "/", "/subscriptions/", "/subscriptions/1\ufffd", f"{GROUP}\ufffd", "/providers/x"]
)
def test_nobody_can_tell_whose_an_assignment_is_when_its_scope_cannot_be_read(scope: str) -> None:
    assert is_owned(scope, f"{scope}/providers/Microsoft.Authorization/policyAssignments/a", GROUP) is None
    assert is_owned(GROUP, f"{scope}/providers/Microsoft.Authorization/policyAssignments/a", GROUP) is None
    assert is_owned(scope, ASSIGNMENT, GROUP) is True


def test_a_state_that_names_no_assignment_is_not_dropped() -> None:
    assert is_owned(None, None, GROUP)
    assert is_owned("", "", GROUP)


def test_the_scope_of_an_assignment_is_what_its_id_begins_with() -> None:
    assert assignment_scope(ASSIGNMENT) == GROUP
    assert assignment_scope("/providers/Microsoft.Authorization/policyAssignments/root") == ""
    assert assignment_scope("nonsense") == ""


def test_an_assignment_that_judges_nothing_by_its_baseline_need_not_have_states() -> None:
    (known,) = APPLICATION.assignments or ()
    excluded = replace(known, posture=Posture(not_scopes=(GROUP.lower(),)))
    enforced = replace(known, posture=Posture())
    registered = replace(APPLICATION, assignments=(excluded,))

    assert assignments_with_states(replace(APPLICATION, assignments=(enforced,)), None) == {ASSIGNMENT.lower()}
    assert assignments_with_states(registered, None) == frozenset()
    assert assignments_with_states(registered, facts_with(enforced)) == {ASSIGNMENT.lower()}, "the baseline counts"
    assert assignments_with_states(replace(APPLICATION, assignments=None), None) == frozenset()


def facts_with(baseline: ExpectedAssignment) -> ApplicationFacts:
    """What the ledger remembers of an application whose one assignment has this baseline."""
    now = datetime(2026, 3, 2, tzinfo=UTC)
    evidence = Evidence("run", now, Outcome.NO_STATES, complete=True)
    learned = replace(APPLICATION, assignments=(baseline,), provisioning_state="Succeeded")
    return judge(None, learned, evidence, record=None, declared=None)
