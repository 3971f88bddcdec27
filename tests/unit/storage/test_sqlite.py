"""What is SQLite's own: group commit, durability settings, its errors, its files."""

import sqlite3
import struct
import threading
import time

import pytest

from tests.support.stores import PATIENCE, SQLiteBackend
from xmppd.errors import ConfigError, StoreBusy, StoreError
from xmppd.storage import sqlite
from xmppd.storage.dialect import SQLITE
from xmppd.storage.migrate import CORE, migrate, read_schema_set
from xmppd.storage.sqlite_connection import open_connection
from xmppd.storage.work_queue import Limits


@pytest.fixture
def stage(tmp_path):
    directory = tmp_path / "stage"
    directory.mkdir()
    (directory / "0001_plays.sql").write_text("CREATE TABLE plays (id $id, title $text);")
    (directory / "0002_acts.sql").write_text(
        "CREATE TABLE acts (play BIGINT NOT NULL REFERENCES plays (id) ON DELETE CASCADE);"
    )
    return directory


@pytest.fixture
def backend(tmp_path):
    backend = SQLiteBackend("sqlite:elsinore.db", tmp_path)
    yield backend
    backend.close()


def commits(path):
    """How many commits the write-ahead log holds (SQLite file format, §4.1 and §4.2)."""
    log = path.with_name(path.name + "-wal").read_bytes()
    page, salt = struct.unpack(">I", log[8:12])[0], log[16:24]
    frames = [log[at : at + 24] for at in range(32, len(log), 24 + page)]
    return sum(frame[4:8] != bytes(4) for frame in frames if frame[8:16] == salt)


def write(title):
    async def work(tx):
        await tx.execute("INSERT INTO plays (title) VALUES (?)", (title,))

    return work


async def titles(tx):
    return [row[0] for row in (await tx.execute("SELECT title FROM plays ORDER BY id")).rows]


def pragma(name):
    async def work(tx):
        return (await tx.execute(f"PRAGMA {name}")).rows[0][0]

    return work


def test_what_queued_behind_one_commit_is_committed_together(backend, stage, tmp_path):
    database = backend.open(stage)
    before = commits(tmp_path / "elsinore.db")
    with backend.hold(database):
        waiting = [database.write(write(f"Henry {n}")) for n in range(100)]
    assert backend.reactor.wait_all(waiting) == [None] * 100
    # The work that held the writer up changed nothing, so it is in no frame.
    assert commits(tmp_path / "elsinore.db") - before == 1
    assert len(backend.reactor.wait(database.read(titles))) == 100


def test_a_group_has_a_bound(backend, stage, tmp_path):
    database = backend.open(stage, Limits(group=10))
    before = commits(tmp_path / "elsinore.db")
    with backend.hold(database):
        waiting = [database.write(write(f"Henry {n}")) for n in range(100)]
    backend.reactor.wait_all(waiting)
    assert commits(tmp_path / "elsinore.db") - before == 10


def test_nothing_is_acknowledged_before_it_is_committed(backend, stage, tmp_path):
    database = backend.open(stage)
    other = sqlite3.connect(tmp_path / "elsinore.db")
    seen = []

    def look(_):
        seen.append(other.execute("SELECT count(*) FROM plays").fetchone()[0])

    with backend.hold(database):
        waiting = [database.write(write(f"Henry {n}")).addCallback(look) for n in range(5)]
    backend.reactor.wait_all(waiting)
    other.close()
    assert seen == [5] * 5


def test_a_failing_write_leaves_the_rest_of_its_group(backend, stage, tmp_path):
    database = backend.open(stage)

    async def work(tx):
        await write("Cardenio")(tx)
        raise ValueError("exit, pursued by a bear")

    before = commits(tmp_path / "elsinore.db")
    with backend.hold(database):
        works = [write("Henry 1"), work, write("Henry 2")]
        waiting = [database.write(each) for each in works]
    outcomes = backend.reactor.wait_all(waiting)
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None)]
    assert commits(tmp_path / "elsinore.db") - before == 1
    assert backend.reactor.wait(database.read(titles)) == ["Henry 1", "Henry 2"]


