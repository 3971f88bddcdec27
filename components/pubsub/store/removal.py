"""What a removed account leaves in nodes, in SQL: found in slices, and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from twisted.internet.defer import Deferred

from components.pubsub.model.node import Address
from components.pubsub.model.ranks import Affiliation
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

_CONCERNED = (
    "SELECT n.id, n.service, n.name, a.affiliation, (SELECT count(*) FROM pubsub_affiliations o"
    " WHERE o.node = n.id AND o.affiliation = 'owner' AND o.jid <> ?)"
    " FROM (SELECT node FROM pubsub_affiliations WHERE jid = ?"
    " UNION SELECT node FROM pubsub_subscriptions WHERE bare = ?) c"
    " JOIN pubsub_nodes n ON n.id = c.node"
    " LEFT JOIN pubsub_affiliations a ON a.node = n.id AND a.jid = ? ORDER BY n.id LIMIT ?"
)
_UNSUBSCRIBE = "DELETE FROM pubsub_subscriptions WHERE node = ? AND bare = ?"
_DISAFFILIATE = "DELETE FROM pubsub_affiliations WHERE node = ? AND jid = ?"
# Whoever has the account next has made none of them, nor has any of the other owners.
_DISOWN = "UPDATE pubsub_nodes SET creator = service WHERE creator = ?"
_MOVED = "DELETE FROM pubsub_moved WHERE creator = ?"
_NAMED = (
    "SELECT id, service, name FROM pubsub_nodes WHERE id > ? AND settings LIKE ? ESCAPE '!'"
    " ORDER BY id LIMIT ?"
)


class Concerned(NamedTuple):
    """A node with which an account has to do."""

    id: int
    address: Address
    orphaned: bool
    """Whether nobody owns it but the account."""


class SQLRemoval:
    """Finds what is to be forgotten."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def concerned(self, account: JID, most: int) -> Deferred[Sequence[Concerned]]:
        """Nodes to which an account is subscribed or has an affiliation, at most so many."""

        async def work(tx: Transaction) -> Sequence[Concerned]:
            values = (account, account, account, account, most)
            return [_concerned(*row) for row in (await tx.execute(_CONCERNED, values)).rows]

        return self._database.read(work)

    def named(self, account: JID, after: int, most: int) -> Deferred[Sequence[tuple[int, Address]]]:
        """Nodes behind the one of id `after` whose settings may name an account, with their ids."""
        quoted = msgspec.json.encode(str(account)).decode()
        pattern = "".join(f"!{each}" if each in "!%_" else each for each in quoted)

        async def work(tx: Transaction) -> Sequence[tuple[int, Address]]:
            rows = (await tx.execute(_NAMED, (after, f"%{pattern}%", most))).rows
            return [(id_, Address(JID.parse(service), name)) for id_, service, name in rows]

        return self._database.read(work)

    def forget(self, account: JID, nodes: Sequence[int]) -> Deferred[None]:
        """Have an account nothing to do with some nodes any more."""

        async def work(tx: Transaction) -> None:
            for id_ in nodes:
                await tx.execute(_UNSUBSCRIBE, (id_, account))
                await tx.execute(_DISAFFILIATE, (id_, account))

        return self._database.write(work)

    def disown(self, account: JID) -> Deferred[None]:
        """Have an account have made no node, neither of those that are there nor of others."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_DISOWN, (account,))
            await tx.execute(_MOVED, (account,))

        return self._database.write(work)


def _concerned(id_: int, service: str, name: str, rank: str | None, owners: int) -> Concerned:
    address = Address(JID.parse(service), name)
    owned = rank == Affiliation.OWNER.value
    return Concerned(id_, address, owned and not owners and not address.personal)
