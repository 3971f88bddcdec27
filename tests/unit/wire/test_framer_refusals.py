"""What a stream must not hold, and the condition it ends with (RFC 6120 §4.9.3, §11)."""

from __future__ import annotations

import pytest

from tests.support.frames import CLOSE, HEADER, contents, frames_of, read_by_lxml, refusal, shape
from xmppd.wire.frames import StreamClose, StreamOpen
from xmppd.wire.stanza import Stanza

RESTRICTED = ("restricted-xml", "stream.restricted-xml")
ENCODING = ("unsupported-encoding", "stream.encoding")
MALFORMED = ("not-well-formed", "stream.xml")
TLS = ("not-well-formed", "stream.tls")
TEXT = ("bad-format", "stream.text")
NESTED = ("bad-format", "stream.nested")
UNSUPPORTED = ("unsupported-stanza-type", "stream.element")

BODY = HEADER.partition(b"?>")[2]

IN_THE_STREAM = {
    # RFC 6120 §11.1: no comment, processing instruction, DTD, entity
    b"<!-- rose -->": RESTRICTED,
    b"<?rose thorn?>": RESTRICTED,
    b"<message><!-- rose --></message>": RESTRICTED,
    b"<message><?rose thorn?></message>": RESTRICTED,
    b"<message>&rose;</message>": RESTRICTED,
    b"<message id='&rose;'/>": RESTRICTED,
    b"&rose;<message/>": RESTRICTED,
    b"<message><body>&nbsp;</body></message>": RESTRICTED,
    b"<!DOCTYPE rose>": MALFORMED,
    b"<message><!DOCTYPE rose></message>": MALFORMED,
    b"<?xml version='1.0'?>": MALFORMED,
    # §11.3: well-formed, by XML and by its namespaces
    b"<message></presence>": MALFORMED,
    b"<message id=1/>": MALFORMED,
    b"<message id='1' id='2'/>": MALFORMED,
    b"<message a:id='1'/>": MALFORMED,
    b"<a:message/>": MALFORMED,
    b"<a:b:c xmlns:a='urn:a'/>": MALFORMED,
    b"<message xmlns:a='urn:a' xmlns:b='urn:a' a:id='1' b:id='2'/>": MALFORMED,
    b"<message xmlns:a=''/>": MALFORMED,
    b"<message xmlns:xml='urn:a'/>": MALFORMED,
    b"<message xmlns:a='http://www.w3.org/XML/1998/namespace'/>": MALFORMED,
    b"<message xmlns:xmlns='urn:a'/>": MALFORMED,
    b"<x xmlns='urn:a b'/>": MALFORMED,
    b"<message>&</message>": MALFORMED,
    b"<message>a ]]> b</message>": MALFORMED,
    b"<message id='<'/>": MALFORMED,
    b"<message>\0</message>": MALFORMED,
    b"<message>\x01</message>": MALFORMED,
    b"<message>\x0b</message>": MALFORMED,
    b"\x0c<message/>": MALFORMED,
    b"<message>\xef\xbf\xbe</message>": MALFORMED,
    b"<message>\xef\xbf\xbf</message>": MALFORMED,
    b"<message id='\xef\xbf\xbf'/>": MALFORMED,
    b"<message>&#0;</message>": MALFORMED,
    b"<message>&#x1F;</message>": MALFORMED,
    b"<message>&#xD800;</message>": MALFORMED,
    b"<message>&#xFFFE;</message>": MALFORMED,
    b"<message>&#x110000;</message>": MALFORMED,
    b"<message>&#x10FFFFFFFFF;</message>": MALFORMED,
    b"</message>": MALFORMED,
    b"<\xc2\xaa/>": MALFORMED,  # U+00AA: a letter to Unicode, no name to XML
    # §11.6: UTF-8, and nothing else
    b"<message>\xff</message>": ENCODING,
    b"<message>\xe9t\xe9</message>": ENCODING,
    b"<message id='\x80'/>": ENCODING,
    b"<message>\xc0\xaf</message>": ENCODING,
    b"<message>\xe0\x80\xaf</message>": ENCODING,
    b"<message>\xf0\x80\x80\xaf</message>": ENCODING,
    b"<message>\xed\xa0\xbd\xed\xb2\xa9</message>": ENCODING,
    b"<message>\xf4\x90\x80\x80</message>": ENCODING,
    b"<message>\xc3</message>": ENCODING,
    b"<m\xffssage/>": ENCODING,
    b"<message \xffd='1'/>": ENCODING,
    # only elements stand between elements
    b"text<message/>": TEXT,
    b"<message/>text<message/>": TEXT,
    b"&#32;<message/>": TEXT,
    b"<![CDATA[ ]]><message/>": TEXT,
    b"\xef\xbb\xbf<message/>": TEXT,
    b"\xc2\xa0<message/>": TEXT,
    b"text" + CLOSE: TEXT,
    # one header a stream (§4.2)
    b"<stream:stream>": NESTED,
    HEADER.partition(b"?>")[2]: NESTED,
    b"<message><stream:features/></message>": NESTED,
    b"<message><a><b><stream:error/></b></a></message>": NESTED,
    b"<message><s:error xmlns:s='http://etherx.jabber.org/streams'/></message>": NESTED,
    b"<message><error xmlns='http://etherx.jabber.org/streams'/></message>": NESTED,
    b"<message><error xmlns='http://&#101;therx.jabber.org/streams'/></message>": NESTED,
    b"<a:message xmlns:a='jabber:client' xmlns='http://etherx.jabber.org/streams'><error/>"
    b"</a:message>": NESTED,
    # what is of XML itself is nobody's to act on (§4.9.3.24)
    b"<xml:message/>": UNSUPPORTED,
    b"<xml:rose><thorn/></xml:rose>": UNSUPPORTED,
}