def test_a_full_disk_fails_what_does_not_fit_and_nothing_else(backend, stage):
    database = backend.open(stage)
    wait = backend.reactor.wait
    pages = wait(database.read(pragma("page_count")))
    wait(database.write(pragma(f"max_page_count = {pages + 2}")))
    with backend.hold(database):
        works = [write("Henry 1"), write("Henry " * 50_000), write("Henry 2")]
        waiting = [database.write(each) for each in works]
    small, large, last = backend.reactor.wait_all(waiting)
    assert (small, last) == (None, None)
    assert isinstance(large, StoreError)
    assert isinstance(large.__cause__, sqlite3.OperationalError)
    assert large.__cause__.sqlite_errorcode == sqlite3.SQLITE_FULL
    wait(database.write(pragma("max_page_count = 1000000")))
    wait(database.write(write("Henry " * 50_000)))
    assert len(wait(database.read(titles))) == 3


@pytest.mark.parametrize(
    "statements",
    [
        # SQLite gives up a whole transaction over some errors, as this does on purpose.
        ["ROLLBACK"],
        # A constraint that is checked at the commit.
        ["PRAGMA defer_foreign_keys = ON", "INSERT INTO acts (play) VALUES (1000)"],
    ],
)
def test_a_work_that_spoils_its_transaction_fails_alone(backend, stage, statements):
    database = backend.open(stage)

    async def spoil(tx):
        await write("Cardenio")(tx)
        for statement in statements:
            await tx.execute(statement)

    with backend.hold(database):
        waiting = [database.write(each) for each in (write("Hamlet"), spoil, write("Macbeth"))]
    outcomes = backend.reactor.wait_all(waiting)
    assert outcomes[0] is None and outcomes[2] is None
    assert isinstance(outcomes[1], StoreError)
    assert backend.reactor.wait(database.read(titles)) == ["Hamlet", "Macbeth"]


