"""docs/controls.md has every requirement once, and names nothing that is not there.

asvs_levels.json has the ids of level 1 and 2 of OWASP ASVS 5.0.0 with their levels, in the standard's order. Source:
github.com/OWASP/ASVS, 5.0/docs_en, the table of requirements.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.infra.evidence import PROJECT, not_there, spans, without_spans

PAGE = PROJECT / "docs" / "controls.md"
LEVELS: dict[str, int] = json.loads((Path(__file__).parent / "asvs_levels.json").read_text())
STATES = {"met", "platform", "not applicable", "partly", "open"}
BENCHMARK = "CIS Microsoft Azure Foundations Benchmark"
BENCHMARK_STATES = STATES | {"publisher"}
MOST_WORDS = 8
COLUMNS = 4
FILES = (".py", ".bicep", ".json", ".kql", ".md", ".toml", ".yml", ".js", ".html")


class Row(NamedTuple):
    first: str
    last: str
    topic: str
    state: str
    reason: str


def section(text: str, heading: str) -> str:
    _, found, after = text.partition(f"\n## {heading}\n")
    assert found, heading
    return after.partition("\n## ")[0]


def rows(text: str) -> list[Row]:
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and re.match(r"\d", cells[0]):
            assert len(cells) == COLUMNS, line
            first, _, last = cells[0].partition("-")
            found.append(Row(first, last or first, *cells[1:]))
    return found


def told_wrong(row: Row, states: set[str]) -> Iterator[str]:
    """Yield what is wrong with one row, wherever it stands."""
    words = len(row.topic.split())
    if not 0 < words <= MOST_WORDS:
        yield f"{row.first}: a topic of {words} words"
    if row.state not in states:
        yield f"{row.first}: {row.state} is no state"
    named = [span for span in spans(row.reason) if span.partition("::")[0].endswith(FILES)]
    yield from (f"{row.first}: {told}" for told in not_there(named))
    if any(span.startswith(("tests/", "test_")) and ".py" not in span for span in spans(row.reason)):
        yield f"{row.first}: a test without its file"
    if row.state == "met" and not named and "](" not in row.reason:
        yield f"{row.first}: met without evidence"
    if not without_spans(row.reason) and row.state != "met":
        yield f"{row.first}: {row.state} without a reason"


def covered(row: Row) -> list[str]:
    """Return the standard's ids that a row speaks of; none for a row that begins or ends elsewhere."""
    order = list(LEVELS)
    return order[order.index(row.first) : order.index(row.last) + 1] if {row.first, row.last} <= LEVELS.keys() else []


def problems(text: str) -> list[str]:
    """Return what is wrong with the page."""
    standard, benchmark = rows(section(text, "OWASP ASVS")), rows(section(text, BENCHMARK))
    found = [told for row in standard for told in told_wrong(row, STATES)]
    found += [told for row in benchmark for told in told_wrong(row, BENCHMARK_STATES)]
    found += [f"{row.first}-{row.last}: not of the standard's levels 1 and 2" for row in standard if not covered(row)]
    times = Counter(one for row in standard for one in covered(row))
    counts = Counter(row.state for row in standard for _ in covered(row))
    told = dict(re.findall(r"^\| ([a-z ]+) \| (\d+) \|", text.partition("\n## ")[0], re.MULTILINE))
    found += [
        f"{state}: {counts[state]} requirements" for state in BENCHMARK_STATES if told.get(state) != str(counts[state])
    ]
    found += [f"{one}: {times[one]} rows" for one in LEVELS if times[one] != 1]
    places = [tuple(tuple(map(int, end.split("."))) for end in (row.first, row.last)) for row in benchmark]
    ends = [end for place in places for end in place]
    if ends != sorted(ends) or len({first for first, _ in places}) != len(places):
        found.append("the benchmark's items are not in order, each once")
    return found


def test_every_requirement_has_one_row_with_a_state_and_with_evidence_that_is_there() -> None:
    assert problems(PAGE.read_text(encoding="utf-8")) == []


def test_the_levels_are_those_of_the_standard() -> None:
    assert Counter(LEVELS.values()) == {1: 70, 2: 183}
    assert list(LEVELS) == sorted(LEVELS, key=lambda one: tuple(map(int, one.split("."))))


@pytest.mark.parametrize(
    ("line", "changed", "complaint"),
    [
        ("| 1.1.1 |", "1.1.1 |", "1.1.1: 0 rows"),
        ("| 1.2.6-1.2.8 |", "| 1.2.5-1.2.8 |", "1.2.5: 2 rows"),
        ("| 1.2.6-1.2.8 |", "| 1.2.6-1.2.10 |", "1.2.6-1.2.10: not of the standard's levels 1 and 2"),
        (
            "| 1.1.2 | escape last, where it is interpreted | met |",
            "| 1.1.2 | escape | done |",
            "1.1.2: done is no state",
        ),
        ("| 1.2.9 | escape input", "| 1.2.9 | escape all of the input whatever it holds", "1.2.9: a topic of 11 words"),
        ("`compliance_api/named.py`", "`compliance_api/names.py`", "1.1.1: there is no compliance_api/names.py"),
        ("::test_names_are_text_in_every", "::test_names_are_in_every", "test_names_are_in_every"),
        ("| nobody enters HTML |", "| `host.json` |", "1.3.1: not applicable without a reason"),
        ("| met | `compliance_api/dashboard/index.html` |", "| met | surely |", "7.4.4: met without evidence"),
        ("| not applicable | nobody enters HTML |", "| publisher | nobody |", "1.3.1: publisher is no state"),
        ("| 1.3.1 | sanitize HTML of an editor | not applicable |", "| 1.3.1 | sanitize | open |", "open: "),
        ("| 9.3.4 |", "| 9.3.3.1 |", "the benchmark's items are not in order, each once"),
    ],
)
def test_a_page_that_is_wrong_is_told(line: str, changed: str, complaint: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, found, after = text.partition(line)
    assert found

    assert any(complaint in told for told in problems(before + changed + after))
