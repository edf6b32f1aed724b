"""No more rows of an application than the ceiling: which go first, what is told of the rest, and what is judged."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.reading.answers import START, Read, judged, read, registered, state
from tests.verdicts.judging.story import HOUR
from verdicts.facts import StatesUpload

if TYPE_CHECKING:
    from verdicts.facts import ApplicationFacts

WORST_FIRST = ("NonCompliant", "Error", "Unknown", "Compliant", "Exempt")
RANKS = {"NonCompliant": 0, "Error": 1, "Unknown": 1, "Compliant": 2, "Exempt": 2}


def upload_of(found: Read) -> StatesUpload:
    assert found.evidence.states is not None
    return found.evidence.states


def said_by(found: Read) -> list[str]:
    return [row["Compliance_state"] for row in found.rows]


def states_that_say(*said: str) -> list[dict[str, Any]]:
    return [state(one=f"{number:04}", said=one) for number, one in enumerate(said)]


def unchanged(*, rows: int = 1) -> ApplicationFacts:
    """What the ledger remembers of an application, an hour before a read at which its states are not due."""
    facts = judged(None, read([state()]))
    return replace(facts, states=StatesUpload("before", START - HOUR, rows, "another fingerprint"))


WHOLE = registered(assignments=registered().assignments[:1])
"""An application all of whose assignments have states: it is known of its last page that no other can follow."""

KINDS: dict[str, dict[str, Any]] = {
    "due": {"of": WHOLE},
    "due, and looked at twice": {},
    "not due": {"of": WHOLE, "before": unchanged()},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pages", [1, 2, 7])
@pytest.mark.parametrize("most", [1, 3, 5, 9, 10, 11])
def test_violations_go_first_then_what_could_not_be_decided_whatever_page_they_are_on(
    kind: str, pages: int, most: int
) -> None:
    said = ["Compliant", "Compliant", "Exempt", "Error", "Compliant", "NonCompliant", "Unknown", "Compliant"]
    found = read(states_that_say(*said, "NonCompliant", "Compliant"), pages=pages, most_rows=most, **KINDS[kind])
    ranks = [0, 0, 1, 1, 2, 2, 2, 2, 2, 2]
    assert sorted(RANKS[one] for one in said_by(found)) == ranks[:most]
    upload = upload_of(found)
    assert (upload.rows, upload.withheld) == (len(found.rows), max(0, 10 - most))
    assert (found.result.states, found.result.noncompliant_states) == (10, 2)


@given(
    st.lists(st.sampled_from(WORST_FIRST), max_size=30),
    st.integers(1, 31),
    st.integers(1, 5),
    st.sampled_from(sorted(KINDS)),
)
def test_whatever_comes_the_best_rows_are_uploaded_and_every_other_one_is_counted(
    said: list[str], most: int, pages: int, kind: str
) -> None:
    found = read(states_that_say(*said), pages=pages, most_rows=most, **KINDS[kind])
    ranks = sorted(RANKS[one] for one in said)
    assert sorted(RANKS[one] for one in said_by(found)) == ranks[:most]
    assert len({row["Resource_id"] for row in found.rows}) == len(found.rows)
    if said:
        upload = upload_of(found)
        assert (upload.rows, upload.withheld) == (len(found.rows), len(said) - len(found.rows))


def test_the_verdict_is_judged_from_all_states_and_not_from_those_that_are_uploaded() -> None:
    found = read(states_that_say(*["NonCompliant"] * 7, *["Compliant"] * 4), most_rows=3)
    (baseline,) = [one for one in judged(None, found).assignments.values() if one.name == "baseline"]
    assert (len(baseline.open), baseline.counts.noncompliant, baseline.counts.compliant) == (7, 7, 4)
    assert not baseline.overflow


def test_what_is_withheld_is_uploaded_when_the_ceiling_is_raised_and_nothing_is_while_it_stays() -> None:
    states = states_that_say(*["NonCompliant"] * 5)
    first = judged(None, read(states, most_rows=3))
    again = read(states, first, at=START + HOUR, pages=2, most_rows=3)
    assert (again.rows, replace(upload_of(again), answer=None)) == (
        [],
        replace(upload_of(read(states, most_rows=3)), answer=None),
    )
    raised = read(states, first, at=START + HOUR, most_rows=4)
    assert (len(raised.rows), upload_of(raised).withheld) == (4, 1)
    enough = read(states, first, at=START + HOUR, most_rows=5)
    assert (len(enough.rows), upload_of(enough).withheld) == (5, 0)


def test_a_ceiling_that_nobody_reaches_is_no_reason_to_upload_anything() -> None:
    states = states_that_say("NonCompliant", "Compliant")
    first = judged(None, read(states, most_rows=10))
    for most in (2, 10, 1000):
        again = read(states, first, at=START + HOUR, pages=2, most_rows=most)
        assert (again.rows, upload_of(again).rows, upload_of(again).withheld) == ([], 2, 0)


def test_an_answer_that_is_known_says_what_was_withheld_of_it_and_is_parsed_under_another_ceiling() -> None:
    states = states_that_say(*["NonCompliant"] * 3, "Compliant")
    first = judged(None, read(states, of=WHOLE, most_rows=2), WHOLE)
    again = read(states, first, at=START + HOUR, of=WHOLE, most_rows=2)
    assert (again.parsed, again.rows, upload_of(again).withheld) == (0, [], 2)
    raised = read(states, first, at=START + HOUR, of=WHOLE, most_rows=3)
    assert (raised.parsed > 0, len(raised.rows), upload_of(raised).withheld) == (True, 3, 1)


def test_counted_rows_of_compliant_resources_come_after_violations_too() -> None:
    states = states_that_say("Compliant", "NonCompliant", "Compliant", "NonCompliant")
    found = read(states, most_rows=2, compliant_states="summarised")
    assert said_by(found) == ["NonCompliant"] * 2
    assert upload_of(found).withheld == 1
    found = read(states, most_rows=3, compliant_states="summarised")
    assert sorted(said_by(found)) == ["Compliant", "NonCompliant", "NonCompliant"]


def test_a_read_that_needs_a_second_look_keeps_room_for_the_violations_that_only_that_finds() -> None:
    hidden = [state("second", f"hidden{number}", said="NonCompliant") for number in range(3)]
    states = [*states_that_say(*["Compliant"] * 6), *hidden]
    found = read(states, most_rows=4, hides=hidden)
    assert sorted(map(RANKS.__getitem__, said_by(found))) == [0, 0, 0, 2]


def test_the_same_rows_are_chosen_every_time() -> None:
    states = states_that_say(*itertools.repeat("NonCompliant", 9))
    chosen = [{row["Resource_id"] for row in read(states, pages=3, most_rows=4).rows} for _ in range(3)]
    assert chosen[0] == chosen[1] == chosen[2]
