"""The table of contacts elsewhere that are there."""

from __future__ import annotations

import pytest

from xmppd.core import contacts
from xmppd.core.contacts import LARGEST, Contacts
from xmppd.core.sharers import Shared
from xmppd.jid import JID
from xmppd.wire import build
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

ROMEO, PARIS = (JID.parse(f"{name}@verona.example/park") for name in ("romeo", "paris"))
JULIET, NURSE = (JID.parse(f"{name}@capulet.lit") for name in ("juliet", "nurse"))


def presence(status: str = "") -> Stanza:
    return build.stanza("presence", {}, *([Tag("status", {}, status)] if status else []))


def test_what_is_shown_to_another_account_is_no_news() -> None:
    known = Contacts()
    assert known.come(ROMEO, presence()) == (True, [])
    assert known.come(ROMEO, presence()) == (False, [])
    assert known.come(ROMEO, presence("Adieu")) == (True, [])
    assert known.go(ROMEO) and not known.go(ROMEO)


def test_whom_no_account_sees_any_more_is_forgotten() -> None:
    known = Contacts()
    assert not known.show(Shared(ROMEO, JULIET)), "he is not there"
    known.come(ROMEO, presence())
    for account in (JULIET, NURSE):
        assert known.show(Shared(ROMEO, account)) and not known.show(Shared(ROMEO, account))
    assert known.hide(Shared(ROMEO, JULIET)) and not known.hide(Shared(ROMEO, JULIET))
    assert (list(known.shown(ROMEO)), ROMEO in known) == ([NURSE], True)
    assert known.hide(Shared(ROMEO, NURSE)) and ROMEO not in known


@pytest.mark.parametrize("how", ["others come", "too large"])
def test_nothing_is_left_of_whom_is_forgotten(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Or it would grow with whoever makes his presence large."""
    monkeypatch.setattr(contacts, "REMEMBERED", 1)
    known = Contacts()
    known.come(ROMEO, presence())
    known.show(Shared(ROMEO, JULIET))
    if how == "too large":
        assert known.come(ROMEO, presence("x" * LARGEST)) == (True, [ROMEO])
    else:
        assert known.come(PARIS, presence()) == (True, [ROMEO])
    assert ROMEO not in known and not known.shown(ROMEO)
    assert not known._shown


def test_one_server_s_contacts_make_room_for_those_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One contact may have as many resources as his server likes."""
    monkeypatch.setattr(contacts, "REMEMBERED", 4)
    known = Contacts()
    known.come(ROMEO, presence())
    for n in range(9):
        known.come(JID.parse(f"iago@m{n}.iago.lit/{n}"), presence())
    assert ROMEO in known
    assert known.come(PARIS, presence())[1] == [JID.parse("iago@m6.iago.lit/6")]
    assert len(list(known)) == 4
