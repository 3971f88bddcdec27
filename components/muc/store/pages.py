"""Pages of an archive (XEP-0313 §4), as units of work read them.

No look-up reads more than the page that is asked for: how many messages there are, and where a
page stands among them, follows from their positions, which have no gap. Those of one author or
nickname are looked for from the beginning of the page on, and not counted, which RSM lets be left
out where it costs much (XEP-0059 §2.2) and XEP-0313 §4.3.2 makes optional: an index of them would
make every message that is said dearer by a third.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from components.common.paging import Page
from components.muc.model.history import Said
from components.muc.store.rows import chunks, places
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.storage.interfaces import Transaction, Value

NAMED = 500
"""How many `ids` a query may have."""

_FIELDS = "number, id, origin, lang, nick, author, resource, occupant, encoded"
_BETWEEN = (
    f"SELECT {_FIELDS} FROM room_messages WHERE room = ?"
    " AND position BETWEEN ? AND ? ORDER BY position"
)
_AT = f"SELECT {_FIELDS} FROM room_messages WHERE room = ? AND position IN ({{}}) ORDER BY position"
_NEWEST = (
    f"SELECT {_FIELDS} FROM room_messages WHERE room = ?"
    " AND position > (SELECT written - ? FROM room_archives WHERE room = ?) ORDER BY position"
)
_GET = f"SELECT {_FIELDS} FROM room_messages WHERE room = ? AND id = ?"
_FIRST = "(SELECT position FROM room_messages WHERE room = ? ORDER BY position LIMIT 1)"
_LAST = "(SELECT position FROM room_messages WHERE room = ? ORDER BY position DESC LIMIT 1)"
_NUMBERED = "(SELECT position FROM room_messages WHERE room = ? AND number {} LIMIT 1)"
_FROM = _NUMBERED.format(">= ? ORDER BY number")
_UNTIL = _NUMBERED.format("<= ? ORDER BY number DESC")
_POSITIONS = "SELECT id, position FROM room_messages WHERE room = ? AND id IN ({})"
_AMONG = "SELECT position FROM room_messages WHERE room = ? AND position IN ({})"
_MATCHING = f"SELECT {_FIELDS} FROM room_messages WHERE room = ? AND position BETWEEN ? AND ?"
_LATEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Query:
    """Which messages are asked for (§4.1): those of which all that is given is true.

    `start` and `end` are microseconds as in `Said.number`, and belong to it themselves;
    `before_id` and `after_id` do not. `ids` names the messages. What `with` asks for is
    `with_nick`, of an occupant JID, or `with_author`, a real JID, bare or full: one of them at
    most. The room's own address matches all (§4.1.1), which is neither of them.
    """

    start: int | None = None
    end: int | None = None
    with_nick: str | None = None
    with_author: JID | None = None
    before_id: str | None = None
    after_id: str | None = None
    ids: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for two of what `with` may be."""
        if self.with_nick is not None and self.with_author is not None:
            raise ValueError("a nickname and an author at once")

    @property
    def scans(self) -> bool:
        """Whether all messages between its ends may have to be looked at."""
        return self.with_nick is not None or self.with_author is not None


@dataclass(frozen=True, slots=True)
class Result:
    """A page: its messages, oldest first, and whether nothing was left out for its size.

    `index` is where its first message stands among all that match, `count` how many match; None
    where that was not counted, `index` also where there is no message.
    """

    items: Sequence[Said]
    complete: bool
    index: int | None
    count: int | None


class _Filter(NamedTuple):
    """The end of a statement, with its parameters, that leaves some messages; "" leaves all."""

    sql: str
    params: Sequence[Value]


async def find(tx: Transaction, room: int, query: Query, page: Page) -> Result:
    """A page of the messages of a room that match.

    Raises StanzaError `item-not-found` for an id that the archive does not have (§4.1.3, §4.3.2),
    `policy-violation` for more than `NAMED` ids, and `feature-not-implemented` for an index among
    those of one author or nickname (XEP-0059 §2.6).
    """
    known = await _known(tx, room, query, page)
    span = await _span(tx, room, query, known)
    after, before = known.get(page.after, -1), known.get(page.before or "", _LATEST)
    filter_ = _filter(query)
    if query.ids is None and filter_.sql:
        return await _found(tx, room, span, filter_, page, after, before)
    matching: Sequence[int] = span
    if query.ids is not None:
        named = sorted({known[id_] for id_ in query.ids if known[id_] in span})
        matching = await _passing(tx, room, named, filter_)
    start, end = _cut(matching, page, after, before)
    complete = start == 0 if page.before is not None else end == len(matching)
    items = await _at(tx, room, matching[start:end])
    return Result(items, complete, start if items else None, len(matching))


async def newest(tx: Transaction, room: int, most: int) -> Sequence[Said]:
    """The last messages of a room, at most `most`, oldest first."""
    rows = (await tx.execute(_NEWEST, (room, most, room))).rows
    return [_archived(*row) for row in rows]


