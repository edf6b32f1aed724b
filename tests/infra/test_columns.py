from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from checks import columns


def test_tables_stream_and_rows_have_the_same_columns() -> None:
    assert columns.problems() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        (
            "tables/PolicyCollectionRuns_CL.json",
            '"Trigger"',
            '"Cause"',
            "collector/reporting/rows.py does not write Cause",
        ),
        (
            "tables/PolicyCollectionRuns_CL.json",
            '"Trigger"',
            '"Cause"',
            "collector/reporting/rows.py writes Trigger, which is no column",
        ),
        ("tables/PolicyVerdicts_CL.json", '"Held_since"', '"Held_for"', "verdicts/rows.py does not write Held_for"),
        (
            "tables/PolicyCollectionResults_CL.json",
            '"Unread_alarm_key"',
            '"Unread_key"',
            "PolicyCollectionResults_CL: collector/reporting/rows.py does not write Unread_key",
        ),
        ("tables/PolicyCollectionRuns_CL.json", '"Trigger"', '"Title"', "Title is no name for a column"),
        (
            "tables/PolicyCollectionRuns_CL.json",
            '"type": "string", "description": "Id',
            '"type": "guid", "description": "Id',
            "a stream has no type guid",
        ),
        ("tables/PolicyCollectionRuns_CL.json", '"Version"', '"Trigger"', "a column is declared twice"),
        (
            "modules/monitoring.bicep",
            "tables/ManagedApplicationEvents_CL.json",
            "tables/PolicyCollectionRuns_CL.json",
            "ManagedApplicationEvents_CL.json is not loaded",
        ),
        (
            "modules/data_collection.bicep",
            "'Custom-${definitions.runs.name}': {",
            "'Custom-runs': {",
            "declares no stream for runs",
        ),
    ],
)
def test_a_disagreement_is_found(infrastructure: Path, file: str, old: str, new: str, complaint: str) -> None:
    text = (infrastructure / file).read_text()
    assert old in text
    (infrastructure / file).write_text(text.replace(old, new, 1))
    found = columns.problems(tables=infrastructure / "tables", modules=infrastructure / "modules")
    assert any(complaint in problem for problem in found), found


def test_a_column_that_rows_forget_is_found(tmp_path: Path) -> None:
    for source, _ in columns.ROW_BUILDERS.values():
        (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(columns.PROJECT / source, tmp_path / source)
    rows = tmp_path / "collector" / "reporting" / "rows.py"
    rows.write_text(rows.read_text().replace('        "Outcome": result.outcome.value,\n', ""))
    assert columns.problems(project=tmp_path) == [
        "PolicyCollectionResults_CL: collector/reporting/rows.py does not write Outcome"
    ]
