"""Subscriptions whose time is over end: leases (XEP-0060 §13.19), and temporary ones (§13.5).

The end of a temporary one tells the owners that the subscriber has gone offline. So no subscription
is temporary but by its subscriber: he has wished it, or has subscribed to a node where all who
subscribe have it so. Those that owners make (§8.8.2), or that were there before, are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from components.common.component import Component
from components.pubsub.faults import refusal
from components.pubsub.life.departures import Departures
from components.pubsub.life.nodes import Nodes
from components.pubsub.life.presences import Presences
from components.pubsub.life.subscribing import Subscribing
from components.pubsub.model.node import Address, Node, Subscription
from components.pubsub.model.options import Options
from components.pubsub.store.relations import At, SQLRelations
from xmppd.jid import JID

log = Logger(namespace="component")

EVERY = 60.0
"""Seconds from one look for what has ended to the next: so late an end may be."""
BATCH = 500
"""How many are read at a time."""


class Endings:
    """Ends subscriptions when it is time."""

    def __init__(
        self,
        component: Component,
        clock: IReactorTime,
        relations: SQLRelations,
        nodes: Nodes,
        presences: Presences,
        departures: Departures,
        subscribing: Subscribing,
        own: Callable[[Address], bool],
    ) -> None:
        self._component = component
        self._clock = clock
        self._relations = relations
        self._nodes = nodes
        self._presences = presences
        self._subscribing = subscribing
        self._own = own
        self._temporary = departures.watch(relations.temporary, self._gone)
        clock.callLater(EVERY, self._look)

    def note(self, subscription: Subscription) -> None:
        """Know of a subscription that is new, or has other options."""
        if subscription.options.temporary:
            self._temporary.add(subscription.jid.bare)

    def check(self, jid: JID, options: Options) -> None:
        """Raise StanzaError for a temporary subscription of somebody who is not seen there."""
        there = self._presences.of(jid.bare)
        if options.temporary and (jid not in there if jid.resource else not there):
            raise refusal(
                "not-authorized",
                "presence-subscription-required",
                "you are not seen to be online",
                reason="pubsub.presence-subscription-required",
            )

    # ------------------------------------------------------------------ when

    def _look(self) -> None:
        self._clock.callLater(EVERY, self._look)
        if self._component.connected:
            later = Deferred.fromCoroutine(self._over())
            later.addErrback(lambda failure: log.failure("leases were not ended", failure))

    # ------------------------------------------------------------------ what ends

    async def _over(self) -> None:
        """End leases whose time is over."""
        now, skip = self._clock.seconds(), 0
        while some := await self._relations.ended(now, BATCH, skip):
            ended = await self._end(some, lambda each: 0 < each.options.expire <= now)
            skip += len(some) - ended

    async def _gone(self, bare: JID, moved: bool) -> None:
        """End the temporary subscriptions of somebody, or of those of his resources that left."""
        if self._presences.unsure(bare):
            return  # he is looked for once the server has told of all
        if not self._presences.of(bare):
            self._temporary.discard(bare)
        await self._end(await self._relations.temporary_of(bare), self._left)

    def _left(self, subscription: Subscription) -> bool:
        jid, there = subscription.jid, self._presences.of(subscription.jid.bare)
        return subscription.options.temporary and (jid not in there if jid.resource else not there)

    async def _end(self, some: Sequence[At], over: Callable[[Subscription], bool]) -> int:
        """End those that are over; gives how many."""
        ended = 0
        for address in {each.address for each in some if self._own(each.address)}:
            node = await self._nodes.open(address)
            subids = {each.subid for each in some if each.address == address}
            if node is not None:
                ended += await node.lock.run(self._drop, node, subids, over)
        return ended

    async def _drop(
        self, node: Node, subids: set[str], over: Callable[[Subscription], bool]
    ) -> int:
        dropped = [each for each in node.subscriptions() if each.subid in subids and over(each)]
        if node.gone or not dropped:
            return 0
        await self._subscribing.change(node, drop=dropped)
        await self._subscribing.tell_all(node, [], dropped)
        return len(dropped)
