"""The bookmarks of an account, in its nodes of XEP-0402 and of XEP-0048, which say the same.

Rule 1: only where nobody else may see either node: what comes from private storage is not to be
shown to others (XEP-0411 §5). Else each of them stays as it is.
Rule 2: rooms are in the node of XEP-0402, an item each; what it has no place for, bookmarks of web
pages, in that of XEP-0048, beside the rooms, which are there once more. What changes in one node
then changes in the other; where nothing is to be changed nobody is told of anything.
Rule 3: nothing is lost. Where one node can't have what the other has, since it is too much, or not
understood, both go on without each other. Where both were changed at once, nothing goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from components.common.paging import Page
from components.pubsub.life.nodes import Nodes
from components.pubsub.life.publishing import Publishing
from components.pubsub.life.turns import Turns
from components.pubsub.model import bookmark
from components.pubsub.model.bookmark import NATIVE, NOTHING, OLD, Bookmark, Storage
from components.pubsub.model.item import Item
from components.pubsub.model.node import Address, Node
from components.pubsub.model.policy import Policy
from components.pubsub.model.ranks import Affiliation
from components.pubsub.model.room import Room
from components.pubsub.model.settings import MAX, PERSONAL
from components.pubsub.store.items import SQLItems
from xmppd.errors import StanzaError, StoreError
from xmppd.jid import JID

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
"""How many times larger than another item that of XEP-0048 may be: it has all rooms."""
OCTETS = 200_000
"""But no larger than what an old client, which sends all of it again, gets into a stanza."""
ROOMS = 2_000
"""Items of XEP-0402 that are looked at."""

MOST_BEHIND = 10_000
"""Accounts of which it is known that their old node lacks something."""

_HARMLESS = (Affiliation.OWNER, Affiliation.OUTCAST)


class _Kept(NamedTuple):
    """A bookmark that is there, and the id of its item."""

    id: str
    bookmark: Bookmark


_ALL = ("",)
"""What stands for the ids of all items."""


class _Due(NamedTuple):
    """What was changed by others."""

    names: set[str]
    """Nodes."""
    deleted: set[str]
    """Items of XEP-0402 that somebody has deleted."""

    def left(self, rooms: Mapping[JID, Bookmark]) -> dict[JID, Bookmark]:
        """Those of these rooms whose bookmarks nobody has deleted."""
        if not self.deleted.isdisjoint(_ALL):
            return {}
        return {room: each for room, each in rooms.items() if room not in self.deleted}


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
        self._due: dict[JID, _Due] = {}
        """What somebody has changed, of accounts whose turn is yet to come."""
        self._own: Counter[Address] = Counter()
        """Changes that are made here, of which nothing follows."""
        self._behind: dict[JID, None] = {}
        """Accounts whose old node could not be written when it was to be."""
        publishing.on_change(self._changed)

    async def private(self, account: JID) -> bool:
        """Whether both nodes are the account's alone, or not there yet, and have bookmarks."""
        for name in SETTINGS:
            node = await self._nodes.open(Address(account, name))
            if node is not None and not _is_private(node):
                return False
        return await self._old(account) is not None

    async def check(self, account: JID, wanted: Storage) -> None:
        """Raise StanzaError `policy-violation` where bookmarks would not go into either node."""
        await self._check(account, wanted, await self._kept(account))

    async def read(self, account: JID) -> Storage:
        """All of them, in the order in which they were published.

        Raises StanzaError as `check` does.
        """
        kept = await self._kept(account)
        rooms = {room: each.bookmark for room, each in kept.items()}
        return Storage(rooms, (await self._old(account) or NOTHING).others)

    async def write(self, account: JID, wanted: Storage, by: JID) -> None:
        """Have these and no others; nobody is told of those that stay (XEP-0402 §5.3.2).

        `by` is who has published those that are others. Raises StanzaError as `check` does; then
        nothing changes.
        """
        kept = await self._kept(account)
        await self._check(account, wanted, kept)
        await self._replace(account, wanted.rooms, kept, by)
        await self._put_old(account, await self._combined(account, wanted.others), by)

    async def add(self, account: JID, some: Storage) -> None:
        """Have these besides, but for rooms that there are bookmarks of."""
        there = await self.read(account)
        known = {bookmark.written(Storage({}, (each,))) for each in there.others}
        more = [each for each in some.others if bookmark.written(Storage({}, (each,))) not in known]
        wanted = Storage({**some.rooms, **there.rooms}, (*there.others, *more))
        await self.write(account, wanted, account)

    async def _check(self, account: JID, wanted: Storage, kept: Mapping[JID, _Kept]) -> None:
        """Raise StanzaError where they would not go into either node."""
        wanted = wanted._replace(rooms=_merged(wanted.rooms, kept))
        most = Room(self._policy.item_octets, self._policy.item_elements)
        node = await self._nodes.open(Address(account, NATIVE))
        items = self._policy.items if node is None else self._publishing.most(node)
        natives = [each.native() for each in wanted.rooms.values()]
        if (
            not all(map(most.holds, natives))
            or len(natives) > min(items, ROOMS)
            or not self._room.holds(b"".join(natives))
            or not self._room.holds(bookmark.written(wanted))
        ):
            raise _too_much()

    @property
    def _room(self) -> Room:
        """What all of them may take together, in either spelling."""
        policy = self._policy
        return Room(
            min(OCTETS, LARGEST * policy.item_octets),
            min(policy.elements, LARGEST * policy.item_elements),
            payloads=True,
        )

    # ------------------------------------------------------------------ in step

    def _changed(self, node: Node, deleted: Collection[str] | None) -> None:
        """Somebody has changed one of the nodes: the other follows."""
        account, name = node.address
        if not node.personal or name not in SETTINGS:
            return
        if node.address in self._own:
            self._over(node.address)  # it is what follows
            return
        waits = account in self._due
        due = self._due.setdefault(account, _Due(set(), set()))
        due.names.add(name)
        if name == NATIVE:
            due.deleted.update(_ALL if deleted is None else deleted)
        if not waits:  # who waits for his turn sees to that, too
            later = Deferred.fromCoroutine(self._follow(account))
            later.addErrback(lambda failure: log.failure("bookmarks do not follow", failure))

    async def _follow(self, account: JID) -> None:
        try:
            async with self.turns.of(account):
                due = self._due.pop(account)
                if await self.private(account):
                    await self._in_step(account, due)
        except (StanzaError, StoreError) as error:
            log.warn("bookmarks of {jid} are not in step: {error}", jid=account, error=str(error))

    async def _in_step(self, account: JID, due: _Due) -> None:
        old = await self._old(account)
        assert old is not None
        if old is not NOTHING:
            kept = await self._kept(account)
            rooms = {room: each.bookmark for room, each in kept.items()}
            # What the old node could not have, nobody has taken out of it.
            await self._check(account, Storage(rooms, old.others), kept)
            wanted = old.rooms
            if NATIVE in due.names or account in self._behind:
                wanted = {**due.left(old.rooms), **rooms}
            await self._check(account, Storage(wanted, old.others), kept)
            await self._replace(account, wanted, kept, account)
        combined = await self._combined(account, old.others)
        if not await self._put_old(account, combined, account, unless_changed=True):
            # Somebody has changed the old one meanwhile: that is seen to next, and nothing goes.
            again = self._due[account]
            again.names.update(due.names)
            again.deleted.update(due.deleted)

    def _changed_meanwhile(self, account: JID) -> bool:
        """Whether somebody has changed the old node of who has his turn."""
        again = self._due.get(account)
        return again is not None and OLD in again.names

    @contextmanager
    def _by_itself(self, address: Address) -> Iterator[None]:
        """A change that is made here, of which nothing follows."""
        self._own[address] += 1
        try:
            yield
        except BaseException:
            self._over(address)  # at worst the next one is looked at in vain
            raise

    def _over(self, address: Address) -> None:
        self._own[address] -= 1
        if self._own[address] <= 0:
            del self._own[address]

    # ------------------------------------------------------------------ XEP-0402

    async def _kept(self, account: JID) -> Mapping[JID, _Kept]:
        """By room; what is no room's is left alone. Raises StanzaError for too much."""
        node = await self._nodes.open(Address(account, NATIVE))
        if node is None:
            return {}
        found: dict[JID, _Kept] = {}
        page = await self._items.page(node.id, Page(ROOMS, before=""), self._room)
        if len(page.items) < (page.count or 0):
            raise _too_much()
        for item in page.items:
            read, room = bookmark.native(item.payload), bookmark.room(item.id)
            if read is not None and room == item.id and not room.resource:
                found[room] = _Kept(item.id, read)
        return found

    async def _replace(
        self, account: JID, wanted: Mapping[JID, Bookmark], kept: Mapping[JID, _Kept], by: JID
    ) -> None:
        """Have these in place of those that were there: what has come since stays."""
        merged = _merged(wanted, kept)
        now = self._now()
        items = [
            Item(str(room), by, now, each.native())
            for room, each in merged.items()
            if room not in kept or each != kept[room].bookmark
        ]
        if items:
            await self._publish(await self._node(account, NATIVE), items)
        for room, known in kept.items():
            if room not in wanted:
                await self._retract(await self._node(account, NATIVE), known.id)

    async def _retract(self, node: Node, id_: str) -> None:
        try:
            with self._by_itself(node.address):
                await self._publishing.retract(node, [id_], notify=True)
        except StanzaError as error:
            if error.condition != "item-not-found":  # somebody else was faster
                raise

    # ------------------------------------------------------------------ XEP-0048

    async def _old(self, account: JID) -> Storage | None:
        """What the node has; nothing where it has no item, None where that is no bookmarks."""
        node = await self._nodes.open(Address(account, OLD))
        if node is not None:
            for item in await self._items.last(node.id, 1):
                return bookmark.old(item.payload)
        return NOTHING

    async def _combined(self, account: JID, others: tuple[Element, ...]) -> Storage:
        rooms = {room: each.bookmark for room, each in (await self._kept(account)).items()}
        return Storage(rooms, others)

    async def _put_old(
        self, account: JID, wanted: Storage, by: JID, *, unless_changed: bool = False
    ) -> bool:
        """Have these in the old node; False where others have changed it, if that counts."""
        lacking = account in self._behind
        self._behind[account] = None
        if len(self._behind) > MOST_BEHIND:
            del self._behind[next(iter(self._behind))]
        payload = bookmark.written(wanted)
        if not self._room.holds(payload):
            raise _too_much()
        there = await self._old(account)
        if there is not None and not bookmark.alike(there, wanted):
            node = await self._node(account, OLD)
            # What is on its way there is not what has been read.
            await self._publishing.settled(node)
            if unless_changed and self._changed_meanwhile(account):
                if not lacking:
                    self._behind.pop(account, None)
                return False
            await self._publish(node, [Item(CURRENT, by, self._now(), payload)])
        self._behind.pop(account, None)
        return True

    # ------------------------------------------------------------------ both

    async def _publish(self, node: Node, items: list[Item]) -> None:
        for start in range(0, len(items), self._policy.batch):
            some = items[start : start + self._policy.batch]
            with self._by_itself(node.address):
                await self._publishing.publish(node, some, some[0].publisher)

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


def _is_private(node: Node) -> bool:
    settings = node.settings
    alone = settings.access_model == "whitelist" and settings.publish_model == "publishers"
    return (
        alone
        and node.leaf
        and not settings.collection
        and settings.persist_items
        and all(each in _HARMLESS for each in node.affiliations.values())
    )


def _merged(wanted: Mapping[JID, Bookmark], kept: Mapping[JID, _Kept]) -> dict[JID, Bookmark]:
    """Those that are wanted, with what is known of them that old clients know nothing of."""
    return {
        room: bookmark.merged(new, kept[room].bookmark) if room in kept else new
        for room, new in wanted.items()
    }


def _too_much() -> StanzaError:
    return StanzaError("policy-violation", "too much", reason="pubsub.bookmark")
