"""Presence of all kinds, at the server (XEP-0045 §7.2, §7.6, §7.7, §7.14, §17.3)."""

from __future__ import annotations

import pytest
from msgspec import structs

from components.muc.model.settings import DEFAULTS
from tests.support.conference import ENTER, HALL, MUC, ROOMS, Conference, U, codes, item
from tests.support.people import C
from tests.support.server import condition

OPEN = structs.replace(DEFAULTS, whois="anyone")
"""A non-anonymous room's settings."""


@pytest.fixture
def verona() -> Conference:
    """Where everybody sees who everybody is."""
    return Conference(defaults=OPEN).start()


def told(stanzas, sender):
    """Of presence, that from one occupant: type, the item, the codes."""
    return [
        (each.get("type", ""), item(each), codes(each))
        for each in stanzas
        if each.get("from") == f"{HALL}/{sender}" and each.tag == f"{C}presence"
    ]


def split(person):
    """What somebody was told of Juliet, and of Romeo."""
    found = person.came()
    return told(found, "Juliet"), told(found, "Romeo")


def forget(*people):
    """What has come to them is of no interest."""
    for person in people:
        person.came()


# ---------------------------------------------------------------------- entering


@pytest.mark.parametrize(
    "nick", ["", "/", "/ ", "/\N{NO-BREAK SPACE}", "/\N{HANGUL FILLER}", "/" + "n" * 129]
)
def test_7_2_1_and_17_1_what_is_no_nick_is_refused_and_no_room_is_made(hall, nick):
    romeo = hall.person("romeo").presence(f"{HALL}{nick}", ENTER)
    assert condition(romeo.one()) in ("jid-malformed", "not-acceptable")
    assert not hall.service.rooms.at_hand(HALL)


def test_7_2_5_to_7_2_10_a_refusal_says_of_which_protocol_it_is():
    """The examples of XEP-0045 §7.2.5 to §7.2.10 and §7.6 have an empty `<x/>` beside the error."""
    hall = Conference(defaults=structs.replace(DEFAULTS, password="cauldronburn")).start()
    hall.opened("juliet")
    secret = f"<x xmlns='{MUC}'><password>scale of dragon</password></x>"
    romeo = hall.person("romeo")
    refused = romeo.join(inside=secret, id_="n13mt3l").one()
    assert (condition(refused), refused.get("id")) == ("not-authorized", "n13mt3l")
    assert [each.tag for each in refused] == [f"{{{MUC}}}x", f"{C}error"]
    assert len(refused[0]) == 0, "nor is the password repeated"
    assert refused[1].get("by") == HALL
    romeo.join(inside=secret.replace("scale of dragon", "cauldronburn")).came()
    renamed = romeo.presence(f"{HALL}/Juliet").one()
    assert (condition(renamed), renamed[0].tag) == ("conflict", f"{{{MUC}}}x")
    unmade = hall.person("mercutio").join(f"mab@{ROOMS}", nick=" ").one()
    assert unmade[0].tag == f"{{{MUC}}}x", "nor is there a room"


def test_7_2_18_presence_from_outside_is_answered_by_a_kick(hall):
    hall.opened("juliet")
    romeo = hall.person("romeo").presence(f"{HALL}/Romeo", "<show>away</show>")
    kick = romeo.one()
    assert (kick.get("from"), kick.get("type")) == (f"{HALL}/Romeo", "unavailable")
    assert item(kick) == {"affiliation": "none", "role": "none"}
    assert codes(kick) == [110, 307, 333]


def test_7_2_18_also_from_a_room_that_is_not_there(hall):
    romeo = hall.person("romeo").presence(f"nowhere@{ROOMS}/Romeo")
    assert codes(romeo.one()) == [110, 307, 333]


def test_17_3_no_other_type_of_presence_enters_or_leaves(hall):
    juliet = hall.opened("juliet")
    for type_ in ("probe", "subscribe", "unsubscribed", "error"):
        juliet.presence(f"{HALL}/Juliet", ENTER, type_)
    hall.person("romeo").presence(f"{HALL}/Romeo", ENTER, "subscribe")
    assert juliet.came() == [] and len(hall.service.visits) == 1


