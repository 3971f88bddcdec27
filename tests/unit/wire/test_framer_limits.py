"""Whatever a peer can make grow is bounded (RFC 6120 §13.12)."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from random import Random
from typing import Any

import pytest

from tests.support.frames import CLOSE, HEADER, frames_of, refusal, shape
from xmppd.wire.framer import Framer
from xmppd.wire.limits import Limits
from xmppd.wire.scanner import RENEW_BYTES, Scanner
from xmppd.wire.stanza import Stanza

SMALL = Limits(stanza=2000, tag=500, depth=5, attributes=4, children=6)
STANZA = ("policy-violation", "limit.stanza-size")
TAG = ("policy-violation", "limit.tag-size")
DEPTH = ("policy-violation", "limit.depth")
ATTRIBUTES = ("policy-violation", "limit.attributes")
NAMES = ("policy-violation", "limit.names")
CHILDREN = ("policy-violation", "limit.children")


def drip(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]


def message(size: int) -> bytes:
    """A message of so many bytes."""
    return b"<message>%b</message>" % (b"x" * (size - 19))


@pytest.mark.parametrize("pieces", [lambda data: [data], drip])
def test_a_stanza_may_have_its_bytes_and_not_one_more(pieces: object) -> None:
    assert callable(pieces)
    assert isinstance(frames_of(HEADER, *pieces(message(2000)), limits=SMALL)[-1], Stanza)
    assert refusal(*pieces(message(2001)), limits=SMALL) == STANZA


@pytest.mark.parametrize(
    ("endless", "expected"),
    [
        (b"<message>" + b"x" * 5000, STANZA),
        (b"<message>" + b"<a/>" * 5 + b"> " * 5000, STANZA),
        (b"<message><![CDATA[" + b"> " * 5000, STANZA),
        (b"<message><x>" + b"<a/>" * 5000, STANZA),
        (b"<message id='" + b"x" * 5000, TAG),
        (b"<message id='" + b">" * 5000, TAG),
        (b"<" + b"x" * 5000, TAG),
        (b"<message><x id='" + b">" * 5000, TAG),
        (b"<message><x id='" + b"x" * 5000, STANZA),
        (b"<message><!--" + b">" * 5000, TAG),
        (b"<!--" + b">" * 5000, TAG),
        (b"<?rose " + b">" * 5000, TAG),
    ],
)
def test_what_never_ends_is_ended(endless: bytes, expected: tuple[str, str]) -> None:
    assert refusal(*drip(endless), limits=SMALL) == expected
    allowed = SMALL.stanza if expected == STANZA else SMALL.tag
    framer = Framer(SMALL)
    framer.feed(HEADER)
    fed = next(n for n, byte in enumerate(drip(endless)) if framer.feed(byte))
    assert fed <= allowed + 20


@pytest.mark.parametrize("quote", [b"'", b'"'])
@pytest.mark.parametrize("inside", [b"x", b">", b"/>", b"&gt;"])
def test_a_tag_is_held_to_its_limit_however_it_arrives(quote: bytes, inside: bytes) -> None:
    for outer in (b"<message a=%b%b%b/>", b"<message><body a=%b%b%b>x</body></message>"):
        for size in (400, 700):
            tag = outer % (quote, inside * (size // len(inside)), quote)
            expected = ("stanza",) if size == 400 else ("error",)
            for pieces in ([tag], drip(tag), [tag[:450], tag[450:]]):
                last = shape(frames_of(HEADER, *pieces, limits=SMALL)[-1])
                assert last[:1] == expected
                assert last[0] == "stanza" or last[1:] == TAG


def test_long_text_is_no_long_tag() -> None:
    for text in (b"x" * 1500, b"> " * 700, b"a='" * 300, b"<![CDATA[<%b]]>" % (b"a " * 700)):
        frame = frames_of(HEADER, b"<message><body>%b</body></message>" % text, limits=SMALL)[-1]
        assert isinstance(frame, Stanza), frame


@pytest.mark.parametrize("size", [490, 510])
def test_a_header_is_held_to_the_limit_of_a_tag(size: int) -> None:
    header = HEADER.replace(b"verona.lit", b"x" * (size - len(HEADER) + 10))
    assert len(header) == size
    for pieces in ([header], drip(header), [header[:100], header[100:]]):
        last = shape(frames_of(*pieces, limits=SMALL)[-1])
        assert last[0] == ("StreamOpen" if size <= 500 else "error")
        assert last[0] == "StreamOpen" or last[1:] == TAG


def test_a_header_can_not_hide_behind_its_declaration() -> None:
    padding = b"<?xml version='1.0'" + b" " * 600 + b"?>"
    assert refusal(padding + HEADER.partition(b"?>")[2], header=b"", limits=SMALL) == TAG


def test_a_header_declares_so_many_prefixes() -> None:
    """Each is looked for in stanzas, or declared anew where they are rewritten."""
    many = b"".join(b" xmlns:p%d='urn:p'" % i for i in range(4))
    header = HEADER.replace(b" to=", many + b" to=")
    assert refusal(header, header=b"", limits=SMALL) == ATTRIBUTES
    assert len(frames_of(header)) == 1


def test_depth() -> None:
    """The stream's own element is not counted."""
    deep = [b"<x>" * n + b"</x>" * n for n in (4, 5)]
    assert isinstance(frames_of(HEADER, b"<iq>%b</iq>" % deep[0], limits=SMALL)[-1], Stanza)
    assert refusal(b"<iq>%b</iq>" % deep[1], limits=SMALL) == DEPTH
    assert refusal(b"<x>" * 6, limits=SMALL) == DEPTH


