"""A row that this program did not write so is not read, and the error names what is wrong."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verdicts.stored.documents import FULL, document_of, of_document
from verdicts.stored.application_rows import (
    UnreadableFacts,
    facts_of,
    properties_of,
)


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


ADDED_LATER = {
    "fingerprint", "answer", "probed", "accepted_exemptions", "check_states", "versions", "withheld", "check_withheld",
}  # fmt: skip
ADDED_LATER_TO_ASSIGNMENTS = {"unread", "read", "overflowing"}
PLACES: list[tuple[Any, ...]] = [
    *((name,) for name in document_of(FULL) if name not in ADDED_LATER),
    *(
        ("assignments", 0, name)
        for name in document_of(FULL)["assignments"][0]
        if name not in ADDED_LATER_TO_ASSIGNMENTS
    ),
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
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
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
