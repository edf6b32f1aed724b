"""Every answer names who judges, and counts the publisher's own checks beside Azure Policy's figures, never in them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.compliance_api.conftest import Api
from tests.queries.fleet import CHECK, REASON, Fleet, State, application_id, bad, good

JUDGES = {"AzurePolicy", "PublisherCheck"}
NOTHING_CHECKED = {"applications": 0, "noncompliant": 0, "doubtful": 0, "violations": 0}


@pytest.fixture
def checked(api: Api, fleet: Fleet) -> Fleet:
    """Alpha complies by Azure and breaks the check, beta the other way round, gamma has no checks, delta's has no answer."""
    common = {"alpha": [good()], "beta": [good(), bad("disk")], "gamma": [good()], "delta": [good()]}
    checks = {"alpha": [bad("nsg"), good("other")], "beta": [good("nsg")], "delta": [good("nsg")]}
    fleet.run(hours_ago=2, checks=checks, **common)
    fleet.run(hours_ago=1, checks=checks | {"delta": "AccessDenied"}, **common)
    return fleet


async def lines(api: Api, path: str, **parameters: str) -> list[dict[str, str]]:
    reply = await api.get(path, format="csv", **parameters)
    assert reply.status == 200
    return list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))


@pytest.mark.usefixtures("checked")
async def test_the_figures_of_the_fleet_are_azure_s_with_those_of_checks_beside_them(api: Api) -> None:
    told = (await api.get("compliance")).json
    [plan] = (await api.get("compliance/plans")).json["plans"]

    assert told["applications"] == plan["applications"] | {"total": 4}
    assert (told["applications"]["compliant"], told["applications"]["noncompliant"]) == (3, 1)
    assert (told["states"]["noncompliant"], plan["violations"], told["compliant_share"]) == (1, 1, 75.0)
    assert told["checks"] == {"applications": 3, "noncompliant": 1, "doubtful": 1, "violations": 1}
    assert plan["checks"] == {"applications": 3, "noncompliant": 1, "violations": 1}
    assert {one["judged_by"]: one["noncompliant"] for one in plan["assignments"]} == dict.fromkeys(JUDGES, 1)


async def test_before_the_first_run_nothing_is_known_of_checks_either(api: Api) -> None:
    assert (await api.get("compliance")).json["checks"] == dict.fromkeys(NOTHING_CHECKED)


async def test_a_fleet_without_checks_has_none_to_tell_of(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=1, alpha=[good()])
    assert (await api.get("compliance")).json["checks"] == NOTHING_CHECKED
    [one] = (await api.get("compliance/applications")).json["applications"]
    assert one["checks"] is None


@pytest.mark.usefixtures("checked")
async def test_each_application_has_what_its_checks_say_and_its_status_by_azure(api: Api) -> None:
    listed = {one["name"]: one for one in (await api.get("compliance/applications")).json["applications"]}

    assert {name: (one["status"], one["states"]["noncompliant"]) for name, one in listed.items()} == {
        "alpha": ("compliant", 0),
        "beta": ("noncompliant", 1),
        "gamma": ("compliant", 0),
        "delta": ("compliant", 0),
    }
    assert {name: one["checks"] for name, one in listed.items()} == {
        "alpha": {"total": 1, "noncompliant": 1, "doubtful": 0, "violations": 1},
        "beta": {"total": 1, "noncompliant": 0, "doubtful": 0, "violations": 0},
        "gamma": None,
        "delta": {"total": 1, "noncompliant": 0, "doubtful": 1, "violations": 0},
    }
    exported = {one["application"]: one for one in await lines(api, "compliance/applications")}
    assert {name: (one["checks"], one["check_violations"]) for name, one in exported.items()} == {
        "alpha": ("1", "1"),
        "beta": ("1", "0"),
        "gamma": ("", ""),
        "delta": ("1", "0"),
    }


@pytest.mark.usefixtures("checked")
async def test_findings_can_be_narrowed_to_who_judges(api: Api) -> None:
    async def found(**parameters: str) -> set[tuple[str, str]]:
        told = (await api.get("compliance/findings", **parameters)).json
        assert told["counts"]["total"] == len(told["findings"])
        return {(one["application"]["name"], one["judged_by"]) for one in told["findings"]}

    assert await found() == {("alpha", "PublisherCheck"), ("beta", "AzurePolicy")}
    assert await found(judged_by="PublisherCheck") == {("alpha", "PublisherCheck")}
    assert await found(judged_by="AzurePolicy") == {("beta", "AzurePolicy")}
    assert (await api.get("compliance/findings")).json["counts"]["by_judge"] == dict.fromkeys(JUDGES, 1)
    assert [one["judged_by"] for one in await lines(api, "compliance/findings", judged_by="PublisherCheck")] == [
        "PublisherCheck"
    ]
    refused = await api.get("compliance/findings", judged_by="Nobody")
    assert (refused.status, "judged_by" in refused.body.decode()) == (400, True)


