"""Chunks: exact sizes, rows that are too large, and deliveries that hear of their fate exactly once."""

import gzip

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.chunks import CHUNK_LIMIT_BYTES, Chunk, Delivery, serialise


@given(
    st.lists(
        st.dictionaries(st.text(max_size=5), st.text(max_size=30) | st.integers(-(2**31), 2**31) | st.none()),
        max_size=20,
    )
)
def test_the_size_of_a_chunk_is_the_size_of_its_body(rows: list[dict[str, object]]) -> None:
    chunk = Chunk()
    for row in rows:
        chunk.add(serialise(row)[0], None)

    body = gzip.decompress(chunk.compressed())

    assert len(body) == chunk.size
    assert orjson.loads(body) == rows


def test_a_chunk_takes_rows_up_to_the_limit_and_not_one_byte_more() -> None:
    chunk = Chunk()
    chunk.add(b"x" * (CHUNK_LIMIT_BYTES - 2 - 11), None)

    assert chunk.fits(b"x" * 10)
    assert not chunk.fits(b"x" * 11)


@pytest.mark.parametrize("character", ["a", "é", "😀", '"', "\x01"])
@pytest.mark.parametrize("length", [900_000, 5_000_000])
def test_a_row_that_is_too_large_loses_the_end_of_its_longest_text_only(character: str, length: int) -> None:
    encoded, truncated = serialise({"Resource_id": character * length, "Policy_effect": "audit", "Resource_count": 1})

    assert truncated
    assert CHUNK_LIMIT_BYTES * 0.9 < len(encoded) + 2 <= CHUNK_LIMIT_BYTES
    row = orjson.loads(encoded)
    assert (row["Policy_effect"], row["Resource_count"]) == ("audit", 1)
    assert set(row["Resource_id"]) == {character}


def test_text_of_70_kilobytes_is_left_to_azure() -> None:
    encoded, truncated = serialise({"Resource_id": "x" * 70_000})

    assert not truncated
    assert len(orjson.loads(encoded)["Resource_id"]) == 70_000


def test_half_a_surrogate_pair_does_not_cost_the_row() -> None:
    encoded, _ = serialise({"Resource_id": "a\ud800b", "Policy_effect": "audit"})

    assert orjson.loads(encoded) == {"Resource_id": "a�b", "Policy_effect": "audit"}


def test_halves_hold_every_row_with_its_owner() -> None:
    first, second = Delivery(lambda _: None), Delivery(lambda _: None)
    chunk = Chunk()
    for owner, row in ((first, b"1"), (first, b"2"), (second, b"3")):
        chunk.add(row, owner)

    halves = chunk.halves()

    assert [row for half in halves for row in half.rows] == [b"1", b"2", b"3"]
    assert [owner for half in halves for owner in half.owners] == [first, first, second]


def test_a_delivery_completes_once_when_it_is_closed_and_every_chunk_is_settled() -> None:
    completions: list[Exception | None] = []
    delivery = Delivery(completions.append)
    refusal = ValueError("refused")
    delivery.enter_chunk()
    delivery.enter_chunk()
    delivery.settle_chunk(None)
    delivery.close()
    assert completions == []

    delivery.settle_chunk(refusal)

    assert completions == [refusal]


def test_a_delivery_without_rows_completes_when_it_is_closed() -> None:
    completions: list[Exception | None] = []

    Delivery(completions.append).close()

    assert completions == [None]
