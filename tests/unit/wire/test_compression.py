"""Compressed streams: every byte arrives, and a few bytes never become many (XEP-0138)."""

from __future__ import annotations

import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.frames import cut
from xmppd.errors import StreamError
from xmppd.wire.compression import Deflater, Inflater

LIMIT, RATIO = 100_000, 50


def inflater(limit: int = LIMIT, ratio: int = RATIO) -> Inflater:
    return Inflater(limit, ratio)


@given(st.lists(st.binary(max_size=300), max_size=10), st.lists(st.integers(1, 900), max_size=20))
def test_what_goes_in_comes_out_however_it_is_cut(writes: list[bytes], places: list[int]) -> None:
    deflater, reader = Deflater(), inflater()
    wire = b"".join(deflater.feed(write) for write in writes)
    pieces = cut(wire, places) if wire else []
    assert b"".join(reader.feed(piece) for piece in pieces) == b"".join(writes)


@given(st.lists(st.binary(min_size=1, max_size=5000), min_size=1, max_size=10))
def test_each_write_can_be_read_at_once(writes: list[bytes]) -> None:
    """XEP-0138 §4: a stanza must not wait for the next one."""
    deflater, reader = Deflater(), inflater()
    for write in writes:
        assert reader.feed(deflater.feed(write)) == write


def test_byte_for_byte() -> None:
    data = Random(1).randbytes(3000) + b"wherefore " * 500
    reader = inflater()
    wire = Deflater().feed(data)
    assert b"".join(reader.feed(bytes([b])) for b in wire) == data


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
def test_a_read_may_make_as_much_as_its_limit(size: int) -> None:
    reader = inflater(ratio=10_000)
    deflater = Deflater()
    for _ in range(3):
        assert reader.feed(deflater.feed(b"x" * size)) == b"x" * size


def test_a_read_that_makes_more_ends_the_stream() -> None:
    with pytest.raises(StreamError) as caught:
        inflater(ratio=10_000).feed(Deflater().feed(b"x" * (LIMIT + 1)))
    assert (caught.value.condition, caught.value.reason) == ("policy-violation", "limit.inflated")


def test_a_bomb_of_a_gigabyte_costs_its_limit_only() -> None:
    bomb = zlib.compressobj(9)
    data = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(64)) + bomb.flush()
    with pytest.raises(StreamError, match=r"limit\.inflated"):
        inflater().feed(data)


def test_a_bomb_in_small_reads_meets_the_ratio() -> None:
    deflater, reader = Deflater(), inflater()
    with pytest.raises(StreamError, match=r"limit\.inflated"):
        for _ in range(100):
            reader.feed(deflater.feed(b"x" * 50_000))


def test_an_honest_stream_never_meets_it() -> None:
    deflater, reader = Deflater(), inflater(ratio=20)
    random = Random(2)
    for number in range(2000):
        words = b" ".join(random.choice((b"love", b"rose", b"moon", b"sun")) for _ in range(9))
        stanza = b"<message to='juliet@capulet.lit' id='%d'><body>%b</body></message>"
        assert reader.feed(deflater.feed(stanza % (number, words)))


@pytest.mark.parametrize("rest", [b"garbage", b"\0", zlib.compress(b"<message/>")])
@pytest.mark.parametrize("together", [True, False])
def test_nothing_may_follow_the_end_of_the_compressed_data(rest: bytes, together: bool) -> None:
    """zlib would hoard it unread."""
    whole = zlib.compress(b"<presence/>")
    reader = inflater()
    with pytest.raises(StreamError):
        if together:
            reader.feed(whole + rest)
        else:
            assert reader.feed(whole) == b"<presence/>"
            reader.feed(rest)


def test_a_client_may_end_its_data_with_its_stream() -> None:
    assert inflater().feed(zlib.compress(b"</stream:stream>")) == b"</stream:stream>"


@pytest.mark.parametrize(
    "data", [b"<presence/>", b"\0\0\0\0", zlib.compress(b"x" * 50)[:-3] + b"xxx"]
)
def test_what_is_not_zlib_ends_the_stream(data: bytes) -> None:
    with pytest.raises(StreamError) as caught:
        inflater().feed(data)
    assert caught.value.condition == "undefined-condition"
