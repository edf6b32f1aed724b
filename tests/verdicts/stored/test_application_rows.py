"""Facts to properties and back: exactly, and as much of them as fits."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from tests.verdicts.remembered import NOW, applications, assignment, open_key, remembered
from tests.verdicts.stored.documents import EXPECTED, FULL, document_of, of_document
from verdicts.facts import (
    MOST_OPEN_KEYS,
    ApplicationFacts,
    AssignmentGuard,
    Departure,
    GoneKey,
    OpenKey,
    StateKey,
    StatesUpload,
)
from verdicts.outcome import Outcome
from verdicts.stored.application_rows import (
    LONGEST_COLUMN,
    UnstorableFacts,
    facts_of,
    properties_of,
)


def hard_to_compress(count: int, length: int, start: int = 0) -> tuple[OpenKey, ...]:
    names = (hashlib.shake_256(str(start + number).encode()).hexdigest(length // 2) for number in range(count))
    return tuple(OpenKey(StateKey("reference", "/definition", f"/group/{name}"), NOW, NOW) for name in names)


def test_a_row_of_a_version_that_made_no_fingerprints_is_read_and_its_states_count_as_changed() -> None:
    document = document_of(FULL)
    del document["fingerprint"]
    del document["answer"]
    assert facts_of(of_document(document)).states == StatesUpload("run", NOW, 7, "", withheld=5)


def test_a_row_of_a_version_without_checks_of_the_publisher_is_read() -> None:
    document = document_of(FULL)
    del document["check_states"]
    for one in document["assignments"]:
        del one["unread"], one["read"]
    read = facts_of(of_document(document))
    assert read.check_states is None
    assert all(one.unread is None and one.last_read is None for one in read.assignments.values())


def test_a_row_of_a_version_without_a_ceiling_is_read_and_nothing_was_withheld_of_it() -> None:
    document = document_of(FULL)
    del document["withheld"], document["check_withheld"]
    read = facts_of(of_document(document))
    assert read.states is not None
    assert read.check_states is not None
    assert read.states.withheld == read.check_states.withheld == 0


def test_a_row_of_a_version_that_remembered_no_answer_is_read_and_the_next_answer_is_parsed() -> None:
    document = document_of(FULL)
    del document["answer"]
    assert facts_of(of_document(document)).states == StatesUpload("run", NOW, 7, "fingerprint", withheld=5)


def test_what_a_later_version_adds_to_a_row_is_no_obstacle() -> None:
    assert facts_of(of_document(document_of(FULL) | {"added": ["later"]})) == FULL


def test_a_row_of_a_version_without_a_probe_is_read() -> None:
    document = document_of(FULL)
    del document["probed"]
    assert facts_of(of_document(document)) == replace(FULL, probed="")


def test_a_row_of_a_version_that_remembered_no_plan_versions_is_read_and_nobody_knows_in_which_one_anything_opened() -> (
    None
):
    document = document_of(FULL)
    del document["versions"]
    for one in document["assignments"]:
        del one["overflowing"]
    assert facts_of(of_document(document)) == replace(FULL, versions=())


def test_a_row_of_a_version_that_did_not_remember_who_accepted_an_exemption_is_read() -> None:
    document = document_of(FULL)
    del document["accepted_exemptions"]
    assert facts_of(of_document(document)) == replace(FULL, accepted_exemptions={})


@given(applications)
@settings(max_examples=150)
def test_whatever_is_remembered_is_read_again(facts: ApplicationFacts) -> None:
    read = facts_of(properties_of(facts))
    assert read == facts
    assert repr(read) == repr(facts)  # also what is not compared, as when an assignment was changed


def test_twenty_thousand_keys_of_names_by_people_and_machines_fit() -> None:
    facts = remembered(assignment(open=hard_to_compress(MOST_OPEN_KEYS, 60)))
    properties = properties_of(facts)
    assert all(len(value) <= LONGEST_COLUMN for value in properties.values() if isinstance(value, bytes))
    assert facts_of(properties) == facts


def test_keys_that_do_not_fit_are_cut_to_an_overflow_mark() -> None:
    facts = remembered(assignment("small", "one"), assignment("large", open=hard_to_compress(MOST_OPEN_KEYS, 400)))
    small, large = facts_of(properties_of(facts)).assignments.values()
    assert small == assignment("small", "one")
    assert large.overflow
    assert 1000 < len(large.open) < MOST_OPEN_KEYS
    assert large.open == hard_to_compress(len(large.open), 400)


def test_an_application_has_twenty_thousand_keys_whatever_its_assignments() -> None:
    facts = remembered(
        assignment("small", open=hard_to_compress(50, 20)),
        *(assignment(f"large{n}", open=hard_to_compress(MOST_OPEN_KEYS, 20, n * MOST_OPEN_KEYS)) for n in range(3)),
    )
    kept = {one.name: (len(one.open), one.overflow) for one in facts_of(properties_of(facts)).assignments.values()}
    assert kept == {"small": (50, False), "large0": (6650, True), "large1": (6650, True), "large2": (6650, True)}


def test_what_is_gone_the_longest_is_forgotten_first() -> None:
    gone = tuple(GoneKey(one.key, NOW, NOW) for one in hard_to_compress(MOST_OPEN_KEYS, 400))
    (one,) = facts_of(properties_of(remembered(assignment("a", "open", gone=gone)))).assignments.values()
    assert not one.overflow
    assert one.open == assignment("a", "open").open
    assert one.gone == gone[-len(one.gone) :]
    assert len(one.gone) > 1000


def test_what_does_not_fit_without_any_key_is_an_error_that_ends() -> None:
    endless = hashlib.shake_256(b"x").hexdigest(2_000_000)
    with pytest.raises(UnstorableFacts, match="does not fit"):
        properties_of(remembered(assignment("a", "one"), customer_name=endless))


def test_half_a_surrogate_pair_is_one_character_that_is_lost() -> None:
    facts = remembered(assignment(guard=AssignmentGuard(baseline=EXPECTED)), customer_name="Conto\udcffso")
    read = facts_of(properties_of(facts))
    assert read == replace(facts, customer_name="Conto?so")


def test_times_of_azure_may_be_in_any_year() -> None:
    first = open_key("one", evaluated_at=datetime.min.replace(tzinfo=UTC))
    last = open_key("two", evaluated_at=datetime.max.replace(tzinfo=UTC))
    facts = remembered(
        assignment(open=(first, last)), departure=Departure(Outcome.LEFT, datetime(1970, 1, 1, tzinfo=UTC))
    )
    assert facts_of(properties_of(facts)) == facts
