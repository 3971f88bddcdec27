"""What is PostgreSQL's own: group commit, isolation, limits, its errors, its start."""

import psycopg2
import pytest
from twisted.internet.defer import Deferred

from tests.support.postgresql import shared
from tests.support.stores import PostgreSQLBackend, TimedReactor
from xmppd.errors import ConfigError, StoreBusy, StoreError
from xmppd.storage.url import open_database
from xmppd.storage.work_queue import Limits


@pytest.fixture
def stage(tmp_path):
    directory = tmp_path / "stage"
    directory.mkdir()
    (directory / "0001_plays.sql").write_text(
        "CREATE TABLE plays (id $id, title $text NOT NULL UNIQUE, year $real, scan $bytes);"
    )
    return directory


@pytest.fixture
def backend():
    backend = PostgreSQLBackend(shared(), TimedReactor())
    yield backend
    backend.close()


@pytest.fixture
def wait(backend):
    return backend.reactor.wait


@pytest.fixture
def database(backend, stage):
    return backend.open(stage)


def write(title):
    async def work(tx):
        await tx.execute("INSERT INTO plays (title) VALUES (?)", (title,))
        return (await tx.execute("SELECT pg_current_xact_id()::text")).rows[0][0]

    return work


def ask(sql, *params):
    async def work(tx):
        return [row[0] for row in (await tx.execute(sql, params)).rows]

    return work


titles = ask("SELECT title FROM plays ORDER BY id")


# ---------------------------------------------------------------------- groups


def test_what_queued_behind_one_commit_is_one_transaction_in_its_order(backend, wait, database):
    with backend.hold(database):
        waiting = [database.write(write(f"Henry {n}")) for n in range(100)]
    assert len(set(backend.reactor.wait_all(waiting))) == 1
    assert wait(database.read(titles)) == [f"Henry {n}" for n in range(100)]


def test_a_group_has_a_bound(backend, stage):
    database = backend.open(stage, Limits(group=10))
    with backend.hold(database):
        waiting = [database.write(write(f"Henry {n}")) for n in range(100)]
    assert len(set(backend.reactor.wait_all(waiting))) == 10


def test_nothing_is_acknowledged_before_it_is_committed(backend, database):
    seen = []

    def look(_):
        connection = psycopg2.connect(backend.url)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM plays")
            seen.append(cursor.fetchone()[0])
        connection.close()

    with backend.hold(database):
        waiting = [database.write(write(f"Henry {n}")).addCallback(look) for n in range(5)]
    backend.reactor.wait_all(waiting)
    assert seen == [5] * 5


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "spoiled",
    [
        ask("INSERT INTO plays (title) VALUES ('Cardenio') ALAS"),
        ask("INSERT INTO plays (title) VALUES (NULL)"),
        ask("INSERT INTO plays (title) VALUES (?)", "Carde\0nio"),
        ask("INSERT INTO plays (title) VALUES (?)", "Carde\ud800nio"),
        ask("INSERT INTO plays (title) VALUES (?, ?)", "Cardenio"),
    ],
    ids=["syntax", "constraint", "nul", "surrogate", "parameters"],
)
def test_one_write_that_is_refused_leaves_the_rest_of_its_group(
    backend, wait, database, spoiled, place
):
    works = [write("Henry 1"), write("Henry 2")]
    works.insert(place, spoiled)
    with backend.hold(database):
        waiting = [database.write(work) for work in works]
    outcomes = backend.reactor.wait_all(waiting)
    assert isinstance(outcomes.pop(place), StoreError)
    assert all(isinstance(outcome, str) for outcome in outcomes)
    assert wait(database.read(titles)) == ["Henry 1", "Henry 2"]


def test_a_write_that_goes_on_after_an_error_is_refused(backend, wait, database):
    async def work(tx):
        try:
            await tx.execute("INSERT INTO lost_quartos VALUES (1)")
        except StoreError:
            return "exit, pursued by a bear"

    for works in ([work], [write("Henry 1"), work, write("Henry 2")]):
        with backend.hold(database):
            waiting = [database.write(each) for each in works]
        outcomes = backend.reactor.wait_all(waiting)
        assert [isinstance(outcome, StoreError) for outcome in outcomes] == [
            each is work for each in works
        ]
    assert wait(database.read(titles)) == ["Henry 1", "Henry 2"]


