"""What is remembered of one assignment, as a JSON document and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from registry.policies.stored_assignments import ExpectedDocument, assignment_document, assignment_of
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
    Unchecked,
)
from verdicts.outcome import Outcome
from verdicts.stored.values import (
    AzureTime,
    Count,
    Misread,
    OwnTime,
    number_of,
    number_or_none,
    time_of,
    time_or_none,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from registry.managed_application import ExpectedAssignment

LabelDocument = tuple[str, str, str, str]
"""Customer, application, plan, assignment."""

AlarmsDocument = dict[AlarmKind, tuple[str, str, str, OwnTime]]
"""By kind: the key, the cause, what it says, and when it was opened."""

AcceptanceDocument = tuple[str, str, OwnTime, AzureTime]
_OpenDocument = tuple[str, str, str, OwnTime, AzureTime | None, OwnTime | None, bool, Count | None]
_GoneDocument = tuple[str, str, str, OwnTime, AzureTime | None]
_UncheckedDocument = tuple[OwnTime, Outcome, str, str]


class GuardDocument(msgspec.Struct):
    """The guard of an assignment. `seen` is often the baseline, and then says so."""

    baseline: ExpectedDocument | None
    declared: bool
    state: GuardState
    since: OwnTime | None
    details: tuple[str, ...]
    seen: ExpectedDocument | Literal["baseline"] | None
    accepted: ExpectedDocument | None
    withdrawal: bool
    acceptance: AcceptanceDocument | None
    changed: AzureTime | None


class AssignmentDocument(msgspec.Struct):
    """An assignment. Its keys have few acceptances, which are therefore written once.

    Those members can be absent that earlier versions did not write.
    """

    id: str
    name: str
    display: str
    definition: str
    first: OwnTime
    changed: OwnTime
    acceptances: list[AcceptanceDocument]
    open: list[_OpenDocument]
    overflow: bool
    gone: list[_GoneDocument]
    decided: bool
    counts: tuple[Count, Count, Count, Count, Count]
    undecided: OwnTime | None
    clear: OwnTime | None
    closed: OwnTime | None
    held: tuple[HeldReason, OwnTime] | None
    guard: GuardDocument
    label: LabelDocument | None
    alarms: AlarmsDocument
    ending: Ending | None
    ended: OwnTime | None
    overflowing: OwnTime | None = None
    unread: _UncheckedDocument | None = None
    read: OwnTime | None = None


def document_of(facts: AssignmentFacts) -> AssignmentDocument:
    """Return the document of an assignment."""
    acceptances = list(dict.fromkeys(key.acceptance for key in facts.open if key.acceptance))
    places = {acceptance: place for place, acceptance in enumerate(acceptances)}
    held, counts = facts.held, facts.counts
    return AssignmentDocument(
        id=facts.id,
        name=facts.name,
        display=facts.display_name,
        definition=facts.definition_id,
        first=number_of(facts.first_seen),
        changed=number_of(facts.changed_at),
        acceptances=[acceptance_document(one) for one in acceptances],
        open=[_open_document(key, places) for key in facts.open],
        overflow=facts.overflow,
        gone=[(*key.key, number_of(key.closed_at), number_or_none(key.evaluated_at)) for key in facts.gone],
        decided=facts.decided,
        counts=(counts.noncompliant, counts.compliant, counts.exempt, counts.manual, counts.undecided),
        undecided=number_or_none(facts.undecided_since),
        clear=number_or_none(facts.clear_since),
        closed=number_or_none(facts.closed_at),
        held=None if held is None else (held.reason, number_of(held.since)),
        guard=_guard_document(facts.guard),
        label=label_document(facts.label),
        alarms=alarms_document(facts.alarms),
        ending=facts.ending,
        ended=number_or_none(facts.ended_at),
        overflowing=number_or_none(facts.overflow_since),
        unread=_unchecked_document(facts.unread),
        read=number_or_none(facts.last_read),
    )


def facts_of(document: AssignmentDocument) -> AssignmentFacts:
    """Return the assignment in a document; raise Misread."""
    acceptances = [acceptance_of(one) for one in document.acceptances]
    # Equal texts become one: keys have most in common, and a run holds many.
    once = dict[str, str]().setdefault
    held = document.held
    return AssignmentFacts(
        id=document.id,
        name=document.name,
        display_name=document.display,
        definition_id=document.definition,
        first_seen=time_of(document.first),
        changed_at=time_of(document.changed),
        open=tuple([_open_key(one, acceptances, once) for one in document.open]),
        overflow=document.overflow,
        gone=tuple([_gone_key(one, once) for one in document.gone]),
        decided=document.decided,
        counts=Counts(*document.counts),
        undecided_since=time_or_none(document.undecided),
        clear_since=time_or_none(document.clear),
        closed_at=time_or_none(document.closed),
        held=None if held is None else Held(held[0], time_of(held[1])),
        guard=_guard(document.guard),
        label=label_or_none(document.label),
        alarms=alarms_of(document.alarms),
        ending=document.ending,
        ended_at=time_or_none(document.ended),
        overflow_since=time_or_none(document.overflowing),
        unread=None if document.unread is None else Unchecked(time_of(document.unread[0]), *document.unread[1:]),
        last_read=time_or_none(document.read),
    )


def label_document(label: Label | None) -> LabelDocument | None:
    """Return the document of a label."""
    return None if label is None else (label.customer, label.application, label.plan, label.assignment)


def label_or_none(document: LabelDocument | None) -> Label | None:
    """Return the label in a document."""
    return None if document is None else Label(*document)


def alarms_document(alarms: Mapping[AlarmKind, Alarm]) -> AlarmsDocument:
    """Return the document of the alarms of an assignment, or of an application."""
    return {kind: (one.key, one.cause, one.says, number_of(one.opened_at)) for kind, one in alarms.items()}


def alarms_of(document: AlarmsDocument) -> dict[AlarmKind, Alarm]:
    """Return the alarms in a document."""
    return {kind: Alarm(key, cause, says, time_of(opened)) for kind, (key, cause, says, opened) in document.items()}


def _open_document(key: OpenKey, places: Mapping[Acceptance, int]) -> _OpenDocument:
    return (
        *key.key,
        number_of(key.opened_at),
        number_or_none(key.evaluated_at),
        number_or_none(key.repaired_since),
        key.suspended,
        places[key.acceptance] if key.acceptance else None,
    )


def _open_key(stored: _OpenDocument, acceptances: Sequence[Acceptance], once: Callable[[str, str], str]) -> OpenKey:
    reference, definition, resource, opened, evaluated, repaired, suspended, place = stored
    if place is not None and place >= len(acceptances):
        raise Misread("an open key has an acceptance that is not there")
    return OpenKey(
        StateKey(once(reference, reference), once(definition, definition), once(resource, resource)),
        time_of(opened),
        time_or_none(evaluated),
        time_or_none(repaired),
        suspended,
        None if place is None else acceptances[place],
    )


def _gone_key(stored: _GoneDocument, once: Callable[[str, str], str]) -> GoneKey:
    reference, definition, resource, closed, evaluated = stored
    key = StateKey(once(reference, reference), once(definition, definition), once(resource, resource))
    return GoneKey(key, time_of(closed), time_or_none(evaluated))


def _unchecked_document(one: Unchecked | None) -> _UncheckedDocument | None:
    return None if one is None else (number_of(one.since), one.outcome, one.code, one.message)


def acceptance_document(one: Acceptance) -> AcceptanceDocument:
    """Return the document of an operator's word."""
    return one.person, one.reason, number_of(one.accepted_at), number_of(one.until)


