"""What the faces of the service stand on: one of each part, made by `assembly`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

from components.common.component import Component
from components.common.disco import Disco
from components.common.instances import Instances
from components.common.multicast import Multicast
from components.muc.form_messages import FormMessages
from components.muc.iqs import RoomIQs
from components.muc.life.broadcast import Broadcast
from components.muc.life.changes import Changes
from components.muc.life.doorstep import Doorstep
from components.muc.life.lives import Lives
from components.muc.life.questions import Questions
from components.muc.life.rooms import Rooms
from components.muc.life.visits import Visits
from components.muc.messages import Messages
from components.muc.model.features import Features
from components.muc.model.policy import Policy
from components.muc.model.ranks import Affiliation
from components.muc.model.rates import Rates
from components.muc.model.room import Room
from components.muc.store.archive import Archive
from components.muc.store.avatars import Avatars
from components.muc.store.overview import Overview
from components.muc.store.present import SQLPresent
from components.muc.store.rooms import SQLRooms
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
    doorstep: Doorstep
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
