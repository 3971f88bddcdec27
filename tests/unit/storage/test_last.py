"""Contract of `last.SQLLastPresence`, over every backend (XEP-0012 §3, RFC 6121 §4.3.2)."""

import pytest

from tests.support.stores import Accounts
from xmppd.jid import JID
from xmppd.storage.last import LastPresence, SQLLastPresence

HAMLET = JID.of("hamlet", "shakespeare.lit")


class Elsinore(Accounts):
    """A database, an account in it, and when accounts were last there."""

    def __init__(self, backend):
        super().__init__(backend)
        self.last = SQLLastPresence(self.database)

    def put(self, account, at, status=""):
        self.wait(self.last.put(account, LastPresence(at, status)))

    def load(self, account):
        return self.wait(self.database.read(lambda tx: self.last.load(tx, account)))


@pytest.fixture
def elsinore(backend):
    return Elsinore(backend)


@pytest.fixture
def hamlet(elsinore):
    return elsinore.make(HAMLET)


def test_nothing_is_known_of_who_was_never_there(elsinore, hamlet):
    assert elsinore.load(hamlet) is None


@pytest.mark.parametrize(
    "last",
    [
        LastPresence(1_165_543_115.25, "To be, or not to be"),
        LastPresence(0.0, ""),
        LastPresence(253_402_300_799.5, "ζ \N{DOVE OF PEACE} '; --"),
        LastPresence(1.5, "x" * 1023),
    ],
)
def test_it_reads_back_as_it_was_put(elsinore, hamlet, last):
    elsinore.put(hamlet, *last)
    assert elsinore.load(hamlet) == last


def test_the_newest_takes_the_place_of_what_was_there(elsinore, hamlet):
    elsinore.put(hamlet, 1.5, "The rest is silence.")
    elsinore.put(hamlet, 0.5)
    assert elsinore.load(hamlet) == LastPresence(0.5, "")


def test_no_account_has_what_is_another_ones(elsinore, hamlet):
    horatio = elsinore.make(JID.of("horatio", "shakespeare.lit"))
    elsinore.put(hamlet, 1.5, "The rest is silence.")
    elsinore.put(horatio, 2.5)
    assert elsinore.load(hamlet) == LastPresence(1.5, "The rest is silence.")
    assert elsinore.load(horatio) == LastPresence(2.5, "")


def test_it_goes_with_its_account(elsinore, hamlet):
    elsinore.put(hamlet, 1.5, "The rest is silence.")
    elsinore.wait(elsinore.accounts.remove(HAMLET))
    assert elsinore.load(hamlet) is None
    assert elsinore.load(elsinore.make(HAMLET)) is None, "nor has it who takes the name next"


def test_nothing_is_kept_of_an_account_that_is_not_there(elsinore):
    """A stream may end behind its account."""
    elsinore.put(10_000, 1.5)
    assert elsinore.load(10_000) is None


def test_it_is_there_when_the_store_is_opened_again(persistent):
    before = Elsinore(persistent)
    hamlet = before.make(HAMLET)
    before.put(hamlet, 1.5, "The rest is silence.")
    before.wait(before.database.close())
    assert Elsinore(persistent).load(hamlet) == LastPresence(1.5, "The rest is silence.")
