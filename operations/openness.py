"""What an operator's word does to the ledger: open violations and differences of an assignment are accepted for a time.

An acceptance closes nothing. The verdict stays as it is, and what opens later is not accepted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import fold
from verdicts.exempted import told_of_exemptions
from verdicts.facts import AssignmentGuard, GuardState

if TYPE_CHECKING:
    from datetime import datetime

    from registry.managed_application import Exemption
    from verdicts.exempted import Exempted
    from verdicts.facts import Acceptance, ApplicationFacts, AssignmentFacts, OpenKey

DIFFERENCES: Final = frozenset({GuardState.WITHDRAWN, GuardState.WEAKENED, GuardState.CHANGED})


@dataclass(frozen=True, slots=True)
class Openness:
    """What is open about an assignment: violations, a difference from its baseline, and exemptions."""

    assignment: AssignmentFacts
    told: tuple[Exempted, ...]
    """What there is to tell of exemptions."""

    @property
    def exemptions(self) -> tuple[Exemption, ...]:
        """The exemptions of which there is something to tell."""
        return tuple(one.exemption for one in self.told)

    @property
    def keys(self) -> tuple[OpenKey, ...]:
        """The violations."""
        return self.assignment.open

    @property
    def difference(self) -> GuardState | None:
        """How the assignment differs from its baseline."""
        state = self.assignment.guard.state
        return state if state in DIFFERENCES else None

    def __bool__(self) -> bool:
        return bool(self.keys or self.assignment.overflow or self.difference or self.exemptions)

    def __str__(self) -> str:
        more = " or more" if self.assignment.overflow else ""
        parts = [f"{len(self.keys)}{more} violations"] if self.keys else []
        parts += [str(self.difference).lower()] if self.difference else []
        parts += [f"{len(self.exemptions)} exemptions"] if self.exemptions else []
        return ", ".join(parts) or "nothing"


def open_about(facts: ApplicationFacts, assignment: AssignmentFacts, now: datetime) -> Openness:
    """Return what is open about an assignment; nothing when it is judged no more."""
    if assignment.ending is not None:
        return Openness(replace(assignment, open=(), overflow=False, guard=AssignmentGuard()), ())
    return Openness(assignment, tuple(told_of_exemptions(facts, assignment, now)))


def named(facts: ApplicationFacts, name: str) -> list[AssignmentFacts]:
    """Return the assignments that a name or an id means: the id, else the assignment's name, else its display name."""
    wanted = fold(name)
    for attribute in ("id", "name", "display_name"):
        found = [one for one in facts.assignments.values() if fold(getattr(one, attribute)) == wanted]
        if found:
            return found
    return []


def accept(facts: ApplicationFacts, opened: Openness, acceptance: Acceptance) -> ApplicationFacts:
    """Return the facts with everything accepted that is open about an assignment."""
    assignment, now = opened.assignment, acceptance.accepted_at
    accepted = replace(
        assignment,
        open=tuple(replace(one, acceptance=acceptance) for one in opened.keys),
        guard=_accepted(assignment.guard, acceptance) if opened.difference else assignment.guard,
        changed_at=now,
    )
    # What is accepted of an exemption shortly before its end is the exemption, too, if it should be given another end.
    known = (*facts.known_exemptions, *(token for one in opened.told for token in (one.token, one.exemption.id)))
    return replace(
        facts,
        assignments={**facts.assignments, assignment.id: accepted},
        known_exemptions=tuple(sorted(set(known))),
        changed_at=now,
    )


def _accepted(guard: AssignmentGuard, acceptance: Acceptance) -> AssignmentGuard:
    withdrawn = guard.state is GuardState.WITHDRAWN
    return replace(
        guard, acceptance=acceptance, accepted_withdrawal=withdrawn, accepted=None if withdrawn else guard.seen
    )
