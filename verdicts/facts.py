"""What the ledger remembers of an application: facts, from which verdicts are derived (see verdicts.derive).

All times are aware and in UTC. Ids of assignments, definitions and resources are folded (publisher.resource_ids.fold).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from registry.managed_application import Exemption, ExpectedAssignment
    from verdicts.outcome import Outcome

MOST_OPEN_KEYS: Final = 20_000
"""Open keys remembered one by one for an application; an assignment that has more is marked as overflowing."""


class StateKey(NamedTuple):
    """What makes a policy state one of its kind, within an assignment; all folded, "" where there is none."""

    reference_id: str
    definition_id: str
    resource_id: str


class HeldReason(StrEnum):
    """Why open keys that were not read as NonCompliant again stay open."""

    UNREAD = "Unread"
    """The application could not be read completely."""
    NO_STATES = "NoStates"
    """The read has no state of the keys, and the resources are not proven gone."""
    UNDECIDED = "Undecided"
    """The keys' states say neither Compliant nor NonCompliant; or say Compliant by an evaluation that is not later."""
    WEAKENED = "Weakened"
    """The keys are read as Compliant, and the assignment differs from its baseline, or leaves them out."""
    GUARD_UNREAD = "GuardUnread"
    """The keys are read as Compliant, and the assignment could not be compared with its baseline."""
    WITHDRAWN = "Withdrawn"
    """The assignment was deleted."""
    EXEMPT = "Exempt"
    """The keys are read as Exempt: an exemption is no repair."""


