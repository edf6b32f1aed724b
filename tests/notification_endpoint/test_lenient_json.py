"""A body from outside: broken syntax is refused, and what is only odd is read as far as it goes."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification_endpoint.lenient_json import NotAnObject, members_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=6), st.sampled_from([b"", b"\xef\xbb\xbf", b" \r\n\t"]))
def test_what_python_reads_is_read_alike(document: dict[str, object], before: bytes) -> None:
    assert members_of(before + json.dumps(document, indent=2).encode()) == document
    assert members_of(json.dumps(document, ensure_ascii=False).encode()) == document


@pytest.mark.parametrize("depth", [1, 31, 32, 33, 50, 999, 1_001, 50_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_only_what_is_too_deep_is_lost(depth: int, opening: str, closing: str) -> None:
    deep = f'{{"before": 1, "deep": {opening * depth}"]}}"{closing * depth}, "after": [2, {{}}]}}'
    members = members_of(deep.encode())
    assert (members["before"], members["after"]) == (1, [2, {}])
    kept, value = 1, members["deep"]
    while isinstance(value, dict | list) and value:
        kept, value = kept + 1, value["a"] if isinstance(value, dict) else value[0]
    assert (kept, value) == ((depth + 1, "]}") if depth < 32 else (32, None))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", math.nan), ("-Infinity", -math.inf), ("1e999", math.inf), ("9" * 18, int("9" * 18)),
        ("1" + "0" * 20, 1e20), ("9" * 5_000, math.inf), ('"a\nb\x00"', "a\nb\x00"), ('"\\ud800"', "\ud800"),
        ('{"a": 1, "a": 2}', {"a": 2}), ('"[{\\"[{"', '[{"[{'), ('"\\\\"', "\\"),
    ],
)  # fmt: skip
def test_odd_values_cost_nothing_else(text: str, value: object) -> None:
    members = members_of(f'{{"odd": {text}, "x": [3]}}'.encode())
    assert members["x"] == [3]
    assert members["odd"] == pytest.approx(value, nan_ok=True) if isinstance(value, float) else members["odd"] == value


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert members_of(b'{"a": "\xff\xfe", "b": 1}') == {"a": "\ufffd\ufffd", "b": 1}


def test_names_that_come_twice_are_told_of_each_object() -> None:
    members = members_of(b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 2, "d": 3}')
    assert (members, members.repeated) == ({"a": 2, "b": {"c": 2}, "d": 3}, {"a"})
    assert members["b"].repeated == {"c"}


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"\xef\xbb\xbf", b"null", b"[]", b'"PUT"', b"42", b"{", b'{"eventType": "PUT"', b"eventType=PUT", b"{}{}", b"{'a': 1}",
        b"\xff\xfe{\x00}\x00", b"\x00" * 100, bytes(range(256)), json.dumps({"a": 1}).encode("utf-16"), json.dumps({"a": 1}).encode("utf-32-le"),
        b"[" * 60_000, b"]" * 60_000, b'{"a":' * 10_000, b'{"a": ' + b"[" * 40 + b"}", b'{"a": "' + b'\\"' * 500_000,
        b'{"a": ' + b"[" * 40 + b"]" * 39 + b"}", b"<xml/>", b'{"a": 01}',
    ],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_whatever_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(NotAnObject):
        members_of(body)


@given(st.binary(max_size=500) | st.text(alphabet='{}[]":,\\u0aé ', max_size=200).map(str.encode))
def test_no_bytes_do_more_than_being_refused(body: bytes) -> None:
    try:
        members = members_of(body)
    except NotAnObject:
        return
    assert all(isinstance(name, str) for name in members)
