"""Contract of `offline.SQLOfflineMessages`, over every backend (XEP-0160)."""

import pytest

from tests.support.stores import Accounts
from xmppd.jid import JID
from xmppd.storage.offline import Backlog, SQLOfflineMessages

HAMLET, HORATIO = JID.of("hamlet", "shakespeare.lit"), JID.of("horatio", "shakespeare.lit")
AWKWARD = "<message><body>Ωphelia \N{DOVE OF PEACE}</body></message>".encode() + b"\0'\\\xff"
LATEST = 2**63 - 1


class Elsinore(Accounts):
    """A database, and the messages that wait in it."""

    def __init__(self, backend):
        super().__init__(backend)
        self.offline = SQLOfflineMessages(self.database)

    def put(self, account, **stanzas):
        """``put(hamlet, n3=b"<message/>")`` keeps it under the number 3."""
        for number, stanza in stanzas.items():
            self.wait(self.offline.put(account, int(number[1:]), stanza))

    def page(self, account, after=0, limit=50):
        page = self.wait(self.offline.page(account, after, limit))
        return [(number, bytes(stanza)) for number, stanza in page]

    def forget(self, account, *numbers):
        self.wait(self.offline.forget(account, numbers))

    def backlog(self, account):
        return self.wait(self.database.read(lambda tx: self.offline.load(tx, account)))


@pytest.fixture
def elsinore(backend):
    return Elsinore(backend)


@pytest.fixture
def hamlet(elsinore):
    return elsinore.make(HAMLET)


@pytest.fixture
def horatio(elsinore):
    return elsinore.make(HORATIO)


@pytest.mark.parametrize("stanza", [b"<message/>", AWKWARD, b"x" * 262_144, b""])
@pytest.mark.parametrize("number", [1, 1_165_543_115_000_000, LATEST])
def test_a_message_reads_back_as_it_was_put(elsinore, hamlet, number, stanza):
    elsinore.put(hamlet, **{f"n{number}": stanza})
    assert elsinore.page(hamlet) == [(number, stanza)]


def test_they_come_in_the_order_of_their_numbers(elsinore, hamlet):
    elsinore.put(hamlet, n10=b"c", n2=b"a", n9=b"b")
    assert elsinore.page(hamlet) == [(2, b"a"), (9, b"b"), (10, b"c")]


@pytest.mark.parametrize(
    ("after", "limit", "numbers"),
    [
        (0, 2, [1, 2]),
        (2, 2, [3, 4]),
        (4, 2, [5]),
        (5, 2, []),
        (LATEST, 2, []),
        (0, 5, [1, 2, 3, 4, 5]),
        (1, 50, [2, 3, 4, 5]),
    ],
)
def test_a_page_is_what_comes_behind_a_number(elsinore, hamlet, after, limit, numbers):
    elsinore.put(hamlet, n1=b"1", n2=b"2", n3=b"3", n4=b"4", n5=b"5")
    assert [number for number, _ in elsinore.page(hamlet, after, limit)] == numbers


def test_no_two_of_an_account_have_a_number(elsinore, hamlet, horatio):
    elsinore.put(hamlet, n1=b"first")
    with pytest.raises(Exception, match=r"(?i)unique"):
        elsinore.put(hamlet, n1=b"second")
    elsinore.put(horatio, n1=b"another's")
    assert elsinore.page(hamlet) == [(1, b"first")]


def test_forgotten_are_those_that_are_named(elsinore, hamlet):
    elsinore.put(hamlet, n1=b"a", n2=b"b", n3=b"c", n4=b"d")
    elsinore.forget(hamlet, 1, 3)
    assert elsinore.page(hamlet) == [(2, b"b"), (4, b"d")]
    elsinore.forget(hamlet)
    elsinore.forget(hamlet, 1, 99)
    assert elsinore.page(hamlet) == [(2, b"b"), (4, b"d")], "unknown numbers do not matter"
    elsinore.forget(hamlet, *range(1, 1_001))
    assert elsinore.page(hamlet) == []


def test_what_waits_is_counted_in_messages_and_octets(elsinore, hamlet, horatio):
    assert elsinore.backlog(hamlet) == Backlog(0, 0)
    elsinore.put(hamlet, n1=b"1234", n2=AWKWARD)
    elsinore.put(horatio, n1=b"12")
    assert elsinore.backlog(hamlet) == Backlog(2, 4 + len(AWKWARD))
    elsinore.forget(hamlet, 2)
    assert elsinore.backlog(hamlet) == Backlog(1, 4)
    assert all(type(number) is int for number in elsinore.backlog(hamlet))


def test_accounts_have_their_own(elsinore, hamlet, horatio):
    elsinore.put(hamlet, n1=b"a", n2=b"b")
    elsinore.put(horatio, n1=b"c")
    elsinore.forget(horatio, 1, 2)
    assert elsinore.page(horatio) == []
    assert elsinore.page(hamlet) == [(1, b"a"), (2, b"b")]
    assert elsinore.backlog(horatio) == Backlog(0, 0)


def test_they_go_with_their_account(elsinore, hamlet, horatio):
    elsinore.put(hamlet, n1=b"a")
    elsinore.put(horatio, n1=b"b")
    elsinore.wait(elsinore.accounts.remove(HAMLET))
    assert elsinore.page(hamlet) == []
    assert elsinore.page(elsinore.make(HAMLET)) == [], "nor has them who takes the name next"
    assert elsinore.page(horatio) == [(1, b"b")]


def test_nothing_is_kept_for_an_account_that_is_not_there(elsinore):
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        elsinore.put(10_000, n1=b"<message/>")


def test_they_are_there_when_the_store_is_opened_again(persistent):
    before = Elsinore(persistent)
    hamlet = before.make(HAMLET)
    before.put(hamlet, n1=b"a", n2=AWKWARD)
    before.forget(hamlet, 1)
    before.wait(before.database.close())
    after = Elsinore(persistent)
    assert after.page(hamlet) == [(2, AWKWARD)]
    assert after.backlog(hamlet) == Backlog(1, len(AWKWARD))
