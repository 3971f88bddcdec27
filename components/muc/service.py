"""What the faces of the service stand on: one of each part, made by `assembly`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

from components.common.component import Component
from components.common.disco import Disco
from components.common.instances import Instances
from components.common.multicast import Multicast
from components.muc.archive import Archive
from components.muc.avatars import Avatars
from components.muc.broadcast import Broadcast
from components.muc.changes import Changes
from components.muc.features import Features
from components.muc.form_messages import FormMessages
from components.muc.iqs import RoomIQs
from components.muc.lives import Lives
from components.muc.messages import Messages
from components.muc.overview import Overview
from components.muc.policy import Policy
from components.muc.present import SQLPresent
from components.muc.questions import Questions
from components.muc.ranks import Affiliation
from components.muc.rates import Rates
from components.muc.room import Room
from components.muc.rooms import Rooms
from components.muc.store import SQLRooms
from components.muc.visits import Visits
from xmppd.jid import JID


@dataclass(frozen=True, slots=True)
class Service:
    """Multi-user chat at a component's domain."""

    component: Component
    clock: IReactorTime
    policy: Policy
    disco: Disco
    features: Features
    multicast: Multicast
    store: SQLRooms
    archive: Archive
    avatars: Avatars
    present: SQLPresent
    rooms: Rooms
    broadcast: Broadcast
    lives: Lives
    visits: Visits
    questions: Questions
    changes: Changes
    messages: Messages
    forms: FormMessages
    iqs: RoomIQs
    rates: Rates
    instances: Instances
    overview: Overview

    @property
    def now(self) -> Callable[[], float]:
        """Gives seconds UTC since 1970."""
        return self.clock.seconds

    def affiliation(self, room: Room, account: JID) -> Affiliation:
        """What somebody is to a room, by his bare JID: the service's admins own all of them."""
        return self.policy.affiliation(account, room.affiliation(account))