def test_attributes_of_any_element() -> None:
    four, five = (b"".join(b" a%d=''" % i for i in range(n)) for n in (4, 5))
    assert isinstance(frames_of(HEADER, b"<iq%b/>" % four, limits=SMALL)[-1], Stanza)
    assert refusal(b"<iq%b/>" % five, limits=SMALL) == ATTRIBUTES
    assert refusal(b"<iq><x><y%b/></x></iq>" % five, limits=SMALL) == ATTRIBUTES
    assert refusal(HEADER.replace(b" to=", five + b" to="), header=b"", limits=SMALL) == ATTRIBUTES


def test_children_of_a_stanza() -> None:
    assert isinstance(frames_of(HEADER, b"<iq>%b</iq>" % (b"<x/>" * 6), limits=SMALL)[-1], Stanza)
    assert refusal(b"<iq>%b</iq>" % (b"<x/>" * 7), limits=SMALL) == CHILDREN
    deeper = b"<iq><x>%b</x></iq>" % (b"<x/>" * 7)
    assert isinstance(frames_of(HEADER, deeper, limits=SMALL)[-1], Stanza)


@pytest.mark.parametrize("declared", ["header", "stanza"])
def test_a_long_namespace_is_not_multiplied(declared: str) -> None:
    """A prefix of one letter may stand for 400 bytes: 300 uses would make 120 KB of 2."""
    long = b" xmlns:a='urn:%b'" % (b"x" * 300)
    stanza = b"<message%b><x>%b</x></message>" % (
        long if declared == "stanza" else b"",
        b"<a:b/>" * 100,
    )
    header = HEADER.replace(b" to=", long + b" to=") if declared == "header" else HEADER
    assert refusal(header + stanza, header=b"", limits=SMALL) == NAMES


@pytest.mark.parametrize("space", [b" ", b"\r\n", b"\t" * 400])
def test_white_space_between_stanzas_is_free(space: bytes) -> None:
    framer = Framer(SMALL)
    framer.feed(HEADER + b"<message/>")
    for _ in range(10_000):
        assert not framer.feed(space)
    assert not framer._held
    assert framer._tail is None
    assert isinstance(framer.feed(b"<iq/>")[0], Stanza)


def test_white_space_in_any_amount_may_stand_before_a_header() -> None:
    framer = Framer(SMALL)
    for _ in range(1000):
        assert not framer.feed(b" \n")
    assert not framer._held
    assert len(framer.feed(HEADER)) == 1


def test_white_space_behind_a_declaration_is_held_to_the_limit() -> None:
    assert refusal(b"<?xml version='1.0'?>", *drip(b" " * 600), header=b"", limits=SMALL) == TAG


