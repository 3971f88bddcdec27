"""The directory of users that may be found, in SQL, for every dialect (XEP-0055).

The tables `listings` and `listing_keys` of `schema/vcard/0001_vcards.sql`. Nothing that a peer
says becomes part of a statement: all of it is parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from twisted.internet.defer import Deferred

from components.common.paging import Found, Page
from components.vcard.criteria import Criterion, Match
from components.vcard.fields import Listing
from xmppd.storage.interfaces import Database, Transaction, Value

_FORGET = "DELETE FROM listings WHERE vcard = ?"
_PUT = "INSERT INTO listings (vcard, shown) VALUES (?, ?)"
_TOGETHER = 16
"""How many keys one statement puts."""
_PUT_KEYS = (
    f"INSERT INTO listing_keys (vcard, field, key) VALUES {', '.join(['(?, ?, ?)'] * _TOGETHER)}"
    " ON CONFLICT (vcard, field, key) DO NOTHING"
)

_FROM = "FROM listings JOIN vcards ON vcards.id = listings.vcard WHERE owner"
_ON = " AND domain = ?"
_HAS = " AND listings.vcard IN (SELECT vcard FROM listing_keys WHERE field = ? AND key"
_BETWEEN, _LIKE = f"{_HAS} BETWEEN ? AND ?)", f"{_HAS} LIKE ? ESCAPE '!')"
_LAST = "\U0010ffff"
"""Behind every character that an address or a key may have."""


class Row(NamedTuple):
    """A user who was found: the bare JID, and what the directory shows, by field."""

    owner: str
    shown: Mapping[str, str]


class _Condition(NamedTuple):
    """The end of a statement behind `_FROM` and a comparison of the owner, with its parameters."""

    sql: str
    params: Sequence[Value]


class SQLDirectory:
    """Searches the directory; `put` keeps it, within the unit of work that changes a vCard."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, tx: Transaction, vcard: int, listing: Listing | None) -> None:
        """Have a vCard, by its id, listed so; None for not at all."""
        await tx.execute(_FORGET, (vcard,))
        if listing is None:
            return
        await tx.execute(_PUT, (vcard, msgspec.json.encode(listing.shown).decode()))
        keys = sorted(listing.keys)
        for start in range(0, len(keys), _TOGETHER):
            some = keys[start : start + _TOGETHER]
            some += some[:1] * (_TOGETHER - len(some))  # always the same statement
            await tx.execute(_PUT_KEYS, [value for pair in some for value in (vcard, *pair)])

    def search(
        self, criteria: Sequence[Criterion], page: Page, domain: str | None
    ) -> Deferred[Found[Row]]:
        """A page of those who match all criteria, by ascending JID; everybody without criteria.

        With `domain`, only its users. `after` and `before` may be any text without a NUL.
        """
        condition = _condition(criteria, domain)

        async def work(tx: Transaction) -> Found[Row]:
            count = await _count(tx, condition, _LAST)
            if not count or not page.most:
                return Found([], 0, count)
            rows = await _rows(tx, condition, page)
            first = await _count(tx, condition, rows[0].owner) if rows else 0
            return Found(rows, first, count)

        return self._database.read(work)


def _condition(criteria: Sequence[Criterion], domain: str | None) -> _Condition:
    sql, params = "", list[Value]()
    if domain is not None:
        sql, params = _ON, [domain]
    for field, match, text in criteria:
        if match is Match.CONTAINS:
            sql += _LIKE
            params += field, f"%{_literally(text)}%"
        else:
            sql += _BETWEEN
            params += field, text, text + _LAST if match is Match.PREFIX else text
    return _Condition(sql, params)


def _literally(text: str) -> str:
    """The text with nothing in it that LIKE takes for more than itself."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


async def _count(tx: Transaction, condition: _Condition, below: str) -> int:
    """How many there are whose JID sorts before `below`."""
    sql = f"SELECT count(*) {_FROM} < ?{condition.sql}"
    return int((await tx.execute(sql, (below, *condition.params))).rows[0][0])


async def _rows(tx: Transaction, condition: _Condition, page: Page) -> Sequence[Row]:
    select = f"SELECT owner, shown {_FROM}"
    if page.before is None:
        sql = f"{select} > ?{condition.sql} ORDER BY owner LIMIT ? OFFSET ?"
        params = (page.after, *condition.params, page.most, page.index)
        rows = (await tx.execute(sql, params)).rows
    else:
        sql = f"{select} < ?{condition.sql} ORDER BY owner DESC LIMIT ?"
        params = (page.before or _LAST, *condition.params, page.most)
        rows = (await tx.execute(sql, params)).rows[::-1]
    decode = msgspec.json.decode
    return [Row(owner, decode(shown, type=dict[str, str])) for owner, shown in rows]
