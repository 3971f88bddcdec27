"""RFC 7395 from the outside: messages of a WebSocket in, what the RFC asks for out."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator
from xml.etree.ElementTree import Element, fromstring

import pytest

from tests.support.peers import Ended
from tests.support.server import PASSWORD, condition
from tests.support.web_peers import CLOSE, FRAMING, PING, PONG, TEXT, Web, WebSocketPeer
from xmppd import ns

OPEN = f"<open xmlns='{FRAMING}' to='capulet.lit' version='1.0'/>"
CLOSING = f"<close xmlns='{FRAMING}'/>"
BINARY = 2
STREAM = f"{{{ns.STREAM}}}"
SM = "urn:xmpp:sm:3"
OPENED, CLOSED = f"{{{FRAMING}}}open", f"{{{FRAMING}}}close"
SAY = "<message xmlns='jabber:client' to='{}'><body>{}</body></message>"


@pytest.fixture
def stranger(web: Web) -> Iterator[WebSocketPeer]:
    with web.websocket() as peer:
        yield peer


@pytest.fixture
def juliet(stranger: WebSocketPeer) -> WebSocketPeer:
    return stranger.log_in("juliet", PASSWORD, os.urandom(4).hex())


def auth(name: str) -> str:
    told = b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
    return f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{told}</auth>"


def rest(peer: WebSocketPeer) -> tuple[list[Element], int | None]:
    """All messages until the socket is closed, and the code of that."""
    found: list[Element] = []
    while True:
        try:
            kind, data = peer.heard()
        except Ended:
            return found, None
        if kind == TEXT:
            found.append(fromstring(data))
        elif kind == CLOSE:
            return found, int.from_bytes(data[:2], "big")


def ended(peer: WebSocketPeer) -> str:
    """The condition of the stream error, behind which the stream and the socket are closed."""
    found, code = rest(peer)
    error, close = found[-2:]
    assert error.tag == f"{STREAM}error"
    assert (close.tag, code) == (CLOSED, 1000)
    return condition(error)


# ---------------------------------------------------------------------- 3.1, 3.2


@pytest.mark.parametrize(("offered", "status"), [("xmpp", 101), ("a, xmpp", 101), ("a", 400)])
def test_3_1_the_subprotocol_is_xmpp(web: Web, offered: str, status: int) -> None:
    with WebSocketPeer(web, subprotocol=offered) as peer:
        assert peer.status == status


def test_3_2_messages_are_text(juliet: WebSocketPeer) -> None:
    juliet.frame(BINARY, SAY.format(juliet.jid, "1").encode())
    assert rest(juliet) == ([], 1003)


def test_3_2_and_utf_8(juliet: WebSocketPeer) -> None:
    juliet.frame(TEXT, b"<message xmlns='jabber:client'>\xe9</message>")
    assert rest(juliet) == ([], 1007)


# ---------------------------------------------------------------------- 3.3 framing


def test_3_3_1_3_4_open_is_answered_by_open_and_then_features(stranger: WebSocketPeer) -> None:
    stranger.send(OPEN.replace(" to", " id='mine' to"))
    opened, features = stranger.element(), stranger.element()
    assert opened.tag == OPENED
    assert (opened.get("from"), opened.get("version")) == ("capulet.lit", "1.0")
    assert len(opened.get("id", "")) >= 16
    assert opened.get("{http://www.w3.org/XML/1998/namespace}lang")
    assert features.tag == f"{STREAM}features"


@pytest.mark.parametrize("said", ["<open to='capulet.lit'/>", "<open xmlns='jabber:client'/>"])
def test_3_3_2_a_header_of_another_namespace(stranger: WebSocketPeer, said: str) -> None:
    stranger.send(said)
    assert ended(stranger) == "invalid-namespace"


@pytest.mark.parametrize("said", ["<open/>", "<close/>", "<close xmlns='jabber:client'/>"])
def test_3_3_2_and_in_the_middle_of_a_stream(juliet: WebSocketPeer, said: str) -> None:
    juliet.closes = False
    juliet.send(said)
    assert condition(juliet.element()) == "invalid-namespace"


@pytest.mark.parametrize(
    "said",
    [
        "<message xmlns='jabber:client'>",
        "<message xmlns='jabber:client'><body>",
        "<message xmlns='jabber:client'/><message xmlns='jabber:client'/>",
        f"{SAY.format('a@capulet.lit', '1')}<r xmlns='{SM}'/>",
        "</message>",
        "</stream:stream>",
        "<message xmlns='jabber:client'/>soft",
        f"<message xmlns='jabber:client'/>{SAY.format('a@capulet.lit', 'x' * 40_000)}",
    ],
    ids=lambda said: said[-40:],
)
def test_3_3_3_a_message_is_one_element_whole(juliet: WebSocketPeer, said: str) -> None:
    juliet.send(said)
    assert ended(juliet) in ("not-well-formed", "bad-format")


@pytest.mark.parametrize("said", [" ", "soft", f" {SAY.format('a@capulet.lit', '1')}", ""])
def test_3_3_3_3_8_the_first_character_is_that_of_a_tag(juliet: WebSocketPeer, said: str) -> None:
    juliet.send(said)
    assert ended(juliet) == "bad-format"


def test_3_3_3_an_xml_declaration_does_no_harm(stranger: WebSocketPeer) -> None:
    declared = "<?xml version='1.0'?>"
    stranger.send(declared + OPEN)
    assert [stranger.element().tag for _ in range(2)] == [OPENED, f"{STREAM}features"]


def test_3_3_3_each_element_declares_its_namespaces(juliet: WebSocketPeer) -> None:
    juliet.send(f"<message to='{juliet.jid}'><body>1</body></message>")
    kind, data = juliet.heard()
    assert (kind, data.startswith(b"<message xmlns='jabber:client'")) == (TEXT, True)


def test_3_3_3_fragments_are_one_message(juliet: WebSocketPeer) -> None:
    data = SAY.format(juliet.jid, "1").encode()
    juliet.frame(TEXT, data[:9], fin=False)
    juliet.frame(0, data[9:])
    assert juliet.element().findtext(f"{{{ns.CLIENT}}}body") == "1"


# ---------------------------------------------------------------------- 3.4 to 3.7 streams


@pytest.mark.parametrize("said", [SAY.format("a@capulet.lit", "1"), f"<auth xmlns='{ns.SASL}'/>"])
def test_3_4_open_comes_first(stranger: WebSocketPeer, said: str) -> None:
    stranger.send(said)
    assert ended(stranger) == "bad-format"


def test_3_5_an_error_at_the_beginning_stands_behind_open(stranger: WebSocketPeer) -> None:
    stranger.send(OPEN.replace("capulet", "nowhere"))
    (opened, error, close), code = rest(stranger)
    assert [opened.tag, error.tag, close.tag, code] == [OPENED, f"{STREAM}error", CLOSED, 1000]
    assert condition(error) == "host-unknown"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (OPEN.replace("capulet.lit", "nowhere.lit"), "host-unknown"),  # RFC 6120 §4.9.1.3
        (OPEN.replace("capulet.lit", "juliet@capulet.lit"), "improper-addressing"),
        (OPEN.replace(" to='capulet.lit'", ""), "improper-addressing"),
        (OPEN.replace("1.0", "one"), "unsupported-version"),
    ],
    ids=["unknown", "account", "none", "version"],
)
def test_3_4_3_5_such_an_open_has_all_attributes(
    stranger: WebSocketPeer, said: str, expected: str
) -> None:
    stranger.send(said.replace(" version", " from='juliet@capulet.lit/balcony' version"))
    (opened, error, _), _ = rest(stranger)
    assert condition(error) == expected
    told = [opened.get(name) for name in ("from", "to", "version")]
    assert told == ["capulet.lit", "juliet@capulet.lit", "1.0"]
    assert opened.get("id")
    assert opened.get("{http://www.w3.org/XML/1998/namespace}lang")


def test_3_5_an_error_later_ends_the_stream(juliet: WebSocketPeer) -> None:
    juliet.send("<nonsense xmlns='urn:x'/>")
    assert ended(juliet) == "unsupported-stanza-type"


def test_3_6_a_stream_that_is_closed_as_soon_as_it_is_opened(stranger: WebSocketPeer) -> None:
    stranger.send(OPEN, CLOSING)
    found, code = rest(stranger)
    assert (found[0].tag, found[-1].tag, code) == (OPENED, CLOSED, 1000)


def test_3_6_what_was_asked_is_answered_before_the_end(juliet: WebSocketPeer) -> None:
    """RFC 6120 §4.4, as on TCP."""
    asks = "<iq xmlns='jabber:client' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"
    juliet.send(f"<enable xmlns='{SM}'/>", asks, f"<r xmlns='{SM}'/>", CLOSING)
    tags = [each.tag.rpartition("}")[2] for each in rest(juliet)[0]]
    assert [tag for tag in tags if tag != "r"] == ["enabled", "iq", "a", "close"]


def test_3_6_who_closes_the_stream_closes_the_socket(juliet: WebSocketPeer) -> None:
    juliet.closes = False
    juliet.send(CLOSING)
    assert juliet.element().tag == CLOSED
    juliet.frame(PING, b"still there?")
    assert juliet.heard() == (PONG, b"still there?")
    juliet.frame(CLOSE, (1001).to_bytes(2, "big"))
    assert juliet.heard() == (CLOSE, (1001).to_bytes(2, "big"))
    with pytest.raises(Ended):
        juliet.heard()


def test_3_6_the_socket_is_closed_when_both_have_closed_the_stream(juliet: WebSocketPeer) -> None:
    juliet.closes = False
    juliet.send("<nonsense xmlns='urn:x'/>")
    while fromstring(juliet.heard()[1]).tag != CLOSED:
        pass
    juliet.frame(PING, b"still there?")
    assert juliet.heard() == (PONG, b"still there?")
    juliet.send(CLOSING)
    assert juliet.heard() == (CLOSE, (1000).to_bytes(2, "big"))


def test_3_6_a_socket_that_breaks_may_be_resumed(web: Web) -> None:
    with web.websocket() as first:
        first.log_in("romeo", PASSWORD, "orchard")
        first.send(f"<enable xmlns='{SM}' resume='true'/>")
        enabled = first.element()
    with web.websocket() as second:
        second.open()
        second.send(auth("romeo"))
        assert second.element().tag == f"{{{ns.SASL}}}success"
        second.open()
        second.send(f"<resume xmlns='{SM}' h='0' previd='{enabled.get('id')}'/>")
        assert second.element().tag == f"{{{SM}}}resumed"


def test_3_6_and_a_stream_that_was_closed_may_not(web: Web) -> None:
    with web.websocket() as first:
        first.log_in("romeo", PASSWORD, "orchard")
        first.send(f"<enable xmlns='{SM}' resume='true'/>", CLOSING)
        enabled, close = first.element(), first.element()
        assert close.tag == CLOSED
    with web.websocket() as second:
        second.open()
        second.send(auth("romeo"))
        second.element()
        second.open()
        second.send(f"<resume xmlns='{SM}' h='0' previd='{enabled.get('id')}'/>")
        assert second.element().tag == f"{{{SM}}}failed"


@pytest.mark.parametrize(
    "said", [OPEN.replace("xmlns=", "x="), "<stream:stream to='capulet.lit'>", CLOSING]
)
def test_3_7_behind_success_comes_open_and_nothing_else(stranger: WebSocketPeer, said: str) -> None:
    stranger.open()
    stranger.send(auth("juliet"))
    assert stranger.element().tag == f"{{{ns.SASL}}}success"
    stranger.send(said)
    found, code = rest(stranger)
    assert (found[-1].tag, code) == (CLOSED, 1000)
    assert f"{STREAM}features" not in [each.tag for each in found]


def test_3_7_open_in_the_middle_is_an_error(juliet: WebSocketPeer) -> None:
    juliet.send(OPEN)
    assert ended(juliet)


# ---------------------------------------------------------------------- 3.8 to 3.10


def test_3_8_pings_of_both_kinds(juliet: WebSocketPeer) -> None:
    juliet.frame(PING, b"1")
    assert juliet.heard() == (PONG, b"1")
    assert juliet.ask("<ping xmlns='urn:xmpp:ping'/>").get("type") == "result"


def test_3_9_tls_is_no_feature(stranger: WebSocketPeer) -> None:
    offered = {child.tag for child in stranger.open()}
    assert offered
    assert not any("tls" in name for name in offered)
    stranger.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    assert rest(stranger)[0][-1].tag == CLOSED


def test_3_10_what_was_said_is_acknowledged(juliet: WebSocketPeer) -> None:
    juliet.send(f"<enable xmlns='{SM}'/>", "<presence xmlns='jabber:client'/>")
    juliet.send(f"<r xmlns='{SM}'/>")
    while (answer := juliet.element()).tag != f"{{{SM}}}a":
        pass
    assert answer.get("h") == "1"
