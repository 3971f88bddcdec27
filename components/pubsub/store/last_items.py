"""The last items of many nodes at once, of many accounts: what somebody who comes is told of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from components.pubsub.model.item import Item
from components.pubsub.model.node import Address
from components.pubsub.model.ranks import Affiliation
from components.pubsub.store.marks import marks
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction, Value

_FOUND = (
    "SELECT n.service, n.name, n.settings, a.affiliation,"
    " i.id, i.publisher, i.at, i.payload, i.position"
    " FROM pubsub_nodes n"
    " LEFT JOIN pubsub_affiliations a ON a.node = n.id AND a.jid = ?"
    " LEFT JOIN pubsub_items i ON i.node = n.id AND i.position ="
    " (SELECT max(position) FROM pubsub_items WHERE node = n.id)"
    " WHERE n.service IN ({services}) AND n.name IN ({names})"
)

SERVICES = 256
"""Of how many accounts one query asks: what it finds is in memory together."""


class LastItem(NamedTuple):
    """A node, and the item that was published to it last."""

    address: Address
    settings: str
    """The JSON object that the store has."""
    affiliation: Affiliation
    """What he is to it who is told."""
    item: Item | None
    """None where it keeps none."""


class SQLLastItems:
    """Reads `pubsub_nodes` and the ends of `pubsub_items`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self, services: Collection[JID], names: Collection[str], who: JID
    ) -> Deferred[Sequence[LastItem]]:
        """The last items of the nodes of these names that these accounts have.

        `who` is to be told, by bare JID. `services` are `SERVICES` at most.
        """
        asked: list[Value] = [who]
        sql = _FOUND.format(services=marks(services, asked), names=marks(names, asked))

        async def work(tx: Transaction) -> Sequence[LastItem]:
            return [_found(*row) for row in (await tx.execute(sql, asked)).rows]

        return self._database.read(work)


def slices(services: Sequence[JID]) -> Iterator[Sequence[JID]]:
    """Accounts in parts that one query each may ask for."""
    for start in range(0, len(services), SERVICES):
        yield services[start : start + SERVICES]


def _found(
    service: str,
    name: str,
    settings: str,
    affiliation: str | None,
    id_: str | None,
    publisher: str,
    at: float,
    payload: bytes,
    position: int,
) -> LastItem:
    item = None
    if id_ is not None:
        item = Item(id_, JID.parse(publisher), at, bytes(payload), position)
    rank = Affiliation(affiliation or "none")
    return LastItem(Address(JID.parse(service), name), settings, rank, item)
