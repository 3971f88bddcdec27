"""What every component answers for itself: XEP-0030, XEP-0199, XEP-0092, XEP-0054."""

from __future__ import annotations

import pytest

from components.common.about import About, introduce
from components.common.disco import Disco, Identity, Info, Item, items_tag
from components.common.stanza import Stanza
from tests.support.kit import DOMAIN, Server, iq
from xmppd import __version__, ns
from xmppd.errors import StanzaError

ECHO = About(Identity("client", "bot", "Echo & co"), description="Sends it back")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def disco(server: Server) -> Disco:
    disco = introduce(server.component(), ECHO)
    server.let_in()
    return disco


def answer(server: Server, payload: str, to: str = DOMAIN) -> str:
    """What stands in the answer."""
    server.send(iq("get", payload, to=to))
    return server.take().decode().partition(">")[2].removesuffix("</iq>")


def test_it_says_what_it_is_and_can(server: Server, disco: Disco) -> None:
    """XEP-0030 §3.1."""
    disco.add("urn:z")
    disco.forms.append(b"<x xmlns='jabber:x:data' type='result'/>")
    features = sorted([ns.DISCO_INFO, ns.DISCO_ITEMS, ns.PING, ns.VERSION, ns.VCARD, "urn:z"])
    assert answer(server, f"<query xmlns='{ns.DISCO_INFO}'/>") == (
        f"<query xmlns='{ns.DISCO_INFO}'>"
        "<identity category='client' type='bot' name='Echo &amp; co'/>"
        + "".join(f"<feature var='{feature}'/>" for feature in features)
        + "<x xmlns='jabber:x:data' type='result'/></query>"
    )


def test_it_has_no_items_but_those_that_it_is_given(server: Server, disco: Disco) -> None:
    """XEP-0030 §4.1."""
    query = f"<query xmlns='{ns.DISCO_ITEMS}'"
    assert answer(server, f"{query}/>") == f"{query}/>"
    room = Item(f"room@{DOMAIN}", "Room")
    listed = f"><item jid='room@{DOMAIN}' name='Room'/></query>"
    disco.items(lambda stanza, node: items_tag([room], node))
    assert answer(server, f"{query}/>") == f"{query}{listed}"
    assert "<item-not-found " in answer(server, f"{query} node='n'/>")
    disco.items(lambda stanza, node: items_tag([room], node), nodes=True)
    assert answer(server, f"{query} node='n'/>") == f"{query} node='n'{listed}"


def test_the_items_of_nodes_are_none_or_not_found(server: Server, disco: Disco) -> None:
    """XEP-0030 §7: a node that is not there has no empty list."""
    disco.node("known", lambda: Info(features=["urn:a"]))
    query = f"<query xmlns='{ns.DISCO_ITEMS}'"
    assert answer(server, f"{query} node='known'/>") == f"{query} node='known'/>"
    assert "<item-not-found " in answer(server, f"{query} node='other'/>")
    assert answer(server, f"{query} node=''/>") == f"{query}/>"


def test_nodes_are_known_or_not_found(server: Server, disco: Disco) -> None:
    """XEP-0030 §3.2, §7."""
    disco.node("known", lambda: Info(features=["urn:a"]))
    query = f"<query xmlns='{ns.DISCO_INFO}'"
    assert answer(server, f"{query} node='known'/>") == (
        f"{query} node='known'><feature var='urn:a'/></query>"
    )
    assert "<item-not-found " in answer(server, f"{query} node='other'/>")


def test_addresses_have_answers_of_their_own(server: Server, disco: Disco) -> None:
    query = f"<query xmlns='{ns.DISCO_INFO}'"
    assert "<service-unavailable " in answer(server, f"{query}/>", f"room@{DOMAIN}")

    async def info(stanza: Stanza, node: str) -> bytes:
        if stanza.to.local != "room":
            raise StanzaError("item-not-found", reason="stanza.node")
        return Info([Identity("conference", "text")]).tag(node).render()

    disco.addresses(info, lambda stanza, node: items_tag([], node))
    assert "category='conference'" in answer(server, f"{query}/>", f"room@{DOMAIN}")
    assert "<item-not-found " in answer(server, f"{query}/>", f"other@{DOMAIN}")
    assert "<item-not-found " in answer(server, f"{query} node='n'/>", f"room@{DOMAIN}")
    assert "category='client'" in answer(server, f"{query}/>")


def test_it_answers_pings(server: Server, disco: Disco) -> None:
    """XEP-0199 §4."""
    assert answer(server, f"<ping xmlns='{ns.PING}'/>") == ""
    assert answer(server, f"<ping xmlns='{ns.PING}'/>", f"room@{DOMAIN}") == ""


def test_it_tells_its_version(server: Server, disco: Disco) -> None:
    """XEP-0092 §3."""
    assert answer(server, f"<query xmlns='{ns.VERSION}'/>") == (
        f"<query xmlns='{ns.VERSION}'><name>xmppd</name><version>{__version__}</version></query>"
    )


def test_it_has_a_vcard(server: Server, disco: Disco) -> None:
    """XEP-0054 §3."""
    assert answer(server, f"<vCard xmlns='{ns.VCARD}'/>") == (
        f"<vCard xmlns='{ns.VCARD}'><FN>Echo &amp; co</FN><DESC>Sends it back</DESC></vCard>"
    )


def test_addresses_may_have_nodes(server: Server, disco: Disco) -> None:
    disco.addresses(
        lambda stanza, node: Info().tag(node), lambda stanza, node: items_tag([], node), nodes=True
    )
    for query in (f"<query xmlns='{each}' node='n'/>" for each in (ns.DISCO_INFO, ns.DISCO_ITEMS)):
        assert answer(server, query, f"room@{DOMAIN}") == query
