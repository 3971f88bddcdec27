"""What is forwarded is cut out as it came, however it is written (docs/session-tunnel.md)."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.frames import HEADER, Scribe, frames_of, shape
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.wire import tunneled
from xmppd.wire.framer import Framer
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import XML_LANG, Stanza

NAMESPACES = f"xmlns:t='{ns.TUNNEL}' xmlns:f='{ns.FORWARD}' xmlns='{ns.CLIENT}'"
AS_DEFAULT = f"<session xmlns='{ns.TUNNEL}'>%s</session>"
FORWARDED = f"<forwarded xmlns='{ns.FORWARD}'>%s</forwarded>"


def session(inner: str, attributes: str = "") -> bytes:
    return f"<t:session {NAMESPACES} {attributes}>{inner}</t:session>".encode()


@pytest.mark.parametrize("seed", range(300))
def test_elements_are_cut_as_they_came(seed: int) -> None:
    random = Random(seed)
    scribe = Scribe(random)
    written = [scribe.element({"": ns.CLIENT}) for _ in range(random.randint(0, 4))]
    space = random.choice(("", " ", "\n"))
    inner = "".join(f"<f:forwarded>{space}{e}{space}</f:forwarded>{space}" for e in written)
    assert tunneled.read(session(inner)).items == [e.encode() for e in written]


@pytest.mark.parametrize("seed", range(50))
def test_what_the_client_is_sent_reads_as_it_did_on_tcp(seed: int) -> None:
    """From stanzas to a message of the tunnel and back: the same frames, by way of a component."""
    inner = Scribe(Random(seed)).element({"": ns.CLIENT})
    _, before = frames_of(HEADER, f"<message id='&lt;'>{inner}</message>".encode())
    assert isinstance(before, Stanza)
    content = tunneled.BEGIN + before.render() + tunneled.END
    message = tunneled.message(content * 2, 7)
    framer = Framer(Limits(), content=ns.COMPONENT)
    framer.feed(HEADER.replace(ns.CLIENT.encode(), ns.COMPONENT.encode()))
    (there,) = framer.feed(message.render_in(ns.COMPONENT))
    assert isinstance(there, Stanza)
    items = tunneled.read(there.inner).items
    assert len(items) == 2
    for item in items:
        assert isinstance(item, bytes)
        assert shape(frames_of(HEADER, item)[1]) == shape(before)


def test_a_message_goes_to_a_component_as_it_is() -> None:
    """Nothing in it is written anew for the namespace there, which it names all over."""
    message = tunneled.message(b"<f:forwarded><iq xmlns='jabber:client'/></f:forwarded>")
    assert message.inner in message.render_in(ns.COMPONENT)
    assert b"ask" not in message.inner
    assert b" ask='3'>" in tunneled.message(b"", 3).inner


def test_namespaces_count_and_not_prefixes() -> None:
    iq = f"<iq xmlns='{ns.CLIENT}' type='get'><ping xmlns='{ns.PING}'/></iq>"
    said = tunneled.read((AS_DEFAULT % (FORWARDED % iq)).encode())
    assert said.items == [iq.encode()]


def test_all_that_a_gateway_says_comes_in_its_order() -> None:
    inner = (
        "<t:open to='capulet.lit' xml:lang='it'/><f:forwarded><a/></f:forwarded>"
        "<f:forwarded><b/><c></c></f:forwarded><t:close/><t:lost/>"
    )
    said = tunneled.read(session(inner, "taken='12'"))
    opened, *rest = said.items
    assert isinstance(opened, tunneled.Opened)
    assert opened.attrs == {"to": "capulet.lit", XML_LANG: "it"}
    assert rest == [b"<a/>", b"<b/>", b"<c></c>", tunneled.CLOSED, tunneled.LOST]
    assert said.taken == 12


def test_text_is_what_its_characters_are() -> None:
    inner = "<t:text>&lt;a b='&amp;lt;'&gt;\u2028&#x10ffff;</t:text><t:text/><t:text> </t:text>"
    said = tunneled.read(session(inner + "<f:forwarded><a/></f:forwarded>"))
    assert said.items == ["<a b='&lt;'>\u2028\U0010ffff".encode(), b"", b" ", b"<a/>"]


def test_text_may_end_an_element() -> None:
    inner = "<t:text>a</t:text><t:text end='false'>&lt;b</t:text><t:text end='true'>/&gt;</t:text>"
    items = tunneled.read(session(f"{inner}<t:text end='x'>c</t:text>")).items
    assert items == [b"a", b"<b", b"/>", b"c"]
    assert [type(item) for item in items] == [bytes, tunneled.Part, tunneled.Last, bytes]


def test_a_session_may_say_nothing() -> None:
    assert tunneled.read(session("")) == ([], 0)


@pytest.mark.parametrize(
    "inner",
    [
        b"",
        b"<x/>",
        session("") * 2,
        b"<x/>" + session(""),
        session("<t:pause/>"),
        session("<t:session/>"),
        session("<t:open><a/></t:open>"),
        session("<t:text><a/></t:text>"),
        session("", "taken='1.5'"),
        session("", "taken='1111111111111111'"),
        session("", "taken='\u0661'"),
        # Elements that would be of another namespace where they are read.
        (AS_DEFAULT % (FORWARDED % "<message/>")).encode(),
        (AS_DEFAULT % "<forwarded/>").encode(),
        session("<f:forwarded xmlns='urn:x'><message/></f:forwarded>"),
        session("<f:forwarded xmlns='urn:x'><message a=' b'/></f:forwarded>"),
    ],
)
def test_what_is_wrong_is_refused(inner: bytes) -> None:
    with pytest.raises(StanzaError) as refused:
        tunneled.read(inner)
    assert (refused.value.condition, refused.value.reason) == ("bad-request", "tunnel.malformed")


@pytest.mark.parametrize(
    "element",
    [
        "<message xmlns='urn:y'/>",
        '<message\nxmlns = "urn:y"/>',
        "<y:message xmlns:y='urn:y'/>",
    ],
)
def test_an_element_that_declares_its_own_namespace_may_stand_anywhere(element: str) -> None:
    inner = session(f"<f:forwarded xmlns='urn:x'>{element}</f:forwarded>")
    assert tunneled.read(inner).items == [element.encode()]


REFERENCES = (
    "&lt;",
    "&gt;",
    "&amp;",
    "&#13;",
    "&apos;",
    "&quot;",
    "&#x26;",
    "&#60;",
    ">",
    "'",
    "é",
)


@given(
    st.lists(
        st.sampled_from((*REFERENCES, "a", "lt;", "amp;", "#13;", "\n", "\r", "<![CDATA[&]]>"))
    )
)
def test_text_means_the_same_whether_a_parser_reads_it_or_not(pieces: list[str]) -> None:
    text = "".join(pieces).replace("]]>", "]]&gt;").replace("<![CDATA[&]]&gt;", "<![CDATA[&]]>")
    for end in ("", " end='true'", " end='false'"):
        short = (AS_DEFAULT % f"<text{end}>{text}</text>").encode()
        long = session(f"<t:text{end}>{text}</t:text>")
        assert tunneled.read(short) == tunneled.read(long)
        (read,), (parsed,) = tunneled.read(short).items, tunneled.read(long).items
        assert read.__class__ is parsed.__class__
