"""The queries that dashboards and the API share: they agree with the alerts and hide no application."""

from typing import Any

import pytest

from compliance_api.workspace.saved_queries import EVERYBODY
from sandbox.alerts.rules import QUERIES_DIRECTORY
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet, State, application_id, bad, good, states_of, summarised


@pytest.fixture
def answer(workspace: Workspace) -> Any:
    """Runs a saved query by name, narrowed to one application when it is named."""

    def run(name: str, only: str = "") -> list[dict[str, Any]]:
        query = (QUERIES_DIRECTORY / f"{name}.kql").read_text(encoding="utf-8")
        assert not only or EVERYBODY in query
        return workspace.query(query.replace(EVERYBODY, f'let Only = "{only and application_id(only)}";'))

    return run


@pytest.fixture
def mixed_fleet(fleet: Fleet) -> Fleet:
    """Compliant alpha, bad beta that revoked access, never read gamma, stateless delta, exempt epsilon; zeta left."""
    fleet.run(hours_ago=2, beta=[bad("a"), bad("b"), good("c")], gamma="Failed", zeta=[bad()])
    fleet.run(
        hours_ago=1,
        alpha=[good("a"), summarised(9, assignment="tls")],
        beta="AccessDenied",
        gamma="Failed",
        delta=[],
        epsilon=[State("Exempt"), State("Unknown", "disk", assignment="manual")],
        zeta="Left",
    )
    return fleet


def test_every_registered_application_has_one_row_and_a_truthful_verdict(mixed_fleet: Fleet, answer: Any) -> None:
    rows = {row["Application_name"]: row for row in answer("applications")}

    assert {name: (row["Compliance"], row["Readable"], row["Outcome"]) for name, row in rows.items()} == {
        "alpha": ("Compliant", True, "Succeeded"),
        "beta": ("NonCompliant", False, "AccessDenied"),
        "gamma": ("NotRead", False, "Failed"),
        "delta": ("NoStates", True, "NoStates"),
        "epsilon": ("NoStates", True, "Succeeded"),
    }


def test_states_that_say_nothing_make_nobody_compliant(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=1, alpha=[State("Unknown"), State("Error", "disk")])

    (row,) = answer("applications")
    (summary,) = answer("fleet_summary")

    assert (row["Compliance"], row["Unknown_states"]) == ("NoStates", 2)
    assert (summary["Compliant"], summary["Without_states"]) == (0, 1)


def test_states_are_counted_by_what_they_are(mixed_fleet: Fleet, answer: Any) -> None:
    kinds = ("Noncompliant_states", "Compliant_states", "Exempt_states", "Unknown_states")

    counts = {row["Application_name"]: tuple(row[kind] for kind in kinds) for row in answer("applications")}

    assert counts == {
        "alpha": (0, 10, 0, 0),
        "beta": (2, 1, 0, 0),
        "gamma": (None, None, None, None),
        "delta": (0, 0, 0, 0),
        "epsilon": (0, 0, 1, 1),
    }


def test_an_application_that_was_never_read_has_its_customers_name(mixed_fleet: Fleet, answer: Any) -> None:
    rows = {row["Application_name"]: row for row in answer("applications")}

    assert rows["alpha"]["Customer_name"] == "Customer alpha"
    assert rows["gamma"]["Customer_name"] == "Customer gamma"
    assert rows["gamma"]["Application_id"] == application_id("gamma")


def test_the_fleet_summary_adds_up(mixed_fleet: Fleet, answer: Any) -> None:
    [row] = answer("fleet_summary")

    parts = {name: row[name] for name in ("Compliant", "Noncompliant", "Without_states", "Not_read")}
    assert parts == {"Compliant": 1, "Noncompliant": 0, "Without_states": 2, "Not_read": 2}
    assert row["Applications"] == sum(parts.values())
    last_known = ("Not_read_compliant", "Not_read_noncompliant", "Not_read_without_states", "Never_read")
    assert [row[name] for name in last_known] == [0, 1, 0, 1]
    assert (row["Noncompliant_states"], row["Compliant_share"]) == (2, 20.0)
    assert (row["Run_id"], (NOW - row["Run_time"]).total_seconds()) == ("run-2", 3600)


