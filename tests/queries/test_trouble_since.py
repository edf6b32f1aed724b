"""Since when: the time of the first bad or unreadable result after which there was no better one."""

from datetime import datetime, timedelta

import pytest

from sandbox.alerts.rules import QUERIES_DIRECTORY
from sandbox.workspace.workspace import Workspace
from tests.queries.fleet import NOW, Fleet, application_id, bad, good

Row = tuple[datetime | None, bool, datetime | None, bool]


def told(workspace: Workspace) -> dict[str, Row]:
    text = (QUERIES_DIRECTORY / "trouble_since.kql").read_text(encoding="utf-8")
    columns = ("Noncompliant_since", "Noncompliant_is_older", "Unread_since", "Unread_is_older")
    rows = {row["Application_id"]: row for row in workspace.query(text)}
    names = {application_id(name).lower(): name for name in ("alpha", "beta", "gamma", "delta")}
    return {
        names[key]: (row[columns[0]], row[columns[1]], row[columns[2]], row[columns[3]]) for key, row in rows.items()
    }


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def test_trouble_begins_after_the_last_good_result(fleet: Fleet, workspace: Workspace) -> None:
    fleet.run(hours_ago=4, alpha=[bad()], beta=[good()], gamma=[good()])
    fleet.run(hours_ago=3, alpha=[good()], beta=[bad()], gamma="Failed")
    fleet.run(hours_ago=2, alpha=[bad()], beta=[bad()], gamma="AccessDenied", delta="NotFound")
    fleet.run(hours_ago=1, alpha=[bad()], beta=[good()], gamma="AccessDenied", delta="NotFound")

    assert told(workspace) == {
        "alpha": (ago(2), False, None, False),
        "gamma": (None, False, ago(3), False),
        "delta": (None, False, ago(2), True),
    }


def test_what_was_never_better_may_have_begun_earlier(fleet: Fleet, workspace: Workspace) -> None:
    fleet.run(hours_ago=2, alpha=[bad()])
    fleet.run(hours_ago=1, alpha=[bad()])

    assert told(workspace) == {"alpha": (ago(2), True, None, False)}


@pytest.mark.parametrize("outcome", ["AccessDenied", "UploadFailed", "Skipped"])
def test_a_failed_reading_does_not_end_trouble(fleet: Fleet, workspace: Workspace, outcome: str) -> None:
    fleet.run(hours_ago=4, alpha=[good()])
    fleet.run(hours_ago=3, alpha=[bad()])
    fleet.run(hours_ago=2, alpha=outcome)
    fleet.run(hours_ago=1, alpha=[bad()], shouting=True)

    assert told(workspace) == {"alpha": (ago(3), False, None, False)}


def test_without_trouble_there_is_no_row(fleet: Fleet, workspace: Workspace) -> None:
    fleet.run(hours_ago=1, alpha=[good()], beta=[])

    assert told(workspace) == {}
