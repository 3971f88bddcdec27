"""What stands in stream headers between servers, and in stanzas (RFC 6120 §4.7, §8.1)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from tests.support.federated import Hand, Town, Web
from tests.support.server import Client
from tests.support.server_streams import auth, features, header, message, sasl
from xmppd import ns

CAPULET, MONTAGUE = "capulet.lit", "montague.lit"
JULIET, ROMEO = "juliet@capulet.lit", "romeo@montague.lit"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def one(client: Client) -> Element:
    (element,) = client.elements()
    return element


def known(verona: Town, opened: str) -> Hand:
    """Montague has shown who it is, by this stream header."""
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    hand.send(auth(), opened).take()
    return hand


@pytest.mark.parametrize(
    "stream, stanza, expected",
    [("de", "", "de"), ("de", "fr", "fr"), ("", "fr", "fr"), ("en", "", None), ("", "", None)],
)
def test_a_stream_lends_its_language_to_stanzas_rfc6120_8_1_5(
    stream: str, stanza: str, expected: str | None
) -> None:
    verona = Web().town(CAPULET)
    juliet = verona.log_in("juliet")
    hand = known(verona, header().replace(" from=", f" xml:lang='{stream}' from="))
    hand.send(message().replace(" from=", f" xml:lang='{stanza}' from=" if stanza else " from="))
    assert one(juliet).get(LANG) == expected


def test_what_we_send_keeps_its_language_rfc6120_8_1_5() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(f"<message to='{ROMEO}' xml:lang='it'><body>Dove</body></message>")
    web.settle()
    assert one(romeo).get(LANG) == "it"


DOMAINS = {
    "a U-label": "bücher.example",
    "IPv6": "[2001:db8::7]",
    "IPv4": "192.0.2.7",
    "a label that begins with a digit": "4chan.example",
}


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS.keys())
def test_domains_of_each_kind_talk_rfc6120_4_7_1_4_7_2(domain: str) -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(domain)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(f"<message to='romeo@{domain}'><body>x</body></message>")
    web.settle()
    assert one(romeo).get("from") == f"{JULIET}/x"
    romeo.send(f"<message to='{JULIET}'><body>x</body></message>")
    web.settle()
    assert one(juliet).get("from") == f"romeo@{domain}/x"
    (connection,) = verona.remotes.connections
    assert (connection.stream.remote, connection.by) == (domain, "certificate")


WRITTEN = {
    "an A-label": ("xn--bcher-kva.example", "bücher.example"),
    "capitals": ("BÜCHER.example", "bücher.example"),
    "a dot at the end": ("bücher.example.", "bücher.example"),
    "IPv6, the long way": ("[2001:DB8:0:0::7]", "[2001:db8::7]"),
}


@pytest.mark.parametrize("said, domain", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_domain_is_the_same_however_it_is_written_rfc6120_4_7_1(said: str, domain: str) -> None:
    verona = Web().town(CAPULET)
    juliet = verona.log_in("juliet")
    hand = verona.called(domain).through_tls(said, CAPULET)
    hand.send(auth(said), header(said), message(f"romeo@{said}"))
    assert one(juliet).get("from") == f"romeo@{domain}"
    assert f"to='{domain}'" in hand.log.decode()


def dialled(web: Web) -> tuple[Hand, Client]:
    """A server that the test plays, to which juliet's server has connected."""
    verona = web.town(CAPULET)
    juliet = verona.log_in("juliet")
    played = web.played(MONTAGUE, MONTAGUE)
    juliet.send(f"<message to='{ROMEO}'><body>wherefore</body></message>")
    web.settle()
    (hand,) = played.hands
    return hand, juliet


FIRST = {
    "an error without a header": "<stream:error xmlns:stream='http://etherx.jabber.org/streams'>",
    "the end without a header": "</stream:stream>",
    "another protocol": "HTTP/1.1 400 Bad Request\r\n\r\n<html>",
    "a document type": "<!DOCTYPE a>",
    "another's name": header("verona.lit", CAPULET, id="1") + "<stream:features/>",
}


@pytest.mark.parametrize("said", FIRST.values(), ids=FIRST.keys())
def test_what_is_no_stream_ends_it_and_the_sender_is_told_rfc6120_4_9_1_2(said: str) -> None:
    hand, juliet = dialled(Web())
    hand.send(said)
    error = one(juliet).find(f".//{{{ns.STANZA_ERRORS}}}remote-server-timeout")
    assert error is not None
    assert hand.closed


def test_a_whole_exchange_rfc6120_9_2() -> None:
    """From the first header to the closing tags, each as in the examples of the section."""
    web = Web()
    hand, juliet = dialled(web)
    shown = f"<?xml version='1.0'?><stream:stream xmlns='{ns.SERVER}' xmlns:stream='{ns.STREAM}'"
    assert hand.take().startswith(shown), "§9.2.1, step 1"
    hand.send(header(MONTAGUE, CAPULET, id="one"), features("starttls"))
    assert hand.take() == f"<starttls xmlns='{ns.TLS}'/>"
    hand.send(f"<proceed xmlns='{ns.TLS}'/>")
    assert hand.take().startswith(shown), "§9.2.1, step 7"
    hand.send(header(MONTAGUE, CAPULET, id="two"), features("external"))
    assert hand.take() == auth(CAPULET), "§9.2.2"
    hand.send(sasl("success"))
    assert hand.take().startswith(shown), "§9.2.2, step 11"
    hand.send(header(MONTAGUE, CAPULET, id="three"), "<stream:features/>")
    said = hand.take()
    assert f"from='{JULIET}/x'" in said, "§9.2.3"
    assert f"to='{ROMEO}'" in said, "§8.1.1.2"
    hand.send("</stream:stream>")
    assert hand.take() == "</stream:stream>", "§9.2.4"
    assert hand.closed
    assert juliet.take() == b""
