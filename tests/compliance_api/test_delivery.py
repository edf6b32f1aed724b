"""What every answer has besides its data: a correlation id, an entity tag, gzip, the version; and what callers may leave out."""

import gzip
import json
import logging
import re
import uuid
from typing import Any

import pytest

from compliance_api.correlation import HEADER
from compliance_api.description import operation_of, operations
from compliance_api.selection import VERSION
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.compliance_api.conftest import QUERIER, READER, Api
from tests.queries.fleet import Fleet, application_id, bad, good, states_of

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PATHS = (
    "compliance",
    "compliance/applications",
    f"compliance/applications{application_id('alpha')}",
    "compliance/history",
    "compliance/runs",
    "list_tables",
    "saved_queries",
    "saved_queries/applications",
    "openapi.json",
)


@pytest.fixture(autouse=True)
def rows(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=1, alpha=states_of(12, bad()), beta=[good()], gamma="AccessDenied")


async def test_every_answer_has_a_correlation_id_of_its_own(api: Api, sandbox: Sandbox) -> None:
    replies = [
        await api.get(path)
        for path in (*PATHS, "dashboard", "metrics", "saved_queries/no", "compliance/applications/no")
    ]
    replies += [await api.get("compliance", caller={}), await api.get("compliance", x="y"), await api.get("mcp")]
    replies += [
        await api.query({"query": "print 1"}),
        await api.query(b"{"),
        await api.query({"query": "print 1"}, caller=READER),
    ]
    with sandbox.offline(Service.LOG_ANALYTICS):
        replies.append(await api.query({"query": "print 2"}))

    ids = [reply.headers[HEADER] for reply in replies]
    assert len(set(ids)) == len(replies)
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)
    for reply in replies:
        if reply.status >= 400:
            assert reply.json["correlation_id"] == reply.headers[HEADER]


