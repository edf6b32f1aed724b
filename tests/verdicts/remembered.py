"""Facts for tests: of a plain application, and arbitrary ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from publisher.resource_ids import ApplicationId
from registry.managed_application import Exemption, ExpectedAssignment, Posture
from verdicts.facts import (
    Acceptance,
    Alarm,
    AlarmKind,
    Answer,
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
    PlanVersion,
    StateKey,
    StatesUpload,
    Unchecked,
    Unread,
)
from verdicts.outcome import Outcome

SUBSCRIPTION = "abcdef00-0000-4000-8000-00000000000a"
NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
DAY = timedelta(days=1)


def identity(name: str = "app", subscription: str = SUBSCRIPTION) -> ApplicationId:
    return ApplicationId(subscription, "rg", name)


def group_id(name: str = "app", subscription: str = SUBSCRIPTION) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/mrg-{name}"


def open_key(resource: str, **of_key: Any) -> OpenKey:
    return OpenKey(StateKey("", "/d", f"{group_id().lower()}/providers/x/y/{resource}"), NOW - DAY, **of_key)


def assignment(name: str = "baseline", *resources: str, **of_assignment: Any) -> AssignmentFacts:
    """An assignment that these resources violate, as nothing has changed about for days."""
    known: dict[str, Any] = {
        "id": f"{group_id().lower()}/providers/microsoft.authorization/policyassignments/{name}",
        "name": name,
        "first_seen": NOW - 9 * DAY,
        "changed_at": NOW - 9 * DAY,
        "open": tuple(map(open_key, resources)),
        "decided": True,
    }
    return AssignmentFacts(**known | of_assignment)


def remembered(
    *assignments: AssignmentFacts, name: str = "app", subscription: str = SUBSCRIPTION, **of_application: Any
) -> ApplicationFacts:
    known: dict[str, Any] = {
        "application_id": str(identity(name, subscription)),
        "customer_subscription_id": subscription,
        "managed_resource_group_id": group_id(name, subscription),
        "registered_at": None,
        "application_name": name,
        "customer_name": "Contoso",
        "plan_name": "standard",
        "plan_version": "1.0.0",
        "applied_run": "run",
        "applied_at": NOW,
        "changed_at": NOW,
        "versions": (PlanVersion("1.0.0", NOW - 9 * DAY),),
        "assignments": {one.id: one for one in assignments},
        "last_read": NOW,
    }
    return ApplicationFacts(**known | of_application)


texts = st.text(max_size=12)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC, fold=0)


azure_times = st.datetimes().map(_in_utc)
own_times = st.datetimes(NOW.replace(year=2000, tzinfo=None), NOW.replace(year=2199, tzinfo=None)).map(_in_utc)
counts = st.integers(0, 1_000_000)
lists_of_texts = st.lists(texts, max_size=3).map(tuple)
state_keys = st.builds(StateKey, texts, texts, texts)
acceptances = st.builds(Acceptance, texts, texts, own_times, azure_times)
labels = st.builds(Label, texts, texts, texts, texts)
alarms = st.dictionaries(st.sampled_from(AlarmKind), st.builds(Alarm, texts, texts, texts, own_times), max_size=3)
postures = st.builds(
    Posture,
    definition_version=texts,
    parameters=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    not_scopes=lists_of_texts,
    selectors=texts,
    overrides=texts,
    enforced=st.booleans(),
    disabled=st.none() | lists_of_texts,
    references=counts,
    at_default=lists_of_texts,
    changed_at=st.none() | azure_times,
)
expected = st.builds(ExpectedAssignment, texts, texts, texts, texts, st.none() | postures)
guards = st.builds(
    AssignmentGuard,
    baseline=st.none() | expected,
    declared=st.booleans(),
    state=st.sampled_from(GuardState),
    since=st.none() | own_times,
    details=lists_of_texts,
    seen=st.none() | expected,
    accepted=st.none() | expected,
    accepted_withdrawal=st.booleans(),
    acceptance=st.none() | acceptances,
    changed_at=st.none() | azure_times,
)
open_keys = st.builds(
    OpenKey,
    state_keys,
    own_times,
    st.none() | azure_times,
    st.none() | own_times,
    st.booleans(),
    st.none() | acceptances,
)
assignments = st.builds(
    AssignmentFacts,
    id=texts,
    name=texts,
    first_seen=own_times,
    changed_at=own_times,
    display_name=texts,
    definition_id=texts,
    open=st.lists(open_keys, max_size=4).map(tuple),
    overflow=st.booleans(),
    overflow_since=st.none() | own_times,
    gone=st.lists(st.builds(GoneKey, state_keys, own_times, st.none() | azure_times), max_size=3).map(tuple),
    decided=st.booleans(),
    counts=st.builds(Counts, counts, counts, counts, counts, counts),
    undecided_since=st.none() | own_times,
    clear_since=st.none() | own_times,
    closed_at=st.none() | own_times,
    held=st.none() | st.builds(Held, st.sampled_from(HeldReason), own_times),
    guard=guards,
    label=st.none() | labels,
    alarms=alarms,
    ending=st.none() | st.sampled_from(Ending),
    ended_at=st.none() | own_times,
    unread=st.none() | st.builds(Unchecked, own_times, st.sampled_from(Outcome), texts, texts),
    last_read=st.none() | own_times,
)
answers = st.builds(Answer, texts, counts, counts, counts, st.none() | texts, st.none() | texts)
applications = st.builds(
    ApplicationFacts,
    application_id=st.just(str(identity())),
    customer_subscription_id=texts,
    managed_resource_group_id=texts,
    registered_at=st.none() | azure_times,
    application_name=texts,
    customer_name=texts,
    plan_name=texts,
    plan_version=texts,
    applied_run=texts,
    applied_at=own_times,
    changed_at=own_times,
    versions=st.lists(st.builds(PlanVersion, texts, own_times), max_size=3).map(tuple),
    assignments=st.lists(assignments, max_size=3).map(lambda found: {one.id: one for one in found}),
    exemptions=st.lists(
        st.builds(Exemption, texts, texts, lists_of_texts, texts, st.none() | azure_times, texts, texts), max_size=2
    ).map(tuple),
    known_exemptions=lists_of_texts,
    accepted_exemptions=st.dictionaries(texts, acceptances, max_size=2),
    guard_read_at=st.none() | own_times,
    guard_unread_since=st.none() | own_times,
    last_read=st.none() | own_times,
    states=st.none() | st.builds(StatesUpload, texts, own_times, counts, texts, st.none() | answers),
    check_states=st.none() | st.builds(StatesUpload, texts, own_times, counts, texts),
    unread=st.none() | st.builds(Unread, own_times, counts, st.sampled_from(Outcome), texts, texts),
    departure=st.none() | st.builds(Departure, st.sampled_from(Outcome), azure_times, texts),
    label=st.none() | labels,
    alarms=alarms,
    probed=texts,
)