def test_unread_bytes_are_held_to_the_limit() -> None:
    framer = Framer(SMALL, halting=True)
    framer.feed(HEADER + b"<iq/>")
    framer.keep(b"x" * 2000)
    with pytest.raises(Exception, match=r"limit\.stanza-size"):
        framer.keep(b"x")


def parsers_used(pieces: list[bytes], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many parsers it takes to read `pieces`, and that none but the last one is left."""
    made: list[weakref.ref[Scanner]] = []

    class Counted(Scanner):
        __slots__ = ("__weakref__",)

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(weakref.ref(self))

    monkeypatch.setattr("xmppd.wire.parsers.Scanner", Counted)
    gc.disable()  # they have to go by themselves
    try:
        framer = Framer(Limits())
        framer.feed(HEADER)
        for piece in pieces:
            assert not any(shape(f)[0] == "error" for f in framer.feed(piece))
        assert sum(one() is not None for one in made) <= 1
    finally:
        gc.enable()
    return len(made)


def test_a_parser_is_replaced_with_all_the_names_it_remembers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """expat keeps every name until it is freed itself."""
    stanzas = [b"<iq><n%08d/></iq>" % i for i in range(30_000)]
    stream = b"".join(stanzas)
    expected = len(stream) // (RENEW_BYTES + 8192)
    assert parsers_used(stanzas, monkeypatch) >= expected
    # Whoever always leaves a stanza unfinished does not keep the parser by that.
    overlapping = [stream[i : i + 1000] for i in range(0, len(stream), 1000)]
    assert parsers_used(overlapping, monkeypatch) >= expected
    never_between = [b"<n%08d/></iq><iq>" % i for i in range(30_000)]
    assert parsers_used([b"<iq>", *never_between], monkeypatch) >= expected


def test_reading_again_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new parser reads the unfinished frame again: at most so much for each 64 KiB."""
    stanza = b"<message><x>" + b"<a/>y" * 30_000 + b"</x></message>"
    pieces = [stanza[at : at + 500] for at in range(0, len(stanza), 500)] * 4
    assert parsers_used(pieces, monkeypatch) <= 5


MEMORY = """
import resource, sys
from random import Random
from tests.support.frames import HEADER
from xmppd.wire.framer import Framer
from xmppd.wire.limits import Limits

def flood(connections, stanzas):
    for c in range(connections):
        framer = Framer(Limits())
        framer.feed(HEADER)
        for i in range(stanzas):
            name = b"n%x-%x" % (c, i)
            framer.feed(b"<message %b='1'><%b x%b='2'/></message>" % (name, name, name))

def used():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()

flood(20, 50)
flood(1, 20_000)
before = used()
flood(1, 150_000)
flood(500, 100)
print(used() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_names_never_seen_before_cost_no_memory() -> None:
    """450,000 unique names over one connection, 150,000 over five hundred."""
    grown = int(
        subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, check=True).stdout
    )
    assert grown < 4 * 1024 * 1024


def test_an_idle_stream_keeps_nothing_of_its_last_stanza() -> None:
    framer = Framer(Limits())
    framer.feed(HEADER)
    (frame,) = framer.feed(b"<message><body>%b</body></message>" % (b"x" * 1000))
    held = gc.get_referrers(frame)
    assert not any(isinstance(holder, list) for holder in held)
    assert framer._tail is None
    assert framer._scanner is None


def test_the_work_for_a_dripping_tag_is_bounded() -> None:
    """Each `>` inside a value has the tag read again from its start: at most `tag` times."""
    framer = Framer(Limits())
    framer.feed(HEADER + b"<message id='")
    fed = 0
    while not framer.feed(b">"):
        fed += 1
    assert fed <= Limits().tag


def test_random_bytes_never_break_it() -> None:
    random = Random(1597)
    for _ in range(300):
        data = random.randbytes(300)
        for frame in frames_of(HEADER, data, b">", CLOSE):
            assert shape(frame)[0] in {"StreamOpen", "stanza", "nonza", "error", "StreamClose"}
