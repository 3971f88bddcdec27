"""The backends that the storage contract tests run over, and a reactor to drive them by hand.

A backend to come adds one entry to `BACKENDS` (and to `QUEUEING`, `PERSISTENT` where it is so);
the contract tests stay as they are. PostgreSQL is one server for the whole session, with a
database for each test.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred

from tests.support.postgresql import Cluster, shared
from xmppd.admin.pump import Pump
from xmppd.credentials import Credentials, ScramKeys
from xmppd.jid import JID
from xmppd.storage.accounts import SQLAccounts
from xmppd.storage.interfaces import Database, Transaction
from xmppd.storage.migrate import CORE
from xmppd.storage.url import open_database
from xmppd.storage.work_queue import Limits

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds that a test waits for another thread before it fails."""


class TimedReactor(Pump):
    """A reactor that is driven by whoever waits, and waits for ever for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._patience: float | None = None

    def wait(self, deferred: Deferred[T]) -> T:
        """The deferred's result; raises what it failed with, TimeoutError if nothing comes."""
        self._patience = time.monotonic() + PATIENCE
        return super().wait(deferred)

    def turn(self) -> None:
        super().turn()
        if self._patience is not None and time.monotonic() > self._patience:
            raise TimeoutError(f"nothing came in {PATIENCE:g} seconds")

    def wait_until(self, true: Callable[[], object]) -> None:
        """Go on until something is so that no Deferred tells of."""
        self._patience = time.monotonic() + PATIENCE
        while not true():
            self.turn()

    def wait_all(self, deferreds: Sequence[Deferred[Any]]) -> list[Any]:
        """The outcome of each: its result, or the exception that it failed with."""

        def outcome(deferred: Deferred[Any]) -> Any:
            try:
                return self.wait(deferred)
            except TimeoutError:
                raise
            except Exception as error:  # noqa: BLE001 - handed to the test
                return error

        return [outcome(deferred) for deferred in deferreds]


class PumpedReactor(TimedReactor):
    """One whose clock moves only when told."""

    def __init__(self) -> None:
        super().__init__()
        self.rightNow = 0.0

    def pass_time(self) -> None:
        self.advance(0)


class Backend(Protocol):
    """One way to keep data, for one test, empty at first."""

    reactor: TimedReactor

    def open(self, schema_set: Path = CORE, limits: Limits | None = None) -> Database:
        """Open the data (the same data each time, for a persistent backend)."""

    def hold(self, database: Database) -> Any:
        """A context in which nothing that is queued begins."""

    def close(self) -> None:
        """Close whatever was opened, and be rid of the data."""


class SQLiteBackend:
    """An SQLite store at a url."""

    def __init__(self, url: str, base: Path) -> None:
        self.reactor = PumpedReactor()
        self.url = url
        self.base = base
        self._opened: list[Database] = []

    def open(self, schema_set: Path = CORE, limits: Limits | None = None) -> Database:
        opening = open_database(self.url, schema_set, self.reactor, self.base, limits=limits)
        database = self.reactor.wait(opening)
        self._opened.append(database)
        return database

    @contextmanager
    def hold(self, database: Database) -> Iterator[None]:
        """Both threads stand in a unit of work until the context ends."""
        release = Event()
        holders = []
        for lane in (database.read, database.write):
            entered = Event()
            holders.append(lane(_standing(entered, release)))
            assert entered.wait(PATIENCE)
        try:
            yield
        finally:
            release.set()
            self.reactor.wait_all(holders)

    def close(self) -> None:
        for database in self._opened:
            self.reactor.wait(database.close())


class PostgreSQLBackend:
    """A database of its own on a PostgreSQL server, by the name `elsinore_N`."""

    numbers = itertools.count()

    def __init__(self, server: Cluster, reactor: TimedReactor | None = None) -> None:
        self.reactor = reactor or PumpedReactor()
        self.name = f"elsinore_{os.getpid()}_{next(self.numbers)}"
        self.url = server.url(self.name)
        self._server = server
        self._opened: list[Database] = []
        server.execute(f"CREATE DATABASE {self.name}")

    def open(self, schema_set: Path = CORE, limits: Limits | None = None) -> Database:
        opening = open_database(self.url, schema_set, self.reactor, Path(), limits=limits)
        database = self.reactor.wait(opening)
        self._opened.append(database)
        return database

    @contextmanager
    def hold(self, database: Database) -> Iterator[None]:
        """Every connection stands in a unit of work until the context ends."""
        entered: list[None] = []
        release: list[Deferred[None]] = []

        async def standing(tx: Transaction) -> None:
            entered.append(None)
            release.append(Deferred())
            await release[-1]

        asks = [database.write, *[database.read] * (Limits().connections - 1)]
        holders = [ask(standing) for ask in asks]
        self.reactor.wait_until(lambda: len(entered) == len(asks))
        try:
            yield
        finally:
            for each in release:
                each.callback(None)
            self.reactor.wait_all(holders)

    def execute(self, sql: str, *params: object) -> list[Any]:
        """Run a statement in this database, by a connection of its own."""
        return self._server.execute(sql, params, self.name)

    def sessions(self) -> list[int]:
        """The processes of the server's that serve this database, those of tests aside."""
        sql = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = 'xmppd'"
        return [row[0] for row in self.execute(sql, self.name)]

    def close(self) -> None:
        for database in self._opened:
            self.reactor.wait(database.close())
        self._server.execute(f"DROP DATABASE {self.name} WITH (FORCE)")


def _standing(entered: Event, release: Event) -> Callable[[Transaction], Any]:
    async def work(tx: Transaction) -> None:
        entered.set()
        assert release.wait(PATIENCE)

    return work


BACKENDS: dict[str, Callable[[Path], Backend]] = {
    "sqlite-memory": lambda base: SQLiteBackend("sqlite::memory:", base),
    "sqlite-file": lambda base: SQLiteBackend("sqlite:elsinore.db", base),
    "postgresql": lambda base: PostgreSQLBackend(shared()),
}
"""Each backend, made for one test with a directory of its own."""

QUEUEING = ("sqlite-file", "postgresql")
"""Those that queue work."""

PERSISTENT = ("sqlite-file", "postgresql")
"""Those whose data are there when they are opened again."""


def keys(seed: int = 1, iterations: int = 10_000) -> ScramKeys:
    """Keys that differ with `seed`."""
    octet = bytes([seed])
    return ScramKeys(octet * 16, iterations, octet * 20, octet * 20)


def credentials(seed: int = 1, *, sealed: bytes | None = None) -> Credentials:
    """Credentials of both hashes that differ with `seed`."""
    return Credentials({"SHA-1": keys(seed), "SHA-256": keys(seed + 1)}, sealed)


class Accounts:
    """A database with accounts: what the stores of what accounts have are tested in.

    `wait` is for what a store is asked.
    """

    def __init__(self, backend: Backend) -> None:
        self.wait = backend.reactor.wait
        self.database = backend.open()
        self.accounts = SQLAccounts(self.database)

    def make(self, jid: JID) -> int:
        """A new account's number."""
        return self.wait(self.accounts.create(jid, credentials(), now=1602.0)).id
