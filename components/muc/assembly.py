"""The service and its faces, put together around a component and its store."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from components.common.about import About, introduce
from components.common.component import Component
from components.common.disco import Identity
from components.common.multicast import Multicast
from components.muc.archive import Archive
from components.muc.broadcast import Broadcast
from components.muc.disco import RoomDisco
from components.muc.groupchat import Groupchat
from components.muc.iqs import RoomIQs
from components.muc.journal import Journal
from components.muc.keys import SQLKeys
from components.muc.lives import Lives
from components.muc.messages import Messages
from components.muc.names import MUC_OWNER
from components.muc.occupant_iq import OccupantIQs
from components.muc.owner_iq import OwnerRequests
from components.muc.policy import Policy
from components.muc.presence import Presences
from components.muc.present import SQLPresent
from components.muc.private import PrivateMessages
from components.muc.rooms import Rooms
from components.muc.settings import DEFAULTS, Settings
from components.muc.store import SQLRooms
from components.muc.visits import Visits
from xmppd.storage.interfaces import Database


class Service:
    """Multi-user chat at a component's domain."""

    def __init__(
        self,
        component: Component,
        database: Database,
        policy: Policy,
        key: bytes,
        clock: IReactorTime,
        name: str = "Chatrooms",
        defaults: Settings = DEFAULTS,
    ) -> None:
        now = clock.seconds
        journal = Journal(database)
        present = SQLPresent(database, journal)
        archive = Archive(database, journal)
        store = SQLRooms(database)
        multicast = Multicast(component)
        broadcast = Broadcast(component, multicast)
        disco = introduce(component, About(Identity("conference", "text", name)))
        self.rooms = Rooms(store, archive, present, defaults, now)
        self.lives = Lives(self.rooms, policy, clock)
        self.visits = Visits(broadcast, policy, present, key, self.lives.emptied)
        self.lives.visits = self.visits
        self.rooms.on_opened(self.lives.created)
        Presences(component, self.rooms, self.visits, policy, now)
        groupchat = Groupchat(broadcast, store, archive, policy, now)
        private = PrivateMessages(component, multicast, policy)
        Messages(component, self.rooms, groupchat.said, private.said)
        iqs = RoomIQs(component, self.rooms, OccupantIQs(component).forward)
        RoomDisco(component, disco, iqs)
        iqs.to_room("set", f"{MUC_OWNER} query", OwnerRequests(self.lives, policy).set)


async def assemble(
    component: Component,
    database: Database,
    policy: Policy,
    clock: IReactorTime,
    name: str = "Chatrooms",
    defaults: Settings = DEFAULTS,
) -> Service:
    """Have a component serve the rooms in a database."""
    key = await SQLKeys(database).key("occupant-id")
    return Service(component, database, policy, key, clock, name, defaults)
