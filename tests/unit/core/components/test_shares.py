"""Whose the octets are that wait for a component: one user leaves room for others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.defer import Deferred

from tests.support.components import ECHO, Component, table, verona
from tests.support.people import put
from tests.support.server import Verona, condition
from tests.support.sessions import read
from tests.support.spooled import Managed, ack, back, managed
from xmppd.core.components.shares import SharedBacklog
from xmppd.core.components.spool import Spool
from xmppd.errors import StanzaError
from xmppd.jid import JID

ROOM = 1_048_576
BIG = 16_384
"""Of 62 such messages there is room for half before anything is counted, then for 3 of each."""
HALF, SHARE = 31, 3
ROMEO, JULIET, TYBALT = "romeo@capulet.lit/orchard", "juliet@capulet.lit/x", "tybalt@capulet.lit"


class Slow(Component):
    """One that takes nothing of what it is sent."""

    def write(self, data: bytes) -> None:
        super().write(data)
        self.behind += len(data)


def away(server: Verona) -> Managed:
    component = managed(server)
    component.hang_up()
    return component


def slow(server: Verona) -> Slow:
    component = Slow(server)
    component.log_in()
    component.clog(0)
    return component


def drained(server: Verona) -> Managed:
    component = managed(server)
    send(server, ROMEO, "<message/>")
    serving = server.host.components.get(ECHO)
    assert serving is not None
    Deferred.fromCoroutine(serving.drain(60))
    return component


@pytest.fixture
def server() -> Verona:
    server = verona(spool_octets=ROOM, queue_octets=ROOM)
    server.host.router.attach(lambda error: None)  # what goes elsewhere
    return server


def send(server: Verona, who: str, data: str, to: str = ECHO) -> str:
    """By which reason somebody's stanza is refused; "" where it is not."""
    counts = server.host.refusals.counts
    before = counts.copy()
    stanza = read(data)
    stanza.sender, stanza.to = JID.parse(who), JID.parse(to)
    server.host.router.route(stanza)
    return next(iter(counts - before), "")


def message(size: int = BIG) -> str:
    return f"<message><body>{'x' * size}</body></message>"


def presence(size: int, type_: str = " type='unavailable'") -> str:
    return f"<presence{type_}><status>{'x' * size}</status></presence>"


def fill(server: Verona, who: str, data: str = "", most: int = 100) -> int:
    """How often somebody's message is taken until it is beyond his share."""
    for taken in range(most):
        if reason := send(server, who, data or message()):
            assert reason == "component.share"
            return taken
    return most


def brim(server: Verona, who: str) -> None:
    """Have somebody have all that he may have waiting."""
    for data in (message(), message(500), "<message/>"):
        fill(server, who, data, 1_000)


def spool(server: Verona) -> Spool:
    serving = server.host.components.get(ECHO)
    assert serving is not None
    found = serving.instances[""].spool
    assert found is not None
    return found


# Whose room it is


@pytest.mark.parametrize("how", [away, managed, slow, drained])
def test_one_user_leaves_room_for_others(
    server: Verona, how: Callable[[Verona], Component]
) -> None:
    """Away; there, and behind with acknowledging, or with reading; to be relieved by another."""
    how(server)
    assert fill(server, ROMEO) == HALF + SHARE
    assert fill(server, JULIET) == SHARE
    assert fill(server, "romeo@capulet.lit/other") == 0, "the account's, with all its clients"
    assert fill(server, f"romeo@{ECHO}") == SHARE, "a component's users are some, too"
    assert [fill(server, f"guest{n}@capulet.lit") for n in range(6)] == [SHARE] * 6
    assert send(server, JULIET, message(200_000)) == "component.queue", "there is no more for all"


@pytest.mark.parametrize("how", [away, managed, slow, drained])
def test_other_servers_leave_room_to_each_other_and_to_users(
    server: Verona, how: Callable[[Verona], Component]
) -> None:
    """What the domains of one have is one's; all of them have half of what is counted."""
    how(server)
    assert fill(server, "iago@venice.lit") == HALF + SHARE
    assert fill(server, "brabantio@muc.venice.lit/x") == 0
    taken = [fill(server, f"iago@m{n}.lit") for n in range(6)]
    assert taken == [SHARE, SHARE, SHARE, SHARE, 0, 0]
    assert fill(server, JULIET) == SHARE


