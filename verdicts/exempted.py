"""What there is to tell of exemptions: that one is new, that it expires soon, and that it has expired."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from registry.managed_application import Exemption
    from verdicts.facts import Acceptance, ApplicationFacts, AssignmentFacts

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
    """Return what there is to tell of an assignment's exemptions, without what is known or accepted."""
    stages = (stage_of(one, now) for one in exemptions_of(facts, assignment))
    return [one for one in stages if not is_known(facts, one.token, now)]


def is_known(facts: ApplicationFacts, token: str, now: datetime) -> bool:
    """Tell whether what there is to tell of an exemption was there from the first view, or is accepted at the time.

    `token` is that of an Exempted, or the id of the exemption: that it is there.
    """
    acceptance = facts.accepted_exemptions.get(token)
    return token in facts.known_exemptions and (acceptance is None or acceptance.until > now)


def exemption_accepted(facts: ApplicationFacts, exemption: Exemption, now: datetime) -> Acceptance | None:
    """Return by whom what there is to tell of an exemption is accepted at the time; None where nobody accepted it."""
    token = stage_of(exemption, now).token
    return facts.accepted_exemptions.get(token) if is_known(facts, token, now) else None


def told_again_at(facts: ApplicationFacts, exemption: Exemption, now: datetime) -> datetime | None:
    """Return when an alarm tells of a known exemption again: with its next stage, or the end of the acceptance."""
    ends, acceptance = exemption.expires_at, exemption_accepted(facts, exemption, now)
    moments = [ends - EXPIRES_SOON, ends] if ends else []
    moments += [acceptance.until] if acceptance else []
    return min((moment for moment in moments if moment > now), default=None)


def name_of(exemption: Exemption) -> str:
    """Return what people call an exemption."""
    return exemption.display_name or exemption.id.rpartition("/")[2]


def stage_of(exemption: Exemption, now: datetime) -> Exempted:
    """Return what there is to tell of an exemption: that it is there, that it expires soon, or that it has expired."""
    name, ends = name_of(exemption), exemption.expires_at
    by = f" by {exemption.created_by}" if exemption.created_by else ""
    if ends is not None and ends <= now:
        says = f"exemption {name}{by} has expired on {time_of(ends)}"
        return Exempted(exemption, f"{exemption.id}#expired {ends.isoformat()}", says, ends)
    if ends is not None and ends - now <= EXPIRES_SOON:
        says = f"exemption {name}{by} expires on {time_of(ends)}"
        return Exempted(exemption, f"{exemption.id}#expires {ends.isoformat()}", says, ends - EXPIRES_SOON)
    until = f" until {time_of(ends)}" if ends else " without an end"
    says = f"exempted{by}, {exemption.category or 'no category'}{until}: {name}"
    return Exempted(exemption, exemption.id, says)


def time_of(moment: datetime) -> str:
    """Return a time as the words of alarms have it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
