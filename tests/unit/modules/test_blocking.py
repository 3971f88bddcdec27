"""The blocking command as clients see it, and the default list behind it (XEP-0191)."""

from __future__ import annotations

import pytest

from tests.support.people import JULIET, ROMEO, told
from tests.support.privacy import (
    block,
    blocklist,
    do,
    listed,
    named,
    names,
    pushes,
    put_list,
    rule,
    rules_of,
    unblock,
)
from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd import ns
from xmppd.jid import JID

TYBALT, PARIS = f"tybalt@{DOMAIN}", "paris@mantua.lit"


@pytest.fixture
def chamber(server: Verona, juliet: Client) -> Client:
    """Another session of juliet's, which has asked for the blocklist."""
    client = server.log_in("juliet", "chamber")
    assert blocklist(client) == []
    return client


def values(client: Client, name: str = "blocked") -> list[tuple[str, str, str]]:
    return [(a["order"], a.get("value", ""), a["action"]) for a, _ in rules_of(client, name)]


# ---------------------------------------------------------------- §3.2 to §3.5


def test_3_2_the_blocklist_is_empty_until_somebody_is_blocked(
    server: Verona, juliet: Client
) -> None:
    assert blocklist(juliet) == []
    assert not do(juliet, block(TYBALT, PARIS))
    assert blocklist(juliet) == [TYBALT, PARIS]
    juliet.hang_up()
    server.host.residents.forget(JID.parse(JULIET))
    assert blocklist(server.log_in("juliet")) == [TYBALT, PARIS], "it lasts"


def test_3_3_addresses_are_compared_in_normal_form(juliet: Client) -> None:
    assert not do(juliet, block("Tybalt@CAPULET.lit", TYBALT, "mantua.LIT", f"{TYBALT}/Sword"))
    assert blocklist(juliet) == [TYBALT, "mantua.lit", f"{TYBALT}/Sword"]
    assert not do(juliet, unblock("TYBALT@capulet.lit"))
    assert blocklist(juliet) == ["mantua.lit", f"{TYBALT}/Sword"]


def test_3_3_a_block_is_pushed_to_who_has_asked_for_the_blocklist(
    server: Verona, juliet: Client, chamber: Client
) -> None:
    indifferent = server.log_in("juliet", "garden")
    assert not do(juliet, block(TYBALT, PARIS))
    assert ("block", TYBALT, PARIS) in pushes(chamber)
    assert pushes(indifferent) == [("list", "blocked")], "XEP-0016 §2.2, rule 10"
    blocklist(juliet)
    juliet.send(f"<iq type='set' id='b2'>{block('montague.lit')}</iq>")
    assert ("block", "montague.lit") in pushes(juliet), "who blocks is told as well"


def test_3_4_an_unblock_is_pushed_as_far_as_it_unblocks(juliet: Client, chamber: Client) -> None:
    do(juliet, block(TYBALT, PARIS))
    pushes(chamber)
    assert not do(juliet, unblock(TYBALT, ROMEO))
    assert ("unblock", TYBALT) in pushes(chamber)
    assert blocklist(juliet) == [PARIS]


def test_3_5_all_are_unblocked_at_once(juliet: Client, chamber: Client) -> None:
    do(juliet, block(TYBALT, PARIS))
    pushes(chamber)
    assert not do(juliet, unblock())
    assert ("unblock",) in pushes(chamber)
    assert blocklist(juliet) == []


@pytest.mark.parametrize("payload", [unblock(), unblock(TYBALT)])
def test_3_4_3_5_unblocking_nobody_changes_nothing(
    juliet: Client, chamber: Client, payload: str
) -> None:
    assert not do(juliet, payload)
    assert pushes(chamber) == []
    assert names(juliet) == []


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (block(), "bad-request"),
        (f"<block xmlns='{ns.BLOCKING}'><item/></block>", "bad-request"),
        (f"<block xmlns='{ns.BLOCKING}'><item xmlns='x' jid='{PARIS}'/></block>", "bad-request"),
        (
            f"<unblock xmlns='{ns.BLOCKING}'><item xmlns='x' jid='{TYBALT}'/></unblock>",
            "bad-request",
        ),
        (block("@mantua.lit"), "jid-malformed"),
        (block(PARIS, ""), "jid-malformed"),
        (unblock("a@b@c"), "jid-malformed"),
    ],
)
def test_3_3_what_is_wrong_changes_nothing(
    juliet: Client, chamber: Client, payload: str, says: str
) -> None:
    do(juliet, block(TYBALT))
    pushes(chamber)
    assert do(juliet, payload) == says
    assert blocklist(juliet) == [TYBALT]
    assert pushes(chamber) == []


def test_nobody_reads_or_sets_anothers_blocklist(server: Verona, juliet: Client) -> None:
    romeo = server.log_in("romeo")
    for payload, type_ in ((f"<blocklist xmlns='{ns.BLOCKING}'/>", "get"), (block(ROMEO), "set")):
        assert condition(romeo.ask(payload, type_, JULIET)) == "service-unavailable"
    assert blocklist(juliet) == []


