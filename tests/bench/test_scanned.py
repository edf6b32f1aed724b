"""docs/performance.md shows what queries scan, as it was counted, and for every query there is."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from bench.scanned.counting import APPLICATIONS_NOW, FLEET, Counter, Scanned, scanned_now
from bench.scanned.document import PAGE, RESULT, table, write
from bench.scanned.queries import Asked, asked_now
from bench.scanned.two_days import HOURS, NOW, RESULTS, RUNS, STATES, STATES_EACH, VERDICTS, filled, violating
from sandbox.workspace.schema import read_tables
from sandbox.workspace.workspace import Workspace

COUNTED = json.loads(RESULT.read_text(encoding="utf-8"))
DRILL_DOWNS = {"workbook resources", "workbook states_missing"} | {
    f"API, one application: {name}" for name in ("noncompliant_resources", "states_missing")
}
WEEK = timedelta(days=7)


def test_the_page_shows_what_was_counted() -> None:
    assert table(COUNTED) in PAGE.read_text(encoding="utf-8"), "run python -m bench.scanned --document"


def test_there_is_a_line_for_every_query_over_our_tables() -> None:
    assert [*COUNTED["queries"]] == [asked.name for asked in asked_now(violating(1)[0])]


def test_only_drill_downs_scan_states_and_those_of_one_moment() -> None:
    states = {name: one["now"]["states"] for name, one in COUNTED["queries"].items() if one["now"]["states"]}
    assert states.keys() == DRILL_DOWNS
    assert max(states.values()) < FLEET * STATES_EACH / 10
    assert {COUNTED["queries"][name]["now"]["upload"] for name in DRILL_DOWNS} == {STATES_EACH}


def test_before_every_look_at_what_stands_scanned_every_state_of_every_run() -> None:
    before = {name: one["before"]["states"] for name, one in COUNTED["queries"].items() if one["before"]}
    everything = FLEET * STATES_EACH * HOURS
    for name in (
        "rule application-noncompliant",
        "workbook summary",
        "saved query applications",
        *DRILL_DOWNS & {*before},
    ):
        assert before[name] == everything, name


@pytest.mark.long
@pytest.mark.timeout(300)
def test_what_was_counted_is_what_is_counted() -> None:
    counted = {name: one["now"] for name, one in COUNTED["queries"].items()}
    assert {name: asdict(one) for name, one in scanned_now().items()} == counted, (
        "run python -m bench.scanned --document"
    )


def test_a_result_is_written_between_its_marks_alone(tmp_path: Path) -> None:
    page, file = tmp_path / "performance.md", tmp_path / "scanned.json"
    page.write_text(PAGE.read_text(encoding="utf-8").replace("| rule ", "| no rule "), encoding="utf-8")
    for _ in range(2):
        write(COUNTED, page=page, file=file)
    assert page.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    assert file.read_text(encoding="utf-8") == RESULT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("query", "scanned"),
    [
        (f"{VERDICTS} | count", Scanned(0, 3 * 100)),
        (f"{VERDICTS} | where TimeGenerated > ago(2h) | where Verdict == 'x'", Scanned(0, 2 * 100)),
        (
            f"let T = toscalar({RUNS} | summarize max(TimeGenerated)); {RESULTS} | where TimeGenerated == T",
            Scanned(0, 103),
        ),
        (f"{VERDICTS} | where TimeGenerated > ago(2h) | union ({VERDICTS} | take 1)", Scanned(0, 3 * 100)),
        (f"{STATES} | where Run_id == 'a'", Scanned(3 * 100, 0)),
        ("union withsource=Table * | count", Scanned(3 * 100, 6 * 100 + 3)),
    ],
)
def test_rows_are_counted_by_what_their_time_admits_and_told_for_the_larger_fleet(query: str, scanned: Scanned) -> None:
    with Workspace(read_tables(), clock=lambda: NOW) as workspace:
        for hours in (0, 1, 5):
            row = {"TimeGenerated": (NOW - timedelta(hours=hours)).isoformat(), "Run_id": "a"}
            for name in (STATES, RESULTS, VERDICTS, RUNS):
                workspace.insert(name, [row])
        assert Counter(workspace, FLEET // 100).scanned(Asked("any", query, WEEK)) == scanned


def test_states_are_rendered_when_they_changed_or_their_turn_came() -> None:
    with filled(4, uploads_all=False) as changed, filled(4, uploads_all=True) as everything:
        assert everything.query(f"{STATES} | count") == [{"Count": 4 * STATES_EACH * HOURS}]
        uploads = changed.query(f"{STATES} | summarize Rows = count() by Run_id, Application_id")
        assert {one["Rows"] for one in uploads} == {STATES_EACH}
        assert 4 * 2 <= len(uploads) <= 4 * 3 + 1, "each in its turn, and the one that changed"
        assert changed.query(f"{RESULTS} | count") == [{"Count": 4 * HOURS}]
    assert APPLICATIONS_NOW % 10 == 0
