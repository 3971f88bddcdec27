"""Nodes in SQL, for every dialect: how they are set up, and who has to do with them.

Items are in `items`, collections in `collections`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from components.pubsub.model import options
from components.pubsub.model.node import Address, Subscription
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.store.collections import children, collections, link
from components.pubsub.store.fleeting import fleeting, mark
from components.pubsub.store.stored import (
    NO_LINKS,
    Links,
    Moved,
    NodeExists,
    NodeGone,
    Removed,
    StoredNode,
    TooManyNodes,
    TooManySubscriptions,
)
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

SCHEMA = Path(__file__).parents[1] / "schema" / "pubsub"
"""The schema set, for `xmppd.storage.url.open_database`."""

_NODE = "SELECT id, settings, creator, created FROM pubsub_nodes WHERE service = ? AND name = ?"
_AFFILIATIONS = "SELECT jid, affiliation FROM pubsub_affiliations WHERE node = ? ORDER BY jid"
_SUBSCRIPTIONS = (
    "SELECT jid, subid, state, options FROM pubsub_subscriptions WHERE node = ? ORDER BY subid"
)
_CREATE = (
    "INSERT INTO pubsub_nodes (service, name, creator, created, access, settings, kept, fleeting)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (service, name) DO NOTHING RETURNING id"
)
_MADE = "SELECT count(*) FROM pubsub_nodes WHERE creator = ? AND service = ?"
_SAVE = "UPDATE pubsub_nodes SET access = ?, settings = ?, kept = ?, fleeting = ? WHERE id = ?"
_FLEETING = "SELECT fleeting FROM pubsub_nodes WHERE id = ?"
_REMOVE = "DELETE FROM pubsub_nodes WHERE id = ? RETURNING service, name, creator"
_PURGE = "DELETE FROM pubsub_items WHERE node = ?"
_EMPTY = "UPDATE pubsub_nodes SET items = 0, octets = 0 WHERE id = ?"
_HOLD = "UPDATE pubsub_nodes SET name = name WHERE id = ?"
_NAMES = "SELECT name FROM pubsub_nodes WHERE service = ? AND name > ? ORDER BY name LIMIT ?"

_MOVED = "SELECT uri FROM pubsub_moved WHERE service = ? AND name = ?"
_MOVE = "INSERT INTO pubsub_moved (service, name, uri, creator, at) VALUES (?, ?, ?, ?, ?)"
_BACK = "DELETE FROM pubsub_moved WHERE service = ? AND name = ?"
_FORGET_MOVED = (
    "DELETE FROM pubsub_moved WHERE creator = ? AND at < (SELECT at FROM pubsub_moved"
    " WHERE creator = ? ORDER BY at DESC LIMIT 1 OFFSET ?)"
)

_AFFILIATE = (
    "INSERT INTO pubsub_affiliations (node, jid, affiliation) VALUES (?, ?, ?)"
    " ON CONFLICT (node, jid) DO UPDATE SET affiliation = excluded.affiliation"
)
_DISAFFILIATE = "DELETE FROM pubsub_affiliations WHERE node = ? AND jid = ?"

_SUBSCRIBE = (
    "INSERT INTO pubsub_subscriptions (node, subid, jid, bare, state, expires, options)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (node, subid) DO UPDATE SET state = excluded.state,"
    " expires = excluded.expires, options = excluded.options"
)
_SUBSCRIBED = "SELECT count(*) FROM pubsub_subscriptions WHERE bare = ?"
_UNSUBSCRIBE = "DELETE FROM pubsub_subscriptions WHERE node = ? AND subid = ?"

TEMPORARY = -1.0
"""When a subscription expires that ends as the subscriber goes offline."""


class SQLNodes:
    """The tables of `schema/pubsub/0001_nodes.sql` that tell what a node is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, address: Address) -> Deferred[StoredNode | None]:
        """The node at an address; None where there is none."""

        async def work(tx: Transaction) -> StoredNode | None:
            rows = (await tx.execute(_NODE, address)).rows
            if not rows:
                return None
            id_, settings, creator, created = rows[0]
            affiliated = (await tx.execute(_AFFILIATIONS, (id_,))).rows
            subscribed = (await tx.execute(_SUBSCRIPTIONS, (id_,))).rows
            return StoredNode(
                id_,
                address,
                msgspec.json.decode(settings, type=dict[str, Any]),
                JID.parse(creator),
                created,
                {JID.parse(jid): Affiliation(rank) for jid, rank in affiliated},
                [subscription(*row) for row in subscribed],
                await collections(tx, id_),
            )

        return self._database.read(work)

    def create(
        self,
        address: Address,
        settings: Mapping[str, Any],
        affiliations: Mapping[JID, Affiliation],
        *,
        creator: JID,
        now: float,
        most: int = 0,
        links: Links = NO_LINKS,
    ) -> Deferred[int]:
        """Make a node; gives its id. `settings` is what JSON can say.

        Fails with `NodeExists`, with `TooManyNodes` where `creator` has made `most` of the
        service's nodes already, unless that is 0, and as `link` does.
        """
        encoded = msgspec.json.encode(settings).decode()

        async def work(tx: Transaction) -> int:
            access, kept, goes = settings["access_model"], _kept(settings), fleeting(settings)
            values = (*address, creator, now, access, encoded, kept, goes)
            rows = (await tx.execute(_CREATE, values)).rows
            if not rows:
                raise NodeExists(address)
            if most:
                made = (await tx.execute(_MADE, (creator, address.service))).rows[0][0]
                if made > most:
                    raise TooManyNodes(creator)
            id_: int = rows[0][0]
            for jid, rank in affiliations.items():
                await tx.execute(_AFFILIATE, (id_, jid, rank.value))
            if links != NO_LINKS:
                await link(tx, id_, links)
            await tx.execute(_BACK, address)
            return id_

        return self._database.write(work)

    def save(
        self, id_: int, settings: Mapping[str, Any], links: Links = NO_LINKS, *, purge: bool = False
    ) -> Deferred[Sequence[str]]:
        """Have a node set up so, and with `purge` no items; gives the collections it is in then.

        Fails with `NodeGone`, and as `link` does.
        """
        encoded = msgspec.json.encode(settings).decode()

        async def work(tx: Transaction) -> Sequence[str]:
            if links != NO_LINKS:
                await link(tx, id_, links)
            before, now = (await tx.execute(_FLEETING, (id_,))).rows, fleeting(settings)
            values = (settings["access_model"], encoded, _kept(settings), now, id_)
            if not (await tx.execute(_SAVE, values)).changed:
                raise NodeGone(id_)
            if any(was != now for (was,) in before):
                await mark(tx, id_, now)
            if purge:
                await tx.execute(_PURGE, (id_,))
                await tx.execute(_EMPTY, (id_,))
            return await collections(tx, id_)

        return self._database.write(work)

    def remove(self, id_: int, moved: Moved | None = None) -> Deferred[Removed]:
        """Have the node no more, nor anything of it, but remember where it has gone."""

        async def work(tx: Transaction) -> Removed:
            orphans = await children(tx, id_)
            rows = (await tx.execute(_REMOVE, (id_,))).rows
            if rows and moved is not None:
                service, name, creator = rows[0]
                await tx.execute(_MOVE, (service, name, moved.uri, creator, moved.now))
                await tx.execute(_FORGET_MOVED, (creator, creator, moved.most - 1))
            return Removed(bool(rows), orphans)

        return self._database.write(work)

    def moved(self, address: Address) -> Deferred[str]:
        """The URI of where a node has gone that was deleted; "" where nobody has said."""

        async def work(tx: Transaction) -> str:
            rows = (await tx.execute(_MOVED, address)).rows
            return rows[0][0] if rows else ""

        return self._database.read(work)

    def names(self, service: JID, after: str = "", most: int = 100) -> Deferred[Sequence[str]]:
        """The NodeIDs of a service behind `after`, in order."""

        async def work(tx: Transaction) -> Sequence[str]:
            rows = (await tx.execute(_NAMES, (service, after, most))).rows
            return [name for (name,) in rows]

        return self._database.read(work)

    def affiliate(
        self,
        id_: int,
        affiliations: Mapping[JID, Affiliation],
        put: Sequence[Subscription] = (),
        drop: Sequence[Subscription] = (),
    ) -> Deferred[None]:
        """Have these in place of what the node holds of the same JIDs; fails with `NodeGone`.

        `put` and `drop` are the subscriptions that change with them.
        """

        async def work(tx: Transaction) -> None:
            await _hold(tx, id_)
            for jid, rank in affiliations.items():
                if rank is Affiliation.NONE:
                    await tx.execute(_DISAFFILIATE, (id_, jid))
                else:
                    await tx.execute(_AFFILIATE, (id_, jid, rank.value))
            await _change(tx, id_, put, drop)

        return self._database.write(work)

    def subscribe(
        self,
        id_: int,
        put: Sequence[Subscription],
        drop: Sequence[Subscription] = (),
        *,
        most: int = 0,
    ) -> Deferred[None]:
        """Have some subscriptions, and others no more; fails with `NodeGone`.

        Fails with `TooManySubscriptions` where one of those in `put` would have more than `most`
        in all, unless that is 0; then nothing changes.
        """

        async def work(tx: Transaction) -> None:
            await _hold(tx, id_)
            await _change(tx, id_, put, drop)
            for bare in {each.jid.bare for each in put} if most else ():
                if (await tx.execute(_SUBSCRIBED, (bare,))).rows[0][0] > most:
                    raise TooManySubscriptions(bare)

        return self._database.write(work)


