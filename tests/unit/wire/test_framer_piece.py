"""A message that has to be one element, whole (RFC 7395 §3.3.3): `Framer.feed_piece`."""

from __future__ import annotations

import pytest

from tests.support.frames import HEADER
from xmppd.errors import StreamError
from xmppd.wire.framer import Framer
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Stanza

MESSAGE = b"<message><body>1</body></message>"


@pytest.fixture(params=[False, True], ids=["bound", "negotiating"])
def framer(request: pytest.FixtureRequest) -> Framer:
    framer = Framer(Limits())
    framer.feed(HEADER)
    framer.halting = request.param
    return framer


@pytest.mark.parametrize("text", [MESSAGE, b"<message/>", MESSAGE + b" \n", b"<iq><a/></iq>"])
def test_one_whole_element_is_one(framer: Framer, text: bytes) -> None:
    for _ in range(2):
        (frame,) = framer.feed_piece(text, ends=True)
        assert frame.__class__ is Stanza


@pytest.mark.parametrize(
    "text",
    [
        MESSAGE[:-1],
        b"<message",
        b"<message>",
        MESSAGE * 2,
        MESSAGE + b"<mess",
        MESSAGE + b"<message>",
        b"</stream:stream>",
        MESSAGE + b"</stream:stream>",
    ],
)
def test_a_part_or_several_are_none(framer: Framer, text: bytes) -> None:
    (error,) = framer.feed_piece(text, ends=True)
    assert isinstance(error, StreamError)
    assert (error.condition, error.reason) == ("not-well-formed", "stream.one-element")
    assert framer.feed(MESSAGE) == ()


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("not-well-formed", b"<message></iq>"),
        ("not-well-formed", b"</message>"),
        ("restricted-xml", b"<!-- -->"),
        ("restricted-xml", b"<?a b?>"),
    ],
)
def test_another_error_is_told_as_it_is(framer: Framer, condition: str, text: bytes) -> None:
    *_, error = framer.feed_piece(text, ends=True)
    assert isinstance(error, StreamError)
    assert (error.condition, error.reason != "stream.one-element") == (condition, True)


def test_the_last_of_several_pieces(framer: Framer) -> None:
    assert framer.feed_piece(MESSAGE[:9], ends=False) == []
    assert framer.feed_piece(MESSAGE[9:20], ends=False) == []
    (frame,) = framer.feed_piece(MESSAGE[20:], ends=True)
    assert frame.__class__ is Stanza


@pytest.mark.parametrize("text", [MESSAGE, MESSAGE + b"<message>", b"<iq/> ", b"</stream:stream>"])
def test_no_element_ends_before_the_last_piece(framer: Framer, text: bytes) -> None:
    (error,) = framer.feed_piece(text, ends=False)
    assert isinstance(error, StreamError)
    assert (error.condition, error.reason) == ("not-well-formed", "stream.one-element")
    assert framer.feed(MESSAGE) == ()


@pytest.mark.parametrize("header", [HEADER, HEADER.replace(b">", b"/>"), HEADER[:9]])
def test_the_tag_of_a_stream_is_none(header: bytes) -> None:
    """It comes by `<open/>`, or not at all (RFC 7395 §3.3.1)."""
    (error,) = Framer(Limits()).feed_piece(header, ends=True)
    assert isinstance(error, StreamError)
    assert error.reason == "stream.one-element"