def test_an_empty_fleet_has_no_share(workspace: Workspace, answer: Any) -> None:
    [row] = answer("fleet_summary")

    assert {*row.values()} <= {None, ""}


def test_assignments_show_the_worst_first(mixed_fleet: Fleet, answer: Any) -> None:
    rows = [
        (row["Application_name"], row["Policy_assignment"], row["Noncompliant_states"]) for row in answer("assignments")
    ]

    assert rows == [
        ("beta", "The baseline", 2),
        ("alpha", "The baseline", 0),
        ("alpha", "The tls", 0),
        ("epsilon", "The baseline", 0),
        ("epsilon", "The manual", 0),
    ]


def test_noncompliant_resources_can_be_narrowed_to_one_application(mixed_fleet: Fleet, workspace: Workspace) -> None:
    def names(only: str = "") -> list[str]:
        query = (QUERIES_DIRECTORY / "noncompliant_resources.kql").read_text(encoding="utf-8")
        rows = workspace.query(query.replace(EVERYBODY, f'let Only = "{only}";'))
        return [row["Resource_id"].rsplit("/", 1)[1] for row in rows]

    assert names() == names(application_id("beta")) == names(application_id("beta").upper()) == ["a", "b"]
    assert names(application_id("alpha")) == []


def test_without_an_application_resources_are_those_that_the_verdicts_name(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=1, alpha=states_of(8, bad()), beta=[bad("b", reference="tls")])

    everywhere, of_alpha = answer("noncompliant_resources"), answer("noncompliant_resources", "alpha")

    assert [(row["Application_name"], row["Policy_definition_reference_id"]) for row in everywhere] == [
        *[("alpha", "")] * 5,
        ("beta", ""),
    ]
    assert {row["Open_violations"] for row in everywhere} == {9}
    assert len(of_alpha) == 8
    assert [row["Policy_definition_reference_id"] for row in answer("noncompliant_resources", "beta")] == ["tls"]


def test_history_never_counts_an_unread_application_as_compliant(mixed_fleet: Fleet, answer: Any) -> None:
    mixed_fleet.run(registered=3, alpha=[good()])

    shown = ("Applications", "Compliant", "Noncompliant", "Without_states", "Not_read", "Compliant_share")
    assert [tuple(row[name] for name in shown) for row in answer("fleet_history")] == [
        (3, 0, 2, 0, 1, 0.0),
        (5, 1, 0, 2, 2, 20.0),
        (3, 0, 0, 1, 2, 0.0),
    ]


def test_collector_runs_show_what_kept_applications_from_being_read(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=1, alpha="AccessDenied", beta="Throttled", gamma=[good()])
    fleet.run()

    shown = ("Run_id", "Applications", "Access_denied", "Throttled", "Skipped")
    assert [tuple(row[name] for name in shown) for row in answer("collector_runs")] == [
        ("run-2", 0, 0, 0, 0),
        ("run-1", 3, 1, 1, 0),
    ]


@pytest.mark.parametrize("name", sorted(path.stem for path in QUERIES_DIRECTORY.glob("*.kql")))
def test_every_query_runs_over_empty_tables(workspace: Workspace, answer: Any, name: str) -> None:
    answer(name)


def test_a_violation_whose_state_is_missing_is_still_named_with_the_reason(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=2, alpha=[bad("a"), bad("b")])
    fleet.run(hours_ago=1, alpha=[bad("a")])

    rows = answer("noncompliant_resources", "alpha")

    assert [(row["Resource_id"].rsplit("/", 1)[1], row["Held_reason"]) for row in rows] == [
        ("a", ""),
        ("b", "NoStates"),
    ]


