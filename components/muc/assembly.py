"""The service and its faces, put together around a component and its store."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from components.common.about import About, introduce
from components.common.accounts import Accounts
from components.common.component import Component
from components.common.disco import Identity
from components.common.instances import Instances
from components.common.multicast import Multicast
from components.muc.faces import (
    admin_iq,
    captcha_iq,
    ghosts,
    groupchat,
    invitations,
    mam_iq,
    moderation,
    occupant_iq,
    operators,
    owner_iq,
    presence,
    private,
    register_iq,
    vcard_iq,
    voice,
)
from components.muc.faces import disco as room_disco
from components.muc.form_messages import FormMessages
from components.muc.iqs import RoomIQs
from components.muc.life.broadcast import Broadcast
from components.muc.life.changes import Changes
from components.muc.life.creating import Creating
from components.muc.life.doorstep import Doorstep
from components.muc.life.interrupted import Interrupted
from components.muc.life.lives import Lives
from components.muc.life.moves import Moves
from components.muc.life.notices import Notices
from components.muc.life.questions import Questions
from components.muc.life.removal import Removal
from components.muc.life.roll_call import RollCall
from components.muc.life.rooms import Rooms
from components.muc.life.territory import Territory
from components.muc.life.upkeep import Upkeep
from components.muc.life.visits import Visits
from components.muc.messages import Messages
from components.muc.model.features import Features
from components.muc.model.policy import Policy
from components.muc.model.rates import Rates
from components.muc.model.settings import DEFAULTS, Settings
from components.muc.service import Service
from components.muc.store.archive import Archive
from components.muc.store.avatars import Avatars
from components.muc.store.incarnations import Incarnations
from components.muc.store.journal import Journal
from components.muc.store.keys import SQLKeys
from components.muc.store.overview import Overview
from components.muc.store.present import SQLPresent
from components.muc.store.rooms import SQLRooms
from xmppd.storage.interfaces import Database

FACES: tuple[Callable[[Service], object], ...] = (
    presence.serve,
    groupchat.serve,
    private.serve,
    ghosts.serve,
    invitations.serve,
    moderation.serve,
    mam_iq.serve,
    occupant_iq.serve,
    operators.serve,
    room_disco.serve,
    owner_iq.serve,
    admin_iq.serve,
    register_iq.serve,
    voice.serve,
    vcard_iq.serve,
    captcha_iq.serve,
)
"""What takes stanzas: each of them one chapter of XEP-0045, or another XEP."""


async def assemble(
    component: Component,
    database: Database,
    policy: Policy,
    clock: IReactorTime,
    name: str = "Chatrooms",
    defaults: Settings = DEFAULTS,
) -> Service:
    """Have a component serve the rooms in a database.

    `name` is what the service is called, `defaults` how rooms are set up that nobody has set up.
    """
    journal = Journal(database, clock)
    present = SQLPresent(database, journal)
    archive = Archive(database, journal)
    store = SQLRooms(database)
    key = await SQLKeys(database).key("occupant-id")
    incarnations = Incarnations(database)
    await incarnations.read()
    multicast = Multicast(component)
    broadcast = Broadcast(component, multicast)
    instances = Instances(component)
    territory = Territory(instances)
    interrupted = Interrupted(component, present)
    creating = Creating(store, policy, clock.seconds)
    rooms = Rooms(store, archive, interrupted, territory, creating, defaults, clock.seconds)
    doorstep = Doorstep(component, clock, policy)
    lives = Lives(rooms, policy, clock, doorstep.ended)
    rates = Rates(policy.rates, clock.seconds)
    visits = Visits(broadcast, policy, present, rates, key, incarnations, lives.emptied)
    lives.visits = visits
    rooms.on_opened(lives.created)
    notices = Notices(component, multicast, clock.seconds)
    messages = Messages(component, rooms)
    overview = Overview(database)
    instances.on_change(lambda epoch: incarnations.read())
    removal = Removal(Accounts(component), clock.seconds, store, territory, rooms, lives, visits)
    removal.on_removed(incarnations.removed)
    RollCall(component, clock, rooms, broadcast)
    upkeep = Upkeep(
        component,
        clock,
        policy,
        instances,
        territory,
        interrupted,
        rooms,
        lives,
        store,
        archive,
        overview,
    )
    Moves(component, clock, instances, territory, rooms, lives, journal)
    service = Service(
        component,
        clock,
        policy,
        introduce(component, About(Identity("conference", "text", name))),
        Features(),
        multicast,
        store,
        archive,
        Avatars(database),
        present,
        rooms,
        broadcast,
        lives,
        visits,
        doorstep,
        Questions(component, clock, policy),
        Changes(store, policy, broadcast, visits, notices),
        messages,
        FormMessages(messages),
        RoomIQs(component, rooms),
        rates,
        instances,
        overview,
    )
    for serve in FACES:
        serve(service)
    upkeep.start()
    return service
