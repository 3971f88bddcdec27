"""Accounts that are made anew are somebody else (XEP-0421 §4.1, XEP-0424 §5)."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from components.muc.store.incarnations import SAME, Incarnations
from tests.support.conference import HALL, Conference
from xmppd.jid import JID

ROMEO = JID.parse("romeo@capulet.lit")
ID = "{urn:xmpp:occupant-id:0}occupant-id"


def occupant_id(hall: Conference) -> str | None:
    """Romeo's, as Juliet is told of it."""
    juliet = hall.person("juliet", "balcony").join(nick="J")
    romeo = hall.person("romeo", "orchard").join()
    found = [each for each in juliet.came() if each.get("from") == f"{HALL}/Romeo"]
    romeo.leave()
    juliet.presence(f"{HALL}/J", type_="unavailable")
    said = found[-1].find(ID)
    assert said is not None
    return said.get("id")


def test_0421_4_1_an_account_that_is_made_anew_has_another_id():
    hall = Conference().start()
    hall.opened("nurse")
    before = occupant_id(hall)
    assert occupant_id(hall) == before
    hall.server.done(hall.server.host.administrator.remove(ROMEO))
    hall.pump()
    hall.server.account("romeo")
    after = occupant_id(hall)
    assert after != before
    assert occupant_id(hall) == after


def test_several_instances_find_the_same_word(wait, database):
    one, other = Incarnations(database), Incarnations(database)
    for each in (one, other):
        wait(Deferred.fromCoroutine(each.removed(ROMEO, 1595.0)))
    assert one.of(ROMEO) == other.of(ROMEO) != ""
    first = one.of(ROMEO)
    wait(Deferred.fromCoroutine(one.removed(ROMEO, 1595.0 + SAME + 1)))
    assert one.of(ROMEO) != first
    wait(Deferred.fromCoroutine(other.read()))
    assert other.of(ROMEO) == one.of(ROMEO)
    assert one.of(JID.parse("juliet@capulet.lit")) == ""
