"""What the API says about the fleet."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from compliance_api.endpoint import answer
from compliance_api.http import Request
from compliance_api.operations import fleet_summary
from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import READER, Api
from tests.queries.fleet import NOW, Fleet, application_id, bad, good


async def by_name(api: Api, **parameters: Any) -> dict[str, dict[str, Any]]:
    reply = await api.get("compliance/applications", **parameters)
    assert reply.status == 200
    return {one["name"]: one for one in reply.json["applications"]}


async def test_the_summary_counts_every_application_once(api: Api, mixed: Fleet) -> None:
    summary = (await api.get("compliance")).json

    assert summary["applications"] == {"total": 7, "noncompliant": 1, "unread": 2, "not_evaluated": 2, "compliant": 2}
    assert summary["compliant_share"] == 28.5
    assert summary["unread_last_known"] == {"noncompliant": 1, "compliant": 0, "not_evaluated": 0, "unknown": 1}
    assert summary["as_of"]["run_id"] == "run-3"
    assert summary["as_of"]["run_time"] == "2026-03-10T11:00:00Z"


async def test_every_answer_names_its_run_and_who_could_not_be_read(api: Api, mixed: Fleet) -> None:
    paths = ("compliance", "compliance/applications", "compliance/history", "compliance/runs")
    for path in (*paths, f"compliance/applications{application_id('nu')}"):
        told = (await api.get(path)).json
        assert told["as_of"]["run_id"] == "run-3"
        assert told["unread"]["count"] == 2
        assert {one["name"]: one["outcome"] for one in told["unread"]["applications"]} == {
            "beta": "AccessDenied",
            "gamma": "Failed",
        }


async def test_what_could_not_be_read_or_evaluated_is_never_compliant(api: Api, mixed: Fleet) -> None:
    applications = await by_name(api)

    assert {name: (one["status"], one["last_known"]) for name, one in applications.items()} == {
        "alpha": ("compliant", "compliant"),
        "beta": ("unread", "noncompliant"),
        "gamma": ("unread", "unknown"),
        "delta": ("not_evaluated", "not_evaluated"),
        "epsilon": ("not_evaluated", "not_evaluated"),
        "nu": ("noncompliant", "noncompliant"),
        "omega": ("compliant", "compliant"),
    }
    assert list(applications) == ["nu", "beta", "gamma", "epsilon", "delta", "alpha", "omega"]
    assert applications["alpha"]["states"] == {"noncompliant": 0, "compliant": 10, "exempt": 1, "unknown": 0}


async def test_trouble_has_a_beginning(api: Api, mixed: Fleet) -> None:
    applications = await by_name(api)

    assert applications["nu"]["noncompliant_since"] == "2026-03-10T10:00:00Z"
    assert applications["alpha"]["noncompliant_since"] is None
    assert applications["beta"]["reading"]["unread_since"] == "2026-03-10T11:00:00Z"
    assert applications["gamma"]["reading"]["unread_since"] == "2026-03-10T10:00:00Z"


async def test_without_a_run_there_are_no_numbers_to_trust(api: Api, fleet: Fleet) -> None:
    fleet.run(completed=False, alpha=[good()])

    summary = (await api.get("compliance")).json

    assert summary["as_of"] is None
    assert summary["compliant_share"] is None


async def test_an_empty_fleet_is_told_from_an_unknown_one(api: Api, fleet: Fleet) -> None:
    fleet.run()

    summary = (await api.get("compliance")).json

    assert summary["as_of"]["run_id"] == "run-1"
    assert summary["applications"]["total"] == 0
    assert summary["compliant_share"] is None


async def test_a_collector_silent_for_days_leaves_the_last_run_standing(
    api: Api, fleet: Fleet, sandbox: Sandbox
) -> None:
    fleet.run(alpha=[bad()])
    sandbox.clock.stop(NOW + timedelta(days=6))

    summary = (await api.get("compliance")).json

    assert summary["applications"]["noncompliant"] == 1
    assert summary["as_of"]["is_stale"] is True


async def test_a_run_is_stale_when_the_next_is_overdue(api: Api, fleet: Fleet, environment: dict[str, str]) -> None:
    fleet.run(alpha=[good()])
    request = Request("GET", {name.lower(): value for name, value in READER.items()})
    variables = {**environment, "WEBSITE_AUTH_ENABLED": "true", "API_STALE_AFTER_MINUTES": "90"}
    fresh = {}
    for minutes in (90, 91):
        now = NOW + timedelta(minutes=minutes)
        told = await answer(request, fleet_summary, variables, clock=lambda now=now: now)
        fresh[minutes] = told

    assert b'"is_stale":false' in fresh[90].body
    assert b'"is_stale":true' in fresh[91].body


async def test_an_application_tells_its_assignments_and_violations(api: Api, mixed: Fleet) -> None:
    told = (await api.get(f"compliance/applications{application_id('nu')}")).json

    assert told["application"]["name"] == "nu"
    [assignment] = told["assignments"]
    assert (assignment["name"], assignment["states"]["noncompliant"]) == ("The baseline", 2)
    resources = told["violations"]["resources"]
    assert [one["id"].rsplit("/", 1)[1] for one in resources] == ["a", "b"]
    assert resources[0]["links"]["portal"] == f"https://portal.azure.com/#resource{resources[0]['id']}"
    assert resources[0]["links"]["portal_assignment"].endswith(quote(assignment["id"], safe=""))


@pytest.mark.parametrize("spell", [str.upper, lambda text: text.lstrip("/"), lambda text: quote(text, safe=""), str])
async def test_an_application_is_found_however_its_id_is_spelled(api: Api, mixed: Fleet, spell: Any) -> None:
    reply = await api.get("compliance/applications/" + spell(application_id("nu")))

    assert reply.status == 200
    assert reply.json["application"]["id"] == application_id("nu")


@pytest.mark.parametrize(
    "identifier",
    [
        application_id("nobody"),
        "nu",
        "/subscriptions/1",
        '") | union PolicyComplianceStates_CL //',
        "../../compliance",
        f"{application_id('nu')}/providers/x",
        "%00",
    ],
)
async def test_an_unknown_application_is_not_found(api: Api, mixed: Fleet, identifier: str) -> None:
    reply = await api.get(f"compliance/applications/{quote(identifier)}")

    assert (reply.status, reply.json["field"]) == (404, "id")


async def test_an_unread_application_shows_what_was_last_known(api: Api, mixed: Fleet) -> None:
    told = (await api.get(f"compliance/applications{application_id('beta')}")).json

    assert told["application"]["status"] == "unread"
    assert told["application"]["reading"]["outcome"] == "AccessDenied"
    assert told["violations"]["total"] == 2


async def test_history_goes_run_by_run(api: Api, mixed: Fleet) -> None:
    told = (await api.get("compliance/history", timespan="P7D")).json

    counts = [
        (one["run_id"], one["applications"]["noncompliant"], one["applications"]["unread"]) for one in told["history"]
    ]
    assert counts == [("run-1", 1, 0), ("run-2", 2, 1), ("run-3", 1, 3)]


async def test_what_counts_as_a_gap_of_the_history_is_what_counts_as_stale(
    api: Api, mixed: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api.get("compliance/history")).json["gap_after_seconds"] == 150 * 60
    for minutes, is_stale in ((59, True), (60, False)):
        monkeypatch.setenv("API_STALE_AFTER_MINUTES", str(minutes))
        told = (await api.get("compliance/history")).json
        assert told["gap_after_seconds"] == minutes * 60
        assert (told["as_of"]["age_seconds"] > told["gap_after_seconds"]) is told["as_of"]["is_stale"] is is_stale


async def test_runs_tell_what_kept_applications_from_being_read(api: Api, mixed: Fleet) -> None:
    told = (await api.get("compliance/runs", limit=1)).json

    assert told["total"] == 3
    assert [(one["run_id"], one["access_denied"]) for one in told["runs"]] == [("run-3", 1)]
