"""The local workspace says what Azure would bill for its rows: `_BilledSize`, `_IsBillable` and the table Usage."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.workspace.schema import read_tables
from sandbox.workspace.workspace import Workspace

NOW = datetime(2026, 3, 10, 12, 20, tzinfo=UTC)
SENT = NOW.isoformat()
RUNS, RESULTS = "PolicyCollectionRuns_CL", "PolicyCollectionResults_CL"


@pytest.fixture
def now() -> list[datetime]:
    return [NOW]


@pytest.fixture
def workspace(now: list[datetime]) -> Iterator[Workspace]:
    with Workspace(read_tables(), clock=lambda: now[-1]) as workspace:
        yield workspace


def billed(workspace: Workspace, **row: Any) -> float:
    """What is billed for one row, beyond its TimeGenerated."""
    workspace.insert(RUNS, [{"TimeGenerated": SENT, **row}])
    [found] = workspace.query(f"{RUNS} | project _BilledSize, _IsBillable")
    assert found["_IsBillable"] == "True"
    return float(found["_BilledSize"]) - len(SENT)


@pytest.mark.parametrize(
    ("row", "size"),
    [
        ({"Trigger": "timer"}, 5),
        ({"Trigger": "Ärger"}, 6),
        ({"Applications": 1234, "Left": None}, 4),
        ({"Trigger": ""}, 0),
        ({"No_such_column": "dropped, and so not billed"}, 0),
        ({"Applications": "no number, stored as null"}, 0),
        ({"Trigger": "x" * 100_000}, 64 * 1024),
        ({"Due_by": "2026-03-10T15:50:00.000Z"}, 24),
    ],
)
def test_what_columns_hold_is_billed(workspace: Workspace, row: dict[str, Any], size: int) -> None:
    assert billed(workspace, **row) == size


def test_a_query_sees_the_columns_of_billing_only_when_it_names_one(workspace: Workspace) -> None:
    workspace.insert(RUNS, [{"TimeGenerated": SENT}])
    assert not {"_BilledSize", "_IsBillable"} & workspace.query(RUNS)[0].keys()
    assert workspace.query(f"{RUNS} | where _BilledSize > 0 | count") == [{"Count": 1}]


def test_a_time_span_bounds_what_is_summed_up(workspace: Workspace) -> None:
    for days in (0, 1):
        workspace.insert(RUNS, [{"TimeGenerated": (NOW - timedelta(days=days)).isoformat()}])
    last_hour = (NOW - timedelta(hours=1), NOW)
    [found] = workspace.query(f"{RUNS} | summarize Bytes = sum(_BilledSize)", timespan=last_hour)
    assert found["Bytes"] == len(SENT)


def test_usage_has_the_megabytes_of_each_table_and_hour_of_receipt(workspace: Workspace, now: list[datetime]) -> None:
    workspace.insert(RUNS, [{"TimeGenerated": SENT}] * 4)
    now.append(NOW + timedelta(hours=2))
    workspace.insert(RUNS, [{"TimeGenerated": SENT}])
    workspace.insert(RESULTS, [{"TimeGenerated": SENT, "Outcome": "Succeeded"}])
    found = workspace.query("Usage | where IsBillable | project DataType, StartTime, EndTime, Quantity, QuantityUnit")
    first, second = (NOW.replace(minute=0) + timedelta(hours=hours) for hours in (0, 2))
    hour, megabyte = timedelta(hours=1), 1e6
    assert sorted(tuple(row.values()) for row in found) == [
        (RESULTS, second, second + hour, (len(SENT) + 9) / megabyte, "MBytes"),
        (RUNS, first, first + hour, 4 * len(SENT) / megabyte, "MBytes"),
        (RUNS, second, second + hour, len(SENT) / megabyte, "MBytes"),
    ]
    assert not workspace.query("Usage", timespan=(NOW - 9 * hour, NOW - 5 * hour))


def test_rows_that_were_forgotten_are_not_billed(workspace: Workspace) -> None:
    workspace.insert(RUNS, [{"TimeGenerated": SENT}])
    workspace.clear()
    assert workspace.query("Usage") == []
