"""What is remembered of an application, as a JSON document and back."""

from __future__ import annotations

from typing import Final

import msgspec

from registry.managed_application import Exemption
from verdicts.facts import Answer, ApplicationFacts, Departure, PlanVersion, StatesUpload, Unread
from verdicts.outcome import Outcome  # noqa: TC001 - msgspec looks types up
from verdicts.stored.assignment_document import (
    AcceptanceDocument,
    AlarmsDocument,
    AssignmentDocument,
    LabelDocument,
    acceptance_document,
    acceptance_of,
    alarms_document,
    alarms_of,
    document_of,
    facts_of,
    label_document,
    label_or_none,
)
from verdicts.stored.values import (
    AzureTime,
    Count,
    Misread,
    OwnTime,
    number_of,
    number_or_none,
    read,
    time_of,
    time_or_none,
)

_AnswerDocument = tuple[str, Count, Count, Count, str | None, str | None]
"""Digest, states, noncompliant ones, foreign ones, oldest and latest evaluation."""

_ExemptionDocument = tuple[str, str, tuple[str, ...], str, AzureTime | None, str, str]


class ApplicationDocument(msgspec.Struct, kw_only=True):
    """An application. Those members can be absent that earlier versions did not write."""

    id: str
    subscription: str
    group: str
    registered: AzureTime | None
    name: str
    customer: str
    plan: str
    version: str
    run: str
    applied: OwnTime
    changed: OwnTime
    assignments: list[AssignmentDocument]
    exemptions: list[_ExemptionDocument]
    known_exemptions: tuple[str, ...]
    accepted_exemptions: dict[str, AcceptanceDocument] = {}
    guard_read: OwnTime | None
    guard_unread: OwnTime | None
    read: OwnTime | None
    states: tuple[str, OwnTime, Count] | None
    fingerprint: str = ""
    answer: _AnswerDocument | None = None
    unread: tuple[OwnTime, Count, Outcome, str, str] | None
    departure: tuple[Outcome, AzureTime, str] | None
    label: LabelDocument | None
    alarms: AlarmsDocument
    probed: str = ""
    versions: list[tuple[str, OwnTime]] = []
    check_states: tuple[str, OwnTime, Count, str] | None = None
    withheld: Count = 0
    check_withheld: Count = 0


_DECODER: Final = msgspec.json.Decoder(ApplicationDocument)
_ENCODER: Final = msgspec.json.Encoder()


def application_document(facts: ApplicationFacts) -> ApplicationDocument:
    """Return the document of an application."""
    unread, states, departure = facts.unread, facts.states, facts.departure
    checked = facts.check_states
    return ApplicationDocument(
        id=facts.application_id,
        subscription=facts.customer_subscription_id,
        group=facts.managed_resource_group_id,
        registered=number_or_none(facts.registered_at),
        name=facts.application_name,
        customer=facts.customer_name,
        plan=facts.plan_name,
        version=facts.plan_version,
        run=facts.applied_run,
        applied=number_of(facts.applied_at),
        changed=number_of(facts.changed_at),
        assignments=[document_of(one) for one in facts.assignments.values()],
        exemptions=[_exemption_document(one) for one in facts.exemptions],
        known_exemptions=facts.known_exemptions,
        accepted_exemptions={token: acceptance_document(one) for token, one in facts.accepted_exemptions.items()},
        guard_read=number_or_none(facts.guard_read_at),
        guard_unread=number_or_none(facts.guard_unread_since),
        read=number_or_none(facts.last_read),
        states=None if states is None else (states.run_id, number_of(states.time), states.rows),
        fingerprint=states.fingerprint if states else "",
        answer=None if states is None else _answer_document(states.answer),
        unread=None
        if unread is None
        else (number_of(unread.since), unread.failures, unread.outcome, unread.code, unread.message),
        departure=None if departure is None else (departure.outcome, number_of(departure.at), departure.reason),
        label=label_document(facts.label),
        alarms=alarms_document(facts.alarms),
        probed=facts.probed,
        versions=[(version, number_of(since)) for version, since in facts.versions],
        check_states=None
        if checked is None
        else (checked.run_id, number_of(checked.time), checked.rows, checked.fingerprint),
        withheld=states.withheld if states else 0,
        check_withheld=checked.withheld if checked else 0,
    )


def application_of(document: ApplicationDocument) -> ApplicationFacts:
    """Return the application in a document; raise Misread."""
    unread, states, departure = document.unread, document.states, document.departure
    checked = document.check_states
    return ApplicationFacts(
        application_id=document.id,
        customer_subscription_id=document.subscription,
        managed_resource_group_id=document.group,
        registered_at=time_or_none(document.registered),
        application_name=document.name,
        customer_name=document.customer,
        plan_name=document.plan,
        plan_version=document.version,
        applied_run=document.run,
        applied_at=time_of(document.applied),
        changed_at=time_of(document.changed),
        assignments={one.id: facts_of(one) for one in document.assignments},
        exemptions=tuple([_exemption(one) for one in document.exemptions]),
        known_exemptions=document.known_exemptions,
        accepted_exemptions={token: acceptance_of(one) for token, one in document.accepted_exemptions.items()},
        guard_read_at=time_or_none(document.guard_read),
        guard_unread_since=time_or_none(document.guard_unread),
        last_read=time_or_none(document.read),
        states=None if states is None else _upload(states, document),
        unread=None if unread is None else Unread(time_of(unread[0]), *unread[1:]),
        departure=None if departure is None else Departure(departure[0], time_of(departure[1]), departure[2]),
        label=label_or_none(document.label),
        alarms=alarms_of(document.alarms),
        probed=document.probed,
        versions=tuple([PlanVersion(version, time_of(since)) for version, since in document.versions]),
        check_states=None
        if checked is None
        else StatesUpload(checked[0], time_of(checked[1]), *checked[2:], withheld=document.check_withheld),
    )


def written(document: ApplicationDocument) -> bytes:
    """Return a document as JSON; raise UnicodeEncodeError for a text that has no UTF-8."""
    return _ENCODER.encode(document)


def document_in(text: bytes) -> ApplicationDocument:
    """Return the document in JSON; raise Damaged or Misread."""
    document = read(_DECODER, text)
    if len({one.id for one in document.assignments}) < len(document.assignments):
        raise Misread("an assignment is there twice")
    return document


def _answer_document(one: Answer | None) -> _AnswerDocument | None:
    if one is None:
        return None
    return one.digest, one.states, one.noncompliant, one.foreign, one.oldest_evaluation, one.latest_evaluation


def _upload(states: tuple[str, int, int], document: ApplicationDocument) -> StatesUpload:
    run_id, time, rows = states
    answer = None if document.answer is None else Answer(*document.answer)
    return StatesUpload(run_id, time_of(time), rows, document.fingerprint, answer, document.withheld)


def _exemption_document(one: Exemption) -> _ExemptionDocument:
    return (
        one.id,
        one.assignment_id,
        one.reference_ids,
        one.category,
        number_or_none(one.expires_at),
        one.created_by,
        one.display_name,
    )


def _exemption(stored: _ExemptionDocument) -> Exemption:
    identity, assignment_id, reference_ids, category, expires, created_by, display_name = stored
    return Exemption(identity, assignment_id, reference_ids, category, time_or_none(expires), created_by, display_name)
