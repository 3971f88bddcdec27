"""Small writes, batch by batch: what comes while one is on its way to the disk makes the next.

Rule 1: what comes alone goes out at once. Where more has come while a batch was on its way, the
next one waits for `PAUSE`, unless somebody waits for it: a commit costs as much as a hundred rows.
Rule 2: of one table, rows are put in the order in which they came.
Rule 3: what waits is bounded, and who comes too much is told at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime

from xmppd.errors import StoreBusy
from xmppd.storage.interfaces import Database, Transaction

Row = TypeVar("Row", contravariant=True)

TOGETHER = 1_000
"""Rows of one batch, so that other writes get their turn."""

OCTETS = 64 * 1024 * 1024
"""What all that waits may take, whatever the store is at."""

PAUSE = 0.03
"""Seconds between two batches while rows keep coming: what was sent is acknowledged so much later,
which nobody notices."""


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
    octets: int
    deferred: Deferred[None]


class Journal:
    """Puts rows into tables; at most `most` of them wait or are on their way.

    Without a `clock` there is no pause between batches.
    """

    def __init__(
        self, database: Database, clock: IReactorTime | None = None, *, most: int = 10_000
    ) -> None:
        self._database = database
        self._clock = clock
        self._most = most
        self._pause: Deferred[None] | None = None
        self._octets = 0
        self._hurry = 0
        """How many wait for all rows before them."""
        self._waiting: deque[_Entry] = deque()
        self._under_way = 0
        self._running = False

    def __len__(self) -> int:
        """How many rows wait or are on their way."""
        return len(self._waiting) + self._under_way

    def add(self, table: Table[Row], row: Row, octets: int = 0) -> Deferred[None]:
        """Put a row of so many octets, about; fires when it is on the disk.

        Fails with StoreBusy where too much waits, and with StoreError.
        """
        if len(self) >= self._most or self._octets + octets > OCTETS:
            return fail(StoreBusy(f"{len(self)} rows are waiting"))
        self._octets += octets
        return self._append(table, row, octets)

    def settled(self) -> Deferred[None]:
        """Fires when the rows added so far are on the disk, or have failed."""
        if not self._running:
            return succeed(None)
        self._hurry += 1
        settled = self._append(None, None)
        if self._pause is not None:
            self._pause.callback(None)
        return settled

    def _append(self, table: Table[Any] | None, row: Any, octets: int = 0) -> Deferred[None]:
        entry = _Entry(table, row, octets, Deferred())
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
                self._hurry -= entry.table is None
                self._octets -= entry.octets
                if outcome is None:
                    entry.deferred.callback(None)
                else:
                    entry.deferred.errback(outcome)
            if self._waiting and not self._hurry and self._clock is not None:
                await self._paused(self._clock)
        self._running = False

    async def _paused(self, clock: IReactorTime) -> None:
        """Wait until it is time for the next batch, or somebody waits for it."""
        pause = self._pause = Deferred()
        timer = clock.callLater(PAUSE, pause.callback, None)
        await pause
        self._pause = None
        if timer.active():
            timer.cancel()

    async def _outcomes(self, batch: Sequence[_Entry]) -> Sequence[BaseException | None]:
        """What became of each: None for what is on the disk, or only waited."""
        tables: dict[Table[Any], list[int]] = {}
        for number, (table, *_) in enumerate(batch):
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
