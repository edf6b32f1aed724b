"""The guard of callers' queries and Microsoft's own parser look at the same few thousand queries."""

import re
import time
from functools import cache
from pathlib import Path

import pytest

from checks.kql import Calls, calls
from compliance_api.workspace import saved_queries
from compliance_api.workspace.kql import refusal
from tests.compliance_api.workspace.corpus import ELSEWHERE, Maker

QUERIES = 2500
PLUGINS_THAT_STAY = {"bag_unpack", "pivot", ""}
"""The parser calls a plugin whose name it does not find ''."""

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"


@cache
def corpus() -> dict[str, tuple[str, Calls]]:
    maker = Maker(seed=15)
    queries = {str(number): maker.query() for number in range(QUERIES)}
    return {name: (queries[name], found) for name, found in calls(queries).items()}


def leads_elsewhere(found: Calls) -> bool:
    return bool(
        found.command
        or found.directives
        or found.externaldata
        or {name.lower() for name in found.functions} & set(ELSEWHERE)
        or set(found.plugins) - PLUGINS_THAT_STAY
    )


@pytest.mark.timeout(120)
def test_whatever_the_parser_sees_leave_the_workspace_is_refused() -> None:
    leaving = [query for query, found in corpus().values() if leads_elsewhere(found)]

    assert len(leaving) > QUERIES / 5
    assert [query for query in leaving if refusal(query) is None] == []


@pytest.mark.timeout(120)
def test_of_the_correct_queries_that_stay_no_more_are_refused_than_the_documents_tell() -> None:
    staying = [query for query, found in corpus().values() if not found.errors and not leads_elsewhere(found)]
    share = 100 * sum(refusal(query) is not None for query in staying) / len(staying)

    assert len(staying) > QUERIES / 8
    [told] = re.findall(r"refuses (\d+) % of the correct ones that stay", DOCUMENT.read_text(encoding="utf-8"))
    assert round(share) == int(told)


@pytest.mark.parametrize("name", saved_queries.names())
def test_the_guard_lets_every_query_of_the_project_through(name: str) -> None:
    assert refusal(saved_queries.text(name)) is None


@pytest.mark.parametrize("word", ["external_data", "External_Data", "inline_external_table", "EXTERNALDATA"])
def test_every_spelling_of_external_data_is_refused(word: str) -> None:
    assert refusal(f"{word} (a: string) [h@'https://x/y']")


@pytest.mark.parametrize(
    "query",
    [
        "T // a\u2028| union cluster('x').T",
        "T // a\r| union cluster('x').T",
        "T // \u2028 ``` \r| union cluster('x').T // ```",
        "T // \u2028 ' // '\r| union cluster('x').T",
        "T // a\u0085| union cluster('x').T",
        "T // \u0085```\n| union cluster('x').T",
        "print datetime(\") | union cluster('x').T //\"",
        "print \"\\q cluster('x')\"",
        "print @'a\ncluster('x').T",
        "clu\u200bster('x').T",
        "clu\u00adster('x').T",
        "cluster\u2060\ufeff('x').T",
        "cluster\u3000// \"\r\n('x').T",
        "\uff43luster('x').T",
        "['clu\\u0073ter']('x').T",
        "['cluster'] // it's\n ('x').T",
        "\ufeff.show tables",
        "// a\u2028.show tables",
        "#connect cluster('x')\nprint 1",
        "T | evaluate\u200bhttp_request('x')",
        "T | evaluate['http_request']('x')",
        "let f = () { workspace('x').T }; f",
    ],
)
def test_no_invisible_character_line_end_or_literal_hides_a_word(query: str) -> None:
    assert refusal(query)


@pytest.mark.parametrize(
    "query",
    [
        "T | where Customer == 'Café\u200d cluster(x)'",
        "T | where Customer == 'שלום\u200f' | count",
        "T\r\n| where a == 1 // cluster('x')\r\n| count",
        "T\u00a0| take 5",
        "T\r| where Customer == 'cluster(x)'\x0c| count",
        'T // note\r| where Customer == "app(x)"',
        "// cluster('x')\nT\u2028| take 5",
        "T | where Customer == @'C:\\app(1)'",
        "T | extend b = \"```\" | where c == 'app('",
    ],
)
def test_what_strings_and_comments_hold_is_no_reason_while_their_end_is_plain(query: str) -> None:
    assert refusal(query) is None


def test_a_long_text_is_judged_quickly() -> None:
    started = time.monotonic()
    for query in (
        "cluster " * 4000,
        "cluster//" * 3600,
        "// " * 10_000 + "\r",
        "int(" * 8000,
        "'\\" * 10_000,
        "] " * 16_000 + "\u2028",
    ):
        refusal(query)

    assert time.monotonic() - started < 10
