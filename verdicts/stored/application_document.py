"""What is remembered of an application, as a JSON document and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from registry.managed_application import Exemption
from verdicts.facts import ApplicationFacts, AssignmentFacts, Departure, StatesUpload, Unread
from verdicts.outcome import Outcome
from verdicts.stored.assignment_document import (
    alarms_document,
    alarms_of,
    assignment_of,
    document_of,
    label_document,
    label_or_none,
)
from verdicts.stored.values import (
    Fields,
    Misread,
    azure_time,
    azure_time_or_none,
    count,
    each,
    number_of,
    one_of,
    optional,
    own_time,
    own_time_or_none,
    row,
    text,
    texts,
)


def application_document(facts: ApplicationFacts) -> dict[str, Any]:
    """Return the document of an application."""
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
        "assignments": [document_of(one) for one in facts.assignments.values()],
        "exemptions": [_exemption_document(one) for one in facts.exemptions],
        "known_exemptions": list(facts.known_exemptions),
        "guard_read": number_of(facts.guard_read_at),
        "guard_unread": number_of(facts.guard_unread_since),
        "read": number_of(facts.last_read),
        "states": states and [states.run_id, number_of(states.time), states.rows],
        "fingerprint": states.fingerprint if states else "",
        "unread": unread and [number_of(unread.since), unread.failures, unread.outcome, unread.code, unread.message],
        "departure": departure and [departure.outcome, number_of(departure.at), departure.reason],
        "label": label_document(facts.label),
        "alarms": alarms_document(facts.alarms),
        "probed": facts.probed,
    }


def application_of(document: Any) -> ApplicationFacts:
    """Return the application in a document; raise Misread."""
    fields = Fields(document)
    states = fields("states", _states_or_none)
    return ApplicationFacts(
        application_id=fields("id", text),
        customer_subscription_id=fields("subscription", text),
        managed_resource_group_id=fields("group", text),
        registered_at=fields("registered", azure_time_or_none),
        application_name=fields("name", text),
        customer_name=fields("customer", text),
        plan_name=fields("plan", text),
        plan_version=fields("version", text),
        applied_run=fields("run", text),
        applied_at=fields("applied", own_time),
        changed_at=fields("changed", own_time),
        assignments=fields("assignments", _assignments),
        exemptions=fields("exemptions", _exemptions),
        known_exemptions=fields("known_exemptions", texts),
        guard_read_at=fields("guard_read", own_time_or_none),
        guard_unread_since=fields("guard_unread", own_time_or_none),
        last_read=fields("read", own_time_or_none),
        states=states and replace(states, fingerprint=fields("fingerprint", text, absent="")),
        unread=fields("unread", _unread_or_none),
        departure=fields("departure", _departure_or_none),
        label=fields("label", label_or_none),
        alarms=fields("alarms", alarms_of),
        probed=fields("probed", text, absent=""),
    )


def _assignments(stored: Any) -> dict[str, AssignmentFacts]:
    read = _each_assignment(stored)
    by_id = {one.id: one for one in read}
    if len(by_id) < len(read):
        raise Misread("an assignment is there twice")
    return by_id


def _unread(stored: Any) -> Unread:
    return Unread(*row(stored, own_time, count, _outcome, text, text))


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


def _exemption(stored: Any) -> Exemption:
    return Exemption(*row(stored, text, text, texts, text, azure_time_or_none, text, text))


def _states(stored: Any) -> StatesUpload:
    return StatesUpload(*row(stored, text, own_time, count))


def _departure(stored: Any) -> Departure:
    return Departure(*row(stored, _outcome, azure_time, text))


# A run reads thousands of applications, and what reads them is made once.
_departure_or_none: Final = optional(_departure)
_each_assignment: Final = each(assignment_of)
_exemptions: Final = each(_exemption)
_outcome: Final = one_of(Outcome)
_states_or_none: Final = optional(_states)
_unread_or_none: Final = optional(_unread)