def test_held_violations_beyond_those_that_are_named_are_counted(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=2, alpha=states_of(8, bad()))
    fleet.run(hours_ago=1, alpha=[good("other")])

    rows = answer("noncompliant_resources", "alpha")

    assert len(rows) == 5
    assert {(row["Held_reason"], row["Open_violations"]) for row in rows} == {("NoStates", 8)}


def test_states_of_an_earlier_upload_are_not_taken_for_those_that_stand(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=2, alpha=[bad("a"), bad("b")])
    again = {"TimeGenerated": fleet.started(fleet.run(hours_ago=1, alpha=[bad("a"), good("b")])), "Run_id": "run-1"}
    fleet.upload_states(again, "alpha", [bad("c")])

    assert [row["Resource_id"].rsplit("/", 1)[1] for row in answer("noncompliant_resources", "alpha")] == ["a"]


def test_state_rows_that_were_dropped_are_told_and_the_verdict_stands(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=2, alpha=[good()], beta=[bad()])
    fleet.run(hours_ago=1, dropped=["alpha"], alpha=[bad("a"), good("b")], beta=[bad()])

    [missing] = answer("states_missing", "alpha")
    assert (missing["Application_name"], missing["States_rows"], missing["Stored_rows"]) == ("alpha", 2, 0)
    assert answer("states_missing", "beta") == []
    assert [row["Compliance"] for row in answer("applications")] == ["NonCompliant", "NonCompliant"]
    named = [
        (name, row["Resource_id"].rsplit("/", 1)[1])
        for name in ("alpha", "beta")
        for row in answer("noncompliant_resources", name)
    ]
    assert named == [("alpha", "a"), ("beta", "vm")]


def test_without_an_application_no_state_row_is_counted_and_none_is_said_to_be_here(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=1, dropped=["alpha"], alpha=[bad("a"), good("b")], beta=[bad()], gamma=[good()])

    rows = [(row["Application_name"], row["States_rows"], row["Stored_rows"]) for row in answer("states_missing")]

    assert rows == [("alpha", 2, None), ("beta", 1, None)]


def test_ids_in_another_case_are_the_same_application_and_assignment(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=2, alpha=[bad(reference="tls")])
    fleet.run(hours_ago=1, shouting=True, alpha=[bad(reference="tls")])

    assert len(answer("applications")) == len(answer("assignments")) == 1
    [violation] = answer("noncompliant_resources", "alpha")
    assert violation["Policy_definition_reference_id"] == "TLS", "it is the state row that tells"
    assert answer("states_missing", "alpha") == []


@pytest.mark.parametrize("name", ["assignments", "noncompliant_resources"])
def test_an_answer_with_a_row_for_each_finding_is_bounded_and_the_worst_come_first(
    fleet: Fleet, workspace: Workspace, name: str
) -> None:
    fleet.run(hours_ago=1, alpha=[good()], beta=[bad("a"), bad("b")])
    query = (QUERIES_DIRECTORY / f"{name}.kql").read_text(encoding="utf-8")
    assert query.endswith("| take 20000\n")

    [row] = workspace.query(query.replace("take 20000", "take 1"))

    assert row["Application_name"] == "beta"


def test_the_compliant_share_is_rounded_down(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=1, alpha=[good()], beta=[good()], gamma=[bad()])

    [summary], [history] = answer("fleet_summary"), answer("fleet_history")

    assert summary["Compliant_share"] == history["Compliant_share"] == 66.6


def test_lost_rows_of_one_application_change_nothing_about_the_others(fleet: Fleet, answer: Any) -> None:
    fleet.run(hours_ago=2, alpha=[bad()], beta=[good()])
    fleet.run(hours_ago=1, registered=2, beta=[good()])

    assert {row["Application_name"]: row["Compliance"] for row in answer("applications")} == {
        "alpha": "NonCompliant",
        "beta": "Compliant",
    }
