"""What is remembered of an application, as a JSON document and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from registry.managed_application import Exemption
from verdicts.facts import ApplicationFacts, AssignmentFacts, Departure, StatesUpload, Unread
from verdicts.outcome import Outcome
from verdicts.stored.assignment_document import (
    alarms_document,
    alarms_of,
    assignment_of,
    document_of,
    label_document,
    label_of,
)
from verdicts.stored.values import (
    Fields,
    Misread,
    azure_time,
    count,
    each,
    number_of,
    one_of,
    optional,
    own_time,
    row,
    text,
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
    }


def application_of(document: Any) -> ApplicationFacts:
    """Return the application in a document; raise Misread."""
    fields = Fields(document)
    states = fields("states", optional(lambda value: StatesUpload(*row(value, text, own_time, count))))
    return ApplicationFacts(
        application_id=fields("id", text),
        customer_subscription_id=fields("subscription", text),
        managed_resource_group_id=fields("group", text),
        registered_at=fields("registered", optional(azure_time)),
        application_name=fields("name", text),
        customer_name=fields("customer", text),
        plan_name=fields("plan", text),
        plan_version=fields("version", text),
        applied_run=fields("run", text),
        applied_at=fields("applied", own_time),
        changed_at=fields("changed", own_time),
        assignments=fields("assignments", _assignments),
        exemptions=fields("exemptions", each(_exemption)),
        known_exemptions=fields("known_exemptions", each(text)),
        guard_read_at=fields("guard_read", optional(own_time)),
        guard_unread_since=fields("guard_unread", optional(own_time)),
        last_read=fields("read", optional(own_time)),
        states=states and replace(states, fingerprint=fields("fingerprint", text, absent="")),
        unread=fields("unread", optional(_unread)),
        departure=fields(
            "departure", optional(lambda value: Departure(*row(value, one_of(Outcome), azure_time, text)))
        ),
        label=fields("label", optional(label_of)),
        alarms=fields("alarms", alarms_of),
    )


def _assignments(stored: Any) -> dict[str, AssignmentFacts]:
    read = each(assignment_of)(stored)
    by_id = {one.id: one for one in read}
    if len(by_id) < len(read):
        raise Misread("an assignment is there twice")
    return by_id


def _unread(stored: Any) -> Unread:
    return Unread(*row(stored, own_time, count, one_of(Outcome), text, text))


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
    return Exemption(*row(stored, text, text, each(text), text, optional(azure_time), text, text))
