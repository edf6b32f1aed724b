"""A customer with many violations: what is read of the workspace is a page, and every page says how many there are."""

import csv
import io
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.local_azure import Sandbox
from sandbox.services import Service
from tests.compliance_api.conftest import Api, Reply
from tests.queries.fleet import Fleet, application_id, bad, good, states_of

ALPHA = f"compliance/applications{application_id('alpha')}"


def lines(reply: Reply) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))


def largest_answer(sandbox: Sandbox) -> int:
    return max(request.answered_bytes for request in sandbox.requests.of(Service.LOG_ANALYTICS))


async def pages(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    found = [(await api.get(ALPHA, **parameters)).json["violations"]]
    while token := found[-1]["next_page_token"]:
        found.append((await api.get(ALPHA, **parameters, page_token=token)).json["violations"])
    return found


@pytest.mark.parametrize("path", [ALPHA, f"{ALPHA}?csv", "saved_queries/noncompliant_resources"])
async def test_what_is_read_of_the_workspace_is_the_same_for_ten_times_as_many(
    api: Api, fleet: Fleet, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("API_CACHE_SECONDS", "0")
    path, _, form = path.partition("?")
    parameters = {"format": form} if form else {}
    parameters |= {"only": application_id("alpha")} if path.startswith("saved") else {}
    read = []
    for hours_ago, count in ((2, 1_100), (1, 11_000)):
        sandbox.requests.clear()
        fleet.run(hours_ago=hours_ago, alpha=states_of(count, bad()), beta=[good()])
        reply = await api.get(path, **parameters)
        assert reply.status in (200, 206)
        read.append((largest_answer(sandbox), len(reply.body)))
    (few, short), (many, long) = read
    assert many <= 1.05 * few
    assert long <= 1.05 * short


@pytest.mark.parametrize("size", [1, 7, 10, 24, 25, 26])
async def test_pages_have_every_violation_once_and_in_order(api: Api, fleet: Fleet, size: int) -> None:
    fleet.run(alpha=[*states_of(20, bad()), *states_of(5, bad("other", assignment="tls"))], beta=states_of(3, bad()))

    read = await pages(api, page_size=size)

    found = [(one["assignment_name"], one["id"]) for page in read for one in page["resources"]]
    assert len(found) == len(set(found)) == 25
    assert [name for name, _ in found] == sorted(name for name, _ in found)
    assert {(page["total"], page["open"], page["listed"]) for page in read} == {(25, 25, "all")}
    assert [len(page["resources"]) for page in read[:-1]] == [size] * (len(read) - 1)


async def test_a_file_has_a_page_and_says_where_the_next_one_is(api: Api, fleet: Fleet) -> None:
    fleet.run(alpha=states_of(25, bad()))

    first = await api.get(ALPHA, format="csv", page_size=20)
    address = urlsplit(first.headers["link"].removeprefix("<").partition(">")[0])
    parameters = {name: value for name, (value,) in parse_qs(address.query).items()}
    second = await api.get(ALPHA, **parameters)

    assert address.path == f"/api/{ALPHA}"
    assert first.headers["link"].endswith('rel="next"')
    assert "link" not in second.headers
    assert (len(lines(first)), len(lines(second))) == (20, 5)
    assert len({line["resource_id"] for reply in (first, second) for line in lines(reply)}) == 25
    assert {line["open_violations"] for line in lines(first)} == {"25"}


async def test_a_token_is_refused_once_a_later_run_is_spoken_of_or_more_rows_have_come(api: Api, fleet: Fleet) -> None:
    run = fleet.run(hours_ago=2, alpha=states_of(9, bad()))
    token = (await api.get(ALPHA, page_size=3)).json["violations"]["next_page_token"]
    common = {"TimeGenerated": fleet.started(run), "Run_id": run}
    fleet.upload_states(common, "alpha", [bad("late")])
    for _ in range(2):
        reply = await api.get(ALPHA, page_size=4, page_token=token)
        assert (reply.status, reply.json["field"]) == (400, "page_token")
        fleet.run(hours_ago=1, alpha=states_of(9, bad()))


async def test_the_saved_query_says_that_it_has_no_more_than_a_thousand_of_them(api: Api, fleet: Fleet) -> None:
    fleet.run(alpha=states_of(1_010, bad()))

    reply = await api.get("saved_queries/noncompliant_resources", only=application_id("alpha"))

    assert (reply.status, reply.json["row_count"]) == (206, 1000)
    assert "Listed_violations" in reply.json["error"]
    assert {row["Listed_violations"] for row in reply.json["results"]} == {1010}


async def test_the_saved_query_has_all_of_a_thousand_and_says_so(api: Api, fleet: Fleet) -> None:
    fleet.run(alpha=states_of(1_000, bad()))

    reply = await api.get("saved_queries/noncompliant_resources", only=application_id("alpha"))

    assert (reply.status, reply.json["row_count"]) == (200, 1000)


async def test_states_that_were_withheld_are_told_beside_the_violations(api: Api, fleet: Fleet) -> None:
    fleet.withheld["alpha"] = 30
    fleet.run(alpha=states_of(9, bad()), beta=[bad()])

    told = (await api.get(ALPHA)).json["violations"]
    other = (await api.get(f"compliance/applications{application_id('beta')}")).json["violations"]

    assert (told["states_withheld"], told["states_missing"], told["listed"]) == (30, None, "all")
    assert (other["states_withheld"], other["states_missing"]) == (0, None)


async def test_more_violations_than_are_remembered_are_never_told_as_all_there_are(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=2, alpha=states_of(20_001, bad()))
    told = (await api.get(ALPHA)).json["violations"]
    assert (told["open"], told["open_is_at_least"], told["listed"]) == (20_000, True, "some")
    assert {line["listed"] for line in lines(await api.get(ALPHA, format="csv"))} == {"some"}

    fleet.run(hours_ago=1, alpha=[bad("resource0")])
    told = (await api.get(ALPHA)).json["violations"]
    assert (told["open_is_at_least"], told["listed"]) == (True, "some"), (
        "what is not remembered is not proven to be over"
    )
