"""Facts to properties and back: exactly, or an error that names what is wrong."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.managed_application import Exemption, ExpectedAssignment, Posture
from tests.verdicts.remembered import NOW, applications, assignment, open_key, remembered
from verdicts.facts import (
    MOST_OPEN_KEYS,
    Acceptance,
    Answer,
    ApplicationFacts,
    AssignmentGuard,
    Departure,
    GoneKey,
    OpenKey,
    StateKey,
    StatesUpload,
    Unread,
)
from verdicts.outcome import Outcome
from verdicts.stored.application_rows import (
    LONGEST_COLUMN,
    UnreadableFacts,
    UnstorableFacts,
    facts_of,
    properties_of,
)

ACCEPTANCE = Acceptance("ada", "known", NOW, NOW)
EXPECTED = ExpectedAssignment("/a", "A", "/d", "D", Posture(changed_at=NOW))
FULL = remembered(
    assignment(
        "baseline",
        open=(open_key("one", acceptance=ACCEPTANCE), open_key("two", suspended=True)),
        gone=(GoneKey(open_key("three").key, NOW, NOW),),
        guard=AssignmentGuard(baseline=EXPECTED, seen=EXPECTED, acceptance=ACCEPTANCE, details=("one",)),
    ),
    assignment("second"),
    exemptions=(Exemption("/e", "/a", ("one",)),),
    known_exemptions=("/e",),
    states=StatesUpload("run", NOW, 7, "fingerprint", Answer("digest", 7, 2, 1, "2026-03-04T05:06:07Z", None)),
    unread=Unread(NOW, 3, Outcome.THROTTLED),
    departure=Departure(Outcome.VANISHED, NOW),
    probed="3/297/0",
)


def of_document(document: Any) -> dict[str, Any]:
    packed = zlib.compress(orjson.dumps(document))
    return {"form": 1, "application_id": FULL.application_id, "size": len(packed), "facts_00": packed}


def document_of(facts: ApplicationFacts) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(zlib.decompress(properties_of(facts)["facts_00"]))
    return document


def hard_to_compress(count: int, length: int, start: int = 0) -> tuple[OpenKey, ...]:
    names = (hashlib.shake_256(str(start + number).encode()).hexdigest(length // 2) for number in range(count))
    return tuple(OpenKey(StateKey("reference", "/definition", f"/group/{name}"), NOW, NOW) for name in names)


def test_a_row_of_a_version_that_made_no_fingerprints_is_read_and_its_states_count_as_changed() -> None:
    document = document_of(FULL)
    del document["fingerprint"]
    del document["answer"]
    assert facts_of(of_document(document)).states == StatesUpload("run", NOW, 7, "")


def test_a_row_of_a_version_that_remembered_no_answer_is_read_and_the_next_answer_is_parsed() -> None:
    document = document_of(FULL)
    del document["answer"]
    assert facts_of(of_document(document)).states == StatesUpload("run", NOW, 7, "fingerprint")


def test_what_a_later_version_adds_to_a_row_is_no_obstacle() -> None:
    assert facts_of(of_document(document_of(FULL) | {"added": ["later"]})) == FULL


def test_a_row_of_a_version_without_a_probe_is_read() -> None:
    document = document_of(FULL)
    del document["probed"]
    assert facts_of(of_document(document)) == replace(FULL, probed="")


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


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {key: value for key, value in row.items() if key != name}


def changed(**properties: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: row | properties


def cut_by_a_byte(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"facts_00": row["facts_00"][:-1]}


def cut_with_its_size(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"facts_00": row["facts_00"][:-5], "size": row["size"] - 5}


def one_bit_off(row: dict[str, Any]) -> dict[str, Any]:
    damaged = bytearray(row["facts_00"])
    damaged[len(damaged) // 2] ^= 1
    return row | {"facts_00": bytes(damaged)}


def with_more_behind(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"facts_01": b"more", "size": row["size"] + 4}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (without("form"), "its form is missing"),
        (changed(form=2), "its form is '2', and this version reads form 1"),
        (changed(form="1"), "its form"),
        (changed(form=True), "its form is 'True'"),
        (changed(form=1.0), "its form"),
        (without("size"), "should have missing"),
        (changed(size="many"), "should have 'many'"),
        (without("facts_00"), "its columns have 0 bytes"),
        (changed(facts_00="text"), "facts_00 is not binary"),
        (changed(facts_02=b""), "its column facts_01 is missing"),
        (changed(facts_00=b"", size=0), "damaged"),
        (changed(facts_00=b"no zlib", size=7), "damaged"),
        (changed(facts_00=zlib.compress(b"no JSON"), size=len(zlib.compress(b"no JSON"))), "damaged"),
        (cut_by_a_byte, "should have"),
        (cut_with_its_size, "does not end where they end"),
        (one_bit_off, "damaged"),
        (with_more_behind, "does not end where they end"),
    ],
)
def test_damaged_columns_are_named(damage: Callable[[dict[str, Any]], dict[str, Any]], reason: str) -> None:
    with pytest.raises(UnreadableFacts, match=reason):
        facts_of(damage(properties_of(FULL)))


def test_a_document_that_unfolds_without_end_is_not_read() -> None:
    packed = zlib.compress(b'{"open":"' + b" " * 70_000_000)
    with pytest.raises(UnreadableFacts, match="damaged"):
        facts_of({"form": 1, "application_id": "", "size": len(packed), "facts_00": packed})


@pytest.mark.parametrize("document", [None, [], "text", 1, {}, {"assignments": []}])
def test_another_document_is_not_read(document: Any) -> None:
    with pytest.raises(UnreadableFacts, match="not in form 1"):
        facts_of(of_document(document))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"assignments": ""}, "Expected `array`, got `str` - at `$.assignments`"),
        ({"assignments": {}}, "Expected `array`, got `object` - at `$.assignments`"),
        ({"assignments": None}, "Expected `array`, got `null` - at `$.assignments`"),
        ({"known_exemptions": "abc"}, "Expected `array`, got `str` - at `$.known_exemptions`"),
        ({"alarms": []}, "Expected `object`, got `array` - at `$.alarms`"),
        ({"alarms": {"burglar": []}}, "Invalid enum value 'burglar' - at `key` in `$.alarms`"),
        ({"label": "abcd"}, "got `str` - at `$.label`"),
        ({"label": ["a", "b", "c"]}, "Expected `array` of length 4 - at `$.label`"),
        ({"applied": None}, "Expected `int`, got `null` - at `$.applied`"),
        ({"applied": "2026-01-01"}, "Expected `int`, got `str` - at `$.applied`"),
        ({"applied": 1.5}, "Expected `int`, got `float` - at `$.applied`"),
        ({"applied": 0}, "Expected `int` >= 946684800000000 - at `$.applied`"),
        ({"applied": 250_000_000_000_000_000}, "Expected `int` <= 7258118399999999 - at `$.applied`"),
        ({"applied": 10**18}, "Expected `int` <= 7258118399999999 - at `$.applied`"),
        ({"unread": [10**15, 2]}, "Expected `array` of length 5 - at `$.unread`"),
        ({"answer": ["digest", 1, 1, -1, "", ""]}, "Expected `int` >= 0 - at `$.answer[3]`"),
        ({"states": ["run", None, 1]}, "Expected `int`, got `null` - at `$.states[1]`"),
        ({"departure": ["Unheard", 0, ""]}, "Invalid enum value 'Unheard' - at `$.departure[0]`"),
        ({"customer": 5}, "Expected `str`, got `int` - at `$.customer`"),
    ],
)
def test_a_value_of_an_application_that_nobody_writes_is_named(value: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnreadableFacts, match=re.escape(reason)):
        facts_of(of_document(document_of(FULL) | value))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"open": ""}, "Expected `array`, got `str` - at `$.assignments[0].open`"),
        ({"open": {}}, "Expected `array`, got `object` - at `$.assignments[0].open`"),
        ({"open": [["", "", ""]]}, "Expected `array` of length 8 - at `$.assignments[0].open[0]`"),
        ({"acceptances": []}, "an open key has an acceptance that is not there"),
        ({"overflow": 0}, "Expected `bool`, got `int` - at `$.assignments[0].overflow`"),
        ({"decided": "yes"}, "Expected `bool`, got `str` - at `$.assignments[0].decided`"),
        ({"counts": [1, 2]}, "Expected `array` of length 5 - at `$.assignments[0].counts`"),
        ({"counts": [-1, 0, 0, 0, 0]}, "Expected `int` >= 0 - at `$.assignments[0].counts[0]`"),
        ({"held": ["Asleep", 0]}, "Invalid enum value 'Asleep' - at `$.assignments[0].held[0]`"),
        ({"ending": "Fled"}, "Invalid enum value 'Fled' - at `$.assignments[0].ending`"),
        ({"gone": 5}, "Expected `array`, got `int` - at `$.assignments[0].gone`"),
        ({"guard": {}}, "missing required field `baseline` - at `$.assignments[0].guard`"),
        ({"guard": []}, "Expected `object`, got `array` - at `$.assignments[0].guard`"),
    ],
)
def test_a_value_of_an_assignment_that_nobody_writes_is_named(value: dict[str, Any], reason: str) -> None:
    document = document_of(FULL)
    document["assignments"][0] |= value
    with pytest.raises(UnreadableFacts, match=re.escape(reason)):
        facts_of(of_document(document))


@pytest.mark.parametrize(
    "value",
    [
        {"enforced": "false"},
        {"references": "1"},
        {"disabled": "abc"},
        {"not_scopes": {}},
        {"parameters": [["name"]]},
        {"selectors": None},
        {"changed_at": "2026-01-01T00:00:00"},
        {"changed_at": "yesterday"},
    ],
)
def test_a_baseline_that_nobody_writes_is_named(value: dict[str, Any]) -> None:
    document = document_of(FULL)
    document["assignments"][0]["guard"]["baseline"]["posture"] |= value
    with pytest.raises(UnreadableFacts, match=r"at `\$\.assignments\[0\]\.guard\.baseline\.posture"):
        facts_of(of_document(document))


def test_an_assignment_that_is_there_twice_is_named() -> None:
    document = document_of(FULL)
    document["assignments"].append(document["assignments"][0])
    with pytest.raises(UnreadableFacts, match="an assignment is there twice"):
        facts_of(of_document(document))


ADDED_LATER = {"fingerprint", "answer", "probed"}
PLACES: list[tuple[Any, ...]] = [
    *((name,) for name in document_of(FULL) if name not in ADDED_LATER),
    *(("assignments", 0, name) for name in document_of(FULL)["assignments"][0]),
    *(("assignments", 0, "guard", name) for name in document_of(FULL)["assignments"][0]["guard"]),
]


def place_of(document: Any, path: tuple[Any, ...]) -> Any:
    for one in path[:-1]:
        document = document[one]
    return document


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_a_member_that_is_missing_is_named(path: tuple[Any, ...]) -> None:
    document = document_of(FULL)
    del place_of(document, path)[path[-1]]
    with pytest.raises(UnreadableFacts, match=f"missing required field `{path[-1]}`"):
        facts_of(of_document(document))


_junk = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@given(st.sampled_from(PLACES), _junk)
def test_whatever_stands_in_a_place_is_read_exactly_or_not_at_all(path: tuple[Any, ...], junk: Any) -> None:
    document = document_of(FULL)
    place_of(document, path)[path[-1]] = junk
    try:
        facts = facts_of(of_document(document))
    except UnreadableFacts:
        return
    assert place_of(document_of(facts), path)[path[-1]] == junk


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_not_read(content: bytes) -> None:
    with pytest.raises(UnreadableFacts):
        facts_of({"form": 1, "size": len(content), "facts_00": content})


def test_times_of_azure_may_be_in_any_year() -> None:
    first = open_key("one", evaluated_at=datetime.min.replace(tzinfo=UTC))
    last = open_key("two", evaluated_at=datetime.max.replace(tzinfo=UTC))
    facts = remembered(
        assignment(open=(first, last)), departure=Departure(Outcome.LEFT, datetime(1970, 1, 1, tzinfo=UTC))
    )
    assert facts_of(properties_of(facts)) == facts
