"""What is told of somebody who is not in the room: to himself, and to those who are.

(XEP-0045 §9.5, §10.3 to §10.7, §18.1)
"""

from __future__ import annotations

from collections.abc import Callable

from components.common.build import Tag
from components.common.component import Component
from components.common.multicast import Multicast, Recipients
from components.common.rate import Rate
from components.muc.model.ranks import Affiliation, Role
from components.muc.model.room import Room
from components.muc.model.standing import Standing
from components.muc.names import MUC_USER
from xmppd.jid import JID

NOTICES = 30
"""How many people out of the room are told in a minute of what one user changes.

They have not asked for it; what goes beyond this is changed without a word to them.
"""

IN_ROOM = 100
"""How many such changes those in a room are told of in a minute; all of them are in its lists."""

CHANGED = 101
"""The status of who has another affiliation and is not in the room (§18.1)."""

_SAYING = {
    Affiliation.OWNER: "You are an owner of {room} now.",
    Affiliation.ADMIN: "You are an admin of {room} now.",
    Affiliation.MEMBER: "You are a member of {room} now.",
    Affiliation.NONE: "You have no affiliation with {room} any more.",
    Affiliation.OUTCAST: "You are banned from {room}.",
}


class Notices:
    """Sends messages in rooms' names. `now` gives seconds."""

    def __init__(
        self, component: Component, multicast: Multicast, now: Callable[[], float]
    ) -> None:
        self._component = component
        self._multicast = multicast
        self._rate = Rate(NOTICES, now)
        self._in_room = Rate(IN_ROOM, now)

    def changed(
        self,
        room: Room,
        standing: Standing,
        before: Affiliation,
        by: JID | None,
        nick: str,
        invited: bool = False,
    ) -> None:
        """Somebody who is not in the room has another affiliation than `before`.

        `by` is whose change it is, by his bare JID, and `nick` by his nick in the room. Who is
        `invited` by him besides is told no more.
        """
        self._tell_occupants(room, standing)
        if invited:
            return
        after = standing.affiliation
        if not standing.jid.local or max(before, after) <= Affiliation.NONE:
            return  # a domain reads nothing; who had nothing to lose need not hear of a ban
        if not self._rate.take(by or standing.jid):
            return
        if room.settings.members_only and before < Affiliation.MEMBER <= after:
            self._invite(room, standing, nick, let=bool(by or nick))
            return
        said = _SAYING[after].format(room=room.address)
        if standing.reason:
            said += f" ({standing.reason})"
        status = Tag("status", {"code": str(CHANGED)})
        self._component.message(
            standing.jid,
            Tag("body", {}, said),
            Tag("x", {}, [status], ns=MUC_USER),
            sender=room.address,
        )

    def _invite(self, room: Room, standing: Standing, nick: str, *, let: bool) -> None:
        """Invite who has become a member of a members-only room (§9.5).

        With the password if somebody has let him: who has registered himself learns it elsewhere.
        """
        inviter = room.address.with_resource(nick) if nick else room.address
        reason = [Tag("reason", {}, standing.reason)] if standing.reason else []
        children = [Tag("invite", {"from": inviter}, reason)]
        if let and room.settings.password:
            children.append(Tag("password", {}, room.settings.password))
        self._component.message(
            standing.jid, Tag("x", {}, children, ns=MUC_USER), sender=room.address
        )

    def _tell_occupants(self, room: Room, standing: Standing) -> None:
        """Tell those in the room who may see his address (§10.3, §10.6, §10.7)."""
        if not self._in_room.take(room.address):
            return
        seeing: Recipients | list[JID] = room.everybody
        if room.settings.anonymous:
            moderators = room.having(Role.MODERATOR)
            seeing = [session for each in moderators for session in each.sessions]
        attrs = {
            "affiliation": standing.affiliation.text,
            "jid": standing.jid,
            "role": Role.NONE.text,
        }
        told = Tag("x", {}, [Tag("item", attrs)], ns=MUC_USER).render()
        self._multicast.send(seeing, "message", told, sender=room.address)
