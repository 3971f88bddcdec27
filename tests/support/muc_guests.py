"""slixmpp clients in chatrooms: what a client's user does, by the library's own plugins.

    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        romeo.says(hall, "But, soft!")
        await juliet.hears(hall, "Romeo", "But, soft!")

What a person waits for comes within `PATIENCE` seconds, and before anything else of its kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from itertools import count
from typing import Any, cast
from xml.etree.ElementTree import Element, fromstring

from slixmpp import JID
from slixmpp.exceptions import IqError, PresenceError

from tests.support.clients import Client, Reachable, soon
from tests.support.conference import U, codes
from tests.support.people import C
from tests.support.server import DOMAIN, PASSWORD, condition

SERVICE = f"conference.{DOMAIN}"
PLUGINS = (
    *("xep_0004", "xep_0030", "xep_0045", "xep_0059", "xep_0077", "xep_0199", "xep_0203"),
    *("xep_0249", "xep_0313", "xep_0359", "xep_0410", "xep_0421", "xep_0424", "xep_0425"),
)

_numbers = count(1)


class Guest(Client):
    """Somebody who goes to chatrooms; his nick is his name with a capital letter.

    He has an account, or is at a domain of those that have none (`masks`).
    """

    def __init__(
        self, name: str, server: Reachable, resource: str = "house", masks: str = ""
    ) -> None:
        address, password = masks or f"{name}@{DOMAIN}/{resource}", "" if masks else PASSWORD
        super().__init__(address, password, server, plugins=PLUGINS)
        self.nick = name.capitalize()
        self.muc: Any = self.plugin["xep_0045"]
        self.presences: asyncio.Queue[Element] = asyncio.Queue()
        self.letters: asyncio.Queue[Element] = asyncio.Queue()
        """Messages of all kinds."""
        self.add_filter("in", self._write_down)

    def _write_down(self, stanza: Any) -> Any:
        element = deepcopy(stanza.xml)
        if SERVICE in element.get("from", "") or element.tag == f"{C}message":
            if element.tag == f"{C}presence":
                self.presences.put_nowait(element)
            elif element.tag == f"{C}message":
                self.letters.put_nowait(element)
        return stanza

    # ------------------------------------------------------------------ coming and going

    async def creates(self, **options: Any) -> str:
        """Enter a room that is not there yet (§10.1.1); its address."""
        room = f"hall{next(_numbers)}@{SERVICE}"
        own, *_ = await self.enters(room, **options)
        assert 201 in codes(own.xml)
        return room

    async def opens(self, **fields: Any) -> str:
        """Create a room and set it up with these fields of the form (§10.1.3)."""
        room = await self.creates()
        await self.configures(room, **fields)
        self.forgets()
        return room

    async def enters(self, room: str, nick: str = "", **options: Any) -> Any:
        """Enter a room (§7.2): own presence, subject, occupants, history."""
        joined = await soon(self.muc.join_muc_wait(JID(room), nick or self.nick, **options))
        self.forgets()
        return joined

    async def may_not_enter(self, room: str, nick: str = "", **options: Any) -> str:
        """Try to; the condition by which he is refused."""
        try:
            await self.enters(room, nick, **options)
        except PresenceError as refused:
            return str(refused.condition)
        raise AssertionError("he has entered")

    def leaves(self, room: str, nick: str = "", words: str = "") -> None:
        """Leave a room (§7.14)."""
        self.muc.leave_muc(room, nick or self.nick, words)

    def forgets(self) -> None:
        """What has come is of no interest."""
        for queue in (self.presences, self.letters):
            while not queue.empty():
                queue.get_nowait()

    # ------------------------------------------------------------------ in it

    async def configures(self, room: str, **fields: Any) -> None:
        """Set a room up by its form; names of fields are without `muc#roomconfig_`."""
        form = await soon(self.muc.get_room_config(room))
        known = form.get_fields()
        for name, value in fields.items():
            var = name if name in known else f"muc#roomconfig_{name}"
            assert var in known, f"{name} is not in the form"
            known[var]["value"] = value
        await soon(self.muc.set_room_config(room, form))

    def says(self, room: str, body: str) -> None:
        """Say something to all (§7.4)."""
        self.send_message(mto=JID(room), mbody=body, mtype="groupchat")

    async def gets(self, kind: str = "message") -> Element:
        """The next message or presence."""
        queue = self.letters if kind == "message" else self.presences
        return await soon(queue.get())

    async def listens(self, room: str, nick: str, body: str) -> Element:
        """The next message, which is this one."""
        message = await self.gets()
        sender = f"{room}/{nick}" if nick else room
        assert (message.get("from"), message.findtext(f"{C}body")) == (sender, body)
        return message

    async def sees(self, room: str, nick: str, type_: str = "") -> Element:
        """The next presence, which is this occupant's."""
        presence = await self.gets("presence")
        found = (presence.get("from"), presence.get("type", ""))
        assert found == (f"{room}/{nick}", type_), f"{found} with {codes(presence)}"
        return presence

    async def is_refused(self) -> str:
        """The condition of the next message, which is an error."""
        return condition(await self.gets())

    async def asks(self, to: str, payload: str, kind: str = "get") -> Element:
        """Send an IQ; its answer, an error if it is one."""
        iq = self.make_iq(ito=to, itype=kind)  # type: ignore[no-untyped-call]
        iq.append(fromstring(payload))
        try:
            answer = await soon(iq.send())
        except IqError as error:
            answer = error.iq
        return cast(Element, answer.xml)


async def fails(asked: Any) -> str:
    """The condition by which a request is refused."""
    try:
        await soon(asked)
    except IqError as refused:
        return str(refused.condition)
    raise AssertionError("it was granted")


def item(stanza: Element) -> dict[str, str]:
    """What presence says of whom it is about."""
    found = stanza.find(f"{U}x/{U}item")
    assert found is not None
    return dict(found.attrib)


@asynccontextmanager
async def guests(server: Reachable, *names: str) -> AsyncIterator[list[Guest]]:
    """These have logged in and are available; `name/resource` where one is not enough."""
    async with AsyncExitStack() as stack:
        people = []
        for each in names:
            name, _, resource = each.partition("/")
            guest = Guest(name, server, resource or "house")
            people.append(await stack.enter_async_context(guest))
            guest.send_presence()
        yield people
