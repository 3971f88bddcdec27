"""What moderators, admins and owners ask of a room: lists, and changes (XEP-0045 §8, §9, §10).

Rule 1: every item of a request is looked at before anything changes: all of them, or none.
Rule 2: what somebody may not is refused before it could tell him anything of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from components.common.build import Tag
from components.common.component import Passed
from components.common.rate import Rate
from components.common.stanza import Stanza
from components.muc.faces import admin_items, admin_lists
from components.muc.faces.admin_items import Item
from components.muc.life.changes import Actor, Wish
from components.muc.life.refusals import RoleRefused, refused_request
from components.muc.model import privileges
from components.muc.model.occupant import Occupant
from components.muc.model.privileges import Right, has_right
from components.muc.model.ranks import Affiliation, Role
from components.muc.model.room import Room
from components.muc.model.standing import Standing
from components.muc.names import MUC_ADMIN
from components.muc.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID

OFTEN = 1_000
"""How many ranks may change in a room in a minute: everybody in it is told of each."""

QUERY = f"{MUC_ADMIN} query"


def serve(service: Service) -> None:
    """Answer requests in the namespace muc#admin."""
    requests = AdminRequests(service)
    service.iqs.to_room("get", QUERY, requests.get)
    service.iqs.to_room("set", QUERY, requests.set)
    service.component.errors("iq", refused_request)


