"""What the publisher's own checks found is told with who judged it, and is no part of any figure of Azure Policy's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.observation import INFRASTRUCTURE, runnable
from compliance_api.workspace.saved_queries import EVERYBODY
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import QUERIES_DIRECTORY, read_rules
from sandbox.workspace.workspace import Workspace
from tests.queries import published
from tests.queries.fleet import CHECK, NOW, REASON, Fleet, State, application_id, bad, good

FIGURES = ("Applications", "Compliant", "Noncompliant", "Without_states", "Not_read", "Compliant_share")
STATES = ("Noncompliant_states", "Exempt_states", "Unknown_states")


@pytest.fixture
def answer(workspace: Workspace) -> Any:
    """Runs a saved query by name, narrowed to one application when it is named."""

    def run(name: str, only: str = "") -> list[dict[str, Any]]:
        query = (QUERIES_DIRECTORY / f"{name}.kql").read_text(encoding="utf-8")
        return workspace.query(query.replace(EVERYBODY, f'let Only = "{only and application_id(only)}";'))

    return run


@pytest.fixture
def workbook(workspace: Workspace) -> Any:
    def run(name: str) -> list[dict[str, Any]]:
        return workspace.query(runnable(INFRASTRUCTURE / "workbooks" / f"{name}.kql"))

    return run


def alarmed(workspace: Workspace, rule: str) -> set[tuple[str, str]]:
    """Application and assignment of every alert of a rule."""
    rules = [one for one in read_rules("PT1H") if one.name == rule]
    found = AlertEvaluator(rules, workspace).evaluate(NOW)
    return {(one.dimensions["Application"], one.dimensions["Assignment"]) for one in found}


def judged(rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {(row["Application_name"], row["Policy_assignment"]): row["Judged_by"] for row in rows}


def test_a_violated_check_changes_no_figure_of_azure_policy(fleet: Fleet, answer: Any, workbook: Any) -> None:
    fleet.run(hours_ago=2, alpha=[good()], beta=[bad()], gamma=[good()])

    def figures() -> list[Any]:
        [summary] = answer("fleet_summary")
        [plan] = answer("plans")
        listed = [
            (row["Application_name"], row["Compliance"], *(row[one] for one in STATES))
            for row in answer("applications")
        ]
        tiles = [(row["Title"], row["Value"]) for row in workbook("summary") if "checks" not in row["Title"]]
        return [
            [summary[one] for one in (*FIGURES, *STATES)],
            [plan[one] for one in ("Applications", "Compliant", "Noncompliant", "Noncompliant_states", "Compliant_share")],
            [[row[one] for one in FIGURES] for row in answer("fleet_history")][-1],
            sorted(listed),
            tiles,
        ]  # fmt: skip

    before = figures()
    fleet.run(
        hours_ago=1,
        alpha=[good()],
        beta=[bad()],
        gamma=[good()],
        checks={"alpha": [bad("nsg")], "gamma": [good("nsg")]},
    )

    assert figures() == before
    [summary] = answer("fleet_summary")
    of_checks = ("Checked", "With_check_violations", "With_doubtful_checks", "Check_violations")
    assert [summary[one] for one in of_checks] == [2, 1, 0, 1]
    rows = {row["Application_name"]: row for row in answer("applications")}
    assert {name: (row["Checks"], row["Check_violations"]) for name, row in rows.items()} == {
        "alpha": (1, 1),
        "beta": (0, 0),
        "gamma": (1, 0),
    }
    [plan] = answer("plans")
    assert [plan[one] for one in ("Checked", "With_check_violations", "Check_violations")] == [2, 1, 1]


def test_every_list_says_who_judges(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=2, alpha=[good(), bad("disk")], checks={"alpha": [bad("nsg")]})
    azure, check = ("alpha", "The baseline"), ("alpha", f"The {CHECK}")
    both = {azure: "AzurePolicy", check: "PublisherCheck"}

    assert judged(answer("assignments")) == both
    assert judged(answer("findings")) == both
    assert judged(answer("noncompliant_resources")) == both
    reasons = {row["Judged_by"]: row["Reason"] for row in answer("noncompliant_resources", "alpha")}
    assert reasons == {"AzurePolicy": "", "PublisherCheck": REASON}
    assert {row["Policy_assignment"]: row["Judged_by"] for row in answer("plan_assignments")} == {
        name: judge for (_, name), judge in both.items()
    }

    fleet.run(hours_ago=1, alpha=[good(), good("disk")], checks={"alpha": [good("nsg")]})
    assert answer("findings") == []
    assert judged(answer("resolved")) == both


def test_a_violated_check_alerts_by_the_rule_of_violations(fleet: Fleet, workspace: Workspace) -> None:
    fleet.run(hours_ago=1, alpha=[good()], checks={"alpha": [bad("nsg")]})

    assert alarmed(workspace, "application-noncompliant") == {("alpha", f"The {CHECK}")}

    fleet.run(alpha=[good()], checks={"alpha": [good("nsg")]})
    assert alarmed(workspace, "application-noncompliant") == set()


def test_rows_of_before_checks_existed_are_azure_policy_s(workspace: Workspace, answer: Any) -> None:
    published.store(
        workspace,
        published.violated("alpha", hours_ago=1, Expected=True),
        published.result("alpha", hours_ago=1, Compliance="NonCompliant"),
        published.run(hours_ago=1, Applications=1, Result_rows=1),
    )

    [row] = answer("assignments")
    [summary] = answer("fleet_summary")

    assert row["Judged_by"] == "AzurePolicy"
    assert (summary["Noncompliant_states"], summary["Checked"], summary["Check_violations"]) == (1, 0, 0)


def test_what_the_check_found_is_listed_when_only_azure_s_states_were_uploaded_anew(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=2, alpha=[good()], checks={"alpha": [bad("nsg"), good("other")]})
    fleet.run(hours_ago=1, alpha=[bad("disk")], checks={"alpha": "AccessDenied"})

    listed = {row["Resource_id"].rsplit("/", 1)[1]: row for row in answer("noncompliant_resources", "alpha")}

    assert {name: row["Judged_by"] for name, row in listed.items()} == {"disk": "AzurePolicy", "nsg": "PublisherCheck"}
    assert (listed["nsg"]["Held_reason"], listed["disk"]["Held_reason"]) == ("Unread", "")
    assert answer("states_missing", "alpha") == []


def test_rows_of_the_check_that_are_lost_are_missed(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=1, dropped=["alpha"], alpha=[good(), bad("disk")], checks={"alpha": [bad("nsg")]})

    missing = {row["Judged_by"]: (row["States_rows"], row["Stored_rows"]) for row in answer("states_missing", "alpha")}

    assert missing == {"AzurePolicy": (2, 0), "PublisherCheck": (1, 0)}


def test_a_check_that_cannot_be_read_is_doubtful_and_becomes_a_finding_with_its_reason(
    answer: Any, workspace: Workspace
) -> None:
    unread = {"Current": False, "Unread_outcome": "AccessDenied", "Unread_reason": "AuthorizationFailed: may not list"}
    published.store(
        workspace,
        published.verdict("alpha", hours_ago=1, Expected=True, Current=True),
        published.verdict(
            "alpha",
            assignment=CHECK,
            hours_ago=1,
            alarms=["undecided"],
            Judged_by="PublisherCheck",
            Expected=True,
            Unread_since=published.time(50),
            **unread,
        ),
        published.result("alpha", hours_ago=1, Compliance="Compliant"),
        published.run(hours_ago=1, Applications=1, Result_rows=1),
    )

    [row] = answer("applications")
    [finding] = answer("findings")

    assert (row["Compliance"], row["Checks_noncompliant"], row["Checks_doubtful"]) == ("Compliant", 0, 1)
    assert (finding["Kind"], finding["Judged_by"]) == ("NotEvaluated", "PublisherCheck")
    assert (finding["Reason"], finding["Details"]) == ("AccessDenied", "AuthorizationFailed: may not list")
    assert finding["Since"] == NOW - timedelta(hours=50)
    assert alarmed(workspace, "assignment-undecided") == {("alpha", CHECK)}


def test_an_application_s_history_counts_checks_apart(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=3, alpha=[good(), bad()], checks={"alpha": [bad("nsg"), bad("other")]})
    fleet.run(hours_ago=2, alpha=[good()], checks={"alpha": [bad("nsg"), State("Unknown", "other")]})

    columns = ("Noncompliant_states", "Noncompliant_assignments", "Checks_noncompliant", "Check_violations")
    told = [tuple(row[one] for one in columns) for row in answer("application_history", "alpha")]

    assert told == [(1, 1, 1, 2), (0, 0, 1, 2)]
