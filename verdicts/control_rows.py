"""The control rows of the ledger's table, and what is in them."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Any, Final

import orjson

from publisher.errors import MalformedAnswer
from registry.policies.stored_assignments import assignment_document, assignment_of
from verdicts.control import Control, RunRecord, Snooze
from verdicts.guard.declared import Declared
from verdicts.stored import moment_of, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from publisher.table import Row

CONTROL_PARTITION: Final = "~control"
"""Sorts after every subscription id, so that a list of applications ends before it."""

LATEST_RUN: Final = "latest-run"
_DECLARED: Final = "declared-"
_SNOOZE: Final = "snooze-"
_LARGEST_DOCUMENT: Final = 4_000_000


def declared_key(plan: str) -> str:
    """Return the row key of a plan version's declared baseline."""
    return _DECLARED + _digest(plan)


def snooze_key(plan_name: str, plan_version: str) -> str:
    """Return the row key of a plan version's snooze."""
    return _SNOOZE + _digest(f"{plan_name.lower()}\n{plan_version.lower()}")


def run_properties(record: RunRecord) -> dict[str, Any]:
    """Return the properties of the latest run."""
    return {"document": _packed([record.run_id, number_of(record.started_at), record.named_alarms])}


def declared_properties(declared: Declared) -> dict[str, Any]:
    """Return the properties of a declared baseline."""
    assignments = {key: assignment_document(one) for key, one in declared.assignments.items()}
    document = [declared.plan, assignments, number_of(declared.declared_at), declared.person, declared.reason]
    return {"plan": declared.plan, "document": _packed(document)}


def snooze_properties(snooze: Snooze) -> dict[str, Any]:
    """Return the properties of a snooze."""
    document = [snooze.plan_name, snooze.plan_version, number_of(snooze.until), snooze.person, snooze.reason]
    return {"plan": f"{snooze.plan_name} {snooze.plan_version}".strip(), "document": _packed(document)}


def control_of(rows: Iterable[Row]) -> Control:
    """Return what the control rows say.

    Raises:
        MalformedAnswer: one of them cannot be read; its message names the row.
    """
    latest_run: RunRecord | None = None
    declared: dict[str, Declared] = {}
    snoozes: list[Snooze] = []
    for row in rows:
        try:
            if row.row_key == LATEST_RUN:
                latest_run = _run(row)
            elif row.row_key.startswith(_DECLARED):
                baseline = _declared(_unpacked(row.properties))
                declared[baseline.plan] = baseline
            elif row.row_key.startswith(_SNOOZE):
                snoozes.append(_snooze(_unpacked(row.properties)))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, zlib.error) as error:
            raise MalformedAnswer(
                f"the ledger's control row {row.row_key} cannot be read ({type(error).__name__}): delete it, and "
                "declare or snooze again what it held",
                code="MalformedControlRow",
            ) from error
    return Control(latest_run, declared, tuple(snoozes))


def started_at_of(row: Row) -> datetime | None:
    """Return when the latest run in a row began, None when that cannot be read."""
    try:
        return _run(row).started_at
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, zlib.error):
        return None


def _run(row: Row) -> RunRecord:
    run_id, started_at, named_alarms = _unpacked(row.properties)
    return RunRecord(str(run_id), _moment(started_at), int(named_alarms))


def _declared(document: Any) -> Declared:
    plan, assignments, declared_at, person, reason = document
    expected = {str(key): assignment_of(one) for key, one in assignments.items()}
    return Declared(str(plan), expected, _moment(declared_at), str(person), str(reason))


def _snooze(document: Any) -> Snooze:
    plan_name, plan_version, until, person, reason = document
    return Snooze(str(plan_name), str(plan_version), _moment(until), str(person), str(reason))


def _moment(number: Any) -> datetime:
    moment = moment_of(number)
    if moment is None:
        raise ValueError("a time is missing")
    return moment


def _packed(document: Any) -> bytes:
    return zlib.compress(orjson.dumps(document))


def _unpacked(properties: Mapping[str, Any]) -> Any:
    packed = properties["document"]
    return orjson.loads(zlib.decompressobj().decompress(packed, _LARGEST_DOCUMENT))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
