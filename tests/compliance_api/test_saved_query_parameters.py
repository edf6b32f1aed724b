"""Saved queries take the parameters that their `let` lines declare, and are answered in pages."""

import pytest

from compliance_api.description import operations
from compliance_api.http import ProblemError
from compliance_api.workspace import saved_queries
from compliance_api.workspace.query_parameters import parameters_of, with_values
from sandbox.local_azure import Sandbox
from tests.compliance_api.conftest import Api
from tests.queries.fleet import Fleet, application_id, bad, good

TYPED = 'let Name = "x";\nlet Span = 12h;\nlet Many = 3;\nlet From = datetime(2026-01-01);\nlet All = true;\nlet As_of = "";\nT'


@pytest.fixture(autouse=True)
def rows(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=1, alpha=[bad()], beta=[good()], gamma=[good()])


def test_every_let_line_with_a_literal_is_a_parameter_of_its_type() -> None:
    found = {one.name: (one.type, one.default) for one in parameters_of(TYPED)}

    assert found == {"name": ("string", '"x"'), "span": ("timespan", "12h"), "many": ("long", "3"),
                     "from": ("datetime", "datetime(2026-01-01)"), "all": ("bool", "true")}  # fmt: skip


def test_values_are_written_as_literals_of_their_type() -> None:
    values = {
        "name": '"; T //\n',
        "span": "7d",
        "many": "-5",
        "from": "2026-01-31T12:00:00+02:00",
        "all": "false",
        "as_of": "x",
    }

    assert with_values(TYPED, values).splitlines() == [
        'let Name = "\\"; T //\\u000a";', "let Span = 7d;", "let Many = long(-5);",
        "let From = datetime(2026-01-31T10:00:00.000000Z);", "let All = false;", 'let As_of = "";', "T",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("span", "7"), ("span", "1d); T"), ("span", "٣d"), ("many", "1e3"), ("many", "9" * 19), ("many", ""), ("from", "today"),
     ("from", "0001-01-01T00:00:00+23:00"), ("all", "True"), ("name", "x" * 1001)],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ProblemError) as raised:
        with_values(TYPED, {name: value})

    assert raised.value.field == name


async def test_a_saved_query_is_narrowed_by_its_parameter(api: Api) -> None:
    told = (await api.get("saved_queries/applications", only=application_id("alpha"))).json
    nothing = (await api.get("saved_queries/applications", only='" or true //')).json

    assert [one["Application_name"] for one in told["results"]] == ["alpha"]
    assert nothing["results"] == []


async def test_a_parameter_of_another_query_is_refused_with_those_that_there_are(api: Api) -> None:
    reply = await api.get("saved_queries/collector_runs", only=application_id("alpha"))
    run = await api.get("saved_queries/applications", as_of="run-1")

    assert (reply.status, reply.json["field"]) == (400, "only")
    assert "timespan, page_size, page_token" in reply.json["detail"]
    assert (run.status, run.json["field"]) == (400, "as_of")


async def test_the_list_tells_each_query_s_parameters_and_the_description_all_of_them(api: Api) -> None:
    listed = {one["name"]: one["parameters"] for one in (await api.get("saved_queries")).json["queries"]}

    assert listed["applications"] == [{"name": "only", "type": "string", "default": '""'}]
    assert listed["latest_run"] == []
    [operation] = [one for one in operations() if one.id == "runSavedQuery"]
    names = {one.name for name in saved_queries.names() for one in parameters_of(saved_queries.text(name))}
    assert operation.parameters.keys() - {"name", "timespan", "page_size", "page_token", "api-version"} == names


async def test_pages_have_every_row_once_and_in_order(api: Api) -> None:
    whole = (await api.get("saved_queries/applications")).json
    found, token, pages = [], {}, 0
    while pages == 0 or token:
        told = (await api.get("saved_queries/applications", page_size=2, **token)).json
        assert (told["status"], told["total"]) == ("success", 3)
        found += told["results"]
        token = {"page_token": told["next_page_token"]} if told["next_page_token"] else {}
        pages += 1

    assert pages == 2
    assert found == whole["results"]


async def test_a_token_is_refused_once_the_answer_has_changed(
    api: Api, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_CACHE_SECONDS", "0")
    token = (await api.get("saved_queries/applications", page_size=1)).json["next_page_token"]
    fleet.run(alpha=[bad()], beta=[bad()], gamma=[good()])

    assert (await api.get("saved_queries/applications", page_size=1, page_token=token)).status == 400


async def test_rows_beyond_the_limit_are_reached_by_pages(
    api: Api, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setenv("QUERY_MAX_ROWS", "1")
    whole = await api.get("saved_queries/applications")
    page = await api.get("saved_queries/applications", page_size=1)

    assert (whole.status, whole.json["row_count"], whole.json["total"]) == (206, 1, 3)
    assert (page.status, page.json["row_count"]) == (200, 1)
    assert page.json["nextLink"]
