"""Alert rules, saved queries, workbook and API over one fleet with applications of every kind: they say the same."""

import csv
import io
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from checks.observation import INFRASTRUCTURE, runnable
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import QUERIES_DIRECTORY, read_rules
from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import Api
from tests.queries.every_kind import (
    ALARMED,
    COMPLIANT,
    HELD,
    LAST_KNOWN,
    NONCOMPLIANT,
    NOT_EVALUATED,
    OPEN,
    TOTAL,
    UNREAD,
    one_of_every_kind,
)
from tests.queries.fleet import NOW, Fleet, application_id, bad, good

STATUSES = {
    **dict.fromkeys(NONCOMPLIANT, "noncompliant"),
    **dict.fromkeys(UNREAD, "unread"),
    **dict.fromkeys(NOT_EVALUATED, "not_evaluated"),
    **dict.fromkeys(COMPLIANT, "compliant"),
}
FIGURES = dict(Counter(STATUSES.values()))


@pytest.fixture(autouse=True)
def everybody(api: Api, fleet: Fleet) -> None:
    one_of_every_kind(fleet)


@pytest.fixture
def saved(sandbox: Sandbox) -> Any:
    def answer(name: str) -> list[dict[str, Any]]:
        return sandbox.workspace.query((QUERIES_DIRECTORY / f"{name}.kql").read_text(encoding="utf-8"))

    return answer


@pytest.fixture
def workbook(sandbox: Sandbox) -> Any:
    def answer(name: str) -> list[dict[str, Any]]:
        return sandbox.workspace.query(runnable(INFRASTRUCTURE / "workbooks" / f"{name}.kql"))

    return answer


def alarmed(sandbox: Sandbox, rule: str) -> set[str]:
    """Names of the applications that a rule alerts about."""
    rules = [one for one in read_rules("PT1H") if one.name == rule]
    return {one.dimensions["Application"] for one in AlertEvaluator(rules, sandbox.workspace).evaluate(NOW)}


async def test_the_fleet_has_the_same_figures_everywhere(api: Api, saved: Any, workbook: Any) -> None:
    told = (await api.get("compliance")).json
    [summary] = saved("fleet_summary")
    tiles = {row["Title"]: row["Value"] for row in workbook("summary")}
    latest = (await api.get("compliance/history")).json["history"][-1]

    assert sum(FIGURES.values()) == TOTAL
    assert told["applications"] == latest["applications"] == {"total": TOTAL, **FIGURES}
    columns = {
        "total": "Applications",
        "noncompliant": "Noncompliant",
        "unread": "Not_read",
        "not_evaluated": "Without_states",
        "compliant": "Compliant",
    }
    assert {status: summary[column] for status, column in columns.items()} == told["applications"]
    titles = {
        "total": "Applications",
        "noncompliant": "Not compliant",
        "unread": "Could not be read just now",
        "not_evaluated": "Not evaluated",
        "compliant": "Compliant",
    }
    assert {status: tiles[title] for status, title in titles.items()} == told["applications"]
    assert told["compliant_share"] == latest["compliant_share"] == summary["Compliant_share"] == 20.0
    [*_, charted] = workbook("fleet_history")
    assert [charted[f"{name} %"] for name in ("Compliant", "Not compliant", "Not evaluated", "Could not be read")] == [
        20.0,
        40.0,
        10.0,
        30.0,
    ]


async def test_what_was_known_of_the_unread_has_the_same_figures(api: Api, saved: Any, workbook: Any) -> None:
    told = (await api.get("compliance")).json["unread_last_known"]
    [summary] = saved("fleet_summary")
    tiles = {row["Title"]: row["Value"] for row in workbook("summary")}

    counted = Counter(LAST_KNOWN.values())
    assert told == {kind: counted[kind] for kind in ("noncompliant", "compliant", "not_evaluated", "unknown")}
    assert {
        "noncompliant": summary["Not_read_noncompliant"],
        "compliant": summary["Not_read_compliant"],
        "not_evaluated": summary["Not_read_without_states"],
        "unknown": summary["Never_read"],
    } == told
    assert tiles["Not readable, not compliant when last read"] == counted["noncompliant"]
    assert tiles["Never read"] == counted["unknown"]