async def _hold(tx: Transaction, id_: int) -> None:
    """Keep others from changing a node until this is done; raises `NodeGone`."""
    if not (await tx.execute(_HOLD, (id_,))).changed:
        raise NodeGone(id_)


def _kept(settings: Mapping[str, Any]) -> int:
    """How many seconds items are kept, 0 where the node does not say."""
    return max(0, int(settings.get("item_expire", 0)))


async def _change(
    tx: Transaction, id_: int, put: Sequence[Subscription], drop: Sequence[Subscription]
) -> None:
    for each in drop:
        await tx.execute(_UNSUBSCRIBE, (id_, each.subid))
    for each in put:
        await tx.execute(_SUBSCRIBE, (id_, *_row(each)))


def subscription(jid: str, subid: str, state: str, kept: str) -> Subscription:
    """A subscription from its columns."""
    chosen = options.restored(msgspec.json.decode(kept, type=dict[str, Any]))
    return Subscription(JID.parse(jid), subid, State(state), chosen)


def _row(each: Subscription) -> tuple[str, str, str, str, float, str]:
    encoded = msgspec.json.encode(options.stored(each.options)).decode()
    jid, expires = each.jid, TEMPORARY if each.options.temporary else each.options.expire
    return each.subid, jid, jid.bare, each.state.value, expires, encoded
