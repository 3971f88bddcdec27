"""Accounts that are removed: rooms forget them."""

from __future__ import annotations

import pytest

from components.muc.model.ranks import Affiliation
from components.muc.model.settings import DEFAULTS
from components.muc.model.standing import Standing
from tests.support.conference import HALL, Conference, codes, item
from tests.support.deferred import result
from tests.support.server import condition
from xmppd.jid import JID

LASTING = DEFAULTS.change(persistent=True)
JULIET, ROMEO, NURSE = (JID.parse(f"{name}@capulet.lit") for name in ("juliet", "romeo", "nurse"))


@pytest.fixture
def hall() -> Conference:
    return Conference(defaults=LASTING).start()


def remove(hall: Conference, account: JID) -> None:
    hall.server.done(hall.server.host.administrator.remove(account))
    hall.pump()


def affiliate(hall: Conference, account: JID, affiliation: Affiliation, nick: str = "") -> None:
    """Put it into the store, and into memory."""
    from components.muc.life.rooms import affiliated

    room = hall.service.rooms.at_hand(JID.parse(HALL))
    standing = Standing(account, affiliation, nick)
    result(hall.service.store.set_affiliations(room.id, [affiliated(standing)]))
    room.standings.put(standing)


def standings(hall: Conference) -> set[str]:
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    stored = result(hall.service.store.load(JID.parse(HALL)))
    kept = {each.jid for each in stored.affiliations}
    assert kept == {each.jid for each in room.standings}
    return kept


def test_it_is_nobody_to_the_room_any_more_and_not_in_it(hall):
    juliet = hall.opened("juliet")
    hall.person("romeo").join()
    affiliate(hall, ROMEO, Affiliation.ADMIN, "Montague")
    juliet.came()
    remove(hall, ROMEO)
    assert standings(hall) == {JULIET}
    gone = juliet.one()
    assert (gone.get("from"), gone.get("type")) == (f"{HALL}/Romeo", "unavailable")
    hall.server.account("romeo")
    again = hall.person("romeo").join()
    assert item(again.came()[-2])["affiliation"] == "none"


def test_who_makes_it_anew_is_not_banned(hall):
    hall.opened("juliet")
    affiliate(hall, ROMEO, Affiliation.OUTCAST)
    assert condition(hall.person("romeo").join().one()) == "forbidden"
    remove(hall, ROMEO)
    hall.server.account("romeo")
    assert codes(hall.person("romeo").join().came()[-2]) == [110]


def test_a_room_without_owner_stays_as_long_as_somebody_is_in_it(hall):
    hall.opened("juliet")
    romeo = hall.person("romeo").join()
    romeo.came()
    remove(hall, JULIET)
    assert standings(hall) == set()
    romeo.came()
    romeo.say("Is there nobody?")
    assert romeo.one().get("type") == "groupchat"
    romeo.leave()
    hall.pass_time(900)
    assert result(hall.service.store.count()) == 0


def test_a_room_without_owner_stays_as_long_as_somebody_is_its_member(hall):
    juliet = hall.opened("juliet")
    affiliate(hall, NURSE, Affiliation.MEMBER)
    juliet.leave()
    remove(hall, JULIET)
    hall.pass_time(1500)
    assert len(hall.service.rooms) == 0
    assert item(hall.person("nurse").join().came()[0])["affiliation"] == "member"


def test_a_room_that_was_his_alone_goes_with_him(hall):
    hall.opened("juliet").leave()
    remove(hall, JULIET)
    assert result(hall.service.store.count()) == 0
    assert codes(hall.person("romeo").join().came()[0]) == [110, 201]


def test_a_room_that_nobody_has_in_memory_forgets_him_too(hall):
    hall.opened("juliet").leave()
    hall.pass_time(1500)
    assert len(hall.service.rooms) == 0
    remove(hall, JULIET)
    assert result(hall.service.store.count()) == 0


def test_a_room_that_is_being_read_forgets_him_too(hall):
    """It was read before, and gets into memory behind."""
    juliet = hall.opened("juliet")
    affiliate(hall, ROMEO, Affiliation.OUTCAST)
    juliet.leave().came()
    hall.pass_time(1500)
    reading = hall.slow_load()
    juliet.join()
    remove(hall, ROMEO)
    reading.callback(None)
    hall.pump()
    assert standings(hall) == {JULIET}
    hall.server.account("romeo")
    assert codes(hall.person("romeo").join().came()[-2]) == [110]


def test_5_1_who_makes_it_anew_has_no_voice_from_the_one_before(hall):
    juliet = hall.opened("juliet")
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    room.settings = room.settings.change(moderated=True)
    romeo = hall.person("romeo").join()
    query = "<item nick='Romeo' role='participant'/>"
    juliet.ask(f"<query xmlns='http://jabber.org/protocol/muc#admin'>{query}</query>", "set")
    romeo.leave()
    remove(hall, ROMEO)
    hall.server.account("romeo")
    assert item(hall.person("romeo").join().came()[-2])["role"] == "visitor"
