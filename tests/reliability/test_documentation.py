"""docs/reliability.md says what the tests play, and names no test that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.reliability import collector_expectations, webhook_expectations
from tests.reliability.tables import PAGE, page

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


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/.]+?)(?:::(\w+))?`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 10
    for path, test in named:
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), test
