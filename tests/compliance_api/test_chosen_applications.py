"""What answers say of applications that a probe or a person had read after the latest run over the whole registry."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from compliance_api.workspace import saved_queries
from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import Api
from tests.queries.fleet import NOW, Fleet, application_id, bad, good

ALPHA, BETA = (f"compliance/applications{application_id(name)}" for name in ("alpha", "beta"))


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What forgets every cached answer: other settings have a cache of their own."""
    lifetimes = itertools.count(60)
    return lambda: monkeypatch.setenv("API_CACHE_SECONDS", str(next(lifetimes)))


@pytest.fixture
def known(fleet: Fleet) -> Fleet:
    """A run an hour ago that found beta bad."""
    fleet.run(hours_ago=1, alpha=[good()], beta=[bad("a"), bad("b")])
    return fleet


async def in_trouble(api: Api) -> dict[str, Any]:
    """The customers that answers name as out of compliance, and what else they say of the fleet."""
    total = (await api.get("compliance")).json
    listed = (await api.get("compliance/applications")).json["applications"]
    findings = (await api.get("compliance/findings")).json["findings"]
    return {
        "count": total["applications"]["noncompliant"],
        "listed": {one["name"] for one in listed if one["status"] == "noncompliant"},
        "found": {one["application"]["name"] for one in findings},
        "run": total["as_of"]["run_id"],
    }


async def test_a_violation_that_a_probe_found_is_in_every_answer_at_once(api: Api, known: Fleet) -> None:
    known.run(hours_ago=0.5, partial=True, alpha=[bad()])

    assert await in_trouble(api) == {
        "count": 2,
        "listed": {"alpha", "beta"},
        "found": {"alpha", "beta"},
        "run": "run-1",
    }
    assert (await api.get(ALPHA)).json["application"]["last_read"] == "2026-03-10T11:30:00Z"


async def test_a_repair_that_a_person_had_read_is_in_every_answer_at_once(api: Api, known: Fleet) -> None:
    known.run(hours_ago=0.5, partial=True, beta=[good("a"), good("b")])

    assert await in_trouble(api) == {"count": 0, "listed": set(), "found": set(), "run": "run-1"}
    resolved = (await api.get("compliance/resolved")).json["resolved"]
    assert [one["application"]["name"] for one in resolved] == ["beta"]


@pytest.mark.parametrize("lost", ["PolicyCollectionResults_CL", "PolicyVerdicts_CL"])
async def test_it_changes_nothing_while_a_row_of_it_is_on_its_way(
    api: Api, known: Fleet, sandbox: Sandbox, lost: str
) -> None:
    sandbox.workspace.arrival = lambda table: None if table == lost else timedelta()
    known.run(hours_ago=0.5, partial=True, alpha=[bad()], beta=[good("a"), good("b")])

    assert await in_trouble(api) == {"count": 1, "listed": {"beta"}, "found": {"beta"}, "run": "run-1"}
    assert (await api.get(ALPHA)).json["application"]["last_read"] == "2026-03-10T11:00:00Z"


async def test_one_application_whose_rows_are_late_holds_up_no_other_one(
    api: Api, known: Fleet, sandbox: Sandbox, anew: Callable[[], None]
) -> None:
    known.run(hours_ago=0.5, partial=True, alpha=[bad()])
    sandbox.workspace.arrival = lambda table: None if table == "PolicyVerdicts_CL" else timedelta()
    known.run(hours_ago=0.4, partial=True, beta=[good("a"), good("b")])

    assert (await in_trouble(api))["listed"] == {"alpha", "beta"}


async def test_what_began_before_the_latest_run_and_ended_after_it_is_told(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=2, alpha=[good()])
    fleet.run(hours_ago=1, alpha=[good()])
    common = {"TimeGenerated": "2026-03-10T10:55:00+00:00", "Run_id": "probe"}
    late = {**common, "TimeGenerated": "2026-03-10T11:05:00+00:00"}
    result = fleet.upload_verdicts(late, "alpha", [bad()], partial=True)
    fleet.upload_result(common, "alpha", [bad()], **result)

    assert (await in_trouble(api))["found"] == {"alpha"}


async def test_what_stood_at_an_older_run_says_nothing_of_what_was_read_after_the_next_one(
    sandbox: Sandbox, fleet: Fleet
) -> None:
    sandbox.clock.stop(NOW)
    fleet.run(hours_ago=3, alpha=[good()], beta=[good()])
    fleet.run(hours_ago=2.5, partial=True, alpha=[bad()])
    fleet.run(hours_ago=2, alpha=[bad()], beta=[good()])
    fleet.run(hours_ago=1.5, partial=True, beta=[bad()])

    rows = fleet.workspace.query(saved_queries.text_for("findings", run_id="run-1"))

    assert {row["Application_name"] for row in rows} == {"alpha"}


async def test_before_the_first_run_over_the_whole_registry_there_is_no_run_yet(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=0.5, partial=True, alpha=[bad()])

    answer = (await api.get("compliance")).json

    assert (answer["state"], answer["applications"]["noncompliant"]) == ("no_run_yet", None)