@pytest.mark.parametrize("data", IN_THE_STREAM)
def test_it_ends_the_stream_in_one_segment_and_dripping_in(data: bytes) -> None:
    expected = IN_THE_STREAM[data]
    assert refusal(data + b">") == expected
    assert refusal(*(bytes([byte]) for byte in data + b">")) == expected


@pytest.mark.parametrize("data", IN_THE_STREAM)
def test_frames_before_it_still_come(data: bytes) -> None:
    frames = frames_of(HEADER + b"<message id='1'/>" + data + b">")
    assert isinstance(frames[1], Stanza)
    assert frames[1].id == "1"
    assert [shape(f)[0] for f in frames[2:-1]] in ([], ["stanza"])
    assert shape(frames[-1])[0] == "error"


BEFORE_THE_STREAM = {
    b"<!DOCTYPE rose>" + BODY: RESTRICTED,
    b"<!DOCTYPE rose [<!ENTITY thorn 'x'>]>" + BODY: RESTRICTED,
    b"<!DOCTYPE rose SYSTEM 'http://capulet.lit/'>" + BODY: RESTRICTED,
    b"<!-- rose -->" + BODY: RESTRICTED,
    b"<?rose thorn?>" + BODY: RESTRICTED,
    HEADER.replace(b"verona.lit", b"&rose;"): RESTRICTED,
    b"<?xml version='1.0' encoding='ISO-8859-1'?>" + BODY: ENCODING,
    b"<?xml version='1.0' encoding='US-ASCII'?>" + BODY: ENCODING,
    b"<?xml version='1.0' encoding='UTF-16'?>" + BODY: ENCODING,
    BODY.decode().encode("utf-16"): ENCODING,
    BODY.decode().encode("utf-16-le"): ENCODING,
    BODY.decode().encode("utf-16-be"): ENCODING,
    BODY.decode().encode("utf-32"): ENCODING,
    b"\xff" + BODY: ENCODING,
    # TLS where none is spoken, as long as it may be
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03>": TLS,
    b"\x16\x03\x01\x00\xc4\x01\x00\x00\xc0\x03\x03>": TLS,
    b"GET / HTTP/1.1\r\n\r\n>": MALFORMED,
    b"rose" + BODY: MALFORMED,
    b">": MALFORMED,
    # U+FEFF is a character like any other, and no white space (RFC 6120 §11.6)
    b"\xef\xbb\xbf" + BODY: MALFORMED,
    b"<?xml version='2.0'?>" + BODY: MALFORMED,
    b"<?xml?>" + BODY: MALFORMED,
    b"<?xml version='1.0'?><?xml version='1.0'?>" + BODY: MALFORMED,
    HEADER.replace(b"xmlns:stream=", b"xmlns:s="): MALFORMED,
}


