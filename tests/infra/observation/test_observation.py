"""What people look at holds together: workbook, saved queries and security alerts, as the check reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.observation import LAYOUT, problems
from checks.scans.states import STATES


def test_workbook_saved_queries_and_security_alerts_are_sound() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        (LAYOUT, '"query": "unread"', '"query": "unreed"', "unreed is not in workbook.bicep"),
        (LAYOUT, '"query": "unread"', '"query": "unreed"', "unread is loaded but never shown"),
        (
            LAYOUT,
            '"timeContextFromParameter": "TimeRange"',
            '"x": "y"',
            "fleet_history looks at another time than it should",
        ),
        (
            LAYOUT,
            '"durationMs": 7776000000\n      }',
            '"durationMs": 60000\n      }',
            "customers_parameter looks at another",
        ),
        (LAYOUT, '"items": [', '"items": [,', "compliance.workbook.json: "),
        ("workbooks/customers.kql", "{Customer}", "{Kunde}", "the workbook has no parameter {Kunde}"),
        ("workbooks/collector_history.kql", "Duration_ms", "Duration", "KS142"),
        ("workbooks/dropped_rows.kql", "DCRLogErrors", "DCRLogError", "KS204"),
        ("workbooks/collector_history.kql", "PolicyCollectionRuns_CL", STATES, "is no drill-down"),
        ("query_pack/vault_failures.kql", "HttpStatusCode = Status", "HttpStatusCode = State", "KS142"),
        ("query_pack/queries.json", '"labels": ["security"]', '"labels": []', "credential_reads has no labels"),
        ("security_alerts/vault_read_by_stranger.kql", "| summarize", "| take 5\n| summarize", "take"),
        ("security_alerts/rules.json", '"severity": 1', '"severity": 7', "a severity is 0 to 4"),
    ],
)
def test_what_is_broken_is_found(infrastructure: Path, file: str, old: str, new: str, complaint: str) -> None:
    text = (infrastructure / file).read_text()
    assert old in text
    (infrastructure / file).write_text(text.replace(old, new, 1))
    found = problems(infrastructure)
    assert any(complaint in problem for problem in found), found


def test_a_query_that_nobody_shows_is_found(infrastructure: Path) -> None:
    (infrastructure / "workbooks" / "forgotten.kql").write_text("PolicyCollectionRuns_CL")
    assert problems(infrastructure) == ["workbooks/forgotten.kql is not used"]
