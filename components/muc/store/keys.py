"""Secrets of the service, made once for each database: all its processes have the same ones."""

from __future__ import annotations

import secrets

from twisted.internet.defer import Deferred

from xmppd.storage.interfaces import Database, Transaction

OCTETS = 32
"""How long a secret is."""

_GET = "SELECT value FROM room_secrets WHERE name = ?"
_MAKE = "INSERT INTO room_secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"


class SQLKeys:
    """The table `room_secrets` of `schema/muc/0001_rooms.sql`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def key(self, name: str) -> Deferred[bytes]:
        """The secret of this name, made now if there is none."""
        new = secrets.token_bytes(OCTETS)

        async def work(tx: Transaction) -> bytes:
            await tx.execute(_MAKE, (name, new))
            return bytes((await tx.execute(_GET, (name,))).rows[0][0])

        return self._database.write(work)