@pytest.mark.parametrize("data", BEFORE_THE_STREAM)
def test_it_ends_the_stream_before_it_begins(data: bytes) -> None:
    expected = BEFORE_THE_STREAM[data]
    assert refusal(data, header=b"") == expected
    assert refusal(*(bytes([byte]) for byte in data), header=b"") == expected
    assert refusal(b"\r\n " + data, header=b"") == expected


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00", b"\xef\xbb\xbf"])
def test_who_speaks_another_protocol_is_told_at_once(data: bytes) -> None:
    assert shape(frames_of(data)[0])[0] == "error"


@pytest.mark.parametrize(
    "declaration",
    [
        b"",
        b"\r\n\t ",
        b"<?xml version='1.0'?>",
        b"<?xml version='1.1'?>",  # to be read as 1.0 (XML 1.0, fifth edition, §2.8)
        b"<?xml version='1.0' encoding='utf-8'?>\n",
        b"<?xml version='1.0' standalone='yes'?>",
        b" \n<?xml version='1.0' encoding='UTF-8' standalone='no' ?> ",
    ],
)
def test_what_may_stand_before_a_header(declaration: bytes) -> None:
    for pieces in ([declaration + BODY], [bytes([b]) for b in declaration + BODY]):
        frames = frames_of(*pieces)
        assert isinstance(frames[0], StreamOpen)
        assert frames[0].attrs == {"to": "verona.lit", "version": "1.0"}
        assert len(frames) == 1


def test_a_character_cut_in_two_is_no_bad_encoding() -> None:
    frames = frames_of(HEADER, b"<message>>\xf0\x9f", b"\x8c", b"\xb9</message>")
    assert frames[1].inner == b">\xf0\x9f\x8c\xb9"  # type: ignore[union-attr]


@pytest.mark.parametrize("rest", [b"", b"<message/>", b"rose", b"\xff", b">" * 10])
def test_nothing_comes_after_the_end(rest: bytes) -> None:
    frames = frames_of(HEADER, CLOSE + rest, rest, b"<iq/>")
    assert isinstance(frames[-1], StreamClose)
    assert len(frames) == 2


def test_nothing_comes_after_an_error() -> None:
    frames = frames_of(HEADER, b"<message></iq>", b"<message/>", CLOSE)
    assert [shape(f)[0] for f in frames] == ["StreamOpen", "error"]


def test_an_empty_stream_is_one() -> None:
    frames = frames_of(BODY[:-1] + b"/>")
    assert [type(f) for f in frames] == [StreamOpen, StreamClose]


def test_names_of_every_plane_are_read_alike_by_libxml2() -> None:
    """expat keeps to the names of XML 1.0's fourth edition, libxml2 to the wider fifth."""
    accepted = []
    for code in (*range(0x80, 0xD800, 7), *range(0xE000, 0x10000, 7), 0x10400, 0x20000):
        name = b"n" + chr(code).encode()
        frames = frames_of(HEADER + b"<message><" + name + b"/></message>" + CLOSE)
        if isinstance(frames[-1], StreamClose):
            accepted.append(contents(frames)[0].inner)
        else:
            assert shape(frames[-1])[1:] == MALFORMED
    assert len(accepted) > 3000
    root = read_by_lxml(b"<x>" + b"".join(accepted) + b"</x>")
    assert [b"<%b/>" % c.tag.encode() for c in root] == accepted
