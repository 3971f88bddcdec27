"""Items go as their publishers go offline (XEP-0060 §17.4.4, `pubsub#purge_offline`).

A publisher goes with the last of his resources that the service sees, whichever has published; the
items of others stay. Where the node says so, subscribers are told as of items that are retracted
(§7.2.2.1), of many in one message: `<purge/>` (§8.5.2) would say that nobody's are left, which may
be wrong by then.

Nothing is deleted on a guess:
- An item goes only if its publisher was seen to be there since. Who publishes without presence has
  it stay until he has come and gone.
- Who goes while nobody looks is missed afterwards, if he is a user of a server that shows the
  presence of its users: it has shown all who are there by then. Of others nobody knows, and what
  they have published stays until they are seen to go.
- Where a node comes to be set up so, that is for what is published from then on, and for what was
  published before by the account that it is at, or by who has made it and is its owner still.
  Nobody else knew, when he published, that it would tell of him; and anybody may be made an owner.

That a publisher goes offline is what such a node tells, of whoever publishes there, and to all who
read it. So its meta-data says that it does (§5.4), and who does not want it has it held against
what he publishes (`publish-options`, §7.1.5).
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from components.common.privilege import Privilege
from components.pubsub.life.departures import Departures
from components.pubsub.life.nodes import Nodes
from components.pubsub.life.presences import Presences
from components.pubsub.life.publishing import SLICE, Publishing
from components.pubsub.model.item import Item
from components.pubsub.model.node import Address, Node
from components.pubsub.model.settings import Settings
from components.pubsub.store.fleeting import SQLFleeting
from xmppd.jid import JID

NODES = 100
"""Nodes that are read at a time."""


class Leaving:
    """Deletes them, at the nodes of this instance."""

    def __init__(
        self,
        store: SQLFleeting,
        nodes: Nodes,
        presences: Presences,
        privilege: Privilege,
        departures: Departures,
        publishing: Publishing,
        now: Callable[[], float],
        own: Callable[[Address], bool],
    ) -> None:
        self.store = store
        self._nodes = nodes
        self._presences = presences
        self._privilege = privilege
        self._publishing = publishing
        self._cache = publishing.cache
        self._now = now
        self._own = own
        self.publishers = departures.watch(self._find, self._see_to)
        self._unseen: set[JID] = set()
        """Who was not seen to be there since something of his was published, when it was looked."""
        presences.on_arrival(self._arrived)
        publishing.on_fleeting(self._published)

    # ------------------------------------------------------------------ who is concerned

    def _arrived(self, jid: JID, first: bool) -> None:
        if first:
            self.publishers.moved(jid.bare)

    def _published(self, bare: JID, seen: bool) -> None:
        self.publishers.add(bare)
        if seen != self._presences.there(bare):  # he has come or gone meanwhile
            self.publishers.moved(bare)

    def configured(self, node: Node, before: Settings) -> None:
        """See `Configuring.on_configured`."""
        now = node.settings.purge_offline
        if now == before.purge_offline:
            return
        last, makers = self._cache.get(node), _makers(node)
        if last is not None:
            goes = 0 if now and last.publisher.bare in makers else None
            self._cache.put(node, last._replace(fleeting=goes))
        for maker in makers if now else ():
            self.publishers.add(maker)
            if self._presences.there(maker):
                self.publishers.moved(maker)

    async def _find(self) -> set[JID]:
        found = await self.store.publishers()
        self._unseen = {bare for bare, seen in found.items() if not seen}
        return set(found)

    # ------------------------------------------------------------------ what becomes of him

    async def _see_to(self, bare: JID, moved: bool) -> None:
        """See whether somebody is there: what he has published goes with him, or has to go now."""
        if self._presences.there(bare):
            self._cache.seen(bare)
            if moved or bare in self._unseen:
                await self.store.seen(bare)
                self._unseen.discard(bare)
            return
        if self._presences.unsure(bare):
            return  # he is looked for once the server has told of all
        if moved or self._privilege.of(bare).presence != "none":
            await self._gone(bare)
        self.publishers.discard(bare)
        if self._cache.any_of(bare) or await self.store.any_of(bare):
            self.publishers.add(bare)
            if self._presences.there(bare):  # he has come while nobody knew of him
                self.publishers.moved(bare)

    async def _gone(self, bare: JID) -> None:
        until, after = self._now(), 0
        for id_, address in self._cache.with_(bare):
            await self._let_go(id_, address, bare, until)
        while found := await self.store.nodes_of(bare, after, NODES):
            after = found[-1][0]
            for id_, address in found:
                await self._let_go(id_, address, bare, until)

    async def _let_go(self, id_: int, address: Address, bare: JID, until: float) -> None:
        """Have the items of one node go, in slices, unless he comes back."""
        if not self._goes(address, bare):
            return
        node = await self._nodes.open(address)
        if node is None or node.id != id_:
            self._cache.forget(id_)  # it was deleted, and there may be another of its name
            return
        if not node.settings.purge_offline:
            return
        await self._publishing.caught_up(node)  # nobody is told that something went, and of it then
        last = self._cache.get(node)
        if last is not None and _goes_with(last, bare) and self._goes(address, bare):
            self._cache.drop(node)
            await self._publishing.gone(node, [last.id])
        while self._goes(address, bare):
            ids = await self.store.take(node.id, bare, until, SLICE)
            if not ids:
                return
            await self._publishing.gone(node, ids)

    def _goes(self, address: Address, bare: JID) -> bool:
        return self._own(address) and not self._presences.there(bare)


def _makers(node: Node) -> Collection[JID]:
    """Those whose node it was from the beginning, as in `store.fleeting`."""
    creator = node.creator.bare
    makers = {node.address.service}
    return makers | {creator} if creator in node.owners else makers


def _goes_with(item: Item, bare: JID) -> bool:
    return bool(item.fleeting) and item.publisher.bare == bare
