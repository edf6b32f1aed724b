"""The control rows of the ledger's table, and what is in them."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Any, Final

import orjson

from registry.policies.stored_assignments import assignment_document
from verdicts.control import Control, RunRecord, Snooze, UnreadableControl
from verdicts.guard.declared import Declared
from verdicts.stored.assignment_document import expected_assignment
from verdicts.stored.values import Fields, Misread, azure_time, count, number_of, own_time, row, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from publisher.table import Row
    from registry.managed_application import ExpectedAssignment

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
    """Return what the control rows say, and which of them cannot be read."""
    latest_run: RunRecord | None = None
    declared: dict[str, Declared] = {}
    snoozes: list[Snooze] = []
    unreadable: list[UnreadableControl] = []
    for one in rows:
        try:
            if one.row_key == LATEST_RUN:
                latest_run = _run(one)
            elif one.row_key.startswith(_DECLARED):
                baseline = _declared(_unpacked(one))
                declared[baseline.plan] = baseline
            elif one.row_key.startswith(_SNOOZE):
                snoozes.append(Snooze(*row(_unpacked(one), text, text, azure_time, text, text)))
        except Misread as error:
            unreadable.append(_unreadable(one, error))
    return Control(latest_run, declared, tuple(snoozes), tuple(unreadable))


def started_at_of(run: Row) -> datetime | None:
    """Return when the latest run in a row began, None when that cannot be read."""
    try:
        return _run(run).started_at
    except Misread:
        return None


def _unreadable(one: Row, error: Misread) -> UnreadableControl:
    plan = one.properties.get("plan")
    named = plan[:200] if isinstance(plan, str) else ""
    what = "record of the latest run"
    if one.row_key != LATEST_RUN:
        kind = "declared baseline" if one.row_key.startswith(_DECLARED) else "snooze"
        what = f"{kind} of {named or 'an unknown plan'}"
    return UnreadableControl(one, what, named, str(error)[:300])


def _run(run: Row) -> RunRecord:
    return RunRecord(*row(_unpacked(run), text, own_time, count))


def _declared(document: Any) -> Declared:
    plan, assignments, declared_at, person, reason = row(document, text, _assignments, own_time, text, text)
    return Declared(plan, assignments, declared_at, person, reason)


def _assignments(document: Any) -> dict[str, ExpectedAssignment]:
    fields = Fields(document)
    return {key: fields(key, expected_assignment) for key in document}


def _packed(document: Any) -> bytes:
    return zlib.compress(orjson.dumps(document))


def _unpacked(one: Row) -> Any:
    packed = one.properties.get("document")
    if not isinstance(packed, bytes):
        raise Misread("its document is missing, or is not binary")
    try:
        return orjson.loads(zlib.decompressobj().decompress(packed, _LARGEST_DOCUMENT))
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise Misread(f"its document is damaged: {error}") from error


def _digest(plan: str) -> str:
    return hashlib.sha256(plan.encode()).hexdigest()[:32]
