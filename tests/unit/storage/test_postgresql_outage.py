"""PostgreSQL that goes away and comes back: cut connections, restarts, commits nobody answered."""

import os
import signal

import pytest
from twisted.internet.defer import Deferred

from tests.support.logs import logged
from tests.support.postgresql import PostgreSQL, shared
from tests.support.stores import PostgreSQLBackend, TimedReactor
from xmppd.errors import ConfigError, StoreBusy, StoreError
from xmppd.storage import postgresql_connection
from xmppd.storage.url import open_database
from xmppd.storage.work_queue import Limits

PASSWORD = "the poison@in/the cup"
QUOTED = "the%20poison%40in%2Fthe%20cup"


@pytest.fixture
def stage(tmp_path):
    directory = tmp_path / "stage"
    directory.mkdir()
    (directory / "0001_plays.sql").write_text("CREATE TABLE plays (id $id, title $text);")
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


@pytest.fixture(scope="module")
def server():
    """One that may be stopped; tests leave it running."""
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def stoppable(server):
    backend = PostgreSQLBackend(server, TimedReactor())
    yield backend
    backend.close()


def write(title):
    async def work(tx):
        await tx.execute("INSERT INTO plays (title) VALUES (?)", (title,))
        return title

    return work


def ask(sql, *params):
    async def work(tx):
        return [row[0] for row in (await tx.execute(sql, params)).rows]

    return work


titles = ask("SELECT title FROM plays ORDER BY id")
own_pid = ask("SELECT pg_backend_pid()")


def cut(backend):
    """End every connection of the store; gives how many there were."""
    pids = backend.sessions()
    for pid in pids:
        backend.execute("SELECT pg_terminate_backend(%s, 10000)", pid)
    return len(pids)


# ---------------------------------------------------------------------- cut connections


def test_connections_that_were_cut_while_idle_are_made_anew_and_told_of_once(backend, database):
    reactor = backend.reactor
    with logged("warn") as lost, logged("info") as back:
        assert cut(backend) == 4
        reactor.wait_until(lambda: back)
        reactor.wait(database.write(write("Hamlet")))
        assert reactor.wait(database.read(titles)) == ["Hamlet"]
    assert len(backend.sessions()) == 4
    (line,) = lost
    assert f"{backend.name} is lost: server closed the connection unexpectedly; " in line
    assert [line for line in back if "is back" in line] == back
    assert len(back) == 1


@pytest.mark.parametrize("alone", [True, False])
def test_what_a_cut_connection_undid_is_done_again(backend, wait, database, alone):
    runs, go_on = [], Deferred()

    async def work(tx):
        runs.append(await write(f"Hamlet {len(runs)}")(tx))
        if len(runs) == 1:
            await go_on
        return (await tx.execute("SELECT count(*) FROM plays")).rows[0][0]

    if alone:
        waiting, first = [database.write(work)], 1
    else:
        with backend.hold(database):
            works = [write("Henry 1"), work, write("Henry 2")]
            waiting = [database.write(each) for each in works]
        first = 2
    backend.reactor.wait_until(lambda: runs)
    assert cut(backend) > 0
    go_on.callback(None)
    outcomes = backend.reactor.wait_all(waiting)
    assert runs == ["Hamlet 0", "Hamlet 1"]
    if alone:
        assert outcomes == [first]
    else:
        assert outcomes == ["Henry 1", first, "Henry 2"]
        assert wait(database.read(titles)) == ["Henry 1", "Hamlet 1", "Henry 2"]


def test_a_read_whose_connection_was_cut_is_done_again(backend, wait, database):
    runs, go_on = [], Deferred()

    async def work(tx):
        runs.append(await titles(tx))
        if len(runs) == 1:
            await go_on
        return await titles(tx)

    reading = database.read(work)
    backend.reactor.wait_until(lambda: runs)
    cut(backend)
    wait(database.write(write("Hamlet")))
    go_on.callback(None)
    assert wait(reading) == ["Hamlet"]


def test_work_that_always_brings_its_connection_down_fails_alone(backend, wait, database):
    runs = []

    async def poison(tx):
        runs.append(await write("Cardenio")(tx))
        await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with backend.hold(database):
        works = [write("Henry 1"), poison, write("Henry 2")]
        waiting = [database.write(work) for work in works]
    outcomes = backend.reactor.wait_all(waiting)
    assert (outcomes[0], outcomes[2]) == ("Henry 1", "Henry 2")
    assert isinstance(outcomes[1], StoreError)
    assert len(runs) == 3
    assert wait(database.read(titles)) == ["Henry 1", "Henry 2"]


