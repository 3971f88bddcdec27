"""Statements with many rows in them: one costs little more than one with a single row.

The numbers of rows are powers of two, so that statements are few and databases know them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from xmppd.storage.interfaces import Transaction, Value

T = TypeVar("T")

MOST = 64
"""Rows of one statement: with up to ten values each, below what every SQLite takes (999)."""


def chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows in order, in pieces of `MOST`, then of ever smaller powers of two."""
    start, size = 0, MOST
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        yield rows[start : start + size]
        start += size


@lru_cache
def places(rows: int, columns: int = 1) -> str:
    """Placeholders: `?, ?` for rows of one column, `(?, ?), (?, ?)` for rows of more."""
    row = ", ".join("?" * columns)
    return ", ".join([f"({row})" if columns > 1 else row] * rows)


async def execute_rows(
    tx: Transaction, sql: str, rows: Sequence[Sequence[Value]]
) -> list[tuple[Any, ...]]:
    """Run a statement for all rows, with their placeholders for `{}`; gives what it returns."""
    found: list[tuple[Any, ...]] = []
    for some in chunks(rows):
        statement = sql.format(places(len(some), len(some[0])))
        found += (await tx.execute(statement, [value for row in some for value in row])).rows
    return found
