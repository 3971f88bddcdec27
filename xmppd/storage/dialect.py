"""Where the databases' SQL differs: everything else in this package is written once.

Statements are written with `?` for parameters, `ON CONFLICT` for upserts and `RETURNING` for
what an insert made; schema files with the words of `Dialect.words` for column types.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import Template


@lru_cache(maxsize=1024)
def with_placeholder(sql: str, placeholder: str) -> str:
    """Rewrite `?` as `placeholder`; a literal `%` is doubled where placeholders begin with it.

    Statements come from the code and are few, so the answers are kept. Text belongs into
    parameters: a `?` inside a quoted literal would be rewritten too.
    """
    if placeholder.startswith("%"):
        sql = sql.replace("%", "%%")
    return sql.replace("?", placeholder)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One database's way of saying things."""

    name: str
    """As in the file names of schema variants, `0001_accounts.NAME.sql`."""
    placeholder: str
    """What the driver wants in place of `?`."""
    words: Mapping[str, str]
    """What `$id`, `$text`, `$bytes`, `$real` and `$clustered` stand for in a schema file."""
    split: Callable[[str], Sequence[str]]
    """Cuts a script into what the driver can execute at once."""

    def statement(self, sql: str) -> str:
        """The statement as the driver wants it."""
        return sql if self.placeholder == "?" else with_placeholder(sql, self.placeholder)

    def script(self, text: str) -> Sequence[str]:
        """The statements of a schema file that is written for every dialect.

        Raises ValueError (KeyError for an unknown word) where the file is wrong.
        """
        return self.split(Template(text).substitute(self.words))


def split_sqlite(script: str) -> Sequence[str]:
    """Cut a script at the semicolons that end statements, not at those within triggers.

    Raises ValueError where the last statement has no semicolon.
    """
    return tuple(_complete(script))


def _complete(script: str) -> Iterator[str]:
    held = ""
    for piece in script.split(";")[:-1]:
        held += piece + ";"
        if sqlite3.complete_statement(held):
            yield held.strip()
            held = ""
    if held or _without_comments(script.rsplit(";", 1)[-1]):
        raise ValueError("the script's last statement has no end")


def _without_comments(tail: str) -> str:
    return "".join(line.partition("--")[0] for line in tail.splitlines()).strip()


SQLITE = Dialect(
    name="sqlite",
    placeholder="?",
    words={
        # AUTOINCREMENT: without it SQLite gives the highest id away again once it is free.
        "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "text": "TEXT",
        "bytes": "BLOB",
        "real": "REAL",
        # Rows lie in the order of their key, within it: those of one account side by side.
        "clustered": "WITHOUT ROWID",
    },
    split=split_sqlite,
)
"""SQLite from 3.35, the first with RETURNING."""


def split_postgresql(script: str) -> Sequence[str]:
    """Leave a script whole: the driver takes many statements at once.

    Raises ValueError where the last statement has no semicolon.
    """
    lines = [line.partition("--")[0].strip() for line in script.splitlines()]
    text = "".join(lines)
    if text and not text.endswith(";"):
        raise ValueError("the script's last statement has no end")
    return (script,) if text else ()


POSTGRESQL = Dialect(
    name="postgresql",
    placeholder="%s",
    words={
        "id": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        # Sorted and compared by code point, as SQLite does, whatever the database's locale.
        "text": 'TEXT COLLATE "C"',
        "bytes": "BYTEA",
        "real": "DOUBLE PRECISION",
        "clustered": "",
    },
    split=split_postgresql,
)
"""PostgreSQL from 12, the oldest that still knows all that is said here and is tested."""
