"""The last items, for subscribers who come online (XEP-0060 §6.1.7, §17.4.4 on_sub_and_presence).

Who has subscribed is sent the last item of each of his nodes that does so when he becomes
available: at his bare JID for its first resource, where that is subscribed, at a full JID when that
one comes. Of accounts' nodes each resource is told, at its full JID (XEP-0163 §4.3.4), but for
those that are told anyway since their clients want the node: that is what `last_items` does.

Those who come are looked up many at a time, and few of them have subscriptions. A service that is
new on a stream sees all come who are there: they may have come while nobody told them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from components.common.component import Component
from components.common.requests import RequestFailed
from components.pubsub.life import access, subscribers
from components.pubsub.life.access import Access
from components.pubsub.life.audience import hears
from components.pubsub.life.nodes import Nodes, defaults
from components.pubsub.life.notices import Notices
from components.pubsub.life.presences import Presences
from components.pubsub.life.publishing import Publishing
from components.pubsub.life.rosters import ITSELF
from components.pubsub.model import settings as setting
from components.pubsub.model.node import Address, Node
from components.pubsub.model.ranks import State
from components.pubsub.store.relations import NodeRow, SQLRelations
from xmppd.errors import StoreError
from xmppd.jid import JID

log = Logger(namespace="component")

AT_ONCE = 4
"""How many lots of those who have come are seen to at the same time; the others wait."""

LOT = 256
"""How many of them one query looks for."""

PAGE = 100
"""How many nodes of one subscriber are looked at together."""

MOST = 100_000
"""How many may wait: who comes when there are more is told of what is published from then on."""

PATIENCE = 10.0
"""Seconds in which the server is to say what a client wants, before it is taken to want nothing."""


class _Arrival(NamedTuple):
    """How somebody has come."""

    first: bool
    """Whether no other resource was there."""
    late: bool = False
    """Whether what his client wants has been waited for: the domain's nodes are done by then."""


class _Told(NamedTuple):
    """What is told at one address besides the item."""

    subids: list[str]
    """Where he has several subscriptions."""
    body: bool


_NOTHING = _Told([], False)


class Arrivals:
    """Tells those who come."""

    def __init__(
        self,
        component: Component,
        relations: SQLRelations,
        nodes: Nodes,
        access: Access,
        presences: Presences,
        publishing: Publishing,
        notices: Notices,
        own: Callable[[Address], bool],
    ) -> None:
        self._component = component
        self._relations = relations
        self._nodes = nodes
        self._access = access
        self._presences = presences
        self._publishing = publishing
        self._notices = notices
        self._own = own
        self._waiting: dict[JID, _Arrival] = {}
        """By full JID, in the order in which they have come."""
        self._patient: dict[JID, _Arrival] = {}
        """Those who are looked at again when it is clear what their clients want."""
        self._working = 0
        presences.on_arrival(lambda client, first: self._add(client, _Arrival(first)))
        presences.on_known(self._clear)

    def _add(self, client: JID, arrival: _Arrival) -> None:
        if len(self._waiting) >= MOST:
            return
        self._waiting[client] = arrival
        if self._working < AT_ONCE:
            self._working += 1
            working = Deferred.fromCoroutine(self._work())
            working.addErrback(lambda failure: log.failure("who came was not told", failure))

    async def _work(self) -> None:
        try:
            while self._waiting:
                lot = dict(_taken(self._waiting, LOT))
                try:
                    await self._see_to(lot)
                except (StoreError, RequestFailed) as error:
                    log.warn("who came is not told of last items: {error}", error=str(error))
        finally:
            self._working -= 1

    async def _see_to(self, lot: dict[JID, _Arrival]) -> None:
        found = await self._relations.subscribed({client.bare for client in lot})
        for client, arrival in lot.items():
            if client.bare in found:
                await self._look(client, arrival)

    async def _look(self, client: JID, arrival: _Arrival) -> None:
        """Tell somebody who has subscriptions."""
        after = 0
        while page := await self._relations.nodes_of(client.bare, after, PAGE):
            after = page[-1].id
            for row in page:
                if client not in self._presences.of(client.bare):
                    return
                done = arrival.late and not row.address.personal
                if not done and self._sends(row):
                    await self._of_node(row.address, client, arrival)

    def _sends(self, row: NodeRow) -> bool:
        """Whether a node sends something to who comes, as far as is known without opening it."""
        if not self._own(row.address):
            return False
        node = self._nodes.at_hand(row.address)
        if node is not None:
            return node.settings.tells_who_comes
        settings = setting.read(row.settings, defaults(row.address))
        return settings.tells_who_comes and (row.items > 0 or not settings.persist_items)

    async def _of_node(self, address: Address, client: JID, arrival: _Arrival) -> None:
        node = await self._nodes.open(address)
        if node is None or not node.settings.tells_who_comes:
            return
        if await self._by_interest(node, client):
            return
        if not arrival.late and self._unsure(node, client):
            self._be_patient(client, arrival)
            return
        decided = access.decides(node, client)
        rank = self._access.affiliation(node, client)
        if not await self._access.keeps(node, client, rank):
            return
        await self._notices.room()

        def still(to: JID) -> bool:
            same = access.decides(node, client) == decided and node.settings.tells_who_comes
            return same and to in self._told(node, client, arrival)

        for to, (subids, body) in self._told(node, client, arrival).items():
            await self._publishing.send_last(node, (to,), subids, partial(still, to), body=body)

    def _told(self, node: Node, client: JID, arrival: _Arrival) -> dict[JID, _Told]:
        """Where he is told of a node by now, and how."""
        found: dict[JID, _Told] = {}
        if client not in self._presences.of(client.bare):
            return found
        for jid in (client, client.bare):
            counted = [each for each in node.of_jid(jid) if each.state is State.SUBSCRIBED]
            body = subscribers.want_body(counted, jid)
            for each in counted:
                if not each.options.deliver:
                    continue
                for at in subscribers.addresses(node, each, self._presences):
                    to = client if node.personal and at == client.bare else at
                    if to == client or (to == client.bare and arrival.first):
                        before = found.get(to, _NOTHING)
                        subids = [*before.subids, *[each.subid] * (len(counted) > 1)]
                        found[to] = _Told(subids, before.body or body)
        return found

    # ------------------------------------------------------------------ what a client wants

    def _unsure(self, node: Node, client: JID) -> bool:
        """Whether a client may be told of a node by what it wants, and that is not known yet."""
        seen = self._presences.of(client.bare).get(client)
        return node.personal and seen is not None and seen.interests is None

    async def _by_interest(self, node: Node, client: JID) -> bool:
        """Whether a client is told of a node since it wants it, subscribed or not."""
        account, name = node.address
        if not node.personal or name not in self._presences.interests_of(client):
            return False
        bare = client.bare
        contact = ITSELF if bare == account else await self._access.contact(account, bare)
        return hears(node.settings, node.affiliation(client), contact)

    def _be_patient(self, client: JID, arrival: _Arrival) -> None:
        if client not in self._patient:
            self._patient[client] = arrival._replace(late=True)
            self._component.clock.callLater(PATIENCE, self._clear, client)

    def _clear(self, client: JID) -> None:
        """It is known what a client wants, or nobody waits for it any more."""
        arrival = self._patient.pop(client, None)
        if arrival is not None:
            self._add(client, arrival)


def _taken(waiting: dict[JID, _Arrival], most: int) -> Iterator[tuple[JID, _Arrival]]:
    """So many of those who wait, and they wait no more."""
    for client in list(islice(waiting, most)):
        yield client, waiting.pop(client)
