"""Small writes, batch by batch: what comes while one is on its way to the disk makes the next.

Rule 1: no timer. A batch goes out as soon as the one before it is on the disk, so nobody waits
longer than that, and batches grow with what is to do.
Rule 2: of one table, rows are put in the order in which they came.
Rule 3: what waits is bounded, and who comes too much is told at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from xmppd.errors import StoreBusy
from xmppd.storage.interfaces import Database, Transaction

Row = TypeVar("Row", contravariant=True)

TOGETHER = 1_000
"""Rows of one batch, so that other writes get their turn."""


class Table(Protocol[Row]):
    """What a journal puts rows into."""

    async def put(self, tx: Transaction, rows: Sequence[Row]) -> Sequence[Exception | None]:
        """Put rows, as part of a unit of work; for each of them None, or why it was not put.

        What it raises undoes the whole batch, so rows are such that the database can keep them.
        """
        ...


class _Entry(NamedTuple):
    """A row that waits; without a table it only wants to know when its turn came."""

    table: Table[Any] | None
    row: Any
    deferred: Deferred[None]


class Journal:
    """Puts rows into tables; at most `most` of them wait or are on their way."""

    def __init__(self, database: Database, most: int = 10_000) -> None:
        self._database = database
        self._most = most
        self._waiting: deque[_Entry] = deque()
        self._under_way = 0
        self._running = False

    def __len__(self) -> int:
        """How many rows wait or are on their way."""
        return len(self._waiting) + self._under_way

    def add(self, table: Table[Row], row: Row) -> Deferred[None]:
        """Put a row; fires when it is on the disk.

        Fails with StoreBusy where too many wait, and with StoreError.
        """
        if len(self) >= self._most:
            return fail(StoreBusy(f"{self._most} rows are waiting"))
        return self._append(table, row)

    def settled(self) -> Deferred[None]:
        """Fires when the rows added so far are on the disk, or have failed."""
        return self._append(None, None) if self._running else succeed(None)

    def _append(self, table: Table[Any] | None, row: Any) -> Deferred[None]:
        entry = _Entry(table, row, Deferred())
        self._waiting.append(entry)
        if not self._running:
            self._running = True
            Deferred.fromCoroutine(self._run())
        return entry.deferred

    async def _run(self) -> None:
        while self._waiting:
            most = min(TOGETHER, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(most)]
            self._under_way = most
            outcomes = await self._outcomes(batch)
            self._under_way = 0
            for entry, outcome in zip(batch, outcomes, strict=True):
                if outcome is None:
                    entry.deferred.callback(None)
                else:
                    entry.deferred.errback(outcome)
        self._running = False

    async def _outcomes(self, batch: Sequence[_Entry]) -> Sequence[BaseException | None]:
        """What became of each: None for what is on the disk, or only waited."""
        tables: dict[Table[Any], list[int]] = {}
        for number, (table, _, _) in enumerate(batch):
            if table is not None:
                tables.setdefault(table, []).append(number)

        async def work(tx: Transaction) -> Sequence[BaseException | None]:
            outcomes: list[BaseException | None] = [None] * len(batch)
            for table, numbers in tables.items():
                put = await table.put(tx, [batch[number].row for number in numbers])
                for number, outcome in zip(numbers, put, strict=True):
                    outcomes[number] = outcome
            return outcomes

        try:
            return await self._database.write(work)
        except Exception as error:  # noqa: BLE001 - each that waits is told
            return [None if entry.table is None else error for entry in batch]