async def get(tx: Transaction, room: int, id_: str) -> Said | None:
    """The message of this id; None where the archive has it not."""
    rows = (await tx.execute(_GET, (room, id_))).rows
    return _archived(*rows[0]) if rows else None


async def _known(tx: Transaction, room: int, query: Query, page: Page) -> Mapping[str, int]:
    """The positions of all ids that are named; raises StanzaError where one is not there."""
    if query.ids is not None and len(query.ids) > NAMED:
        raise StanzaError("policy-violation", f"more than {NAMED} ids", reason="muc.many-ids")
    named = {*filter(None, (page.after, page.before)), *(query.ids or ())}
    named.update(id_ for id_ in (query.after_id, query.before_id) if id_ is not None)
    known = dict[str, int]()
    for some in chunks([*named]):
        known.update((await tx.execute(_POSITIONS.format(places(len(some))), (room, *some))).rows)
    if len(known) < len(named):
        raise StanzaError("item-not-found", "no message of this id", reason="muc.unknown-message")
    return known


async def _span(tx: Transaction, room: int, query: Query, known: Mapping[str, int]) -> range:
    """The positions of all messages between the ends that the query gives."""
    start, end = query.start, query.end
    from_ = (_FIRST, (room,)) if start is None else (_FROM, (room, start))
    until = (_LAST, (room,)) if end is None else (_UNTIL, (room, end))
    rows = (await tx.execute(f"SELECT {from_[0]}, {until[0]}", (*from_[1], *until[1]))).rows
    first, last = rows[0]
    if first is None or last is None:
        return range(0)
    if query.after_id is not None:
        first = max(first, known[query.after_id] + 1)
    if query.before_id is not None:
        last = min(last, known[query.before_id] - 1)
    return range(first, last + 1)


def _filter(query: Query) -> _Filter:
    by = query.with_author
    if by is not None and by.resource:
        return _Filter(" AND author = ? AND resource = ?", (by.bare, by.resource))
    if by is not None:
        return _Filter(" AND author = ?", (by,))
    if query.with_nick is not None:
        return _Filter(" AND nick = ?", (query.with_nick,))
    return _Filter("", ())


async def _passing(
    tx: Transaction, room: int, positions: Sequence[int], filter_: _Filter
) -> Sequence[int]:
    """Those of a few positions that pass the filter, in order."""
    if not filter_.sql:
        return positions
    passing = list[int]()
    for some in chunks(positions):
        sql = f"{_AMONG.format(places(len(some)))}{filter_.sql}"
        rows = (await tx.execute(sql, (room, *some, *filter_.params))).rows
        passing += (row[0] for row in rows)
    return sorted(passing)


def _cut(matching: Sequence[int], page: Page, after: int, before: int) -> tuple[int, int]:
    """Where the page begins among what matches, and where it ends, which is behind it."""
    if page.before is None:
        start = min(bisect_right(matching, after) + page.index, len(matching))
        return start, min(start + page.most, len(matching))
    end = bisect_left(matching, before)
    return max(0, end - page.most), end


async def _found(
    tx: Transaction, room: int, span: range, filter_: _Filter, page: Page, after: int, before: int
) -> Result:
    """The page of those that pass the filter."""
    if page.index:
        text = "messages of one author are not counted here"
        raise StanzaError("feature-not-implemented", text, reason="muc.far-index")
    backwards = page.before is not None
    asked = range(max(span.start, after + 1), min(span.stop, before))
    sql = f"{_MATCHING}{filter_.sql} ORDER BY position{' DESC' if backwards else ''} LIMIT ?"
    params = (room, *_ends(asked), *filter_.params, page.most + 1)
    rows = (await tx.execute(sql, params)).rows
    items = [_archived(*row) for row in rows[: page.most]]
    return Result(items[::-1] if backwards else items, len(rows) <= page.most, None, None)


def _ends(span: range) -> tuple[int, int]:
    return span.start, span.stop - 1


async def _at(tx: Transaction, room: int, positions: Sequence[int]) -> Sequence[Said]:
    """The messages at these positions, which are in order."""
    if isinstance(positions, range):
        rows = (await tx.execute(_BETWEEN, (room, *_ends(positions)))).rows if positions else ()
        return [_archived(*row) for row in rows]
    items = list[Said]()
    for some in chunks(positions):
        rows = (await tx.execute(_AT.format(places(len(some))), (room, *some))).rows
        items += (_archived(*row) for row in rows)
    return items


def _archived(
    number: int,
    id_: str,
    origin: str,
    lang: str,
    nick: str,
    author: str,
    resource: str,
    occupant: str,
    encoded: bytes,
) -> Said:
    session = JID.parse(f"{author}/{resource}" if resource else author)
    return Said(number, id_, origin, lang, nick, session, occupant, bytes(encoded))
