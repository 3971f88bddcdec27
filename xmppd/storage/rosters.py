"""Rosters in SQL, for every dialect (RFC 6121 §2)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import Struct
from twisted.internet.defer import Deferred

from xmppd import subscription
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

KEPT = 1_000
"""How many changes of a roster ago a removal may be and still be told to a client."""

_VERSION = "SELECT version FROM rosters WHERE account = ?"
_SET_VERSION = (
    "INSERT INTO rosters (account, version) VALUES (?, ?)"
    " ON CONFLICT (account) DO UPDATE SET version = excluded.version"
)
_ITEMS = "SELECT domain, local, state, name, in_groups, version FROM roster_items WHERE account = ?"
_PUT = (
    "INSERT INTO roster_items (account, domain, local, state, name, in_groups, version)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, domain, local) DO UPDATE SET"
    " state = excluded.state, name = excluded.name, in_groups = excluded.in_groups,"
    " version = excluded.version"
)
_REMOVE = "DELETE FROM roster_items WHERE account = ? AND domain = ? AND local = ?"
_PUT_REMOVAL = (
    "INSERT INTO roster_removals (account, domain, local, version) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (account, domain, local) DO UPDATE SET version = excluded.version"
)
_FORGET_REMOVAL = "DELETE FROM roster_removals WHERE account = ? AND domain = ? AND local = ?"
_FORGET_REMOVALS = "DELETE FROM roster_removals WHERE account = ? AND version <= ?"
_REMOVALS = "SELECT domain, local, version FROM roster_removals WHERE account = ? AND version > ?"
_PUT_REQUEST = (
    "INSERT INTO subscription_requests (account, domain, local, stanza) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (account, domain, local) DO UPDATE SET stanza = excluded.stanza"
)
_REQUESTS = "SELECT domain, local, stanza FROM subscription_requests WHERE account = ?"
_FORGET_REQUEST = "DELETE FROM subscription_requests WHERE account = ? AND domain = ? AND local = ?"


def _octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


class RosterItem(Struct, frozen=True, gc=False):
    """What a user's roster holds of one contact (RFC 6121 §2.1.2).

    `contact` is a bare JID, `state` a sum of the bits of `xmppd.subscription`, `name` "" where
    the user gave none; `version` is that of the roster when the item was last changed.
    """

    contact: JID
    state: int = 0
    name: str = ""
    groups: tuple[str, ...] = ()
    version: int = 0

    @property
    def listed(self) -> bool:
        """Whether clients are told of it; else there is a mere request (§3.1.3)."""
        return bool(self.state & subscription.LISTED)

    @property
    def octets(self) -> int:
        """How many octets its address, name and groups have; 0 where the roster has it not."""
        if not self.state:
            return 0
        return _octets(self.contact) + _octets(self.name) + sum(map(_octets, self.groups))


class StoredRoster(Struct):
    """A roster as it is in the store."""

    version: int
    items: Mapping[JID, RosterItem]


class SQLRosters:
    """The tables of `schema/core/0002_rosters.sql`. Accounts are named by their `Account.id`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, tx: Transaction, account: int) -> StoredRoster:
        """The whole roster of an account, within a unit of work."""
        versions = (await tx.execute(_VERSION, (account,))).rows
        if not versions:
            return StoredRoster(0, {})
        items = [_item(*row) for row in (await tx.execute(_ITEMS, (account,))).rows]
        return StoredRoster(versions[0][0], {item.contact: item for item in items})

    def change(
        self, account: int, before: int, item: RosterItem, request: bytes | None = None
    ) -> Deferred[None]:
        """Keep `item`, by which the roster gets the item's version.

        One that is neither listed nor has any other bit is removed. `before` is the state it was
        in; `request` is the stanza that asks for a subscription, kept while `IN` is set.
        """
        contact = item.contact
        key = (account, contact.domain, contact.local)

        async def work(tx: Transaction) -> None:
            await tx.execute(_SET_VERSION, (account, item.version))
            if item.state:
                groups = json.dumps(item.groups, ensure_ascii=False) if item.groups else ""
                values = (item.state, item.name, groups, item.version)
                await tx.execute(_PUT, (*key, *values))
                if item.listed and not before & subscription.LISTED:
                    await tx.execute(_FORGET_REMOVAL, key)
            else:
                await tx.execute(_REMOVE, key)
            if before & subscription.LISTED and not item.listed:
                await tx.execute(_PUT_REMOVAL, (*key, item.version))
                await tx.execute(_FORGET_REMOVALS, (account, item.version - KEPT))
            if before & subscription.IN and not item.state & subscription.IN:
                await tx.execute(_FORGET_REQUEST, key)
            if request is not None:
                await tx.execute(_PUT_REQUEST, (*key, request))

        return self._database.write(work)

    def removals(self, account: int, since: int) -> Deferred[Sequence[tuple[JID, int]]]:
        """The contacts removed after version `since` and not listed again, and when they were.

        True of versions that are no more than `KEPT` changes old.
        """

        async def work(tx: Transaction) -> Sequence[tuple[JID, int]]:
            rows = (await tx.execute(_REMOVALS, (account, since))).rows
            return [(JID.prepared(local, domain), version) for domain, local, version in rows]

        return self._database.read(work)

    def requests(self, account: int) -> Deferred[Mapping[JID, bytes]]:
        """The stanzas that ask for a subscription and are not answered yet, by contact."""

        async def work(tx: Transaction) -> Mapping[JID, bytes]:
            rows = (await tx.execute(_REQUESTS, (account,))).rows
            return {JID.prepared(local, domain): stanza for domain, local, stanza in rows}

        return self._database.read(work)


def _item(domain: str, local: str, state: int, name: str, groups: str, version: int) -> RosterItem:
    contact = JID.prepared(local, domain)
    return RosterItem(contact, state, name, _groups(groups) if groups else (), version)


@lru_cache(1_000)
def _groups(text: str) -> tuple[str, ...]:
    """The groups of an item; most users have few, each with many items in it."""
    return tuple(json.loads(text))