def acceptance_of(stored: AcceptanceDocument) -> Acceptance:
    """Return the operator's word in a document."""
    person, reason, accepted, until = stored
    return Acceptance(person, reason, time_of(accepted), time_of(until))


def _guard_document(guard: AssignmentGuard) -> GuardDocument:
    baseline, seen = _expected_document(guard.baseline), _expected_document(guard.seen)
    return GuardDocument(
        baseline=baseline,
        declared=guard.declared,
        state=guard.state,
        since=number_or_none(guard.since),
        details=guard.details,
        # Documents are compared, because equal assignments can differ in what is not compared, as when they changed.
        seen="baseline" if seen == baseline else seen,
        accepted=_expected_document(guard.accepted),
        withdrawal=guard.accepted_withdrawal,
        acceptance=None if guard.acceptance is None else acceptance_document(guard.acceptance),
        changed=number_or_none(guard.changed_at),
    )


def _guard(document: GuardDocument) -> AssignmentGuard:
    baseline, seen = _expected(document.baseline), document.seen
    return AssignmentGuard(
        baseline=baseline,
        declared=document.declared,
        state=document.state,
        since=time_or_none(document.since),
        details=document.details,
        seen=baseline if seen == "baseline" else _expected(seen),
        accepted=_expected(document.accepted),
        accepted_withdrawal=document.withdrawal,
        acceptance=None if document.acceptance is None else acceptance_of(document.acceptance),
        changed_at=time_or_none(document.changed),
    )


def _expected_document(assignment: ExpectedAssignment | None) -> ExpectedDocument | None:
    return None if assignment is None else assignment_document(assignment)


def _expected(document: ExpectedDocument | None) -> ExpectedAssignment | None:
    return None if document is None else assignment_of(document)
