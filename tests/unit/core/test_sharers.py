"""Who has shown himself to whom without a subscription (XEP-0060 §9.1.3): so many, and no more."""

from __future__ import annotations

import pytest

from xmppd.core import sharers
from xmppd.core.sharers import Shared, Sharers, Strangers
from xmppd.jid import JID

JULIET, NURSE, PARIS = (JID.parse(f"{name}@capulet.lit") for name in ("juliet", "nurse", "paris"))


def balthasar(number: int) -> JID:
    return JID.parse(f"balthasar@mantua.lit/{number}")


@pytest.fixture
def known() -> Sharers:
    return Sharers()


def test_they_are_found_from_both_ends(known: Sharers) -> None:
    for account in (JULIET, NURSE):
        known.add(Shared(balthasar(1), account))
    known.add(Shared(balthasar(2), NURSE))
    assert list(known.accounts(balthasar(1))) == [JULIET, NURSE]
    assert list(known.of(NURSE)) == [balthasar(1), balthasar(2)]
    assert known.remove(Shared(balthasar(1), NURSE))
    assert not known.remove(Shared(balthasar(1), NURSE))
    assert known.drop(balthasar(1)) == [JULIET]
    assert list(known) == [Shared(balthasar(2), NURSE)]
    assert not known.of(JULIET)


def test_of_one_account_there_are_so_many(known: Sharers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharers, "MOST_OF_ACCOUNT", 2)
    known.add(Shared(balthasar(9), NURSE))
    for number in (1, 2, 1):
        assert known.add(Shared(balthasar(number), JULIET)) == []
    assert known.add(Shared(balthasar(3), JULIET)) == [Shared(balthasar(2), JULIET)]
    assert list(known.of(NURSE)) == [balthasar(9)]


def test_one_has_shown_himself_to_so_many(known: Sharers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharers, "MOST_ACCOUNTS", 2)
    known.add(Shared(balthasar(9), JULIET))
    for account in (JULIET, NURSE):
        assert known.add(Shared(balthasar(1), account)) == []
    assert known.add(Shared(balthasar(1), PARIS)) == [Shared(balthasar(1), JULIET)]
    assert list(known.accounts(balthasar(9))) == [JULIET]


def test_in_all_there_are_so_many(known: Sharers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharers, "MOST", 2)
    for number in (1, 2):
        known.add(Shared(balthasar(number), JULIET))
    assert known.add(Shared(balthasar(3), NURSE)) == [Shared(balthasar(1), JULIET)]
    assert len(known) == 2


def test_bounds_that_are_met_together_are_kept(
    known: Sharers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("MOST", "MOST_OF_ACCOUNT", "MOST_ACCOUNTS"):
        monkeypatch.setattr(sharers, bound, 1)
    known.add(Shared(balthasar(1), JULIET))
    assert known.add(Shared(balthasar(1), NURSE)) == [Shared(balthasar(1), JULIET)]
    assert known.add(Shared(balthasar(2), NURSE)) == [Shared(balthasar(1), NURSE)]
    assert list(known) == [Shared(balthasar(2), NURSE)]


def test_users_and_others_do_not_take_each_others_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharers, "MOST", 1)
    strangers = Strangers(lambda: ["capulet.lit"])
    paris = JID.parse("paris@capulet.lit/r")
    assert strangers.add(Shared(paris, JULIET), "") == (True, [])
    assert strangers.add(Shared(balthasar(1), JULIET), "away") == (True, [])
    gone = [Shared(balthasar(1), JULIET)]
    assert strangers.add(Shared(balthasar(2), JULIET), "") == (True, gone)
    assert strangers.of(JULIET) == [paris, balthasar(2)]
    assert balthasar(1) not in strangers
    assert strangers.presence(balthasar(1)) is None


def test_what_one_shows_is_all_that_is_kept_of_his_presence() -> None:
    strangers = Strangers(lambda: ["capulet.lit"])
    shared = Shared(balthasar(1), JULIET)
    told = [strangers.add(shared, show)[0] for show in ("", "", "away", "away")]
    assert told == [True, False, True, False]
    presence = strangers.presence(balthasar(1))
    assert presence is not None
    assert (presence.sender, presence.inner) == (balthasar(1), b"<show>away</show>")
