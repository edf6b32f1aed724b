"""What counts as an evaluation: times of Azure's states, compared with each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from operations.acting.states import SeenState
from operations.acting.watch import Watch
from verdicts.facts import StateKey

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def state(name: str, minutes: int | None, compliance: str = "noncompliant") -> SeenState:
    at = None if minutes is None else NOON + timedelta(minutes=minutes)
    return SeenState("/a", StateKey("", "/d", name), compliance, at, "modify", "", name, "T/t")


def watch(*before: SeenState, repaired: tuple[SeenState, ...] = ()) -> Watch:
    return Watch.over(before, [one.watched for one in before], repaired)


def test_each_state_that_is_watched_has_to_be_later() -> None:
    seen = watch(state("a", 0), state("b", 0))
    assert (seen.needed, seen.later([state("a", 0), state("b", 0)])) == (2, 0)
    assert seen.later([state("a", 1), state("b", 0), state("c", 9)]) == 1
    assert seen.later([state("a", 1), state("b", 1)]) == 2


def test_a_state_without_a_time_and_one_that_is_missing_are_not_later() -> None:
    assert watch(state("a", 0), state("b", 0)).later([state("a", None)]) == 0
    assert watch(state("a", 0), state("b", 0)).later([state("a", 0)]) == 0
    assert watch(state("a", None)).later([state("a", None)]) == 0
    assert watch(state("a", None)).later([state("a", 1)]) == 1


def test_the_future_of_another_state_holds_nothing_up() -> None:
    assert watch(state("a", 0)).later([state("a", 1), state("b", 9000)]) == 1


def test_a_key_without_a_state_is_not_waited_for_and_without_keys_one_later_state_is_enough() -> None:
    seen = Watch.over([state("a", 0), state("b", 0)], [("/a", StateKey("", "/d", "gone"))])
    assert (seen.needed, seen.later([state("a", 0), state("b", 1)])) == (1, 1)
    assert seen.later([state("a", 0), state("b", 0)]) == 0


def test_what_was_found_compliant_after_the_repair_needs_no_further_evaluation() -> None:
    after = watch(state("a", 5, "compliant"), state("b", 5), repaired=(state("a", 0), state("b", 0)))
    assert after.later([state("a", 5, "compliant"), state("b", 5)]) == 1
    assert after.later([state("a", 5, "compliant"), state("b", 6)]) == 2


def test_a_state_that_vanished_is_not_waited_for_once_others_are_later() -> None:
    assert watch(state("a", 0), state("b", 0)).later([state("a", 1)]) == 2


def test_of_several_states_under_one_key_the_latest_counts() -> None:
    assert watch(state("a", 0), state("a", 5)).later([state("a", 4)]) == 0
