"""The bookmarks of an account, in its nodes of XEP-0402 and of XEP-0048, which say the same.

Rule 1: only where nobody else may see either node: what comes from private storage is not to be
shown to others (XEP-0411 §5). Else each of them stays as it is.
Rule 2: rooms are in the node of XEP-0402, an item each; what it has no place for, bookmarks of web
pages, in that of XEP-0048, beside the rooms, which are there once more. What changes in one node
then changes in the other; where nothing is to be changed nobody is told of anything.
Rule 3: a room goes because somebody leaves it out of the node of XEP-0048, and not because the
service has not had it yet when it wrote that itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from components.pubsub.life.nodes import Nodes
from components.pubsub.life.publishing import Publishing
from components.pubsub.life.turns import Turns
from components.pubsub.model import bookmark
from components.pubsub.model.bookmark import NATIVE, NOTHING, OLD, Bookmark, Storage
from components.pubsub.model.item import Item
from components.pubsub.model.node import Address, Node
from components.pubsub.model.policy import Policy
from components.pubsub.model.ranks import Affiliation
from components.pubsub.model.settings import MAX, PERSONAL
from components.pubsub.store.items import SQLItems
from xmppd.errors import StanzaError, StoreError
from xmppd.jid import JID, JIDError

log = Logger(namespace="component")

_PRIVATE = PERSONAL.change(access_model="whitelist")
SETTINGS = {
    NATIVE: _PRIVATE.change(max_items=MAX, send_last_published_item="never"),
    OLD: _PRIVATE,
}
"""How the nodes are made (XEP-0402 §3.3, XEP-0223 §2)."""

CURRENT = "current"
"""The item of XEP-0048 (§3.1)."""

LARGEST = 16
"""How many times larger than another item that of XEP-0048 may be: it has all rooms. Where they
would be more, both nodes go on without each other."""

MOST_WRITTEN = 100_000
"""Of how many accounts it is known what the service has written last."""

_HARMLESS = (Affiliation.OWNER, Affiliation.OUTCAST)


class _Kept(NamedTuple):
    """A bookmark that is there, and the id of its item."""

    id: str
    bookmark: Bookmark


class Bookmarks:
    """Reads and changes them. Callers have one of `turns` with the account."""

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
        self.turns: Turns[JID] = Turns()
        self._written: dict[JID, bytes] = {}
        """Digests of what the service itself has written last to nodes of XEP-0048."""
        publishing.on_change(self._changed)

    async def private(self, account: JID) -> bool:
        """Whether both nodes are the account's alone, or not there yet."""
        for name in SETTINGS:
            node = await self._nodes.open(Address(account, name))
            if node is not None and not _is_private(node):
                return False
        return True

    def check(self, wanted: Storage) -> None:
        """Raise StanzaError `policy-violation` where a bookmark, or all together, are too large."""
        most = self._policy.item_octets
        if any(len(each.native()) > most for each in wanted.rooms.values()) or (
            len(bookmark.written(wanted)) > LARGEST * most
        ):
            raise StanzaError("policy-violation", "too large", reason="pubsub.bookmark")

    async def read(self, account: JID) -> Storage:
        """All of them, in the order in which they were published."""
        kept = await self._kept(account)
        rooms = {room: each.bookmark for room, each in kept.items()}
        return Storage(rooms, (await self._old(account) or NOTHING).others)

    async def write(self, account: JID, wanted: Storage, by: JID) -> None:
        """Have these and no others; nobody is told of those that stay (XEP-0402 §5.3.2).

        `by` is who has published those that are others.
        """
        await self._replace(account, wanted.rooms, by)
        await self._put_old(account, await self._combined(account, wanted.others), by)

    async def add(self, account: JID, some: Storage) -> None:
        """Have these besides, but for rooms that there are bookmarks of."""
        there = await self.read(account)
        known = {bookmark.written(Storage({}, (each,))) for each in there.others}
        more = [each for each in some.others if bookmark.written(Storage({}, (each,))) not in known]
        wanted = Storage({**some.rooms, **there.rooms}, (*there.others, *more))
        await self.write(account, wanted, account)

    # ------------------------------------------------------------------ in step

    def _changed(self, node: Node) -> None:
        """Somebody has changed one of the nodes: the other follows."""
        account, name = node.address
        if node.personal and name in SETTINGS:
            later = Deferred.fromCoroutine(self._follow(account, name))
            later.addErrback(lambda failure: log.failure("bookmarks do not follow", failure))

    async def _follow(self, account: JID, name: str) -> None:
        try:
            async with self.turns.of(account):
                if not await self.private(account):
                    return
                payload = await self._payload(account)
                old = bookmark.old(payload)
                own = self._written.get(account) == _digest(payload)
                if name == OLD and old is not None and not own:
                    await self._replace(account, old.rooms, account)
                others = (old or NOTHING).others
                await self._put_old(account, await self._combined(account, others), account)
        except (StanzaError, StoreError) as error:
            log.warn("bookmarks of {jid} are not in step: {error}", jid=account, error=str(error))

    # ------------------------------------------------------------------ XEP-0402

    async def _kept(self, account: JID) -> Mapping[JID, _Kept]:
        """By room."""
        node = await self._nodes.open(Address(account, NATIVE))
        if node is None:
            return {}
        found: dict[JID, _Kept] = {}
        for item in await self._items.last(node.id, self._policy.items):
            read = bookmark.native(item.payload)
            try:
                room = JID.parse(item.id)
            except JIDError:
                continue
            if read is not None:
                found[room] = _Kept(item.id, read)
        return found

    async def _replace(self, account: JID, wanted: Mapping[JID, Bookmark], by: JID) -> None:
        kept = await self._kept(account)
        changed: dict[str, Bookmark] = {}
        for room, new in wanted.items():
            known = kept.get(room)
            if known is None:
                changed[room] = new
            elif (both := bookmark.merged(new, known.bookmark)) != known.bookmark:
                changed[known.id] = both
        if changed:
            now = self._now()
            items = [Item(id_, by, now, each.native()) for id_, each in changed.items()]
            await self._publish(await self._node(account, NATIVE), items)
        for room, each in kept.items():
            if room not in wanted:
                await self._retract(await self._node(account, NATIVE), each.id)

    async def _retract(self, node: Node, id_: str) -> None:
        try:
            await self._publishing.retract(node, [id_], notify=True)
        except StanzaError as error:
            if error.condition != "item-not-found":  # somebody else was faster
                raise

    # ------------------------------------------------------------------ XEP-0048

    async def _old(self, account: JID) -> Storage | None:
        return bookmark.old(await self._payload(account))

    async def _payload(self, account: JID) -> bytes:
        """What is there, b"" for nothing."""
        node = await self._nodes.open(Address(account, OLD))
        if node is not None:
            for item in await self._items.last(node.id, 1):
                return item.payload
        return b""

    async def _combined(self, account: JID, others: tuple[Element, ...]) -> Storage:
        rooms = {room: each.bookmark for room, each in (await self._kept(account)).items()}
        return Storage(rooms, others)

    async def _put_old(self, account: JID, wanted: Storage, by: JID) -> None:
        payload = bookmark.written(wanted)
        if len(payload) > LARGEST * self._policy.item_octets:
            raise StanzaError("policy-violation", "too many", reason="pubsub.bookmark")
        there = await self._old(account)
        if there is None and bookmark.alike(wanted, NOTHING):
            return
        if there is None or not bookmark.alike(there, wanted):
            self._note(account, payload)
            item = Item(CURRENT, by, self._now(), payload)
            await self._publish(await self._node(account, OLD), [item])

    def _note(self, account: JID, payload: bytes) -> None:
        self._written.pop(account, None)
        self._written[account] = _digest(payload)
        if len(self._written) > MOST_WRITTEN:
            del self._written[next(iter(self._written))]

    # ------------------------------------------------------------------ both

    async def _publish(self, node: Node, items: list[Item]) -> None:
        for start in range(0, len(items), self._policy.batch):
            await self._publishing.publish(node, items[start : start + self._policy.batch])

    async def _node(self, account: JID, name: str) -> Node:
        address = Address(account, name)
        node = await self._nodes.open(address)
        if node is not None:
            return node
        try:
            return await self._nodes.create(address, SETTINGS[name], account)
        except StanzaError:
            node = await self._nodes.open(address)
            if node is None:
                raise
            return node


def _digest(payload: bytes) -> bytes:
    return sha256(payload).digest()


def _is_private(node: Node) -> bool:
    settings = node.settings
    alone = settings.access_model == "whitelist" and settings.publish_model == "publishers"
    return (
        alone
        and not settings.collection
        and settings.persist_items
        and all(each in _HARMLESS for each in node.affiliations.values())
    )
