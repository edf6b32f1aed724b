"""Plays a Log Analytics workspace: the project's tables in DuckDB, queried with KQL through duckdb-kql.

Rows and answers follow Azure (FACTS 3.4, 3.5): unknown columns are dropped, wrong types become null,
TimeGenerated is corrected, and a query's time span bounds TimeGenerated of every table that the query reads.
A query as of a moment sees the rows that are visible by then (see sandbox/workspace/arrival.py). What rows cost is in
sandbox/workspace/billing.py.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb
import duckdb_kql
import orjson
from duckdb_kql.translate import CLOCK_SLOT

from sandbox.workspace import billing
from sandbox.workspace.arrival import Arrival, at_once
from sandbox.workspace.column_values import CONVERTERS, time_generated
from sandbox.workspace.duckdb_types import DUCKDB_TYPES, READERS, kusto_type, naive
from sandbox.workspace.packing import written_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox.workspace.schema import TableSchema

TimeSpan = tuple[datetime, datetime]
TableColumns = tuple[tuple[str, tuple[str, ...]], ...]

_VISIBLE_AT: Final = "visible at"
"""Name of a column beside those of the table: when the row becomes visible; null: in every query."""

_BESIDE: Final = {_VISIBLE_AT: "TIMESTAMP", **billing.STORED}

_STRING: Final = re.compile(r"'(?:[^']|'')*'")
_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands in for now() while a query is translated; the real time is bound when it runs."""


class QueryError(Exception):
    """The query cannot be parsed, names something that is not there, or uses what the sandbox does not support.

    Or it names a table that its caller may not read. `kind` is "SyntaxError", "SemanticError" or "Unsupported", and the
    message the engine's own; or it is "Forbidden".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One column of an answer, its type spelled as the query API spells it (string, long, datetime, ...)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer to a query: aware UTC datetimes, timedeltas, and parsed JSON for dynamic values."""

    columns: tuple[ResultColumn, ...]
    rows: tuple[tuple[Any, ...], ...]

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return every row by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


