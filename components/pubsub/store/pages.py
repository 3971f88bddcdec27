"""Items as units of work read them: the newest, those of some ids, and pages (XEP-0059).

No look-up reads more payloads than it gives: how large they are is looked at first. Either end of
a node, and what lies next to an item, costs the same however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components.common.paging import Found, Page
from components.pubsub.model.item import Item
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.storage.interfaces import Transaction

_COLUMNS = "SELECT id, publisher, at, payload, position FROM pubsub_items WHERE node = ?"
_LAST = f"{_COLUMNS} AND at > ? ORDER BY position DESC LIMIT ?"
_ONE = f"{_COLUMNS} AND id = ? AND at > ?"
_BETWEEN = f"{_COLUMNS} AND position BETWEEN ? AND ? ORDER BY position"
_COUNT = "SELECT items FROM pubsub_nodes WHERE id = ?"
_PLACE = "SELECT position FROM pubsub_items WHERE node = ? AND id = ?"
_BEFORE = "SELECT count(*) FROM pubsub_items WHERE node = ? AND position < ?"
_SIZES = (
    "SELECT position, length(payload), length(id), length(publisher) FROM pubsub_items"
    " WHERE node = ? AND at > ? AND position {} ? ORDER BY position {} LIMIT ? OFFSET ?"
)
_FORTH, _BACK = _SIZES.format(">", "ASC"), _SIZES.format("<", "DESC")
_LATEST = 2**63 - 1

_AROUND = 60
"""Octets that `<item/>` itself takes."""
_WRITTEN = 6
"""Octets that a character of an attribute may take."""


async def newest(tx: Transaction, node: int, most: int, since: float) -> Sequence[Item]:
    """The newest items, at most so many, the oldest of them first."""
    rows = (await tx.execute(_LAST, (node, since, most))).rows
    return [_item(*row) for row in reversed(rows)]


async def named(
    tx: Transaction, node: int, ids: Sequence[str], octets: int, since: float
) -> Found[Item]:
    """Those of these ids, in their order; as many as go into `octets`, and one at least.

    Only where some were left out for that it says how many were asked for.
    """
    found: list[Item] = []
    for id_ in ids:
        for row in (await tx.execute(_ONE, (node, id_, since))).rows:
            item = _item(*row)
            octets -= _octets(len(item.payload), len(item.id), len(item.publisher))
            if found and octets < 0:
                return Found(found, None, len(ids))
            found.append(item)
    return Found(found)


async def find(tx: Transaction, node: int, page: Page, octets: int, since: float) -> Found[Item]:
    """A page of a node's items, the oldest of them first, and how many items there are in all.

    Those that were published at `since` or before are too old, and counted until they are deleted.

    What goes beyond `octets` is left out where the page ends, or, of those before an item, where it
    begins; one is always given. Raises StanzaError `item-not-found` for an id that is not there
    (XEP-0059 §2.4, §2.5).
    """
    rows = (await tx.execute(_COUNT, (node,))).rows
    count = rows[0][0] if rows else 0
    # Where the last ones are asked for, or those of an index near the end, it is read from there.
    back = page.before is not None or page.index > count // 2
    skipped, most = page.index, page.most
    if back and page.before is None:
        most = min(most, max(0, count - page.index))
        skipped = max(0, count - page.index - most)
    if not most or not count:
        return Found((), None, count)
    bound = await _bound(tx, node, page, _LATEST if back else 0)
    sizes = (node, since, bound, most, skipped)
    rows = (await tx.execute(_BACK if back else _FORTH, sizes)).rows
    if back and page.before is None:
        rows = rows[::-1]
    positions = _fitting(rows, octets)
    if not positions:
        return Found((), None, count)
    low, high = min(positions), max(positions)
    items = [_item(*row) for row in (await tx.execute(_BETWEEN, (node, low, high))).rows]
    return Found(items, await _index(tx, node, page, low, count - len(items)), count)


async def _bound(tx: Transaction, node: int, page: Page, end: int) -> int:
    """The position that a page lies behind, or before; `end` where that is no item."""
    id_ = page.after or page.before
    if id_:
        rows = (await tx.execute(_PLACE, (node, id_))).rows
        if not rows:
            raise StanzaError("item-not-found", "there is no such item", reason="pubsub.no-item")
        place: int = rows[0][0]
        return place
    return end


async def _index(tx: Transaction, node: int, page: Page, low: int, at_end: int) -> int:
    """How many items stand before the one at position `low`, the first one of a page."""
    if page.before == "":
        return at_end
    if page.before is None and not page.after:
        return page.index
    before: int = (await tx.execute(_BEFORE, (node, low))).rows[0][0]
    return before


def _fitting(rows: Iterable[Sequence[int]], octets: int) -> Sequence[int]:
    """The positions of those items that go into `octets`, one at least."""
    positions: list[int] = []
    for position, payload, id_, publisher in rows:
        octets -= _octets(payload, id_, publisher)
        if positions and octets < 0:
            break
        positions.append(position)
    return positions


def _octets(payload: int, id_: int, publisher: int) -> int:
    """What an item takes in an answer, at the most."""
    return payload + _AROUND + _WRITTEN * (id_ + publisher)


def _item(id_: str, publisher: str, at: float, payload: bytes, position: int) -> Item:
    return Item(id_, JID.parse(publisher), at, bytes(payload), position)
