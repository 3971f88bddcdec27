"""The service and its faces, put together around a component and its store."""

from __future__ import annotations

from collections.abc import Callable
from secrets import SystemRandom

from twisted.internet.interfaces import IReactorTime

from components.common.about import About, introduce
from components.common.accounts import Accounts
from components.common.component import Component
from components.common.delegation import Delegation
from components.common.disco import Identity
from components.common.instances import Instances
from components.common.multicast import Multicast
from components.common.privilege import Privilege
from components.common.rate import Rate
from components.pubsub.faces import (
    affiliations,
    approvals,
    bounces,
    collections,
    configure,
    create,
    defaults,
    delete,
    disco,
    items,
    managing,
    options,
    pending,
    pep_disco,
    private,
    publish,
    purge,
    retract,
    subscribe,
    subscriptions,
)
from components.pubsub.faces.listing import LOOKS_A_MINUTE
from components.pubsub.life.access import Access
from components.pubsub.life.affiliating import Affiliating
from components.pubsub.life.ancestry import Ancestry
from components.pubsub.life.approvals import Approvals
from components.pubsub.life.arrivals import Arrivals
from components.pubsub.life.audience import Audiences
from components.pubsub.life.bodies import Bodies
from components.pubsub.life.configuring import Configuring
from components.pubsub.life.departures import Departures
from components.pubsub.life.endings import Endings
from components.pubsub.life.expiry import Expiry
from components.pubsub.life.last_items import LastItems
from components.pubsub.life.leaving import Leaving
from components.pubsub.life.linking import Linking
from components.pubsub.life.listeners import Listeners
from components.pubsub.life.nodes import Nodes
from components.pubsub.life.notices import Notices
from components.pubsub.life.openings import Openings
from components.pubsub.life.origins import Origins
from components.pubsub.life.presences import Presences
from components.pubsub.life.publishing import Publishing
from components.pubsub.life.removal import Removal
from components.pubsub.life.reviews import Reviews
from components.pubsub.life.rosters import Rosters
from components.pubsub.life.subscribing import Subscribing
from components.pubsub.life.territory import Territory
from components.pubsub.life.unasked import Unasked
from components.pubsub.model.policy import Policy
from components.pubsub.requests import Requests
from components.pubsub.service import Service
from components.pubsub.store.collections import SQLCollections
from components.pubsub.store.fleeting import SQLFleeting
from components.pubsub.store.items import SQLItems
from components.pubsub.store.last_items import SQLLastItems
from components.pubsub.store.listing import SQLListing
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.relations import SQLRelations
from components.pubsub.store.removal import SQLRemoval
from xmppd.storage.interfaces import Database

FACES: tuple[Callable[[Service], object], ...] = (
    affiliations.serve,
    approvals.serve,
    bounces.serve,
    collections.serve,
    configure.serve,
    create.serve,
    defaults.serve,
    delete.serve,
    disco.serve,
    items.serve,
    managing.serve,
    options.serve,
    pending.serve,
    pep_disco.serve,
    private.serve,
    publish.serve,
    purge.serve,
    retract.serve,
    subscribe.serve,
    subscriptions.serve,
)
"""What takes stanzas: each of them one use case of XEP-0060, or another XEP."""


def assemble(
    component: Component,
    database: Database,
    policy: Policy,
    clock: IReactorTime,
    name: str = "Publish-subscribe",
) -> Service:
    """Have a component serve the nodes in a database; `name` is what the service is called."""
    store, kept = SQLNodes(database), SQLItems(database)
    links = SQLCollections(database)
    about = introduce(component, About(Identity("pubsub", "service", name)))
    delegation, privilege = Delegation(component, about), Privilege(component)
    rosters = Rosters(component, privilege)
    presences = Presences(component, privilege)
    instances = Instances(component)
    territory = Territory(component, instances)
    nodes = Nodes(store, policy, clock.seconds, own=territory.own)
    access = Access(policy, rosters)
    ancestry = Ancestry(nodes, links, territory.shared)
    listeners = Listeners(component, clock)
    audiences = Audiences(access, presences, listeners, rosters, ancestry)
    origins = Origins(instances)
    notices = Notices(component, Multicast(component), privilege, origins)
    territory.watch(nodes, component.pauses.hurry)
    bodies = Bodies(policy.bodies, component.counts, clock.seconds)
    publishing = Publishing(
        kept, policy, audiences, notices, bodies, clock.seconds, presences.there
    )
    instances.on_change(lambda _: publishing.forget())
    last_items = LastItems(
        component,
        SQLLastItems(database),
        nodes,
        rosters,
        presences,
        publishing,
        notices,
        instances,
    )
    relations = SQLRelations(database)
    subscribing = Subscribing(store, policy, presences, notices, publishing, clock)

    unasked = Unasked(policy, clock.seconds)
    own = territory.own
    Arrivals(component, relations, nodes, access, presences, publishing, notices, own)
    departures = Departures(component, clock, privilege, instances)
    endings = Endings(component, clock, relations, nodes, presences, departures, subscribing, own)
    leaving = Leaving(
        SQLFleeting(database),
        nodes,
        presences,
        privilege,
        departures,
        publishing,
        clock.seconds,
        own,
    )
    service = Service(
        component,
        clock,
        policy,
        about,
        delegation,
        privilege,
        Requests(component, delegation),
        store,
        kept,
        relations,
        nodes,
        rosters,
        presences,
        access,
        audiences,
        notices,
        origins,
        bodies,
        publishing,
        subscribing,
        Configuring(
            nodes,
            Linking(nodes, links, access, policy),
            access,
            audiences,
            notices,
            policy,
            clock.seconds,
        ),
        links,
        ancestry,
        SQLListing(database),
        Affiliating(store, policy, access, subscribing, notices, unasked),
        Approvals(component.domain, subscribing, notices, clock.seconds),
        unasked,
        Reviews(relations, nodes, access, subscribing, own, privilege),
        endings,
        leaving,
        instances,
        Rate(LOOKS_A_MINUTE, clock.seconds),
    )
    for tell in (
        leaving.configured,
        publishing.configured,
        service.reviews.configured,
        last_items.configured,
        Openings(listeners, notices).configured,
        publishing.trim,  # behind all the others, since it may be cut short
    ):
        service.configuring.on_configured(tell)
    removal = Removal(nodes, store, SQLRemoval(database), service.configuring, rosters)
    Accounts(component).on_removed(removal.forget)
    Expiry(component, clock, policy, service.instances, kept, SystemRandom().uniform)
    for serve in FACES:
        serve(service)
    return service
