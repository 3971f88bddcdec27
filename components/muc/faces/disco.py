"""What the service and its rooms say of themselves (XEP-0045 §6, §7.12, §18.1.1)."""

from __future__ import annotations

from typing import NoReturn

from components.common.build import Tag
from components.common.disco import Identity, Info, items_tag
from components.common.paging import RESULT_SET
from components.common.stanza import Stanza
from components.muc.faces import listing, roominfo
from components.muc.faces.seeing import check_there, sees_inside
from components.muc.model.room import Room
from components.muc.model.settings import Settings
from components.muc.names import (
    MUC,
    MUC_ROOMCONFIG,
    MUC_ROOMINFO,
    MUC_TRAFFIC,
    OCCUPANT_ID,
    RESERVED_NICK,
    STABLE_ID,
)
from components.muc.service import Service
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID


def features(settings: Settings) -> list[str]:
    """What a room's settings make of it (§16.3)."""
    return [
        "muc_passwordprotected" if settings.password else "muc_unsecured",
        "muc_public" if settings.public else "muc_hidden",
        "muc_persistent" if settings.persistent else "muc_temporary",
        "muc_membersonly" if settings.members_only else "muc_open",
        "muc_moderated" if settings.moderated else "muc_unmoderated",
        "muc_semianonymous" if settings.anonymous else "muc_nonanonymous",
    ]


def serve(service: Service) -> None:
    """Answer service discovery."""
    service.disco.add(MUC, STABLE_ID, OCCUPANT_ID, ns.STANZA_ID, RESULT_SET)
    service.disco.node(MUC_TRAFFIC, _nothing_is_discarded)
    service.features.add(
        ns.DISCO_INFO, ns.DISCO_ITEMS, MUC, MUC_ROOMCONFIG, MUC_ROOMINFO, STABLE_ID, OCCUPANT_ID
    )
    service.features.add(ns.STANZA_ID, ns.PING)

    async def rooms(stanza: Stanza, node: str) -> Tag:
        return await listing.rooms(service.store, stanza)

    service.disco.items(rooms)
    answers = RoomDisco(service)
    service.iqs.to_room("get", f"{ns.DISCO_INFO} query", answers.info)
    service.iqs.to_room("get", f"{ns.DISCO_ITEMS} query", answers.items)


class RoomDisco:
    """Answers for rooms."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def info(self, stanza: Stanza, room: Room) -> Tag:
        """A room's identity, features and form (§6.4), or what stands at a node of it."""
        sender = stanza.sender
        affiliation = self._service.affiliation(room, sender.bare)
        check_there(room, affiliation)
        node = stanza.payload.get("node", "")
        if node == RESERVED_NICK:
            return self._reserved_nick(room, sender.bare)
        if node == MUC_TRAFFIC:
            _nothing_is_discarded()
        listing.no_node(node)
        settings = room.settings
        inside = sees_inside(room, str(sender), affiliation)
        return Info(
            [Identity("conference", "text", settings.name)],
            [*self._service.features.of(settings), *features(settings)],
            [roominfo.told(room, await self._service.avatars.hashes(room), inside=inside)],
        ).tag()

    def _reserved_nick(self, room: Room, account: JID) -> Tag:
        """Somebody's registered nick; nothing where he has none (§7.12)."""
        nick = room.standings.exactly(account).nick
        identities = [Identity("conference", "text", nick)] if nick else []
        return Info(identities).tag(RESERVED_NICK)

    def items(self, stanza: Stanza, room: Room) -> Tag:
        """Who is in a room, where its owners have that known to all; else nobody (§6.5)."""
        check_there(room, self._service.affiliation(room, stanza.sender.bare))
        listing.no_node(stanza.payload.get("node", ""))
        if not room.settings.public_list:
            return items_tag(())
        return listing.occupants(room, stanza)


def _nothing_is_discarded() -> NoReturn:
    """Extended content passes as it is, whatever its namespace, so nothing is listed (§18.1.1)."""
    raise StanzaError("service-unavailable", "all is allowed", reason="muc.traffic")
