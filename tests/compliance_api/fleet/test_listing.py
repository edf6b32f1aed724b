"""Lists of applications and violations: filtered, sorted, in pages, and as CSV."""

import csv
import io
from typing import Any

import pytest

from tests.compliance_api.conftest import Api
from tests.queries.fleet import Fleet, application_id, bad, good, states_of, subscription_of


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"status": "unread"}, ["beta", "gamma"]),
        ({"status": "noncompliant,compliant"}, ["nu", "alpha", "omega"]),
        ({"last_known": "noncompliant"}, ["nu", "beta"]),
        ({"search": "CUSTOMER NU"}, ["nu"]),
        ({"subscription": subscription_of("alpha").upper()}, ["alpha"]),
        ({"sort": "-application", "status": "unread"}, ["gamma", "beta"]),
        ({"sort": "-noncompliant", "last_known": "noncompliant,compliant"}, ["nu", "beta", "omega", "alpha"]),
        ({"plan": "gold"}, []),
    ],
)
async def test_the_list_is_filtered_and_sorted(
    api: Api, mixed: Fleet, parameters: dict[str, str], names: list[str]
) -> None:
    reply = await api.get("compliance/applications", **parameters)

    found = [one["name"] for one in reply.json["applications"]]
    assert sorted(found) == sorted(names)
    if "noncompliant" not in parameters.get("sort", ""):
        assert found == names
    assert reply.json["total"] == len(names)


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        ("compliance/applications", {"status": "bad"}, "status"),
        ("compliance/applications", {"last_known": "unread"}, "last_known"),
        ("compliance/applications", {"sort": "name; drop"}, "sort"),
        ("compliance/applications", {"subscription": "all"}, "subscription"),
        ("compliance/applications", {"search": "x" * 201}, "search"),
        ("compliance/applications", {"page_size": "0"}, "page_size"),
        ("compliance/applications", {"page_size": "1001"}, "page_size"),
        ("compliance/applications", {"page_size": "²"}, "page_size"),
        ("compliance/applications", {"page_token": "abc"}, "page_token"),
        ("compliance/applications", {"page_token": "!" * 9000}, "page_token"),
        ("compliance/applications", {"format": "xml"}, "format"),
        ("compliance/applications", {"complaince": "bad"}, "complaince"),
        ("compliance", {"status": "unread"}, "status"),
        ("compliance/history", {"timespan": "P94D"}, "timespan"),
        ("compliance/history", {"timespan": "yesterday"}, "timespan"),
        ("compliance/runs", {"limit": "-1"}, "limit"),
        ("compliance/runs", {"limit": "501"}, "limit"),
        ("saved_queries/fleet_summary", {"timespan": "P1Y"}, "timespan"),
    ],
)
async def test_a_bad_parameter_is_named(api: Api, path: str, parameters: dict[str, str], field: str) -> None:
    reply = await api.get(path, **parameters)

    assert reply.status == 400
    assert reply.json["field"] == field


async def pages(api: Api, path: str, **parameters: Any) -> list[dict[str, Any]]:
    found = [(await api.get(path, **parameters)).json]
    while token := (found[-1].get("violations") or found[-1])["next_page_token"]:
        found.append((await api.get(path, **parameters, page_token=token)).json)
    return found


async def test_a_resource_finds_the_application_that_it_belongs_to(api: Api, fleet: Fleet) -> None:
    group = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/Mrg-nu"
    fleet.run(hours_ago=1, alpha=[good()])
    common = {"TimeGenerated": fleet.started("run-1"), "Run_id": "run-1"}
    fleet.upload_result(common, "nu", "AccessDenied", Managed_resource_group_id=group)

    searches = (group.upper(), f"{group}/providers/x/y/z", f"{group}2/providers/x/y/z")
    for search, found in zip(searches, (["nu"], ["nu"], []), strict=True):
        listed = (await api.get("compliance/applications", search=search)).json["applications"]
        assert [one["name"] for one in listed] == found


@pytest.mark.parametrize("sort", ["trouble", "-trouble", "status", "-last_read"])
async def test_pages_hold_everything_once_and_in_order(api: Api, mixed: Fleet, sort: str) -> None:
    whole = [one["name"] for one in (await api.get("compliance/applications", sort=sort)).json["applications"]]

    read = await pages(api, "compliance/applications", sort=sort, page_size=2)

    assert [one["name"] for page in read for one in page["applications"]] == whole
    assert [len(page["applications"]) for page in read] == [2, 2, 2, 1]


async def test_violations_come_in_pages_too(api: Api, fleet: Fleet) -> None:
    fleet.run(alpha=states_of(25, bad()))

    read = await pages(api, f"compliance/applications{application_id('alpha')}", page_size=10)

    assert len({one["id"] for page in read for one in page["violations"]["resources"]}) == 25
    assert [page["violations"]["total"] for page in read] == [25, 25, 25]


async def test_a_page_token_that_was_tampered_with_is_refused(api: Api, mixed: Fleet) -> None:
    token = (await api.get("compliance/applications", page_size=2)).json["next_page_token"]

    for place in range(len(token)):
        other = "B" if token[place] == "A" else "A"
        reply = await api.get("compliance/applications", page_token=token[:place] + other + token[place + 1 :])
        assert (reply.status, reply.json["field"]) == (400, "page_token")
    for wrong in (token[:-1], token + "A", token + "=", token.lower()):
        assert (await api.get("compliance/applications", page_token=wrong)).status == 400


async def test_a_page_token_of_another_question_is_refused(api: Api, mixed: Fleet) -> None:
    token = (await api.get("compliance/applications", page_size=2)).json["next_page_token"]

    reply = await api.get("compliance/applications", page_size=2, page_token=token, status="unread")

    assert (reply.status, reply.json["field"]) == (400, "page_token")


async def test_the_export_says_the_same_as_the_list(api: Api, mixed: Fleet) -> None:
    reply = await api.get("compliance/applications", format="csv", status="unread")

    rows = list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))
    assert reply.headers["content-type"] == "text/csv"
    assert reply.headers["content-disposition"] == 'attachment; filename="applications.csv"'
    assert [(row["application"], row["status"], row["outcome"]) for row in rows] == [
        ("beta", "unread", "AccessDenied"),
        ("gamma", "unread", "Failed"),
    ]


async def test_no_exported_cell_is_a_formula(api: Api, fleet: Fleet) -> None:
    fleet.run(alpha=[bad('=HYPERLINK("http://x")'), bad("-1+1"), bad("plain")])
    common = {"TimeGenerated": fleet.started("run-1"), "Run_id": "run-1"}
    fleet.upload_result(
        common, "alpha", "AccessDenied", Error_message="@SUM(A1)", Application_name="+cmd|' /C calc'!A0"
    )

    whole = await api.get("compliance/applications", format="csv")
    violations = await api.get(f"compliance/applications{application_id('alpha')}", format="csv")

    for reply in (whole, violations):
        cells = [cell for row in csv.reader(io.StringIO(reply.body.decode("utf-8-sig"))) for cell in row]
        assert len(cells) > 20
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
