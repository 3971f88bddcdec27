"""Items as units of work read them: the newest, those of some ids, and pages (XEP-0059).

No look-up reads more payloads than go into an answer: how large they are is looked at first. How
many elements they have is seen once they are read. Either end of a node, and what lies next to an
item, costs the same however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from components.common import tree
from components.common.paging import Found, Page
from components.pubsub.model.item import Item
from components.pubsub.model.room import Room
from components.pubsub.store.marks import rows_of
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.storage.interfaces import Transaction, Value

_WHOLE = "id, publisher || resource, at, payload, position, fleeting"
_COLUMNS = f"SELECT {_WHOLE} FROM pubsub_items WHERE node = ?"
_LAST = f"{_COLUMNS} AND at > ? ORDER BY position DESC LIMIT ?"
# A database that knows nothing of how many items there are would look at all of a node's for IN.
_NAMED = "FROM (VALUES {}) AS named CROSS JOIN pubsub_items WHERE id = named.column1 AND node = ?"
_NAMED_ITEMS = f"SELECT {_WHOLE} {_NAMED}"
_BETWEEN = f"{_COLUMNS} AND position BETWEEN ? AND ? ORDER BY position"
_ITEMS = "FROM pubsub_items WHERE node = ?"
_COUNT = "SELECT items FROM pubsub_nodes WHERE id = ?"
_PLACE = f"SELECT position {_ITEMS} AND id = ?"
_BEFORE = f"SELECT count(*) {_ITEMS} AND position < ?"
_ENDS = (
    f"SELECT (SELECT position {_ITEMS} ORDER BY position LIMIT 1),"
    f" (SELECT position {_ITEMS} ORDER BY position DESC LIMIT 1)"
)
_SIZE = "length(payload), length(id), length(publisher || resource)"
_SIZES = f"SELECT position, {_SIZE} {_ITEMS} AND at > ? AND position {{}} ? ORDER BY position {{}}"
_IDS = f"SELECT id {_ITEMS} AND at > ? AND position {{}} ? ORDER BY position {{}}"
_WAYS = ((">", "ASC"), ("<", "DESC"))
_FORTH, _BACK = (f"{_SIZES.format(*way)} LIMIT ? OFFSET ?" for way in _WAYS)
_IDS_FORTH, _IDS_BACK = (f"{_IDS.format(*way)} LIMIT ? OFFSET ?" for way in _WAYS)
_NAMED_SIZES = f"SELECT id, {_SIZE} {_NAMED} AND at > ?"
_LATEST = 2**63 - 1

_AROUND = 60
"""Octets that `<item/>` itself takes."""
_ELEMENTS = 3
"""What `<item/>` itself counts as: an element, its id, and the publisher."""
_COUNTED = 500
"""Of how many items it is counted which one it is; among more it is reckoned."""
_WRITTEN = 6
"""Octets that a character of an attribute may take."""


async def newest(tx: Transaction, node: int, most: int, since: float) -> Sequence[Item]:
    """The newest items, at most so many, the oldest of them first."""
    rows = (await tx.execute(_LAST, (node, since, most))).rows
    return [_item(*row) for row in reversed(rows)]


async def named(
    tx: Transaction, node: int, ids: Sequence[str], room: Room, since: float
) -> Found[Item]:
    """Those of these ids, in their order; as many as there is `room` for, and one at least.

    Only where some were left out for that it says how many were asked for.
    """
    asked: list[Value] = []
    sql = _NAMED_SIZES.format(rows_of(ids, asked))
    sizes = (await tx.execute(sql, [*asked, node, since])).rows
    known = {id_: (id_, *size) for id_, *size in sizes}
    wanted = [known[id_] for id_ in ids if id_ in known]
    fitting = _fitting(wanted, room)
    if not fitting:
        return Found([])
    asked = []
    sql = _NAMED_ITEMS.format(rows_of(fitting, asked))
    rows = (await tx.execute(sql, [*asked, node])).rows
    items = {item.id: item for item in (_item(*row) for row in rows)}
    some = _few([items[id_] for id_ in fitting], room)
    return Found(some, None, len(ids) if len(some) < len(wanted) else None)


async def find(tx: Transaction, node: int, page: Page, room: Room, since: float) -> Found[Item]:
    """A page of a node's items, the oldest of them first, and how many items there are in all.

    Those that were published at `since` or before are too old, and counted until they are deleted.

    What there is no `room` for is left out where the page ends, or, of those before an item, where
    it begins; one is always given. Raises StanzaError `item-not-found` for an id that is not there
    (XEP-0059 §2.4, §2.5).
    """
    count = await _counted(tx, node)
    if not page.most or not count:
        return Found((), None, count)
    bound, skipped = await _start(tx, node, page, count)
    way = _FORTH if page.before is None else _BACK
    rows = (await tx.execute(way, (node, since, bound, page.most, skipped))).rows
    positions = _fitting(rows, room)
    if not positions:
        return Found((), None, count)
    low, high = min(positions), max(positions)
    items: Sequence[Item] = [
        _item(*row) for row in (await tx.execute(_BETWEEN, (node, low, high))).rows
    ]
    items = _few(items, room) if page.before is None else _few(items[::-1], room)[::-1]
    index = await _index(tx, node, page, items[0].position, len(items), count - len(items))
    return Found(items, index, count)


async def ids(tx: Transaction, node: int, page: Page, since: float) -> Found[str]:
    """A page as `find` has it, of the ids of items alone."""
    count = await _counted(tx, node)
    bound, skipped = await _start(tx, node, page, count)
    way = _IDS_FORTH if page.before is None else _IDS_BACK
    rows = (await tx.execute(way, (node, since, bound, page.most, skipped))).rows
    found = [id_ for (id_,) in rows]
    return Found(found if page.before is None else found[::-1], None, count)


async def _counted(tx: Transaction, node: int) -> int:
    """How many items there are in all."""
    rows = (await tx.execute(_COUNT, (node,))).rows
    return rows[0][0] if rows else 0


async def _start(tx: Transaction, node: int, page: Page, count: int) -> tuple[int, int]:
    """The position that a page lies behind, or before, and how many items lie between."""
    id_ = page.after or page.before
    if id_:
        rows = (await tx.execute(_PLACE, (node, id_))).rows
        if not rows:
            raise StanzaError("item-not-found", "there is no such item", reason="pubsub.no-item")
        return rows[0][0], 0
    if page.index and count:
        first, last = (await tx.execute(_ENDS, (node, node))).rows[0]
        # Where none was deleted, positions have no gap.
        return (first + page.index - 1, 0) if last - first + 1 == count else (0, page.index)
    return 0 if page.before is None else _LATEST, 0


async def _index(tx: Transaction, node: int, page: Page, low: int, items: int, at_end: int) -> int:
    """How many items stand before the one at position `low`, the first one of a page.

    Among very many where some were deleted, about how many: it may be approximate (XEP-0059 §2.2).
    """
    if page.before == "":
        return at_end
    if page.before is None and not page.after:
        return page.index
    count = at_end + items
    if count <= _COUNTED:
        before: int = (await tx.execute(_BEFORE, (node, low))).rows[0][0]
        return before
    first, last = (await tx.execute(_ENDS, (node, node))).rows[0]
    about: int = (low - first) * count // (last - first + 1)
    return min(at_end, about)


def _fitting(rows: Iterable[Sequence[Any]], room: Room) -> list[Any]:
    """The first value of each row as long as there are octets for the items, by their `_SIZE`."""
    octets = room.octets
    fitting: list[Any] = []
    for key, payload, id_, publisher in rows:
        octets -= payload
        if not room.payloads:
            octets -= _AROUND + _WRITTEN * (id_ + publisher)
        if fitting and octets < 0:
            break
        fitting.append(key)
    return fitting


def _few(items: Sequence[Item], room: Room) -> Sequence[Item]:
    """The first of these items, as long as there is room for their elements."""
    elements, around = room.elements, 0 if room.payloads else _ELEMENTS
    if sum(around + tree.count_roughly(item.payload) for item in items) <= elements:
        return items  # as a rule
    few: list[Item] = []
    for item in items:
        elements -= around + tree.count_written(item.payload)
        if few and elements < 0:
            break
        few.append(item)
    return few


def _item(
    id_: str, publisher: str, at: float, payload: bytes, position: int, fleeting: int | None
) -> Item:
    return Item(id_, JID.parse(publisher), at, bytes(payload), position, fleeting)
