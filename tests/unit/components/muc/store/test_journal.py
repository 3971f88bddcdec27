"""The journal: batches, their order, their bound, and what becomes of them when they fail."""

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from components.muc.store.journal import PAUSE, TOGETHER, Journal
from tests.support.deferred import result
from tests.support.stores import QUEUEING
from xmppd.errors import StoreBusy, StoreError


class Table:
    """Remembers what it was given, and refuses what it is told to."""

    def __init__(self, refused=()):
        self.batches = []
        self.refused = refused

    async def put(self, tx, rows):
        self.batches.append(list(rows))
        return [KeyError(row) if row in self.refused else None for row in rows]


class Disk:
    """A database that is done with a unit of work when the test says so."""

    def __init__(self):
        self.under_way = []

    def write(self, work):
        deferred = Deferred()
        self.under_way.append((work, deferred))
        return deferred

    def commit(self):
        work, deferred = self.under_way.pop(0)
        try:
            work(None).send(None)
        except StopIteration as done:
            deferred.callback(done.value)
        except Exception as error:  # noqa: BLE001 - it is told
            deferred.errback(error)

    def break_down(self, error):
        self.under_way.pop(0)[1].errback(error)


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def journal(disk):
    return Journal(disk)


def collected(deferred, into):
    deferred.addBoth(lambda outcome: into.append(getattr(outcome, "value", None)))


def test_the_first_goes_out_at_once(disk, journal):
    table, done = Table(), []
    collected(journal.add(table, "a"), done)
    assert (len(disk.under_way), done) == (1, [])
    disk.commit()
    assert (table.batches, done, disk.under_way) == ([["a"]], [None], [])


def test_what_comes_meanwhile_makes_the_next_batch(disk, journal):
    table, other, done = Table(), Table(), []
    for each in "abcd":
        collected(journal.add(table, each), done)
        collected(journal.add(other, each.upper()), done)
    assert len(disk.under_way) == 1
    disk.commit()
    assert (len(disk.under_way), done) == (1, [None])
    disk.commit()
    assert table.batches == [["a"], ["b", "c", "d"]]
    assert other.batches == [["A", "B", "C", "D"]]
    assert (done, disk.under_way) == ([None] * 8, [])


def test_what_is_added_by_whoever_was_told_goes_on(disk, journal):
    table, done = Table(), []
    journal.add(table, "a").addCallback(lambda _: collected(journal.add(table, "b"), done))
    disk.commit()
    disk.commit()
    assert (table.batches, done) == ([["a"], ["b"]], [None])
    collected(journal.add(table, "c"), done)
    disk.commit()
    assert table.batches[-1] == ["c"]


def test_batches_are_bounded(disk, journal):
    table = Table()
    for n in range(TOGETHER + 6):
        journal.add(table, n)
    while disk.under_way:
        disk.commit()
    assert [len(each) for each in table.batches] == [1, TOGETHER, 5]
    assert [row for batch in table.batches for row in batch] == list(range(TOGETHER + 6))


def test_while_rows_keep_coming_there_is_a_pause_between_batches(disk):
    clock, table = Clock(), Table()
    journal = Journal(disk, clock)
    journal.add(table, "a")
    assert table.batches == [] and len(disk.under_way) == 1, "what comes alone goes at once"
    for each in "bc":
        journal.add(table, each)
    disk.commit()
    assert not disk.under_way
    journal.add(table, "d")
    clock.advance(PAUSE)
    disk.commit()
    assert table.batches == [["a"], ["b", "c", "d"]]
    assert not clock.getDelayedCalls()
    journal.add(table, "e")
    assert len(disk.under_way) == 1


def test_who_waits_for_all_of_it_ends_the_pause(disk):
    clock, table, done = Clock(), Table(), []
    journal = Journal(disk, clock)
    journal.add(table, "a")
    journal.add(table, "b")
    disk.commit()
    collected(journal.settled(), done)
    disk.commit()
    assert (table.batches, done) == ([["a"], ["b"]], [None])
    assert not clock.getDelayedCalls()
    for each in "cd":
        journal.add(table, each)
    collected(journal.settled(), done)
    disk.commit()
    disk.commit()
    assert (table.batches[2:], len(done)) == ([["c"], ["d"]], 2), "nor is there one before it"


def test_what_waits_is_bounded(disk):
    journal, table, done = Journal(disk, most=3), Table(), []
    for each in "abcd":
        collected(journal.add(table, each), done)
    assert [type(each) for each in done] == [StoreBusy]
    assert len(journal) == 3
    disk.commit()
    collected(journal.add(table, "e"), done)
    disk.commit()
    disk.commit()
    assert (table.batches, len(journal)) == ([["a"], ["b", "c"], ["e"]], 0)
    assert done[1:] == [None] * 4


def test_a_batch_that_fails_fails_all_that_are_in_it_and_no_others(disk, journal):
    table, done = Table(), []
    for each in "abc":
        collected(journal.add(table, each), done)
    disk.commit()
    error = StoreError("the disk is full")
    disk.break_down(error)
    assert done == [None, error, error]
    collected(journal.add(table, "d"), done)
    disk.commit()
    assert (done[3], table.batches) == (None, [["a"], ["d"]])


def test_a_row_that_a_table_refuses_fails_alone(disk, journal):
    table, done = Table(refused="b"), []
    for each in "abc":
        collected(journal.add(table, each), done)
    disk.commit()
    disk.commit()
    assert [type(each) for each in done] == [type(None), KeyError, type(None)]


def test_a_database_that_takes_nothing_says_so(journal, disk):
    disk.write = lambda work: fail(StoreBusy("4096 units of work are waiting"))
    done = []
    collected(journal.add(Table(), "a"), done)
    collected(journal.add(Table(), "b"), done)
    assert [type(each) for each in done] == [StoreBusy, StoreBusy]
    assert len(journal) == 0


def test_whoever_does_not_wait_any_more_changes_nothing(disk, journal):
    table, done = Table(), []
    abandoned = journal.add(table, "a")
    abandoned.addErrback(lambda failure: None)
    collected(journal.add(table, "b"), done)
    abandoned.cancel()
    disk.commit()
    disk.commit()
    assert (table.batches, done) == ([["a"], ["b"]], [None])


def test_it_is_settled_when_what_was_added_is_done_or_has_failed(disk, journal):
    assert result(journal.settled()) is None
    table, done, settled = Table(), [], []
    collected(journal.add(table, "a"), done)
    collected(journal.add(table, "b"), done)
    collected(journal.settled(), settled)
    collected(journal.add(table, "c"), done)
    disk.commit()
    assert settled == []
    disk.break_down(StoreError("gone"))
    assert (settled, len(done)) == ([None], 3)


@pytest.mark.parametrize("backend", QUEUEING, indirect=True)
def test_many_rows_take_few_transactions(backend, database):
    """Group commit, on a database that takes its time."""
    works = []

    class Counting:
        def write(self, work):
            works.append(work)
            return database.write(work)

    class Slow(Table):
        async def put(self, tx, rows):
            await tx.execute("SELECT 1")
            return await super().put(tx, rows)

    journal, table = Journal(Counting()), Slow()
    assert backend.reactor.wait_all([journal.add(table, n) for n in range(500)]) == [None] * 500
    assert len(works) == 2
