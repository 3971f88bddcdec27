"""slixmpp clients in company: each writes down what it is told of its contacts, in order.

    async with there(server, "juliet@capulet.lit/balcony", ...) as (juliet, ...):
        juliet.send_presence_subscription("romeo@capulet.lit")
        await romeo.is_told(("subscribe", "juliet@capulet.lit"))

What slixmpp does by itself where somebody asks for a subscription is off: tests answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from typing import Any, cast
from xml.etree.ElementTree import Element, fromstring

from slixmpp.exceptions import IqError

from tests.support.clients import Client, Reachable, soon
from tests.support.people import C, R, items, short
from tests.support.server import PASSWORD
from xmppd import ns

BEHIND = f"<ping xmlns='{ns.PING}'/>"


class Person(Client):
    """A client whose roster pushes and presence, but for its own, are told one after the other."""

    def __init__(self, jid: str, server: Reachable, *plugins: str, tls: str = "starttls") -> None:
        super().__init__(jid, PASSWORD, server, tls=tls, plugins=plugins)
        self.auto_authorize = None
        self.auto_subscribe = False
        self.news: asyncio.Queue[Element] = asyncio.Queue()
        self.add_filter("in", self._write_down)

    def _write_down(self, stanza: Any) -> Any:
        element = deepcopy(stanza.xml)
        presence = element.tag == f"{C}presence" and element.get("from") != self.boundjid.full
        push = element.get("type") == "set" and element.find(f"{R}query") is not None
        if presence or push:
            self.news.put_nowait(element)
        return stanza

    async def is_told(self, *expected: tuple[str, ...]) -> list[Element]:
        """Wait for these, in short, in whatever order and nothing else before; in this order."""
        came = [await soon(self.news.get()) for _ in expected]
        told = [short(element) for element in came]
        assert sorted(told) == sorted(expected), f"{told} is not {expected}"
        return sorted(came, key=lambda element: expected.index(short(element)))

    def told(self) -> list[tuple[str, ...]]:
        """What has come besides, in short."""
        return [short(self.news.get_nowait()) for _ in range(self.news.qsize())]

    async def ask(self, payload: str, kind: str = "get", to: str | None = None) -> Element:
        """Send an IQ; its answer, an error if it is one."""
        iq = self.make_iq(ito=to, itype=kind)  # type: ignore[no-untyped-call]
        iq.append(fromstring(payload))
        try:
            answer = await soon(iq.send())
        except IqError as error:
            answer = error.iq
        return cast(Element, answer.xml)

    async def contacts(self) -> dict[str, dict[str, Any]]:
        """The whole roster, as `tests.support.people.roster`; pushes come from then on."""
        answer = await self.ask(f"<query xmlns='{ns.ROSTER}'/>")
        assert answer.get("type") == "result"
        return items(answer)


@asynccontextmanager
async def there(server: Reachable, *jids: str) -> AsyncIterator[list[Person]]:
    """These have logged in, read their rosters and are available, one after the other."""
    async with AsyncExitStack() as stack:
        people = []
        for jid in jids:
            people.append(person := await stack.enter_async_context(Person(jid, server)))
            await person.contacts()
            person.send_presence()
            await settled(person)
        yield people


async def settled(*people: Person) -> None:
    """Wait until the server has done with what these have sent, and with what is for them.

    An account is asked behind what it is to act on. What that has made others do comes behind
    the second question.
    """
    for _ in range(2):
        for person in people:
            await person.ask(BEHIND, to=person.boundjid.bare)


async def quiet(*people: Person) -> None:
    """Nobody is told anything more."""
    await settled(*people)
    told = [person.told() for person in people]
    assert not any(told), told


def send(person: Person, kind: str, to: str) -> None:
    """Send a subscription stanza (RFC 6121 §3)."""
    person.send_presence_subscription(to, ptype=kind)


async def subscribe(one: Person, other: Person) -> None:
    """Have one subscribe to another, who grants it; both are available."""
    send(one, "subscribe", other.boundjid.bare)
    await settled(one, other)
    send(other, "subscribed", one.boundjid.bare)
    await settled(other, one)
    one.told(), other.told()


async def befriend(one: Person, other: Person) -> None:
    """Have two who are available subscribe to each other."""
    await subscribe(one, other)
    await subscribe(other, one)
