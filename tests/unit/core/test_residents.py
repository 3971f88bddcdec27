"""Accounts in memory: read once, kept while they have a session, and a few for a while longer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.support.people import JULIET, ROMEO, put
from tests.support.server import Verona
from xmppd.core import residents
from xmppd.jid import JID
from xmppd.storage.interfaces import Work

NOBODY = JID.parse("nobody@capulet.lit")


class SlowDatabase:
    """A database whose reads are answered when told."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.asked: list[tuple[Work[Any], Deferred[Any]]] = []

    def read(self, work: Work[Any]) -> Deferred[Any]:
        later: Deferred[Any] = Deferred()
        self.asked.append((work, later))
        return later

    def answer(self) -> None:
        work, later = self.asked.pop(0)
        self._database.read(work).chainDeferred(later)


@pytest.fixture
def server() -> Verona:
    return Verona()


@pytest.fixture
def slow(server: Verona, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDatabase]:
    slow = SlowDatabase(server.host.stores.database)
    stores = server.host.stores
    for name in ("juliet", "romeo"):
        server.host.residents.forget(JID.parse(f"{name}@capulet.lit"))
    object.__setattr__(stores, "database", slow)
    yield slow
    object.__setattr__(stores, "database", slow._database)


def test_who_is_not_there_is_none_and_not_remembered(server: Verona) -> None:
    assert server.done(server.host.residents.fetch(NOBODY)) is None
    server.account("nobody")
    assert server.resident(NOBODY).jid == NOBODY


def test_two_who_ask_at_once_cost_one_reading(server: Verona, slow: SlowDatabase) -> None:
    first = server.host.residents.fetch(JID.parse(JULIET))
    second = server.host.residents.fetch(JID.parse(JULIET))
    assert len(slow.asked) == 1
    slow.answer()
    assert server.done(first) is server.done(second) is server.host.residents.get(JULIET)


def test_an_account_removed_while_it_is_read_is_read_again(
    server: Verona, slow: SlowDatabase
) -> None:
    later = server.host.residents.fetch(JID.parse(JULIET))
    server.done(server.host.stores.accounts.remove(JID.parse(JULIET)))
    server.host.residents.forget(JID.parse(JULIET))
    slow.answer()
    assert not later.called
    slow.answer()
    assert server.done(later) is None


def test_a_session_waits_for_its_account(server: Verona, slow: SlowDatabase) -> None:
    put_database, client = slow._database, server.connect().open().authenticate("juliet").open()
    client.take()
    client.send(
        "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
        f"<message to='{JULIET}'><body>x</body></message>"
    )
    assert client.take() == b""
    assert client.paused
    slow.answer()
    assert b"id='b'" in client.log
    assert put_database is not None


def test_who_hangs_up_while_the_account_is_read_leaves_nothing(
    server: Verona, slow: SlowDatabase
) -> None:
    client = server.connect().open().authenticate("juliet").open()
    client.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    client.hang_up()
    slow.answer()
    assert list(server.host.directory) == []
    assert server.host.connections == set()


def test_an_account_stays_while_it_has_a_session(
    server: Verona, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residents, "WEIGHT", 1)
    server.log_in("juliet")
    kept = server.host.residents.get(JULIET)
    server.account("nurse")
    server.resident(ROMEO)
    server.resident("nurse@capulet.lit")
    assert server.host.residents.get(JULIET) is kept
    assert server.host.residents.get(ROMEO) is None, "the one that was used longest ago"


def test_what_is_kept_is_bounded_by_contacts(
    server: Verona, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residents, "WEIGHT", 60)
    for n in range(50):
        put(server, JULIET, f"c{n}@x.lit")
    server.host.residents.forget(JID.parse(JULIET))
    server.resident(JULIET)
    assert server.host.residents.get(JULIET) is not None
    server.resident(ROMEO)
    assert server.host.residents.get(JULIET) is None


def test_an_account_that_is_being_changed_is_not_let_go(
    server: Verona, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residents, "WEIGHT", 1)
    juliet = server.resident(JULIET)
    server.done(juliet.lock.acquire())
    server.resident(ROMEO)
    assert server.host.residents.get(JULIET) is juliet
    juliet.lock.release()


def test_a_failing_store_is_told_to_all_who_asked(server: Verona, slow: SlowDatabase) -> None:
    failed: list[str] = []
    for jid in (JULIET, JULIET, ROMEO):
        fetching = server.host.residents.fetch(JID.parse(jid))
        fetching.addErrback(lambda failure: failed.append(str(failure.value)))
    for _, later in slow.asked:
        later.errback(OSError("the disk is gone"))
    assert failed == ["the disk is gone"] * 3


def test_many_are_fetched_in_few_readings(server: Verona, slow: SlowDatabase) -> None:
    wanted = [JID.parse(f"c{n}@capulet.lit") for n in range(60)] + [JID.parse(JULIET)]
    later = Deferred.fromCoroutine(server.host.residents.fetch_all(wanted))
    assert len(slow.asked) == 2
    slow.answer(), slow.answer()
    found = server.done(later)
    assert found[:60] == [None] * 60
    assert found[60] is server.host.residents.get(JULIET)
