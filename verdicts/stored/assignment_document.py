"""What is remembered of one assignment, as a JSON document and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from registry.policies.stored_assignments import assignment_document as expected_document
from registry.policies.stored_assignments import assignment_of as expected_of
from verdicts.facts import (
    Acceptance,
    Alarm,
    AlarmKind,
    AssignmentFacts,
    AssignmentGuard,
    Counts,
    Ending,
    GoneKey,
    GuardState,
    Held,
    HeldReason,
    Label,
    OpenKey,
    StateKey,
)
from verdicts.stored.values import (
    Fields,
    Misread,
    azure_time,
    azure_time_or_none,
    count,
    each,
    flag,
    number_of,
    one_of,
    optional,
    own_time,
    own_time_or_none,
    row,
    text,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from registry.managed_application import ExpectedAssignment

_Value = TypeVar("_Value")
_AS_BASELINE: Final = "baseline"


def document_of(facts: AssignmentFacts) -> dict[str, Any]:
    """Return the document of an assignment. Keys have few acceptances, which are therefore written once."""
    acceptances = list(dict.fromkeys(key.acceptance for key in facts.open if key.acceptance))
    places = {acceptance: place for place, acceptance in enumerate(acceptances)}
    held, counts = facts.held, facts.counts
    return {
        "id": facts.id,
        "name": facts.name,
        "display": facts.display_name,
        "definition": facts.definition_id,
        "first": number_of(facts.first_seen),
        "changed": number_of(facts.changed_at),
        "acceptances": [_acceptance_document(one) for one in acceptances],
        "open": [_open_document(key, places) for key in facts.open],
        "overflow": facts.overflow,
        "gone": [[*key.key, number_of(key.closed_at), number_of(key.evaluated_at)] for key in facts.gone],
        "decided": facts.decided,
        "counts": [counts.noncompliant, counts.compliant, counts.exempt, counts.manual, counts.undecided],
        "undecided": number_of(facts.undecided_since),
        "clear": number_of(facts.clear_since),
        "closed": number_of(facts.closed_at),
        "held": held and [held.reason, number_of(held.since)],
        "guard": _guard_document(facts.guard),
        "label": label_document(facts.label),
        "alarms": alarms_document(facts.alarms),
        "ending": facts.ending,
        "ended": number_of(facts.ended_at),
    }


def assignment_of(document: Any) -> AssignmentFacts:
    """Return the assignment in a document; raise Misread."""
    fields = Fields(document)
    keys = _Keys(fields("acceptances", _acceptances))
    return AssignmentFacts(
        id=fields("id", text),
        name=fields("name", text),
        display_name=fields("display", text),
        definition_id=fields("definition", text),
        first_seen=fields("first", own_time),
        changed_at=fields("changed", own_time),
        open=fields("open", each(keys.open)),
        overflow=fields("overflow", flag),
        gone=fields("gone", each(keys.gone)),
        decided=fields("decided", flag),
        counts=fields("counts", _counts),
        undecided_since=fields("undecided", own_time_or_none),
        clear_since=fields("clear", own_time_or_none),
        closed_at=fields("closed", own_time_or_none),
        held=fields("held", _held_or_none),
        guard=fields("guard", _guard),
        label=fields("label", label_or_none),
        alarms=fields("alarms", alarms_of),
        ending=fields("ending", _ending_or_none),
        ended_at=fields("ended", own_time_or_none),
    )


def label_document(label: Label | None) -> list[str] | None:
    """Return the document of a label."""
    return None if label is None else [label.customer, label.application, label.plan, label.assignment]


def label_of(document: Any) -> Label:
    """Return the label in a document; raise Misread."""
    return Label(*row(document, text, text, text, text))


def alarms_document(alarms: Mapping[AlarmKind, Alarm]) -> dict[str, Any]:
    """Return the document of the alarms of an assignment, or of an application."""
    return {kind.value: [one.key, one.cause, one.says, number_of(one.opened_at)] for kind, one in alarms.items()}


def alarms_of(document: Any) -> dict[AlarmKind, Alarm]:
    """Return the alarms in a document; raise Misread."""
    fields = Fields(document)
    return {_alarm_kind(kind): fields(kind, _alarm) for kind in document}


class _Keys:
    """Reads the keys of an assignment. Equal values become one: keys have most in common, and a run holds many."""

    def __init__(self, acceptances: tuple[Acceptance, ...]) -> None:
        self._acceptances = acceptances
        key = (_once(str, text),) * 3
        own, azure = _once(int, own_time), optional(_once(int, azure_time))
        self._of_open = (*key, own, azure, optional(own), flag, optional(self._accepted))
        self._of_gone = (*key, own, azure)

    def open(self, stored: Any) -> OpenKey:
        """Return the open key in a list."""
        reference_id, definition_id, resource_id, *rest = row(stored, *self._of_open)
        return OpenKey(StateKey(reference_id, definition_id, resource_id), *rest)

    def gone(self, stored: Any) -> GoneKey:
        """Return the key of a resource that is gone."""
        reference_id, definition_id, resource_id, *rest = row(stored, *self._of_gone)
        return GoneKey(StateKey(reference_id, definition_id, resource_id), *rest)

    def _accepted(self, place: Any) -> Acceptance:
        number = count(place)
        if number >= len(self._acceptances):
            raise Misread("an acceptance that is not there")
        return self._acceptances[number]


def _once(kind: type, read: Callable[[Any], _Value]) -> Callable[[Any], _Value]:
    """Return what reads the same, each value of this JSON kind once."""
    known: dict[Any, _Value] = {}

    def read_once(stored: Any) -> _Value:
        if type(stored) is not kind:
            return read(stored)
        if stored not in known:
            known[stored] = read(stored)
        return known[stored]

    return read_once


def _open_document(key: OpenKey, places: Mapping[Acceptance, int]) -> list[Any]:
    return [
        *key.key,
        number_of(key.opened_at),
        number_of(key.evaluated_at),
        number_of(key.repaired_since),
        key.suspended,
        places[key.acceptance] if key.acceptance else None,
    ]


def _acceptance_document(one: Acceptance) -> list[Any]:
    return [one.person, one.reason, number_of(one.accepted_at), number_of(one.until)]


def _acceptance(stored: Any) -> Acceptance:
    return Acceptance(*row(stored, text, text, own_time, azure_time))


def _guard_document(guard: AssignmentGuard) -> dict[str, Any]:
    baseline, seen = _expected_document(guard.baseline), _expected_document(guard.seen)
    return {
        "baseline": baseline,
        "declared": guard.declared,
        "state": guard.state,
        "since": number_of(guard.since),
        "details": list(guard.details),
        # Documents are compared, because equal assignments can differ in what is not compared, as when they changed.
        "seen": _AS_BASELINE if seen == baseline else seen,
        "accepted": _expected_document(guard.accepted),
        "withdrawal": guard.accepted_withdrawal,
        "acceptance": guard.acceptance and _acceptance_document(guard.acceptance),
        "changed": number_of(guard.changed_at),
    }


def _guard(document: Any) -> AssignmentGuard:
    fields = Fields(document)
    baseline = fields("baseline", _expected_or_none)
    return AssignmentGuard(
        baseline=baseline,
        declared=fields("declared", flag),
        state=fields("state", _guard_state),
        since=fields("since", own_time_or_none),
        details=fields("details", texts),
        seen=fields("seen", lambda value: baseline if value == _AS_BASELINE else _expected_or_none(value)),
        accepted=fields("accepted", _expected_or_none),
        accepted_withdrawal=fields("withdrawal", flag),
        acceptance=fields("acceptance", _acceptance_or_none),
        changed_at=fields("changed", azure_time_or_none),
    )


def _expected_document(assignment: ExpectedAssignment | None) -> dict[str, Any] | None:
    return None if assignment is None else expected_document(assignment)


def expected_assignment(document: Any) -> ExpectedAssignment:
    """Return the assignment of a baseline in a document; raise Misread."""
    try:
        return expected_of(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Misread(f"no assignment ({type(error).__name__}: {error})") from error


def _counts(stored: Any) -> Counts:
    return Counts(*row(stored, count, count, count, count, count))


def _held(stored: Any) -> Held:
    return Held(*row(stored, _held_reason, own_time))


def _alarm(stored: Any) -> Alarm:
    return Alarm(*row(stored, text, text, text, own_time))


# A run reads thousands of assignments, and what reads them is made once.
label_or_none: Final = optional(label_of)
_acceptances: Final = each(_acceptance)
_acceptance_or_none: Final = optional(_acceptance)
_alarm_kind: Final = one_of(AlarmKind)
_ending_or_none: Final = optional(one_of(Ending))
_expected_or_none: Final = optional(expected_assignment)
_guard_state: Final = one_of(GuardState)
_held_or_none: Final = optional(_held)
_held_reason: Final = one_of(HeldReason)
