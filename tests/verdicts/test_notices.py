"""Exemptions are told one by one: each new one, when it expires soon, and when it has expired."""

from __future__ import annotations

from datetime import datetime, timedelta

from publisher.resource_ids import fold
from registry.managed_application import Exemption
from tests.verdicts.judging.story import DAY, HOUR, Story, assignment_id, expected, read, violated
from verdicts.alarms import AlarmBook
from verdicts.facts import Alarm, AlarmKind


def exemption(name: str, *, expires_at: datetime | None = None) -> Exemption:
    by = f"{name}@contoso.example"
    return Exemption(f"/exemptions/{name}", fold(assignment_id("baseline")), (), "Waiver", expires_at, by, name)


def notice(story: Story, *exemptions: Exemption, after: timedelta = HOUR) -> Alarm | None:
    """What is told once a run has read these exemptions, some time after the last one."""
    story.later(after - HOUR)
    story.run(read(noncompliant=["disk"]), guard=story.reading(expected(), exemptions=exemptions))
    story.facts = AlarmBook(named_alarms=0, now=story.now).update(story.known)
    return story.assignment().alarms.get(AlarmKind.NOTICE)


def test_a_second_exemption_is_told_while_the_first_one_is() -> None:
    story = violated()
    first = notice(story, exemption("ann"))
    assert first == notice(story, exemption("ann")), "nothing new is no news"
    second = notice(story, exemption("ann"), exemption("bob"))
    assert second
    assert "bob@contoso.example" in second.says
    assert second == notice(story, exemption("bob")), "words are those of the moment at which it was told"


def test_an_exemption_is_told_again_when_it_expires_soon_and_when_it_has_expired() -> None:
    story = violated()
    ends = story.now + 30 * DAY
    told = [notice(story, exemption("ann", expires_at=ends), after=12 * HOUR) for _ in range(70)]
    words = list(dict.fromkeys(alarm.says for alarm in told if alarm))
    assert len(words) == 3
    assert ["until" in words[0], "expires on" in words[1], "has expired" in words[2]] == [True] * 3
    assert all(told)
    assert len({alarm.opened_at for alarm in told if alarm}) == 3