async def test_every_application_is_told_alike(api: Api, saved: Any, workbook: Any) -> None:
    listed = {one["name"]: one for one in (await api.get("compliance/applications")).json["applications"]}
    rows = {row["Application_name"]: row for row in saved("applications")}
    shown = {row["Application"]: row for row in workbook("customers")}

    assert {name: one["status"] for name, one in listed.items()} == STATUSES
    assert rows.keys() == shown.keys() == STATUSES.keys()
    for name, one in listed.items():
        assert one["customer"] == rows[name]["Customer_name"] == shown[name]["Customer"] == f"Customer {name}"
        open_ones = one["states"]["noncompliant"]
        is_known = name != "newcomer"
        expected = (OPEN.get(name, 0), int(name in HELD), int(name == "accepted"), int(name == "disarmed"))
        assert open_ones == rows[name]["Noncompliant_states"] == shown[name]["Not compliant"]
        assert one["held_assignments"] == rows[name]["Held_assignments"] == shown[name]["Held"]
        assert one["accepted_assignments"] == shown[name]["Accepted"]
        assert one["guard_changes"] == rows[name]["Guard_changes"]
        counted = (open_ones, *(one[kind] for kind in ("held_assignments", "accepted_assignments", "guard_changes")))
        assert counted == (expected if is_known else (None,) * 4)
        assert rows[name]["Compliance"] == shown[name]["Compliance"]
    assert {row["Application"] for row in workbook("unread")} == UNREAD


async def test_the_rules_alert_about_what_the_answers_show(api: Api, sandbox: Sandbox, saved: Any) -> None:
    listed = (await api.get("compliance/applications")).json["applications"]
    wrong = {one["name"] for one in listed if one["last_known"] == "noncompliant" and one["accepted_assignments"] < 1}

    assert wrong == ALARMED == alarmed(sandbox, "application-noncompliant")
    assert {one["name"] for one in listed if one["status"] == "unread"} == alarmed(sandbox, "application-unread")
    assert {one["name"] for one in listed if one["guard_changes"]} == alarmed(sandbox, "guard-changed")
    violated = {row["Application_name"] for row in saved("assignments") if row["Verdict"] == "NonCompliant"}
    assert violated == {row["Application_name"] for row in saved("noncompliant_resources")} == {*OPEN}


async def test_an_assignment_and_its_violations_say_why_they_are_held(api: Api, workbook: Any) -> None:
    resources = workbook("resources")
    for name, reason in HELD.items():
        told = (await api.get(f"compliance/applications{application_id(name)}")).json
        [assignment] = told["assignments"]
        [violation] = told["violations"]["resources"]
        [shown] = [row for row in resources if row["Application"] == name]
        assert assignment["verdict"] == "NonCompliant"
        assert assignment["held"]["reason"] == violation["held"]["reason"] == shown["Held"] == reason
        assert assignment["held"]["since"] == violation["held"]["since"] == "2026-03-10T09:00:00Z"
        assert assignment["since"] == told["application"]["noncompliant_since"] == "2026-03-10T07:00:00Z"
        assert assignment["last_read"] == ("2026-03-10T07:00:00Z" if name == "denied" else "2026-03-10T11:00:00Z")
        assert assignment["is_current"] is (name != "denied")


