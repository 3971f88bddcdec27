"""Who is somebody else by now: accounts that were removed, and may have been made anew.

An occupant id (XEP-0421) is made of an address, and tells whose message it is that somebody takes
back (XEP-0424). So it is also made of a word that an address gets when its account is removed.
"""

from __future__ import annotations

import secrets

from twisted.internet.defer import Deferred

from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

SAME = 3_600.0
"""Seconds in which several instances are told of the same removal, and find the same word."""

_GET = "SELECT word FROM room_incarnations WHERE jid = ?"
_ALL = "SELECT jid, word FROM room_incarnations"
_PUT = (
    "INSERT INTO room_incarnations (jid, word, at) VALUES (?, ?, ?) ON CONFLICT (jid) DO UPDATE"
    " SET word = excluded.word, at = excluded.at WHERE room_incarnations.at < ?"
)


class Incarnations:
    """The words of the table `room_incarnations`, all of them in memory, by bare JID."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._words: dict[str, str] = {}

    def of(self, account: JID) -> str:
        """What tells an account from those before it of the same name; "" for a first one."""
        return self._words.get(account, "")

    async def read(self) -> None:
        """Learn what the store knows."""

        async def work(tx: Transaction) -> dict[str, str]:
            rows = (await tx.execute(_ALL)).rows
            return dict(rows)

        self._words = await self._database.read(work)

    async def removed(self, account: JID, now: float) -> None:
        """An account is removed; `now` is in seconds UTC since 1970."""
        self._words[account] = await self._put(account, now)

    def _put(self, account: JID, now: float) -> Deferred[str]:
        new = secrets.token_urlsafe(6)

        async def work(tx: Transaction) -> str:
            await tx.execute(_PUT, (account, new, now, now - SAME))
            word: str = (await tx.execute(_GET, (account,))).rows[0][0]
            return word

        return self._database.write(work)
