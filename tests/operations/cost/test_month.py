"""``cost`` against the workspace: what came in, and what a month of it costs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.local_azure import Sandbox
from sandbox.roles import AUDIT_TABLE
from sandbox.workspace.schema import read_tables
from tests.operations.command_line import Cli
from tests.operations.cost.rows import (
    MONTH,
    RUNS,
    STATES,
    midnight,
    parts,
    store,
    store_run,
    store_states,
    tables,
)


def test_what_came_in_in_the_last_full_days_makes_the_month(cli: Cli, sandbox: Sandbox) -> None:
    time = sum(store(sandbox, STATES, midnight(day) + timedelta(hours=5), {"Plan_name": "x" * 976}) for day in (1, 2))
    for day in (0, 3, 4):  # today, and the days before those that are asked for
        store(sandbox, STATES, midnight(day), {"Plan_name": "y" * 5000})
    store_run(sandbox, midnight(1))
    done = cli("cost", "--json", "--days", "2")
    assert done.status == 0
    assert (done.document["days"], done.document["first_day"]) == (2, midnight(2).date().isoformat())
    line = tables(done)[STATES]
    daily = (2 * 976 + time) / 2
    assert line["rows_a_day"] == 1
    assert line["megabytes_a_day"] == pytest.approx(daily / 1e6)
    assert line["gigabytes_a_month"] == pytest.approx(daily * MONTH / 1e9)
    assert line["price_a_month"] == pytest.approx(daily * MONTH / 1e9 * 2.99)
    assert set(tables(done)) == set(read_tables()) - {AUDIT_TABLE}


def test_the_bill_has_the_parts_that_the_run_rows_tell(cli: Cli, sandbox: Sandbox) -> None:
    store_run(sandbox, midnight(3))
    for hour in range(48):
        store_run(sandbox, midnight(2) + timedelta(hours=hour), Named_alarms=hour)
    done = cli("cost", "--json", "--days", "2")
    found = parts(done)
    assert found["alert rules"] == pytest.approx(25 * 0.50 + 46 * 0.05), "as of the last run, which has 47 alarms open"
    seconds = 24 * MONTH * (2 + 4) + MONTH * 8 * 3 * 0.5 / 8 + 730 * 60
    assert found["functions"] == pytest.approx(seconds * 2 * 0.000026)
    taken_in = tables(done)[RUNS]["price_a_month"]
    assert found["rows taken in"] == pytest.approx(taken_in)
    assert found["rows kept"] == pytest.approx(taken_in / 2.99 * 59 / MONTH * 0.13)
    assert done.document["price_a_month"] == pytest.approx(sum(filter(None, found.values())))


def test_a_price_of_ones_own_counts(cli: Cli, sandbox: Sandbox) -> None:
    for day in (1, 2):
        store_run(sandbox, midnight(day))
    listed, own = (cli("cost", "--json", *more) for more in ((), ("--price-per-gigabyte", "5.98")))
    assert tables(own)[RUNS]["price_a_month"] == pytest.approx(2 * tables(listed)[RUNS]["price_a_month"])
    assert (listed.document["prices"]["is_own"], own.document["prices"]["is_own"]) == (False, True)


def test_the_day_of_the_first_row_is_not_a_full_one(cli: Cli, sandbox: Sandbox) -> None:
    for day in (1, 2, 3):
        store_run(sandbox, midnight(day) + timedelta(hours=13))
    done = cli("cost", "--json")
    assert (done.status, done.document["days"], done.document["days_asked"]) == (0, 2, 7)
    assert tables(done)[RUNS]["rows_a_day"] == 1
    assert "2 of 7 days" in cli("cost").output


def test_the_tables_fit_eighty_columns(cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    store_run(sandbox, midnight(3))
    for hour in range(0, 48, 5):
        store_states(sandbox, midnight(2) + timedelta(hours=hour), states=9)
        store_run(sandbox, midnight(2) + timedelta(hours=hour))
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("cost", "--days", "2").output.splitlines()
    drawn = [line for line in lines if line[:1] in {"│", "┃"}]
    assert max(map(len, drawn)) <= 80
    assert any("ManagedApplicationEvents_CL" in line for line in drawn), "no name is broken"
