"""What an answer says while rows of a run are on their way, are lost, or have no run row; and before the first run."""

import csv
import io
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from compliance_api.workspace import saved_queries
from sandbox.faults.effects import Body
from sandbox.faults.operations import LogQuery
from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import Api
from tests.queries.fleet import NOW, Fleet, application_id, bad, good

BETA = f"compliance/applications{application_id('beta')}"
LISTS = (
    "compliance/applications", "compliance/findings", "compliance/plans", "compliance/exemptions", "compliance/resolved",
)  # fmt: skip
OF_BETA = (BETA, f"{BETA}/history", f"{BETA}/report")
EVERYTHING = (
    "compliance",
    *LISTS,
    *OF_BETA,
    "compliance/history",
    "compliance/runs",
    "list_tables",
    "saved_queries",
    *(f"saved_queries/{name}" for name in saved_queries.names()),
)
TELLING = ("fleet_summary", "assignments", "noncompliant_resources", "latest_run")
CSV = (*LISTS, BETA, f"{BETA}/history")


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What forgets every cached answer: other settings have a cache of their own."""
    lifetimes = itertools.count(60)
    return lambda: monkeypatch.setenv("API_CACHE_SECONDS", str(next(lifetimes)))


async def told(api: Api, anew: Callable[[], None]) -> dict[str, Any]:
    """What every answer about the fleet says, without the gaps, which go on."""
    anew()
    answers: dict[str, Any] = {}
    for path in ("compliance", *LISTS, *OF_BETA, "compliance/history", "compliance/runs"):
        answers[path] = {**(await api.get(path)).json, "gaps": None}
    for name in TELLING:
        answers[name] = (await api.get(f"saved_queries/{name}")).json["results"]
    answers["metrics"] = (await api.get("metrics")).body
    return answers


def run_row(fleet: Fleet, run_id: str, **columns: Any) -> None:
    row = {"TimeGenerated": fleet.started(run_id), "Run_id": run_id, **columns}
    fleet.workspace.insert("PolicyCollectionRuns_CL", [row])


@pytest.fixture
def known(fleet: Fleet) -> Fleet:
    """A run three hours ago that found beta bad."""
    fleet.run(hours_ago=3, alpha=[good()], beta=[bad("a"), bad("b")])
    return fleet


@pytest.mark.parametrize("lost", ["PolicyCollectionResults_CL", "PolicyVerdicts_CL", "both", "the run row"])
async def test_a_run_whose_rows_have_not_all_arrived_changes_nothing(
    api: Api, known: Fleet, sandbox: Sandbox, anew: Callable[[], None], lost: str
) -> None:
    before = await told(api, anew)

    tables = {"PolicyCollectionResults_CL", "PolicyVerdicts_CL"} if lost == "both" else {lost}
    sandbox.workspace.arrival = lambda table: None if table in tables else timedelta()
    known.run(hours_ago=0.5, completed=False, alpha="AccessDenied", beta=[good("a"), bad("c")])
    if lost != "the run row":
        run_row(known, "run-2", Applications=2, Result_rows=2, Verdict_rows=2)

    assert await told(api, anew) == before


async def test_a_run_of_which_one_row_is_on_its_way_changes_nothing(
    api: Api, known: Fleet, anew: Callable[[], None]
) -> None:
    before = await told(api, anew)

    known.run(hours_ago=0.5, completed=False, beta=[good("a"), good("b")])
    run_row(known, "run-2", Applications=2, Result_rows=2, Verdict_rows=1)

    assert await told(api, anew) == before


async def test_a_run_counts_once_its_last_row_is_here(api: Api, known: Fleet) -> None:
    known.run(hours_ago=0.5, completed=False, alpha=[bad()], beta=[bad("a"), bad("b")])
    run_row(known, "run-2", Applications=2, Result_rows=2, Verdict_rows=2)

    told = (await api.get("compliance")).json

    assert (told["as_of"]["run_id"], told["as_of"]["missing_rows"]) == ("run-2", 0)
    assert told["applications"]["noncompliant"] == 2


async def test_what_has_not_arrived_90_minutes_after_the_end_of_a_run_is_lost_and_told(
    api: Api, known: Fleet, sandbox: Sandbox, anew: Callable[[], None]
) -> None:
    known.run(hours_ago=1, completed=False, alpha=[bad()])
    run_row(known, "run-2", Applications=2, Result_rows=2, Verdict_rows=2, Duration_ms=600_000)
    seen = {}
    for minutes in (39, 41):
        sandbox.clock.stop(NOW + timedelta(minutes=minutes))
        anew()
        seen[minutes] = (await api.get("compliance")).json

    assert (seen[39]["as_of"]["run_id"], seen[39]["applications"]["noncompliant"]) == ("run-1", 1)
    assert (seen[41]["as_of"]["run_id"], seen[41]["as_of"]["missing_rows"]) == ("run-2", 2)
    assert seen[41]["applications"]["noncompliant"] == 2


async def test_every_answer_says_as_of_when_and_whether_that_is_stale(api: Api, known: Fleet, sandbox: Sandbox) -> None:
    for hours, state in ((0, "stale"), (-1, "current")):
        sandbox.clock.stop(NOW + timedelta(hours=hours))
        for path in EVERYTHING:
            told = (await api.get(path)).json
            assert (told["as_of"]["run_id"], told["state"]) == ("run-1", state), path
            assert told["as_of"]["run_time"] == "2026-03-10T09:00:00Z"
            assert told["as_of"]["age_seconds"] == (3 + hours) * 3600
            assert told["as_of"]["is_stale"] is (state == "stale")
        metrics = (await api.get("metrics")).body.decode()
        assert f"\ncompliance_run_age_seconds {(3 + hours) * 3600}\n" in metrics
        assert f"\ncompliance_run_stale {int(state == 'stale')}\n" in metrics
        asked = (await api.query({"query": "print 1"})).json
        assert (asked["as_of"]["run_id"], asked["state"]) == ("run-1", state)


async def test_every_export_says_as_of_when_on_every_line(api: Api, known: Fleet) -> None:
    for path in CSV:
        reply = await api.get(path, format="csv")
        lines = list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))
        assert {(one["run_id"], one["run_time"], one["age_seconds"], one["state"]) for one in lines} == {
            ("run-1", "2026-03-10T09:00:00Z", "10800", "stale")
        }, path


async def test_before_the_first_run_everything_says_so_and_has_no_figure(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=1, completed=False, alpha=[good()], beta=[bad()])

    for path in EVERYTHING:
        reply = await api.get(path)
        if BETA in path:
            assert (reply.status, reply.json["field"]) == (404, "id")
            assert "No collection run" in reply.json["detail"]
        else:
            assert (reply.json["as_of"], reply.json["state"]) == (None, "no_run_yet"), path
    summary = (await api.get("compliance")).json
    for figures in ("applications", "unread_last_known", "states"):
        assert {*summary[figures].values()} == {None}
    assert summary["unread"] == {"count": None, "applications": [], "is_complete": False}
    for path in LISTS:
        assert (await api.get(path)).json["total"] is None
        [line] = csv.DictReader(io.StringIO((await api.get(path, format="csv")).body.decode("utf-8-sig")))
        assert line.pop("state") == "no_run_yet"
        assert {*line.values()} == {""}
    assert (await api.get("compliance/findings")).json["counts"] is None
    [row] = (await api.get("saved_queries/fleet_summary")).json["results"]
    assert {*row.values()} <= {None, ""}


async def test_a_saved_query_about_what_stands_is_not_emptied_by_a_collector_that_is_silent_for_long(
    api: Api, known: Fleet, sandbox: Sandbox
) -> None:
    sandbox.clock.stop(NOW + timedelta(days=20))

    for more in ({}, {"timespan": "PT1H"}):
        told = (await api.get("saved_queries/fleet_summary", **more)).json
        assert (told["results"][0]["Noncompliant"], told["state"], told["timespan"]) == (1, "stale", "P90D")


async def test_a_query_of_the_callers_is_answered_also_when_the_run_cannot_be_looked_up(
    api: Api, known: Fleet, sandbox: Sandbox
) -> None:
    sandbox.faults.add(
        LogQuery(), Body(b'{"tables": [{"columns": [{"name": "x", "type": "string"}], "rows": [["1"]]}]}')
    )

    told = (await api.query({"query": "T"})).json

    assert (told["results"], told["as_of"], told["state"]) == ([{"x": "1"}], None, "unknown")
