"""What the faces of the service stand on: one of each part, made by `assembly`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

from components.common.component import Component
from components.common.delegation import Delegation
from components.common.disco import Disco
from components.common.instances import Instances
from components.common.privilege import Privilege
from components.common.rate import Rate
from components.pubsub.faults import moved, no_name, no_node
from components.pubsub.life.access import Access
from components.pubsub.life.affiliating import Affiliating
from components.pubsub.life.ancestry import Ancestry
from components.pubsub.life.approvals import Approvals
from components.pubsub.life.audience import Audiences
from components.pubsub.life.bodies import Bodies
from components.pubsub.life.configuring import Configuring
from components.pubsub.life.endings import Endings
from components.pubsub.life.leaving import Leaving
from components.pubsub.life.nodes import Nodes
from components.pubsub.life.notices import Notices
from components.pubsub.life.origins import Origins
from components.pubsub.life.presences import Presences
from components.pubsub.life.publishing import Publishing
from components.pubsub.life.reviews import Reviews
from components.pubsub.life.rosters import Rosters
from components.pubsub.life.subscribing import Subscribing
from components.pubsub.life.unasked import Unasked
from components.pubsub.model.node import Node
from components.pubsub.model.policy import Policy
from components.pubsub.requests import Request, Requests
from components.pubsub.store.collections import SQLCollections
from components.pubsub.store.items import SQLItems
from components.pubsub.store.listing import SQLListing
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.relations import SQLRelations


@dataclass(frozen=True, slots=True)
class Service:
    """Publish-subscribe at a component's domain and at the accounts of its servers."""

    component: Component
    clock: IReactorTime
    policy: Policy
    disco: Disco
    delegation: Delegation
    privilege: Privilege
    requests: Requests
    store: SQLNodes
    items: SQLItems
    relations: SQLRelations
    nodes: Nodes
    rosters: Rosters
    presences: Presences
    access: Access
    audiences: Audiences
    notices: Notices
    origins: Origins
    bodies: Bodies
    publishing: Publishing
    subscribing: Subscribing
    configuring: Configuring
    collections: SQLCollections
    ancestry: Ancestry
    listing: SQLListing
    affiliating: Affiliating
    approvals: Approvals
    unasked: Unasked
    reviews: Reviews
    endings: Endings
    leaving: Leaving
    instances: Instances
    looks: Rate
    """At nodes at the domain, for who looks for them."""

    @property
    def now(self) -> Callable[[], float]:
        """Gives seconds UTC since 1970."""
        return self.clock.seconds

    async def node(self, request: Request) -> Node:
        """The node that a request names.

        Raises StanzaError: `nodeid-required` where it names none, `item-not-found`, `gone` where
        it has moved (§6.1.3.11).
        """
        if not request.node:
            raise no_name()
        node = await self.nodes.open(request.address)
        if node is None:
            uri = await self.store.moved(request.address)
            raise moved(uri) if uri else no_node()
        return node
