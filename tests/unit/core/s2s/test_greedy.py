"""What one domain, or one user, takes of what all have: the others are not to notice."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from tests.support.federated import Hand, Town, Web
from tests.support.server import condition
from tests.support.server_streams import BIDI, auth, header, key, message
from xmppd import ns
from xmppd.core.s2s import management as management_module
from xmppd.core.s2s import remotes as remotes_module

CAPULET, MONTAGUE, IAGO = "capulet.lit", "montague.lit", "iago.lit"
ENABLE = f"<enable xmlns='{ns.STREAM_MANAGEMENT}'/>"


def chat(to: str = f"romeo@{MONTAGUE}", body: str = "x") -> str:
    return f"<message to='{to}' type='chat' id='c'><body>{body}</body></message>"


def request(sender: str, to: str) -> str:
    return f"<iq type='get' id='1' from='{sender}' to='{to}'><q xmlns='q'/></iq>"


def iago(town: Town, *below: str, bidi: bool = False) -> Hand:
    """His server has connected, and has shown all its domains by one certificate."""
    hand = town.called(IAGO, *below).through_tls(IAGO, CAPULET)
    hand.send(*([BIDI] if bidi else []), auth(IAGO), header(IAGO))
    for each in below:
        hand.send(key(each))
    hand.take()
    return hand


# ---------------------------------------------------------------------- what is known of domains


def test_a_peer_of_many_domains_keeps_nobody_from_being_reached_xep0288(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each domain that it shows on a stream that serves both ways is one that is known."""
    monkeypatch.setattr(remotes_module, "MOST", 10)
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    hand = iago(verona, *(f"m{n}.{IAGO}" for n in range(20)), bidi=True)
    assert not hand.closed
    juliet.send(chat())
    web.settle()
    assert len(romeo.elements()) == 1
    assert len(verona.remotes._remotes) <= 10
    juliet.send(chat(f"a@m19.{IAGO}"))
    assert "<body>x</body>" in hand.take()


def test_nor_does_who_is_known_no_more_keep_anything_of_the_stream_xep0288(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remotes_module, "MOST", 3)
    web = Web()
    verona = web.town(CAPULET)
    hand = iago(verona, *(f"m{n}.{IAGO}" for n in range(9)), bidi=True)
    hand.wire.cut()
    web.settle()
    assert not verona.remotes.connections
    assert all(each.idle for each in verona.remotes.known())


# ---------------------------------------------------------------------- attempts


def test_whom_a_peer_writes_to_pays_for_no_attempt_of_its_making() -> None:
    """What comes back to it is said in her name, and each of its domains has to be reached."""
    web = Web()
    verona, mantua = web.town(CAPULET, s2s={"attempts": 4}), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    below = [f"m{n}.{IAGO}" for n in range(10)]
    hand = iago(verona, *below)
    for each in below:
        web.places[each] = None
        hand.send(request(f"a@{each}", f"juliet@{CAPULET}/no"))
    assert verona.remotes.attempts.waiting
    juliet.send(chat())
    web.settle()
    assert len(romeo.elements()) == 1


def test_whoever_it_writes_to_there_is_one_share_for_all_that_comes_back() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET, s2s={"attempts": 4}), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    below = [f"m{n}.{IAGO}" for n in range(10)]
    hand = iago(verona, *below)
    for each in below:
        web.places[each] = None
        hand.send(request(f"a@{each}", f"{each[:2]}@{CAPULET}/no"))
    assert verona.remotes.attempts.count == 1
    juliet.send(chat())
    web.settle()
    assert len(romeo.elements()) == 1


# ---------------------------------------------------------------------- pauses


def test_a_domain_of_ours_that_is_refused_keeps_no_other_from_being_heard() -> None:
    """The other server takes one domain of ours, and no other; both are tried by turns."""
    web = Web()
    rooms = f"rooms.{CAPULET}"
    verona = web.town(CAPULET, rooms, names=(CAPULET,))
    mantua = web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    verona.account("nurse", domain=rooms)
    nurse = verona.connect().open(rooms)
    nurse.authenticate("nurse").open(rooms)
    nurse.bind("x")
    nurse.take()
    nurse.send(chat())
    web.settle()
    assert condition(nurse.elements()[0]) == "remote-server-timeout"
    juliet.send(chat())
    web.settle()
    assert len(romeo.elements()) == 1


# ---------------------------------------------------------------------- what is not acknowledged


def taking(web: Web) -> tuple[Town, Hand]:
    """Iago's server takes all that it is sent, on a managed stream that serves both ways."""
    verona = web.town(CAPULET, s2s={"octets": 65_536})
    hand = iago(verona, bidi=True).send(ENABLE)
    hand.take()
    return verona, hand


