"""Streams of which nearly every read ends within a frame: what waits, and what is scanned."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.frames import HEADER, frames_of, shape
from xmppd import ns
from xmppd.errors import StreamError
from xmppd.wire.framer import Framer
from xmppd.wire.frames import Frame
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Stanza


def patient() -> Framer:
    framer = Framer(Limits())
    framer.feed(HEADER)
    framer.patient = True
    return framer


@pytest.mark.parametrize("at", range(1, len(b"<message to='a'><body>hi</body></message>")))
def test_a_message_that_comes_in_two_reads_is_one(at: int) -> None:
    message = b"<message to='a'><body>hi</body></message>"
    framer = patient()
    assert framer.feed(message[:at]) == []
    frames = framer.feed(message[at:] + message)
    assert [type(frame) for frame in frames] == [Stanza, Stanza]
    assert [frame.inner for frame in frames] == [b"<body>hi</body>"] * 2


@pytest.mark.parametrize(
    "first", [b"<message/>", b"<message a='b'/>", b"<message></message>", b"<presence/>"]
)
def test_what_is_complete_does_not_wait(first: bytes) -> None:
    assert len(patient().feed(first)) == 1


def test_what_waits_is_bounded_as_ever() -> None:
    framer = patient()
    framer.feed(b"<message><body>")
    frames: list[Any] = []
    while not frames:
        frames = list(framer.feed(b"x" * 10_000))
    assert isinstance(frames[-1], StreamError)
    assert frames[-1].reason == "limit.stanza-size"


def test_a_large_one_is_read_as_it_comes() -> None:
    framer = patient()
    framer.feed(b"<message><body>" + b"<x/>" * 600)
    error = framer.feed(b"</message>")[-1]
    assert isinstance(error, StreamError)


# Streams of components

ANSWER = (
    f"<iq from='vcard.capulet.lit' type='result' id='%d'><delegation xmlns='{ns.DELEGATION}'>"
    f"<forwarded xmlns='{ns.FORWARD}'><iq xmlns='{ns.CLIENT}' type='result' id='%d'>"
    "<vCard xmlns='vcard-temp'><FN>%s</FN></vCard></iq></forwarded></delegation></iq>"
)
EMPTY_ANSWER = ANSWER.replace("<vCard xmlns='vcard-temp'><FN>%s</FN></vCard></iq>", "").replace(
    "type='result' id='%d'><", "type='result' id='%d'/><"
)
OF_COMPONENTS = HEADER.replace(ns.CLIENT.encode(), ns.COMPONENT.encode())


class Scanned:
    """A patient framer of a component's stream, and how many reads left a scanner in a frame."""

    def __init__(self) -> None:
        self.framer = Framer(Limits(), content=ns.COMPONENT)
        self.framer.feed(OF_COMPONENTS)
        self.framer.patient = True
        self.scanned = 0

    def feed(self, data: bytes) -> list[Frame]:
        frames = list(self.framer.feed(data))
        self.scanned += self.framer._scanner is not None
        return frames

    def frames(self, pieces: list[bytes]) -> list[tuple[object, ...]]:
        return [shape(frame) for piece in pieces for frame in self.feed(piece)]


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [700, 997, 4_096])
def test_answers_of_a_component_are_cut_whole_wherever_a_read_ends(size: int) -> None:
    """Between the two ends of the answer to a delegated request, too: that is no end yet."""
    data = "".join(ANSWER % (n, n, "x" * (n % 50)) for n in range(300)).encode()
    expected = [shape(f) for f in frames_of(OF_COMPONENTS, data, content=ns.COMPONENT)][1:]
    stream = Scanned()
    assert stream.frames(pieces(data, size)) == expected
    assert not stream.scanned


@pytest.mark.parametrize("size", [3_001, 7_500])
def test_what_was_scanned_once_does_not_have_all_the_rest_scanned(size: int) -> None:
    """What is too large to wait is scanned to its own end, and no further."""
    large = b"<message><body>%b</body></message>" % (b"x" * 2_500)
    data = large * 10 + (ANSWER % (1, 1, "x")).encode() * 300
    stream = Scanned()
    found = stream.frames(pieces(data, size))
    assert found == [shape(f) for f in frames_of(OF_COMPONENTS, data, content=ns.COMPONENT)][1:]
    assert 1 <= stream.scanned <= 10


@given(
    st.lists(
        st.sampled_from(
            [
                (ANSWER % (1, 2, "But soft!")).encode(),
                (EMPTY_ANSWER % (3, 4)).encode(),
                (ANSWER % (5, 6, "<iq>x</iq>")).encode(),
                b"<iq type='result' id='e'/>",
                b"<message><body>hi</body></message> ",
                b"<message><body>%b</body></message>" % (b"y" * 2_100),
                b"<presence from='a'/>",
                b"<r xmlns='urn:xmpp:sm:3'/>",
                b"<x xmlns='urn:x'/>\n",
                b"<iq><a/></iq><b/>",
            ]
        ),
        max_size=12,
    ),
    st.integers(1, 3_000),
)
def test_whatever_a_component_sends_is_read_as_by_the_long_way(
    sent: list[bytes], size: int
) -> None:
    data = b"".join(sent)
    first, rest = data[:1], data[1:]
    expected = [shape(f) for f in frames_of(OF_COMPONENTS, first, rest, content=ns.COMPONENT)]
    assert Scanned().frames(pieces(data, size)) == expected[1:]
