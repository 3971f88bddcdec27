"""From `[store] url` to an open store.

`sqlite:path` is a file, relative to the data directory or absolute; `sqlite::memory:` is gone
with the process and meant for tests. `postgresql://…` is what libpq takes as a URI; its driver
is imported only where it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from twisted.internet.defer import Deferred

from xmppd.errors import ConfigError
from xmppd.storage.accounts import SQLAccounts
from xmppd.storage.avatars import SQLAvatars
from xmppd.storage.components import SQLComponents
from xmppd.storage.dialect import POSTGRESQL, SQLITE
from xmppd.storage.interfaces import Database, Stores
from xmppd.storage.last import SQLLastPresence
from xmppd.storage.migrate import CORE, read_schema_set
from xmppd.storage.offline import SQLOfflineMessages
from xmppd.storage.privacy import SQLPrivacy
from xmppd.storage.private import SQLPrivate
from xmppd.storage.rosters import SQLRosters
from xmppd.storage.sqlite import open_file, open_memory
from xmppd.storage.work_queue import Limits, StoreReactor

_FORMS = 'Write "sqlite:path/to/file.db" or "postgresql://user:password@host:port/database"'


def open_database(
    url: str,
    schema_set: Path,
    reactor: StoreReactor,
    base: Path,
    *,
    limits: Limits | None = None,
    source: str = "configuration",
) -> Deferred[Database]:
    """Open the database that `url` names, brought forward to the schema set of a directory.

    A relative path is taken from `base`. Fails with `errors.ConfigError`, naming `source` (the
    configuration's file) and key, for a url that is wrong or can't be opened, or naming the
    database where a newer release wrote it; with `errors.StoreError` where a migration fails.
    """
    opening = _open(url, schema_set, reactor, base, limits or Limits(), source)
    return Deferred.fromCoroutine(opening)


def open_stores(
    url: str,
    reactor: StoreReactor,
    base: Path,
    *,
    limits: Limits | None = None,
    source: str = "configuration",
) -> Deferred[Stores]:
    """Open the core's stores; arguments and failures as in `open_database`."""
    opening = open_database(url, CORE, reactor, base, limits=limits, source=source)
    return opening.addCallback(_stores)


def _stores(database: Database) -> Stores:
    return Stores(
        accounts=SQLAccounts(database),
        rosters=SQLRosters(database),
        last=SQLLastPresence(database),
        offline=SQLOfflineMessages(database),
        privacy=SQLPrivacy(database),
        private=SQLPrivate(database),
        components=SQLComponents(database),
        avatars=SQLAvatars(database),
        database=database,
    )


async def _open(
    url: str, schema_set: Path, reactor: StoreReactor, base: Path, limits: Limits, source: str
) -> Database:
    check_url(url, source)
    if is_postgresql(url):
        server = import_postgresql(source)
        schema = read_schema_set(schema_set, POSTGRESQL)
        opened: Database = await server.open_server(url, schema, reactor, limits, source)
        return opened
    schema = read_schema_set(schema_set, SQLITE)
    rest = url.partition(":")[2]
    if rest == ":memory:":
        return open_memory(schema, source)
    return await open_file(base / rest, schema, reactor, limits, source)


def check_url(url: str, source: str = "configuration") -> None:
    """Refuse what can't be the url of a store; raises `errors.ConfigError`. Nothing is opened."""
    if is_postgresql(url):
        import_postgresql(source)
        return
    scheme, _, rest = url.partition(":")
    if scheme != "sqlite" or not rest:
        raise _refused(source, "not the url of a store", _FORMS)
    if rest.startswith("//"):
        # Programs disagree on whether three slashes begin an absolute path.
        raise _refused(source, "an SQLite url has no host and no slashes before its path", _FORMS)


def is_postgresql(url: str) -> bool:
    """Whether it is the url of a PostgreSQL database, as libpq spells them."""
    return url.startswith(("postgresql://", "postgres://"))


def import_postgresql(source: str) -> ModuleType:
    """The module `xmppd.storage.postgresql`; raises ConfigError where its driver is missing."""
    try:
        return import_module("xmppd.storage.postgresql")
    except ImportError as error:
        problem = f"the driver of PostgreSQL is not there ({error})"
        remedy = "Install it where xmppd is: pip install txpostgres psycopg2-binary"
        raise _refused(source, problem, remedy) from error


def _refused(source: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(source, "[store] url", problem, remedy)