def test_a_write_that_says_nothing_in_a_group_is_done(backend, wait, database):
    async def nothing(tx):
        return "silence"

    works = [nothing, write("Henry 1"), nothing]
    with backend.hold(database):
        waiting = [database.write(work) for work in works]
    outcomes = backend.reactor.wait_all(waiting)
    assert (outcomes[0], outcomes[2]) == ("silence", "silence")
    assert wait(database.read(titles)) == ["Henry 1"]


def test_a_commit_that_is_refused_keeps_nothing_of_its_work_alone(backend, wait, database):
    tables = "CREATE TABLE acts (play BIGINT REFERENCES plays (id) DEFERRABLE INITIALLY DEFERRED)"
    backend.execute(tables)
    orphan = ask("INSERT INTO acts VALUES (4711)")
    with backend.hold(database):
        waiting = [database.write(work) for work in (write("Henry 1"), orphan, write("Henry 2"))]
    outcomes = backend.reactor.wait_all(waiting)
    assert "foreign key" in str(outcomes[1])
    assert wait(database.read(titles)) == ["Henry 1", "Henry 2"]
    assert wait(database.read(ask("SELECT play FROM acts"))) == []


# ---------------------------------------------------------------------- values


def test_large_values_and_all_of_unicode_come_back_as_they_went(wait, database):
    scan = bytes(range(256)) * 16_384
    title = "".join(chr(n) for n in range(1, 0x11_0000, 7) if not 0xD800 <= n < 0xE000)

    async def work(tx):
        await tx.execute("INSERT INTO plays (title, scan) VALUES (md5(?), ?)", (title, scan))
        found = await tx.execute("SELECT scan, CAST(? AS TEXT) FROM plays", (title,))
        return found.rows[0]

    found = wait(database.write(work))
    assert found == (scan, title)
    assert type(found[0]) is bytes


def test_text_is_sorted_and_compared_by_code_point(wait, database):
    in_order = ["A", "Z", "a", "z", "~", "ß", "Ω", "\ufffd", "\U0001f3ad"]
    for title in reversed(in_order):
        wait(database.write(write(title)))
    found = wait(database.read(ask("SELECT title FROM plays ORDER BY title")))
    assert found == in_order
    assert wait(database.read(ask("SELECT title FROM plays WHERE title > ?", "ß"))) == [
        *reversed(in_order[-3:])
    ]


def test_a_sum_of_integers_is_an_integer(wait, database):
    for sql, expected in (
        ("SELECT sum(n) FROM generate_series(1, 4) n", 10),
        ("SELECT avg(n) FROM generate_series(1, 4) n", 2.5),
        ("SELECT sum(n) FROM generate_series(1, 0) n", None),
    ):
        (found,) = wait(database.read(ask(sql)))
        assert (found, type(found)) == (expected, type(expected))


def test_an_error_tells_nothing_of_the_data(wait, database):
    wait(database.write(write("sealed")))
    for sql in (
        "INSERT INTO plays (title) VALUES (?)",
        "INSERT INTO plays (titel) VALUES (?)",
        "INSERT INTO plays (title) VALUES (?) ALAS",
    ):
        with pytest.raises(StoreError, match="PostgreSQL: ") as caught:
            wait(database.write(ask(sql, "sealed")))
        assert "sealed" not in str(caught.value)


# ---------------------------------------------------------------------- isolation


def test_a_read_sees_one_moment(backend, wait, database):
    looked, go_on = [], Deferred()

    async def work(tx):
        looked.append(len((await tx.execute("SELECT title FROM plays")).rows))
        await go_on
        looked.append(len((await tx.execute("SELECT title FROM plays")).rows))

    reading = database.read(work)
    backend.reactor.wait_until(lambda: looked)
    wait(database.write(write("Hamlet")))
    go_on.callback(None)
    wait(reading)
    assert looked == [0, 0]
    assert wait(database.read(titles)) == ["Hamlet"]


def test_a_slow_read_holds_up_neither_reads_nor_writes(backend, wait, database):
    slow = ask("SELECT pg_advisory_lock_shared(1)::text")
    holder = psycopg2.connect(backend.url)
    holder.cursor().execute("SELECT pg_advisory_lock(1)")
    waiting = database.read(slow)
    assert isinstance(wait(database.write(write("Hamlet"))), str)
    assert [wait(database.read(titles)) for _ in range(5)] == [["Hamlet"]] * 5
    assert not waiting.called
    holder.close()
    assert wait(waiting) == [""]


