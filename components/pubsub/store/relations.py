"""Who is what to which nodes, in SQL: what is asked across nodes; `nodes` changes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from components.pubsub.model.node import Address, Subscription
from components.pubsub.model.ranks import Affiliation
from components.pubsub.store.marks import marks
from components.pubsub.store.nodes import subscription
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction, Value

# A database that knows nothing of how many nodes a service has would begin with all of them, for
# the sake of the order, or of the name: CROSS JOIN has it begin with what is somebody's own.
_SUBSCRIPTIONS = (
    "SELECT n.name, s.jid, s.subid, s.state, s.options FROM pubsub_subscriptions s"
    " CROSS JOIN pubsub_nodes n WHERE n.id = s.node AND s.bare = ? AND n.service = ?"
    " ORDER BY n.name, s.subid"
)
_AFFILIATIONS = (
    "SELECT n.name, a.affiliation FROM pubsub_affiliations a CROSS JOIN pubsub_nodes n"
    " WHERE n.id = a.node AND a.jid = ? AND n.service = ? ORDER BY n.name LIMIT ?"
)
_ENDED = (
    "SELECT n.service, n.name, s.subid FROM pubsub_subscriptions s"
    " JOIN pubsub_nodes n ON n.id = s.node WHERE s.expires > 0 AND s.expires <= ?"
    " ORDER BY s.expires, s.node, s.subid LIMIT ? OFFSET ?"
)
_TEMPORARY = "SELECT DISTINCT bare FROM pubsub_subscriptions WHERE expires < 0"
_TEMPORARY_OF = (
    "SELECT n.service, n.name, s.subid FROM pubsub_subscriptions s"
    " JOIN pubsub_nodes n ON n.id = s.node WHERE s.bare = ? AND s.expires < 0"
)
_OF_CONTACT = (
    "SELECT DISTINCT n.service, n.name FROM pubsub_subscriptions s"
    " JOIN pubsub_nodes n ON n.id = s.node WHERE s.bare = ?"
    " AND n.access IN ('presence', 'roster') AND (n.service = ? OR n.creator = ?)"
)
_OF_SUBSCRIBER = (
    "SELECT n.service, n.name, s.subid FROM pubsub_subscriptions s"
    " JOIN pubsub_nodes n ON n.id = s.node WHERE s.bare = ? AND s.jid = ? AND n.service = ?"
)
_ANY_OF = "SELECT DISTINCT bare FROM pubsub_subscriptions WHERE bare IN ({bares})"
_NODES_OF = (
    "SELECT n.id, n.service, n.name, n.settings, n.items FROM"
    " (SELECT DISTINCT node FROM pubsub_subscriptions"
    " WHERE bare = ? AND node > ? AND state = 'subscribed' ORDER BY node LIMIT ?) s"
    " CROSS JOIN pubsub_nodes n WHERE n.id = s.node"
)
_OWNS = (
    "SELECT 1 FROM pubsub_affiliations a CROSS JOIN pubsub_nodes n"
    " WHERE n.id = a.node AND a.jid = ? AND a.affiliation = 'owner' AND n.service = ? LIMIT 1"
)
_PENDING = (
    "SELECT n.name FROM pubsub_affiliations a CROSS JOIN pubsub_nodes n"
    " WHERE n.id = a.node AND a.jid = ? AND a.affiliation = 'owner' AND n.service = ?"
    " AND EXISTS (SELECT 1 FROM pubsub_subscriptions WHERE node = n.id AND state = 'pending')"
    " ORDER BY n.name LIMIT ?"
)
_ALL_PENDING = (
    "SELECT DISTINCT n.name FROM pubsub_subscriptions s CROSS JOIN pubsub_nodes n"
    " WHERE n.id = s.node AND s.state = 'pending' AND n.service = ? ORDER BY n.name LIMIT ?"
)


Named = tuple[str, Subscription]
"""A subscription, and the NodeID of what it is to."""


class At(NamedTuple):
    """A subscription, by where it is."""

    address: Address
    subid: str


class NodeRow(NamedTuple):
    """A node, as its row has it."""

    id: int
    address: Address
    settings: str
    """The JSON object that the store has."""
    items: int
    """How many there are."""


class SQLRelations:
    """Questions about affiliations and subscriptions, whatever node they are of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def subscriptions(self, service: JID, bare: JID) -> Deferred[Sequence[Named]]:
        """Those of a bare JID and its resources at a service, with their NodeIDs, in order."""

        async def work(tx: Transaction) -> Sequence[Named]:
            rows = (await tx.execute(_SUBSCRIPTIONS, (bare, service))).rows
            return [(name, subscription(*row)) for name, *row in rows]

        return self._database.read(work)

    def affiliations(
        self, service: JID, bare: JID, most: int
    ) -> Deferred[Sequence[tuple[str, Affiliation]]]:
        """What a bare JID is to the nodes of a service, with their NodeIDs, in order."""

        async def work(tx: Transaction) -> Sequence[tuple[str, Affiliation]]:
            rows = (await tx.execute(_AFFILIATIONS, (bare, service, most))).rows
            return [(name, Affiliation(rank)) for name, rank in rows]

        return self._database.read(work)

    def ended(self, now: float, most: int, skip: int = 0) -> Deferred[Sequence[At]]:
        """Subscriptions whose time is over, at most so many, behind the first `skip`."""
        return self._at(_ENDED, now, most, skip)

    def temporary(self) -> Deferred[set[JID]]:
        """The bare JIDs of those whose subscriptions end when they go offline."""

        async def work(tx: Transaction) -> set[JID]:
            return {JID.parse(bare) for (bare,) in (await tx.execute(_TEMPORARY)).rows}

        return self._database.read(work)

    def temporary_of(self, bare: JID) -> Deferred[Sequence[At]]:
        """Subscriptions of one of them."""
        return self._at(_TEMPORARY_OF, bare)

    def of_subscriber(self, service: JID, jid: JID) -> Deferred[Sequence[At]]:
        """Subscriptions of exactly this JID at a service."""
        return self._at(_OF_SUBSCRIBER, jid.bare, jid, service)

    def subscribed(self, bares: Collection[JID]) -> Deferred[set[JID]]:
        """Those of some bare JIDs that have subscriptions, they or their resources."""
        asked: list[Value] = []
        sql = _ANY_OF.format(bares=marks(bares, asked))

        async def work(tx: Transaction) -> set[JID]:
            return {JID.parse(bare) for (bare,) in (await tx.execute(sql, asked)).rows}

        return self._database.read(work)

    def nodes_of(self, bare: JID, after: int, most: int) -> Deferred[Sequence[NodeRow]]:
        """Nodes that a bare JID or a resource of it is subscribed to, behind the one of an id."""

        async def work(tx: Transaction) -> Sequence[NodeRow]:
            rows = (await tx.execute(_NODES_OF, (bare, after, most))).rows
            return [
                NodeRow(id_, Address(JID.parse(service), name), settings, items)
                for id_, service, name, settings, items in sorted(rows)
            ]

        return self._database.read(work)

    def of_contact(self, account: JID, contact: JID) -> Deferred[Sequence[Address]]:
        """The nodes of an account, or that it has made, to which a contact of its is subscribed.

        Those where rosters decide who may be.
        """

        async def work(tx: Transaction) -> Sequence[Address]:
            rows = (await tx.execute(_OF_CONTACT, (contact, account, account))).rows
            return [Address(JID.parse(service), name) for service, name in rows]

        return self._database.read(work)

    def pending(
        self, service: JID, owner: JID, most: int, *, all_: bool = False
    ) -> Deferred[Sequence[str] | None]:
        """The nodes of an owner with requests that nobody has decided; with `all_`, anybody's.

        None where he owns no node there at all.
        """

        async def work(tx: Transaction) -> Sequence[str] | None:
            if all_:
                rows = (await tx.execute(_ALL_PENDING, (service, most))).rows
            elif (await tx.execute(_OWNS, (owner, service))).rows:
                rows = (await tx.execute(_PENDING, (owner, service, most))).rows
            else:
                return None
            return [name for (name,) in rows]

        return self._database.read(work)

    def _at(self, sql: str, *values: str | float) -> Deferred[Sequence[At]]:
        async def work(tx: Transaction) -> Sequence[At]:
            rows = (await tx.execute(sql, values)).rows
            return [At(Address(JID.parse(service), name), subid) for service, name, subid in rows]

        return self._database.read(work)
