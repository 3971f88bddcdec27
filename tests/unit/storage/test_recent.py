"""Accounts read a moment ago."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from tests.support.stores import credentials
from xmppd.storage.interfaces import Account
from xmppd.storage.recent import MOST, SECONDS, RecentAccounts


class Accounts:
    """A store that counts its readings and answers when it is told to."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Account] = {}
        self.readings = 0
        self.held: Deferred[Any] | None = None

    def get(self, local: str, domain: str) -> Deferred[Account | None]:
        self.readings += 1
        found = self.rows.get((local, domain))
        if self.held is not None:
            return self.held.addCallback(lambda _: found)
        return succeed(found)

    def create(self, local: str, domain: str, kept: Any, *, now: float) -> Deferred[Account]:
        self.rows[local, domain] = Account(1, local, domain, now, True, kept)
        return succeed(self.rows[local, domain])

    def set_enabled(self, local: str, domain: str, enabled: bool) -> Deferred[bool]:
        old = self.rows[local, domain]
        self.rows[local, domain] = Account(
            old.id, local, domain, old.created, enabled, old.credentials
        )
        return succeed(True)

    def remove(self, local: str, domain: str) -> Deferred[bool]:
        return succeed(self.rows.pop((local, domain), None) is not None)


def make() -> tuple[Accounts, RecentAccounts, Clock]:
    inner, clock = Accounts(), Clock()
    recent = RecentAccounts(inner, clock.seconds)  # type: ignore[arg-type]
    return inner, recent, clock


def read(recent: RecentAccounts, local: str = "juliet") -> Account | None:
    found: list[Account | None] = []
    recent.get(local, "capulet.example").addCallback(found.append)
    return found[0]


def test_a_login_reads_its_account_once_and_again_when_time_has_passed() -> None:
    inner, recent, clock = make()
    recent.create("juliet", "capulet.example", credentials(), now=0.0)
    assert read(recent) == read(recent) == inner.rows["juliet", "capulet.example"]
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
    recent.create("juliet", "capulet.example", credentials(), now=0.0)
    account = read(recent)
    assert account is not None and account.enabled
    recent.set_enabled("juliet", "capulet.example", False)
    account = read(recent)
    assert account is not None and not account.enabled
    recent.remove("juliet", "capulet.example")
    assert read(recent) is None


def test_a_reading_that_a_write_overtook_is_not_kept() -> None:
    inner, recent, _ = make()
    recent.create("juliet", "capulet.example", credentials(), now=0.0)
    inner.held = Deferred()
    late: list[Account | None] = []
    recent.get("juliet", "capulet.example").addCallback(late.append)
    held, inner.held = inner.held, None
    recent.create("romeo", "capulet.example", credentials(), now=0.0)
    held.callback(None)
    assert late[0] is not None
    assert inner.readings == 1
    assert read(recent) == late[0]
    assert inner.readings == 2


def test_a_reading_that_a_removal_overtook_lets_nobody_in() -> None:
    """The streams of the account have been ended by then: a new one would stay."""
    inner, recent, _ = make()
    recent.create("juliet", "capulet.example", credentials(), now=0.0)
    inner.held = Deferred()
    late: list[Account | None] = []
    recent.get("juliet", "capulet.example").addCallback(late.append)
    held, inner.held = inner.held, None
    recent.remove("juliet", "capulet.example")
    held.callback(None)
    assert late == [None]
    assert read(recent) is None


def test_a_reading_older_than_a_lockout_is_made_again() -> None:
    inner, recent, _ = make()
    recent.create("juliet", "capulet.example", credentials(), now=0.0)
    inner.held = Deferred()
    late: list[Account | None] = []
    recent.get("juliet", "capulet.example").addCallback(late.append)
    held, inner.held = inner.held, None
    recent.set_enabled("juliet", "capulet.example", False)
    held.callback(None)
    assert late[0] is not None
    assert not late[0].enabled


def test_made_up_names_do_not_pile_up() -> None:
    _, recent, _ = make()
    for number in range(MOST + 10):
        read(recent, f"nurse{number}")
    assert len(recent._read) == MOST