def test_of_two_writers_in_each_others_way_both_get_through(backend, wait, database, stage):
    other = backend.open(stage)
    for title in ("Hamlet", "Macbeth"):
        wait(database.write(write(title)))
    begun, met = [], []

    def update(first, second):
        async def work(tx):
            begun.append(first)
            await tx.execute("UPDATE plays SET year = 1600 WHERE title = ?", (first,))
            if begun.count(first) == 1:  # not when it is done again
                met.append(Deferred())
                if len(met) == 2:
                    for each in met:
                        each.callback(None)
                await met[-1]
            await tx.execute("UPDATE plays SET year = 1600 WHERE title = ?", (second,))

        return work

    waiting = [
        database.write(update("Hamlet", "Macbeth")),
        other.write(update("Macbeth", "Hamlet")),
    ]
    assert backend.reactor.wait_all(waiting) == [None, None]
    # One of them at least: a busy server may see the knot from both sides, undo both, and they may
    # meet again.
    assert len(begun) > 2


# ---------------------------------------------------------------------- limits


def test_a_statement_that_takes_too_long_is_given_up(backend, stage):
    database = backend.open(stage, Limits(statement=0.1))
    wait = backend.reactor.wait
    for lane in (database.read, database.write):
        with pytest.raises(StoreBusy, match="statement timeout"):
            wait(lane(ask("SELECT pg_sleep(20)::text")))
    assert isinstance(wait(database.write(write("Hamlet"))), str)
    assert wait(database.read(titles)) == ["Hamlet"]


def test_commits_wait_for_the_disk_whatever_the_database_says(backend, stage):
    database = backend.open(stage)
    for setting, expected in (("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")):
        backend.execute(f"ALTER DATABASE {backend.name} SET synchronous_commit = {setting}")
        database = backend.open(stage)
        show = ask("SELECT current_setting('synchronous_commit')")
        assert backend.reactor.wait(database.write(show)) == [expected]


# ---------------------------------------------------------------------- start


def open_at(backend, url, stage, limits=None):
    opening = open_database(url, stage, backend.reactor, stage, limits=limits, source="my.toml")
    return backend.reactor.wait(opening)


def test_two_that_start_at_once_make_the_schema_once(backend, stage):
    openings = [open_database(backend.url, stage, backend.reactor, stage) for _ in range(3)]
    databases = [backend.reactor.wait(opening) for opening in openings]
    versions = ask("SELECT version FROM schema_migrations")
    assert [backend.reactor.wait(each.read(versions)) for each in databases] == [[1]] * 3
    for database in databases:
        backend.reactor.wait(database.close())


def test_a_schema_that_somebody_else_changes_is_waited_for_and_then_refused(backend, stage):
    holder = psycopg2.connect(backend.url)
    holder.cursor().execute("SELECT pg_advisory_lock(%s)", (int.from_bytes(b"xmppd", "big"),))
    with pytest.raises(ConfigError, match="another process changes its schema"):
        open_at(backend, backend.url, stage, Limits(locked=0.1))
    holder.close()
    backend.reactor.wait(open_at(backend, backend.url, stage).close())


def test_a_database_that_is_not_in_utf8_is_refused(backend, stage):
    name = f"{backend.name}_latin"
    backend.execute(
        f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    try:
        with pytest.raises(ConfigError, match="not in UTF8 but in LATIN1"):
            open_at(backend, shared().url(name), stage)
    finally:
        backend.execute(f"DROP DATABASE {name}")


def test_a_database_that_is_not_there_is_named_with_key_and_remedy(backend, stage):
    with pytest.raises(ConfigError, match=r'database "wittenberg" does not exist') as caught:
        open_at(backend, shared().url("wittenberg"), stage)
    assert str(caught.value).startswith("my.toml: [store] url: can't reach postgresql://")
    assert "Start PostgreSQL, or correct the url" in caught.value.remedy


def test_a_name_that_no_address_belongs_to_is_told(backend, stage):
    with pytest.raises(ConfigError, match=r"elsinore\.invalid"):
        open_at(backend, "postgresql://hamlet:sword@elsinore.invalid/denmark", stage)


def test_a_start_that_fails_leaves_no_connection_behind(backend, stage):
    (stage / "0002_alas.sql").write_text("INSERT INTO lost_quartos VALUES (1);")
    with pytest.raises(StoreError, match="0002_alas"):
        backend.open(stage)
    assert backend.sessions() == []
