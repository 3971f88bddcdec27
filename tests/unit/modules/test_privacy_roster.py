"""Privacy lists and a roster that changes under them (XEP-0016 §2.2 rule 9, §2.10, §2.11)."""

from __future__ import annotations

import pytest

from tests.support.people import JULIET, ROMEO, friends, item, put, told
from tests.support.privacy import block, do, put_list, rule
from tests.support.server import Client, Verona, condition
from xmppd.core.presence import SLICE
from xmppd.core.roster import Roster
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"
STRANGERS = rule(1, subscription="none")
ENEMIES = rule(1, kinds="presence-out", group="Enemies")
GONE = ("unavailable", BALCONY)


@pytest.fixture
def server() -> Verona:
    server = Verona()
    friends(server, JULIET, ROMEO)
    return server


@pytest.fixture
def romeo(server: Verona) -> Client:
    return server.log_in("romeo", "orchard").send("<presence/>")


@pytest.fixture
def juliet(server: Verona, romeo: Client) -> Client:
    client = server.log_in("juliet", "balcony").send("<presence/>")
    romeo.take()
    client.take()
    return client


# ---------------------------------------------------------------- who becomes a stranger


def test_2_11_who_is_a_stranger_from_now_on_is_told_that_the_user_is_gone(
    juliet: Client, romeo: Client
) -> None:
    """RFC 6121 §3.2.2: by a list against strangers he would never hear of her end."""
    put_list(juliet, "public", STRANGERS, apply="default")
    juliet.send(f"<presence to='{ROMEO}' type='unsubscribe'/>")
    romeo.take()
    juliet.send(f"<presence to='{ROMEO}' type='unsubscribed'/>")
    assert GONE in told(romeo)
    juliet.send("<presence><show>away</show></presence>")
    assert told(romeo) == []


def test_2_11_who_unsubscribes_is_told_so_too(juliet: Client, romeo: Client) -> None:
    """RFC 6121 §3.3.3."""
    put_list(juliet, "public", STRANGERS, apply="default")
    juliet.send(f"<presence to='{ROMEO}' type='unsubscribe'/>")
    romeo.take()
    romeo.send(f"<presence to='{JULIET}' type='unsubscribe'/>")
    assert GONE in told(romeo)


def test_who_is_removed_from_the_roster_learns_that_all_is_over(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    """RFC 6121 §2.5.2."""
    put_list(juliet, "public", STRANGERS, apply="default")
    assert not do(juliet, item(ROMEO, subscription="remove"))
    heard = told(romeo)
    assert ("unsubscribe", JULIET) in heard
    assert ("unsubscribed", JULIET) in heard
    assert GONE in heard
    assert server.resident(ROMEO).roster.state(JULIET) & 3 == 0


def test_who_was_blocked_before_learns_nothing(juliet: Client, romeo: Client) -> None:
    assert not do(juliet, block(ROMEO))
    romeo.take()
    juliet.send(f"<presence to='{ROMEO}' type='unsubscribed'/>")
    assert not do(juliet, item(ROMEO, subscription="remove"))
    assert told(romeo) == []


# ---------------------------------------------------------------- who is in another group


def test_2_2_rule_9_who_is_moved_into_a_group_is_hidden_from_and_shown_again(
    juliet: Client, romeo: Client
) -> None:
    assert not do(juliet, item("tybalt@x", groups=["Enemies"]))
    put_list(juliet, "public", ENEMIES, apply="default")
    assert told(romeo) == []
    assert not do(juliet, item(ROMEO, groups=["Enemies"]))
    assert told(romeo) == [GONE]
    juliet.send("<presence><show>away</show></presence>")
    assert not do(juliet, item(ROMEO, "My enemy", groups=["Enemies"]))
    assert told(romeo) == []
    assert not do(juliet, item(ROMEO, groups=["Friends"]))
    assert told(romeo) == [("available", BALCONY)]


def test_2_10_who_is_moved_into_a_group_is_not_seen_and_seen_again(
    juliet: Client, romeo: Client
) -> None:
    assert not do(juliet, item("tybalt@x", groups=["Enemies"]))
    put_list(juliet, "public", rule(1, kinds="presence-in", group="Enemies"), apply="active")
    juliet.take()
    juliet.send(f"<iq type='set' id='1'>{item(ROMEO, groups=['Enemies'])}</iq>")
    assert told(juliet) == [("unavailable", ORCHARD), ("iq", "result", JULIET)]
    juliet.send(f"<iq type='set' id='2'>{item(ROMEO)}</iq>")
    assert told(juliet) == [("available", ORCHARD), ("iq", "result", JULIET)]
    assert told(romeo) == []


def test_many_rules_for_groups_are_looked_up_in_one_go(
    juliet: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not do(juliet, item("tybalt@x", groups=["Enemies"]))
    listed, looked = Roster.listed, []

    def counting(roster: Roster) -> object:
        looked.append(roster)
        return listed(roster)

    monkeypatch.setattr(Roster, "listed", counting)
    put_list(juliet, "public", *(rule(n, group="Enemies") for n in range(100)))
    assert len(looked) == 1


# ---------------------------------------------------------------- presence to many, bit by bit


@pytest.mark.parametrize("how", ["unsubscribed", "removed", "blocked"])
def test_who_is_hidden_from_while_others_are_told_is_not_told(how: str) -> None:
    """RFC 6121 §3.2.2: he would never hear of its end."""
    server = Verona()
    said: list[Stanza] = []
    server.host.router.routes["mantua.lit"] = said.append
    for number in range(SLICE + 50):
        put(server, JULIET, f"servant{number}@mantua.lit")
    garden = server.log_in("juliet", "garden")
    server.log_in("juliet", "balcony").send("<presence/>")
    last = JID.parse(f"servant{SLICE + 49}@mantua.lit")
    assert last not in [stanza.to for stanza in said]
    if how == "unsubscribed":
        garden.send(f"<presence to='{last}' type='unsubscribed'/>")
    elif how == "removed":
        assert not do(garden, item(last, subscription="remove"))
    else:
        assert not do(garden, block(last))
    for _ in range(5):
        server.clock.advance(0)
    assert "" not in [stanza.type for stanza in said if stanza.to == last]
    assert len([stanza for stanza in said if stanza.type == ""]) == SLICE + 49


# ---------------------------------------------------------------- one resource of an account


def test_2_1_what_is_denied_one_resource_does_not_reach_it_by_the_account(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    street = server.log_in("romeo", "street").send("<presence/>")
    for client in (juliet, romeo, street):
        client.take()
    assert not do(juliet, block(ORCHARD))
    assert told(romeo) == [GONE]
    juliet.send("<presence><show>away</show></presence>")
    juliet.send(f"<message to='{ROMEO}'><body>Romeo!</body></message>")
    assert told(romeo) == []
    assert told(street) == [("available", BALCONY), ("message", "", BALCONY)]
    street.send("</stream:stream>")
    juliet.take()
    juliet.send(f"<message to='{ROMEO}'><body>Romeo?</body></message>")
    assert condition(juliet.one()) == "not-acceptable"
    assert told(romeo) == [("unavailable", f"{ROMEO}/street")]
    juliet.send("<presence type='unavailable'/>")
    assert told(romeo) == [GONE]
