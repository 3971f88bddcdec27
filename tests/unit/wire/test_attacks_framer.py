"""Attacks on the framer: a few bytes that would mean much memory, or much work."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.support.frames import HEADER, frames_of, parse, refusal
from xmppd import ns
from xmppd.wire.framer import Framer
from xmppd.wire.limits import Limits
from xmppd.wire.octets import LONGEST_NAMESPACE, SLICE
from xmppd.wire.stanza import Stanza

STRANGER = Limits(stanza=16_384)
"""What a client may send that has not logged in."""
READ = 65_536
"""The most that a transport reads at once, unless told otherwise."""
TAG = ("policy-violation", "limit.tag-size")
NAMESPACE = ("policy-violation", "limit.namespace")


def wide(name: bytes, uri: int, size: int, more: bytes = b"") -> bytes:
    """A start tag of about `size` bytes: one namespace, and attributes that stand in it."""
    number = (size - uri) // len(b" a:x0000=''")
    attributes = b"".join(b" a:x%04x=''" % n for n in range(number))
    return b"<%b xmlns:a='%b'%b%b>" % (name, b"u" * uri, attributes, more)


def peak(*pieces: bytes) -> int:
    """The most memory that Python held at once while it parsed `pieces`."""
    stream = Framer(STRANGER, halting=True)
    tracemalloc.start()
    try:
        parse(stream, pieces)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


STREAM = f" xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'".encode()


@pytest.mark.parametrize("uri", [200, LONGEST_NAMESPACE, 4_000, READ // 2])
@pytest.mark.parametrize("where", ["header", "stanza", "payload"])
def test_one_read_that_is_one_tag_is_not_expanded(where: str, uri: int) -> None:
    """Each of 3,000 attributes was spelled out with its namespace: 310 MiB and 0.8 seconds."""
    tags = {
        "header": [wide(b"stream:stream", uri, READ, STREAM)],
        "stanza": [HEADER, wide(b"message", uri, READ)],
        "payload": [HEADER, b"<message>" + wide(b"x", uri, READ)],
    }
    assert refusal(*tags[where], header=b"", limits=STRANGER) in (TAG, NAMESPACE)
    assert peak(*tags[where]) < 10 * 1024 * 1024


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<a:b/>" * 800, id="children"),
        pytest.param(b"<x>" + b"<a:b/>" * 1_200 + b"</x>", id="elements"),
        pytest.param(
            b"<x>" + b"<b %b/>" % b" ".join(b"a:x%02x=''" % n for n in range(60)) * 10 + b"</x>",
            id="attributes",
        ),
    ],
)
def test_what_one_prefix_may_stand_for_is_short(content: bytes) -> None:
    """Else a stanza of 16 KiB, within every other limit, meant 20 MiB of names."""

    def stanza(uri: int) -> bytes:
        return b"<message xmlns:a='%b'>%b</message>" % (b"u" * uri, content)

    assert refusal(stanza(LONGEST_NAMESPACE + 1), limits=STRANGER) == NAMESPACE
    assert peak(HEADER, stanza(LONGEST_NAMESPACE)) < 2 * 1024 * 1024


@pytest.mark.parametrize(
    ("header", "stanza"),
    [
        (wide(b"stream:stream", 513, 513, STREAM), b""),
        (HEADER, b"<x xmlns='%b'/>" % (b"u" * 513)),
        (HEADER, b"<message><x xmlns='%b'/>" % (b"u" * 513)),
        (HEADER, b"<message><x><y xmlns:a='%b'/>" % (b"u" * 513)),
    ],
)
def test_a_long_namespace_is_refused_wherever_it_is_declared(header: bytes, stanza: bytes) -> None:
    assert refusal(header, stanza, header=b"") == NAMESPACE


def test_a_long_namespace_is_refused_by_every_parser_of_a_stream() -> None:
    """Also by those that take over from the first one, in the midst of the stream."""
    more = b"<message><body>%b</body></message>" % (b"x" * 60_000)
    assert refusal(more, more, b"<x xmlns='%b'/>" % (b"u" * 513)) == NAMESPACE


@pytest.mark.parametrize("before", range(SLICE - 40, SLICE + 1, 8))
def test_what_ends_behind_a_slice_is_read_as_ever(before: int) -> None:
    said = b"<message id='1'><body>%b</body></message><presence><x a='>'/></presence>"
    data = said % (b"x" * before) * 20
    whole, bits = (
        frames_of(HEADER, data),
        frames_of(HEADER, *(data[n : n + 99] for n in range(0, len(data), 99))),
    )
    assert len(whole) == 41
    for one, other in zip(whole[1:], bits[1:], strict=True):
        assert isinstance(one, Stanza)
        assert isinstance(other, Stanza)
        assert (one.kind, one.attrs, one.inner) == (other.kind, other.attrs, other.inner)


FEW = b"\xf0\x90\x80\x80" * 128
"""The longest namespace of characters that take four bytes each, also in Python's memory."""


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"<iq xmlns:a='%b'>" % FEW + b"<a:x/>" * 1024], id="children"),
        pytest.param(
            [b"<iq><q xmlns='%b'>" % FEW, *(b"<a%d/>" % n for n in range(1500))], id="names"
        ),
        pytest.param([b"<iq>", *(b"<x xmlns:a='%b' a:b=''/>" % FEW for _ in range(25))], id="tags"),
        pytest.param(
            [b"<iq>", *(b"<x%b/>" % b"".join(b" xmlns:%d='u'" % n for n in range(60)),) * 9],
            id="prefixes",
        ),
        pytest.param([b"<iq><a>x", *(b"ab" for _ in range(7_800))], id="two bytes at a time"),
    ],
)
def test_a_stranger_is_kept_in_little_memory(pieces: list[bytes]) -> None:
    """Held names took 2 MB, and the same bytes in small pieces half of one, for 16 KB sent."""
    assert peak(HEADER, *pieces) < 400 * 1024


def test_names_may_not_come_to_more_than_they_should() -> None:
    """30,000 names of 500 characters took half a second."""
    many = b"".join(b"<a%d/>" % n for n in range(30_000))
    stanza = b"<iq><q xmlns='urn:x'><q xmlns='%b'>%b</q></q></iq>" % (b"u" * 500, many)
    assert refusal(stanza) == ("policy-violation", "limit.names")
    assert isinstance(frames_of(HEADER, b"<iq><q>%b</q></iq>" % many)[-1], Stanza)


def test_namespaces_of_one_element_are_attributes_of_it() -> None:
    many = b"".join(b" xmlns:p%d='urn:p'" % n for n in range(65))
    assert refusal(b"<iq><x%b/></iq>" % many) == ("policy-violation", "limit.attributes")


def test_what_only_declares_prefixes_is_passed_on_as_it_came() -> None:
    """A header full of prefixes made every stanza, whatever was in it, be written anew."""
    header = HEADER.replace(b" to=", b" xmlns:a='urn:a' xmlns:b='urn:b' to=")
    inner = b"<body  at='1' >no prefix</body >"
    frame = frames_of(header, b"<message>%b</message>" % inner)[-1]
    assert isinstance(frame, Stanza)
    assert frame.inner == inner