class AlarmKind(StrEnum):
    """What an alarm is about; each kind has alert rules of its own."""

    NONCOMPLIANT = "noncompliant"
    GUARD = "guard"
    """Withdrawn, weakened or changed."""
    NOTICE = "notice"
    """Exempted; an exemption that expires soon or has expired; a guard that could not be read for two days."""
    UNDECIDED = "undecided"
    UNREAD = "unread"
    """Of an application."""
    LEFT = "left"
    """Of an application that has left, unconfirmed."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """The key and the words that a finding gets when it opens, for as long as it is open.

    `cause` is "" for an alarm of its own; else the finding is one of many by that cause, and `key` is the cause's.
    `says` is for a person: number and first resources, or the difference, or the reason; and since when.
    """

    key: str
    cause: str
    says: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Label:
    """What a person knows the finding by, frozen while any alarm about it is open."""

    customer: str
    application: str
    plan: str
    assignment: str = ""


class PlanVersion(NamedTuple):
    """A version of its plan that an application was found to have, and in which run it was found first."""

    version: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An operator's word that open keys, or a difference from the baseline, may stay until `until`."""

    person: str
    reason: str
    accepted_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A violation that nobody has read as repaired.

    `evaluated_at` is the latest evaluation that said NonCompliant; `repaired_since` the first of an unbroken row of
    complete reads that said Compliant; `suspended` tells that the last complete read said Exempt.
    """

    key: StateKey
    opened_at: datetime
    evaluated_at: datetime | None = None
    repaired_since: datetime | None = None
    suspended: bool = False
    acceptance: Acceptance | None = None


@dataclass(frozen=True, slots=True)
class GoneKey:
    """A key that was closed because its resource is gone: a state that is no newer does not open it again."""

    key: StateKey
    closed_at: datetime
    evaluated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counts:
    """States of an assignment in the last complete read, by what they say."""

    noncompliant: int = 0
    compliant: int = 0
    exempt: int = 0
    manual: int = 0
    """Unknown of effect manual: they do not count against the assignment."""
    undecided: int = 0
    """Error, Conflict, any other Unknown, and literals that we do not know."""


@dataclass(frozen=True, slots=True)
class Held:
    """Why open keys are held, and since which run."""

    reason: HeldReason
    since: datetime


class GuardState(StrEnum):
    """How an assignment compares with its baseline."""

    NOT_KNOWN = "NotKnown"
    """There is no baseline yet."""
    INTACT = "Intact"
    WITHDRAWN = "Withdrawn"
    """ARM says PolicyAssignmentNotFound to us, who may read assignments there."""
    WEAKENED = "Weakened"
    """It judges less: notScopes, selectors, overrides, effect Disabled, DoNotEnforce."""
    CHANGED = "Changed"
    """Other parameters, another definition, or another version of it."""
    UNREAD = "Unread"
    """It could not be compared when it was last tried."""


@dataclass(frozen=True, slots=True)
class AssignmentGuard:
    """The baseline of an assignment, and how the assignment compared with it when it was last read.

    `baseline` is None while none is known; `declared` tells that an operator declared it for the plan version, else it
    was learned. `seen` is the assignment as it was last read; `details` names the differences. `acceptance` is of the
    difference whose `seen` is `accepted`: while it lasts, that counts as the baseline. `changed_at` is when Azure says
    that the assignment was last written.
    """

    baseline: ExpectedAssignment | None = None
    declared: bool = False
    state: GuardState = GuardState.NOT_KNOWN
    since: datetime | None = None
    details: tuple[str, ...] = ()
    seen: ExpectedAssignment | None = None
    accepted: ExpectedAssignment | None = None
    accepted_withdrawal: bool = False
    acceptance: Acceptance | None = None
    changed_at: datetime | None = None


class Ending(StrEnum):
    """Why an assignment is judged no more: its closing row says so for 50 hours, then it is forgotten."""

    LEFT = "Left"
    RETIRED = "Retired"
    """An operator declared the plan version without it, and Azure lists it no more; or switched off the check."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Since when a publisher's check could not be read, and why the last time."""

    since: datetime
    outcome: Outcome
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class AssignmentFacts:
    """What is remembered of one assignment of an application, or of one of the publisher's checks.

    `decided` tells whether any complete read ever had a state of it that decides;
    `undecided_since` is the first of an unbroken row of complete reads in which no state decided it; `closed_at` when
    its last open key closed; `changed_at` when the published verdict or its words last changed. A check has no guard,
    and is read by itself: `unread` and `last_read` are to it what those of the application are to its assignments.
    """

    id: str
    name: str
    first_seen: datetime
    changed_at: datetime
    display_name: str = ""
    definition_id: str = ""
    open: tuple[OpenKey, ...] = ()
    overflow: bool = False
    overflow_since: datetime | None = None
    """While overflowing: since when a violation that is not remembered is open, at the earliest; None: not known."""
    gone: tuple[GoneKey, ...] = ()
    decided: bool = False
    counts: Counts = Counts()
    undecided_since: datetime | None = None
    clear_since: datetime | None = None
    """While overflowing: the first of an unbroken row of complete reads without any NonCompliant state."""
    closed_at: datetime | None = None
    held: Held | None = None
    guard: AssignmentGuard = AssignmentGuard()
    label: Label | None = None
    alarms: Mapping[AlarmKind, Alarm] = field(default_factory=dict)
    ending: Ending | None = None
    ended_at: datetime | None = None
    unread: Unchecked | None = None
    last_read: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """Since when an application could not be read completely, how often in a row, and why the last time."""

    since: datetime
    failures: int
    outcome: Outcome
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The one page that was an application's last complete read: its digest, and what its result row says of it.

    The digest is also of all else that follows from the answer: the same one tells that nothing would be new.
    """

    digest: str
    states: int
    noncompliant: int
    foreign: int
    oldest_evaluation: str | None = None
    latest_evaluation: str | None = None


@dataclass(frozen=True, slots=True)
class StatesUpload:
    """The run that uploaded the states that stand: its id, its start, and how many rows.

    `fingerprint` is of what was uploaded, whatever the order; times of evaluations are not part of it. "" is none.
    `answer` is the one from which the facts beside it were judged, None when there were more or it is not known.
    `withheld` is how many rows more there would be without a ceiling.
    """

    run_id: str
    time: datetime
    rows: int
    fingerprint: str = ""
    answer: Answer | None = None
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class Departure:
    """How an application came to be collected no more: LEFT, LEFT_UNCONFIRMED or VANISHED, and since when."""

    outcome: Outcome
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """What the ledger remembers of one application.

    Texts describe it as the registry did when the row was last written, so that it can be named after it vanished.
    `registered_at` and `managed_resource_group_id` tell one deployment from the next under the same id.
    `last_read` and `applied_at` are as of the last write: a run that changes nothing writes nothing, so the application
    was read by every later completed run too, unless `unread` is set (see verdicts.control.RunRecord).
    """

    application_id: str
    customer_subscription_id: str
    managed_resource_group_id: str
    registered_at: datetime | None
    application_name: str
    customer_name: str
    plan_name: str
    plan_version: str
    applied_run: str
    applied_at: datetime
    changed_at: datetime
    versions: tuple[PlanVersion, ...] = ()
    """The versions that it had of its present plan, as far as they are remembered; the last one is the present."""
    assignments: Mapping[str, AssignmentFacts] = field(default_factory=dict)
    """By folded id."""
    exemptions: tuple[Exemption, ...] = ()
    """Those of the application's own assignments, as last read."""
    known_exemptions: tuple[str, ...] = ()
    """Folded ids of exemptions that are part of the baseline, or accepted: they are not told as new.

    Also the tokens of verdicts.exempted: that one expires, or has expired, is accepted apart.
    """
    accepted_exemptions: Mapping[str, Acceptance] = field(default_factory=dict)
    """Whose word it is that some of `known_exemptions` are known; with its end they are told again.

    Those of the first view, and what was accepted before this was remembered, have no such end.
    """
    guard_read_at: datetime | None = None
    guard_unread_since: datetime | None = None
    last_read: datetime | None = None
    states: StatesUpload | None = None
    check_states: StatesUpload | None = None
    """Of what the publisher's checks found, which is uploaded by itself."""
    unread: Unread | None = None
    departure: Departure | None = None
    label: Label | None = None
    alarms: Mapping[AlarmKind, Alarm] = field(default_factory=dict)
    probed: str = ""
    """Azure Resource Graph's counts of states for which a read was last brought forward, "" for none (docs/scaling.md).

    It keeps a difference that stays from bringing a read forward again, and says nothing of the application. A read
    that finds other counts than the ledger had takes it away.
    """