async def test_an_acceptance_and_a_weakened_assignment_are_told_with_their_words(api: Api) -> None:
    [accepted] = (await api.get(f"compliance/applications{application_id('accepted')}")).json["assignments"]
    [disarmed] = (await api.get(f"compliance/applications{application_id('disarmed')}")).json["assignments"]

    until = (NOW + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert accepted["verdict"] == "NonCompliant"
    assert accepted["accepted"] == {"until": until, "by": "ada", "reason": "planned"}
    assert disarmed["guard"]["state"] == "Weakened"
    assert disarmed["guard"]["since"] == "2026-03-10T09:00:00Z"
    assert disarmed["guard"]["details"]


async def test_whoever_cannot_be_read_is_told_with_the_date_of_what_was_known(api: Api) -> None:
    listed = {one["name"]: one for one in (await api.get("compliance/applications")).json["applications"]}

    assert {name: (listed[name]["last_known"], listed[name]["last_read"]) for name in UNREAD} == {
        "denied": ("noncompliant", "2026-03-10T07:00:00Z"),
        "newcomer": ("unknown", None),
        "vanished": ("compliant", "2026-03-10T07:00:00Z"),
    }
    assert {name: listed[name]["reading"]["unread_since"] for name in UNREAD} == {
        "denied": "2026-03-10T09:00:00Z",
        "newcomer": "2026-03-10T07:00:00Z",
        "vanished": "2026-03-10T09:00:00Z",
    }


async def test_the_new_answers_count_what_the_others_count(api: Api, saved: Any, workbook: Any) -> None:
    summary = (await api.get("compliance")).json
    listed = (await api.get("compliance/applications")).json["applications"]
    findings = (await api.get("compliance/findings")).json
    [plan] = (await api.get("compliance/plans")).json["plans"]
    [row] = saved("plans")

    assert plan["applications"] == summary["applications"]
    assert plan["compliant_share"] == summary["compliant_share"] == row["Compliant_share"]
    assert plan["violations"] == summary["states"]["noncompliant"] == sum(OPEN.values())
    assert plan["unread_noncompliant"] == summary["unread_last_known"]["noncompliant"]
    [assignment] = plan["assignments"]
    violated = {one["name"] for one in listed if one["states"]["noncompliant"]}
    assert assignment["noncompliant"] == len(violated) == findings["counts"]["by_kind"]["noncompliant"]
    assert assignment["held"] == findings["counts"]["held"] == len(HELD)
    assert assignment["guard_changed"] == findings["counts"]["by_kind"]["guard_changed"] == 1
    assert assignment["not_evaluated"] == findings["counts"]["by_kind"]["not_evaluated"] == len(NOT_EVALUATED)
    named = {(one["kind"], one["application"]["name"]): one for one in findings["findings"]}
    assert {name for kind, name in named if kind == "noncompliant"} == violated == {*OPEN}
    assert {name for kind, name in named if kind == "unread"} == UNREAD
    assert {name: one["violations"] for (kind, name), one in named.items() if kind == "noncompliant"} == OPEN
    assert len(saved("findings")) == findings["total"]


@pytest.mark.parametrize(
    "after",
    [
        (29.5, set()),
        (29.9, {*OPEN} - {"accepted"}),  # thirty days after they were first seen, at seven o'clock
        (30.1, {*OPEN}),  # the acceptance has ended
    ],
)
async def test_what_is_overdue_is_the_same_everywhere(
    api: Api, sandbox: Sandbox, saved: Any, workbook: Any, after: tuple[float, set[str]]
) -> None:
    days_later, overdue = after
    sandbox.clock.stop(NOW + timedelta(days=days_later))

    findings = (await api.get("compliance/findings", overdue="true")).json
    assert {one["application"]["name"] for one in findings["findings"]} == overdue
    told = {"total": len(overdue), "critical": 0, "high": 0, "medium": len(overdue), "low": 0, "not_known": 0}
    counts = (await api.get("compliance/findings")).json["counts"]
    assert counts["overdue"] == (await api.get("compliance")).json["overdue"] == told
    listed = {one["name"]: one for one in (await api.get("compliance/applications")).json["applications"]}
    assert {name for name, one in listed.items() if one["overdue_assignments"]} == overdue
    assert listed["newcomer"]["overdue_assignments"] is None
    for name in OPEN:
        told_of = (await api.get(f"compliance/applications{application_id(name)}")).json
        [assignment] = told_of["assignments"]
        assert assignment["is_overdue"] is (name in overdue)
        assert assignment["due_by"] == "2026-04-09T07:00:00Z"
        assert told_of["application"]["due_by"] == (
            None if name == "accepted" and name not in overdue else assignment["due_by"]
        )
    [summary] = saved("fleet_summary")
    assert (summary["Overdue"], summary["Overdue_medium"], summary["With_overdue_violations"]) == (len(overdue),) * 3
    [plan] = (await api.get("compliance/plans")).json["plans"]
    assert [one["overdue"] for one in plan["assignments"]] == [len(overdue)]
    assert {row["Application_name"] for row in saved("findings") if row["Overdue"]} == overdue
    assert {row["Application_name"] for row in saved("assignments") if row["Overdue"]} == overdue
    tiles = {row["Title"]: row["Value"] for row in workbook("summary")}
    assert tiles["With violations that are overdue"] == len(overdue)


async def test_a_finding_is_alarmed_when_a_rule_alerts_about_it(api: Api, sandbox: Sandbox) -> None:
    told = (await api.get("compliance/findings")).json["findings"]
    for rule in ("application-noncompliant", "guard-changed", "application-unread", "assignment-undecided"):
        alarming = [
            one["application"]["name"]
            for one in told
            if one["rule"] == rule and one["is_alarmed"] and not one["accepted_until"]
        ]
        assert sorted(alarming) == sorted(alarmed(sandbox, rule)), rule


async def test_an_applications_history_ends_with_what_stands(api: Api) -> None:
    for one in (await api.get("compliance/applications")).json["applications"]:
        latest = (await api.get(f"compliance/applications{one['id']}/history")).json["runs"][-1]
        assert latest["status"] == one["status"]
        assert latest["last_known"] == one["last_known"]
        assert latest["violations"] == one["states"]["noncompliant"]
        assert latest["last_read"] == one["last_read"]
        assert latest["unread_since"] == one["reading"]["unread_since"]


async def test_the_exports_say_what_the_answers_say(api: Api) -> None:
    async def lines(path: str) -> list[dict[str, str]]:
        reply = await api.get(path, format="csv")
        return list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))

    applications = await lines("compliance/applications")
    assert dict(Counter(one["status"] for one in applications)) == FIGURES
    assert {
        one["application"]: int(one["noncompliant_states"] or 0)
        for one in applications
        if one["noncompliant_states"] not in ("", "0")
    } == OPEN
    assert Counter(one["kind"] for one in await lines("compliance/findings")) == Counter(
        one["kind"] for one in (await api.get("compliance/findings")).json["findings"]
    )
    [plan] = await lines("compliance/plans")
    assert (plan["applications_total"], plan["compliant_share"]) == (str(TOTAL), "20.0")


