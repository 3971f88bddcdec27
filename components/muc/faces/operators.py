"""What the service's administrators have done by ad-hoc commands (XEP-0050, XEP-0133 §4.23).

Whatever instance is asked: what concerns rooms that others have in memory is done by way of the
store, or by whoever has the room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.build import Content, Tag
from components.common.commands import Command, Commands
from components.common.forms.field import Field
from components.common.forms.fields import (
    boolean,
    jid_single,
    number,
    optional,
    text_multi,
    text_single,
)
from components.common.forms.form import Form
from components.common.forms.values import Values
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from components.muc.model.room import Room
from components.muc.service import Service
from components.muc.store.overview import Seen
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="muc")

ADMIN = "http://jabber.org/protocol/admin"
ANNOUNCE = f"{ADMIN}#announce"
DESTROY = "urn:xmppd:muc:destroy"
"""What one instance asks another that has a room."""

SHOWN = 200
"""Rooms of one list."""
AT_ONCE = 200
"""Rooms that are looked up at once, to be announced something."""

TEXT = text_multi("announcement", "Announcement", required=True)
ANNOUNCEMENT = Form(
    ADMIN,
    (TEXT,),
    title="Making an Announcement",
    instructions="It is said to all who are in a room, in each of them.",
)

AFTER = text_single("after", "Rooms behind this address")
LIST = Form("", (AFTER,), title="Rooms", instructions=f"{SHOWN} of them are shown at a time.")
ADDRESS = jid_single("jid", "Room", required=True)
COLUMNS: Sequence[Field[Any]] = (
    ADDRESS,
    text_single("name", "Name"),
    boolean("public", "Listed"),
    boolean("persistent", "Persistent"),
    number("clients", "Clients in it"),
)

REASON = text_single("reason", "Reason")
ALTERNATE = optional(jid_single("alternate", "Where else to meet"))
END = Form("", (ADDRESS, REASON, ALTERNATE), title="Destroy a room")


def serve(service: Service) -> None:
    """Have the commands, and do what other instances ask."""
    operators = Operators(service)
    commands = Commands(service.component, service.disco, service.policy.admin)
    commands.add(
        Command(ANNOUNCE, "Send Announcement to Online Users", operators.announce, ANNOUNCEMENT)
    )
    commands.add(Command("list-rooms", "List rooms", operators.rooms, LIST))
    commands.add(Command("destroy-room", "Destroy a room", operators.destroy, END))
    service.iqs.to_room("set", f"{DESTROY} destroy", operators.asked)


class Operators:
    """Does what they want."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._component = service.component

    # ------------------------------------------------------------------ announcements

    async def announce(self, stanza: Stanza, values: Values) -> Content:
        """Say something to all in all rooms; it goes on behind the answer (XEP-0133 §4.23)."""
        said = values.get(TEXT, "").strip()
        if not said:
            raise StanzaError("not-acceptable", "nothing is announced", reason="muc.announcement")
        log.info("{who} announces something in all rooms", who=stanza.sender.bare)
        announcing = Deferred.fromCoroutine(self._announce(Tag("body", {}, said)))
        announcing.addErrback(_not_announced)
        return "It is being announced in all rooms."

    async def _announce(self, body: Tag) -> None:
        service, after = self._service, 0
        while some := await service.overview.inhabited(after, AT_ONCE):
            for each in some:
                await self._component.pauses.until_taken()
                after = each.id
                room = service.rooms.at_hand(each.address)
                if room is not None:
                    service.broadcast.message(room, room.address, body.render())
                    continue
                those = await service.present.of(each.id)
                service.multicast.send(
                    [one.jid for one in those],
                    "message",
                    body,
                    sender=each.address,
                    type_="groupchat",
                )

    # ------------------------------------------------------------------ rooms

    async def rooms(self, stanza: Stanza, values: Values) -> Content:
        """Show all rooms, public or not."""
        found = await self._service.overview.rooms(values.get(AFTER, ""), SHOWN)
        return LIST.table(COLUMNS, [_row(each) for each in found])

    async def destroy(self, stanza: Stanza, values: Values) -> Content:
        """Destroy a room, wherever it is."""
        if ADDRESS not in values:
            raise StanzaError("not-acceptable", "no room is named", reason="muc.no-room")
        address = values[ADDRESS].bare
        if address.domain != self._component.domain or not address.local:
            raise StanzaError("item-not-found", "there is no such room", reason="muc.no-room")
        reason, alternate = values.get(REASON, ""), values.get(ALTERNATE, None)
        if self._service.instances.own(address):
            room = await self._service.rooms.open(address)
            if room is None:
                raise StanzaError("item-not-found", "there is no such room", reason="muc.no-room")
            await self._service.lives.destroy(room, reason, alternate)
        else:
            await self._ask(address, reason, alternate)
        log.info("{who} has destroyed {room}", who=stanza.sender.bare, room=address)
        return f"{address} is destroyed."

    async def _ask(self, address: JID, reason: str, alternate: JID | None) -> None:
        payload = Tag("destroy", {"reason": reason, "jid": alternate}, ns=DESTROY)
        try:
            await self._component.ask(address, "set", payload)
        except RequestFailed as failed:
            raise StanzaError(failed.condition, failed.text, reason="muc.elsewhere") from None

    async def asked(self, stanza: Stanza, room: Room) -> None:
        """Another instance has been told to destroy a room that is here."""
        if stanza.sender != self._component.domain:
            raise StanzaError("forbidden", reason="muc.not-owner")
        payload = stanza.payload
        alternate = payload.get("jid")
        where = None if alternate is None else JID.parse(alternate)
        await self._service.lives.destroy(room, payload.get("reason", ""), where)


def _row(seen: Seen) -> Values:
    values: Sequence[object] = seen
    return Values(field.of(value) for field, value in zip(COLUMNS, values, strict=True))


def _not_announced(failure: Failure) -> None:
    log.failure("not everybody has been announced what was to be", failure)
