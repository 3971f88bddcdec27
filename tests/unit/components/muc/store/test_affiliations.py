"""Affiliations, registered nicknames and applications in `store.SQLRooms`, over every backend."""

import pytest

from components.muc.store.rooms import Affiliated, Application, NickTaken, TooManyApplications
from xmppd.jid import JID, JIDError

CAVE = JID.parse("darkcave@chat.shakespeare.lit")
CRONE, HAG, WITCH = map(
    JID.parse, ("crone1@shakespeare.lit", "hag66@shakespeare.lit", "wiccarocks@shakespeare.lit")
)


@pytest.fixture
def those(wait, rooms):
    return lambda: {each.jid: each[1:] for each in wait(rooms.load(CAVE)).affiliations}


def test_affiliations_are_set_changed_and_taken_away(wait, rooms, cave, those):
    """§5.2, §9.3 to §9.8."""
    wait(rooms.set_affiliations(cave, [Affiliated(CRONE, "owner"), Affiliated(HAG, "member")]))
    wait(rooms.set_affiliations(cave, [Affiliated(HAG, "outcast", "", "Treason")]))
    assert those() == {CRONE: ("owner", "", ""), HAG: ("outcast", "", "Treason")}
    wait(rooms.set_affiliations(cave, [Affiliated(HAG, "none"), Affiliated(WITCH, "none")]))
    assert those() == {CRONE: ("owner", "", "")}
    wait(rooms.set_affiliations(cave, []))
    assert those() == {CRONE: ("owner", "", "")}


def test_a_nickname_is_kept_without_an_affiliation(wait, rooms, cave, those):
    """§7.10."""
    wait(rooms.set_affiliations(cave, [Affiliated(HAG, "none", "thirdwitch")]))
    assert those() == {HAG: ("none", "thirdwitch", "")}
    wait(rooms.set_affiliations(cave, [Affiliated(HAG, "none", "")]))
    assert those() == {}


def test_a_nickname_belongs_to_one(wait, rooms, cave, make, those):
    """§7.10: conflict. Of two spellings of one nickname the second is taken as well."""
    wait(rooms.set_affiliations(cave, [Affiliated(HAG, "member", "Ⅲ witch")]))
    for nick in ("Ⅲ witch", "III witch"):
        with pytest.raises(NickTaken) as caught:
            wait(rooms.set_affiliations(cave, [Affiliated(WITCH, "member", nick)]))
        assert caught.value.nick == "III witch"
    assert those() == {HAG: ("member", "III witch", "")}
    wait(rooms.set_affiliations(cave, [Affiliated(WITCH, "member", "iii witch")]))
    wait(rooms.set_affiliations(make("heath"), [Affiliated(WITCH, "member", "III witch")]))


def test_a_nickname_that_is_taken_undoes_what_was_asked_with_it(wait, rooms, cave, those):
    wait(rooms.set_affiliations(cave, [Affiliated(HAG, "member", "thirdwitch")]))
    before = those()
    asked = [
        Affiliated(CRONE, "owner"),
        Affiliated(HAG, "outcast"),
        Affiliated(WITCH, "member", "a"),
    ]
    with pytest.raises(NickTaken):
        wait(rooms.set_affiliations(cave, [*asked, Affiliated(JID.parse("x@y"), "none", "a")]))
    with pytest.raises(JIDError):
        wait(rooms.set_affiliations(cave, [*asked, Affiliated(JID.parse("x@y"), "none", "\x07")]))
    assert those() == before


def test_who_has_a_nickname_keeps_it_or_changes_it(wait, rooms, cave, those):
    both = [Affiliated(HAG, "member", "a"), Affiliated(WITCH, "member", "b")]
    wait(rooms.set_affiliations(cave, both))
    wait(rooms.set_affiliations(cave, [Affiliated(HAG, "admin", "a")]))
    swapped = [Affiliated(HAG, "admin", "b"), Affiliated(WITCH, "member", "a")]
    wait(rooms.set_affiliations(cave, swapped))
    assert those() == {HAG: ("admin", "b", ""), WITCH: ("member", "a", "")}


def test_a_thousand_are_set_at_once(wait, rooms, make, cave, those):
    many = [Affiliated(JID.of(f"w{n}", "shakespeare.lit"), "member", f"n{n}") for n in range(1003)]
    wait(rooms.set_affiliations(cave, many))
    assert len(those()) == 1003
    with pytest.raises(NickTaken):
        wait(rooms.set_affiliations(cave, [Affiliated(HAG, "member", "n1002")]))
    wait(rooms.set_affiliations(cave, [Affiliated(each.jid, "none") for each in many]))
    assert those() == {}


FORM = {"muc#register_first": "Brunhilde", "muc#register_url": "http://witchesonline/~hag66/"}


def test_applications_wait_in_order(wait, rooms, cave, make):
    """§7.10, §9.9."""
    make("heath")
    wait(rooms.apply(cave, HAG, "thirdwitch", FORM, at=2.0, most=2))
    wait(rooms.apply(cave, CRONE, "", {}, at=1.0, most=2))
    assert wait(rooms.applications(cave)) == [
        Application(CRONE, "", {}, 1.0), Application(HAG, "thirdwitch", FORM, 2.0)
    ]  # fmt: skip


def test_whoever_applies_again_has_one_application(wait, rooms, cave):
    wait(rooms.apply(cave, HAG, "thirdwitch", FORM, at=1.0, most=1))
    wait(rooms.apply(cave, HAG, "oldhag", {}, at=2.0, most=1))
    assert wait(rooms.applications(cave)) == [(HAG, "oldhag", {}, 2.0)]


def test_applications_are_bounded_room_by_room(wait, rooms, cave, make):
    wait(rooms.apply(cave, HAG, "", {}, at=1.0, most=1))
    with pytest.raises(TooManyApplications):
        wait(rooms.apply(cave, CRONE, "", {}, at=2.0, most=1))
    wait(rooms.apply(make("heath"), CRONE, "", {}, at=2.0, most=1))
    assert len(wait(rooms.applications(cave))) == 1


def test_one_of_two_admins_decides(wait, rooms, cave):
    wait(rooms.apply(cave, HAG, "thirdwitch", FORM, at=1.0, most=1))
    assert wait(rooms.decide(cave, HAG)) == Application(HAG, "thirdwitch", FORM, 1.0)
    assert wait(rooms.decide(cave, HAG)) is None
    assert wait(rooms.applications(cave)) == []
