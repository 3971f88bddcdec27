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
    " i.id, i.publisher || i.resource, i.at,"
    " CASE WHEN length(i.payload) <= ? THEN i.payload END, i.position"
    " FROM pubsub_nodes n"
    " LEFT JOIN pubsub_affiliations a ON a.node = n.id AND a.jid = ?"
    " LEFT JOIN pubsub_items i ON i.node = n.id AND i.position ="
    " (SELECT max(position) FROM pubsub_items WHERE node = n.id)"
    " WHERE n.service IN ({services}) AND n.name IN ({names})"
)

SERVICES = 256
"""Of how many accounts one query asks: what it finds is in memory together,"""
FOUND = 2_048
"""which are so many nodes at most."""
OCTETS = 4_096
"""How large an item may be that is read with many others: few are larger that people want to be
told of without asking."""


class LastItem(NamedTuple):
    """A node, and the item that was published to it last."""

    address: Address
    settings: str
    """The JSON object that the store has."""
    affiliation: Affiliation
    """What he is to it who is told."""
    item: Item | None
    """None where it keeps none, or one that is large."""
    large: bool = False
    """Whether there is one that has to be read by itself."""


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
        asked: list[Value] = [OCTETS, who]
        sql = _FOUND.format(services=marks(services, asked), names=marks(names, asked))

        async def work(tx: Transaction) -> Sequence[LastItem]:
            return [_found(*row) for row in (await tx.execute(sql, asked)).rows]

        return self._database.read(work)


def slices(services: Sequence[JID], names: int = 1) -> Iterator[Sequence[JID]]:
    """Accounts in parts that one query each may ask for so many names of nodes."""
    size = max(1, min(SERVICES, FOUND // max(1, names)))
    for start in range(0, len(services), size):
        yield services[start : start + size]


def _found(
    service: str,
    name: str,
    settings: str,
    affiliation: str | None,
    id_: str | None,
    publisher: str,
    at: float,
    payload: bytes | None,
    position: int,
) -> LastItem:
    item = None
    if id_ is not None and payload is not None:
        item = Item(id_, JID.parse(publisher), at, bytes(payload), position)
    rank = Affiliation(affiliation or "none")
    large = id_ is not None and payload is None
    return LastItem(Address(JID.parse(service), name), settings, rank, item, large)
