"""Contract of `interfaces.Database`, over every backend."""

import pytest
from twisted.internet.defer import CancelledError, Deferred

from xmppd.errors import StoreBusy, StoreError
from xmppd.jid import JID
from xmppd.storage.interfaces import AccountExists
from xmppd.storage.work_queue import Limits

PLAYS = "CREATE TABLE plays (id $id, title $text NOT NULL UNIQUE, year $real, scan $bytes);"


@pytest.fixture
def stage(tmp_path):
    """A schema set that is not the core's."""
    directory = tmp_path / "stage"
    directory.mkdir()
    (directory / "0001_plays.sql").write_text(PLAYS)
    return directory


@pytest.fixture
def database(backend, stage):
    return backend.open(stage)


def write(title):
    async def work(tx):
        await tx.execute("INSERT INTO plays (title) VALUES (?)", (title,))
        return title

    return work


async def titles(tx):
    found = await tx.execute("SELECT title FROM plays ORDER BY title")
    return [row[0] for row in found.rows]


def write_then_fail(title, error):
    async def work(tx):
        await write(title)(tx)
        raise error

    return work


def test_a_write_gives_its_result_and_a_read_sees_it(wait, database):
    assert wait(database.write(write("Hamlet"))) == "Hamlet"
    assert wait(database.read(titles)) == ["Hamlet"]


def test_a_write_sees_what_it_wrote(wait, database):
    async def work(tx):
        await write("Hamlet")(tx)
        return await titles(tx)

    assert wait(database.write(work)) == ["Hamlet"]


def test_values_keep_their_types(wait, database):
    row = ("Τίμων", 1605.5, b"\x00\xff'%?")

    async def work(tx):
        await tx.execute("INSERT INTO plays (title, year, scan) VALUES (?, ?, ?)", row)
        await tx.execute("INSERT INTO plays (title) VALUES (?)", ("Zounds",))
        return (await tx.execute("SELECT title, year, scan FROM plays ORDER BY title")).rows

    assert wait(database.write(work)) == [("Zounds", None, None), row]


def test_changed_rows_are_counted(wait, database):
    async def work(tx):
        for title in ("Hamlet", "Macbeth", "Othello"):
            await write(title)(tx)
        update = "UPDATE plays SET year = 1600 WHERE title <> ?"
        return (await tx.execute(update, ("Hamlet",))).changed

    assert wait(database.write(work)) == 2


def test_a_work_that_raises_leaves_nothing_and_its_error_arrives_untouched(wait, database):
    error = AccountExists(JID("juliet@verona.example"))
    with pytest.raises(AccountExists) as caught:
        wait(database.write(write_then_fail("Cardenio", error)))
    assert caught.value is error
    assert wait(database.read(titles)) == []


def test_a_database_error_is_a_store_error_with_its_cause(wait, database):
    async def work(tx):
        await write("Cardenio")(tx)
        await tx.execute("INSERT INTO lost_quartos VALUES (1)")

    with pytest.raises(StoreError, match="lost_quartos") as caught:
        wait(database.write(work))
    assert caught.value.__cause__ is not None
    assert not isinstance(caught.value, StoreBusy)
    assert wait(database.read(titles)) == []
    assert wait(database.write(write("Hamlet"))) == "Hamlet"


def test_a_broken_constraint_undoes_the_whole_work(wait, database):
    async def work(tx):
        await write("Cardenio")(tx)
        await write("Hamlet")(tx)

    wait(database.write(write("Hamlet")))
    with pytest.raises(StoreError):
        wait(database.write(work))
    assert wait(database.read(titles)) == ["Hamlet"]


def test_a_read_that_would_change_something_is_refused(wait, database):
    with pytest.raises(StoreError):
        wait(database.read(write("Cardenio")))
    assert wait(database.read(titles)) == []
    assert wait(database.write(write("Hamlet"))) == "Hamlet"


def test_a_failing_read_does_no_harm_to_the_next(wait, database):
    async def work(tx):
        await tx.execute("SELECT * FROM lost_quartos")

    with pytest.raises(StoreError, match="lost_quartos"):
        wait(database.read(work))
    assert wait(database.read(titles)) == []


