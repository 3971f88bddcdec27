"""People at servers that federate, by slixmpp: what they do and learn across servers.

    async with here(citizen("juliet", xmppd), citizen("romeo", peer)) as (juliet, romeo):
        await exchange(juliet, romeo)

What servers of other makes tell their users besides is passed over: it is not what is tested.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from typing import Any
from xml.etree.ElementTree import Element

from tests.support.clients import soon
from tests.support.company import Person, send, settled
from tests.support.conference import ENTER, INSTANT
from tests.support.federation import Federated
from tests.support.people import C, short
from tests.support.server import condition
from xmppd import ns

NOT_REACHED = ("remote-server-not-found", "remote-server-timeout")
"""What is answered where there is no stream to a domain (RFC 6120 §10.4, §4.9); both are in use
for whatever is wrong with its certificate."""


class Citizen(Person):
    """A client at a server that federates, which it talks to without TLS."""

    def __init__(self, jid: str, server: Federated, *plugins: str) -> None:
        super().__init__(jid, server, *plugins, tls="none")
        self.notices: asyncio.Queue[Element] = asyncio.Queue()
        """Messages of all kinds."""
        self.add_filter("in", self._note)

    def _note(self, stanza: Any) -> Any:
        if stanza.xml.tag == f"{C}message":
            self.notices.put_nowait(deepcopy(stanza.xml))
        return stanza

    @property
    def bare(self) -> str:
        return str(self.boundjid.bare)

    @property
    def full(self) -> str:
        return str(self.boundjid.full)

    async def learns(self, *expected: tuple[str, ...]) -> None:
        """Wait until all these have come of contacts, in short, whatever comes besides."""
        missing = set(expected)
        while missing:
            try:
                missing.discard(short(await soon(self.news.get())))
            except TimeoutError:
                raise AssertionError(f"{self.bare} was not told {missing}") from None

    async def notices_one(self, matches: Callable[[Element], bool]) -> Element:
        """Wait for a message, whatever others come before."""
        while not matches(message := await soon(self.notices.get())):
            pass
        return message

    async def hears_of(self, body: str, sender: str) -> Element:
        """Wait for a message with this body from somebody, be it one that was said in a room."""
        return await self.notices_one(
            lambda message: (
                message.get("from") == sender
                and message.get("type") != "error"
                and message.findtext(f"{C}body") == body
            )
        )

    async def stands(self, contact: str) -> str:
        """The state of a contact's subscription, "" where it is none of the roster's."""
        item = (await self.contacts()).get(contact, {})
        return str(item.get("subscription", "")) + ("+ask" if item.get("ask") else "")

    async def enters(self, room: str, nick: str) -> None:
        """Enter a room (XEP-0045 §7.2), and wait until one is in."""
        self.enter(room, nick)
        await self.learns(("available", f"{room}/{nick}"))

    def enter(self, room: str, nick: str) -> None:
        self.send_raw(f"<presence to='{room}/{nick}'>{ENTER}</presence>")

    async def opens(self, room: str, nick: str) -> None:
        """Make a room, and let others in (XEP-0045 §10.1.2)."""
        await self.enters(room, nick)
        answer = await self.ask(INSTANT, "set", to=room)
        assert answer.get("type") == "result", condition(answer)


def citizen(name: str, server: Federated, domain: str = "", *plugins: str) -> Citizen:
    return Citizen(f"{name}@{domain or server.domain}/street", server, *plugins)


@asynccontextmanager
async def here(*people: Citizen) -> AsyncIterator[tuple[Citizen, ...]]:
    """These are logged in and available."""
    async with AsyncExitStack() as stack:
        for person in people:
            await stack.enter_async_context(person)
            await person.contacts()
            person.send_presence()
            await settled(person)
        yield people


async def exchange(one: Citizen, other: Citizen) -> None:
    """Each says something that the other hears."""
    for speaker, hearer in ((one, other), (other, one)):
        speaker.say(hearer.full, "Well met!")
        await hearer.hears_of("Well met!", speaker.full)


async def together(one: Citizen, other: Citizen) -> None:
    """Both say something at the same time."""
    one.say(other.full, "Art thou there?")
    other.say(one.full, "Art thou there?")
    await one.hears_of("Art thou there?", other.full)
    await other.hears_of("Art thou there?", one.full)


async def is_refused(speaker: Citizen, hearer: Citizen, conditions: tuple[str, ...]) -> None:
    """What one says comes back with one of these conditions, and the other never hears it."""
    speaker.say(hearer.bare, "Do you bite your thumb at us?")
    answer = await speaker.notices_one(lambda message: message.get("type") == "error")
    assert answer.get("from") == hearer.bare
    assert condition(answer) in conditions
    assert hearer.notices.empty()


async def forget(one: Citizen, other: Citizen) -> None:
    """Have neither in the other's roster."""
    for user, contact in ((one, other), (other, one)):
        item = f"<item jid='{contact.bare}' subscription='remove'/>"
        await user.ask(f"<query xmlns='{ns.ROSTER}'>{item}</query>", "set")


async def subscribe(one: Citizen, other: Citizen) -> None:
    """One asks, the other grants it, and is seen (RFC 6121 §3.1)."""
    send(one, "subscribe", other.bare)
    await other.learns(("subscribe", one.bare))
    send(other, "subscribed", one.bare)
    await one.learns(("subscribed", other.bare), ("available", other.full))
