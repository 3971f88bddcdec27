"""Fuzzing of what strangers can reach: the framer, and the stream behind it.

``python -m tests.fuzz.fuzz_framer [seconds] [seed]`` mutates random streams for so long (10),
or hands over to atheris where that is installed. A failure prints the bytes that cause it.
"""

from __future__ import annotations

import sys
import time
from random import Random

from lxml import etree

from tests.support.frames import (
    CLOSE,
    HEADER,
    Scribe,
    cut,
    delivered,
    frames_of,
    infoset,
    read_by_expat,
    read_by_lxml,
    shape,
)
from tests.support.streams import ABORT, COMPRESS, POLICY, STARTTLS, Client, auth, bind, plain
from xmppd.stream.events import Closed
from xmppd.stream.states import Fact, State
from xmppd.wire.frames import StreamClose
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Nonza, Stanza

LIMITS = Limits(stanza=4096, tag=512, depth=8, attributes=8, children=20)
_OPEN = POLICY._replace(tls_required=False, plaintext_allowed=True, switches=Fact.COMPRESSION)

# libxml2 holds namespace names to the syntax of URIs and xml:id to that of names; XML does not.
_STRICTER = ("is not a valid URI", "xml:id", "already defined")

_PIECES = (
    *(HEADER, CLOSE, STARTTLS, ABORT, COMPRESS, auth("PLAIN"), plain(), bind(), b"<message/>"),
    *(b"<", b">", b"/>", b"</", b"'", b'"', b"&", b";", b"]]>", b"<![CDATA[", b"<!--", b"-->"),
    *(b"<?", b"?>", b"<!DOCTYPE x [", b"<!ENTITY a 'b'>", b"&#0;", b"&#x10FFFF;", b"&amp;"),
    *(
        b"xmlns=''",
        b" xmlns:a='urn:a'",
        b"stream:",
        b"xml:",
        b"a:",
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
    ),
    *(b"\xef\xbb\xbf", b"\xc3", b"\xf0\x9f\x8c\xb9", b" ", b"\r\n", b"x" * 600, b"<x>" * 9),
)


def fuzz_one(data: bytes) -> None:
    """Assert what must hold for any bytes; raises AssertionError where it does not."""
    frames = frames_of(data, limits=LIMITS)
    _check_order([shape(f)[0] for f in frames])
    _check_cuts(data, frames)
    for frame in frames:
        if isinstance(frame, Stanza | Nonza):
            _check_passed_on(frame)
    _check_stream(data)


def _check_order(kinds: list[str]) -> None:
    assert "error" not in kinds[:-1]
    assert "StreamClose" not in kinds[:-1]
    assert "StreamOpen" not in kinds[1:]


def _check_cuts(data: bytes, frames: list) -> None:  # type: ignore[type-arg]
    """However they come, the same frames; an error may come sooner or later than in one piece."""
    whole = [shape(f) for f in frames if shape(f)[0] != "error"]
    failed = len(whole) != len(frames)
    for pieces in (cut(data, range(len(data))), cut(data, range(0, len(data), 7))):
        other = frames_of(*pieces, limits=LIMITS)
        good = [shape(f) for f in other if shape(f)[0] != "error"]
        assert good == whole, (good, whole)
        if isinstance(frames[-1] if frames else None, StreamClose):
            assert not failed
            assert len(good) == len(other)


def _check_passed_on(frame: Stanza | Nonza) -> None:
    """What is passed on is read by other parsers, and alike, and survives being framed again."""
    document = delivered(frame)
    assert b"<!" not in document
    assert b"<?" not in document
    expected = infoset(read_by_expat(document))
    try:
        assert infoset(read_by_lxml(document)) == expected
    except etree.XMLSyntaxError as error:
        assert any(reason in str(error) for reason in _STRICTER), error
    if isinstance(frame, Stanza):
        again = frames_of(HEADER, frame.render(), limits=Limits())
        assert isinstance(again[-1], Stanza), again
        assert again[-1].children == frame.children
        name, attributes, content = infoset(frame.element)
        written = {k: v for k, v in attributes.items() if k not in ("from", "to")}
        assert infoset(again[-1].element) == (name, written, content)


def _check_stream(data: bytes) -> None:
    """A stream answers anything with events, and ends at most once (see `Client`)."""
    client = Client(_OPEN, secure=True)
    client.send(data, b">", HEADER, data)
    if client.stream.state is State.CLOSED:
        assert isinstance(client.events[-1], Closed)
        assert client.stream.framer._scanner is None
        assert not client.stream.framer.unread
    assert (client.stream.jid is None) is not bool(client.stream.facts & Fact.AUTHENTICATED)


def mutant(random: Random) -> bytes:
    """A stream at random, spoiled at random."""
    data = Scribe(random).document()
    if random.random() < 0.3:
        data = HEADER + plain() + HEADER + bind() + data[random.randrange(len(data)) :]
    for _ in range(random.choice((0, 1, 1, 2, 5))):
        at = random.randrange(len(data) + 1)
        to = min(len(data), at + random.choice((0, 0, 1, 5, 30)))
        put = random.choice((*_PIECES, data[at:to], random.randbytes(random.choice((1, 3)))))
        data = data[:at] + put + data[to:]
    return data


def run(random: Random, seconds: float) -> int:
    """Fuzz for so many seconds; how many streams that were."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = mutant(random)
        try:
            fuzz_one(data)
        except BaseException:
            print(f"failing bytes: {data!r}", file=sys.stderr)  # noqa: T201
            raise
        count += 1
    return count


def main() -> None:
    """Run atheris, or the mutator of this file."""
    try:
        import atheris
    except ImportError:
        seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
        seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
        print(f"seed {seed}: {run(Random(seed), seconds)} streams")  # noqa: T201
        return
    atheris.instrument_all()
    atheris.Setup(sys.argv, fuzz_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