def test_one_failing_write_leaves_those_queued_with_it(backend, database):
    error = ValueError("exit, pursued by a bear")
    works = [write(f"Henry {n}") for n in range(10)]
    works[4] = write_then_fail("Cardenio", error)
    works[7] = write("Henry 0")
    outcomes = backend.reactor.wait_all([database.write(work) for work in works])
    assert outcomes[4] is error
    assert isinstance(outcomes[7], StoreError)
    expected = [f"Henry {n}" for n in range(10) if n not in (4, 7)]
    assert [each for n, each in enumerate(outcomes) if n not in (4, 7)] == expected
    assert backend.reactor.wait(database.read(titles)) == expected


def test_a_closed_store_says_so(wait, database):
    wait(database.close())
    for ask in (database.read, database.write):
        with pytest.raises(StoreError, match="closed"):
            wait(ask(titles))


def test_closing_twice_is_closing(wait, database):
    wait(database.close())
    assert wait(database.close()) is None


def test_closing_waits_for_what_is_queued_and_keeps_it(persistent, stage):
    database = persistent.open(stage)
    with persistent.hold(database):
        queued = [database.write(write(f"Henry {n}")) for n in range(20)]
        closing = database.close()
        assert not any(deferred.called for deferred in queued)
        assert not closing.called
    persistent.reactor.wait(closing)
    assert all(deferred.called for deferred in queued)
    again = persistent.open(stage)
    assert len(persistent.reactor.wait(again.read(titles))) == 20


def test_a_full_queue_refuses_at_once_and_takes_more_when_it_has_room(queueing, stage):
    database = queueing.open(stage, Limits(queue=3))
    waiting: list[Deferred[object]] = []
    with queueing.hold(database):
        for ask, work in ((database.write, write), (database.read, lambda _: titles)):
            taken = [ask(work(f"Henry {n}")) for n in range(3)]
            refused = ask(work("Cardenio"))
            assert not any(deferred.called for deferred in taken)
            with pytest.raises(StoreBusy):
                queueing.reactor.wait(refused)
            waiting += taken
    queueing.reactor.wait_all(waiting)
    assert queueing.reactor.wait(database.write(write("Hamlet"))) == "Hamlet"
    expected = ["Hamlet", "Henry 0", "Henry 1", "Henry 2"]
    assert queueing.reactor.wait(database.read(titles)) == expected


def test_what_waited_too_long_fails_and_is_never_done(queueing, stage):
    database = queueing.open(stage, Limits(wait=10.0))
    reactor = queueing.reactor
    with queueing.hold(database):
        early: Deferred[str] = database.write(write("Cardenio"))
        reactor.advance(6)
        late = database.write(write("Hamlet"))
        reactor.advance(3.9)
        assert not early.called
        reactor.advance(0.2)
        assert early.called
        assert not late.called
    with pytest.raises(StoreBusy):
        reactor.wait(early)
    assert reactor.wait(late) == "Hamlet"
    assert reactor.wait(database.read(titles)) == ["Hamlet"]


def test_a_write_that_nobody_waits_for_any_more_is_done_all_the_same(queueing, stage):
    """Begun or not; and whoever comes next is served."""
    database = queueing.open(stage)
    begun = database.write(write("Hamlet"))
    begun.cancel()
    with queueing.hold(database):
        queued = database.write(write("Cardenio"))
        queued.cancel()
    for each in (begun, queued):
        with pytest.raises(CancelledError):
            queueing.reactor.wait(each)
    assert queueing.reactor.wait(database.write(write("Macbeth"))) == "Macbeth"
    assert queueing.reactor.wait(database.read(titles)) == ["Cardenio", "Hamlet", "Macbeth"]


def test_everything_that_waits_expires_even_if_the_disk_never_answers(queueing, stage):
    database = queueing.open(stage, Limits(wait=10.0))
    with queueing.hold(database):
        waiting = [database.write(write(f"Henry {n}")) for n in range(3)]
        queueing.reactor.advance(4)
        waiting += [database.write(write(f"Richard {n}")) for n in range(2)]
        queueing.reactor.pump([1.0] * 11)
        assert all(deferred.called for deferred in waiting)
    outcomes = queueing.reactor.wait_all(waiting)
    assert {type(outcome) for outcome in outcomes} == {StoreBusy}


def test_a_closed_store_leaves_no_timer_behind(queueing, stage):
    database = queueing.open(stage)
    queueing.reactor.wait(database.write(write("Hamlet")))
    queueing.reactor.wait(database.close())
    assert queueing.reactor.getDelayedCalls() == []
