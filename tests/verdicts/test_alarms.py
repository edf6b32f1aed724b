"""What alarms say: each finding keeps the words of its opening, and what opens beside an accepted one has its own."""

from __future__ import annotations

from dataclasses import replace

from registry.managed_application import Removal
from tests.verdicts.judging.story import DAY, HOUR, START, Story, application, expected, read
from verdicts.alarms import AlarmBook
from verdicts.facts import Acceptance, AlarmKind, AssignmentFacts
from verdicts.outcome import Outcome


def alarmed(story: Story) -> AssignmentFacts:
    """The assignment, after the alarms of the run that the story told last were opened and closed."""
    assert story.facts is not None
    story.facts = AlarmBook(named_alarms=0, now=story.now).update(story.facts)
    return story.assignment()


def accepted(story: Story) -> Acceptance:
    """An operator accepts every violation, and how the assignment differs from its baseline, for ten days."""
    assert story.facts is not None
    word = Acceptance("Ada", "by contract", story.now, story.now + 10 * DAY)
    one = story.assignment()
    guard = replace(one.guard, accepted=one.guard.seen, acceptance=word)
    one = replace(one, open=tuple(replace(key, acceptance=word) for key in one.open), guard=guard)
    story.facts = replace(story.facts, assignments={**story.facts.assignments, one.id: one})
    return word


def test_an_alarm_keeps_its_words_while_its_finding_changes() -> None:
    story = Story().run(read(noncompliant=["disk"]))
    opened = alarmed(story).alarms[AlarmKind.NONCOMPLIANT]

    later = alarmed(story.run(read(noncompliant=["disk", "vault"]))).alarms[AlarmKind.NONCOMPLIANT]

    assert later == opened
    assert opened.says.startswith("1 violation: disk; since ")


def test_a_violation_beside_an_accepted_one_is_told_by_its_own_name_and_once() -> None:
    story = Story().run(read(noncompliant=["disk"]))
    key = alarmed(story).alarms[AlarmKind.NONCOMPLIANT].key
    accepted(story)

    told = alarmed(story.run(read(noncompliant=["disk", "vault"]))).alarms[AlarmKind.NONCOMPLIANT]
    again = alarmed(story.run(read(noncompliant=["disk", "vault", "web"]))).alarms[AlarmKind.NONCOMPLIANT]

    assert told == again
    assert told.key == key
    assert told.says.startswith("1 violation: vault; since ")
    assert told.says.endswith("; 1 more accepted")


def test_an_acceptance_that_ends_fires_the_alarm_as_it_was() -> None:
    story = Story().run(read(noncompliant=["disk"]))
    opened = alarmed(story).alarms[AlarmKind.NONCOMPLIANT]
    accepted(story)

    for _ in range(3):
        story.later(5 * DAY).run(read(noncompliant=["disk"]))
        assert alarmed(story).alarms[AlarmKind.NONCOMPLIANT] == opened


def test_a_difference_other_than_the_accepted_one_is_told_with_its_own_words_and_once() -> None:
    intact, weaker = expected(), expected(enforced=False)
    story = Story().run(read(noncompliant=["disk"]))
    for _ in range(2):
        story.application = application(assignments=(weaker,), assignments_read_at=story.now)
        story.later(HOUR).run(read(noncompliant=["disk"]))
    first = alarmed(story).alarms[AlarmKind.GUARD]
    accepted(story)
    story.run(read(noncompliant=["disk"]))
    assert alarmed(story).alarms[AlarmKind.GUARD] == first

    weakest = expected(enforced=False, not_scopes=("{group}/providers/microsoft.storage/storageaccounts/disk",))
    told = []
    for _ in range(3):
        story.application = application(assignments=(weakest,), assignments_read_at=story.now)
        told.append(alarmed(story.later(HOUR).run(read(noncompliant=["disk"]))).alarms[AlarmKind.GUARD])

    assert intact.posture != weaker.posture
    assert told[0] == told[1] == told[2]
    assert told[0].key == first.key
    assert told[0].says != first.says


def test_a_violation_of_a_read_that_broke_off_says_that_it_is_held() -> None:
    story = Story().run(read(compliant=["disk"]))

    told = alarmed(story.fails(Outcome.THROTTLED, read(noncompliant=["vault"]))).alarms[AlarmKind.NONCOMPLIANT]

    assert told.says.startswith("1 violation: vault; since ")
    assert told.says.endswith("; held: Unread")


def test_many_that_leave_unconfirmed_in_one_run_share_an_alarm() -> None:
    book = AlarmBook(named_alarms=0, now=START + HOUR)
    removal = Removal(START, confirmed=False, by="Azure", reason="")
    left = Story().run(read(compliant=["disk"])).is_missing(removal).known

    alarms = [book.update(left).alarms[AlarmKind.LEFT] for _ in range(30)]

    assert [alarm.cause for alarm in alarms] == [""] * 25 + ["left: LeftUnconfirmed"] * 5
