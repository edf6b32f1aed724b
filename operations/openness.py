"""What an operator's word does to the ledger: open violations and differences of an assignment are accepted for a time.

An acceptance closes nothing. The verdict stays as it is, and what opens later is not accepted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import fold
from verdicts.exempted import told_of_exemptions
from verdicts.facts import GuardState
from verdicts.guard.comparison import stands_as

if TYPE_CHECKING:
    from datetime import datetime

    from registry.managed_application import Exemption
    from verdicts.exempted import Exempted
    from verdicts.facts import Acceptance, ApplicationFacts, AssignmentFacts, AssignmentGuard, OpenKey

DIFFERENCES: Final = frozenset({GuardState.WITHDRAWN, GuardState.WEAKENED, GuardState.CHANGED})


@dataclass(frozen=True, slots=True)
class Openness:
    """What is open about an assignment: violations, a difference from its baseline, and exemptions."""

    assignment: AssignmentFacts
    keys: tuple[OpenKey, ...] = ()
    difference: GuardState | None = None
    told: tuple[Exempted, ...] = ()
    """What there is to tell of exemptions."""
    overflows: bool = False
    """There are more violations than the ledger remembers one by one."""

    @property
    def exemptions(self) -> tuple[Exemption, ...]:
        """The exemptions of which there is something to tell."""
        return tuple(one.exemption for one in self.told)

    def __bool__(self) -> bool:
        return bool(self.keys or self.overflows or self.difference or self.exemptions)

    def of_those(self, shown: Openness) -> Openness:
        """Return what is still open of what somebody was shown; what opened since was not decided about."""
        keys = {(one.key, one.opened_at) for one in shown.keys}
        told = {one.token for one in shown.told}
        is_same = self.difference is shown.difference and (
            self.difference is GuardState.WITHDRAWN
            or stands_as(shown.assignment.guard.seen, self.assignment.guard.seen)
        )
        return replace(
            self,
            keys=tuple(one for one in self.keys if (one.key, one.opened_at) in keys),
            difference=self.difference if is_same else None,
            told=tuple(one for one in self.told if one.token in told),
            overflows=self.overflows and shown.overflows,
        )

    def __str__(self) -> str:
        more = " or more" if self.overflows else ""
        parts = [f"{len(self.keys)}{more} violations"] if self.keys else []
        parts += [str(self.difference).lower()] if self.difference else []
        parts += [f"{len(self.exemptions)} exemptions"] if self.exemptions else []
        return ", ".join(parts) or "nothing"


def open_about(facts: ApplicationFacts, assignment: AssignmentFacts, now: datetime) -> Openness:
    """Return what is open about an assignment; nothing when it is judged no more."""
    if assignment.ending is not None:
        return Openness(assignment)
    state = assignment.guard.state
    difference = state if state in DIFFERENCES else None
    told = tuple(told_of_exemptions(facts, assignment, now))
    return Openness(assignment, assignment.open, difference, told, assignment.overflow)


def named(facts: ApplicationFacts, name: str) -> list[AssignmentFacts]:
    """Return the assignments that a name or an id means: the id, else the assignment's name, else its display name."""
    wanted = fold(name)
    for attribute in ("id", "name", "display_name"):
        found = [one for one in facts.assignments.values() if fold(getattr(one, attribute)) == wanted]
        if found:
            return found
    return []


def accept(facts: ApplicationFacts, opened: Openness, acceptance: Acceptance) -> ApplicationFacts:
    """Return the facts with what is open about an assignment accepted."""
    assignment, now = opened.assignment, acceptance.accepted_at
    keys = set(opened.keys)
    accepted = replace(
        assignment,
        open=tuple(replace(one, acceptance=acceptance) if one in keys else one for one in assignment.open),
        guard=_accepted(assignment.guard, acceptance) if opened.difference else assignment.guard,
        changed_at=now,
    )
    # What is accepted of an exemption shortly before its end is the exemption, too, if it should be given another end.
    tokens = {token for one in opened.told for token in (one.token, one.exemption.id)}
    existing = {one.id for one in facts.exemptions}
    kept = {token: one for token, one in facts.accepted_exemptions.items() if token.partition("#")[0] in existing}
    return replace(
        facts,
        assignments={**facts.assignments, assignment.id: accepted},
        known_exemptions=tuple(sorted({*facts.known_exemptions, *tokens})),
        accepted_exemptions={**kept, **dict.fromkeys(sorted(tokens), acceptance)},
        changed_at=now,
    )


def _accepted(guard: AssignmentGuard, acceptance: Acceptance) -> AssignmentGuard:
    withdrawn = guard.state is GuardState.WITHDRAWN
    return replace(
        guard, acceptance=acceptance, accepted_withdrawal=withdrawn, accepted=None if withdrawn else guard.seen
    )