def test_a_lock_held_elsewhere_is_busy_and_then_over(backend, stage, tmp_path):
    database = backend.open(stage, Limits(locked=0.0))
    other = sqlite3.connect(tmp_path / "elsinore.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = [database.write(write(f"Henry {n}")) for n in range(3)]
    outcomes = backend.reactor.wait_all(waiting)
    assert {type(outcome) for outcome in outcomes} == {StoreBusy}
    assert outcomes[0].__cause__.sqlite_errorcode == sqlite3.SQLITE_BUSY
    other.execute("ROLLBACK")
    other.close()
    assert backend.reactor.wait(database.write(write("Hamlet"))) is None


def test_a_work_may_await_nothing_but_its_transaction(backend, stage):
    database = backend.open(stage)

    class Elsewhere:
        def __await__(self):
            yield "the forest of Arden"

    async def work(tx):
        await write("Cardenio")(tx)
        await Elsewhere()

    with pytest.raises(RuntimeError, match="await"):
        backend.reactor.wait(database.write(work))
    assert backend.reactor.wait(database.read(titles)) == []


def test_work_is_done_outside_of_the_reactor_thread(backend, stage):
    database = backend.open(stage)

    async def work(tx):
        return threading.get_ident()

    where = {backend.reactor.wait(ask(work)) for ask in (database.read, database.write)}
    assert len(where) == 2 and threading.get_ident() not in where


@pytest.mark.parametrize(
    ("name", "value"), [("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1)]
)
def test_commits_are_durable_and_keys_hold(backend, stage, name, value):
    database = backend.open(stage)
    assert backend.reactor.wait(database.write(pragma(name))) == value


def test_the_files_are_their_owners_alone(backend, stage, tmp_path):
    database = backend.open(stage)
    backend.reactor.wait(database.write(write("Hamlet")))
    files = sorted(tmp_path.glob("elsinore.db*"))
    assert [path.name for path in files] == ["elsinore.db", "elsinore.db-shm", "elsinore.db-wal"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_mode_given_by_an_operator_stays(backend, stage, tmp_path):
    path = tmp_path / "elsinore.db"
    path.touch()
    path.chmod(0o640)
    backend.open(stage)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_clean_close_leaves_one_file(backend, stage, tmp_path):
    database = backend.open(stage)
    backend.reactor.wait(database.write(write("Hamlet")))
    backend.reactor.wait(database.close())
    assert [path.name for path in tmp_path.glob("elsinore.db*")] == ["elsinore.db"]


def test_a_file_that_is_no_database_is_named(backend, stage, tmp_path):
    path = tmp_path / "elsinore.db"
    path.write_bytes(b"To be, or not to be, that is the question. " * 100)
    with pytest.raises(ConfigError) as caught:
        backend.open(stage)
    assert "[store] url" in str(caught.value) and str(path) in str(caught.value)


def test_a_directory_that_is_missing_is_named(tmp_path, stage):
    backend = SQLiteBackend("sqlite:denmark/elsinore.db", tmp_path)
    with pytest.raises(ConfigError) as caught:
        backend.open(stage)
    assert "[store] url" in str(caught.value) and str(tmp_path / "denmark") in str(caught.value)


def test_an_sqlite_too_old_is_named(backend, stage, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(ConfigError, match=r"3\.35"):
        backend.open(stage)


def test_opening_waits_for_another_that_is_making_the_file(tmp_path, monkeypatch):
    """SQLite itself answers at once here, whatever its busy timeout."""
    path = tmp_path / "elsinore.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(time, "sleep", lambda seconds: other.execute("ROLLBACK"))
    connection = open_connection(str(path), PATIENCE)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    other.close()


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_opening_waits_no_longer_than_it_may_and_says_how_to_find_who_holds_it(
    backend, stage, tmp_path, mode
):
    path = tmp_path / "elsinore.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(f"PRAGMA journal_mode = {mode}")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConfigError) as caught:
        backend.open(stage, Limits(locked=0.0))
    assert str(caught.value).endswith(
        f"[store] url: {path} is locked: another process holds it. "
        f"End that process (fuser {path} shows which)"
    )
    other.close()


def test_a_migration_keeps_every_other_out_from_its_first_look(
    backend, stage, tmp_path, monkeypatch
):
    """Else two processes could both find the same steps wanting."""
    refusals = []

    async def watched(*args, **kwargs):
        other = sqlite3.connect(tmp_path / "elsinore.db", timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            refusals.append(error.sqlite_errorcode)
        other.close()
        return await migrate(*args, **kwargs)

    monkeypatch.setattr(sqlite, "migrate", watched)
    backend.open(stage)
    assert refusals == [sqlite3.SQLITE_BUSY]


def test_many_may_open_a_new_file_at_once(tmp_path, stage):
    """As processes started together do: SQLite's locks are per connection."""
    start = threading.Barrier(4)
    outcomes = []

    def begin():
        mine = SQLiteBackend("sqlite:elsinore.db", tmp_path)
        start.wait(PATIENCE)
        try:
            outcomes.append(mine.reactor.wait(mine.open(stage).read(pragma("user_version"))))
        except Exception as error:  # noqa: BLE001 - judged below
            outcomes.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert outcomes == [0] * 4


@pytest.mark.parametrize(
    "table", ["credentials", "roster_items", "roster_removals", "offline_messages"]
)
def test_the_rows_of_an_account_lie_side_by_side(table):
    connection = sqlite3.connect(":memory:")
    for migration in read_schema_set(CORE, SQLITE).migrations:
        for statement in migration.statements:
            connection.execute(statement)
    connection.execute(f"SELECT account FROM {table}")
    with pytest.raises(sqlite3.OperationalError, match="rowid"):
        connection.execute(f"SELECT rowid FROM {table}")
