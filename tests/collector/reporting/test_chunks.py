"""Chunks: exact sizes, rows that are too large, and deliveries that hear of their fate exactly once."""

import gzip

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.reporting.chunks import Chunk, Delivery
from collector.reporting.serialised import CHUNK_LIMIT_BYTES, LARGEST_ROW_BYTES, cut_to_fit, encoded


@settings(deadline=None)
@given(
    st.lists(
        st.dictionaries(st.text(max_size=5), st.text(max_size=30) | st.integers(-(2**31), 2**31) | st.none()),
        max_size=20,
    )
)
def test_the_size_of_a_chunk_is_the_size_of_its_body(rows: list[dict[str, object]]) -> None:
    chunk = Chunk()
    for row in rows:
        chunk.take([encoded(row)], None)

    body = gzip.decompress(chunk.compress())

    assert len(body) == chunk.size
    assert orjson.loads(body) == rows


def test_a_chunk_takes_rows_up_to_the_limit_and_not_one_byte_more() -> None:
    filled = b"x" * (CHUNK_LIMIT_BYTES - 2 - 11)
    exact, one_more = Chunk(), Chunk()
    exact.take([filled], None)
    one_more.take([filled], None)

    assert exact.take([b"x" * 10], None) == 1
    assert len(gzip.decompress(exact.compress())) == CHUNK_LIMIT_BYTES
    assert one_more.take([b"x" * 11], None) == 0


@settings(deadline=None)
@given(st.lists(st.integers(1, 300_000), max_size=12), st.integers(0, 500_000))
def test_a_chunk_takes_the_longest_run_of_rows_that_fits(lengths: list[int], already: int) -> None:
    chunk, rows = Chunk(), [b"x" * length for length in lengths]
    chunk.take([b"x" * already], None)
    room = CHUNK_LIMIT_BYTES - chunk.size
    fitting = 0
    for length in lengths:
        room -= length + 1
        if room < 0:
            break
        fitting += 1

    assert chunk.take(rows, None) == fitting
    assert len(gzip.decompress(chunk.compress())) == chunk.size


@pytest.mark.parametrize("character", ["a", "é", "😀", '"', "\x01"])
@pytest.mark.parametrize("length", [900_000, 5_000_000])
def test_a_row_that_is_too_large_loses_the_end_of_its_longest_text_only(character: str, length: int) -> None:
    row = cut_to_fit(encoded({"Resource_id": character * length, "Policy_effect": "audit", "Resource_count": 1}))

    assert CHUNK_LIMIT_BYTES * 0.9 < len(row) <= LARGEST_ROW_BYTES
    columns = orjson.loads(row)
    assert (columns["Policy_effect"], columns["Resource_count"]) == ("audit", 1)
    assert set(columns["Resource_id"]) == {character}


def test_text_of_70_kilobytes_is_left_to_azure() -> None:
    row = encoded({"Resource_id": "x" * 70_000})

    assert cut_to_fit(row) == row


def test_half_a_surrogate_pair_does_not_cost_the_row() -> None:
    row = encoded({"Resource_id": "a\ud800b", "Policy_effect": "audit"})

    assert orjson.loads(row) == {"Resource_id": "a�b", "Policy_effect": "audit"}


def test_halves_hold_every_row_with_its_owner() -> None:
    first, second = Delivery(lambda _: None), Delivery(lambda _: None)
    chunk = Chunk()
    chunk.take([b"1", b"2"], first)
    chunk.take([b"3"], second)

    halves = chunk.halves(chunk.compress())

    bodies = [gzip.decompress(half.compress()) for half in halves]
    assert bodies == [b"[1]", b"[2,3]"]
    assert [half.size for half in halves] == [len(body) for body in bodies]
    assert [set(half.deliveries.values()) for half in halves] == [{first}, {first, second}]


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
