"""A stanza is written once and reads the same to whoever receives it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.frames import (
    CLOSE,
    HEADER,
    Scribe,
    contents,
    frames_of,
    infoset,
    read_by_expat,
    read_by_lxml,
)
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.wire import canonical
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Nonza, Stanza

ROMEO = JID("romeo@montague.lit/orchard & 'wall' <1>")
JULIET = JID('juliet@capulet.lit/é "balcony"')
NURSE = JID("nurse@capulet.lit")
COMPONENT_HEADER = HEADER.replace(b"jabber:client", ns.COMPONENT.encode())


def received(data: bytes, content: str = ns.CLIENT) -> Stanza:
    """`data` as another framer cuts it."""
    header = HEADER.replace(ns.CLIENT.encode(), content.encode())
    frames = frames_of(header, data, content=content, limits=Limits(stanza=1_000_000))
    assert isinstance(frames[-1], Stanza), frames
    assert len(frames) == 2
    return frames[-1]


def stanzas(random: Random) -> list[Stanza]:
    frames = contents(frames_of(Scribe(random).document()))
    return [f for f in frames if isinstance(f, Stanza)]


def meaning(data: bytes, content: str = ns.CLIENT) -> tuple[object, ...]:
    root = b"<x xmlns='%b'>%b</x>" % (content.encode(), data)
    read = infoset(read_by_lxml(root)[0])
    assert read == infoset(read_by_expat(root)[0])
    return read


@given(st.randoms(use_true_random=True))
@settings(max_examples=200)
def test_rendering_replaces_the_addresses_and_nothing_else(random: Random) -> None:
    for stanza in stanzas(random):
        name, attributes, content = infoset(stanza.element)
        stanza.sender, stanza.to = ROMEO, JULIET
        assert meaning(stanza.render()) == (
            name,
            attributes | {"from": str(ROMEO), "to": str(JULIET)},
            content,
        )


@given(st.randoms(use_true_random=True))
@settings(max_examples=200)
def test_delivery_through_another_server_changes_nothing(random: Random) -> None:
    for stanza in stanzas(random):
        stanza.sender, stanza.to = ROMEO, JULIET
        once = received(stanza.render())
        assert once.children == stanza.children
        once.sender, once.to = ROMEO, JULIET
        twice = received(once.render())
        twice.sender, twice.to = ROMEO, JULIET
        assert meaning(once.render()) == meaning(stanza.render())
        assert twice.render() == once.render()


@given(st.randoms(use_true_random=True))
@settings(max_examples=200)
def test_the_slow_path_means_what_the_fast_path_does(random: Random) -> None:
    for stanza in stanzas(random):
        rewritten = canonical.rewrite(
            stanza.inner,
            scope={"": ns.CLIENT},
            content=ns.CLIENT,
            target=ns.CLIENT,
            limit=1_000_000,
        )
        assert meaning(stanza.with_inner(rewritten, stanza.children).render()) == meaning(
            stanza.render()
        )
        again = canonical.rewrite(
            rewritten, scope={"": ns.CLIENT}, content=ns.CLIENT, target=ns.CLIENT, limit=1_000_000
        )
        assert again == rewritten


def mapped(element: tuple[object, ...], target: str, own: bool = True) -> tuple[object, ...]:
    """What RFC 6120 §4.8.3 makes of an element on a stream of another content namespace."""
    tag, attributes, content = element
    assert isinstance(tag, str) and isinstance(content, list)
    own = own and tag.startswith(f"{{{ns.CLIENT}}}")
    tag = tag.replace(f"{{{ns.CLIENT}}}", f"{{{target}}}") if own else tag
    return (
        tag,
        attributes,
        [mapped(c, target, own) if isinstance(c, tuple) else c for c in content],
    )


@pytest.mark.parametrize("target", [ns.COMPONENT, ns.SERVER])
@given(st.randoms(use_true_random=True))
@settings(max_examples=200)
def test_the_content_namespace_becomes_the_receivers(target: str, random: Random) -> None:
    for stanza in stanzas(random):
        stanza.sender, stanza.to = ROMEO, JULIET
        there = stanza.render_in(target)
        expected = mapped(infoset(stanza.element), target)
        name, attributes, content = meaning(there, target)
        assert attributes == expected[1] | {"from": str(ROMEO), "to": str(JULIET)}
        assert (name, content) == (expected[0], expected[2])
        assert isinstance(received(there, target), Stanza)


FORWARDED = (
    b"<message><body>see</body><forwarded xmlns='urn:xmpp:forward:0'>"
    b"<message xmlns='jabber:client' to='nurse@capulet.lit'><body>O!</body></message>"
    b"</forwarded></message>"
)


@pytest.mark.parametrize("target", [ns.COMPONENT, ns.SERVER])
def test_a_forwarded_stanza_stays_a_clients(target: str) -> None:
    """XEP-0297 §4: what is forwarded keeps its own content namespace."""
    there = received(received(FORWARDED).render_in(target), target)
    assert there.children == [f"{target} body", "urn:xmpp:forward:0 forwarded"]
    inner = there.element.find(f".//{{{ns.CLIENT}}}message")
    assert inner is not None
    assert inner.findtext(f"{{{ns.CLIENT}}}body") == "O!"


@pytest.mark.parametrize("namespace", ["jabber:client", "&#106;abber:client", "jabber&#x3A;client"])
@pytest.mark.parametrize("way", ["='{}'", '="{}"', " =\n '{}'", "='{}' xmlns:p='urn:p' p:a=''"])
def test_a_content_namespace_spelled_out_is_mapped_however_it_is_spelled(
    namespace: str, way: str
) -> None:
    said = f"<message><body xmlns{way.format(namespace)}>O!</body></message>"
    there = received(received(said.encode()).render_in(ns.SERVER), ns.SERVER)
    assert there.children == [f"{ns.SERVER} body"]


@pytest.mark.parametrize(
    "inner",
    [
        "<body>a&#13;\n</body><x xmlns='urn:x' title='&#9;'><y/></x>",
        "<x xmlns='urn:x' xmlns:p='urn:p' p:title=''><y></y></x>",
        "<x xmlns='urn:x'>&lt;p:y xmlns:p='urn:p'/> a:b</x>",
    ],
    ids=["references", "attributes with a prefix", "text that looks like either"],
)
def test_what_means_the_same_there_is_not_written_anew(inner: str) -> None:
    """That takes several times as long as all else: it may have very many elements."""
    stanza = received(f"<message>{inner}</message>".encode())
    assert stanza.render_in(ns.COMPONENT) == f"<message>{inner}</message>".encode()


@pytest.mark.parametrize("target", [ns.COMPONENT, ns.SERVER])
def test_what_is_forwarded_with_a_prefix_stays_a_clients_too(target: str) -> None:
    forwarded = (
        b"<message><f:forwarded xmlns:f='urn:xmpp:forward:0'><message><body>O!</body></message>"
        b"</f:forwarded></message>"
    )
    there = received(received(forwarded).render_in(target), target)
    assert there.children == ["urn:xmpp:forward:0 forwarded"]
    assert there.element.find(f".//{{{ns.CLIENT}}}body") is not None


def test_from_a_component_to_a_client() -> None:
    stanza = received(b"<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>", ns.COMPONENT)
    assert stanza.content == ns.COMPONENT
    stanza.to = JULIET
    assert received(stanza.render_in(ns.CLIENT)).children == ["jabber:iq:roster query"]
    own = received(
        b"<message><c:body xmlns:c='jabber:component:accept'>O!</c:body></message>", ns.COMPONENT
    )
    assert received(own.render_in(ns.CLIENT)).children == [f"{ns.CLIENT} body"]


def test_rendering_in_its_own_namespace_changes_no_byte() -> None:
    stanza = received(FORWARDED)
    assert stanza.render_in(ns.CLIENT) == stanza.render()
    assert stanza.inner in stanza.render_in(ns.CLIENT)


def test_a_stanza_that_would_explode_there_is_refused() -> None:
    long = b"<x xmlns:a='jabber:%b'>%b</x>" % (b"x" * 500, b"<a:b/>" * 6_000)
    stanza = received(b"<message>%b</message>" % long)
    with pytest.raises(StanzaError, match="policy-violation"):
        stanza.render_in(ns.COMPONENT)


@pytest.mark.parametrize(
    "special", ["&", "<", ">", "'", '"', "\t", "\n", "\r", "\u2028", "\x85", "\N{ROSE}"]
)
def test_every_attribute_arrives_as_it_is(special: str) -> None:
    value = f"{special}a{special}{special}b{special}"
    attrs = {
        "id": value,
        "type": value,
        f"{ns.XML} lang": value,
        "rose": value,
        "urn:montague rose": value,
        "urn:capulet rose": value,
        f"{ns.XML} base": value,
    }
    stanza = Stanza("message", attrs, [], b"")
    assert received(stanza.render()).attrs == attrs
    assert received(stanza.with_inner(b"<body/>", []).render()).attrs == attrs


def test_namespaces_of_attributes_are_escaped() -> None:
    attrs = {"urn:'&<> rose": "1"}
    assert received(Stanza("iq", attrs, [], b"").render()).attrs == attrs


def test_a_broadcast_differs_in_the_address_only() -> None:
    stanza = received(b"<presence to='x'><show>away</show></presence>")
    stanza.sender = ROMEO
    for to in (JULIET, NURSE, ROMEO):
        sent = received(stanza.addressed(to).render())
        assert sent.attrs == {"from": str(ROMEO), "to": str(to)}
        assert sent.inner == stanza.inner
        stanza.to = to
        assert stanza.render() == stanza.addressed(to).render()


def test_no_address_is_invented() -> None:
    stanza = received(b"<message from='tybalt@capulet.lit' to='romeo@montague.lit'/>")
    assert stanza.render() == b"<message/>"
    other = stanza.with_attrs(stanza.attrs)
    other.sender = NURSE
    assert other.render() == b"<message from='nurse@capulet.lit'/>"


def test_rewriting_makes_another_stanza() -> None:
    """Rule 1 of stanza.py: what others may hold is never edited."""
    stanza = received(b"<message id='1'><body>O!</body></message>")
    stanza.sender, stanza.to = ROMEO, JULIET
    before = stanza.render()
    other = stanza.with_attrs({"id": "2"})
    third = stanza.with_inner(b"<x xmlns='urn:x'/>", ["urn:x x"])
    other.attrs["type"] = "chat"
    assert stanza.render() == before
    assert received(other.render()).id == "2"
    assert received(other.render()).type == "chat"
    assert received(third.render()).children == ["urn:x x"]
    assert (other.sender, other.to, third.sender, third.to) == (ROMEO, JULIET, ROMEO, JULIET)


def test_no_content_shows_in_a_log() -> None:
    stanza = received(b"<message><body>secret</body></message>")
    assert "secret" not in repr(stanza)
    nonza = frames_of(HEADER, b"<auth xmlns='urn:x'>secret</auth>")[1]
    assert isinstance(nonza, Nonza)
    assert nonza.text == "secret"
    assert "secret" not in repr(nonza)


def test_text_of_a_nonza_is_its_own() -> None:
    for data, text in (
        (b"<a xmlns='urn:x'/>", ""),
        (b"<a xmlns='urn:x'>x<b>y</b>z</a>", "x"),
        (b"<a xmlns='urn:x'>&#120;<![CDATA[<y>]]></a>", "x<y>"),
    ):
        nonza = frames_of(HEADER, data)[1]
        assert isinstance(nonza, Nonza)
        assert nonza.text == text
        assert nonza.namespace == "urn:x"


def test_the_xml_namespace_keeps_its_prefix_where_content_is_rewritten() -> None:
    """No other spelling of it is allowed (Namespaces in XML §3); readers end their stream."""
    stanza = received(b"<message><![CDATA[a]]><xml:b xml:lang='it'><c/></xml:b></message>")
    assert meaning(stanza.render())[2] == [
        "a",
        (f"{{{ns.XML}}}b", {f"{{{ns.XML}}}lang": "it"}, ["", (f"{{{ns.CLIENT}}}c", {}, [""]), ""]),
        "",
    ]
    assert CLOSE not in stanza.render()
