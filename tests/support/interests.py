"""What clients want to be told of (XEP-0163 §4.2), as they say it by their capabilities."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from components.pubsub.model.node import Address, Node
from components.pubsub.model.settings import PERSONAL
from tests.support.capabilities import INFO, Kind, reply
from tests.support.deferred import result
from tests.support.pubsub import E, Globe, Person
from tests.support.server import DOMAIN
from xmppd import ns
from xmppd.jid import JID

TUNE = "http://jabber.org/protocol/tune"
MOOD = "http://jabber.org/protocol/mood"


def want(person: Person, *nodes: str, show: str = "") -> Person:
    """Have a client show a kind of itself that wants nodes, and answer who asks about it."""
    kind = Kind(ns.DISCO_INFO, *(f"{node}+notify" for node in nodes), node="http://exodus.lit")
    inner = f"<show>{show}</show>" if show else ""
    person.send(f"<presence>{inner}{kind.c}</presence>")
    for stanza in person.came():
        if stanza.get("type") == "get" and stanza.find(INFO) is not None:
            reply(person.client, stanza, kind.info)
        else:
            person.others.append(stanza)
    person.globe.server.clock.advance(0)
    person.globe.pump()
    return person


def node(globe: Globe, name: str, owner: str = "juliet", **settings: Any) -> Node:
    """A node of an account's, set up as is said here and else as such nodes are."""
    account = JID.of(owner, DOMAIN)
    address = Address(account, name)
    making = globe.service.nodes.create(address, PERSONAL.change(**settings), account)
    return result(Deferred.fromCoroutine(making))


def told(person: Person) -> list[tuple[str, str, str]]:
    """Of which items somebody was told since the last look: who has told, the node, the id."""
    found = []
    for event, message in zip(person.events(), person.messages, strict=True):
        for items in event.iterfind(f"{E}items"):
            sender = message.get("from", "").partition("@")[0]
            for item in items:
                retracted = "-" if item.tag == f"{E}retract" else ""
                found.append((sender, items.get("node", ""), retracted + item.get("id", "")))
    return found
