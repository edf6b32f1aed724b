"""A check that could not be read is no news, whatever became of other checks and of Azure's states."""

from __future__ import annotations

from typing import Any

from tests.verdicts.judging.checked import DENIED, OTHER, checked, of, open_in, run, violated
from tests.verdicts.judging.story import DAY, HOUR, Story
from verdicts.derive import TOLD_AFTER, Verdict, held_of, is_verdict_current, open_kinds, verdict_of
from verdicts.evidence import CheckFailure
from verdicts.facts import AlarmKind, HeldReason
from verdicts.outcome import Outcome


def test_a_check_that_could_not_be_read_is_no_news() -> None:
    story = violated().complete_run_was()
    run(story, checked(failure=DENIED))
    assert open_in(story) == {"nsg"}
    held = held_of(story.known, of(story))
    assert held is not None
    assert (held.reason, held.since) == (HeldReason.UNREAD, story.now)
    assert not is_verdict_current(story.known, of(story))
    assert story.known.unread is None
    run(story, checked(compliant=("nsg",), story=story))
    assert (open_in(story), of(story).unread) == (set(), None)


def test_a_check_that_was_well_and_cannot_be_read_is_well_as_of_then() -> None:
    story = run(Story(), checked(compliant=("nsg",)))
    read_at = story.now
    story.later(3 * HOUR).complete_run_was()
    run(story, checked(failure=DENIED))
    assert verdict_of(story.known, of(story)) is Verdict.COMPLIANT
    assert not is_verdict_current(story.known, of(story))
    assert of(story).last_read == read_at + 3 * HOUR  # of the latest run, which found nothing new
    first = story.known
    run(story, checked(failure=DENIED))
    assert story.known.assignments == first.assignments  # nothing to write


def test_a_check_that_was_never_read_is_not_evaluated() -> None:
    story = run(Story(), checked(failure=DENIED))
    assert verdict_of(story.known, of(story)) is Verdict.NOT_EVALUATED
    assert of(story).display_name == "Publisher check: something"


def test_two_days_without_reading_or_deciding_are_told() -> None:
    unread = run(Story(), checked(compliant=("nsg",)))
    run(unread, checked(failure=DENIED))
    since = f"{unread.now:%Y-%m-%d %H:%M}"
    undecided = run(Story(), checked(unknown=("nsg",)))
    for story, check, says in (
        (unread, checked(failure=DENIED), f"not read since {since} UTC: AuthorizationFailed: may not list"),
        (undecided, checked(unknown=("nsg",)), f"not evaluated since {undecided.now:%Y-%m-%d %H:%M} UTC"),
    ):
        assert AlarmKind.UNDECIDED not in open_kinds(story.known, of(story), story.now)
        story.later(TOLD_AFTER)
        run(story, check)
        assert open_kinds(story.known, of(story), story.now)[AlarmKind.UNDECIDED].says == says


def test_an_application_that_cannot_be_read_at_all_is_told_as_such_and_not_twice() -> None:
    story = run(Story(), checked(compliant=("nsg",)))
    for _ in range(3):
        story.later(DAY)
        run(story, checked(failure=DENIED), complete=False, outcome=Outcome.ACCESS_DENIED, guard=None, states=None)
    assert AlarmKind.UNDECIDED not in open_kinds(story.known, of(story), story.now)


def test_checks_are_judged_whatever_became_of_azures_states() -> None:
    failed: dict[str, Any] = {"complete": False, "outcome": Outcome.BLOCKED, "guard": None, "states": None}
    story = run(Story(), checked(noncompliant=("nsg",)), **failed)
    assert open_in(story) == {"nsg"}
    assert held_of(story.known, of(story)) is None
    assert is_verdict_current(story.known, of(story))
    run(story, checked(compliant=("nsg",), story=story), **failed)
    assert open_in(story) == set()
    assert story.known.unread is not None


def test_a_read_that_a_person_or_a_probe_asked_for_and_that_broke_off_may_open_and_not_close() -> None:
    broken: dict[str, Any] = {
        "complete": False, "outcome": Outcome.FAILED, "guard": None, "states": None, "partial_run": True
    }  # fmt: skip
    story = violated()
    run(story, checked(noncompliant=("new",), compliant=("nsg",), story=story), **broken)
    assert open_in(story) == {"nsg", "new"}
    run(story, checked(failure=DENIED), **broken)
    assert of(story).unread is None
    run(story, checked(compliant=("nsg", "new"), story=story), partial_run=True)
    assert open_in(story) == set()


def test_one_check_that_cannot_be_read_concerns_no_other() -> None:
    story = run(Story(), checked(noncompliant=("nsg",)), checked(OTHER, noncompliant=("table",)))
    run(story, checked(compliant=("nsg",), story=story), checked(OTHER, failure=DENIED))
    assert open_in(story) == set()
    assert open_in(story, OTHER) == {"table"}


def test_settings_that_cannot_be_read_end_nothing() -> None:
    story = violated()
    run(story, known=False)
    assert open_in(story) == {"nsg"}
    failure = CheckFailure(Outcome.FAILED, "SettingsUnreadable", "the plan's settings cannot be read")
    run(story, checked(failure=failure), known=False)
    assert held_of(story.known, of(story)).reason is HeldReason.UNREAD  # type: ignore[union-attr]