class AdminRequests:
    """Answers those who may, and refuses all others."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._component = service.component
        self._changes = service.changes
        self._policy = service.policy
        self._often = Rate(OFTEN, service.now)

    # ------------------------------------------------------------------ lists

    def get(self, stanza: Stanza, room: Room) -> Tag:
        """A list of those who have a role or an affiliation (§8.5, §9.2, §9.5, §9.8, §10.5)."""
        wanted = admin_items.wanted(stanza.payload)
        account = stanza.sender.bare
        affiliation = self._service.affiliation(room, account)
        role = role_of(room, account)
        if isinstance(wanted, Role):
            allowed = privileges.may_list_roles(wanted, role, affiliation)
        else:
            allowed = privileges.may_list_affiliations(wanted, affiliation, role, room.settings)
        if not allowed:
            raise StanzaError("forbidden", "that list is not for you", reason="muc.list")
        return admin_lists.listed(room, wanted)

    # ------------------------------------------------------------------ changes

    def set(self, stanza: Stanza, room: Room) -> Any:
        """Change roles or affiliations (§8.2 to §8.5, §9.1 to §9.8, §10.3 to §10.8)."""
        items = admin_items.read(stanza.payload)
        if items[0].role is not None:
            return self._set_roles(stanza, room, items)
        return self._set_affiliations(stanza, room, items)

    def _set_roles(self, stanza: Stanza, room: Room, items: Iterable[Item]) -> Passed:
        account = stanza.sender.bare
        own = (role_of(room, account), self._service.affiliation(room, account))
        if not privileges.moderates(*own):
            raise StanzaError("forbidden", "you are no moderator", reason="muc.not-moderator")
        wishes: list[Wish] = []
        for item in items:
            assert item.role is not None
            for occupant in occupants(room, item):
                _check_role(own, occupant, item.role)
                wishes.append(Wish(occupant, item.role, item.reason))
        if len({wish.occupant for wish in wishes}) < len(wishes):
            raise _twice()
        self._count(room, wishes)
        done = partial(self._done, stanza)
        self._changes.give_roles(room, wishes, actor(room, stanza.sender), done=done)
        return Passed.ON

    async def _set_affiliations(self, stanza: Stanza, room: Room, items: Sequence[Item]) -> Passed:
        # Before he waits for his turn as well: who may nothing is not to hold up others.
        self._admin(room, stanza.sender.bare)
        self._count(room, items)
        await room.lock.run(self._affiliate, stanza, room, items)
        return Passed.ON

    async def _affiliate(self, stanza: Stanza, room: Room, items: Iterable[Item]) -> None:
        account = stanza.sender.bare
        own = self._admin(room, account)
        standings: dict[JID, Standing] = {}
        for item in items:
            standing = self._standing(room, account, own, item)
            if standings.setdefault(standing.jid, standing) is not standing:
                raise _twice()
        await self._changes.affiliate(
            room,
            list(standings.values()),
            actor(room, stanza.sender),
            done=partial(self._done, stanza),
        )

    def _count(self, room: Room, changes: Sequence[object]) -> None:
        if not all(self._often.take(room.address) for _ in changes):
            text = "too much changes here; wait a minute"
            raise StanzaError("resource-constraint", text, reason="muc.often", type="wait")

    def _admin(self, room: Room, account: JID) -> Affiliation:
        own = self._service.affiliation(room, account)
        if not has_right(Right.EDIT_MEMBERS, own):
            raise StanzaError("forbidden", "you are no admin", reason="muc.not-admin")
        return own

    def _standing(self, room: Room, account: JID, own: Affiliation, item: Item) -> Standing:
        """What an item makes of somebody; raises StanzaError where that is not to be."""
        new = item.affiliation
        assert new is not None
        jid = target(room, item)
        if new is Affiliation.OUTCAST and jid == account:
            raise StanzaError("conflict", "you can't ban yourself", reason="muc.self-ban")
        _check_affiliation(own, self._service.affiliation(room, jid), new)
        if new is Affiliation.OUTCAST and self._policy.admin(jid):
            raise _not_allowed("nobody bans the service's admins")
        if not jid.local and new >= Affiliation.ADMIN:
            text = "a whole domain can be no admin"
            raise StanzaError("not-acceptable", text, reason="muc.domain")
        old = room.standings.exactly(jid)
        reason = item.reason or (old.reason if old.affiliation is new else "")
        nick = old.nick if new >= Affiliation.MEMBER else ""
        if item.jid is not None and item.nick is not None and new >= Affiliation.MEMBER:
            nick = admin_items.reserved(room, jid, item.nick, self._policy)
        return Standing(jid, new, nick, reason)

    def _done(self, stanza: Stanza) -> None:
        """Tell who has asked, behind those who had to go, and before all others (§8.2)."""
        self._component.answer(stanza)


# --- who is meant ------------------------------------------------------------------------------


def role_of(room: Room, account: JID) -> Role:
    """The highest role that a user has in a room, whichever session he asks by (§8)."""
    return max((occupant.role for occupant in room.of(account)), default=Role.NONE)


def actor(room: Room, session: JID) -> Actor:
    """Who acts by a session: under which nick, if he is in the room by any."""
    occupant = room.by_session(session) or next(room.of(session.bare), None)
    return Actor("" if occupant is None else occupant.nick, session.bare)


def occupants(room: Room, item: Item) -> list[Occupant]:
    """Those whose role is meant: of a nick, or of an address where there is none (§17.4)."""
    if item.nick:
        found = [room.by_nick(item.nick)]
    elif item.jid is not None and item.jid.resource:
        found = [room.by_session(item.jid)]
    elif item.jid is not None:
        found = list(room.of(item.jid))
    else:
        raise StanzaError("bad-request", "whose role?", reason="muc.no-target")
    meant = [each for each in found if each is not None]
    if not meant:
        raise _nobody()
    return meant


def target(room: Room, item: Item) -> JID:
    """Whose affiliation is meant: that of a bare JID, or of an occupant (§10.3, §17.4)."""
    jid, nick = item.jid, item.nick or ""
    if jid is not None and jid.bare != room.address:
        return jid.bare
    if jid is not None:
        nick = jid.resource
    if not nick:
        raise StanzaError("bad-request", "whose affiliation?", reason="muc.no-target")
    occupant = room.by_nick(nick)
    if occupant is None:
        raise _nobody()
    return occupant.account


# --- who may -----------------------------------------------------------------------------------


def _check_role(own: tuple[Role, Affiliation], occupant: Occupant, role: Role) -> None:
    old = (occupant.role, occupant.affiliation)
    if privileges.may_change_role(own, old, role):
        return
    voice = role is Role.VISITOR and occupant.affiliation >= Affiliation.ADMIN  # §8.4: from nobody
    listed = Role.MODERATOR in (role, old[0]) and role is not Role.NONE
    if own[1] < Affiliation.ADMIN and listed and not voice:
        # §9, §9.6, §9.7: the moderator list is the admins'.
        raise StanzaError("forbidden", "you are no admin", reason="muc.not-admin")
    raise RoleRefused(occupant.nick, role)


def _check_affiliation(own: Affiliation, old: Affiliation, new: Affiliation) -> None:
    if privileges.may_change_affiliation(own, old, new):
        return
    if new is Affiliation.OUTCAST:
        raise _not_allowed("you can't ban those above you")  # §9.1
    raise StanzaError("forbidden", "you are no owner", reason="muc.not-owner")  # §10.3 to §10.8


def _not_allowed(text: str) -> StanzaError:
    return StanzaError("not-allowed", text, reason="muc.privileges")


def _nobody() -> StanzaError:
    return StanzaError("item-not-found", "nobody like that is here", reason="muc.no-occupant")


def _twice() -> StanzaError:
    return StanzaError("bad-request", "somebody stands there twice", reason="muc.twice")