@pytest.mark.parametrize("size", [10, 5_000, 30_000])
def test_who_acknowledges_nothing_is_not_owed_more_and_more_xep0198_4(size: int) -> None:
    """It takes all of it, so nothing is on its way that could be too much."""
    web = Web()
    verona, hand = taking(web)
    juliet = verona.log_in("juliet")
    for _ in range(200_000 // (100 + size)):
        juliet.send(chat(f"a@{IAGO}", "x" * size))
    (connection,) = verona.remotes.connections
    assert connection.managed is not None
    assert 60_000 < connection.managed.outbox.octets < 65_536 + 64 * 300 + size
    assert {condition(each) for each in juliet.elements()} == {"resource-constraint"}
    h = hand.take().count("<message")
    hand.send(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='{h}'/>")
    juliet.send(chat(f"a@{IAGO}", "on"))
    assert "<body>on</body>" in hand.take()
    assert juliet.take() == b""


def test_a_word_now_and_then_makes_no_room_for_all_that_comes_xep0198_4() -> None:
    web = Web()
    verona, hand = taking(web)
    juliet = verona.log_in("juliet")
    for n in range(2_000):
        juliet.send(chat(f"a@{IAGO}", "x" * 100))
        if not n % 10:
            hand.send(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='{n // 10}'/>")
    (connection,) = verona.remotes.connections
    assert connection.managed is not None
    assert connection.managed.outbox.octets < 65_536 + 64 * 300


# ---------------------------------------------------------------------- who writes to a slow one


def slow(web: Web, verona: Town) -> Hand:
    """Iago's server reads an octet now and then."""
    hand = iago(verona, bidi=True)
    (connection,) = verona.remotes.connections
    connection.clogged()
    return hand


def test_who_writes_to_a_slow_peer_is_read_again_before_it_has_caught_up() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    slow(web, verona)
    juliet.send(chat(f"a@{IAGO}"))
    juliet.send(chat())
    assert juliet.paused
    web.advance(3)
    assert not juliet.paused
    assert len(romeo.elements()) == 1


def test_whom_it_has_answered_is_not_held_back_for_that() -> None:
    web = Web()
    verona = web.town(CAPULET)
    juliet = verona.log_in("juliet")
    slow(web, verona)
    juliet.send(f"<iq type='result' id='1' to='{IAGO}'/>")
    assert not juliet.paused


# ---------------------------------------------------------------------- resumption


def test_who_resumes_two_streams_by_one_connection_leaves_nothing_behind_xep0198_5(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While what it had sent is not in safe hands yet, it asks for the other one, too."""
    waiting: list[Deferred[None]] = []

    def all_handled(inbox: object) -> Deferred[None]:
        waiting.append(Deferred())
        return waiting[-1]

    web = Web()
    verona = web.town(CAPULET)
    ids = []
    for _ in range(2):
        hand = iago(verona).send(ENABLE.replace("/>", " resume='true'/>"))
        ids.append(hand.take().partition(" id='")[2].partition("'")[0])
        hand.wire.cut()
        web.settle()
    monkeypatch.setattr(management_module, "all_handled", all_handled)
    hand = iago(verona)
    for id_ in ids:
        hand.send(f"<resume xmlns='{ns.STREAM_MANAGEMENT}' previd='{id_}' h='0'/>")
    hand.send(ENABLE.replace("/>", " resume='true'/>"))
    for each in waiting:
        each.callback(None)
    assert hand.take().count("<failed") == 2  # it has begun a stream of its own meanwhile
    hand.wire.cut()
    web.advance(200)
    assert not verona.remotes.management._attached
    assert not verona.remotes.management._lost


def test_what_comes_on_a_stream_that_goes_on_is_heard_though_we_were_closing_it_xep0198_5() -> None:
    """It was acknowledged, and heard by nobody."""
    verona = Web().town(CAPULET)
    juliet = verona.log_in("juliet")
    hand = iago(verona).send(ENABLE.replace("/>", " resume='true'/>"))
    id_ = hand.take().partition(" id='")[2].partition("'")[0]
    (connection,) = verona.remotes.connections
    connection.close()
    again = iago(verona)
    again.send(f"<resume xmlns='{ns.STREAM_MANAGEMENT}' previd='{id_}' h='0'/>")
    assert "<resumed" in again.take()
    again.send(message(f"a@{IAGO}"))
    assert b"wherefore" in juliet.take()


def test_what_was_lost_with_a_stream_is_answered_where_there_is_no_room_for_its_domain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web = Web()
    verona, hand = taking(web)
    juliet = verona.log_in("juliet")
    for body in "ab":
        juliet.send(chat(f"a@{IAGO}", body))
    verona.remotes._remotes.clear()
    monkeypatch.setattr(remotes_module, "MOST", 1)
    web.places["silent.lit"] = None
    juliet.send(chat("a@silent.lit"))
    hand.wire.cut()
    web.settle()
    assert [condition(each) for each in juliet.elements()] == ["resource-constraint"] * 2
