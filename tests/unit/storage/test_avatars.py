"""Contract of `avatars.SQLAvatars`, over every backend (XEP-0153)."""

import pytest

from tests.support.stores import Accounts
from xmppd.jid import JID
from xmppd.storage.avatars import SQLAvatars

HAMLET = JID.of("hamlet", "shakespeare.lit")
SKULL, CROWN = "a" * 40, "b" * 40


class Elsinore(Accounts):
    """A database, and the avatars of the accounts in it."""

    def __init__(self, backend):
        super().__init__(backend)
        self.avatars = SQLAvatars(self.database)

    def put(self, account, hash_):
        self.wait(self.avatars.put(account, hash_))

    def load(self, account):
        return self.wait(self.database.read(lambda tx: self.avatars.load(tx, account)))


@pytest.fixture
def elsinore(backend):
    return Elsinore(backend)


@pytest.fixture
def hamlet(elsinore):
    return elsinore.make(HAMLET)


def test_the_newest_is_known_and_that_there_was_one(elsinore, hamlet):
    assert elsinore.load(hamlet) is None
    for hash_ in (SKULL, CROWN, ""):
        elsinore.put(hamlet, hash_)
        assert elsinore.load(hamlet) == hash_


def test_no_account_has_what_is_another_ones(elsinore, hamlet):
    horatio = elsinore.make(JID.of("horatio", "shakespeare.lit"))
    elsinore.put(hamlet, SKULL)
    assert elsinore.load(horatio) is None


def test_it_goes_with_its_account(elsinore, hamlet):
    elsinore.put(hamlet, SKULL)
    elsinore.wait(elsinore.accounts.remove(HAMLET))
    assert elsinore.load(hamlet) is None
    assert elsinore.load(elsinore.make(HAMLET)) is None, "nor has it who takes the name next"


def test_nothing_is_kept_of_an_account_that_is_not_there(elsinore):
    elsinore.put(10_000, SKULL)
    assert elsinore.load(10_000) is None


def test_it_is_there_when_the_store_is_opened_again(persistent):
    before = Elsinore(persistent)
    hamlet = before.make(HAMLET)
    before.put(hamlet, SKULL)
    before.wait(before.database.close())
    assert Elsinore(persistent).load(hamlet) == SKULL
