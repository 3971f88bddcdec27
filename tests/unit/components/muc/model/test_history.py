"""The discussion history that newcomers get (XEP-0045 §7.2.13, §7.2.14)."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from components.muc.faces.presence import wanted
from components.muc.model.history import OCTETS, History, Said, Wanted, fitting
from tests.support.conference import ENTER, HALL, MUC, Conference
from tests.support.people import C
from xmppd.jid import JID

HAG = JID.parse("hag66@shakespeare.lit/pda")
NOW = 1_165_543_115.0


def said(n: int, at: float = 0.0) -> Said:
    return Said(int(at * 1_000_000) + n, f"id{n}", "", "", "hag", HAG, "occ", b"%d" % n)


def numbers(found: list[Said]) -> list[int]:
    return [int(each.inner) for each in found]


def test_7_2_13_the_latest_are_kept_and_given_oldest_first():
    history = History(3, [said(n) for n in range(5)])
    assert numbers(history.wanted(Wanted(), 20)) == [2, 3, 4]
    history.add(said(5))
    assert numbers(history.wanted(Wanted(), 2)) == [4, 5]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (Wanted(), [0, 1, 2, 3, 4]),
        (Wanted(stanzas=2), [3, 4]),
        (Wanted(stanzas=0), []),
        (Wanted(since=2.0), [2, 3, 4]),
        (Wanted(since=2.0, stanzas=1), [4]),
        (Wanted(since=9.0, stanzas=3), []),
    ],
)
def test_7_2_14_the_least_that_meets_all_criteria(asked, given):
    history = History(9, [said(n, at=n) for n in range(5)])
    assert numbers(history.wanted(asked, 20)) == given


def test_7_2_14_maxchars_counts_characters_of_whole_stanzas():
    stanzas = [b"<m>one</m>", "<m>zwölf</m>".encode()]
    assert fitting(stanzas, None) == stanzas
    assert fitting(stanzas, 22) == stanzas
    assert fitting(stanzas, 21) == stanzas[1:]
    assert fitting(stanzas, 12) == stanzas[1:]
    assert fitting(stanzas, 11) == []
    assert fitting(stanzas, 0) == []


def test_of_long_messages_fewer_are_kept():
    """Whoever may speak could have each room take thirteen megabytes of memory."""
    long = [said(n)._replace(inner=b"x" * 60_000) for n in range(100)]
    history = History(200, long)
    assert 10 < len(history) <= OCTETS // 60_000
    kept = len(history)
    history.replace(f"id{99}", b"<retracted/>")
    history.add(said(100))
    assert len(history) == kept + 1
    for n in range(101, 120):
        history.add(said(n))
    assert len(history) == kept + 20
    history.resize(3)
    assert numbers(history.wanted(Wanted(), 20)) == [117, 118, 119]


def test_what_is_retracted_is_replaced():
    history = History(3, [said(n) for n in range(3)])
    history.replace("id1", b"7")
    history.replace("unknown", b"8")
    assert numbers(history.wanted(Wanted(), 20)) == [0, 7, 2]


@pytest.mark.parametrize(
    ("attributes", "meant"),
    [
        ("", Wanted()),
        ("maxchars='65000'", Wanted(characters=65000)),
        ("maxstanzas=' 20 '", Wanted(stanzas=20)),
        ("seconds='180'", Wanted(since=NOW - 180)),
        ("since='1970-01-01T00:00:01Z'", Wanted(since=1.0)),
        ("seconds='10' since='1970-01-01T00:00:00Z'", Wanted(since=NOW - 10)),
        ("maxchars='-1' maxstanzas='many' seconds='٣' since='yesterday'", Wanted()),
        (f"maxstanzas='{'9' * 400}'", Wanted()),
    ],
)
def test_7_2_14_what_is_asked_for_is_read(attributes, meant):
    assert wanted(fromstring(f"<history {attributes}/>"), NOW) == meant


def history(hall: Conference, attributes: str) -> list[str | None]:
    """The bodies that a newcomer gets who asks so."""
    asked = f"<x xmlns='{MUC}'><history {attributes}/></x>" if attributes else ENTER
    romeo = hall.person("romeo", "balcony").join(inside=asked)
    found = romeo.came()
    romeo.leave()
    assert found[-1].find(f"{C}subject") is not None, "the subject comes last (§7.2.15)"
    return [each.findtext(f"{C}body") for each in found if each.find(f"{C}body") is not None]


def test_7_2_14_what_a_newcomer_asks_for_is_what_he_gets(hall):
    juliet = hall.opened("juliet")
    for body in ("one", "two", "three"):
        juliet.say(body)
        hall.pass_time(10)
    assert history(hall, "") == ["one", "two", "three"]
    assert history(hall, "maxstanzas='2'") == ["two", "three"]
    assert history(hall, "seconds='15'") == ["three"]
    assert history(hall, "maxchars='0'") == []
    assert history(hall, "since='2006-12-08T01:58:45Z'") == ["two", "three"]


def test_7_2_13_history_is_stamped_by_the_room_and_has_its_ids(hall):
    juliet = hall.opened("juliet")
    juliet.send(
        f"<message to='{HALL}' type='groupchat' id='m7' xml:lang='it'><body>Ahimè</body></message>"
    )
    live = juliet.one()
    romeo = hall.person("romeo").join()
    past = next(each for each in romeo.came() if each.find(f"{C}body") is not None)
    delay = past.find("{urn:xmpp:delay}delay")
    assert delay is not None
    assert dict(delay.attrib) == {"from": HALL, "stamp": "2006-12-08T01:58:35Z"}
    past.remove(delay)
    for each in (live, past):
        assert each.attrib.pop("to")
    assert [(e.tag, e.attrib, e.text) for e in past.iter()] == [
        (e.tag, e.attrib, e.text) for e in live.iter()
    ]
