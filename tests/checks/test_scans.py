"""Which rows queries read: tables and their time conditions, and that states are read by drill-downs alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.kql import problems
from checks.scans.scan import Scan, scans
from checks.scans.states import STATES, state_problems
from sandbox.alerts.rules import QUERIES_DIRECTORY, RULES_FILE

DRILL_DOWN = (QUERIES_DIRECTORY / "noncompliant_resources.kql").read_text(encoding="utf-8")


def test_each_place_at_which_a_table_is_read_has_the_conditions_behind_it() -> None:
    query = (
        "let Since = ago(2d); // not Comment_CL\n"
        'let One = A_CL | where TimeGenerated > Since and Name in ("a|b; B_CL", "c") | where X == 1 | count | where Y == 2;\n'
        "One | join kind=inner (C_CL | where TimeGenerated between (ago(1d) .. now())) on Name"
    )
    before = query[: query.index(" // not")], query[: query.index("\nOne |")]
    assert scans(query) == [
        Scan("A_CL", ('TimeGenerated > Since and Name in ("a|b; B_CL", "c")', "X == 1"), before[0]),
        Scan("C_CL", ("TimeGenerated between (ago(1d) .. now())",), before[1]),
    ]


@pytest.mark.parametrize("query", ["union withsource=T * | count", "search 'x'", "let A = 1; union *"])
def test_whoever_reads_every_table_reads_states(query: str) -> None:
    assert state_problems(query, is_drill_down=True) == ["reads every table, and so the states"]


def test_multiplying_after_a_union_of_tables_reads_no_others() -> None:
    assert state_problems("union A_CL, B_CL | extend Double = 2 * Rows", is_drill_down=False) == []


def test_only_a_drill_down_reads_states() -> None:
    assert state_problems(DRILL_DOWN, is_drill_down=True) == []
    assert state_problems(DRILL_DOWN, is_drill_down=False) == [f"reads {STATES}, and is no drill-down"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("TimeGenerated in (Upload_time, Check_time)", "TimeGenerated >= Upload_time"),
        ("isnotempty(Only) and ", ""),
        ("Run_id in (Upload_id, Check_id) and ", ""),
        (" and Application_id =~ Only\n    | where Run_id", "\n    | where Run_id"),
        (f"{STATES}\n", f"{STATES}\n    | extend Late = 1\n"),
    ],
)
def test_a_drill_down_that_asks_for_more_than_one_upload_is_found(old: str, new: str) -> None:
    assert old in DRILL_DOWN
    found = state_problems(DRILL_DOWN.replace(old, new, 1), is_drill_down=True)
    assert found == [f"does not ask {STATES} for the latest upload of one application first"]


def test_a_rule_that_reads_states_is_found_by_the_check_of_all_queries(tmp_path: Path) -> None:
    for path in QUERIES_DIRECTORY.glob("*.kql"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "latest_run.kql").write_text(f"{STATES} | project Run_id", encoding="utf-8")
    [found] = problems(tmp_path, RULES_FILE)
    assert found.endswith(f"latest_run.kql: reads {STATES}, and is no drill-down")
