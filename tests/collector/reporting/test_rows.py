"""The row builders against the tables' own declarations, and what a policy state's odd values become."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from msgspec.structs import astuple

from collector.reporting.outcomes import ApplicationResult, Run, RunSummary
from collector.reporting.rows import StateRows, definition_rows, resource_columns, result_row, run_row, state_row
from collector.reporting.states import Assignment, Sighting, is_compliant
from publisher.policy_states import state as parts
from publisher.policy_states.state import state_of
from publisher.resource_ids import ApplicationId, ResourceGroupId
from registry.managed_application import ExpectedAssignment, ManagedApplication
from sandbox.workspace.schema import read_tables
from verdicts.evidence import Evidence
from verdicts.judging.judge import judge
from verdicts.outcome import Outcome
from verdicts.publication import Publication
from verdicts.rows import result_columns

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/mrg-Contoso"
ASSIGNMENT = f"{GROUP}/providers/Microsoft.Authorization/policyAssignments/Secure-Transfer"
DEFINITION = "/providers/Microsoft.Authorization/policyDefinitions/404C3081-A854"
RUN = Run("run-1", datetime(2026, 5, 4, 3, 2, 1, 987_654, tzinfo=UTC), "test")
APPLICATION = ManagedApplication(
    application_id=ApplicationId.parse(
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-Contoso/providers/Microsoft.Solutions/applications/Shop"
    ),
    managed_resource_group_id=ResourceGroupId.parse(GROUP),
    customer_name="Contoso Ltd",
    plan_name="standard",
    plan_version="2.1.0",
    assignments=(ExpectedAssignment(ASSIGNMENT, "Secure transfer", DEFINITION, "Storage needs HTTPS"),),
)
STATE = {
    "timestamp": "2026-05-03T22:10:09Z",
    "resourceId": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/Data1",
    "resourceType": "/Microsoft.Storage/storageAccounts",
    "resourceLocation": "westeurope",
    "complianceState": "NonCompliant",
    "policyAssignmentId": ASSIGNMENT,
    "policyAssignmentName": "Secure-Transfer",
    "policyAssignmentScope": GROUP,
    "policyDefinitionId": DEFINITION,
    "policyDefinitionName": "404C3081-A854",
    "policyDefinitionAction": "audit",
    "policyDefinitionReferenceId": "",
    "policySetDefinitionId": "",
}


def row_of(state: dict[str, Any], application: ManagedApplication = APPLICATION) -> dict[str, Any]:
    fields = astuple(state_of(state))
    rows, sighting = StateRows(application, RUN), Sighting.of(fields[parts.RESOURCE])
    policy = rows.policy(
        rows.assignment(Assignment.of(fields[parts.ASSIGNMENT])), definition_rows(fields[parts.DEFINITION])
    )
    row: dict[str, Any] = orjson.loads(state_row(policy, resource_columns(sighting), fields[parts.TIME]))
    return row


INTERVAL = timedelta(hours=6)
EVIDENCE = Evidence(RUN.run_id, RUN.started_at, Outcome.NO_STATES, complete=True)
FACTS = judge(None, APPLICATION, EVIDENCE, record=None, declared=None)
PUBLICATION = Publication(RUN.run_id, RUN.started_at, None)
EXPIRES_AT = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN_ROW = run_row(RunSummary(RUN), "1.0.0", interval=INTERVAL, credential_expires_at=EXPIRES_AT)
ROWS = {
    "PolicyComplianceStates_CL": row_of(STATE),
    "PolicyCollectionResults_CL": result_row(
        ApplicationResult.of(APPLICATION), RUN, result_columns(FACTS, PUBLICATION), verdicts=3
    ),
    "PolicyCollectionRuns_CL": RUN_ROW,
}


@pytest.mark.parametrize("table", ROWS)
def test_rows_have_exactly_the_columns_that_their_table_declares(table: str) -> None:
    assert sorted(ROWS[table]) == sorted(column.name for column in read_tables()[table].columns)


def test_a_run_row_says_when_the_next_one_is_late_and_when_the_credential_expires() -> None:
    assert RUN_ROW["Due_by"] == "2026-05-04T16:32:01.987Z", "two intervals of six hours and 90 minutes"
    assert RUN_ROW["Credential_expires_at"] == "2027-01-02T03:04:05.000Z"
    assert run_row(RunSummary(RUN), "1", interval=INTERVAL)["Credential_expires_at"] is None


def test_a_state_row_names_customer_policy_and_resource_as_people_know_them() -> None:
    row = row_of(STATE)

    assert row["TimeGenerated"] == "2026-05-04T03:02:01.987Z"
    assert row["Application_id"] == str(APPLICATION.application_id)
    assert row["Managed_resource_group_id"] == GROUP, "ids of the application keep ARM's casing"
    assert row["Policy_assignment_id"] == ASSIGNMENT.lower(), "policy ids are stored lower-cased"
    assert row["Policy_assignment_display_name"] == "Secure transfer"
    assert row["Policy_definition_display_name"] == "Storage needs HTTPS"
    assert row["Policy_definition_reference_id"] is None
    assert row["Policy_set_definition_id"] is None
    assert row["Resource_type"] == "Microsoft.Storage/storageAccounts"
    assert row["Is_compliant"] is False
    assert row["Evaluated_at"] == STATE["timestamp"]


def test_an_unknown_display_name_gives_way_to_the_name() -> None:
    row = row_of(STATE, replace(APPLICATION, assignments=None))

    assert row["Policy_assignment_display_name"] == "Secure-Transfer"
    assert row["Policy_definition_display_name"] is None


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("Compliant", True),
        ("Exempt", True),
        ("NonCompliant", False),
        ("Unknown", None),
        ("Error", None),
        ("Conflict", None),
        ("Protected", None),
        ("NotApplicable", None),
        ("", None),
        (None, None),
    ],
)
def test_only_compliant_and_exempt_count_as_compliant(state: str | None, verdict: bool | None) -> None:
    assert is_compliant(state) is verdict


def test_a_state_with_fields_of_the_wrong_type_becomes_text() -> None:
    document = {"resourceId": 17, "resourceLocation": None, "policyDefinitionAction": {"a": 1}}

    row = row_of(document)

    assert row["Resource_id"] == "17"
    assert row["Resource_location"] is None
    assert row["Policy_effect"] == '{"a": 1}'


def test_half_a_surrogate_pair_does_not_cost_the_row() -> None:
    row = row_of({**STATE, "resourceId": "a\ud800b", "policyAssignmentName": "c\udc00d"})

    assert (row["Resource_id"], row["Policy_assignment_name"]) == ("a\ufffdb", "c\ufffdd")
