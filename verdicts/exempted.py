"""What there is to tell of exemptions: that one is new, that it expires soon, and that it has expired."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from registry.managed_application import Exemption
    from verdicts.facts import ApplicationFacts, AssignmentFacts

EXPIRES_SOON: Final = timedelta(days=15)


class Exempted(NamedTuple):
    """One thing to tell of an exemption: what `known_exemptions` has once it is accepted, words, and since when.

    `since` is None for a new exemption, of which the judge takes note when it is read.
    """

    exemption: Exemption
    token: str
    says: str
    since: datetime | None = None


def exemptions_of(facts: ApplicationFacts, assignment: AssignmentFacts) -> list[Exemption]:
    """Return the exemptions of an assignment, the one that expires first first; those that never expire last."""
    own = [one for one in facts.exemptions if one.assignment_id == assignment.id]
    return sorted(
        own, key=lambda one: (one.expires_at is None, one.expires_at.timestamp() if one.expires_at else 0, one.id)
    )


def told_of_exemptions(facts: ApplicationFacts, assignment: AssignmentFacts, now: datetime) -> list[Exempted]:
    """Return what there is to tell of an assignment's exemptions, without what is accepted."""
    known = frozenset(facts.known_exemptions)
    return [one for one in _all(facts, assignment, now) if one.token not in known]


def _all(facts: ApplicationFacts, assignment: AssignmentFacts, now: datetime) -> Iterator[Exempted]:
    for one in exemptions_of(facts, assignment):
        name = one.display_name or one.id.rpartition("/")[2]
        by = f" by {one.created_by}" if one.created_by else ""
        ends = one.expires_at
        if ends is not None and ends <= now:
            yield Exempted(
                one,
                f"{one.id}#expired {ends.isoformat()}",
                f"exemption {name}{by} has expired on {time_of(ends)}",
                ends,
            )
        elif ends is not None and ends - now <= EXPIRES_SOON:
            says = f"exemption {name}{by} expires on {time_of(ends)}"
            yield Exempted(one, f"{one.id}#expires {ends.isoformat()}", says, ends - EXPIRES_SOON)
        else:
            until = f" until {time_of(ends)}" if ends else " without an end"
            yield Exempted(one, one.id, f"exempted{by}, {one.category or 'no category'}{until}: {name}")


def time_of(moment: datetime) -> str:
    """Return a time as the words of alarms have it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
