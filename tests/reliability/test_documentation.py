"""Documents say what the tests play, and name no test that is not there."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from tests.reliability import collector_expectations, notification_expectations, webhook_expectations
from tests.reliability.tables import PAGE, page
from verdicts.facts import HeldReason

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_are_those_that_the_tests_play() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "write them again: python -m tests.reliability.tables"


def test_the_page_counts_the_cells_right() -> None:
    text = PAGE.read_text(encoding="utf-8")
    collector = collector_expectations.cells().values()
    passing = [cell for cell in collector if cell.passing != cell.lasting]
    assert f"{len(collector)} cells" in text
    assert f"{len(passing)} of them" in text
    assert f"{len(webhook_expectations.cells())} cells" in text
    assert f"{len(notification_expectations.cells())} cells of the worker" in text


def test_what_only_the_long_run_plays_is_listed_with_its_last_run() -> None:
    _, _, section = PAGE.read_text(encoding="utf-8").partition("## What only the long run plays")
    rows = re.findall(r"^\| `(tests/[\w/.]+)` \| .+ \| (.+) \|$", section.partition("\n## ")[0], re.MULTILINE)
    mark = "pytest.mark." + "long"
    long_ones = [path for path in (ROOT / "tests").rglob("*.py") if mark in path.read_text(encoding="utf-8")]
    assert {name for name, _ in rows} == {path.relative_to(ROOT).as_posix() for path in long_ones}
    assert all(date.fromisoformat(day) for _, day in rows)


@pytest.mark.parametrize("page_name", ["reliability.md", "closing.md"])
def test_every_test_that_a_page_names_is_there(page_name: str) -> None:
    named = re.findall(r"`(tests/[\w/.]+?)(?:::(\w+))?`", (PAGE.parent / page_name).read_text(encoding="utf-8"))
    assert len(named) > 10
    for path, test in named:
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), test


@pytest.mark.parametrize(
    "place", ["docs/closing.md", "infra/tables/PolicyVerdicts_CL.json", "compliance_api/openapi.json"]
)
def test_every_reason_for_which_a_violation_is_held_is_explained(place: str) -> None:
    text = (ROOT / place).read_text(encoding="utf-8")
    assert [one for one in HeldReason if not re.search(rf"\b{one}\b", text)] == []
