"""While a stream is negotiated nothing behind a frame is read before its time (RFC 6120 §5.3)."""

from __future__ import annotations

import pytest

from tests.support.frames import CLOSE, HEADER, frames_of, shape
from xmppd.errors import StreamError
from xmppd.wire.framer import Framer
from xmppd.wire.frames import StreamClose, StreamOpen
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Nonza, Stanza

STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"


def halting() -> Framer:
    framer = Framer(Limits(), halting=True)
    assert isinstance(framer.feed(HEADER)[0], StreamOpen)
    return framer


def test_one_frame_at_a_time() -> None:
    framer = halting()
    assert [shape(f)[0] for f in framer.feed(STARTTLS + b"<iq/>" + CLOSE)] == ["nonza"]
    assert framer.unread
    assert [shape(f)[0] for f in framer.feed(b"")] == ["stanza"]
    assert framer.unread
    assert [type(f) for f in framer.feed(b"")] == [StreamClose]
    assert not framer.unread


def test_a_header_and_what_follows_come_together() -> None:
    framer = Framer(Limits(), halting=True)
    assert [shape(f)[0] for f in framer.feed(HEADER + STARTTLS)] == ["StreamOpen", "nonza"]


def test_bytes_behind_are_not_even_validated() -> None:
    framer = halting()
    frames = framer.feed(STARTTLS + b"\x16\x03\x01\0\xff&<<<")
    assert [shape(f)[0] for f in frames] == ["nonza"]
    assert framer.unread
    assert framer.discard() == 9
    assert not framer.unread
    assert framer.discard() == 0


@pytest.mark.parametrize("rest", [b"", b" ", b"\r\n"])
def test_white_space_behind_is_nothing(rest: bytes) -> None:
    framer = halting()
    framer.feed(STARTTLS + rest)
    assert not framer.unread
    assert framer.discard() == 0


def test_a_new_document_begins_with_the_unread_bytes() -> None:
    framer = halting()
    other = HEADER.replace(b"jabber:client", b"jabber:client' xmlns:a='urn:a")
    framer.feed(STARTTLS + b"\n" + other + b"<a:x/>")
    framer.restart()
    assert framer.unread
    frames = framer.feed(b"")
    assert [shape(f)[0] for f in frames] == ["StreamOpen", "nonza"]
    assert isinstance(frames[0], StreamOpen)
    assert frames[0].prefixes["a"] == "urn:a"


def test_the_old_document_is_forgotten() -> None:
    framer = halting()
    header = HEADER.replace(b" to=", b" xmlns:a='urn:a' to=")
    framer.feed(STARTTLS)
    framer.restart()
    framer.feed(header + STARTTLS)
    framer.restart()
    frames = framer.feed(HEADER + b"<a:x/>")
    assert shape(frames[-1]) == ("error", "not-well-formed", "stream.xml")


@pytest.mark.parametrize("at", range(1, len(HEADER)))
def test_a_new_header_may_come_in_any_two_pieces(at: int) -> None:
    framer = halting()
    framer.feed(STARTTLS + b"\n" + HEADER[:at])
    framer.restart()
    assert not framer.feed(b"")
    assert not framer.unread
    assert isinstance(framer.feed(HEADER[at:])[0], StreamOpen)


def test_an_unfinished_element_is_not_unread() -> None:
    """`unread` bytes could be read at once; these wait for more."""
    for piece in (b"<", b"<iq", b"<iq id='>'", b"<iq><x>"):
        framer = halting()
        assert not framer.feed(piece)
        assert not framer.unread
    framer = Framer(Limits(), halting=True)
    assert not framer.feed(HEADER[:20])
    assert not framer.unread


def test_what_is_kept_comes_behind_what_was_unread() -> None:
    framer = halting()
    framer.feed(STARTTLS + b"<iq ")
    framer.keep(b"id='1'")
    framer.keep(b"/><iq id='2'/>")
    ids = []
    while framer.unread:
        ids += [f.id for f in framer.feed(b"") if isinstance(f, Stanza)]
    assert ids == ["1", "2"]


def test_what_is_kept_alone_is_unread() -> None:
    framer = halting()
    framer.feed(STARTTLS)
    framer.keep(b"")
    assert not framer.unread
    framer.keep(b"<iq/>")
    assert framer.unread
    assert isinstance(framer.feed(b"")[0], Stanza)


def test_halting_may_end_with_bytes_unread() -> None:
    framer = halting()
    framer.feed(STARTTLS + b"<iq id='1'/><iq id='2'/><iq id='3")
    framer.halting = False
    assert [shape(f)[0] for f in framer.feed(b"'/>")] == ["stanza", "stanza", "stanza"]


def test_an_error_comes_when_its_bytes_are_read() -> None:
    framer = halting()
    assert isinstance(framer.feed(STARTTLS + b"<iq></x>")[0], Nonza)
    assert isinstance(framer.feed(b"")[0], StreamError)
    assert not framer.unread
    assert not framer.feed(b"<iq/>")


def test_a_closed_framer_says_nothing_more() -> None:
    framer = halting()
    framer.feed(STARTTLS + b"<iq/>")
    framer.close()
    assert not framer.unread
    assert not framer.feed(b"<iq/>")
    assert framer._scanner is None


def test_prefixes_hold_behind_a_halt() -> None:
    header = HEADER.replace(b" to=", b" xmlns:a='urn:a' to=")
    whole = [shape(f) for f in frames_of(header + b"<a:x/><iq><a:y/></iq><a:z/>")]
    assert [
        shape(f) for f in frames_of(header + b"<a:x/><iq><a:y/></iq><a:z/>", halting=True)
    ] == whole
    assert [f[0] for f in whole] == ["StreamOpen", "nonza", "stanza", "nonza"]


def test_limits_may_change_between_frames() -> None:
    """They do once a client has authenticated."""
    framer = Framer(Limits(stanza=50), halting=True)
    framer.feed(HEADER + STARTTLS[:0] + b"<auth/>")
    framer.limits = Limits(stanza=500)
    framer.restart()
    framer.feed(HEADER)
    assert isinstance(framer.feed(b"<iq>%b</iq>" % (b"x" * 100))[0], Stanza)
