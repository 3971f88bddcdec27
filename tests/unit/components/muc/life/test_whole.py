"""What is in the store is in force, and told of, though its sender was told that it takes too long.

The store takes its time here: it has what it was asked to write, and says so when the test lets it.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

from components.common import work
from components.muc.life.moves import WRITING
from components.muc.model.ranks import Affiliation
from tests.support import held as support
from tests.support.conference import HALL, MUC, Conference, Person, U, codes, enter, room, settings
from tests.support.configuring import submitted
from tests.support.deferred import result
from tests.support.forms import field
from tests.support.held import Held, held
from tests.support.houses import Houses
from tests.support.people import C
from tests.support.registering import form, request
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

ROMEO, NURSE = (JID.parse(f"{name}@capulet.lit") for name in ("romeo", "nurse"))
SLOW = "remote-server-timeout"


def given_up(person: Person, ask: Callable[[], Element], store: Held) -> list[Element]:
    """What else somebody is told who is told that what he asks for takes too long."""
    hall = person.hall
    support.given_up(person, ask, hall)
    person.came()
    assert len(store) == 1
    store.let_go()
    found = person.came()
    assert [each.get("type") for each in found if each.tag == f"{C}iq"] == []
    assert len(hall.component.work) == 0
    return found


def refused(person: Person) -> list[str]:
    """Why what somebody has sent came to nothing, after too long a time."""
    person.hall.pass_time(work.SECONDS + 10)
    return [condition(each) for each in person.came() if each.get("type") == "error"]


def admin(person: Person, who: str, affiliation: str) -> Element:
    item = f"<item jid='{who}' affiliation='{affiliation}'/>"
    return person.ask(f"<query xmlns='{MUC}#admin'>{item}</query>", "set")


def test_9_1_who_is_banned_has_to_go(hall, juliet, romeo, monkeypatch):
    sent: list[bytes] = []
    send = hall.component.link.send
    monkeypatch.setattr(hall.component.link, "send", lambda data: sent.append(data) or send(data))
    writing = held(monkeypatch, hall.service.store, "set_affiliations")
    told = given_up(juliet, lambda: admin(juliet, ROMEO, "outcast"), writing)
    assert [codes(each) for each in told] == [[301]]
    assert room(hall).affiliation(ROMEO) is Affiliation.OUTCAST
    assert codes(romeo.one()) == [110, 301]
    assert [b" type='error'" in each for each in sent if each.startswith(b"<iq")] == [True]


def test_10_2_a_room_is_set_up_as_the_store_has_it(hall, juliet, romeo, monkeypatch):
    writing = held(monkeypatch, hall.service.store, "save")
    inner = submitted(field("muc#roomconfig_membersonly", "1"))
    told = given_up(juliet, lambda: juliet.ask(inner, "set"), writing)
    assert room(hall).settings.members_only
    assert [codes(each) for each in told] == [[104], [322]]
    assert [codes(each) for each in romeo.came()] == [[104], [110, 322]]


def test_10_9_a_room_that_is_destroyed_is_so_for_those_in_it(hall, juliet, romeo, monkeypatch):
    writing = held(monkeypatch, hall.service.store, "remove")
    destroy = f"<query xmlns='{MUC}#owner'><destroy/></query>"
    given_up(juliet, lambda: juliet.ask(destroy, "set"), writing)
    assert romeo.one().find(f"{U}x/{U}destroy") is not None
    assert len(hall.service.rooms) == 0


def test_9_9_admins_are_told_who_wants_to_register(hall, juliet, monkeypatch):
    settings(hall, registration="ask")
    nurse = hall.person("nurse")
    writing = held(monkeypatch, hall.service.store, "apply")
    given_up(nurse, lambda: request(nurse, form("Nurse")), writing)
    assert juliet.one().find(f"{{{ns.DATA_FORM}}}x") is not None


def test_7_8_2_who_is_made_a_member_is_invited(hall, juliet, monkeypatch):
    settings(hall, members_only=True)
    nurse = hall.person("nurse")
    nurse.send("<presence/>").came()
    writing = held(monkeypatch, hall.service.store, "set_affiliations")
    juliet.message(HALL, f"<x xmlns='{MUC}#user'><invite to='{NURSE}'/></x>")
    assert refused(juliet) == [SLOW]
    writing.let_go()
    assert nurse.one().find(f"{U}x/{U}invite") is not None
    assert room(hall).affiliation(NURSE) is Affiliation.MEMBER
    assert [condition(each) for each in juliet.came()] == [""]


def test_8_1_a_subject_that_was_told_is_kept(hall, juliet, monkeypatch):
    """In the archive, too, behind whatever is being written just now."""
    writing = held(monkeypatch, hall.service.store, "set_subject")
    juliet.message(HALL, "<subject>The balcony</subject>", "groupchat")
    juliet.message(HALL, "<subject>The orchard</subject>", "groupchat")
    assert refused(juliet) == [SLOW, SLOW]
    writing.let_go()
    writing.let_go()
    stored = result(hall.service.store.load(JID.parse(HALL)))
    assert b"The orchard" in stored.subject.inner
    archived = result(hall.service.archive.newest(room(hall).id, 10))
    assert [b"balcony" in each.inner for each in archived] == [True, False]


def test_xep_0424_5_what_was_taken_back_is_nowhere(hall, juliet, romeo, monkeypatch):
    juliet.say("Ay me!")
    stanza_id = juliet.one().find(f"{{{ns.STANZA_ID}}}stanza-id")
    assert stanza_id is not None
    id_ = stanza_id.get("id", "")
    writing = held(monkeypatch, hall.service.archive, "replace")
    retract = f"<retract xmlns='urn:xmpp:message-retract:1' id='{id_}'/>"
    juliet.message(HALL, retract, "groupchat")
    assert refused(juliet) == [SLOW]
    writing.let_go()
    assert b"Ay me!" not in room(hall).history.get(id_).inner


def test_10_1_a_room_that_is_open_in_the_store_is_open(monkeypatch):
    """Who has made it was told that he is not in it, and so it is."""
    hall = Conference(locked=False).start()
    juliet = hall.person("juliet")
    writing = held(monkeypatch, hall.service.store, "save")
    juliet.join()
    assert refused(juliet) == [SLOW]
    writing.let_go()
    assert not room(hall).locked
    assert (juliet.came(), len(room(hall))) == ([], 0)
    assert codes(hall.person("romeo").join().came()[0]) == [110]


def test_who_is_forgotten_is_in_no_room(hall, juliet, romeo, monkeypatch):
    """The server is told that it takes too long; what it asks again finds nobody any more."""
    assert admin(juliet, ROMEO, "admin").get("type") == "result"
    writing = held(monkeypatch, hall.service.store, "forget")
    hall.server.done(hall.server.host.administrator.remove(ROMEO))
    hall.pass_time(work.SECONDS + 10)
    assert room(hall).affiliation(ROMEO) is Affiliation.ADMIN
    assert len(writing) >= 1
    writing.let_go()
    assert room(hall).affiliation(ROMEO) is Affiliation.NONE


def test_a_store_that_hangs_keeps_no_service_from_ending(hall, juliet, romeo, monkeypatch):
    """Those in the room are told by whoever has it next."""
    held(monkeypatch, hall.service.store, "set_affiliations")
    support.given_up(juliet, lambda: admin(juliet, ROMEO, "outcast"), hall)
    stopping = hall.stopping()
    hall.pass_time(WRITING + 10)
    result(stopping)
    assert len(hall.service.rooms) == 0


def test_nor_one_room_the_others_from_moving(monkeypatch):
    houses = Houses()
    moving = houses.room("two")
    juliet = houses.one.opened("juliet", room=moving)
    nobody = houses.one.person("nurse")
    held(monkeypatch, houses.one.service.store, "set_affiliations")
    item = f"<item jid='{ROMEO}' affiliation='outcast'/>"
    ban = f"<query xmlns='{MUC}#admin'>{item}</query>"
    support.given_up(juliet, lambda: juliet.ask(ban, "set", moving), houses.one)
    monkeypatch.undo()
    houses.two.start()
    houses.one.pass_time(WRITING + 10)
    assert not houses.at("one", moving)
    nobody.join(moving)
    assert houses.at("two", moving)
    assert juliet.came()[0].get("type") == "unavailable"


def test_who_comes_in_meanwhile_does_so(hall, juliet, monkeypatch):
    """Whoever waits for the store holds up nobody but those who change the room."""
    writing = held(monkeypatch, hall.service.store, "set_affiliations")
    support.given_up(juliet, lambda: admin(juliet, NURSE, "admin"), hall)
    romeo = enter(hall, "romeo", juliet)
    assert condition(admin(romeo, NURSE, "none")) == "forbidden"
    support.given_up(juliet, lambda: admin(juliet, ROMEO, "outcast"), hall)
    writing.let_go()
    hall.pump()
    assert room(hall).affiliation(NURSE) is Affiliation.ADMIN
    assert room(hall).affiliation(ROMEO) is Affiliation.NONE
