"""The control rows of the ledger's table, and what is in them."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec

from publisher.resource_ids import fold
from registry.policies.stored_assignments import ExpectedDocument, assignment_document, assignment_of
from verdicts.control import Control, RunRecord, Snooze, UnreadableControl
from verdicts.guard.declared import Declared
from verdicts.plan_settings import MOST_DAYS, PlanSettings, Severity
from verdicts.stored.application_rows import LONGEST_COLUMN
from verdicts.stored.values import AzureTime, Count, Damaged, Misread, OwnTime, number_of, read, time_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from publisher.table import Row

CONTROL_PARTITION: Final = "~control"
"""Sorts after every subscription id, so that a list of applications ends before it."""

LATEST_RUN: Final = "latest-run"
_DECLARED: Final = "declared-"
_SNOOZE: Final = "snooze-"
_PLAN: Final = "plan-"
_KINDS: Final = {_DECLARED: "declared baseline", _SNOOZE: "snooze", _PLAN: "settings"}
_LARGEST_DOCUMENT: Final = 4_000_000

_Value = TypeVar("_Value")
_Days = Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)]
_RUN_DOCUMENT: Final = msgspec.json.Decoder(tuple[str, OwnTime, Count])
_DECLARED_DOCUMENT: Final = msgspec.json.Decoder(tuple[str, dict[str, ExpectedDocument], OwnTime, str, str])
_SNOOZE_DOCUMENT: Final = msgspec.json.Decoder(tuple[str, str, AzureTime, str, str])


class _PlanDocument(msgspec.Struct, array_like=True):
    """A plan's settings. The last members can be absent, which earlier versions did not write."""

    plan_name: str
    severity: Severity
    severities: dict[str, Severity]
    overdue_after_days: dict[Severity, _Days]
    settled: OwnTime
    person: str
    reason: str
    checks: dict[str, dict[str, tuple[str, ...]]] = {}


_PLAN_DOCUMENT: Final = msgspec.json.Decoder(_PlanDocument)


def declared_key(plan: str) -> str:
    """Return the row key of a plan version's declared baseline."""
    return _DECLARED + _digest(plan)


def snooze_key(plan_name: str, plan_version: str) -> str:
    """Return the row key of a plan version's snooze."""
    return _SNOOZE + _digest(f"{plan_name.lower()}\n{plan_version.lower()}")


def plan_settings_key(plan_name: str) -> str:
    """Return the row key of a plan's settings."""
    return _PLAN + _digest(fold(plan_name))


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


def plan_settings_properties(settings: PlanSettings) -> dict[str, Any]:
    """Return the properties of a plan's settings, which somebody settled."""
    assert settings.settled_at is not None  # noqa: S101 - for the type checker
    document = _PlanDocument(
        settings.plan_name,
        settings.severity,
        dict(settings.severities),
        dict(settings.overdue_after_days),
        number_of(settings.settled_at),
        settings.person,
        settings.reason,
        {name: dict(parameters) for name, parameters in settings.checks.items()},
    )
    return {"plan": settings.plan_name, "document": _packed(document)}


def fits_a_row(settings: PlanSettings) -> bool:
    """Tell whether the settings of a plan, which somebody settled, can be stored."""
    return len(plan_settings_properties(settings)["document"]) <= LONGEST_COLUMN


def control_of(rows: Iterable[Row]) -> Control:
    """Return what the control rows say, and which of them cannot be read."""
    latest_run: RunRecord | None = None
    declared: dict[str, Declared] = {}
    snoozes: list[Snooze] = []
    plans: dict[str, PlanSettings] = {}
    unreadable: list[UnreadableControl] = []
    for one in rows:
        try:
            if one.row_key == LATEST_RUN:
                latest_run = _run(one)
            elif one.row_key.startswith(_DECLARED):
                baseline = _declared(one)
                declared[baseline.plan] = baseline
            elif one.row_key.startswith(_SNOOZE):
                snoozes.append(_snooze(one))
            elif one.row_key.startswith(_PLAN):
                settings = _plan_settings(one)
                plans[fold(settings.plan_name)] = settings
        except Misread as error:
            unreadable.append(_unreadable(one, error))
    return Control(latest_run, declared, tuple(snoozes), plans, tuple(unreadable))


def unreadable_settings_of(control: Control, plan_name: str) -> UnreadableControl | None:
    """Return the row that has the settings of a plan when it cannot be read; None when they are known.

    A plan without settings of its own has those of every plan.
    """
    if not control.unreadable:
        return None
    own = control.unreadable_at(plan_settings_key(plan_name))
    if own is not None or fold(plan_name) in control.plans:
        return own
    return control.unreadable_at(plan_settings_key(""))


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
        kind = next(kind for prefix, kind in _KINDS.items() if one.row_key.startswith(prefix))
        what = f"{kind} of {named or 'an unknown plan'}"
    return UnreadableControl(one, what, named, str(error)[:300])


def _run(one: Row) -> RunRecord:
    run_id, started, named_alarms = _read(_RUN_DOCUMENT, one)
    return RunRecord(run_id, time_of(started), named_alarms)


def _declared(one: Row) -> Declared:
    plan, documents, declared, person, reason = _read(_DECLARED_DOCUMENT, one)
    assignments = {key: assignment_of(document) for key, document in documents.items()}
    return Declared(plan, assignments, time_of(declared), person, reason)


def _snooze(one: Row) -> Snooze:
    plan_name, plan_version, until, person, reason = _read(_SNOOZE_DOCUMENT, one)
    return Snooze(plan_name, plan_version, time_of(until), person, reason)


def _plan_settings(one: Row) -> PlanSettings:
    document = _read(_PLAN_DOCUMENT, one)
    if document.overdue_after_days.keys() != set(Severity):
        raise Misread("it has not the days of every severity")
    return PlanSettings(
        document.plan_name,
        document.severity,
        document.severities,
        document.overdue_after_days,
        document.checks,
        time_of(document.settled),
        document.person,
        document.reason,
    )


def _packed(document: Any) -> bytes:
    return zlib.compress(msgspec.json.encode(document))


def _read(decoder: msgspec.json.Decoder[_Value], one: Row) -> _Value:
    packed = one.properties.get("document")
    if not isinstance(packed, bytes):
        raise Misread("its document is missing, or is not binary")
    try:
        return read(decoder, zlib.decompressobj().decompress(packed, _LARGEST_DOCUMENT))
    except (zlib.error, Damaged) as error:
        raise Misread(f"its document is damaged: {error}") from error


def _digest(plan: str) -> str:
    return hashlib.sha256(plan.encode()).hexdigest()[:32]