def test_of_what_is_half_empty_each_may_have_as_much_as_he_likes(server: Verona) -> None:
    away(server)
    assert fill(server, ROMEO, most=HALF) == HALF
    assert not spool(server)._shares


@pytest.mark.parametrize("how", [away, managed, slow, drained])
def test_who_has_nothing_there_has_room_for_one_however_large(
    server: Verona, how: Callable[[Verona], Component]
) -> None:
    how(server)
    fill(server, ROMEO)
    assert send(server, JULIET, message(180_000)) == ""
    assert send(server, JULIET, "<message/>") == "component.share"


def test_nor_do_other_servers_where_there_is_little_room() -> None:
    server = verona(spool_octets=65_536)
    away(server)
    for who, taken in ((ROMEO, ""), ("iago@venice.lit", ""), ("a@moor.lit", "component.share")):
        assert send(server, who, message(20_000)) == taken


# Until when


def test_what_is_acknowledged_makes_room(server: Verona) -> None:
    component = managed(server)
    fill(server, ROMEO)
    ack(component, HALF)
    assert fill(server, ROMEO, most=HALF - SHARE) == HALF - SHARE
    assert fill(server, ROMEO) == 0, "he has as much of the upper half as before"
    ack(component, HALF + SHARE)
    assert not spool(server)._shares
    assert fill(server, ROMEO) == 2 * SHARE
    ack(component, 2 * HALF + 2 * SHARE)
    assert not spool(server)._shares
    assert not spool(server)._shares._places


@pytest.mark.parametrize("again", ["resumed", "begun"])
def test_it_is_known_when_the_component_has_come_back(server: Verona, again: str) -> None:
    """One that comes and goes does not give him a share each time."""
    component = away(server)
    fill(server, ROMEO)
    fill(server, "iago@venice.lit")
    for done in range(2):
        resumed = again == "resumed"
        component = back(server, component, done) if resumed else managed(server)
        assert fill(server, ROMEO) == fill(server, "iago@venice.lit") == 0
        assert fill(server, JULIET, most=1) == 1
        ack(component, spool(server).outbox.acknowledged + 1)
        component.hang_up()
    spool(server).acknowledged(spool(server).outbox.sent)
    assert not spool(server)._shares
    assert spool(server)._shares.elsewhere == 0


def test_what_a_slow_one_takes_makes_room(server: Verona) -> None:
    component = slow(server)
    fill(server, ROMEO)
    component.behind -= HALF * BIG
    assert fill(server, ROMEO, most=HALF - SHARE) == HALF - SHARE
    assert fill(server, ROMEO) == 0
    component.behind = 0
    assert fill(server, ROMEO) == HALF + SHARE
    component.unclog()
    component.clog(HALF * BIG)  # of which nobody knows whose it is
    assert fill(server, ROMEO) == SHARE


def test_who_is_there_anew_has_room_for_all(server: Verona) -> None:
    component = slow(server)
    fill(server, ROMEO)
    component.hang_up()
    slow(server)
    assert fill(server, ROMEO) == HALF + SHARE


def test_what_was_held_back_for_the_next_process_is_counted_where_it_goes(server: Verona) -> None:
    drained(server).hang_up()
    fill(server, ROMEO)
    component = managed(server)
    assert fill(server, ROMEO) == 0
    ack(component, len(spool(server)))
    assert not spool(server)._shares


def test_what_was_held_back_is_nobodys_once_it_is_taken() -> None:
    backlog = SharedBacklog(65_536, ())
    stanza = read(message(40_000))
    stanza.sender = JID.parse(ROMEO)
    for _ in range(2):
        backlog.keep(stanza)
        with pytest.raises(StanzaError):
            backlog.keep(stanza)
        assert [each for each, _ in backlog.take()] == [stanza]
        assert not backlog._shares


# Presence, and what the server sends


