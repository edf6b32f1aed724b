"""The rule that tells who is out of compliance, over the rows that runs leave behind."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import AlertRule
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet, State, application_id, bad, good, states_of, summarised

Noncompliant = Callable[[], dict[tuple[str, str], float]]


@pytest.fixture
def noncompliant(fired: Callable[..., dict[tuple[str, ...], float]]) -> Noncompliant:
    """What fires now: number of non-compliant states by (application, assignment)."""

    def evaluate() -> dict[tuple[str, str], float]:
        return {
            (name, assignment): value for (_, name, assignment, *_), value in fired("application-noncompliant").items()
        }

    return evaluate


def test_one_bad_resource_among_hundreds_fires_for_its_assignment(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(alpha=[*states_of(300, good()), bad("odd-one-out")], beta=states_of(3, good()))

    assert noncompliant() == {("alpha", "The baseline"): 1}


def test_a_notification_names_customer_application_and_assignment(
    fleet: Fleet, fired: Callable[..., dict[tuple[str, ...], float]]
) -> None:
    fleet.run(alpha=[bad()])

    [(customer, name, assignment, application, assignment_id)] = fired("application-noncompliant")
    assert (customer, name, assignment) == ("Customer alpha", "alpha", "The baseline")
    assert application == application_id("alpha").lower()
    assert assignment_id.endswith("/providers/microsoft.authorization/policyassignments/baseline")


def test_every_assignment_alerts_by_itself(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(alpha=[bad("a"), bad("b"), bad("a", assignment="tls"), good("a", assignment="backup")])

    assert noncompliant() == {("alpha", "The baseline"): 2, ("alpha", "The tls"): 1}


@pytest.mark.parametrize(
    "compliance", ["Compliant", "Exempt", "Unknown", "Error", "Conflict", "Protected", "Invented", ""]
)
def test_only_noncompliant_states_fire(fleet: Fleet, noncompliant: Noncompliant, compliance: str) -> None:
    fleet.run(alpha=[State(compliance)])

    assert noncompliant() == {}


def test_nothing_fires_over_empty_tables(workspace: Workspace, noncompliant: Noncompliant) -> None:
    assert noncompliant() == {}


def test_a_repaired_resource_is_silent_with_the_next_run(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=1, alpha=[bad(), good("other")])
    fleet.run(alpha=[good(), good("other")])

    assert noncompliant() == {}


def test_an_application_whose_states_are_all_gone_is_silent(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=1, alpha=[bad()])
    fleet.run(alpha=[])

    assert noncompliant() == {}


def test_a_repeated_upload_counts_once(fleet: Fleet, workspace: Workspace, noncompliant: Noncompliant) -> None:
    run_id = fleet.run(alpha=[bad("a"), bad("b")])
    again = {"TimeGenerated": NOW.isoformat(), "Run_id": run_id}
    fleet.upload_states(again, "alpha", [bad("a"), bad("b")])
    fleet.upload_result(again, "alpha", [bad("a"), bad("b")])
    workspace.insert("PolicyCollectionRuns_CL", [{**again, "Applications": 1}])

    assert noncompliant() == {("alpha", "The baseline"): 2}


def test_one_definition_under_two_references_is_two_states(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(alpha=[bad(reference="1479"), bad(reference="1679"), bad(definition="other")])

    assert noncompliant() == {("alpha", "The baseline"): 3}


def test_ids_are_compared_whatever_their_case(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=1, alpha=[bad("a")], beta=[bad("b")])
    run_id = fleet.run(shouting=True, alpha=[bad("a")], beta=[good("b")])
    fleet.upload_states({"TimeGenerated": NOW.isoformat(), "Run_id": run_id}, "alpha", [bad("a")])

    assert noncompliant() == {("alpha", "The baseline"): 1}


def test_a_read_that_failed_neither_hides_nor_resolves(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=1, alpha=[bad()], beta=[good()])
    fleet.run(alpha="AccessDenied", beta=[good()])

    assert noncompliant() == {("alpha", "The baseline"): 1}


def test_access_revoked_for_a_day_and_a_half_does_not_resolve(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=36, alpha=[bad()])
    for hours_ago in range(35, -1, -1):
        fleet.run(hours_ago=hours_ago, alpha="AccessDenied")

    assert noncompliant() == {("alpha", "The baseline"): 1}


def test_a_run_that_failed_as_a_whole_changes_nothing(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=1, alpha=[bad()], beta=[good()])
    fleet.run(completed=False, alpha="Failed", beta="Failed")

    assert noncompliant() == {("alpha", "The baseline"): 1}


def test_states_without_a_result_are_not_judged(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=1, alpha=[bad()])
    in_progress = {"TimeGenerated": NOW.isoformat(), "Run_id": "in-progress"}
    fleet.upload_states(in_progress, "alpha", [good()])

    assert noncompliant() == {("alpha", "The baseline"): 1}


def test_half_uploaded_states_are_not_judged(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=1, alpha=[bad("a"), bad("b")])
    run_id = fleet.run(alpha="UploadFailed")
    fleet.upload_states({"TimeGenerated": NOW.isoformat(), "Run_id": run_id}, "alpha", [bad("a")])

    assert noncompliant() == {("alpha", "The baseline"): 2}


def test_a_run_in_progress_is_judged_application_by_application(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=1, alpha=[bad()], beta=[bad()])
    fleet.run(completed=False, alpha=[good()])

    assert noncompliant() == {("beta", "The baseline"): 1}


def test_a_single_application_collected_by_hand_is_judged_at_once(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=1, alpha=[good()], beta=[bad()])
    fleet.run(completed=False, alpha=[bad()])

    assert noncompliant() == {("alpha", "The baseline"): 1, ("beta", "The baseline"): 1}


def test_a_customer_who_left_is_silent_with_the_next_completed_run(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=2, alpha=[bad()], beta=[good()])
    fleet.run(hours_ago=1, completed=False, beta=[good()])
    assert noncompliant() == {("alpha", "The baseline"): 1}

    fleet.run(beta=[good()])
    assert noncompliant() == {}


def test_the_last_customer_who_left_is_silent_too(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(hours_ago=1, alpha=[bad()])
    fleet.run()

    assert noncompliant() == {}


def test_summarised_rows_are_compliant_and_hide_nothing(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(alpha=[summarised(280), bad()], beta=[summarised(300), summarised(4, assignment="tls")])

    assert noncompliant() == {("alpha", "The baseline"): 1}


def test_a_summarised_violation_counts_its_resources(fleet: Fleet, noncompliant: Noncompliant) -> None:
    fleet.run(alpha=[State("NonCompliant", "", count=3), bad("one-more")])

    assert noncompliant() == {("alpha", "The baseline"): 4}


def test_an_alert_survives_failed_runs_and_resolves_when_repaired(
    fleet: Fleet, workspace: Workspace, rules: dict[str, AlertRule]
) -> None:
    rule = rules["application-noncompliant"]
    evaluator = AlertEvaluator([rule], workspace)
    told = []

    def evaluate(minutes: int) -> None:
        told.extend(notification.condition for notification in evaluator.evaluate(NOW + timedelta(minutes=minutes)))

    fleet.run(hours_ago=1, alpha=[bad()])
    evaluate(minutes=-30)
    fleet.run(alpha="Throttled")
    evaluate(minutes=1)
    fleet.run(hours_ago=-1, completed=False, alpha="Failed")
    evaluate(minutes=61)
    assert told == ["Fired"]

    fleet.run(hours_ago=-2, alpha=[good()])
    evaluate(minutes=121)
    assert told == ["Fired"]
    evaluate(minutes=151)
    assert told == ["Fired", "Resolved"]


def test_the_query_of_the_older_sample_still_runs(fleet: Fleet, workspace: Workspace) -> None:
    fleet.run(alpha=[bad()], beta=[good(assignment="tls")])

    rows = workspace.query(
        "PolicyComplianceStates_CL | summarize arg_max(TimeGenerated,*) by Policy_assignment_id | where Is_compliant==false"
    )
    assert [row["Policy_assignment_name"] for row in rows] == ["baseline"]
