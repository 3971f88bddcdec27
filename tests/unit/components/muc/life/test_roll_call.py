"""Who is still there when the server has forgotten the component (RFC 6121 §8.5.3.2)."""

from __future__ import annotations

from tests.support.conference import HALL, Person, codes
from tests.support.people import C
from xmppd.core.presence import DIRECTED


def vanish(person: Person) -> None:
    """End a session without a word to those who were shown it, as a server that is killed does."""
    session = person.hall.server.host.directory.get(person.jid)
    assert session is not None
    session.data.pop(DIRECTED, None)
    person.client.hang_up()


def test_who_has_vanished_meanwhile_goes_and_who_has_not_stays(hall):
    juliet, romeo, nurse = (
        hall.opened("juliet"),
        hall.person("romeo").join(),
        hall.person("nurse").join(),
    )
    hall.pass_time(1)
    juliet.came()
    vanish(romeo)
    hall.forget()
    assert juliet.came() == []
    hall.pass_time(20)
    call, gone = juliet.came()
    assert (call.get("from"), call.get("type")) == (HALL, "groupchat")
    assert [each.tag for each in call if each.tag.startswith(C)] == [], "nothing to be seen"
    assert (gone.get("from"), gone.get("type")) == (f"{HALL}/Romeo", "unavailable")
    juliet.say("Ay me!")
    assert nurse.came()[-1].findtext(f"{C}body") == "Ay me!"
    assert len(hall.service.visits) == 2


def test_who_comes_back_as_he_was_is_there_once(hall):
    juliet = hall.opened("juliet")
    hall.forget()
    assert codes(juliet.join().came()[0]) == [110]
    hall.pass_time(20)
    assert len(hall.service.visits) == 1


def test_nobody_is_called_where_the_stream_is_resumed(hall):
    juliet = hall.opened("juliet")
    hall.cut()
    hall.come_back()
    hall.pass_time(20)
    assert juliet.came() == []


def test_nobody_is_called_by_a_service_that_stops(hall):
    juliet = hall.opened("juliet")
    hall.forget()
    hall.stop()
    assert [codes(each) for each in juliet.came()] == [[110, 332]]
    assert hall.life.getDelayedCalls() == []


def test_nobody_is_called_while_the_server_is_behind(hall, monkeypatch):
    """Requests of others would be refused meanwhile."""
    juliet = hall.opened("juliet")
    with monkeypatch.context() as behind:
        behind.setattr(type(hall.component), "behind", True)
        hall.forget()
        hall.pass_time(20)
        assert juliet.came() == []
    hall.pass_time(1)
    assert juliet.one().get("type") == "groupchat"