@pytest.mark.parametrize("how", [away, managed, slow])
def test_who_has_his_share_is_known_to_have_gone(
    server: Verona, how: Callable[[Verona], Component]
) -> None:
    """Within bounds: of presence there is twice as much."""
    how(server)
    fill(server, ROMEO)
    moons = [f"moon{n}@{ECHO}" for n in range(10)]
    assert [send(server, ROMEO, presence(10), moon) for moon in moons] == [""] * 10
    taken = [send(server, ROMEO, presence(BIG), moon) for moon in moons]
    assert taken == [""] * (SHARE + 1) + ["component.share"] * (9 - SHARE)
    assert fill(server, JULIET) == SHARE


def test_presence_that_waits_is_counted_as_long_as_it_does(server: Verona) -> None:
    component = away(server)
    fill(server, ROMEO, most=HALF)
    for size in (BIG, 2 * BIG, BIG // 2, 2 * BIG):
        assert send(server, TYBALT, presence(size)) == ""
        assert spool(server)._shares.of(TYBALT) == pytest.approx(size, abs=200)
    again = back(server, component)
    assert spool(server)._shares.of(TYBALT) == pytest.approx(2 * BIG, abs=200)
    ack(again, spool(server).outbox.sent)
    assert not spool(server)._shares


def test_what_the_newest_takes_the_place_of_needs_no_room(server: Verona) -> None:
    """However much of his there is: he is gone, and nobody is to take him for there."""
    away(server)
    assert send(server, TYBALT, presence(5 * BIG, "")) == ""
    fill(server, ROMEO)
    assert fill(server, TYBALT) == SHARE
    assert send(server, TYBALT, presence(10)) == ""


def granted(**grants: object) -> Verona:
    server = Verona(components={ECHO: table(queue_octets=ROOM, **grants)})
    server.host.router.attach(lambda error: None)
    return server


def test_0356_7_a_component_is_told_who_is_there_whatever_he_has_written() -> None:
    server = granted(presence="roster")
    romeo = server.log_in("romeo", "orchard")
    component = managed(server)
    brim(server, ROMEO)
    component.take()
    romeo.send(f"<presence><status>{'x' * BIG}</status></presence>")
    assert component.one().get("from") == ROMEO
    for _ in range(10):  # but not for as often as he likes
        romeo.send(
            f"<presence type='unavailable'/><presence><status>{'x' * BIG}</status></presence>"
        )
    assert fill(server, JULIET) == SHARE


def test_0356_7_it_is_told_at_first_of_all_who_are_elsewhere() -> None:
    """That so many are at one server is nobody's fault who is to be told of."""
    grants = {"presence": "roster", "roster": "get", "roster_push": False}
    server = verona(**grants, spool_octets=ROOM, queue_octets=ROOM)
    people = [f"page{n}@venice.lit" for n in range(200)]
    component = managed(server)
    for each in people:
        put(server, "juliet@capulet.lit", each)
        send(server, f"{each}/x", presence(3_800, ""), "juliet@capulet.lit")
        ack(component, spool(server).outbox.sent)
    component.hang_up()
    again = back(server, component, spool(server).outbox.sent)
    server.clock.advance(1)
    came = [each.get("from") for each in again.elements() if each.tag.endswith("presence")]
    assert sorted(came) == sorted(f"{each}/x" for each in people)


def test_0356_what_changes_in_rosters_is_told_whatever_he_has_written() -> None:
    server = granted(roster="get")
    romeo = server.log_in("romeo", "orchard")
    component = managed(server)
    brim(server, ROMEO)
    component.take()
    romeo.send(
        "<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='a@b'/></query></iq>"
    )
    assert component.one().get("from") == "romeo@capulet.lit"


def test_0355_what_is_handed_on_is_his_who_asks() -> None:
    """As much again as he may write: he gets at his own things whatever he has written."""
    server = granted(delegation={"vcard-temp": ()})
    component = managed(server)
    fill(server, ROMEO)
    component.take()
    romeo, juliet = server.log_in("romeo", "orchard"), server.log_in("juliet", "x")
    vcard = f"<iq type='set' id='v'><vCard xmlns='vcard-temp'><NOTE>{'x' * BIG}</NOTE></vCard></iq>"
    romeo.send(vcard * 10)
    assert len(component.elements()) == SHARE + 1
    assert {condition(each) for each in romeo.elements()} == {"service-unavailable"}
    juliet.send(vcard)
    assert component.one()[0].tag.endswith("delegation")
    assert juliet.take() == b""
