"""What a component reads of its stream: frames, whatever the pieces, and nothing that is no XML."""

from __future__ import annotations

from xml.etree.ElementTree import Element, canonicalize, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common import tree
from components.common.reader import RENEW_BYTES, Closed, Header, Reader
from components.common.stanza import XML_LANG, Nonza, Stanza
from xmppd import ns
from xmppd.errors import StreamError

HEADER = (
    f"<?xml version='1.0'?><stream:stream xmlns='{ns.COMPONENT}' xmlns:stream='{ns.STREAM}'"
    " xmlns:db='urn:db' from='a.b' id='1>2'>"
)


def opened() -> Reader:
    reader = Reader()
    [header] = reader.feed(HEADER.encode())
    assert isinstance(header, Header)
    assert header.name == f"{ns.STREAM} stream" and header.attrs["id"] == "1>2"
    return reader


def one(text: str) -> Stanza:
    [stanza] = opened().feed(text.encode())
    assert isinstance(stanza, Stanza)
    return stanza


def test_a_stanza_is_its_start_tag_and_bytes() -> None:
    stanza = one(
        "<message from='a@b/c>d' to=\"e'f\" xml:lang='en'><body>x</body><a xmlns='u'/></message>"
    )
    assert (stanza.kind, stanza.type, stanza.id) == ("message", "", "")
    assert stanza.attrs == {"from": "a@b/c>d", "to": "e'f", XML_LANG: "en"}
    assert stanza.children == [f"{ns.COMPONENT} body", "u a"]
    assert stanza.inner == b"<body>x</body><a xmlns='u'/>"
    assert stanza.element.findtext(stanza.named("body")) == "x"
    assert stanza.element.get(f"{{{ns.XML}}}lang") == "en"


@pytest.mark.parametrize(
    "text", ["<iq/>", "<iq />", "<iq></iq >", "<iq a='/>'/>", "<iq a='/>'></iq>"]
)
def test_a_stanza_may_be_empty(text: str) -> None:
    assert one(text).inner == b""


@pytest.mark.parametrize("text", ["<iq>/&gt;</iq>", "<iq\n>/></iq>", "<iq><x/></iq>"])
def test_what_looks_like_an_end_is_none(text: str) -> None:
    assert one(text).inner == text.encode().partition(b">")[2].removesuffix(b"</iq>")


@pytest.mark.parametrize(
    "text, inner",
    [
        ("<iq><db:x/></iq>", b"<x xmlns='urn:db'/>"),
        (
            "<iq xmlns:q='urn:q'><q:x q:y='1'/></iq>",
            b"<x xmlns='urn:q' xmlns:a0='urn:q' a0:y='1'/>",
        ),
        ("<iq><a>db: &amp;</a>t<b/></iq>", b"<a>db: &amp;</a>t<b/>"),
    ],
)
def test_what_is_declared_outside_is_spelled_out(text: str, inner: bytes) -> None:
    assert one(text).inner == inner


def test_other_elements_and_the_end() -> None:
    frames = opened().feed(
        b"<handshake>abc</handshake> \n<stream:error><x/></stream:error></stream:stream>"
    )
    first, second, last = frames
    assert isinstance(first, Nonza) and isinstance(second, Nonza) and isinstance(last, Closed)
    assert (first.name, first.inner) == (f"{ns.COMPONENT} handshake", b"abc")
    assert (second.name, second.children) == (f"{ns.STREAM} error", [f"{ns.COMPONENT} x"])


@pytest.mark.parametrize(
    "text, condition",
    [
        ("<iq></message>", "not-well-formed"),
        ("<iq>&nbsp;</iq>", "not-well-formed"),
        ("<iq><?php?></iq>", "restricted-xml"),
        ("<iq>\0</iq>", "not-well-formed"),
    ],
)
def test_what_can_not_be_read_ends_it(text: str, condition: str) -> None:
    reader = opened()
    *frames, error = reader.feed(b"<message/>" + text.encode())
    assert len(frames) == 1
    assert isinstance(error, StreamError) and error.condition == condition
    assert reader.feed(b"<message/>") == []


def test_no_entities_can_be_declared() -> None:
    [error] = Reader().feed(b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaa'>]><x>&a;</x>")
    assert isinstance(error, StreamError) and error.condition == "restricted-xml"


def test_what_does_not_end_is_bounded() -> None:
    reader = Reader(largest=1_000)
    reader.feed(HEADER.encode())
    frames = [frame for _ in range(20) for frame in reader.feed(b"<message>" + b"x" * 100)]
    [error] = frames
    assert isinstance(error, StreamError) and error.reason == "limit.stanza-size"


def test_a_parser_does_not_read_for_ever() -> None:
    """It remembers each name; what it read of an unfinished stanza, and prefixes, stay."""
    reader = opened()
    before = reader._parser
    parsers = set()
    for number in range(RENEW_BYTES // 400):
        named = f"<n{number} xmlns='u'>{'x' * 1_000}</n{number}>"
        text = f"<message id='{number}'>{named}<db:y/></message>"
        head, tail = text[:500].encode(), text[500:].encode()
        assert reader.feed(head) == []
        [stanza] = reader.feed(tail)
        assert isinstance(stanza, Stanza) and stanza.id == str(number)
        assert stanza.children == [f"u n{number}", "urn:db y"]
        parsers.add(id(reader._parser))
    assert reader._parser is not before and len(parsers) >= 2


names = st.sampled_from(["a", "b", "{urn:x}a", "{urn:y}c", f"{{{ns.XML}}}lang"])
texts = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"
    ),
    max_size=8,
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> Element:
    element = Element(draw(st.sampled_from(["{urn:x}a", "{urn:y}b", f"{{{ns.COMPONENT}}}body"])))
    element.attrib.update(draw(st.dictionaries(names, texts, max_size=3)))
    element.text = draw(texts)
    for child in draw(st.lists(elements(depth - 1), max_size=2)) if depth else ():
        child.tail = draw(texts)
        element.append(child)
    return element


@given(st.lists(elements(), max_size=3), st.integers(1, 40))
def test_it_means_the_same_whatever_the_pieces_and_whoever_wrote_it(
    children: list[Element], size: int
) -> None:
    """Written by ElementTree with prefixes of its own, read, passed on, read again."""
    stanza = Element(f"{{{ns.COMPONENT}}}message", {"id": "1"})
    stanza.extend(children)
    data = tostring(stanza, "utf-8")
    reader = opened()
    frames = []
    for start in range(0, len(data), size):
        frames += reader.feed(data[start : start + size])
    [message] = frames
    assert isinstance(message, Stanza)
    expected = canonicalize(tostring(stanza, "unicode"), rewrite_prefixes=True)
    for inner in (message.inner, tree.content(message.element)):
        passed = b"<message xmlns='%b' id='1'>%b</message>" % (ns.COMPONENT.encode(), inner)
        assert canonicalize(passed.decode(), rewrite_prefixes=True) == expected
    assert message.children == [child.tag.removeprefix("{").replace("}", " ") for child in children]
