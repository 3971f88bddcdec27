"""However the network cuts a stream, its frames are the same, and what other parsers read."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.frames import (
    CLOSE,
    HEADER,
    Scribe,
    children_names,
    contents,
    cut,
    delivered,
    frames_of,
    infoset,
    read_by_expat,
    read_by_lxml,
    shape,
)
from xmppd import ns
from xmppd.wire.stanza import Stanza

STANZAS = (
    b"<message/>",
    b"<message></message>",
    b"<message ></message >",
    b"<message\n\tto='juliet@verona.lit'\r\n/>",
    b"<message id='/>'/>",
    b'<message id=">/message>"></message>',
    b"<message id='/'></message>",
    b"<message><body/></message>",
    b"<message><body></body></message>",
    b"<message>/></message>",
    b"<message>/</message>",
    b"<message><body>a > b /> c</body></message>",
    b"<message xml:lang='it'><body>\xf0\x9f\x8c\xb9 \xc3\xa9</body></message>",
    b"<message><![CDATA[</message>]]></message>",
    b"<message><![CDATA[]]></message>",
    b"<message xmlns:a='urn:montague'><a:rose a:thorn='1'/></message>",
    b"<message><rose xmlns='' xmlns:b='urn:b'><b:x/></rose></message>",
    b"<presence/>\n<iq type='get' id='1'/> <r xmlns='urn:xmpp:sm:3'/>",
)


@pytest.mark.parametrize("stanza", STANZAS)
def test_a_cut_at_every_byte_changes_nothing(stanza: bytes) -> None:
    stream = HEADER + stanza + b"\n" + CLOSE
    whole = [shape(f) for f in frames_of(stream)]
    assert whole[-1] == ("StreamClose",)
    for place in range(1, len(stream)):
        assert [shape(f) for f in frames_of(*cut(stream, [place]))] == whole, place
    assert [shape(f) for f in frames_of(*cut(stream, range(len(stream))))] == whole


@pytest.mark.parametrize("halting", [False, True])
@given(
    st.randoms(use_true_random=True),
    st.lists(st.integers(1, 700), max_size=12),
    st.booleans(),
)
@settings(max_examples=300)
def test_random_streams_cut_at_random(
    halting: bool, random: Random, places: list[int], drip: bool
) -> None:
    stream = Scribe(random).document()
    whole = [shape(f) for f in frames_of(stream, halting=halting)]
    pieces = cut(stream, range(len(stream)) if drip else places)
    assert [shape(f) for f in frames_of(*pieces, halting=halting)] == whole
    assert whole == [shape(f) for f in frames_of(stream)]
    assert whole[-1] == ("StreamClose",), stream


@given(st.randoms(use_true_random=True))
@settings(max_examples=300)
def test_frames_are_what_libxml2_and_elementtree_read(random: Random) -> None:
    stream = Scribe(random).document()
    frames = contents(frames_of(stream))
    for read in (read_by_lxml, read_by_expat):
        expected = list(read(stream))
        assert len(frames) == len(expected)
        for frame, element in zip(frames, expected, strict=True):
            assert frame.children == children_names(element)
            assert infoset(frame.element) == infoset(element)


@given(st.randoms(use_true_random=True))
@settings(max_examples=300)
def test_what_is_passed_on_reads_the_same_everywhere(random: Random) -> None:
    stream = Scribe(random).document()
    for frame, element in zip(contents(frames_of(stream)), read_by_lxml(stream), strict=True):
        data = delivered(frame)
        assert b"<!" not in data
        passed = infoset(read_by_lxml(data))
        assert passed == infoset(read_by_expat(data))
        if isinstance(frame, Stanza):
            assert passed[2][1][2] == infoset(element)[2]


def test_a_stanza_is_known_by_its_namespace_not_by_its_prefix() -> None:
    header = HEADER.replace(b" to=", b" xmlns:c='jabber:client' to=")
    frames = frames_of(header, b"<c:message xmlns='urn:montague'><body>x</body></c:message>")
    stanza = frames[1]
    assert isinstance(stanza, Stanza)
    assert stanza.children == ["urn:montague body"]
    assert stanza.inner == b"<body xmlns='urn:montague'>x</body>"


def test_a_message_in_another_namespace_is_no_stanza() -> None:
    frame = frames_of(HEADER, b"<message xmlns='jabber:server'/>")[1]
    assert not isinstance(frame, Stanza)
    assert shape(frame)[1] == f"{ns.SERVER} message"


@pytest.mark.parametrize(
    "data",
    [
        b"<s:r xmlns:s='urn:s' xmlns='urn:x'><y/></s:r>",
        b"<stream:features xmlns='urn:x'><y/></stream:features>",
    ],
)
def test_an_element_with_a_prefix_keeps_the_namespaces_of_its_children(data: bytes) -> None:
    frame = contents(frames_of(HEADER + data + CLOSE))[0]
    assert frame.children == children_names(frame.element) == ["urn:x y"]


def test_the_prefixes_of_the_header_outlive_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new parser takes over (`RENEW_BYTES`); nobody can tell from the frames."""
    stanzas = [
        b"<message id='%d'><a:rose a:n='%d'>%b</a:rose></message>" % (i, i, b"x" * (i % 50))
        for i in range(300)
    ]
    header = HEADER.replace(b" to=", b" xmlns:a='urn:montague' to=")
    stream = header + b"\n".join(stanzas) + CLOSE
    expected = [shape(f) for f in frames_of(stream)]
    assert len(expected) == 302
    for module in ("framer", "parsers", "whole"):
        monkeypatch.setattr(f"xmppd.wire.{module}.RENEW_BYTES", 100)
    random = Random(7)
    for _ in range(20):
        pieces = cut(stream, [random.randrange(len(stream)) for _ in range(400)])
        assert [shape(f) for f in frames_of(*pieces)] == expected


def test_the_usual_headers_make_stanzas_that_pass_untouched() -> None:
    """The bytes of a body are the sender's own: nothing parsed them twice."""
    for header in (HEADER, HEADER.replace(b" to=", b" xmlns:xml='%b' to=" % ns.XML.encode())):
        inner = b"<body  a = '1' >x</body >"
        frame = frames_of(header, b"<message>%b</message>" % inner)[1]
        assert isinstance(frame, Stanza)
        assert frame.inner == inner
