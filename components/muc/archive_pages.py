"""Pages of an archive (XEP-0313 §4), as units of work read them.

No look-up reads more than the page that is asked for: how many messages there are, and where a
page stands among them, follows from their positions, which have no gap. Only those of one author
or nickname have to be counted. RSM lets that be left out where it costs much (XEP-0059 §2.2), and
XEP-0313 §4.3.2 makes it optional, so it is, from `COUNTED` on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from components.common.paging import Page
from components.muc.history import Said
from components.muc.rows import chunks, places
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.storage.interfaces import Transaction, Value

COUNTED = 2_000
"""So many messages of one author or nickname are counted, and not more."""
NAMED = 500
"""How many `ids` a query may have."""

_FIELDS = "number, id, origin, lang, nick, author, resource, occupant, encoded"
_PAGE = f"SELECT position, {_FIELDS} FROM archived WHERE room = ? AND position BETWEEN ? AND ?"
_BOUNDS = (
    "SELECT (SELECT position FROM archived WHERE room = ? AND number >= ? ORDER BY number LIMIT 1),"
    " (SELECT position FROM archived WHERE room = ? AND number <= ? ORDER BY number DESC LIMIT 1)"
)
_POSITIONS = "SELECT id, position FROM archived WHERE room = ? AND id IN ({})"
_NEWEST = f"SELECT {_FIELDS} FROM archived WHERE room = ? ORDER BY position DESC LIMIT ?"
_GET = f"SELECT {_FIELDS} FROM archived WHERE room = ? AND id = ?"
_COUNT = (
    "SELECT count(*) FROM"
    " (SELECT 1 FROM archived WHERE room = ? AND position BETWEEN ? AND ?{} LIMIT ?) AS counted"
)
_EARLIEST, _LATEST = 0, 2**63 - 1


@dataclass(frozen=True, slots=True)
class Query:
    """Which messages are asked for (§4.1): those of which all that is given is true.

    `start` and `end` are microseconds as in `Said.number`, and belong to it themselves;
    `before_id` and `after_id` do not. `with_nick` and `with_author` are what `with` may be for:
    an occupant JID, or a real bare JID. `ids` names the messages.
    """

    start: int | None = None
    end: int | None = None
    with_nick: str | None = None
    with_author: JID | None = None
    before_id: str | None = None
    after_id: str | None = None
    ids: Sequence[str] | None = None


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


class _Span(NamedTuple):
    """The messages from one position to another, both included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return max(0, self.last - self.first + 1)

    def behind(self, position: int) -> _Span:
        return _Span(max(self.first, position + 1), self.last)

    def before(self, position: int) -> _Span:
        return _Span(self.first, min(self.last, position - 1))


class _Condition(NamedTuple):
    """The end of a statement, with its parameters, that leaves some of a span; "" leaves all."""

    sql: str = ""
    params: Sequence[Value] = ()


async def find(tx: Transaction, room: int, query: Query, page: Page) -> Result:
    """A page of the messages of a room that match.

    Raises StanzaError `item-not-found` for an id that the archive does not have (§4.1.3, §4.3.2),
    `policy-violation` for more than `NAMED` ids, and `feature-not-implemented` for an index that
    could only be counted to (XEP-0059 §2.6).
    """
    known = await _known(tx, room, query, page)
    condition = _condition(query, known)
    span = await _span(tx, room, query, known)
    if not span.size:
        return Result([], True, None, 0)
    rows, complete = await _rows(tx, room, span, condition, page, known)
    items = [_archived(*row[1:]) for row in rows]
    if not condition.sql:
        return Result(items, complete, rows[0][0] - span.first if rows else None, span.size)
    count = await _count(tx, room, span, condition)
    index = await _count(tx, room, span.before(rows[0][0]), condition) if rows else None
    return Result(items, complete, index, count)


async def newest(tx: Transaction, room: int, most: int) -> Sequence[Said]:
    """The last messages of a room, at most `most`, oldest first."""
    rows = (await tx.execute(_NEWEST, (room, most))).rows
    return [_archived(*row) for row in reversed(rows)]


async def get(tx: Transaction, room: int, id_: str) -> Said | None:
    """The message of this id; None where the archive has it not."""
    rows = (await tx.execute(_GET, (room, id_))).rows
    return _archived(*rows[0]) if rows else None


async def _known(tx: Transaction, room: int, query: Query, page: Page) -> Mapping[str, int]:
    """The positions of all ids that are named; raises StanzaError where one is not there."""
    named = {*filter(None, (query.after_id, query.before_id, page.after, page.before))}
    named.update(query.ids or ())
    if len(named) > NAMED + 4:
        raise StanzaError("policy-violation", f"more than {NAMED} ids", reason="muc.many-ids")
    known = dict[str, int]()
    for some in chunks([*named]):
        known.update((await tx.execute(_POSITIONS.format(places(len(some))), (room, *some))).rows)
    if len(known) < len(named):
        raise StanzaError("item-not-found", "no message of this id", reason="muc.unknown-message")
    return known


def _condition(query: Query, known: Mapping[str, int]) -> _Condition:
    sql, params = "", list[Value]()
    if query.with_author is not None:
        sql += " AND author = ?"
        params.append(query.with_author)
    if query.with_nick is not None:
        sql += " AND nick = ?"
        params.append(query.with_nick)
    if query.ids is not None:
        positions = sorted({known[id_] for id_ in query.ids})
        sql += f" AND position IN ({places(len(positions)) or 'NULL'})"
        params += positions
    return _Condition(sql, params)


async def _span(tx: Transaction, room: int, query: Query, known: Mapping[str, int]) -> _Span:
    """Where the messages stand that match but for the condition."""
    start = _EARLIEST if query.start is None else query.start
    end = _LATEST if query.end is None else query.end
    first, last = (await tx.execute(_BOUNDS, (room, start, room, end))).rows[0]
    if first is None or last is None:
        return _Span(0, -1)
    span = _Span(first, last)
    if query.after_id is not None:
        span = span.behind(known[query.after_id])
    if query.before_id is not None:
        span = span.before(known[query.before_id])
    return span


async def _rows(
    tx: Transaction,
    room: int,
    span: _Span,
    condition: _Condition,
    page: Page,
    known: Mapping[str, int],
) -> tuple[Sequence[tuple[Any, ...]], bool]:
    """The rows of the page in order, each with its position first, and whether that is all."""
    order, offset = "", page.index
    if page.before is not None:
        order, offset = " DESC", 0
        if page.before:
            span = span.before(known[page.before])
    elif page.after:
        span = span.behind(known[page.after])
    if not condition.sql:
        span, offset = _Span(span.first + offset, span.last), 0
    elif offset > COUNTED:
        text = f"no more than {COUNTED} messages are counted here"
        raise StanzaError("feature-not-implemented", text, reason="muc.far-index")
    sql = f"{_PAGE}{condition.sql} ORDER BY position{order} LIMIT ? OFFSET ?"
    params = (room, *span, *condition.params, page.most + 1, offset)
    rows = (await tx.execute(sql, params)).rows
    complete = len(rows) <= page.most
    rows = rows[: page.most]
    return rows[::-1] if order else rows, complete


async def _count(tx: Transaction, room: int, span: _Span, condition: _Condition) -> int | None:
    params = (room, *span, *condition.params, COUNTED + 1)
    count: int = (await tx.execute(_COUNT.format(condition.sql), params)).rows[0][0]
    return count if count <= COUNTED else None


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
