"""An application whose violations one of the publisher's own checks found, run by run."""

from __future__ import annotations

from typing import Any

from tests.verdicts.judging.story import GROUP, HOUR, START, Story, read, resource
from verdicts.evidence import AssignmentEvidence, CheckEvidence, CheckFailure
from verdicts.facts import AssignmentFacts, StateKey
from verdicts.outcome import Outcome
from verdicts.publisher_checks.ids import check_id

NAME = "nsg-without-deny-all"
OTHER = "route-past-firewall"
DENIED = CheckFailure(Outcome.ACCESS_DENIED, "AuthorizationFailed", "may not list")


def key_of(name: str, check: str = NAME) -> StateKey:
    return StateKey("", f"publisher-check/{check}", resource(name))


def checked(
    check: str = NAME,
    *,
    noncompliant: tuple[str, ...] = (),
    compliant: tuple[str, ...] = (),
    unknown: tuple[str, ...] = (),
    story: Story | None = None,
    failure: CheckFailure | None = None,
) -> dict[str, CheckEvidence]:
    moment = story.now + HOUR if story else START + HOUR
    found = AssignmentEvidence(
        check_id(str(GROUP), check),
        f"publisher-check/{check}",
        "Publisher check: something",
        f"publisher-check/{check}",
        noncompliant=dict.fromkeys((key_of(one, check) for one in noncompliant), None),
        compliant=dict.fromkeys((key_of(one, check) for one in compliant), moment),
        other={key_of(one, check) for one in unknown},
        compliant_states=len(compliant),
        undecided_states=len(unknown),
    )
    return {found.id: CheckEvidence(found, failure)}


def run(story: Story, *checks: dict[str, CheckEvidence], known: bool = True, **fields: Any) -> Story:
    """A run that read Azure's states, which are well, and these checks."""
    every = {key: one for check in checks for key, one in check.items()}
    found = [] if fields.get("complete") is False else [read(compliant=["disk"])]
    return story.run(*found, checks=every, checks_are_known=known, **fields)


def of(story: Story, check: str = NAME) -> AssignmentFacts:
    return story.known.assignments[check_id(str(GROUP), check)]


def open_in(story: Story, check: str = NAME) -> set[str]:
    return {key.key.resource_id.rpartition("/")[2] for key in of(story, check).open}


def violated(*names: str) -> Story:
    return run(Story(), checked(noncompliant=names or ("nsg",)))