async def test_a_refusal_while_the_sign_in_is_off_has_the_id_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "False")

    reply = await api.get("compliance", caller={**READER, "x-ms-client-request-id": GUID})

    assert (reply.status, reply.headers[HEADER]) == (503, GUID)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ms-client-request-id": GUID}, GUID),
        ({"X-MS-CLIENT-REQUEST-ID": GUID.upper()}, GUID),
        ({"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}, TRACE),
        ({"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "x-ms-client-request-id": "hello\\nworld"}, TRACE),
        ({"x-ms-client-request-id": f"{GUID}\r\nSet-Cookie: a=b"}, None),
        ({"x-ms-client-request-id": "x" * 10_000}, None),
        ({"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01"}, None),
        ({"traceparent": f"ff-{TRACE}-b7ad6b7169203331-01"}, None),
        ({"traceparent": f"00-{TRACE.upper()}-b7ad6b7169203331-01"}, None),
        ({"traceparent": TRACE}, None),
    ],
)  # fmt: skip
async def test_the_caller_s_id_is_taken_over_when_it_is_well_formed(
    api: Api, headers: dict[str, str], expected: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    given = (await api.get("compliance", caller={**READER, **headers})).headers[HEADER]
    with caplog.at_level(logging.WARNING):
        refused = await api.get("compliance", caller={**READER, **headers}, x="y")

    assert given == expected if expected else uuid.UUID(given)
    assert refused.headers[HEADER] == refused.json["correlation_id"]
    assert refused.headers[HEADER] in caplog.text


@pytest.mark.parametrize("path", PATHS)
async def test_what_a_caller_has_already_is_not_sent_again(api: Api, path: str) -> None:
    first = await api.get(path)
    tag = first.headers["etag"]
    again = await api.get(path, caller={**READER, "If-None-Match": f'"other", {tag}'})
    other = await api.get(path, caller={**READER, "If-None-Match": '"other"'})

    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert other.status == 200
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Accept-Encoding"


async def test_a_csv_file_has_a_tag_and_another_one_than_json(api: Api) -> None:
    as_json = await api.get("compliance/applications")
    as_csv = await api.get("compliance/applications", format="csv")

    assert as_csv.headers["etag"] != as_json.headers["etag"]
    assert as_csv.headers["cache-control"] == "private, no-cache"


async def test_a_new_run_gives_another_tag_and_the_age_of_one_run_does_not(
    api: Api, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_CACHE_SECONDS", "0")
    tags = [(await api.get("compliance")).headers["etag"] for _ in range(2)]
    fleet.run(alpha=[good()], beta=[good()], gamma="AccessDenied")

    assert tags[0] == tags[1]
    assert (await api.get("compliance")).headers["etag"] != tags[0]


@pytest.mark.parametrize("caller", [{}, {"X-MS-CLIENT-PRINCIPAL": "x"}])
async def test_a_tag_lets_nobody_in(api: Api, caller: dict[str, str]) -> None:
    reply = await api.get("compliance", caller={**caller, "If-None-Match": "*"})

    assert (reply.status, reply.headers["cache-control"]) == (401, "no-store")
    assert "etag" not in reply.headers


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [("gzip", True), ("gzip, deflate, br", True), ("br;q=1, GZIP;q=0.5", True), ("*", True), ("", False), ("br", False),
     ("gzip;q=0", False), ("gzip; q=0.0, *", False), ("identity", False)],
)  # fmt: skip
async def test_long_answers_are_compressed_for_who_takes_it(api: Api, accepted: str, is_compressed: bool) -> None:
    plain = await api.get("compliance/applications")
    reply = await api.get("compliance/applications", caller={**READER, "Accept-Encoding": accepted})

    assert reply.headers.get("content-encoding") == ("gzip" if is_compressed else None)
    body = gzip.decompress(reply.body) if is_compressed else reply.body
    assert json.loads(body)["applications"] == plain.json["applications"]
    assert not is_compressed or len(reply.body) < len(plain.body) / 2
    assert reply.headers["vary"] == "Accept-Encoding"


async def test_the_page_and_csv_are_compressed_too(api: Api) -> None:
    zipped = {**READER, "Accept-Encoding": "gzip"}
    page = await api.get("dashboard/app.js", caller=zipped)
    again = await api.get("dashboard/app.js", caller={**zipped, "If-None-Match": page.headers["etag"]})

    assert (page.headers["content-encoding"], again.status) == ("gzip", 304)
    csv = await api.get("compliance/applications", caller=zipped, format="csv")
    assert gzip.decompress(csv.body).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("path", [*PATHS, "metrics"])
async def test_a_request_may_name_the_version(api: Api, path: str) -> None:
    assert (await api.get(path, **{"api-version": VERSION})).status == 200
    refused = await api.get(path, **{"api-version": "2020-01-01"})

    assert (refused.status, refused.json["field"]) == (400, "api-version")
    assert VERSION in refused.json["detail"]
    assert refused.headers["api-supported-versions"] == VERSION


async def test_members_of_listed_items_can_be_selected(api: Api) -> None:
    told = (
        await api.get("compliance/applications", fields="customer,status, states.noncompliant", unread="count")
    ).json

    assert [set(one) for one in told["applications"]] == [{"customer", "status", "states"}] * 3
    assert told["applications"][0]["states"] == {"noncompliant": 12}
    assert told["unread"] == {"count": 1}
    assert {"as_of", "total", "next_page_token", "nextLink"} <= told.keys()


async def test_members_can_be_selected_from_the_top(api: Api) -> None:
    address = f"compliance/applications{application_id('alpha')}"
    told = (await api.get(address, fields="violations.resources.id,application.name", page_size=1)).json

    assert told["application"] == {"name": "alpha"}
    assert [set(one) for one in told["violations"]["resources"]] == [{"id"}]
    assert "assignments" not in told
    assert {"as_of", "unread"} <= told.keys()
    assert {"total", "next_page_token", "nextLink"} <= told["violations"].keys()


async def test_an_address_in_capitals_lets_members_be_selected_too(api: Api) -> None:
    assert operation_of("GET", "/API/Compliance/Applications/") == operation_of("GET", "/api/compliance/applications")
    assert operation_of("GET", "/api/nothing") is None


@pytest.mark.parametrize("fields", ["", "nothing", "customer,", "states.x", "__class__", "Customer", "a" * 3000])
async def test_an_unknown_member_is_refused_by_its_name(api: Api, fields: str) -> None:
    reply = await api.get("compliance/applications", fields=fields)

    assert (reply.status, reply.json["field"]) == (400, "fields")


async def test_a_selection_is_refused_where_there_is_nothing_to_select(api: Api) -> None:
    assert (await api.get("compliance/applications", fields="customer", format="csv")).json["field"] == "fields"
    assert (await api.get("compliance", unread="none")).json["field"] == "unread"
    assert (await api.get("saved_queries", fields="name")).json["field"] == "fields"
    assert (await api.get("dashboard", unread="count")).status == 200


async def test_every_operation_with_unread_customers_lets_them_be_counted_only(api: Api) -> None:
    with_unread = [one for one in operations() if one.method == "GET" and "unread" in one.parameters]

    assert len(with_unread) >= 5
    assert all("fields" in one.parameters and "unread.applications" in one.members() for one in with_unread)


async def test_following_next_links_gives_every_application_once(api: Api) -> None:
    names: list[str] = []
    link: str | None = "/api/compliance/applications?page_size=1&sort=customer&fields=name"
    while link:
        path, _, query = link.removeprefix("/api/").partition("?")
        parameters: dict[str, Any] = dict(pair.split("=", 1) for pair in query.split("&"))
        told = (await api.get(path, **parameters)).json
        names += [one["name"] for one in told["applications"]]
        link = told["nextLink"]

    assert sorted(names) == ["alpha", "beta", "gamma"]


@pytest.mark.parametrize("path", [f"compliance/applications{application_id('alpha')}", "saved_queries/applications"])
async def test_every_answer_in_pages_has_a_next_link(api: Api, path: str) -> None:
    told = (await api.get(path, page_size=1)).json
    place = told.get("violations", told)

    assert (place["nextLink"] is None) == (place["next_page_token"] is None)
    assert place["nextLink"] is None or place["nextLink"].startswith(f"/api/{path}?page_size=1&page_token=")


async def test_a_query_s_answer_is_not_kept_by_anybody(api: Api) -> None:
    reply = await api.query({"query": "print 1"}, caller={**QUERIER, "If-None-Match": "*"})

    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
