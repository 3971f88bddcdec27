"""Contract of `rosters.SQLRosters`, over every backend."""

import pytest

from tests.support.stores import Accounts
from xmppd.jid import JID
from xmppd.storage.last import LastPresence, SQLLastPresence
from xmppd.storage.rosters import KEPT, RosterItem, SQLRosters
from xmppd.subscription import APPROVED, BOTH, IN, LISTED

JULIET = JID.of("juliet", "verona.example")
ROMEO = JID.parse("romeo@mantua.example")
GATEWAY = JID.parse("irc.mantua.example")


class Verona(Accounts):
    """A database, an account in it, and its subjects."""

    def __init__(self, backend):
        super().__init__(backend)
        self.rosters = SQLRosters(self.database)
        self.last = SQLLastPresence(self.database)
        self.juliet = self.make(JULIET)

    def roster(self, account=None):
        load = self.rosters.load
        number = self.juliet if account is None else account
        return self.wait(self.database.read(lambda tx: load(tx, number)))

    def change(self, before, item, request=None):
        self.wait(self.rosters.change(self.juliet, before, item, request))


@pytest.fixture
def verona(backend):
    return Verona(backend)


def test_an_account_begins_with_an_empty_roster(verona):
    stored = verona.roster()
    assert (stored.version, dict(stored.items)) == (0, {})


@pytest.mark.parametrize(
    "item",
    [
        RosterItem(ROMEO, LISTED | BOTH, "Romeo", ("Montagues", "ζ \N{DOVE OF PEACE}", "'; --"), 1),
        RosterItem(GATEWAY, LISTED, "", (), 1),
        RosterItem(ROMEO, LISTED | APPROVED, "x" * 1023, ("g" * 1023,) * 1, 1),
    ],
)
def test_an_item_reads_back_as_it_was_put(verona, item):
    verona.change(0, item)
    stored = verona.roster()
    assert stored.version == 1
    assert dict(stored.items) == {item.contact: item}


def test_an_item_is_replaced_and_the_version_goes_on(verona):
    verona.change(0, RosterItem(ROMEO, LISTED, "R", ("g",), 1))
    verona.change(LISTED, RosterItem(ROMEO, LISTED | BOTH, "", (), 2))
    stored = verona.roster()
    assert stored.version == 2
    assert dict(stored.items) == {ROMEO: RosterItem(ROMEO, LISTED | BOTH, "", (), 2)}


def test_a_removal_is_told_to_who_is_behind_until_the_contact_is_back(verona):
    removals = lambda since: list(verona.wait(verona.rosters.removals(verona.juliet, since)))  # noqa: E731
    verona.change(0, RosterItem(ROMEO, LISTED, version=1))
    verona.change(LISTED, RosterItem(ROMEO, version=2))
    assert dict(verona.roster().items) == {}
    assert verona.roster().version == 2
    assert removals(1) == [(ROMEO, 2)]
    assert removals(2) == []
    verona.change(0, RosterItem(ROMEO, LISTED, version=3))
    assert removals(0) == []


def test_removals_are_forgotten_after_a_while(verona):
    verona.change(0, RosterItem(ROMEO, LISTED, version=1))
    verona.change(LISTED, RosterItem(ROMEO, version=2))
    verona.change(0, RosterItem(GATEWAY, LISTED, version=3))
    verona.change(LISTED, RosterItem(GATEWAY, version=KEPT + 2))
    assert list(verona.wait(verona.rosters.removals(verona.juliet, 0))) == [(GATEWAY, KEPT + 2)]


def test_a_request_is_kept_until_it_is_answered(verona):
    requests = lambda: dict(verona.wait(verona.rosters.requests(verona.juliet)))  # noqa: E731
    verona.change(0, RosterItem(ROMEO, IN, version=1), b"<presence/>\x00\xff")
    assert requests() == {ROMEO: b"<presence/>\x00\xff"}
    verona.change(IN, RosterItem(ROMEO, IN | LISTED, "Romeo", (), 2))
    assert requests() == {ROMEO: b"<presence/>\x00\xff"}
    verona.change(IN | LISTED, RosterItem(ROMEO, LISTED, "Romeo", (), 3))
    assert requests() == {}


def test_a_mere_request_that_goes_is_no_removal(verona):
    verona.change(0, RosterItem(ROMEO, IN, version=1), b"<presence/>")
    verona.change(IN, RosterItem(ROMEO, version=2))
    assert dict(verona.roster().items) == {}
    assert list(verona.wait(verona.rosters.removals(verona.juliet, 0))) == []


def test_an_account_that_is_removed_takes_its_roster_with_it(verona):
    nurse = verona.make(JID.of("nurse", "verona.example"))
    verona.wait(verona.rosters.change(nurse, 0, RosterItem(GATEWAY, LISTED, version=1)))
    verona.change(0, RosterItem(ROMEO, LISTED, version=1))
    verona.change(0, RosterItem(GATEWAY, IN, version=2), b"<presence/>")
    verona.change(LISTED, RosterItem(ROMEO, version=3))
    verona.wait(verona.last.put(verona.juliet, LastPresence(1.5, "x")))
    verona.wait(verona.accounts.remove(JULIET))
    tables = ("rosters", "roster_items", "roster_removals", "subscription_requests")

    async def count(tx):
        found = []
        for table in (*tables, "last_presence"):
            sql = f"SELECT count(*) FROM {table} WHERE account = ?"
            found.append((await tx.execute(sql, (verona.juliet,))).rows[0][0])
        return found

    assert verona.wait(verona.database.read(count)) == [0] * 5
    assert set(verona.roster(nurse).items) == {GATEWAY}


def test_nothing_is_kept_of_an_account_that_is_not_there(verona):
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        verona.wait(verona.rosters.change(10_000, 0, RosterItem(ROMEO, LISTED, version=1)))