async def test_a_run_that_is_still_arriving_changes_no_figure_anywhere(
    api: Api, fleet: Fleet, saved: Any, workbook: Any
) -> None:
    def shown() -> list[Any]:
        tiles = ("summary", "customers", "unread", "fleet_history", "collector_runs", "resources")
        return [*map(workbook, tiles), *map(saved, ("fleet_summary", "findings", "plans", "fleet_history"))]

    before = shown()
    fleet.run(hours_ago=0.2, completed=False, sound=[bad()], violated=[good("a"), good("b")], undecided="AccessDenied")
    row = {"TimeGenerated": fleet.started("run-4"), "Run_id": "run-4", "Applications": 10, "Result_rows": 10}
    fleet.workspace.insert("PolicyCollectionRuns_CL", [row])

    assert shown() == before
    assert (await api.get("compliance")).json["applications"] == {"total": TOTAL, **FIGURES}


async def test_a_silent_collector_leaves_the_same_figures_standing_everywhere(
    api: Api, sandbox: Sandbox, saved: Any, workbook: Any
) -> None:
    sandbox.clock.stop(NOW + timedelta(days=9))

    told = (await api.get("compliance")).json
    [summary] = saved("fleet_summary")
    [tile] = [row["Value"] for row in workbook("summary") if row["Title"] == "Not compliant"]

    assert told["applications"] == {"total": TOTAL, **FIGURES}
    assert summary["Noncompliant"] == tile == len(NONCOMPLIANT)


async def test_what_nothing_was_told_of_for_two_days_before_the_latest_run_is_no_part_of_the_fleet(
    api: Api, sandbox: Sandbox, saved: Any
) -> None:
    later = NOW + timedelta(days=2)
    sandbox.clock.stop(later)
    for table, row in {
        "PolicyCollectionRuns_CL": {"Applications": 1},
        "PolicyCollectionResults_CL": {"Application_id": application_id("sound"), "Outcome": "Succeeded"},
    }.items():
        sandbox.workspace.insert(table, [{"TimeGenerated": later.isoformat(), "Run_id": "later", **row}])

    assert (await api.get("compliance")).json["applications"]["total"] == len(saved("applications")) == 1
