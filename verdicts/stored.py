"""The ledger's rows: facts to table properties and back, exactly; a row that cannot be read exactly is not read.

A row holds one JSON document, compressed, cut into columns as large as Table storage allows (FACTS 6.1).
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from registry.managed_application import Exemption
from registry.policies.stored_assignments import assignment_document, assignment_of
from verdicts.facts import (
    Acceptance,
    Alarm,
    AlarmKind,
    ApplicationFacts,
    AssignmentFacts,
    AssignmentGuard,
    Counts,
    Departure,
    Ending,
    GoneKey,
    GuardState,
    Held,
    HeldReason,
    Label,
    OpenKey,
    StateKey,
    StatesUpload,
    Unread,
)
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from registry.managed_application import ExpectedAssignment

    _Value = TypeVar("_Value")

FORM: Final = 1
"""The form of the document; another one is not read."""

_LONGEST_COLUMN: Final = 60_000
_LONGEST_ROW: Final = 900_000
_LARGEST_DOCUMENT: Final = 64_000_000
"""Bytes of the document, uncompressed: what is larger was not written by this program."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class UnreadableFacts(Exception):  # noqa: N818 - named for what it tells
    """The properties hold no facts in the form that this program writes; the message says why."""


def properties_of(facts: ApplicationFacts) -> dict[str, Any]:
    """Return the properties to store; the last open keys are left out, and overflow marked, when they do not fit."""
    packed = _packed(facts)
    while len(packed) > _LONGEST_ROW:
        facts = _with_fewer_keys(facts)
        packed = _packed(facts)
    columns = {
        f"facts_{number:02}": packed[start : start + _LONGEST_COLUMN]
        for number, start in enumerate(range(0, len(packed), _LONGEST_COLUMN))
    }
    return {"form": FORM, "application_id": facts.application_id, "size": len(packed), **columns}


def facts_of(properties: Mapping[str, Any]) -> ApplicationFacts:
    """Return the facts in a row's properties.

    Raises:
        UnreadableFacts: a column is missing or cut, or the document is not what this program writes.
    """
    if properties.get("form") != FORM:
        raise UnreadableFacts(f"its form is {str(properties.get('form'))[:20]!r}, and this version reads form {FORM}")
    parts = [properties[name] for name in sorted(properties) if name.startswith("facts_")]
    if not all(isinstance(part, bytes) for part in parts):
        raise UnreadableFacts("a column of facts is not binary")
    packed = b"".join(parts)
    if len(packed) != properties.get("size"):
        raise UnreadableFacts(
            f"its columns have {len(packed)} bytes, and should have {str(properties.get('size'))[:20]}"
        )
    try:
        unpacker = zlib.decompressobj()
        document = orjson.loads(unpacker.decompress(packed, _LARGEST_DOCUMENT))
        return _application(document)
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise UnreadableFacts(f"its columns are damaged ({error})") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise UnreadableFacts(f"its document is not in form {FORM} ({type(error).__name__}: {error})") from error


def _packed(facts: ApplicationFacts) -> bytes:
    return zlib.compress(orjson.dumps(_application_document(facts)), 6)


