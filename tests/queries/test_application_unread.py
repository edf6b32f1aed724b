"""The rule that tells whom we could not read: unread is never the same as nothing there."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import AlertRule
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet, application_id, bad, good, subscription_of

Unread = Callable[[], set[str]]


@pytest.fixture
def unread(fired: Callable[..., dict[tuple[str, ...], float]]) -> Unread:
    """Names of the applications that fire now."""

    def evaluate() -> set[str]:
        return {name for _, name, _ in fired("application-unread")}

    return evaluate


@pytest.mark.parametrize(
    "outcome", ["AccessDenied", "NotFound", "Throttled", "Failed", "UploadFailed", "Skipped", "AnOutcomeOfTomorrow", ""]
)
def test_every_outcome_but_a_read_fires(fleet: Fleet, unread: Unread, outcome: str) -> None:
    fleet.run(alpha=outcome, beta=[good()])

    assert unread() == {"alpha"}


def test_an_application_that_was_read_is_silent_whatever_was_found(fleet: Fleet, unread: Unread) -> None:
    fleet.run(alpha=[bad()], beta=[good()], gamma=[])

    assert unread() == set()


def test_nothing_fires_over_empty_tables(workspace: Workspace, unread: Unread) -> None:
    assert unread() == set()


def test_a_notification_names_subscription_and_application(
    fleet: Fleet, fired: Callable[..., dict[tuple[str, ...], float]]
) -> None:
    fleet.run(alpha="AccessDenied")

    assert set(fired("application-unread")) == {(subscription_of("alpha"), "alpha", application_id("alpha").lower())}


def test_the_answer_tells_the_reason_and_the_last_read(
    fleet: Fleet, workspace: Workspace, rules: dict[str, AlertRule]
) -> None:
    fleet.run(hours_ago=3, alpha=[good()])
    run = {"TimeGenerated": NOW.isoformat(), "Run_id": "latest"}
    fleet.upload_result(run, "alpha", "AccessDenied", Error_code="AuthorizationFailed", Error_message="no role")
    workspace.insert("PolicyCollectionRuns_CL", [{**run, "Applications": 1}])

    [row] = workspace.query(rules["application-unread"].query)
    assert (row["Outcome"], row["Error_code"], row["Error_message"]) == (
        "AccessDenied",
        "AuthorizationFailed",
        "no role",
    )
    assert (row["Read_at"], row["Tried_at"]) == ("2026-03-10 09:00:00", "2026-03-10 12:00:00")


def test_a_later_read_makes_it_silent(fleet: Fleet, unread: Unread) -> None:
    fleet.run(hours_ago=1, alpha="AccessDenied")
    fleet.run(alpha=[good()])

    assert unread() == set()


def test_a_read_by_hand_makes_it_silent_at_once(fleet: Fleet, unread: Unread) -> None:
    fleet.run(hours_ago=1, alpha="AccessDenied", beta="NotFound")
    fleet.run(completed=False, alpha=[good()])

    assert unread() == {"beta"}


def test_an_earlier_read_does_not_excuse_the_latest_failure(fleet: Fleet, unread: Unread) -> None:
    fleet.run(hours_ago=1, alpha=[good()])
    fleet.run(alpha="Throttled")

    assert unread() == {"alpha"}


def test_a_run_that_failed_half_way_counts_for_what_it_reports(fleet: Fleet, unread: Unread) -> None:
    fleet.run(hours_ago=1, alpha=[good()], beta=[good()])
    fleet.run(completed=False, alpha="Failed")

    assert unread() == {"alpha"}


def test_a_repeated_upload_changes_nothing(fleet: Fleet, workspace: Workspace, unread: Unread) -> None:
    run_id = fleet.run(alpha="Failed", beta=[good()])
    again = {"TimeGenerated": NOW.isoformat(), "Run_id": run_id}
    fleet.upload_result(again, "alpha", "Failed")
    fleet.upload_result(again, "beta", [good()])
    workspace.insert("PolicyCollectionRuns_CL", [{**again, "Applications": 2}])

    assert unread() == {"alpha"}


def test_a_shard_that_ran_twice_was_read_if_one_of_the_two_read_it(fleet: Fleet, unread: Unread) -> None:
    run_id = fleet.run(alpha=[good()])
    fleet.upload_result({"TimeGenerated": NOW.isoformat(), "Run_id": run_id}, "alpha", "Failed")

    assert unread() == set()


def test_ids_are_compared_whatever_their_case(fleet: Fleet, unread: Unread) -> None:
    fleet.run(hours_ago=1, alpha="Failed", beta=[good()])
    fleet.run(shouting=True, alpha=[good()], beta=[good()])

    assert unread() == set()


def test_an_application_without_a_result_fires_when_others_have_one(fleet: Fleet, unread: Unread) -> None:
    fleet.run(hours_ago=1, alpha=[good()], beta=[good()])
    fleet.run(registered=2, beta=[good()])

    assert unread() == {"alpha"}


def test_an_application_stays_unread_as_long_as_it_has_no_result(fleet: Fleet, unread: Unread) -> None:
    fleet.run(hours_ago=6, alpha=[good()], beta=[good()])
    for hours_ago in range(5, -1, -1):
        fleet.run(hours_ago=hours_ago, registered=2, beta=[good()])

    assert unread() == {"alpha"}


def test_a_customer_who_left_before_is_not_taken_for_one_without_a_result(fleet: Fleet, unread: Unread) -> None:
    fleet.run(hours_ago=2, alpha=[good()], beta=[good()], gamma=[good()])
    fleet.run(hours_ago=1, alpha=[good()], beta=[good()])
    fleet.run(registered=2, beta=[good()])

    assert unread() == {"alpha"}


def test_a_new_customer_of_a_run_in_progress_is_not_taken_for_one_without_a_result(
    fleet: Fleet, unread: Unread
) -> None:
    fleet.run(hours_ago=2, alpha=[good()], beta=[good()])
    fleet.run(hours_ago=1, registered=2, beta=[good()])
    fleet.run(completed=False, newcomer=[good()])

    assert unread() == {"alpha"}


def test_a_customer_who_left_is_silent_with_the_next_completed_run(fleet: Fleet, unread: Unread) -> None:
    fleet.run(hours_ago=1, alpha="NotFound", beta=[good()])
    assert unread() == {"alpha"}

    fleet.run(beta=[good()])
    assert unread() == set()


def test_an_alert_resolves_when_the_application_is_read_again(
    fleet: Fleet, workspace: Workspace, rules: dict[str, AlertRule]
) -> None:
    evaluator = AlertEvaluator([rules["application-unread"]], workspace)
    told = []

    fleet.run(hours_ago=2, alpha="AccessDenied")
    told += evaluator.evaluate(NOW - timedelta(minutes=90))
    fleet.run(hours_ago=1, alpha="Throttled")
    told += evaluator.evaluate(NOW - timedelta(minutes=30))
    fleet.run(alpha=[good()])
    for minutes in (5, 35, 65):
        told += evaluator.evaluate(NOW + timedelta(minutes=minutes))

    assert [notification.condition for notification in told] == ["Fired", "Resolved"]