def test_there_is_only_so_much_room() -> None:
    juliet = Verona(privacy={"lists": 1, "items": 2}).log_in("juliet")
    put_list(juliet, "private", rule(1))
    assert do(juliet, block(TYBALT)) == "resource-constraint"
    assert not do(juliet, listed("private"))
    assert not do(juliet, block(TYBALT, PARIS))
    assert do(juliet, block("montague.lit")) == "resource-constraint"
    assert not do(juliet, block(TYBALT)), "who is blocked already takes no more room"
    assert blocklist(juliet) == [TYBALT, PARIS]


# ---------------------------------------------------------------- §5 one source of truth


def test_5_the_first_block_makes_a_default_list(juliet: Client, chamber: Client) -> None:
    assert not do(juliet, block(TYBALT))
    assert names(juliet) == [("default", "blocked"), ("list", "blocked")]
    assert rules_of(juliet, "blocked") == [
        ({"type": "jid", "value": TYBALT, "action": "deny", "order": "1"}, [])
    ]
    assert not do(juliet, block(PARIS))
    assert [value for _, value, _ in values(juliet)] == [PARIS, TYBALT]


def test_5_a_list_of_that_name_which_is_not_the_default_stays_as_it_is(juliet: Client) -> None:
    put_list(juliet, "blocked", rule(5, "allow"))
    assert not do(juliet, block(TYBALT))
    assert names(juliet)[0] == ("default", "blocked-2")
    assert values(juliet) == [("5", "", "allow")]


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ((7, 9), ["5", "6", "7", "9"]),
        ((2, 9), ["0", "1", "2", "9"]),
        ((1, 9), ["1", "2", "3", "4"]),
        ((0, 2**32 - 1), ["1", "2", "3", "4"]),
    ],
)
def test_5_blocks_come_first_and_the_rest_keeps_its_order(
    juliet: Client, orders: tuple[int, int], expected: list[str]
) -> None:
    first = rule(orders[0], "allow", "message", jid=PARIS)
    put_list(juliet, "public", first, rule(orders[1], "allow"), apply="default")
    assert not do(juliet, block(TYBALT, PARIS))
    assert values(juliet, "public") == [
        (expected[0], TYBALT, "deny"),
        (expected[1], PARIS, "deny"),
        (expected[2], PARIS, "allow"),
        (expected[3], "", "allow"),
    ]


def test_5_rule_2_what_a_list_gains_or_loses_shows_in_the_blocklist(
    juliet: Client, chamber: Client
) -> None:
    do(juliet, block(TYBALT, PARIS))
    pushes(chamber)
    rules = [rule(1, jid=PARIS), rule(2, jid="montague.lit")]
    assert not do(juliet, listed("blocked", *rules))
    assert pushes(chamber) == [
        ("list", "blocked"),
        ("unblock", TYBALT),
        ("block", "montague.lit"),
    ]
    assert blocklist(juliet) == [PARIS, "montague.lit"]


def test_5_rule_3_what_is_no_block_does_not_show(juliet: Client) -> None:
    put_list(
        juliet,
        "public",
        rule(1, "allow", jid=TYBALT),
        rule(2, "deny", "message", jid=TYBALT),
        rule(3, "deny", subscription="none"),
        rule(4, "deny"),
        apply="default",
    )
    assert blocklist(juliet) == []
    assert not do(juliet, block(TYBALT))
    assert not do(juliet, unblock(TYBALT))
    assert len(values(juliet, "public")) == 4, "and is left alone"


def test_5_rule_4_another_default_list_is_another_blocklist(server: Verona, juliet: Client) -> None:
    assert blocklist(juliet) == []
    do(juliet, block(TYBALT))
    put_list(juliet, "private", rule(1, jid=PARIS))
    juliet.take()
    juliet.send(f"<iq type='set' id='d1'>{named('default', 'private')}</iq>")
    assert pushes(juliet) == [("unblock", TYBALT), ("block", PARIS)]
    assert blocklist(juliet) == [PARIS]
    assert not do(juliet, named("default"))
    assert blocklist(juliet) == []


def test_5_rule_5_an_active_list_comes_before_the_blocklist(server: Verona, juliet: Client) -> None:
    romeo = server.log_in("romeo", "orchard")
    juliet.send("<presence/>").take()
    do(juliet, block(ROMEO))
    put_list(juliet, "special", rule(1, "allow"), apply="active")
    romeo.send(f"<message to='{JULIET}' type='chat'><body>Lady?</body></message>")
    assert told(juliet) == [("message", "chat", f"{ROMEO}/orchard")]
    assert blocklist(juliet) == [ROMEO]
    assert not do(juliet, named("active"))
    romeo.send(f"<message to='{JULIET}' type='chat'><body>Lady?</body></message>")
    assert told(juliet) == []
