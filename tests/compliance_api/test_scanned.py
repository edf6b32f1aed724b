"""What the API asks the workspace: verdicts, results, runs and events; of states one upload of one application."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.scans.states import DRILL_DOWNS, STATES, state_problems
from compliance_api.workspace import saved_queries
from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import Api
from tests.queries.asked import asked
from tests.queries.fleet import NOW, Fleet, application_id, bad, good

NU = application_id("nu")
WHOLE_FLEET = (
    "compliance",
    "compliance/applications",
    "compliance/findings",
    "compliance/plans",
    "compliance/exemptions",
    f"compliance/applications{NU}/history",
    f"compliance/applications{NU}/report",
    "compliance/resolved",
    "compliance/history",
    "compliance/runs",
    "list_tables",
    "saved_queries",
    *(f"saved_queries/{name}" for name in saved_queries.names()),
)


@pytest.fixture
def sent(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that reach the workspace of the sandbox, as they come."""
    return asked(sandbox.workspace, monkeypatch)


def first_rows(name: str, application_id: str = "", *, size: int = 1000) -> str:
    """The query that the API asks about the latest run: of violations it reads no more than a page."""
    query = saved_queries.text_for(name, application_id, run_id="run-3")
    return saved_queries.part_of(query, 0, size) if name == saved_queries.VIOLATIONS else query


async def test_nothing_about_the_whole_fleet_reads_a_state(api: Api, mixed: Fleet, sent: list[str]) -> None:
    for path in WHOLE_FLEET:
        assert (await api.get(path)).status == 200

    assert len({*sent}) == len(saved_queries.names()) + 4, (
        "every saved query, one application's history and report, what was resolved since yesterday, and the tables"
    )
    drill_downs = {*map(first_rows, DRILL_DOWNS)}
    assert [found for query in sent for found in state_problems(query, is_drill_down=query in drill_downs)] == []


async def test_what_is_said_of_the_whole_fleet_is_the_same_when_no_state_arrived(sandbox: Sandbox, api: Api) -> None:
    def answers(*lost: str) -> list[list[dict[str, Any]]]:
        sandbox.workspace.clear()
        sandbox.workspace.arrival = lambda table: None if table in lost else timedelta()
        fleet = Fleet(sandbox.workspace)
        fleet.run(hours_ago=2, alpha=[bad("a"), good("b")], beta=[bad()])
        fleet.run(hours_ago=1, alpha=[good("a"), bad("b")], beta="AccessDenied")
        return [sandbox.workspace.query(saved_queries.text(name), now=NOW) for name in saved_queries.names()]

    assert answers(STATES) == answers()


async def test_an_application_reads_the_states_of_its_latest_upload(api: Api, mixed: Fleet, sent: list[str]) -> None:
    stale = {"TimeGenerated": mixed.started("run-2"), "Run_id": "run-3"}
    mixed.upload_states(stale, "nu", [bad("of another moment")])

    answer = (await api.get(f"compliance/applications{NU}")).json

    reading = [query for query in sent if STATES in query]
    assert {*reading} == {first_rows(name, NU, size=100) for name in DRILL_DOWNS}
    assert [found for query in reading for found in state_problems(query, is_drill_down=True)] == []
    names = [one["id"].rpartition("/")[2] for one in answer["violations"]["resources"]]
    assert names == ["a", "b"]
