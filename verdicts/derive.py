"""Verdicts and findings, derived from what the ledger remembers; every row and alarm goes by these functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from publisher.resource_ids import fold
from publisher.texts import one_line
from verdicts.exempted import time_of, told_of_exemptions
from verdicts.facts import AlarmKind, Ending, GuardState, Held, HeldReason
from verdicts.guard.comparison import judges_nothing, may_judge_nothing, stands_as
from verdicts.guard.declared import relative_id
from verdicts.outcome import Outcome
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from verdicts.facts import Acceptance, ApplicationFacts, AssignmentFacts, OpenKey

TOLD_AFTER: Final = timedelta(days=2)
"""When an assignment that is not decided, or a guard that cannot be read, is told: Azure evaluates about once a day."""

FAILURES_TOLD: Final = 2
UNREAD_TOLD_AFTER: Final = timedelta(hours=2)
NAMED_RESOURCES: Final = 5
SINCE: Final = "; since "
"""Ends the words of an alarm, before the time."""

_TOLD_AT_ONCE: Final = frozenset({Outcome.ACCESS_DENIED, Outcome.NOT_FOUND, Outcome.BLOCKED})
DIFFERENT: Final = frozenset({GuardState.WITHDRAWN, GuardState.WEAKENED, GuardState.CHANGED})
"""How an assignment can differ from its baseline."""


class Verdict(StrEnum):
    """What stands about an assignment (column Verdict of PolicyVerdicts_CL)."""

    NON_COMPLIANT = "NonCompliant"
    COMPLIANT = "Compliant"
    NOT_EVALUATED = "NotEvaluated"
    """No complete read ever had a state that decides it."""
    UNDECIDED = "Undecided"
    """It was decided once, and the last complete read had no state that decides it."""
    LEFT = "Left"
    LEFT_UNCONFIRMED = "LeftUnconfirmed"
    RETIRED = "Retired"


class Finding(NamedTuple):
    """Something to alarm about: the cause that it may share with others, and what it says to a person.

    `since` is when something was added to it that an alarm of before does not tell.
    """

    cause: str
    says: str
    since: datetime | None = None


def verdict_of(facts: ApplicationFacts, assignment: AssignmentFacts) -> Verdict:
    """Return the verdict that stands about an assignment."""
    if assignment.ending is not None:
        return Verdict.LEFT if assignment.ending is Ending.LEFT else Verdict.RETIRED
    if facts.departure is not None and facts.departure.outcome is Outcome.LEFT_UNCONFIRMED:
        return Verdict.LEFT_UNCONFIRMED
    if assignment.open or assignment.overflow:
        return Verdict.NON_COMPLIANT
    if assignment.undecided_since is None:
        return Verdict.COMPLIANT
    return Verdict.UNDECIDED if assignment.decided else Verdict.NOT_EVALUATED


def since_of(facts: ApplicationFacts, assignment: AssignmentFacts) -> datetime:
    """Return since when the verdict stands."""
    verdict = verdict_of(facts, assignment)
    if verdict in {Verdict.LEFT, Verdict.RETIRED}:
        return assignment.ended_at or assignment.changed_at
    if verdict is Verdict.LEFT_UNCONFIRMED and facts.departure is not None:
        return facts.departure.at
    if verdict is Verdict.NON_COMPLIANT:
        return opened_since(assignment) or assignment.changed_at
    return assignment.undecided_since or assignment.closed_at or assignment.first_seen


def opened_since(assignment: AssignmentFacts) -> datetime | None:
    """Return when the oldest open violation was first seen; None: none is open, or it is not known."""
    remembered = min((key.opened_at for key in assignment.open), default=None)
    beyond = assignment.overflow_since if assignment.overflow else None
    return min((one for one in (remembered, beyond) if one is not None), default=None)


def is_expected(assignment: AssignmentFacts, group_id: str) -> bool:
    """Tell whether the assignment has to have states: not when by its own baseline it judges nothing.

    One that selects resources may have none to judge, until states of it were seen.
    """
    baseline = assignment.guard.baseline
    if assignment.ending is not None:
        return False
    if baseline is None:
        return True
    return not judges_nothing(baseline, group_id) and (assignment.decided or not may_judge_nothing(baseline))


def is_current(facts: ApplicationFacts) -> bool:
    """Tell whether the latest read says so: the application is registered, and was read completely."""
    return facts.unread is None and facts.departure is None and facts.last_read is not None


def is_verdict_current(facts: ApplicationFacts, assignment: AssignmentFacts) -> bool:
    """Tell whether the latest read says what stands about an assignment, or about a check, which is read by itself."""
    if not is_check(assignment.id):
        return is_current(facts)
    return assignment.unread is None and facts.departure is None and assignment.last_read is not None


def compliance_of(facts: ApplicationFacts) -> str:
    """Return what stands about an application, the worst of its policy assignments (column Compliance of the results).

    The publisher's checks have no part in it: it is what Azure Policy says.
    """
    judged = [one for one in facts.assignments.values() if one.ending is None and not is_check(one.id)]
    verdicts = {verdict_of(facts, one) for one in judged}
    if Verdict.NON_COMPLIANT in verdicts:
        return "NonCompliant"
    if facts.last_read is None:
        return "NotRead"
    group = facts.managed_resource_group_id
    lacking = any(one.undecided_since is not None and is_expected(one, group) for one in judged)
    return "Compliant" if Verdict.COMPLIANT in verdicts and not lacking else "NoStates"


def held_of(facts: ApplicationFacts, assignment: AssignmentFacts) -> Held | None:
    """Return why open keys are held, None when there are none or the latest read confirmed all of them."""
    if not (assignment.open or assignment.overflow):
        return None
    if assignment.unread is not None:
        return Held(HeldReason.UNREAD, assignment.unread.since)
    if facts.unread is not None and not is_check(assignment.id):
        return Held(HeldReason.UNREAD, facts.unread.since)
    if facts.departure is not None:
        return Held(HeldReason.UNREAD, facts.departure.at)
    return assignment.held


def accepted_until(assignment: AssignmentFacts, now: datetime) -> Acceptance | None:
    """Return the acceptance that ends first, when every open key is accepted beyond `now`; else None."""
    acceptances = [key.acceptance for key in assignment.open]
    if assignment.overflow or not acceptances:
        return None
    in_force = [one for one in acceptances if one is not None and one.until > now]
    return min(in_force, key=lambda one: one.until) if len(in_force) == len(acceptances) else None


def not_accepted(assignment: AssignmentFacts, now: datetime) -> list[OpenKey]:
    """Return the open keys that no acceptance in force covers."""
    return [key for key in assignment.open if key.acceptance is None or key.acceptance.until <= now]


def guard_accepted(assignment: AssignmentFacts, now: datetime) -> Acceptance | None:
    """Return the acceptance of how the assignment differs from its baseline now; None when there is none in force."""
    guard = assignment.guard
    if guard.acceptance is None or guard.acceptance.until <= now or guard.state not in DIFFERENT:
        return None
    if guard.state is GuardState.WITHDRAWN:
        return guard.acceptance if guard.accepted_withdrawal else None
    return guard.acceptance if stands_as(guard.accepted, guard.seen) else None


def resources_of(assignment: AssignmentFacts) -> list[str]:
    """Return the folded ids of up to five resources with open keys, in a steady order."""
    return sorted({key.key.resource_id for key in assignment.open})[:NAMED_RESOURCES]


def assignment_name(assignment: AssignmentFacts) -> str:
    """Return what a person calls the assignment."""
    return one_line(assignment.display_name or assignment.name)


def plan_of(facts: ApplicationFacts) -> str:
    """Return plan and version in one text; "" for a service catalog application."""
    return f"{facts.plan_name} {facts.plan_version}".strip()


def open_kinds(facts: ApplicationFacts, assignment: AssignmentFacts, now: datetime) -> dict[AlarmKind, Finding]:
    """Return what there is to alarm about an assignment, by kind."""
    verdict = verdict_of(facts, assignment)
    if verdict in {Verdict.LEFT, Verdict.RETIRED, Verdict.LEFT_UNCONFIRMED}:
        return {}
    where = f"{plan_of(facts) or 'no plan'}, {assignment.name}"
    found = {}
    if verdict is Verdict.NON_COMPLIANT:
        found[AlarmKind.NONCOMPLIANT] = Finding(f"violated: {where}", _violations(facts, assignment, now))
    guard = assignment.guard
    if guard.state in DIFFERENT:
        says = f"{guard.state}{_joined(guard.details)}{SINCE}{time_of(guard.since or now)}"
        found[AlarmKind.GUARD] = Finding(f"{guard.state.lower()}: {where}", says)
    if notices := "; ".join(_notices(facts, assignment, now)):
        found[AlarmKind.NOTICE] = Finding(f"noticed: {where}", notices, _latest_stage(facts, assignment, now))
    if undecided := _undecided(facts, assignment, now):
        found[AlarmKind.UNDECIDED] = undecided
    return found


def _undecided(facts: ApplicationFacts, assignment: AssignmentFacts, now: datetime) -> Finding | None:
    """Return that an assignment is not decided, or a check not read, for two days; None when it is."""
    verdict, unread = verdict_of(facts, assignment), assignment.unread
    where = f"{plan_of(facts) or 'no plan'}, {assignment.name}"
    if unread is not None:
        word, since, because = "not read", unread.since, ": ".join(filter(None, (unread.code, unread.message[:200])))
    elif verdict not in {Verdict.NOT_EVALUATED, Verdict.UNDECIDED}:
        return None
    else:
        word = "not evaluated" if verdict is Verdict.NOT_EVALUATED else "no longer decided"
        since, because = since_of(facts, assignment), ""
    if not is_expected(assignment, facts.managed_resource_group_id):
        return None
    lasting = is_current(facts) and now - since >= TOLD_AFTER  # being unread decides nothing
    if not lasting and AlarmKind.UNDECIDED not in assignment.alarms:
        return None
    return Finding(f"{word}: {where}", f"{word} since {time_of(since)}{f': {because}' if because else ''}")


def application_kinds(facts: ApplicationFacts, now: datetime) -> dict[AlarmKind, Finding]:
    """Return what there is to alarm about an application, by kind: that it is unread, or left unconfirmed."""
    departure, unread = facts.departure, facts.unread
    if departure is not None:
        says = f"{departure.outcome} since {time_of(departure.at)}: {departure.reason}"
        if departure.outcome is Outcome.VANISHED:
            return {AlarmKind.UNREAD: Finding("unread: Vanished", says)}
        is_unconfirmed = departure.outcome is Outcome.LEFT_UNCONFIRMED
        return {AlarmKind.LEFT: Finding(f"left: {departure.outcome}", says)} if is_unconfirmed else {}
    if unread is None:
        return {}
    at_once = unread.outcome in _TOLD_AT_ONCE and facts.last_read is not None
    lasting = unread.failures >= FAILURES_TOLD and now - unread.since >= UNREAD_TOLD_AFTER
    if not (at_once or lasting or AlarmKind.UNREAD in facts.alarms):
        return {}
    cause = ": ".join(part for part in (f"unread: {unread.outcome}", unread.code) if part)
    why = ": ".join(part for part in (unread.outcome, unread.code, unread.message[:200]) if part)
    return {AlarmKind.UNREAD: Finding(cause, f"{why}{SINCE}{time_of(unread.since)}")}


def alarm_key(facts: ApplicationFacts, assignment: AssignmentFacts | None, kind: AlarmKind) -> str:
    """Return the key of an alarm of its own: the folded ids and the kind."""
    key = fold(facts.application_id)
    if assignment is not None:
        key += f"#{relative_id(assignment.id, facts.managed_resource_group_id)}"
    return key if kind in {AlarmKind.NONCOMPLIANT, AlarmKind.UNREAD} else f"{key}#{kind}"


def _violations(facts: ApplicationFacts, assignment: AssignmentFacts, now: datetime) -> str:
    """Return number, first resources and since when, of what is not accepted as far as there is any."""
    told = replace(assignment, open=tuple(not_accepted(assignment, now)) or assignment.open)
    names = [resource.rpartition("/")[2] or "the group" for resource in resources_of(told)]
    resources = len({key.key.resource_id for key in told.open})
    more = f" and {resources - len(names)} more" if resources > len(names) else ""
    count = f"{'at least ' if told.overflow else ''}{len(told.open)}"
    word = "violation" if len(told.open) == 1 else "violations"
    accepted = len(assignment.open) - len(told.open)
    beside = f"; {accepted} more accepted" if accepted else ""
    held = held_of(facts, assignment)
    why = f"; held: {held.reason}" if held else ""
    return f"{count} {word}: {', '.join(names)}{more}{SINCE}{time_of(since_of(facts, told))}{why}{beside}"


def _notices(facts: ApplicationFacts, assignment: AssignmentFacts, now: datetime) -> Iterator[str]:
    yield from (one.says for one in told_of_exemptions(facts, assignment, now))
    since = facts.guard_unread_since
    uncompared = assignment.guard.state in {GuardState.UNREAD, GuardState.NOT_KNOWN} and not is_check(assignment.id)
    if since is not None and now - since >= TOLD_AFTER and uncompared:
        yield f"the assignment could not be compared with its baseline since {time_of(since)}"


def _latest_stage(facts: ApplicationFacts, assignment: AssignmentFacts, now: datetime) -> datetime | None:
    """Return when the last of an assignment's exemptions began to expire soon, or expired."""
    stages = [one.since for one in told_of_exemptions(facts, assignment, now)]
    return max((one for one in stages if one is not None), default=None)


def _joined(details: Iterable[str]) -> str:
    text = "; ".join(details)
    return f": {text[:300]}" if text else ""
