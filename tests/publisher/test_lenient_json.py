"""A body from outside: broken syntax is refused, and what is only odd is read as far as it goes."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.lenient_json import DEEPEST, NotJson, has_member, json_of, member, members_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=6), st.sampled_from([b"", b"\xef\xbb\xbf", b" \r\n\t"]))
def test_what_python_reads_is_read_alike(document: dict[str, object], before: bytes) -> None:
    assert members_of(before + json.dumps(document, indent=2).encode()) == document
    assert members_of(json.dumps(document, ensure_ascii=False).encode()) == document


@pytest.mark.parametrize("depth", [1, 31, 98, 99, 100, 101, 999, 1_001, 50_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_only_what_is_too_deep_is_lost(depth: int, opening: str, closing: str) -> None:
    deep = f'{{"before": 1, "deep": {opening * depth}"]}}"{closing * depth}, "after": [2, {{}}]}}'
    members = members_of(deep.encode())
    assert (members["before"], members["after"]) == (1, [2, {}])
    kept, value = 1, members["deep"]
    while isinstance(value, dict | list) and value:
        kept, value = kept + 1, value["a"] if isinstance(value, dict) else value[0]
    assert (kept, value) == ((depth + 1, "]}") if depth < DEEPEST else (DEEPEST, None))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", None), ("-Infinity", None), ("1e999", None), ("9" * 18, int("9" * 18)),
        ("1" + "0" * 20, 1e20), ("9" * 5_000, None), ('"a\nb\x00"', "a\nb\x00"), ('"\\ud800"', "\ufffd"),
        ('{"a": 1, "a": 2}', {"a": 2}), ('"[{\\"[{"', '[{"[{'), ('"\\\\"', "\\"),
    ],
)  # fmt: skip
def test_odd_values_cost_nothing_else(text: str, value: object) -> None:
    members = members_of(f'{{"odd": {text}, "x": [3]}}'.encode())
    assert members["x"] == [3]
    assert members["odd"] == value


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert members_of(b'{"a": "\xff\xfe", "b": 1}') == {"a": "\ufffd\ufffd", "b": 1}


def test_names_that_come_twice_are_told_of_each_object() -> None:
    members = members_of(b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 2, "d": 3}')
    assert (members, members.repeated) == ({"a": 2, "b": {"c": 2}, "d": 3}, {"a"})
    assert members["b"].repeated == {"c"}
    assert members_of(b'{"Error": 1, "error": 2, "ERROR": 3, "code": 4}').repeated == {"error"}


def test_all_values_of_a_name_that_comes_twice_are_told_of_each_object() -> None:
    members = members_of(b'{"a": 1, "b": {"c": 1, "C": 2}, "a": 2, "A": null, "d": 3}')
    assert members == {"a": 2, "b": {"c": 1, "C": 2}, "A": None, "d": 3}
    assert (members.all_of("a"), members.all_of("D"), members.all_of("x")) == ([1, 2], [3], [])
    assert members["b"].all_of("c") == [1, 2]


@pytest.mark.parametrize("text", ['{"a": null, "A": 1}', '{"A": null, "a": 1}', '{"A": 1, "a": null, "a": null}'])
def test_a_null_hides_no_value_of_the_same_name(text: str) -> None:
    for read in (json_of, members_of):
        assert member(read(text.encode()), "a") == 1
    assert member(members_of(b'{"a": 1, "a": null}'), "A") == 1


def test_the_exact_name_comes_before_others() -> None:
    assert member({"A": 1, "a": 2}, "a") == 2
    assert (member({"A": None}, "a"), has_member({"A": None}, "a"), has_member({}, "a")) == (None, True, False)


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"\xef\xbb\xbf", b"null", b"[]", b'"PUT"', b"42", b"{", b'{"eventType": "PUT"', b"eventType=PUT", b"{}{}", b"{'a': 1}",
        b"\x00" * 100, bytes(range(256)), json.dumps([1]).encode("utf-16"),
        b"[" * 60_000, b"]" * 60_000, b'{"a":' * 10_000, b'{"a": ' + b"[" * 40 + b"}", b'{"a": "' + b'\\"' * 500_000,
        b'{"a": ' + b"[" * 40 + b"]" * 39 + b"}", b"<xml/>", b'{"a": 01}',
    ],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_whatever_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        members_of(body)


@given(st.binary(max_size=500) | st.text(alphabet='{}[]":,\\u0aé ', max_size=200).map(str.encode))
def test_no_bytes_do_more_than_being_refused(body: bytes) -> None:
    try:
        members = members_of(body)
    except NotJson:
        return
    assert all(isinstance(name, str) for name in members)


@given(JSON, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]))
def test_every_value_is_read_in_every_encoding_of_json(value: object, encoding: str) -> None:
    assert json_of(json.dumps({"a": value}).encode(encoding)) == {"a": value}


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"a":1} x', b"\xff\xfe", b"[" * 100_000, b"\xef\xbb\xbf"])
def test_broken_syntax_is_no_json(body: bytes) -> None:
    for read in (json_of, members_of):
        with pytest.raises(NotJson):
            read(body)


@given(st.binary(max_size=200))
def test_no_body_is_more_than_refused(body: bytes) -> None:
    for read in (json_of, members_of):
        with suppress(NotJson):
            read(body)


def test_what_is_read_quickly_has_no_depths_either() -> None:
    deep = json_of(b'{"a":' * 200 + b"1" + b"}" * 200)
    for _ in range(DEEPEST):
        deep = deep["a"]
    assert deep is None


def test_half_a_pair_is_replaced_and_a_whole_one_is_not() -> None:
    text = r'{"a": "\ud83d\ude00 \ud83d \ude00 \\ud83d \\\ud83d"}'
    assert json_of(text.encode()) == {"a": "\U0001f600 \ufffd \ufffd \\ud83d \\\ufffd"}


def test_a_member_is_found_whatever_its_letter_case_and_the_exact_name_comes_first() -> None:
    assert member({"NEXTLINK": 1}, "nextLink") == 1
    assert member({"NextLink": 1, "nextLink": 2}, "nextLink") == 2
    assert [member(one, "a") for one in ({}, None, [], "a", {1: 2})] == [None] * 5