class Workspace:
    """The tables and their rows. Every method may be called from any thread.

    Args:
        tables: the tables that exist, by name (`read_tables()`).
        clock: aware UTC time; decides about TimeGenerated on receipt, and is what now() and ago() mean in a query.

    `arrival` decides about the rows that are received from now on; a test or a scenario sets it.
    """

    def __init__(
        self, tables: Mapping[str, TableSchema], clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.tables: Final = dict(tables)
        self.arrival: Arrival = at_once
        self._clock = clock
        self._latest_receipts = dict.fromkeys(tables, clock())
        self._writing = threading.Lock()
        self._database = duckdb.connect(config={"threads": 2})
        self._database.execute(f"CREATE SCHEMA stored; CREATE SCHEMA {billing.SCHEMA}")
        for table in tables.values():
            self._create(table)
        self._database.execute(billing.usage_view(tables))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop everything. Further calls fail."""
        self._database.close()

    def _create(self, table: TableSchema) -> None:
        columns = ", ".join(f'"{column.name}" {DUCKDB_TYPES[column.type]}' for column in table.columns)
        beside = ", ".join(f'"{name}" {kind}' for name, kind in _BESIDE.items())
        self._database.execute(f'CREATE TABLE stored."{table.name}" ({columns}, {beside})')
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        # A query sees the table through a view, so that a time span bounds it wherever it stands in the query.
        for schema, shown in (("main", names), (billing.SCHEMA, f"{names}, {billing.SELECTED}")):
            self._database.execute(
                f'CREATE VIEW {schema}."{table.name}" AS SELECT {shown} FROM stored."{table.name}" '  # noqa: S608 - names from infra/tables
                "WHERE (getvariable('span_start') IS NULL OR \"TimeGenerated\" >= getvariable('span_start')) "
                "AND (getvariable('span_end') IS NULL OR \"TimeGenerated\" <= getvariable('span_end')) "
                f'AND ("{_VISIBLE_AT}" IS NULL OR "{_VISIBLE_AT}" <= getvariable(\'as_of\'))'
            )

    def _columns(self, *, is_billing: bool, hidden: frozenset[str]) -> TableColumns:
        """Return the columns that a query sees, by table."""
        more = billing.SHOWN if is_billing else ()
        ours = (
            (name, (*(one.name for one in table.columns), *more))
            for name, table in self.tables.items()
            if name not in hidden
        )
        return (*ours, (billing.USAGE, billing.USAGE_COLUMNS))

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Store rows of JSON values as Azure would, and return how many; KeyError when there is no such table."""
        schema = self.tables[table]
        received = self._clock()
        delay = self.arrival(table)
        if delay is None:
            return 0
        visible_at = naive(received + delay).isoformat() if delay else None
        converters = [(column.name, CONVERTERS[column.type]) for column in schema.columns]
        beside = {_VISIBLE_AT: visible_at, billing.RECEIVED_AT: naive(received).isoformat()}
        stored = []
        for row in rows:
            kept = {name: convert(row.get(name)) for name, convert in converters}
            kept["TimeGenerated"] = time_generated(row.get("TimeGenerated"), received)
            stored.append(kept | beside | {billing.SIZE: billing.billed_size(row, kept)})
        if not stored:
            return 0
        types = {column.name: DUCKDB_TYPES[column.type] for column in schema.columns}
        shape = json.dumps([types | _BESIDE])
        statement = f"INSERT INTO stored.\"{table}\" SELECT unnest(from_json($1, '{shape}'), recursive := true)"
        with self._writing, self._database.cursor() as cursor:
            cursor.execute(statement, [orjson.dumps(stored).decode()])
            self._latest_receipts[table] = received
        return len(stored)

    def latest_receipt(self, table: str) -> datetime:
        """Return when a table last got a row; when it was made or cleared if it has none."""
        return self._latest_receipts[table]

    def clear(self) -> None:
        """Forget every row of every table; rows arrive at once again."""
        self.arrival = at_once
        with self._writing, self._database.cursor() as cursor:
            for table in self.tables:
                self._latest_receipts[table] = self._clock()
                cursor.execute(f'DELETE FROM stored."{table}"')  # noqa: S608 - names from infra/tables

    def query(self, kql: str, *, timespan: TimeSpan | None = None, now: datetime | None = None) -> list[dict[str, Any]]:
        """Return the rows of `run` by column name."""
        return self.run(kql, timespan=timespan, now=now).as_dicts()

    def run(
        self,
        kql: str,
        *,
        timespan: TimeSpan | None = None,
        now: datetime | None = None,
        hidden: frozenset[str] = frozenset(),
    ) -> QueryResult:
        """Run a KQL query.

        Args:
            kql: the query; it can only read.
            timespan: start and end (both included) of TimeGenerated in every table; None: everything.
            now: what now() means, and by when a row must be visible; None: the workspace's clock.
            hidden: tables that are not there for this caller.

        Raises:
            QueryError: see there.
        """
        is_billing = billing.names_billing(kql)
        statement, uses_clock = translated(kql, self._columns(is_billing=is_billing, hidden=hidden))
        moment = now or self._clock()
        parameters = {CLOCK_SLOT: naive(moment)} if uses_clock else None
        bounds = {"as_of": moment} | dict(zip(("span_start", "span_end"), timespan or (), strict=False))
        with self._database.cursor() as cursor:
            named = _STRING.sub("", statement.query).lower()  # the engine finds a table in any case
            if any(name.lower() in named for name in hidden):
                raise QueryError("Forbidden", "the query names a table that the caller may not read")
            if is_billing:
                cursor.execute(f"SET search_path = '{billing.SCHEMA},main'")
            for variable, moment in bounds.items():
                cursor.execute(f"SET VARIABLE {variable} = TIMESTAMP '{naive(moment).isoformat(' ')}'")
            try:
                cursor.execute(statement, parameters)
                rows = cursor.fetchall()
            except duckdb.Error as error:
                raise QueryError("SemanticError", str(error)) from error
            types = [kusto_type(str(column[1])) for column in cursor.description or ()]
            names = [column[0] for column in cursor.description or ()]
        readers = [READERS.get(kind) for kind in types]
        return QueryResult(
            tuple(map(ResultColumn, names, types)),
            tuple(
                tuple(
                    value if read is None or value is None else read(value)
                    for read, value in zip(readers, row, strict=True)
                )
                for row in rows
            ),
        )


@lru_cache(maxsize=512)
def translated(kql: str, columns: TableColumns) -> tuple[duckdb.Statement, bool]:
    """Return the parsed SQL and whether it asks for the time.

    Translating and parsing cost more than running, hence the cache. Every connection may run the statement.
    """
    schema = {table: list(names) for table, names in columns}
    try:
        sql = duckdb_kql.to_sql(written_out(kql, schema), schema=schema, query_now=_SOME_TIME, allow_write=False)
    except duckdb_kql.KqlSyntaxError as error:
        raise QueryError("SyntaxError", str(error)) from error
    except duckdb_kql.KqlUnsupportedError as error:
        raise QueryError("Unsupported", str(error)) from error
    except duckdb_kql.KqlError as error:
        raise QueryError("SemanticError", str(error)) from error
    if sql.declarations:
        raise QueryError("Unsupported", "the query API takes no query parameters")
    [statement] = duckdb.extract_statements(str(sql))
    return statement, CLOCK_SLOT in sql.parameters
