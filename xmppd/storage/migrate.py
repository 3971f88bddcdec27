"""Schema sets: directories of numbered SQL files, brought into a database once each, in order.

`NNNN_name.sql` is for every dialect (see `dialect.Dialect.words`); `NNNN_name.DIALECT.sql`
takes its place for that dialect and is used as it stands. A set is named after its directory;
several sets may live in one database, since `schema_migrations` records each by its name.

All that a start-up applies is one transaction: if any of it fails the database stays as it
was, and the version of the program that last ran on it still does. A released file is never
edited; a change is a new file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xmppd.errors import ConfigError, StoreError
from xmppd.storage.dialect import Dialect
from xmppd.storage.interfaces import Transaction

CORE = Path(__file__).parent / "schema" / "core"
"""The core's own schema set."""

_FILE = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+?)(?:\.(?P<dialect>[a-z]+))?\.sql")

_TABLE = """CREATE TABLE IF NOT EXISTS schema_migrations (
    schema_set $text NOT NULL,
    version INTEGER NOT NULL,
    name $text NOT NULL,
    applied $real NOT NULL,
    PRIMARY KEY (schema_set, version)
);"""
_VERSION = "SELECT max(version) FROM schema_migrations WHERE schema_set = ?"
_RECORD = "INSERT INTO schema_migrations (schema_set, version, name, applied) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a schema set; `version` counts from 1 without gaps."""

    version: int
    name: str
    statements: Sequence[str]


@dataclass(frozen=True, slots=True)
class SchemaSet:
    """A schema set as one dialect reads it, in order."""

    name: str
    migrations: Sequence[Migration]

    @property
    def version(self) -> int:
        """The newest version that this program knows; 0 for an empty set."""
        return len(self.migrations)


def read_schema_set(directory: Path, dialect: Dialect) -> SchemaSet:
    """Read the files of a schema set.

    Raises ValueError where the directory is not what the module's first lines say: that is a
    fault of the package, not of an operator.
    """
    chosen: dict[int, tuple[str, Path, bool]] = {}
    for path in sorted(directory.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path}: schema files are named NNNN_name[.dialect].sql")
        _choose(chosen, match.groupdict(), path, dialect)
    if sorted(chosen) != list(range(1, len(chosen) + 1)):
        raise ValueError(f"{directory}: versions must count from 1 without gaps")
    return SchemaSet(
        directory.name,
        [_read(version, *chosen[version], dialect) for version in sorted(chosen)],
    )


def _choose(
    chosen: dict[int, tuple[str, Path, bool]],
    parts: Mapping[str, str | None],
    path: Path,
    dialect: Dialect,
) -> None:
    """Keep `path` for its version, unless it is for others or there is a variant already."""
    if parts["dialect"] not in (None, dialect.name):
        return
    version, name, variant = int(parts["version"] or 0), str(parts["name"]), bool(parts["dialect"])
    known = chosen.get(version)
    if known is not None and (known[0] != name or known[2] == variant):
        raise ValueError(f"{path}: a second file of version {version}")
    if known is None or variant:
        chosen[version] = name, path, variant


def _read(version: int, name: str, path: Path, variant: bool, dialect: Dialect) -> Migration:
    text = path.read_text(encoding="utf-8")
    try:
        statements = dialect.split(text) if variant else dialect.script(text)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    return Migration(version, name, statements)


async def migrate(
    tx: Transaction, schema: SchemaSet, dialect: Dialect, *, now: float, source: str
) -> int:
    """Bring the database forward to `schema`; gives the number of steps that took.

    The transaction must keep every other migrator out. `now` is in seconds UTC, `source` names
    the database for the operator. Raises `errors.ConfigError` where the database is newer than
    the program, `errors.StoreError` where a step fails.
    """
    for statement in dialect.script(_TABLE):
        await tx.execute(statement)
    current = (await tx.execute(_VERSION, (schema.name,))).rows[0][0] or 0
    if current > schema.version:
        raise ConfigError(
            source,
            "",
            f"its schema {schema.name!r} is version {current}, written by a newer release;"
            f" this one knows versions up to {schema.version}",
            "Start the newer release, or restore the backup made before the upgrade",
        )
    for migration in schema.migrations[current:]:
        await _apply(tx, schema.name, migration, now)
    return schema.version - int(current)


async def _apply(tx: Transaction, set_name: str, migration: Migration, now: float) -> None:
    try:
        for statement in migration.statements:
            await tx.execute(statement)
    except StoreError as error:
        step = f"{migration.version:04}_{migration.name}"
        raise StoreError(f"schema {set_name!r}, step {step}: {error}") from error
    await tx.execute(_RECORD, (set_name, migration.version, migration.name, now))
