"""Who comes while a room is being set up waits for it a while (XEP-0045 §7.2.10, §10.1.1).

Two who agree to meet in a new room come to it in the same moment, and the second one before the
client of the first has said how the room is to be. Nobody enters a room that is locked, nor does
he here; but he is told so only when the room has not been opened within a few seconds.

Rule 1: who waits has entered nothing: he comes in as if his presence had come now, and all that
keeps people out is looked at then.
Rule 2: who waits is bounded, in number, octets and time; whoever is one too many is told at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from components.common.component import Component
from components.common.stanza import Stanza
from components.muc.life.questions import Enter
from components.muc.life.refusals import refused
from components.muc.model.entering import Entry, is_open
from components.muc.model.policy import Policy
from components.muc.model.room import Room
from xmppd.errors import StanzaError
from xmppd.jid import JID

WAITING = 1_000
"""How many may wait at a time,"""
OF_ROOM = 50
"""and how many of them for one room,"""
OF_USER = 5
"""or of one user."""
OCTETS = 16_384
"""Octets of the presence by which somebody enters who may wait: it is kept so long."""

Key: TypeAlias = tuple[int, JID]
"""A room, by its number, and the session that wants to enter it."""


@dataclass(slots=True)
class _Newcomer:
    room: Room
    presence: Stanza
    timer: IDelayedCall


class Doorstep:
    """Who waits for which room."""

    def __init__(self, component: Component, clock: IReactorTime, policy: Policy) -> None:
        self._component = component
        self._clock = clock
        self._policy = policy
        self._waiting: dict[Key, _Newcomer] = {}
        """In the order in which they have come."""
        self.enter: Enter
        """Lets somebody in who has waited, or raises StanzaError; set by who reads presence."""

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def hold(self, presence: Stanza, room: Room, entry: Entry) -> bool:
        """Have who wants to enter wait, if the room is not open to him; False where he need not.

        False also where he can't: he is told then what keeps him out.
        """
        key = room.id, entry.session
        self.withdraw(room, entry.session)  # by what he has sent before
        if is_open(room, entry) or not self._space(presence, room, entry.account):
            return False
        timer = self._clock.callLater(self._policy.lock_wait, self._over, key)
        self._waiting[key] = _Newcomer(room, presence.kept(), timer)
        return True

    def _space(self, presence: Stanza, room: Room, account: JID) -> bool:
        if not self._policy.lock_wait or len(presence.inner) > OCTETS:
            return False
        rooms = sum(1 for number, _session in self._waiting if number == room.id)
        users = sum(1 for _number, session in self._waiting if session.bare == account)
        return len(self._waiting) < WAITING and rooms < OF_ROOM and users < OF_USER

    def withdraw(self, room: Room, session: JID) -> None:
        """Somebody does not want to enter any more, or not so."""
        found = self._waiting.pop((room.id, session), None)
        if found is not None and found.timer.active():
            found.timer.cancel()

    def ended(self, room: Room) -> None:
        """A room is locked no more, or is no more: they come in, or are told that they can't.

        They come as soon as what is under way is done: who has opened it comes before them.
        """
        for key, found in list(self._waiting.items()):
            if found.room is room and room.destroyed:
                found.timer.cancel()
                self._over(key)
            elif found.room is room:
                found.timer.reset(0)

    def _over(self, key: Key) -> None:
        found = self._waiting.pop(key)
        try:
            self.enter(found.presence, found.room)
        except StanzaError as error:
            self._component.send(refused(found.presence, error))
