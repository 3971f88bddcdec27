"""Several change a room at once: one after the other, each as the room is then (XEP-0045 §9, §10).

The store takes its time here: what is written waits until the test lets it.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import pytest
from twisted.internet.defer import Deferred, fail

from components.muc.model.ranks import Affiliation
from tests.support.conference import HALL, MUC, Person, codes, room
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns
from xmppd.errors import StoreError
from xmppd.jid import JID

JULIET, ROMEO, PARIS = (f"{name}@capulet.lit" for name in ("juliet", "romeo", "paris"))
A = Affiliation


class Slow:
    """Has a method of the store wait until it may."""

    def __init__(self, store: Any, method: str) -> None:
        self._work = getattr(store, method)
        self.waiting: list[Deferred[None]] = []
        setattr(store, method, self)

    def __call__(self, *arguments: Any, **more: Any) -> Deferred[Any]:
        gate: Deferred[None] = Deferred()
        self.waiting.append(gate)
        return gate.addCallback(lambda _: self._work(*arguments, **more))

    def let(self) -> None:
        """Have everything that waits done, and what waits then."""
        while self.waiting:
            self.waiting.pop(0).callback(None)


@pytest.fixture
def slow(hall, juliet) -> Slow:
    return Slow(hall.service.store, "set_affiliations")


def affiliate(person: Person, jid: str, affiliation: str) -> None:
    """Ask for a change, and wait for nothing."""
    attrs = f"jid='{jid}' affiliation='{affiliation}'"
    person.send(
        f"<iq type='set' id='{affiliation}' to='{HALL}'><query xmlns='{MUC}#admin'><item {attrs}/>"
        "</query></iq>"
    )


def answers(*people: Person) -> list[str]:
    """What came of what they have asked for: the conditions of errors, "" for results."""
    found: list[Element] = []
    for person in people:
        found += [each for each in person.came() if each.tag == f"{C}iq"]
    return [condition(each) or "" for each in found]


def test_10_4_of_two_owners_who_depose_each_other_one_does(hall, juliet, slow):
    romeo = hall.person("romeo")
    affiliate(juliet, ROMEO, "owner")
    slow.let()
    assert answers(juliet) == [""]
    affiliate(juliet, ROMEO, "none")
    affiliate(romeo, JULIET, "none")
    assert answers(juliet, romeo) == []
    slow.let()
    assert answers(juliet, romeo) == ["", "forbidden"]
    assert [each.jid for each in room(hall).standings.having(A.OWNER)] == [JULIET]


def test_10_4_of_two_owners_who_resign_at_once_one_stays(hall, juliet, slow):
    romeo = hall.person("romeo")
    affiliate(juliet, ROMEO, "owner")
    slow.let()
    juliet.came()
    affiliate(juliet, JULIET, "member")
    affiliate(romeo, ROMEO, "member")
    slow.let()
    assert answers(juliet, romeo) == ["", "conflict"]
    assert [each.jid for each in room(hall).standings.having(A.OWNER)] == [ROMEO]


def test_9_1_who_comes_in_while_his_ban_is_being_written_is_removed(hall, juliet, slow):
    affiliate(juliet, ROMEO, "outcast")
    romeo = hall.person("romeo").join()
    assert codes(romeo.came()[1]) == [110]
    slow.let()
    assert codes(romeo.one()) == [110, 301]
    assert condition(romeo.join().one()) == "forbidden"


def test_9_1_a_ban_is_in_force_when_it_is_written_and_not_before(hall, juliet, slow):
    romeo = hall.person("romeo").join()
    romeo.came()
    affiliate(juliet, ROMEO, "outcast")
    assert romeo.came() == []
    slow.let()
    assert codes(romeo.one()) == [110, 301]


def test_9_1_who_leaves_while_his_ban_is_being_written_is_banned(hall, juliet, slow):
    romeo = hall.person("romeo").join()
    affiliate(juliet, ROMEO, "outcast")
    romeo.leave().came()
    slow.let()
    assert romeo.came() == []
    assert condition(romeo.join().one()) == "forbidden"


def test_9_who_is_no_admin_any_more_when_his_turn_comes_changes_nothing(hall, juliet, slow):
    romeo = hall.person("romeo")
    affiliate(juliet, ROMEO, "admin")
    slow.let()
    juliet.came()
    affiliate(juliet, ROMEO, "none")
    affiliate(romeo, PARIS, "outcast")
    slow.let()
    assert answers(juliet, romeo) == ["", "forbidden"]
    assert room(hall).affiliation(JID.parse(PARIS)) is A.NONE


def test_7_10_of_two_who_are_given_the_same_nick_the_first_has_it(hall, juliet, slow):
    for jid, nick in ((ROMEO, "Sun"), (PARIS, "sun")):
        attrs = f"jid='{jid}' affiliation='member' nick='{nick}'"
        juliet.send(
            f"<iq type='set' id='{nick}' to='{HALL}'><query xmlns='{MUC}#admin'>"
            f"<item {attrs}/></query></iq>"
        )
    slow.let()
    assert answers(juliet) == ["", "conflict"]
    assert room(hall).standings.holder("SUN") == ROMEO


REGISTER = (
    f"<query xmlns='{ns.REGISTER}'><x xmlns='{ns.DATA_FORM}' type='submit'>"
    "<field var='muc#register_roomnick'><value>Sun</value></field></x></query>"
)


def test_7_10_of_two_who_register_the_same_nick_the_first_has_it(hall, juliet, slow):
    room(hall).settings = room(hall).settings.change(registration="open")
    romeo, paris = hall.person("romeo"), hall.person("paris")
    for each in (romeo, paris):
        each.send(f"<iq type='set' id='r' to='{HALL}'>{REGISTER}</iq>")
    slow.let()
    assert answers(romeo, paris) == ["", "conflict"]
    assert room(hall).standings.holder("sun") == ROMEO


def test_7_10_who_has_come_in_under_a_nick_while_it_was_being_registered_keeps_it(
    hall, juliet, slow
):
    room(hall).settings = room(hall).settings.change(registration="open", reserved_nicks=True)
    romeo = hall.person("romeo").join()
    romeo.send(f"<iq type='set' id='r' to='{HALL}'>{REGISTER}</iq>")
    paris = hall.person("paris").join(nick="Sun")
    slow.let()
    assert answers(romeo) == [""]
    assert room(hall).by_session(paris.jid).nick == "Sun"
    assert room(hall).by_session(romeo.jid).nick == "Romeo"
    paris.presence(f"{HALL}/Sun", type_="unavailable")
    assert condition(paris.join(nick="Sun").came()[-1]) == "conflict"


def test_7_10_who_registers_with_a_room_that_wants_a_say_in_it_meanwhile_does_not(
    hall, juliet, slow
):
    room(hall).settings = room(hall).settings.change(registration="open")
    affiliate(juliet, PARIS, "member")
    romeo = hall.person("romeo")
    romeo.send(f"<iq type='set' id='r' to='{HALL}'>{REGISTER}</iq>")
    room(hall).settings = room(hall).settings.change(registration="approved")
    slow.let()
    assert answers(romeo) == ["not-allowed"]
    assert room(hall).affiliation(JID.parse(ROMEO)) is A.NONE


def test_10_9_nobody_is_anything_to_a_room_that_is_being_destroyed(hall, juliet, slow):
    destroying = Slow(hall.service.store, "remove")
    where = room(hall)
    romeo = hall.person("romeo")
    affiliate(juliet, PARIS, "member")
    Deferred.fromCoroutine(hall.service.lives.destroy(where))
    affiliate(juliet, ROMEO, "owner")  # who waits behind the end of it
    slow.let()
    affiliate(juliet, ROMEO, "admin")  # and who asks meanwhile
    destroying.let()
    slow.let()
    assert answers(juliet) == ["", "item-not-found", "item-not-found"]
    assert where.affiliation(JID.parse(ROMEO)) is A.NONE
    assert codes(romeo.join().came()[0]) == [110, 201]


def test_what_the_store_does_not_take_is_not_in_force_and_others_come_next(hall, juliet):
    store = hall.service.store
    taken = store.set_affiliations
    store.set_affiliations = lambda *_: fail(StoreError("the disk is full"))
    affiliate(juliet, ROMEO, "outcast")
    assert answers(juliet) == ["internal-server-error"]
    assert room(hall).affiliation(JID.parse(ROMEO)) is A.NONE
    store.set_affiliations = taken
    affiliate(juliet, ROMEO, "outcast")
    assert answers(juliet) == [""]
