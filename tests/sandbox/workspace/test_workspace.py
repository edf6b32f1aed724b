"""The local Log Analytics workspace takes rows in, and answers, as Azure would."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.workspace.arrival import Delay, Dropped, RandomDelay
from sandbox.workspace.schema import Column, TableSchema, read_table, read_tables
from sandbox.workspace.workspace import QueryError, ResultColumn, Workspace

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
TYPES = ("string", "int", "long", "real", "boolean", "dateTime", "guid", "dynamic")
TABLE = TableSchema(
    "Every_CL",
    "One column of every type.",
    (Column("TimeGenerated", "dateTime", "Run."), *(Column(f"A_{kind}", kind, "") for kind in TYPES)),
)


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace({TABLE.name: TABLE, **read_tables()}, clock=lambda: NOW) as workspace:
        yield workspace


def stored(workspace: Workspace, **row: Any) -> dict[str, Any]:
    """Return the one row as a query sees it."""
    workspace.insert(TABLE.name, [row])
    [found] = workspace.query(TABLE.name)
    return found


@pytest.mark.parametrize(
    ("kind", "sent", "kept"),
    [
        ("string", "Grüße 'n' \"quotes\" \\ \u0000 \U0001f600", "Grüße 'n' \"quotes\" \\ \u0000 \U0001f600"),
        ("int", -(2**31), -(2**31)),
        ("long", 2**63 - 1, 2**63 - 1),
        ("real", 1, 1.0),
        ("boolean", False, False),
        ("dateTime", "2019-08-14T19:20:08.1707163Z", datetime(2019, 8, 14, 19, 20, 8, 170716, tzinfo=UTC)),
        ("dateTime", "2026-03-10T13:00:00+01:00", NOW),
        ("guid", "{74BE27DE-1e4e-49d9-b579-fe0b331d3642}", "74be27de-1e4e-49d9-b579-fe0b331d3642"),
        ("dynamic", {"list": [1, None, "x"]}, {"list": [1, None, "x"]}),
    ],
)
def test_a_value_of_the_columns_type_is_kept(workspace: Workspace, kind: str, sent: Any, kept: Any) -> None:
    assert stored(workspace, **{f"A_{kind}": sent})[f"A_{kind}"] == kept


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("int", 2**31),
        ("int", "7"),
        ("int", True),
        ("int", 1.5),
        ("long", 2**63),
        ("real", "1.5"),
        ("boolean", "true"),
        ("boolean", 1),
        ("dateTime", "yesterday"),
        ("dateTime", 1741608000),
        ("guid", "not-a-guid"),
        ("guid", 5),
        ("dynamic", None),
    ],
)
def test_a_value_of_another_type_becomes_null(workspace: Workspace, kind: str, sent: Any) -> None:
    assert stored(workspace, **{f"A_{kind}": sent})[f"A_{kind}"] is None


@pytest.mark.parametrize("sent", [None, 7, True, {"a": 1}])
def test_a_text_is_never_null(workspace: Workspace, sent: Any) -> None:
    assert stored(workspace, A_string=sent)["A_string"] == ""


def test_a_text_over_64_kb_is_cut_at_a_whole_character(workspace: Workspace) -> None:
    kept = stored(workspace, A_string="x" + "ü" * 40_000)["A_string"]

    assert kept == "x" + "ü" * 32_767


def test_unknown_and_wrongly_cased_columns_are_dropped(workspace: Workspace) -> None:
    found = stored(workspace, a_string="lower", Extra=1, A_int=1)

    assert (found["A_string"], found["A_int"], "Extra" in found) == ("", 1, False)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (NOW - timedelta(days=2), NOW - timedelta(days=2)),
        (NOW - timedelta(days=2, seconds=1), NOW),
        (NOW + timedelta(days=1), NOW + timedelta(days=1)),
        (NOW + timedelta(days=1, seconds=1), NOW),
    ],
)
def test_time_generated_is_replaced_when_it_is_too_old_or_too_far_ahead(
    workspace: Workspace, sent: datetime, kept: datetime
) -> None:
    assert stored(workspace, TimeGenerated=sent.isoformat())["TimeGenerated"] == kept


@pytest.mark.parametrize("sent", [None, "", '"2026-03-10T11:00:00"'])
def test_time_generated_that_is_no_time_is_the_time_of_receipt(workspace: Workspace, sent: Any) -> None:
    assert stored(workspace, TimeGenerated=sent)["TimeGenerated"] == NOW


def test_no_rows_are_no_problem(workspace: Workspace) -> None:
    assert workspace.insert(TABLE.name, []) == 0


def test_an_unknown_table_is_an_error(workspace: Workspace) -> None:
    with pytest.raises(KeyError):
        workspace.insert("Nowhere_CL", [{}])


def test_a_time_span_bounds_every_table_of_the_query(workspace: Workspace) -> None:
    for hours in (3, 2, 1):
        when = (NOW - timedelta(hours=hours)).isoformat()
        workspace.insert("PolicyCollectionRuns_CL", [{"TimeGenerated": when, "Run_id": f"run-{hours}"}])
        workspace.insert("PolicyCollectionResults_CL", [{"TimeGenerated": when, "Run_id": f"run-{hours}"}])
    query = """
        let Runs = PolicyCollectionRuns_CL | project Run_id;
        PolicyCollectionResults_CL | where Run_id in (Runs) | summarize Results = make_set(Run_id)
        | extend Runs = toscalar(PolicyCollectionRuns_CL | summarize count())"""

    [within] = workspace.query(query, timespan=(NOW - timedelta(hours=2), NOW - timedelta(minutes=90)))
    [everything] = workspace.query(query)

    assert within == {"Results": ["run-2"], "Runs": 1}
    assert (sorted(everything["Results"]), everything["Runs"]) == (["run-1", "run-2", "run-3"], 3)


def test_now_and_ago_follow_the_clock_that_is_asked_for(workspace: Workspace) -> None:
    workspace.insert(TABLE.name, [{"TimeGenerated": (NOW - timedelta(hours=1)).isoformat()}])
    query = f"{TABLE.name} | where TimeGenerated > ago(90m) | project Now = now()"

    assert workspace.query(query) == [{"Now": NOW}]
    assert workspace.query(query, now=NOW + timedelta(hours=1)) == []


def test_an_answer_names_its_columns_and_types_also_without_rows(workspace: Workspace) -> None:
    result = workspace.run(
        f"{TABLE.name} | summarize Count = count(), Latest = max(TimeGenerated) by A_string, A_boolean"
    )

    assert result.columns == (
        ResultColumn("A_string", "string"),
        ResultColumn("A_boolean", "bool"),
        ResultColumn("Count", "long"),
        ResultColumn("Latest", "datetime"),
    )
    assert result.rows == ()


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("Every_CL | where |", "SyntaxError"),
        ("Nowhere_CL", "SemanticError"),
        ("Every_CL | where Missing == 1", "SemanticError"),
        ("Every_CL | evaluate bag_unpack(A_dynamic)", "Unsupported"),
        (".set Copy <| Every_CL", "Unsupported"),
        (".drop table Every_CL", "Unsupported"),
        ("declare query_parameters(x: string = 'a'); Every_CL | where A_string == x", "Unsupported"),
    ],
)
def test_a_query_that_cannot_run_says_why(workspace: Workspace, query: str, kind: str) -> None:
    with pytest.raises(QueryError) as error:
        workspace.query(query)

    assert error.value.kind == kind


def test_rows_come_in_from_many_threads_while_others_query(workspace: Workspace) -> None:
    def write() -> None:
        for _ in range(20):
            workspace.insert(TABLE.name, [{"A_int": 1}] * 10)
            workspace.query(f"{TABLE.name} | count")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert workspace.query(f"{TABLE.name} | summarize Total = sum(A_int)") == [{"Total": 800}]


def test_everything_can_be_forgotten(workspace: Workspace) -> None:
    workspace.insert(TABLE.name, [{"A_int": 1}])
    workspace.clear()

    assert workspace.query(TABLE.name) == []


def test_the_projects_tables_follow_azures_rules() -> None:
    reserved = {"_ResourceId", "id", "_SubscriptionId", "TenantId", "Type", "UniqueId", "Title"}
    for name, table in read_tables().items():
        assert name.endswith("_CL")
        assert table.columns[0].name == "TimeGenerated"
        assert table.stream_name == f"Custom-{name}"
        names = [column.name for column in table.columns]
        assert len(set(map(str.lower, names))) == len(names)
        assert not reserved & set(names)
        assert all(len(column.name) <= 45 and column.name.isidentifier() for column in table.columns)
        assert all(
            column.stream_type in {"string", "int", "long", "real", "boolean", "datetime"} for column in table.columns
        )
        assert all(column.description for column in table.columns)


def test_a_column_is_found_by_its_exact_name() -> None:
    assert TABLE.column("A_int").type == "int"
    with pytest.raises(KeyError):
        TABLE.column("a_int")


def test_a_table_file_with_an_unknown_type_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "Bad_CL.json"
    path.write_text(
        '{"name": "Bad_CL", "description": "", "columns": [{"name": "A", "type": "text", "description": ""}]}'
    )

    with pytest.raises(ValueError, match=r"Bad_CL\.json: column A has the unknown type 'text'"):
        read_table(path)


def visible(workspace: Workspace, *, minutes: float) -> list[int]:
    """The values of the rows that a query sees as of so many minutes after they were received."""
    found = workspace.query(f"{TABLE.name} | project A_int", now=NOW + timedelta(minutes=minutes))
    return sorted(row["A_int"] for row in found)


def test_rows_that_are_late_are_seen_only_by_queries_as_of_later(workspace: Workspace) -> None:
    workspace.insert(TABLE.name, [{"A_int": 1}])
    workspace.arrival = Delay(timedelta(minutes=20), TABLE.name)
    workspace.insert(TABLE.name, [{"A_int": 2}])

    assert visible(workspace, minutes=19) == [1]
    assert visible(workspace, minutes=20) == [1, 2]


def test_requests_to_one_table_can_become_visible_in_another_order_and_rows_of_one_request_together(
    workspace: Workspace,
) -> None:
    workspace.arrival = RandomDelay(seed=2)
    for request in range(20):
        workspace.insert(TABLE.name, [{"A_int": request}] * 3)

    seen = [visible(workspace, minutes=minutes) for minutes in range(0, 61, 5)]

    assert seen[0] == []
    assert seen[-1] == sorted([*range(20)] * 3)
    assert all(len(values) % 3 == 0 for values in seen)
    assert any(values and values != sorted([*range(max(values) + 1)] * 3) for values in seen)


def test_delays_are_the_same_for_the_same_seed_and_concern_the_named_tables_only() -> None:
    one, other = (RandomDelay(seed=3, most=timedelta(minutes=10), tables={"Late_CL"}) for _ in range(2))
    delays = [one("Late_CL") for _ in range(5)]

    assert delays == [other("Late_CL") for _ in range(5)]
    assert len(set(delays)) == 5
    assert one("Prompt_CL") == timedelta()


def test_rows_can_be_dropped_after_they_were_accepted(workspace: Workspace) -> None:
    workspace.arrival = Dropped(TABLE.name)
    workspace.insert(TABLE.name, [{"A_int": 1}])
    workspace.insert("PolicyCollectionRuns_CL", [{"Run_id": "one"}])

    assert workspace.query(TABLE.name, now=NOW + timedelta(days=1)) == []
    assert len(workspace.query("PolicyCollectionRuns_CL")) == 1


def test_the_hidden_time_of_visibility_is_no_column_of_the_table(workspace: Workspace) -> None:
    workspace.insert(TABLE.name, [{}])

    assert [column.name for column in workspace.run(TABLE.name).columns] == [one.name for one in TABLE.columns]


def test_an_emptied_workspace_lets_rows_arrive_at_once_again(workspace: Workspace) -> None:
    workspace.arrival = Dropped(TABLE.name)
    workspace.clear()
    workspace.insert(TABLE.name, [{"A_int": 1}])

    assert visible(workspace, minutes=0) == [1]


@pytest.mark.parametrize("name", [TABLE.name, TABLE.name.lower(), f"['{TABLE.name}']"])
def test_a_table_that_the_caller_may_not_read_is_refused_however_it_is_written(workspace: Workspace, name: str) -> None:
    with pytest.raises(QueryError) as refused:
        workspace.run(f"{name} | count", hidden=frozenset({TABLE.name}))
    assert refused.value.kind == "Forbidden"
    assert workspace.run(f"print Name = '{TABLE.name}'", hidden=frozenset({TABLE.name})).as_dicts() == [
        {"Name": TABLE.name}
    ]
