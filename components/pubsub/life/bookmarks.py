"""The bookmarks of an account, in its node of XEP-0402, for who reads and writes them all at once.

Only where nobody else may see them: what comes from private storage is not to be shown to others
(XEP-0411 §5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from components.pubsub.life.nodes import Nodes
from components.pubsub.life.publishing import Publishing
from components.pubsub.model import bookmark
from components.pubsub.model.bookmark import NATIVE, Bookmark
from components.pubsub.model.item import Item
from components.pubsub.model.node import Address, Node
from components.pubsub.model.policy import Policy
from components.pubsub.model.ranks import Affiliation
from components.pubsub.model.settings import MAX, PERSONAL
from components.pubsub.store.items import SQLItems
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError

PRIVATE = PERSONAL.change(access_model="whitelist", max_items=MAX, send_last_published_item="never")
"""How the node is made (XEP-0402 §3.3, XEP-0223 §2)."""

_HARMLESS = (Affiliation.OWNER, Affiliation.OUTCAST)


class Kept(NamedTuple):
    """A bookmark that is there, and the id of its item."""

    id: str
    bookmark: Bookmark


class Bookmarks:
    """Reads and changes them."""

    def __init__(
        self,
        nodes: Nodes,
        items: SQLItems,
        publishing: Publishing,
        policy: Policy,
        now: Callable[[], float],
    ) -> None:
        self._nodes = nodes
        self._items = items
        self._publishing = publishing
        self._policy = policy
        self._now = now

    async def private(self, account: JID) -> bool:
        """Whether the node is the account's alone, or not there yet."""
        node = await self._nodes.open(Address(account, NATIVE))
        if node is None:
            return True
        ranks = node.affiliations.values()
        settings = node.settings
        alone = settings.access_model == "whitelist" and settings.publish_model == "publishers"
        return alone and settings.persist_items and all(each in _HARMLESS for each in ranks)

    def check(self, some: Iterable[Bookmark]) -> None:
        """Raise StanzaError `policy-violation` where one is too large."""
        if any(len(each.native()) > self._policy.item_octets for each in some):
            raise StanzaError("policy-violation", "too large a bookmark", reason="pubsub.bookmark")

    async def all(self, account: JID) -> Mapping[JID, Kept]:
        """By room, in the order in which they were published."""
        node = await self._nodes.open(Address(account, NATIVE))
        if node is None:
            return {}
        found: dict[JID, Kept] = {}
        for item in await self._items.last(node.id, self._policy.items):
            read = bookmark.native(item.payload)
            try:
                room = JID.parse(item.id)
            except JIDError:
                continue
            if read is not None:
                found[room] = Kept(item.id, read)
        return found

    async def replace(self, account: JID, wanted: Mapping[JID, Bookmark], by: JID) -> None:
        """Have these and no others; nobody is told of those that stay (XEP-0402 §5.3.2).

        `by` is who has published those that are others.
        """
        kept = await self.all(account)
        changed: dict[str, Bookmark] = {}
        for room, new in wanted.items():
            known = kept.get(room)
            if known is None:
                changed[room] = new
            elif (both := bookmark.merged(new, known.bookmark)) != known.bookmark:
                changed[known.id] = both
        await self._publish(account, changed, by)
        gone = [each.id for room, each in kept.items() if room not in wanted]
        if gone:
            node = await self._node(account)
            for id_ in gone:
                await self._retract(node, id_)

    async def add(self, account: JID, some: Mapping[JID, Bookmark]) -> None:
        """Have these besides, but for rooms that there are bookmarks of."""
        kept = await self.all(account)
        new = {str(room): each for room, each in some.items() if room not in kept}
        await self._publish(account, new, account)

    async def _publish(self, account: JID, some: Mapping[str, Bookmark], by: JID) -> None:
        if not some:
            return
        node, now = await self._node(account), self._now()
        items = [Item(id_, by, now, each.native()) for id_, each in some.items()]
        for start in range(0, len(items), self._policy.batch):
            await self._publishing.publish(node, items[start : start + self._policy.batch])

    async def _retract(self, node: Node, id_: str) -> None:
        try:
            await self._publishing.retract(node, [id_], notify=True)
        except StanzaError as error:
            if error.condition != "item-not-found":  # somebody else was faster
                raise

    async def _node(self, account: JID) -> Node:
        address = Address(account, NATIVE)
        node = await self._nodes.open(address)
        if node is not None:
            return node
        try:
            return await self._nodes.create(address, PRIVATE, account)
        except StanzaError:
            node = await self._nodes.open(address)
            if node is None:
                raise
            return node
