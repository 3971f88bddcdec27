"""The service stops, is killed, loses its server: who has to go, and is told so (§11.2)."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.support.conference import HALL, INSTANT, codes, item
from tests.support.people import C
from tests.support.server import condition
from xmppd.jid import JID


def kinds(person):
    return [(each.tag.removeprefix(C), each.get("type"), codes(each)) for each in person.came()]


def test_11_2_all_are_told_by_332_when_the_service_stops(hall):
    juliet, romeo = hall.opened("juliet"), hall.person("romeo").join()
    juliet.came(), romeo.came()
    hall.stop()
    for person, affiliation in ((juliet, "owner"), (romeo, "none")):
        gone = person.one()
        assert gone.get("from") == f"{HALL}/{person.nick}"
        assert gone.get("type") == "unavailable"
        assert codes(gone) == [110, 332]
        assert item(gone)["role"] == "none"
        assert item(gone)["affiliation"] == affiliation
    hall.again()
    assert (juliet.came(), romeo.came()) == ([], []), "once is enough"


def test_who_enters_again_while_it_stops_is_let_in_by_the_next_process(hall):
    """As clients do at once; what is not handled by one process is sent to the next."""
    juliet = hall.opened("juliet")
    hall.component.on_stop(lambda: juliet.join() and None)
    hall.stop()
    (gone,) = juliet.came()
    assert codes(gone) == [110, 332]
    hall.again()
    own, subject = juliet.came()
    assert codes(own) == [110]
    assert item(own)["affiliation"] == "owner"
    assert subject.tag == f"{C}message"


def test_after_a_crash_the_next_process_tells_those_who_were_there(hall):
    juliet, romeo = hall.opened("juliet"), hall.person("romeo").join()
    juliet.came(), romeo.came()
    hall.kill()
    assert (juliet.came(), romeo.came()) == ([], [])
    hall.again()
    for person, affiliation in ((juliet, "owner"), (romeo, "none")):
        gone = person.one()
        assert gone.get("from") == f"{HALL}/{person.nick}"
        assert (gone.get("type"), codes(gone)) == ("unavailable", [110, 332])
        assert item(gone) == {
            "affiliation": affiliation,
            "jid": person.jid,
            "role": "none",
        }
    own = juliet.join().came()[0]
    assert (codes(own), item(own)["affiliation"]) == ([110], "owner")
    juliet.say("Ay me!")
    assert romeo.came() == []
    hall.kill()
    hall.again()
    assert kinds(juliet)[-1] == ("presence", "unavailable", [110, 332])
    assert romeo.came() == [], "he has been told"


def test_they_are_told_as_fast_as_the_server_takes_it(hall, monkeypatch):
    """Or requests of others would be refused meanwhile."""
    juliet = hall.opened("juliet")
    hall.kill()
    with monkeypatch.context() as behind:
        behind.setattr(type(hall.component), "behind", True)
        hall.again()
        hall.pass_time(20)
        assert juliet.came() == []
    hall.pass_time(1)
    assert codes(juliet.one()) == [110, 332]


def test_who_enters_before_he_was_told_is_told_first(hall):
    """What waited for the next process comes to it in order: his coming is the last word."""
    juliet = hall.opened("juliet")
    hall.kill()
    juliet.join()
    hall.again()
    first, *others = kinds(juliet)
    assert first == ("presence", "unavailable", [110, 332])
    assert others == [("presence", None, [110]), ("message", "groupchat", [])]
    juliet.say("Ay me!")
    assert juliet.one().findtext(f"{C}body") == "Ay me!"


def test_who_left_before_the_crash_is_told_nothing(hall):
    juliet, romeo = hall.opened("juliet"), hall.person("romeo").join()
    romeo.leave()
    romeo.came()
    hall.kill()
    hall.again()
    assert romeo.came() == []
    assert kinds(juliet)[-1] == ("presence", "unavailable", [110, 332])


def test_a_room_that_is_not_persistent_waits_for_its_people_and_then_goes(hall):
    juliet = hall.opened("juliet")
    hall.kill()
    hall.again()
    juliet.came()
    hall.pass_time(500)
    assert codes(juliet.join().came()[0]) == [110], "it is as it was"
    hall.kill()
    hall.again()
    hall.pass_time(700)
    juliet.came()
    assert codes(juliet.join().came()[0]) == [110, 201], "it was not there any more"


def test_a_room_that_was_looked_into_goes_all_the_same(hall):
    juliet = hall.opened("juliet")
    hall.kill()
    hall.again()
    juliet.ask("<query xmlns='http://jabber.org/protocol/disco#info'/>")
    hall.pass_time(1500)
    assert len(hall.service.rooms) == 0
    assert codes(juliet.join().came()[0]) == [110, 201]


def test_10_1_1_a_locked_room_is_locked_after_a_crash_too_and_not_for_ever(hall):
    juliet = hall.person("juliet").join()
    hall.kill()
    hall.again()
    romeo = hall.person("romeo").join()
    hall.pass_time(hall.policy.lock_wait)
    assert condition(romeo.one()) == "item-not-found"
    juliet.came()
    assert codes(juliet.join().came()[0]) == [110]
    hall.pass_time(299 - hall.policy.lock_wait)
    assert juliet.came() == []
    hall.pass_time(2)
    gone = juliet.one()
    assert gone.get("type") == "unavailable"
    assert codes(romeo.join().came()[0]) == [110, 201]


def test_a_connection_that_is_resumed_loses_nothing(hall):
    juliet, romeo = hall.opened("juliet"), hall.person("romeo").join()
    juliet.came(), romeo.came()
    hall.cut()
    juliet.say("O Romeo, Romeo!")
    assert romeo.came() == []
    hall.come_back()
    assert romeo.one().findtext(f"{C}body") == "O Romeo, Romeo!"
    hall.pass_time(60)
    assert len(juliet.came()) == 1
    assert romeo.came() == []


def test_a_room_unlocked_stays_so(hall):
    juliet = hall.person("juliet").join()
    assert juliet.ask(INSTANT, "set").get("type") == "result"
    hall.kill()
    hall.again()
    romeo = hall.person("romeo").join()
    assert item(romeo.came()[-2])["role"] == "participant"


def test_those_in_rooms_of_a_process_that_is_drained_are_told_by_the_next(hall):
    juliet = hall.opened("juliet")
    drained = []
    hall.component.when_drained = lambda: drained.append(True)
    served = hall.server.host.components.get(hall.domain)
    hall.pass_time(1)
    Deferred.fromCoroutine(served.drain(5))
    hall.pass_time(1)
    hall.line.protocol.dataReceived(hall.wire.take())  # the server's last words
    assert drained == [True]
    hall.stop()
    assert juliet.came() == []
    hall.again()
    assert [codes(each) for each in juliet.came()] == [[110, 332]]


def test_what_waits_when_the_store_is_slow_is_written_before_the_process_ends(hall):
    juliet = hall.opened("juliet")
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    writing = Deferred()
    room.lock.run(lambda: writing)
    stopping = Deferred.fromCoroutine(hall.component.stop())
    hall.pump()
    assert (juliet.came(), stopping.called) == ([], False)
    writing.callback(None)
    hall.pass_time(1)
    assert [codes(each) for each in juliet.came()] == [[110, 332]]
    assert stopping.called