def _with_fewer_keys(facts: ApplicationFacts) -> ApplicationFacts:
    """Forget half of what the largest assignment remembers one by one, and say so."""
    key, largest = max(facts.assignments.items(), key=lambda item: len(item[1].open) + len(item[1].gone))
    kept = largest.open[: len(largest.open) // 2]
    cut = replace(
        largest,
        open=kept,
        gone=largest.gone[len(largest.gone) // 2 + 1 :],
        overflow=largest.overflow or len(kept) < len(largest.open),
    )
    return replace(facts, assignments={**facts.assignments, key: cut})


def number_of(moment: datetime | None) -> int | None:
    """Return a time as microseconds since 1970, which JSON and Python carry exactly."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def moment_of(number: Any) -> datetime | None:
    """Return the time of `number_of`; TypeError or OverflowError for anything else."""
    if number is None:
        return None
    if type(number) is not int:
        raise TypeError(f"a time is {type(number).__name__}, not a number")
    return _EPOCH + number * _MICROSECOND


def _moment(number: Any) -> datetime:
    moment = moment_of(number)
    if moment is None:
        raise ValueError("a time is missing")
    return moment


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"a text is {type(value).__name__}")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError(f"a flag is {type(value).__name__}")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("a count is no number")
    return value


def _optional(value: Any, read: Callable[[Any], _Value]) -> _Value | None:
    return None if value is None else read(value)


def _application_document(facts: ApplicationFacts) -> dict[str, Any]:
    unread, states, departure = facts.unread, facts.states, facts.departure
    return {
        "id": facts.application_id,
        "subscription": facts.customer_subscription_id,
        "group": facts.managed_resource_group_id,
        "registered": number_of(facts.registered_at),
        "name": facts.application_name,
        "customer": facts.customer_name,
        "plan": facts.plan_name,
        "version": facts.plan_version,
        "run": facts.applied_run,
        "applied": number_of(facts.applied_at),
        "changed": number_of(facts.changed_at),
        "assignments": [_assignment_document(one) for one in facts.assignments.values()],
        "exemptions": [_exemption_document(one) for one in facts.exemptions],
        "known_exemptions": list(facts.known_exemptions),
        "guard_read": number_of(facts.guard_read_at),
        "guard_unread": number_of(facts.guard_unread_since),
        "read": number_of(facts.last_read),
        "states": states and [states.run_id, number_of(states.time), states.rows],
        "unread": unread and [number_of(unread.since), unread.failures, unread.outcome, unread.code, unread.message],
        "departure": departure and [departure.outcome, number_of(departure.at), departure.reason],
        "label": _label_document(facts.label),
        "alarms": _alarms_document(facts.alarms),
    }


def _application(document: Any) -> ApplicationFacts:
    assignments = [_assignment(one) for one in document["assignments"]]
    return ApplicationFacts(
        application_id=_text(document["id"]),
        customer_subscription_id=_text(document["subscription"]),
        managed_resource_group_id=_text(document["group"]),
        registered_at=moment_of(document["registered"]),
        application_name=_text(document["name"]),
        customer_name=_text(document["customer"]),
        plan_name=_text(document["plan"]),
        plan_version=_text(document["version"]),
        applied_run=_text(document["run"]),
        applied_at=_moment(document["applied"]),
        changed_at=_moment(document["changed"]),
        assignments={one.id: one for one in assignments},
        exemptions=tuple(_exemption(one) for one in document["exemptions"]),
        known_exemptions=tuple(map(_text, document["known_exemptions"])),
        guard_read_at=moment_of(document["guard_read"]),
        guard_unread_since=moment_of(document["guard_unread"]),
        last_read=moment_of(document["read"]),
        states=_optional(document["states"], lambda one: StatesUpload(_text(one[0]), _moment(one[1]), _count(one[2]))),
        unread=_optional(
            document["unread"],
            lambda one: Unread(_moment(one[0]), _count(one[1]), Outcome(one[2]), _text(one[3]), _text(one[4])),
        ),
        departure=_optional(
            document["departure"], lambda one: Departure(Outcome(one[0]), _moment(one[1]), _text(one[2]))
        ),
        label=_optional(document["label"], _label),
        alarms=_alarms(document["alarms"]),
    )


def _assignment_document(facts: AssignmentFacts) -> dict[str, Any]:
    acceptances = list(dict.fromkeys(key.acceptance for key in facts.open if key.acceptance))
    held = facts.held
    return {
        "id": facts.id,
        "name": facts.name,
        "display": facts.display_name,
        "definition": facts.definition_id,
        "first": number_of(facts.first_seen),
        "changed": number_of(facts.changed_at),
        "acceptances": [_acceptance_document(one) for one in acceptances],
        "open": [_open_document(key, acceptances) for key in facts.open],
        "overflow": facts.overflow,
        "gone": [[*key.key, number_of(key.closed_at), number_of(key.evaluated_at)] for key in facts.gone],
        "decided": facts.decided,
        "counts": [
            facts.counts.noncompliant,
            facts.counts.compliant,
            facts.counts.exempt,
            facts.counts.manual,
            facts.counts.undecided,
        ],
        "undecided": number_of(facts.undecided_since),
        "clear": number_of(facts.clear_since),
        "closed": number_of(facts.closed_at),
        "held": held and [held.reason, number_of(held.since)],
        "guard": _guard_document(facts.guard),
        "label": _label_document(facts.label),
        "alarms": _alarms_document(facts.alarms),
        "ending": facts.ending,
        "ended": number_of(facts.ended_at),
    }


def _assignment(document: Any) -> AssignmentFacts:
    acceptances = [_acceptance(one) for one in document["acceptances"]]
    shared: dict[Any, Any] = {}
    return AssignmentFacts(
        id=_text(document["id"]),
        name=_text(document["name"]),
        display_name=_text(document["display"]),
        definition_id=_text(document["definition"]),
        first_seen=_moment(document["first"]),
        changed_at=_moment(document["changed"]),
        open=tuple(_open(one, acceptances, shared) for one in document["open"]),
        overflow=_flag(document["overflow"]),
        gone=tuple(GoneKey(_key(one, shared), _moment(one[3]), moment_of(one[4])) for one in document["gone"]),
        decided=_flag(document["decided"]),
        counts=Counts(*map(_count, document["counts"])),
        undecided_since=moment_of(document["undecided"]),
        clear_since=moment_of(document["clear"]),
        closed_at=moment_of(document["closed"]),
        held=_optional(document["held"], lambda one: Held(HeldReason(one[0]), _moment(one[1]))),
        guard=_guard(document["guard"]),
        label=_optional(document["label"], _label),
        alarms=_alarms(document["alarms"]),
        ending=_optional(document["ending"], Ending),
        ended_at=moment_of(document["ended"]),
    )


def _open_document(key: OpenKey, acceptances: list[Acceptance]) -> list[Any]:
    return [
        *key.key,
        number_of(key.opened_at),
        number_of(key.evaluated_at),
        number_of(key.repaired_since),
        key.suspended,
        acceptances.index(key.acceptance) if key.acceptance else None,
    ]


def _open(one: Any, acceptances: list[Acceptance], shared: dict[Any, Any]) -> OpenKey:
    return OpenKey(
        _key(one, shared),
        _shared(_moment(one[3]), shared),
        _shared(moment_of(one[4]), shared),
        _shared(moment_of(one[5]), shared),
        _flag(one[6]),
        _optional(one[7], lambda index: acceptances[_count(index)]),
    )


def _key(one: Any, shared: dict[Any, Any]) -> StateKey:
    return StateKey(*(_shared(_text(part), shared) for part in (one[0], one[1], one[2])))


def _shared(value: _Value, shared: dict[Any, Any]) -> _Value:
    """Return an equal value that was met before: keys have most texts and times in common, and a run holds many."""
    same: _Value = shared.setdefault(value, value)
    return same


def _acceptance_document(one: Acceptance) -> list[Any]:
    return [one.person, one.reason, number_of(one.accepted_at), number_of(one.until)]


def _acceptance(one: Any) -> Acceptance:
    return Acceptance(_text(one[0]), _text(one[1]), _moment(one[2]), _moment(one[3]))


def _guard_document(guard: AssignmentGuard) -> dict[str, Any]:
    return {
        "baseline": _expected_document(guard.baseline),
        "declared": guard.declared,
        "state": guard.state,
        "since": number_of(guard.since),
        "details": list(guard.details),
        "seen": "baseline" if guard.seen == guard.baseline else _expected_document(guard.seen),
        "accepted": _expected_document(guard.accepted),
        "withdrawal": guard.accepted_withdrawal,
        "acceptance": guard.acceptance and _acceptance_document(guard.acceptance),
        "changed": number_of(guard.changed_at),
    }


def _guard(document: Any) -> AssignmentGuard:
    baseline = _optional(document["baseline"], assignment_of)
    return AssignmentGuard(
        baseline=baseline,
        declared=_flag(document["declared"]),
        state=GuardState(document["state"]),
        since=moment_of(document["since"]),
        details=tuple(map(_text, document["details"])),
        seen=baseline if document["seen"] == "baseline" else _optional(document["seen"], assignment_of),
        accepted=_optional(document["accepted"], assignment_of),
        accepted_withdrawal=_flag(document["withdrawal"]),
        acceptance=_optional(document["acceptance"], _acceptance),
        changed_at=moment_of(document["changed"]),
    )


def _expected_document(assignment: ExpectedAssignment | None) -> dict[str, Any] | None:
    return None if assignment is None else assignment_document(assignment)


def _exemption_document(one: Exemption) -> list[Any]:
    return [
        one.id,
        one.assignment_id,
        list(one.reference_ids),
        one.category,
        number_of(one.expires_at),
        one.created_by,
        one.display_name,
    ]


def _exemption(one: Any) -> Exemption:
    references = tuple(map(_text, one[2]))
    return Exemption(
        _text(one[0]), _text(one[1]), references, _text(one[3]), moment_of(one[4]), _text(one[5]), _text(one[6])
    )


def _label_document(label: Label | None) -> list[str] | None:
    return None if label is None else [label.customer, label.application, label.plan, label.assignment]


def _label(one: Any) -> Label:
    return Label(*map(_text, one))


def _alarms_document(alarms: Mapping[AlarmKind, Alarm]) -> dict[str, Any]:
    return {kind.value: [one.key, one.cause, one.says, number_of(one.opened_at)] for kind, one in alarms.items()}


def _alarms(document: Any) -> dict[AlarmKind, Alarm]:
    return {
        AlarmKind(kind): Alarm(_text(one[0]), _text(one[1]), _text(one[2]), _moment(one[3]))
        for kind, one in document.items()
    }
