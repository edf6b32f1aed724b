"""Looking back: what was resolved, and a report about one customer that can be checked against the tables."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import Api
from tests.queries.fleet import NOW, Fleet, State, application_id, bad, good

TWO_DAYS = "2026-03-08T12:00:00Z/2026-03-10T12:00:00Z"
"""The two days before NOW."""


async def report(api: Api, name: str, **parameters: Any) -> Any:
    reply = await api.get(f"compliance/applications{application_id(name)}/report", **parameters)
    assert reply.status == 200, reply.body
    return reply.json


def at(hours_ago: float) -> str:
    return (NOW - timedelta(hours=hours_ago)).isoformat().replace("+00:00", "Z")


DaysAgo = Callable[..., None]


@pytest.fixture
def days_ago(fleet: Fleet, sandbox: Sandbox) -> DaysAgo:
    """Writes a run of some days ago at its time: Azure gives rows that come two days late the time of their arrival."""

    def write(days: float, **applications: Any) -> None:
        sandbox.clock.stop(NOW - timedelta(days=days))
        fleet.run(hours_ago=24 * days, **applications)
        sandbox.clock.stop(NOW)

    return write


@pytest.fixture
def story(api: Api, fleet: Fleet) -> Fleet:
    """Alpha is bad, out of reach, and repaired; beta was bad and is out of reach; gamma is exempt and sound; delta is new and bad."""
    fleet.run(hours_ago=30, alpha=[bad("a")], beta=[bad("b")], gamma=[good(), State("Exempt", "x")])
    fleet.run(hours_ago=28, alpha=[bad("a")], beta=[bad("b")], gamma=[good(), State("Exempt", "x")])
    fleet.run(hours_ago=26, alpha="AccessDenied", beta="AccessDenied", gamma=[good(), State("Exempt", "x")])
    fleet.run(hours_ago=24, alpha="AccessDenied", beta="AccessDenied", gamma=[good(), State("Exempt", "x")])
    fleet.run(hours_ago=1, alpha=[good("a")], beta="AccessDenied", gamma=[good(), State("Exempt", "x")], delta=[bad()])
    return fleet


async def test_only_what_was_read_as_repaired_is_resolved(api: Api, story: Fleet) -> None:
    told = (await api.get("compliance/resolved", timespan=TWO_DAYS)).json

    [one] = told["resolved"]
    assert (told["total"], one["application"]["name"], one["how"]) == (1, "alpha", "compliant")
    assert (one["resolved_at"], one["noncompliant_since"], one["resolved_by_run"]) == (at(1), at(30), "run-5")
    assert one["last_noncompliant"] == {"run_id": "run-4", "time": at(24)}


async def test_resolved_is_of_the_time_that_is_asked_for_and_is_narrowed(api: Api, story: Fleet) -> None:
    async def names(**parameters: Any) -> list[str]:
        return [
            one["application"]["name"] for one in (await api.get("compliance/resolved", **parameters)).json["resolved"]
        ]

    assert await names(timespan="2026-03-10T11:30:00Z/2026-03-10T12:00:00Z") == []
    assert await names(timespan=TWO_DAYS, search="customer alpha") == ["alpha"]
    assert await names(timespan=TWO_DAYS, search="customer beta") == []


@pytest.mark.parametrize("timespan", ["2025-12-01/P7D", "2026-03-10T12:00:00Z/P1D", "2099-01-01/2099-01-02"])
async def test_a_time_that_nobody_looked_at_is_no_time_in_which_nothing_was_resolved(
    api: Api, story: Fleet, timespan: str
) -> None:
    reply = await api.get("compliance/resolved", timespan=timespan)

    assert (reply.status, reply.json["field"]) == (400, "timespan")


async def test_who_left_is_resolved_as_left(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=5, gone=[bad()])
    fleet.run(hours_ago=1, gone="Left")

    [one] = (await api.get("compliance/resolved", timespan=TWO_DAYS)).json["resolved"]
    assert (one["application"]["name"], one["how"]) == ("gone", "left")


async def resolved(api: Api, timespan: str) -> list[tuple[str, str, str, str]]:
    """Who, how, when and by which run, of what was resolved."""
    told = (await api.get("compliance/resolved", timespan=timespan)).json["resolved"]
    return [(one["application"]["name"], one["how"], one["resolved_at"], one["resolved_by_run"]) for one in told]


async def test_who_left_long_before_the_latest_run_stays_resolved(api: Api, fleet: Fleet, days_ago: DaysAgo) -> None:
    days_ago(6.5, gone=[bad()], sound=[good()])
    days_ago(6, gone="Left", sound=[good()])
    for days in range(5, -1, -1):
        days_ago(days, sound=[good()])

    assert await resolved(api, "P7D") == [("gone", "left", at(144), "run-2")]
    assert await resolved(api, "P5D") == []


async def test_what_was_repaired_while_the_collector_was_silent_is_resolved_by_the_first_run_after(
    api: Api, days_ago: DaysAgo
) -> None:
    days_ago(9, fixed=[bad()])
    days_ago(0.25, fixed=[good()])

    assert await resolved(api, "P1D") == [("fixed", "compliant", at(6), "run-2")]


async def test_a_deployment_that_is_compliant_repairs_nothing_of_the_one_before(
    api: Api, fleet: Fleet, days_ago: DaysAgo
) -> None:
    days_ago(0.5, anew=[bad()])
    days_ago(0.25, anew="Left")
    del fleet.remembered["anew"]
    days_ago(0.125, anew=[good()])

    assert await resolved(api, "P1D") == [("anew", "left", at(6), "run-2")]
    assert (await api.get("compliance")).json["applications"]["compliant"] == 1


async def test_resolved_as_csv_says_the_same(api: Api, story: Fleet) -> None:
    text = (await api.get("compliance/resolved", timespan=TWO_DAYS, format="csv")).body.decode("utf-8-sig")

    [row] = csv.DictReader(io.StringIO(text))
    assert (row["run_id"], row["application"], row["last_noncompliant_run_id"]) == ("run-5", "alpha", "run-4")


async def test_before_the_first_run_nothing_is_known_to_be_resolved(api: Api) -> None:
    told = (await api.get("compliance/resolved", timespan=TWO_DAYS)).json

    assert (told["state"], told["total"], told["resolved"]) == ("no_run_yet", None, [])


async def test_a_report_has_each_verdict_with_the_runs_that_told_it(api: Api, story: Fleet) -> None:
    told = await report(api, "alpha", timespan=TWO_DAYS)

    [assignment] = told["assignments"]
    shown = [
        (
            one["verdict"],
            one["held"] and one["held"]["reason"],
            one["first"]["run_id"],
            one["last"]["run_id"],
            one["rows"],
        )
        for one in assignment["periods"]
    ]
    assert shown == [
        ("NonCompliant", None, "run-1", "run-2", 2),
        ("NonCompliant", "Unread", "run-3", "run-4", 2),
        ("Compliant", None, "run-5", "run-5", 1),
    ]
    assert told["runs"] == {"completed": 5, "read": 3, "not_read": 2, "compliant": 1}
    assert told["period"] == {"from": at(48), "until": at(0)}


async def test_a_report_tells_when_nobody_could_know(api: Api, story: Fleet) -> None:
    gaps = (await report(api, "alpha", timespan=TWO_DAYS))["gaps"]

    unread = [one for one in gaps if one["reason"] == "unread"]
    assert [(one["from"], one["until"], one["runs"], one["first_run_id"], one["last_run_id"]) for one in unread] == [
        (at(26), at(1), 2, "run-3", "run-4")
    ]
    assert unread[0]["outcomes"] == ["AccessDenied"]
    assert unread[0]["last_read"] == at(28)
    assert [(one["from"], one["until"]) for one in gaps if one["reason"] == "no_run"] == [
        (at(48), at(30)),
        (at(24), at(1)),
    ]


async def test_every_figure_of_a_report_is_in_the_rows_that_its_own_queries_return(
    api: Api, story: Fleet, sandbox: Sandbox
) -> None:
    told = await report(api, "beta", timespan=TWO_DAYS)

    rows = {one["name"]: sandbox.workspace.query(one["kql"], now=NOW) for one in told["evidence"]}
    periods = [one for assignment in told["assignments"] for one in assignment["periods"]]
    assert [one["first"]["run_id"] for one in periods] == [row["First_run_id"] for row in rows["verdict_periods"]]
    assert sum(one["rows"] for one in periods) == sum(row["Rows"] for row in rows["verdict_periods"])
    table = "PolicyVerdicts_CL | where Application_id =~ '" + application_id("beta") + "' | summarize Rows = count()"
    assert sandbox.workspace.query(table) == [{"Rows": sum(one["rows"] for one in periods)}]
    assert told["runs"]["completed"] == len(rows["application_history"])


async def test_a_report_names_exemptions_with_who_and_until_when(api: Api, story: Fleet, sandbox: Sandbox) -> None:
    expiry = NOW + timedelta(days=9)
    [row] = sandbox.workspace.query(
        "PolicyVerdicts_CL | where Application_name == 'gamma' | top 1 by TimeGenerated desc"
    )
    told = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
    exempted = {"Exemptions": 1, "Exemption_category": "Waiver", "Exemption_created_by": "ada", "Run_id": "run-5",
                "Exemption_expires_at": expiry.isoformat(), "TimeGenerated": at(0.9)}  # fmt: skip
    sandbox.workspace.insert(
        "PolicyVerdicts_CL", [{name: one for name, one in {**told, **exempted}.items() if one is not None}]
    )

    [exemption] = (await report(api, "gamma", timespan=TWO_DAYS))["exemptions"]

    assert (exemption["category"], exemption["created_by"], exemption["expires_at"]) == ("Waiver", "ada", at(-9 * 24))
    assert (exemption["first"], exemption["rows"]) == ({"run_id": "run-5", "time": at(0.9)}, 1)


async def test_an_application_that_is_not_registered_has_no_report(api: Api, story: Fleet) -> None:
    assert (await api.get(f"compliance/applications{application_id('nobody')}/report")).status == 404
    assert (await api.get(f"compliance/applications{application_id('alpha')}/report", x="y")).status == 400