DIES_AT_COMMIT = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON plays DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.title = 'Cardenio') EXECUTE FUNCTION die();
"""


@pytest.mark.parametrize("companions", [0, 2])
def test_a_commit_that_nobody_answered_is_not_done_again(backend, wait, database, companions):
    """It may have been done: done again, it could be there twice."""
    backend.execute(DIES_AT_COMMIT)
    runs = []

    async def work(tx):
        runs.append(await write("Cardenio")(tx))

    with backend.hold(database):
        works = [work, *[write("Henry")] * companions]
        waiting = [database.write(each) for each in works]
    for outcome in backend.reactor.wait_all(waiting):
        assert type(outcome) is StoreError
        assert "whether the commit was done nobody can say" in str(outcome)
    assert runs == ["Cardenio"]
    assert wait(database.write(write("Hamlet"))) == "Hamlet"
    assert wait(database.read(titles)) == ["Hamlet"]


def test_a_server_that_says_nothing_is_given_up_and_asked_anew(backend, stage, monkeypatch):
    monkeypatch.setattr(postgresql_connection, "GRACE", 0.2)
    if os.environ.get("XMPPD_TEST_POSTGRESQL"):
        pytest.skip("stops a process of the server's")
    database = backend.open(stage, Limits(statement=0.2))
    (pid,) = backend.reactor.wait(database.write(own_pid))
    os.kill(pid, signal.SIGSTOP)
    try:
        assert backend.reactor.wait(database.write(write("Hamlet"))) == "Hamlet"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert backend.reactor.wait(database.write(own_pid)) != [pid]
    assert backend.reactor.wait(database.read(titles)) == ["Hamlet"]


# ---------------------------------------------------------------------- restarts


def test_what_comes_while_the_server_is_restarted_waits_and_is_done(server, stoppable, stage):
    database = stoppable.open(stage)
    reactor = stoppable.reactor
    reactor.wait(database.write(write("Henry 0")))
    with logged("warn") as lost, logged("info") as back:
        server.stop()
        waiting = [database.write(write(f"Henry {n}")) for n in range(1, 4)]
        reading = database.read(ask("SELECT 1"))
        reactor.wait_until(lambda: lost)
        assert not any(deferred.called for deferred in waiting)
        server.start()
        assert reactor.wait_all([*waiting, reading]) == ["Henry 1", "Henry 2", "Henry 3", [1]]
        reactor.wait_until(lambda: back)
    assert reactor.wait(database.read(titles)) == [f"Henry {n}" for n in range(4)]
    assert (len(lost), len(back)) == (1, 1)


def test_what_was_acknowledged_is_there_after_a_crash(stage):
    """With fsync on, as a server's has to be."""
    server = PostgreSQL({"fsync": "on"})
    server.start()
    try:
        backend = PostgreSQLBackend(server, TimedReactor())
        database = backend.open(stage)
        written = [database.write(write(f"Henry {n}")) for n in range(200)]
        backend.reactor.wait(written[100])
        server.stop(signal.SIGQUIT)
        acknowledged = {f"Henry {n}" for n, each in enumerate(written) if each.called}
        server.start()
        found = set(backend.reactor.wait(database.read(titles)))
        assert len(acknowledged) > 100
        assert acknowledged <= found
        backend.reactor.wait_all(written)
        backend.close()
    finally:
        server.remove()


def test_what_waits_for_a_server_that_does_not_come_back_fails_in_time(server, stoppable, stage):
    database = stoppable.open(stage, Limits(wait=0.5))
    server.stop()
    try:
        outcomes = stoppable.reactor.wait_all(
            [database.write(write("Hamlet")), database.read(titles)]
        )
        assert [type(outcome) for outcome in outcomes] == [StoreBusy, StoreBusy]
    finally:
        server.start()
    assert stoppable.reactor.wait(database.read(titles)) == []
    assert stoppable.reactor.wait(database.write(write("Hamlet"))) == "Hamlet"


def test_closed_while_the_server_is_gone_it_ends_at_once(server, stoppable, stage):
    database = stoppable.open(stage)
    server.stop()
    try:
        waiting = [database.write(write("Hamlet")), database.read(titles)]
        with logged("warn") as lost:
            stoppable.reactor.wait_until(lambda: lost)
        stoppable.reactor.wait(database.close())
        for outcome in stoppable.reactor.wait_all(waiting):
            assert "closed while PostgreSQL was gone" in str(outcome)
        with pytest.raises(StoreError, match="closed"):
            stoppable.reactor.wait(database.read(titles))
        stoppable.reactor.wait_until(lambda: not stoppable.reactor.getDelayedCalls())
    finally:
        server.start()


def test_a_server_that_is_down_at_the_start_is_a_line_without_the_password(server, stage):
    reactor = TimedReactor()
    url = server.url("elsinore", f"claudius:{QUOTED}")
    server.stop()
    try:
        with pytest.raises(ConfigError) as caught:
            reactor.wait(open_database(url, stage, reactor, stage, source="my.toml"))
    finally:
        server.start()
    message = str(caught.value)
    assert message.startswith("my.toml: [store] url: can't reach postgresql://claudius@")
    assert "No such file" in message and "Start PostgreSQL" in message
    assert "poison" not in message and "\n" not in message


@pytest.mark.parametrize("password", ["wrong%20poison", QUOTED])
def test_a_password_that_is_refused_is_a_line_without_it(server, stage, password):
    server.execute("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD %s", (PASSWORD,))
    reactor = TimedReactor()
    url = server.url("postgres", f"guarded:{password}")
    opening = open_database(url, stage, reactor, stage, source="my.toml")
    try:
        if password == QUOTED:
            reactor.wait(reactor.wait(opening).close())
            return
        with pytest.raises(ConfigError, match="password authentication failed") as caught:
            reactor.wait(opening)
        assert "poison" not in str(caught.value)
    finally:
        server.execute("DROP TABLE IF EXISTS plays, schema_migrations")
        server.execute("DROP ROLE guarded")