@pytest.mark.usefixtures("checked")
async def test_an_application_s_violations_name_the_check_its_reason_and_no_page_of_azure_s(api: Api) -> None:
    told = (await api.get(f"compliance/applications{application_id('alpha')}")).json
    assignments = {one["judged_by"]: one for one in told["assignments"]}
    [violation] = told["violations"]["resources"]

    assert assignments.keys() == JUDGES
    check = assignments["PublisherCheck"]
    assert (check["name"], check["verdict"], check["links"]["portal"]) == (f"The {CHECK}", "NonCompliant", None)
    assert (check["is_current"], check["unread"]) == (True, None)
    assert (violation["judged_by"], violation["reason"]) == ("PublisherCheck", REASON)
    assert violation["links"]["portal_assignment"] is None
    assert (told["violations"]["open"], told["violations"]["open_by_checks"]) == (1, 1)
    assert told["application"]["status"] == "compliant"
    [line] = await lines(api, f"compliance/applications{application_id('alpha')}")
    assert (line["judged_by"], line["reason"]) == ("PublisherCheck", REASON)


@pytest.mark.usefixtures("checked")
async def test_a_check_that_could_not_be_read_says_so_of_itself_alone(api: Api) -> None:
    told = (await api.get(f"compliance/applications{application_id('delta')}")).json
    assignments = {one["judged_by"]: one for one in told["assignments"]}

    assert told["application"]["reading"]["is_readable"] is True
    check, azure = assignments["PublisherCheck"], assignments["AzurePolicy"]
    assert (azure["is_current"], azure["unread"]) == (True, None)
    assert (check["verdict"], check["is_current"]) == ("Compliant", False)
    assert check["unread"] == {"since": "2026-03-10T11:00:00Z", "reason": "Code: message"}
    assert check["last_read"] == "2026-03-10T10:00:00Z"


async def test_lost_rows_of_either_upload_make_the_list_incomplete(api: Api, fleet: Fleet) -> None:
    found: dict[str, Any] = {"alpha": [good(), bad("disk")]}
    fleet.run(hours_ago=1, dropped=["alpha"], checks={"alpha": [bad("nsg")]}, **found)

    told = (await api.get(f"compliance/applications{application_id('alpha')}")).json["violations"]

    assert told["states_missing"] == {"announced": 3, "stored": 0}
    assert told["listed"] == "some"


@pytest.mark.usefixtures("checked")
async def test_reports_and_histories_name_the_check(api: Api) -> None:
    alpha = application_id("alpha")
    report = (await api.get(f"compliance/applications{alpha}/report")).json
    assert {one["judged_by"]: [period["verdict"] for period in one["periods"]] for one in report["assignments"]} == {
        "AzurePolicy": ["Compliant"],
        "PublisherCheck": ["NonCompliant"],
    }
    latest = (await api.get(f"compliance/applications{alpha}/history")).json["runs"][-1]
    assert (latest["status"], latest["violations"]) == ("compliant", 0)
    assert latest["checks"] == {"noncompliant": 1, "violations": 1}


async def test_what_was_resolved_names_the_check(api: Api, checked: Fleet) -> None:
    checked.run(hours_ago=0.5, alpha=[good()], checks={"alpha": [good("nsg"), State("Compliant", "other")]})
    [resolved] = (await api.get("compliance/resolved")).json["resolved"]
    assert (resolved["application"]["name"], resolved["judged_by"], resolved["how"]) == (
        "alpha",
        "PublisherCheck",
        "compliant",
    )


@pytest.mark.usefixtures("checked")
async def test_metrics_count_checks_apart(api: Api) -> None:
    told = (await api.get("metrics")).body.decode().splitlines()

    assert "compliance_open_violations 1" in told
    assert "compliance_check_violations 1" in told
    assert [line for line in told if line.startswith("compliance_checked_applications{")] == [
        'compliance_checked_applications{checks="noncompliant"} 1',
        'compliance_checked_applications{checks="doubtful"} 1',
        'compliance_checked_applications{checks="compliant"} 1',
    ]
