"""Accounts read a moment ago."""

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from tests.support.stores import credentials
from xmppd.jid import JID
from xmppd.storage.interfaces import Account
from xmppd.storage.recent import MOST, SECONDS, RecentAccounts

JULIET, ROMEO = JID("juliet@capulet.example"), JID("romeo@capulet.example")


class Accounts:
    """A store that counts its readings and answers when it is told to."""

    def __init__(self) -> None:
        self.rows: dict[JID, Account] = {}
        self.readings = 0
        self.held: Deferred[Any] | None = None

    def get(self, jid: JID) -> Deferred[Account | None]:
        self.readings += 1
        found = self.rows.get(jid)
        if self.held is not None:
            return self.held.addCallback(lambda _: found)
        return succeed(found)

    def create(self, jid: JID, kept: Any, *, now: float) -> Deferred[Account]:
        self.rows[jid] = Account(1, jid, now, True, kept)
        return succeed(self.rows[jid])

    def set_enabled(self, jid: JID, enabled: bool) -> Deferred[bool]:
        self.rows[jid] = replace(self.rows[jid], enabled=enabled)
        return succeed(True)

    def set_credentials(self, jid: JID, kept: Any) -> Deferred[bool]:
        self.rows[jid] = replace(self.rows[jid], credentials=kept)
        return succeed(True)

    def replace_credentials(self, account: Account, kept: Any) -> Deferred[bool]:
        return self.set_credentials(account.jid, kept)

    def remove(self, jid: JID) -> Deferred[bool]:
        return succeed(self.rows.pop(jid, None) is not None)


def make() -> tuple[Accounts, RecentAccounts, Clock]:
    inner, clock = Accounts(), Clock()
    recent = RecentAccounts(inner, clock.seconds)  # type: ignore[arg-type]
    return inner, recent, clock


def read(recent: RecentAccounts, jid: JID = JULIET) -> Account | None:
    found: list[Account | None] = []
    recent.get(jid).addCallback(found.append)
    return found[0]


def test_a_login_reads_its_account_once_and_again_when_time_has_passed() -> None:
    inner, recent, clock = make()
    recent.create(JULIET, credentials(), now=0.0)
    assert read(recent) == read(recent) == inner.rows[JULIET]
    assert inner.readings == 1
    clock.advance(SECONDS)
    read(recent)
    assert inner.readings == 2


def test_an_account_that_is_not_there_is_remembered_like_one_that_is() -> None:
    inner, recent, _ = make()
    assert read(recent) is None
    assert read(recent) is None
    assert inner.readings == 1


def test_every_write_is_seen_at_once() -> None:
    _, recent, _ = make()
    assert read(recent) is None
    recent.create(JULIET, credentials(), now=0.0)
    account = read(recent)
    assert account is not None and account.enabled
    recent.set_enabled(JULIET, False)
    account = read(recent)
    assert account is not None and not account.enabled
    recent.remove(JULIET)
    assert read(recent) is None


def test_a_reading_that_a_write_overtook_is_not_kept() -> None:
    inner, recent, _ = make()
    recent.create(JULIET, credentials(), now=0.0)
    inner.held = Deferred()
    late: list[Account | None] = []
    recent.get(JULIET).addCallback(late.append)
    held, inner.held = inner.held, None
    recent.create(ROMEO, credentials(), now=0.0)
    held.callback(None)
    assert late[0] is not None
    assert inner.readings == 1
    assert read(recent) == late[0]
    assert inner.readings == 2


def test_a_reading_that_a_removal_overtook_lets_nobody_in() -> None:
    """The streams of the account have been ended by then: a new one would stay."""
    inner, recent, _ = make()
    recent.create(JULIET, credentials(), now=0.0)
    inner.held = Deferred()
    late: list[Account | None] = []
    recent.get(JULIET).addCallback(late.append)
    held, inner.held = inner.held, None
    recent.remove(JULIET)
    held.callback(None)
    assert late == [None]
    assert read(recent) is None


def test_a_reading_older_than_a_password_is_made_again() -> None:
    """Else a login with the old password would be held against the old one, and fit."""
    inner, recent, _ = make()
    recent.create(JULIET, credentials(), now=0.0)
    for seed in (3, 5):
        inner.held = Deferred()
        late: list[Account | None] = []
        recent.get(JULIET).addCallback(late.append)
        held, inner.held = inner.held, None
        if seed == 3:
            recent.set_credentials(JULIET, credentials(seed))
        else:
            recent.replace_credentials(inner.rows[JULIET], credentials(seed))
        held.callback(None)
        assert late[0] is not None
        assert late[0].credentials == credentials(seed)
        recent.set_enabled(JULIET, True)


def test_a_reading_older_than_a_lockout_is_made_again() -> None:
    inner, recent, _ = make()
    recent.create(JULIET, credentials(), now=0.0)
    inner.held = Deferred()
    late: list[Account | None] = []
    recent.get(JULIET).addCallback(late.append)
    held, inner.held = inner.held, None
    recent.set_enabled(JULIET, False)
    held.callback(None)
    assert late[0] is not None
    assert not late[0].enabled


def test_made_up_names_do_not_pile_up() -> None:
    _, recent, _ = make()
    for number in range(MOST + 10):
        read(recent, JID.of(f"nurse{number}", "capulet.example"))
    assert len(recent._read) == MOST
