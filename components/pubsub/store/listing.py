"""Which nodes somebody may find, in SQL: of a service, or in a collection, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from twisted.internet.defer import Deferred

from components.pubsub.model import settings as setting
from components.pubsub.model.node import Address
from components.pubsub.model.ranks import Affiliation
from components.pubsub.model.settings import BY_ROSTER, Settings
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

# Those that are in no collection stand at the root (XEP-0248 §5.2).
_AT_ROOT = (
    "pubsub_nodes n",
    "NOT EXISTS (SELECT 1 FROM pubsub_children WHERE child = n.id)",
)
# The children first, of which there are few: the service may have very many nodes.
_INSIDE = (
    "pubsub_children c CROSS JOIN pubsub_nodes n",
    "n.id = c.child AND c.collection = ?",
)
_FROM = (
    " FROM {} LEFT JOIN pubsub_affiliations a ON a.node = n.id AND a.jid = ?"
    " WHERE n.service = ? AND {}"
    " AND (? OR (n.access <> 'whitelist' AND a.affiliation IS NULL) OR a.affiliation <> 'outcast')"
)
_PAGE = f"SELECT n.name, n.access, n.settings, a.affiliation{_FROM}"
_AFTER = f"{_PAGE} AND n.name > ? ORDER BY n.name LIMIT ?"
_BEFORE = f"{_PAGE} AND n.name < ? ORDER BY n.name DESC LIMIT ?"
_LAST = f"{_PAGE} ORDER BY n.name DESC LIMIT ?"
_COUNT = (
    "SELECT count(*),"
    " count(CASE WHEN affiliation IS NULL AND access IN ('presence', 'roster') THEN 1 END)"
    f" FROM (SELECT n.access, a.affiliation{_FROM} LIMIT ?) AS found"
)
COUNTED = 5_000
"""So many nodes are counted: to know of more would cost each page too much (XEP-0059 §2.2)."""


_ADMISSION = ("access_model", "roster_groups_allowed")


class Scope(NamedTuple):
    """Who looks for nodes, and where. `everything` is for who may see all that there is."""

    service: JID
    asker: JID
    """A bare JID."""
    collection: int | None = None
    everything: bool = False


class Listed(NamedTuple):
    """A node that somebody may find, unless it depends on rosters: then that is to be seen."""

    address: Address
    title: str
    admission: Settings | None
    """What of its configuration says whom rosters let find it; None where he finds it anyway."""


class SQLListing:
    """Reads `pubsub_nodes` for lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(self, scope: Scope, name: str, most: int) -> Deferred[Sequence[Listed]]:
        """Nodes behind `name`, in the order of their names."""
        return self._listed(_AFTER, scope, name, most)

    def before(self, scope: Scope, name: str, most: int) -> Deferred[Sequence[Listed]]:
        """Nodes before `name`, "" for the end, the nearest first."""
        return self._listed(_BEFORE if name else _LAST, scope, *([name] if name else []), most)

    def count(self, scope: Scope) -> Deferred[int | None]:
        """How many there are; None where that depends on rosters, and for more than `COUNTED`."""

        async def work(tx: Transaction) -> int | None:
            sql, values = _scoped(_COUNT, scope)
            rows = (await tx.execute(sql, (*values, COUNTED + 1))).rows
            count, by_roster = rows[0]
            unknown = count > COUNTED or (by_roster and not scope.everything)
            return None if unknown else count

        return self._database.read(work)

    def _listed(self, sql: str, scope: Scope, *more: Any) -> Deferred[Sequence[Listed]]:
        async def work(tx: Transaction) -> Sequence[Listed]:
            full, values = _scoped(sql, scope)
            rows = (await tx.execute(full, (*values, *more))).rows
            return [_read(scope, *row) for row in rows]

        return self._database.read(work)


def _scoped(sql: str, scope: Scope) -> tuple[str, list[Any]]:
    """The statement for where is looked, with its first parameters."""
    values: list[Any] = [scope.asker, scope.service]
    if scope.collection is None:
        return sql.format(*_AT_ROOT), [*values, scope.everything]
    return sql.format(*_INSIDE), [*values, scope.collection, scope.everything]


def _read(scope: Scope, name: str, access: str, settings: str, rank: str | None) -> Listed:
    kept = msgspec.json.decode(settings, type=dict[str, Any])
    stranger = rank in (None, Affiliation.NONE.value) and not scope.everything
    admission = None
    if stranger and access in BY_ROSTER:
        admission = setting.restored({key: kept[key] for key in _ADMISSION if key in kept})
    return Listed(Address(scope.service, name), kept.get("title", ""), admission)
