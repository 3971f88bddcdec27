"""Items of XEP-0060's own play, and nodes set up as a test wants them."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import pytest
from twisted.internet.defer import Deferred

from components.pubsub.life.nodes import defaults
from components.pubsub.model.item import Item
from components.pubsub.model.node import Address, Node
from tests.support.deferred import result
from tests.support.held import Held as Held
from tests.support.held import held as held
from tests.support.pubsub import PUBSUB, E, Globe, P, Person
from xmppd.jid import JID

SERVICE = JID.parse("pubsub.shakespeare.lit")
HAMLET = JID.parse("hamlet@denmark.lit")
BLOGBOT = JID.parse("hamlet@denmark.lit/blogbot")
HORATIO = JID.parse("horatio@denmark.lit/mobile")
ENTRY = b"<entry xmlns='http://www.w3.org/2005/Atom'><title>Soliloquy</title></entry>"


def entry(id_: str, publisher: JID = BLOGBOT, at: float = 1603.0, payload: bytes = ENTRY) -> Item:
    """An item that has yet to be published."""
    return Item(id_, publisher, at, payload)


def opened(owner: Person, name: str = "play", to: str = PUBSUB, **settings: Any) -> Node:
    """A node of somebody's, set up by the names of `Settings`, and as in most otherwise."""
    address = Address(JID.parse(to), name)
    wanted = defaults(address).change(**settings)
    return done(owner, owner.globe.service.nodes.create(address, wanted, owner.jid))


def opens(globe: Globe, monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """The addresses of the nodes that are opened from now on."""
    opened: list[Address] = []
    open_ = globe.service.nodes.open

    def counted(address: Address) -> object:
        opened.append(address)
        return open_(address)

    monkeypatch.setattr(globe.service.nodes, "open", counted)
    return opened


def done(person: Person, work: Any) -> Any:
    """What a coroutine gives, once all that it asked for has come."""
    deferred = Deferred.fromCoroutine(work)
    person.globe.pump()
    return result(deferred)


def told(person: Person) -> list[tuple[str, ...]]:
    """The events that came to somebody: each as node, and what became of which items.

    `("play", "item 1")`; `"item 1 <act>"` where its payload came along, by the payload's own name.
    """
    return [_event(each) for each in person.events()]


def _event(event: Element) -> tuple[str, ...]:
    (what,) = event
    kind = what.tag.removeprefix(E)
    inner = [_inner(each) for each in what]
    return (what.get("node", ""), *(inner if kind == "items" else (kind,)))


def _inner(what: Element) -> str:
    said = [what.tag.removeprefix(E), what.get("id", ""), what.get("publisher", "")]
    said += [f"<{payload.tag.rpartition('}')[2]}>" for payload in what]
    return " ".join(filter(None, said))


def given(answer: Element) -> list[str]:
    """The ids of the items in an answer."""
    assert answer.get("type") == "result", [each.tag for each in answer.iter()]
    return [each.get("id", "") for each in answer.iterfind(f"{P}pubsub/{P}items/{P}item")]
