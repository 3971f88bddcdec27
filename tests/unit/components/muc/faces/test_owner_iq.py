"""What owners do: rooms made, set up anew, destroyed (XEP-0045 §10.1, §10.2, §10.9)."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from components.muc.faces.owner_iq import OFTEN, REASON, SELDOM
from components.muc.model.settings import DEFAULTS
from components.muc.names import MUC_OWNER
from tests.support.conference import HALL, INSTANT, ROOMS, Conference, U, codes, item
from tests.support.configuring import GET, asked, configure, configured, room_of, submitted
from tests.support.deferred import result
from tests.support.forms import field
from tests.support.people import C
from tests.support.server import DOMAIN, condition
from xmppd import ns
from xmppd.jid import JID

CANCEL = f"<query xmlns='{MUC_OWNER}'><x xmlns='{ns.DATA_FORM}' type='cancel'/></query>"


def stored(hall: Conference, address: str = HALL):
    return result(hall.service.store.load(JID.parse(address)))


def destroy(inside: str = "", attributes: str = "") -> str:
    return f"<query xmlns='{MUC_OWNER}'><destroy{attributes}>{inside}</destroy></query>"


# ---------------------------------------------------------------------- made


def test_10_1_2_an_instant_room_is_opened_by_an_empty_form(hall):
    juliet = hall.person("juliet").join()
    juliet.came()
    assert juliet.ask(INSTANT, "set").get("type") == "result"
    assert juliet.others == []
    assert codes(hall.person("romeo").join().came()[1]) == [110]


def test_10_1_3_a_reserved_room_is_set_up_before_anybody_comes(hall):
    juliet = hall.person("juliet").join()
    juliet.came()
    assert asked(juliet)["muc#roomconfig_persistentroom"] == ["0"]
    configured(juliet, roomname="The orchard", persistentroom="1", roomsecret="nightingale")
    romeo = hall.person("romeo")
    assert condition(romeo.join().one()) == "not-authorized"
    secret = "<x xmlns='http://jabber.org/protocol/muc'><password>nightingale</password></x>"
    assert codes(romeo.join(inside=secret).came()[1]) == [110]
    assert (stored(hall).settings["name"], room_of(hall).locked) == ("The orchard", False)


def test_10_1_3_until_then_it_is_listed_nowhere_and_then_it_is(hall):
    juliet = hall.person("juliet").join()
    items = f"<query xmlns='{ns.DISCO_ITEMS}'/>"
    assert len(juliet.ask(items, to=ROOMS)[0]) == 0
    configured(juliet, roomname="The orchard")
    (listed,) = juliet.ask(items, to=ROOMS)[0]
    assert listed.attrib == {"jid": HALL, "name": "The orchard"}


def test_10_1_3_what_is_not_acceptable_leaves_the_room_locked(hall):
    juliet = hall.person("juliet").join()
    answer = configure(juliet, passwordprotectedroom="1", roomname="The orchard")
    assert condition(answer) == "not-acceptable"
    assert (room_of(hall).locked, room_of(hall).settings) == (True, DEFAULTS)
    romeo = hall.person("romeo").join()
    hall.pass_time(hall.policy.lock_wait)
    assert condition(romeo.one()) == "item-not-found"


@pytest.mark.parametrize("default", [False, True])
def test_10_1_3_a_guest_makes_no_room_that_stays(default):
    """Nobody owns it any more when he has left; whatever rooms are that nobody has set up."""
    hall = Conference(guests=(DOMAIN,), defaults=DEFAULTS.change(persistent=default)).start()
    guest = hall.person("juliet").join()
    guest.came()
    assert "muc#roomconfig_persistentroom" not in asked(guest)
    assert condition(configure(guest, persistentroom="1")) == "not-acceptable"
    assert (room_of(hall).locked, room_of(hall).settings) == (True, DEFAULTS)
    configured(guest, persistentroom="0")
    assert condition(configure(guest, persistentroom="1")) == "not-acceptable"
    romeo = hall.person("romeo").join()
    guest.leave()
    assert stored(hall) is not None
    romeo.leave()
    hall.pump()
    assert stored(hall) is None


def test_10_1_3_who_cancels_destroys_the_room_that_he_has_made(hall):
    juliet = hall.person("juliet").join()
    juliet.came()
    assert juliet.ask(CANCEL, "set").get("type") == "result"
    (gone,) = juliet.others
    assert (gone.get("type"), codes(gone)) == ("unavailable", [110])
    assert gone.find(f"{U}x/{U}destroy") is not None
    assert stored(hall) is None


def test_10_1_3_who_leaves_before_the_room_is_set_up_destroys_it(hall):
    juliet = hall.person("juliet").join()
    juliet.came()
    gone = juliet.leave().one()
    assert (gone.get("type"), codes(gone)) == ("unavailable", [110])
    assert gone.find(f"{U}x/{U}destroy") is not None
    assert stored(hall) is None


def test_10_1_3_who_leaves_behind_his_form_has_set_the_room_up(hall):
    """The form came first, though it takes a while to be written."""
    juliet = hall.person("juliet").join()
    waiting: Deferred[None] = Deferred()
    room_of(hall).lock.run(lambda: waiting)
    x = submitted(field("muc#roomconfig_persistentroom", "1"))
    juliet.send(f"<iq type='set' id='c1' to='{HALL}'>{x}</iq>").leave()
    assert juliet.came()[-1].find(f"{U}x/{U}destroy") is None
    waiting.callback(None)
    assert juliet.one().get("id") == "c1"
    assert stored(hall).settings["persistent"]
    assert codes(hall.person("romeo").join().came()[0]) == [110]


def test_7_14_who_leaves_a_room_that_was_set_up_is_told_nothing_of_its_end(hall):
    gone = hall.opened("juliet").leave().one()
    assert gone.find(f"{U}x/{U}destroy") is None


# ---------------------------------------------------------------------- set up anew


def test_10_2_the_form_shows_what_is_set(hall):
    juliet = hall.opened("juliet")
    configured(juliet, roomname="The orchard", roomsecret="lark", maxusers="50", whois="anyone")
    shown = asked(juliet)
    assert shown["FORM_TYPE"] == ["http://jabber.org/protocol/muc#roomconfig"]
    assert shown["muc#roomconfig_roomname"] == ["The orchard"]
    assert shown["muc#roomconfig_passwordprotectedroom"] == ["1"]
    assert shown["muc#roomconfig_roomsecret"] == ["lark"]
    assert shown["muc#roomconfig_maxusers"] == ["50"]
    assert shown["muc#roomconfig_roomowners"] == ["juliet@capulet.lit"]
    assert shown["muc#roomconfig_roomadmins"] == []


@pytest.mark.parametrize(
    ("payload", "type_"),
    [(GET, "get"), (INSTANT, "set"), (CANCEL, "set"), (destroy(), "set")],
)
def test_10_2_all_of_it_is_for_owners(hall, payload, type_):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    juliet.came()
    romeo.came()
    for somebody in (romeo, hall.person("nurse")):
        assert condition(somebody.ask(payload, type_)) == "forbidden"
        assert somebody.others == []
    assert juliet.came() == []
    assert stored(hall) is not None


def test_10_the_services_admins_own_every_room():
    hall = Conference(admins=["friar@capulet.lit"]).start()
    hall.opened("juliet")
    friar = hall.person("friar")
    configured(friar, roomname="The cell")
    assert room_of(hall).settings.name == "The cell"


def test_10_2_an_owner_need_not_be_in_the_room(hall):
    juliet = hall.opened("juliet")
    configured(hall.person("juliet", "balcony"), persistentroom="1")
    assert codes(juliet.one()) == [104]


def test_10_2_who_cancels_later_changes_nothing(hall):
    juliet = hall.opened("juliet")
    assert juliet.ask(CANCEL, "set").get("type") == "result"
    assert juliet.others == []
    assert stored(hall) is not None


@pytest.mark.parametrize(
    ("payload", "type_", "expected"),
    [
        (f"<query xmlns='{MUC_OWNER}'/>", "set", "bad-request"),
        (f"<query xmlns='{MUC_OWNER}'><item affiliation='owner'/></query>", "get", "bad-request"),
        (f"<query xmlns='{MUC_OWNER}'><item affiliation='owner'/></query>", "set", "bad-request"),
        (f"<query xmlns='{MUC_OWNER}'><x xmlns='{ns.DATA_FORM}'/></query>", "set", "bad-request"),
        (f"<query xmlns='{MUC_OWNER}'><destroy/><destroy/></query>", "set", "bad-request"),
        (submitted("", "http://jabber.org/protocol/muc#register"), "set", "bad-request"),
        (submitted(field("muc#maxhistoryfetch", "7") * 2), "set", "bad-request"),
        (submitted(field("muc#roomconfig_persistentroom", "1", "0")), "set", "bad-request"),
        (submitted(field("muc#maxhistoryfetch", "100000")), "set", "not-acceptable"),
        (submitted(field("muc#roomconfig_roomowners", "@")), "set", "not-acceptable"),
        (submitted(field("muc#roomconfig_roomowners")), "set", "conflict"),
    ],
)
def test_10_2_what_is_refused_has_changed_nothing(hall, payload, type_, expected):
    juliet = hall.opened("juliet")
    before = stored(hall)
    assert condition(juliet.ask(payload, type_)) == expected
    assert juliet.others == []
    assert (stored(hall), room_of(hall).settings) == (before, DEFAULTS)


def test_10_2_settings_and_lists_are_in_force_both_or_neither(hall):
    juliet = hall.opened("juliet")
    lists = {"roomowners": (), "roomadmins": "nurse@capulet.lit"}
    answer = configure(juliet, roomname="The orchard", **lists)
    assert condition(answer) == "conflict"
    assert room_of(hall).settings == DEFAULTS
    assert asked(juliet)["muc#roomconfig_roomadmins"] == []


def test_10_2_there_is_no_end_to_how_often_but_in_a_minute(hall):
    juliet = hall.opened("juliet")  # by the first of them
    for number in range(OFTEN - 1):
        configured(juliet, maxhistoryfetch=str(number))
    assert condition(configure(juliet, maxhistoryfetch="50")) == "resource-constraint"
    hall.pass_time(60)
    configured(juliet, maxhistoryfetch="50")


def test_10_2_what_tells_everybody_of_everybody_has_an_end_that_comes_sooner(hall):
    juliet = hall.opened("juliet")
    for number in range(SELDOM):
        configured(juliet, whois="moderators" if number % 2 else "anyone")
    assert condition(configure(juliet, moderatedroom="1")) == "resource-constraint"
    assert room_of(hall).settings == DEFAULTS
    configured(juliet, roomname="The orchard")


def test_10_2_a_form_of_many_people_is_taken_as_seldom(hall):
    """Everybody in the room is told of each who is another than before."""
    juliet = hall.opened("juliet")
    for number in range(SELDOM):
        crowd = [f"m{each}@verona.lit" for each in range(101 * ((number + 1) % 2))]
        configured(juliet, roomadmins=crowd)
    assert condition(configure(juliet, roomadmins=["nurse@capulet.lit"])) != "resource-constraint"
    crowd = [f"t{each}@verona.lit" for each in range(101)]
    assert condition(configure(juliet, roomadmins=crowd)) == "resource-constraint"


def test_7_2_10_a_room_that_does_not_exist_can_not_be_set_up(hall):
    juliet = hall.person("juliet")
    assert condition(juliet.ask(GET)) == "item-not-found"
    assert condition(juliet.ask(INSTANT, "set")) == "item-not-found"
    assert stored(hall) is None


# ---------------------------------------------------------------------- destroyed


def test_10_9_everybody_is_told_of_the_end_and_where_else_to_meet(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    both = hall.person("romeo", "garden").join()
    for person in (juliet, romeo, both):
        person.came()
    said = "<reason>Macbeth doth come.</reason><password>thane</password>"
    answer = juliet.ask(destroy(said, f" jid='coven@{ROOMS}'"), "set")
    assert answer.get("type") == "result"
    assert len(juliet.others) == 1
    for person, gone in ((juliet, juliet.others[0]), (romeo, romeo.one()), (both, both.one())):
        assert gone.get("type") == "unavailable"
        assert gone.get("from") == f"{HALL}/{person.nick}"
        assert gone.get("to") == str(person.jid)
        assert item(gone)["role"] == "none"
        destroyed = gone.find(f"{U}x/{U}destroy")
        assert destroyed.get("jid") == f"coven@{ROOMS}"
        assert destroyed.findtext(f"{U}reason") == "Macbeth doth come."
        assert destroyed.findtext(f"{U}password") == "thane"


def test_10_9_nothing_is_left_of_it(hall):
    juliet = hall.opened("juliet")
    configured(juliet, persistentroom="1", roomname="The orchard")
    juliet.say("O Romeo, Romeo!")
    juliet.came()
    assert juliet.ask(destroy(), "set").get("type") == "result"
    (gone,) = juliet.others
    assert gone.find(f"{U}x/{U}destroy").attrib == {}
    assert stored(hall) is None
    assert condition(juliet.say("Anybody?").one()) == "item-not-found"
    assert condition(juliet.ask(destroy(), "set")) == "item-not-found"
    romeo = hall.person("romeo").join()
    own, subject = romeo.came()
    assert (codes(own), item(own)["affiliation"]) == ([110, 201], "owner")
    assert subject.findtext(f"{C}subject") == ""


def test_10_9_a_new_room_is_entered_behind_the_old_ones_end(hall, monkeypatch):
    """Whoever enters as the room goes hears of the end before he hears of the new one."""
    juliet = hall.opened("juliet")
    store = hall.service.store
    waiting: Deferred[None] = Deferred()
    remove = store.remove
    monkeypatch.setattr(store, "remove", lambda id_: waiting.addCallback(lambda _: remove(id_)))
    juliet.send(f"<iq type='set' id='d1' to='{HALL}'>{destroy()}</iq>")
    juliet.join()
    assert juliet.came() == []
    waiting.callback(None)
    came = [each for each in juliet.came() if each.tag == f"{C}presence"]
    assert [each.get("type") for each in came] == ["unavailable", None]
    assert codes(came[1]) == [110, 201]


def test_10_9_who_is_no_owner_any_more_when_his_turn_comes_destroys_nothing(hall):
    juliet = hall.opened("juliet")
    room = room_of(hall)
    waiting: Deferred[None] = Deferred()
    room.lock.run(lambda: waiting)
    juliet.send(f"<iq type='set' id='d1' to='{HALL}'>{destroy()}</iq>")
    juliet.send(f"<iq type='set' id='c1' to='{HALL}'>{submitted('')}</iq>")
    for standing in list(room.standings):
        room.standings.put(standing._replace(affiliation=type(standing.affiliation).ADMIN))
    waiting.callback(None)
    assert [condition(each) for each in juliet.came()] == ["forbidden", "forbidden"]
    assert not room.destroyed


@pytest.mark.parametrize(
    ("inside", "attributes", "expected"),
    [
        ("", " jid='@'", "jid-malformed"),
        (f"<reason>{'O' * (REASON + 1)}</reason>", "", "not-acceptable"),
        (f"<password>{'O' * (REASON + 1)}</password>", "", "not-acceptable"),
    ],
)
def test_10_9_what_nobody_could_read_destroys_nothing(hall, inside, attributes, expected):
    juliet = hall.opened("juliet")
    assert condition(juliet.ask(destroy(inside, attributes), "set")) == expected
    assert (juliet.others, room_of(hall).destroyed) == ([], False)