def test_17_3_unavailable_presence_from_outside_is_ignored(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").presence(f"{HALL}/Romeo", type_="unavailable")
    romeo.presence(f"nowhere@{ROOMS}/Romeo", type_="unavailable")
    assert romeo.came() == juliet.came() == []


def test_7_2_3_a_non_anonymous_room_shows_and_says_it(verona):
    juliet = verona.opened("juliet")
    romeo = verona.person("romeo").join()
    [(_, her, _)], [(_, him, seen)] = split(romeo)
    assert her["jid"] == juliet.jid and him["jid"] == romeo.jid
    assert seen == [100, 110]
    assert told(juliet.came(), "Romeo")[0][1]["jid"] == romeo.jid


def test_7_2_4_a_semi_anonymous_room_shows_moderators_alone(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    paris = hall.person("paris").join()
    assert all("jid" in each for _, each, _ in told(juliet.came(), "Paris"))
    assert all("jid" not in each for _, each, _ in told(romeo.came(), "Paris"))
    assert all("jid" not in each for _, each, _ in told(paris.came(), "Romeo"))


def test_7_2_8_a_nick_in_use_or_one_that_looks_like_it_is_refused(hall):
    hall.opened("juliet")
    romeo = hall.person("romeo")
    for nick in ("Juliet", "juliet", "\uff2a\uff35\uff2c\uff29\uff25\uff34"):
        assert condition(romeo.join(nick=nick).one()) == "conflict"


def test_7_2_8_the_clients_of_a_user_share_a_nick_and_get_everything(hall):
    juliet = hall.opened("juliet")
    phone = hall.person("romeo", "phone").join()
    tablet = hall.person("romeo", "tablet").join()
    assert all(split(phone))
    found = tablet.came()
    assert [codes(each) for each in found if each.tag == f"{C}presence"] == [[], [110]]
    juliet.came()
    for said in (phone, tablet):
        said.say("hi")
        for person in (juliet, phone, tablet):
            assert person.one().findtext(f"{C}body") == "hi"


def test_7_2_8_with_the_last_of_them_the_occupant_goes(hall):
    juliet = hall.opened("juliet")
    phone, tablet = (hall.person("romeo", each).join() for each in ("phone", "tablet"))
    forget(juliet, phone, tablet)
    tablet.leave()
    assert [kind for kind, _, _ in told(tablet.came(), "Romeo")] == ["unavailable"]
    assert [kind for kind, _, _ in told(juliet.came(), "Romeo")] == [""], "the phone is seen now"
    phone.leave()
    assert [kind for kind, _, _ in told(juliet.came(), "Romeo")] == ["unavailable"]


def test_7_2_2_presence_of_roles_that_are_not_broadcast_is_told_to_nobody_else():
    defaults = structs.replace(
        DEFAULTS, moderated=True, presence_broadcast=frozenset({"moderator", "participant"})
    )
    hall = Conference(defaults=defaults).start()
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    hers, his = split(romeo)
    assert hers and [(each["role"], seen) for _, each, seen in his] == [("visitor", [110])]
    paris = hall.person("paris").join()
    assert told(paris.came(), "Romeo") == []
    romeo.presence(f"{HALL}/Romeo", "<show>away</show>").leave()
    assert juliet.came() == []
    juliet.say("Anybody?")
    assert paris.one().findtext(f"{C}body") == "Anybody?"


def test_17_3_who_has_lost_track_is_told_everything_again(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    first = romeo.came()
    juliet.came()
    romeo.join()
    again = romeo.came()
    assert [each.tag for each in again] == [each.tag for each in first]
    assert juliet.came() == [], "nothing of it is new to others"
    romeo.join(inside="<show>away</show>")
    assert juliet.one().findtext(f"{C}show") == "away"


def test_17_3_also_by_another_nick(verona):
    """He believes to be outside: he gets what newcomers get, behind the end of his old nick."""
    juliet = verona.opened("juliet")
    juliet.say("Anybody there?")
    romeo = verona.person("romeo").join()
    forget(romeo, juliet)
    found = romeo.join(nick="Montague", id_="n2").came()
    assert [(each.get("from"), each.get("type"), each.get("id")) for each in found] == [
        (f"{HALL}/Romeo", "unavailable", None),
        (f"{HALL}/Juliet", None, None),
        (f"{HALL}/Montague", None, "n2"),
        (f"{HALL}/Juliet", "groupchat", "m1"),
        (HALL, "groupchat", None),
    ]
    assert codes(found[0]) == [110, 303]
    assert codes(found[2]) == [100, 110], "once, and behind all others (§7.2.2)"
    gone, there = juliet.came()
    assert (codes(gone), item(gone)["nick"]) == ([303], "Montague")
    assert there.get("from") == f"{HALL}/Montague"
    refused = romeo.join(nick="Juliet").one()
    assert condition(refused) == "conflict", "and he is inside as he was"
    assert juliet.came() == []


def test_17_3_one_of_two_clients_enters_again_by_another_nick(hall):
    juliet = hall.opened("juliet")
    phone, tablet = (hall.person("romeo", each).join() for each in ("phone", "tablet"))
    forget(juliet, phone, tablet)
    tablet.join(nick="Tablet")
    found = [each.get("from") for each in tablet.came()]
    assert found[0] == f"{HALL}/Romeo"
    assert found[-2:] == [f"{HALL}/Tablet", HALL]
    assert {*found[1:-2]} == {f"{HALL}/Juliet", f"{HALL}/Romeo"}
    assert len(hall.service.rooms.at_hand(HALL)) == 3


# ---------------------------------------------------------------------- in it


def test_7_7_availability_is_told_to_all(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    forget(romeo, juliet)
    romeo.presence(f"{HALL}/Romeo", "<show>xa</show><status>gone</status>")
    for person, own in ((juliet, []), (romeo, [110])):
        seen = person.one()
        assert (seen.findtext(f"{C}show"), seen.findtext(f"{C}status")) == ("xa", "gone")
        assert codes(seen) == own
    assert hall.person("paris").join().came()[1].findtext(f"{C}show") == "xa"


def test_13_what_people_read_keeps_its_language(hall):
    """RFC 6120 §8.1.5: it is for all in a stanza that says nothing else, now and to newcomers."""
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    forget(romeo, juliet)
    statuses = "<show>away</show><status>Addio</status><status xml:lang='en'>Adieu</status>"
    romeo.send(f"<presence to='{HALL}/Romeo' xml:lang='it'>{statuses}</presence>")
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    paris = hall.person("paris").join()
    for seen in (juliet.came()[0], paris.came()[1]):
        assert [(each.text, each.get(lang)) for each in seen.iterfind(f"{C}status")] == [
            ("Addio", "it"),
            ("Adieu", "en"),
        ]
        assert seen.find(f"{C}show").attrib == {}, "RFC 6121 §4.7.2.1: without any attribute"
    juliet.came()
    bye = f"<presence to='{HALL}/Romeo' type='unavailable' xml:lang='it'><status>Addio</status>"
    romeo.send(f"{bye}</presence>")
    assert juliet.one().find(f"{C}status").get(lang) == "it"


def test_7_7_visitors_may_be_kept_from_it():
    defaults = structs.replace(DEFAULTS, moderated=True, visitor_status=False, visitor_nicks=False)
    hall = Conference(defaults=defaults).start()
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    forget(romeo, juliet)
    romeo.presence(f"{HALL}/Romeo", "<show>xa</show>")
    assert condition(romeo.one()) == "forbidden"
    romeo.presence(f"{HALL}/Montague")
    assert condition(romeo.one()) == "forbidden"
    assert juliet.came() == []


def test_7_6_a_new_nick_is_told_to_all_as_one_that_goes_and_one_that_comes(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    forget(romeo, juliet)
    romeo.presence(f"{HALL}/Montague")
    for person, own in ((juliet, []), (romeo, [110])):
        gone, there = person.came()
        assert (gone.get("from"), gone.get("type")) == (f"{HALL}/Romeo", "unavailable")
        assert item(gone)["nick"] == "Montague"
        assert codes(gone) == [*own, 303]
        assert (there.get("from"), there.get("type")) == (f"{HALL}/Montague", None)
        assert codes(there) == own


def test_7_6_a_nick_of_somebody_else_is_refused_and_changes_nothing(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    forget(romeo, juliet)
    for nick in ("Juliet", "JULIET"):
        refused = romeo.presence(f"{HALL}/{nick}").one()
        assert (condition(refused), refused.get("from")) == ("conflict", f"{HALL}/{nick}")
    assert juliet.came() == []
    romeo.presence(f"{HALL}/ROMEO")
    assert item(juliet.came()[0])["nick"] == "ROMEO", "one's own in other letters is free"


def test_7_6_one_of_two_clients_takes_a_nick_of_its_own_and_comes_back(hall):
    juliet = hall.opened("juliet")
    phone, tablet = (hall.person("romeo", each).join() for each in ("phone", "tablet"))
    forget(juliet, phone, tablet)
    tablet.presence(f"{HALL}/Tablet")
    assert told(juliet.came(), "Romeo") == [
        ("", {"affiliation": "none", "jid": phone.jid, "role": "participant"}, [])
    ], "the one that stays is what others see now"
    assert [(kind, seen) for kind, _, seen in told(tablet.came(), "Romeo")] == [
        ("unavailable", [110, 303]),
        ("", []),
    ], "it is another occupant to it from now on"
    phone.came()
    tablet.presence(f"{HALL}/Romeo")
    found = juliet.came()
    assert [(kind, seen) for kind, _, seen in told(found, "Tablet")] == [("unavailable", [303])]
    assert [kind for kind, _, _ in told(found, "Romeo")] == [""]
    assert len(hall.service.rooms.at_hand(HALL)) == 2


def test_7_6_who_leaves_a_nick_to_another_client_of_his_sees_it_still(hall):
    hall.opened("juliet")
    phone = hall.person("romeo", "phone").join()
    hall.person("romeo", "tablet").join()
    forget(phone)
    phone.presence(f"{HALL}/Phone")
    assert [(kind, seen) for kind, _, seen in told(phone.came(), "Romeo")] == [
        ("unavailable", [110, 303]),
        ("", []),
    ]


def test_7_6_two_clients_of_a_user_under_nicks_of_their_own_see_each_other_part_and_meet(hall):
    hall.opened("juliet")
    phone, tablet = (hall.person("romeo", each).join() for each in ("phone", "tablet"))
    forget(phone, tablet)
    tablet.presence(f"{HALL}/romeo")
    assert condition(tablet.one()) == "conflict", "it would be taken for the other"
    tablet.presence(f"{HALL}/Tablet")
    forget(phone)
    tablet.presence(f"{HALL}/Romeo")
    gone, own = phone.came()
    assert (gone.get("from"), codes(gone)) == (f"{HALL}/Tablet", [303])
    assert (own.get("from"), codes(own)) == (f"{HALL}/Romeo", [110])


def test_7_6_who_takes_a_nick_of_his_own_still_sees_his_other_client(hall):
    """Whichever of them others have seen: 303 has told him that nobody has the nick any more."""
    hall.opened("juliet")
    phone, tablet = (hall.person("romeo", each).join() for each in ("phone", "tablet"))
    forget(phone, tablet)
    phone.presence(f"{HALL}/Phone")
    assert [kind for kind, _, _ in told(phone.came(), "Romeo")] == ["unavailable", ""]


def test_7_14_what_one_says_as_one_goes_is_told(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    forget(juliet, romeo)
    romeo.leave(inside="<status>parting is such sweet sorrow</status>")
    for person, own in ((juliet, []), (romeo, [110])):
        gone = person.one()
        assert gone.findtext(f"{C}status") == "parting is such sweet sorrow"
        assert (item(gone)["role"], codes(gone)) == ("none", own)


def test_7_14_who_goes_offline_leaves(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    forget(juliet, romeo)
    romeo.send("<presence type='unavailable'/>")
    assert [kind for kind, _, _ in told(juliet.came(), "Romeo")] == ["unavailable"]


FORGED = (
    f"<x xmlns='{MUC}#user'><item affiliation='owner' role='moderator' jid='a@b'/>"
    "<status code='110'/></x>",
    "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>",
    "<addresses xmlns='http://jabber.org/protocol/address'>"
    "<address type='bcc' jid='tybalt@capulet.lit'/></addresses>",
    f"<x:x xmlns:x='{MUC}#user'><x:status code='100'/></x:x>",
)


@pytest.mark.parametrize("forged", FORGED)
def test_17_3_what_only_the_room_may_say_is_taken_away(hall, forged):
    juliet = hall.opened("juliet")
    hall.person("romeo").join(inside=f"{forged}<status>hi</status>")
    seen = juliet.one()
    assert seen.findtext(f"{C}status") == "hi"
    assert item(seen)["affiliation"] == "none" and codes(seen) == []
    assert len(seen.findall(f"{U}x")) == 1
    ids = seen.findall("{urn:xmpp:occupant-id:0}occupant-id")
    assert len(ids) == 1 and ids[0].get("id") != "forged"


def test_14_6_presence_that_is_too_large_is_refused_and_told_to_nobody(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join(inside=f"<status>{'s' * 9_000}</status>")
    assert condition(romeo.one()) == "policy-violation"
    assert juliet.came() == [] and len(hall.service.visits) == 1
