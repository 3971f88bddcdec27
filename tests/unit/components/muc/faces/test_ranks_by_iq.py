"""Roles and affiliations are changed on request as the tables of XEP-0045 §5 say, and not else."""

from __future__ import annotations

from typing import NamedTuple
from xml.etree.ElementTree import Element

import pytest

from components.muc.model.occupant import Occupant
from components.muc.model.ranks import AFFILIATIONS, ROLES, Affiliation, Role
from components.muc.model.standing import Standing
from tests.support import xep0045
from tests.support.conference import MUC, Conference, Person, room
from tests.support.server import condition
from tests.support.xep0045 import cells

A = Affiliation
NONE, VISITOR, PARTICIPANT, MODERATOR = Role


ROLE_PRIVILEGES = cells(xep0045.ROLE_PRIVILEGES)


class Rank(NamedTuple):
    """What somebody is: NONE for who is not in the room."""

    role: Role
    affiliation: Affiliation


INSIDE = [
    *(Rank(role, affiliation) for role in list(Role)[1:] for affiliation in (A.NONE, A.MEMBER)),
    Rank(MODERATOR, A.ADMIN),
    Rank(MODERATOR, A.OWNER),
]
OUTSIDE = [Rank(NONE, affiliation) for affiliation in A]


def ranked(hall: Conference, person: Person, rank: Rank) -> None:
    """Have somebody be what is tried, without a word to anybody."""
    where = room(hall)
    where.standings.put(Standing(person.jid.bare, rank.affiliation))
    if rank.role is not NONE and not list(where.of(person.jid.bare)):
        person.join()
    for occupant in where.of(person.jid.bare):
        occupant.rank(rank.role, rank.affiliation)


def item(hall: Conference, person: Person, attrs: str) -> Element:
    payload = f"<query xmlns='{MUC}#admin'><item {attrs}/></query>"
    return person.ask(payload, "set")


@pytest.fixture
def hall() -> Conference:
    hall = Conference().start()
    hall.opened("juliet")
    return hall


@pytest.mark.parametrize("role", list(Role))
def test_5_1_1_whoever_has_a_role_is_present_and_gets_messages_and_presence(hall, role):
    romeo, paris = hall.person("romeo"), hall.person("paris").join()
    ranked(hall, romeo, Rank(role, A.NONE))
    romeo.came()
    paris.say("Good morrow").leave()
    got = [each.tag.rpartition("}")[2] for each in romeo.came()]
    columns = {row: cell for row, name, cell in ROLE_PRIVILEGES if name == role.text.title()}
    assert ("message" in got) is (columns["Receive Messages"] == "Yes")
    assert ("presence" in got) is (columns["Receive Occupant Presence"] == "Yes")
    assert bool(room(hall).by_nick("Romeo")) is (columns["Present in Room"] == "Yes")


# --- §5.1.3 ------------------------------------------------------------------------------------


def expected_role(actor: Rank, target: Rank, wish: Role) -> str:
    """The error that the XEP names, or "" for none."""
    cell = xep0045.ROLE_CHANGES[target.role.text.title()][wish.text.title()]
    admin = actor.affiliation >= A.ADMIN
    if not admin and actor.role is not MODERATOR:
        return "forbidden"  # §8
    if wish is VISITOR and target.affiliation >= A.ADMIN:
        return "not-allowed"  # §8.4: whoever asks for it
    if "admin or owner" in cell.lower() and not admin:
        return "not-allowed" if wish is NONE else "forbidden"  # §8.2, §9
    if wish is NONE and target.affiliation > actor.affiliation:
        return "not-allowed"  # §8.2
    if wish < target.role and wish is not NONE and target.affiliation >= A.ADMIN:
        return "not-allowed"  # §8.4, §9.7
    voice = (target.role, wish) == (PARTICIPANT, VISITOR)
    if voice and A.NONE < target.affiliation >= actor.affiliation:
        return "not-allowed"  # §8.4
    return ""


@pytest.mark.parametrize("actor", INSIDE + OUTSIDE[1:], ids=str)
def test_5_1_3_roles_change_as_the_table_says(hall, actor):
    romeo, paris = hall.person("romeo"), hall.person("paris")
    paris.join()
    for target in INSIDE:
        for wish in Role:
            if wish is target.role:
                continue
            ranked(hall, romeo, actor)
            ranked(hall, paris, target)
            answer = item(hall, romeo, f"nick='Paris' role='{wish.text}'")
            expected = expected_role(actor, target, wish)
            case = f"{actor} has {target} be {wish.text}"
            assert answer.get("type") == ("error" if expected else "result"), case
            if expected:
                assert condition(answer) == expected, case
            now: Occupant | None = room(hall).by_nick("Paris")
            after = target.role if expected else wish
            assert (NONE if now is None else now.role) is after, case


# --- §5.2.2 ------------------------------------------------------------------------------------


def expected_affiliation(actor: Affiliation, cell: str, wish: Affiliation) -> str:
    """The error that the XEP names, or "" for none."""
    if actor < A.ADMIN:
        return "forbidden"  # §9
    if cell.startswith("Owner") and actor is A.ADMIN:
        return "not-allowed" if wish is A.OUTCAST else "forbidden"  # §9.1, §10.3 to §10.8
    return ""


@pytest.mark.parametrize(
    "actor", [each for each in INSIDE if each.role is not VISITOR] + OUTSIDE, ids=str
)
def test_5_2_2_affiliations_change_as_the_table_says(hall, actor):
    romeo, paris = hall.person("romeo"), hall.person("paris")
    for old, new, cell in cells(xep0045.AFFILIATION_CHANGES):
        if cell == "--":
            continue
        before, wish = AFFILIATIONS[old.lower()], AFFILIATIONS[new.lower()]
        ranked(hall, romeo, actor)
        ranked(hall, paris, Rank(NONE, before))
        answer = item(hall, romeo, f"jid='{paris.jid.bare}' affiliation='{wish.text}'")
        expected = expected_affiliation(actor.affiliation, cell, wish)
        case = f"{actor} makes {old} {new}"
        assert answer.get("type") == ("error" if expected else "result"), case
        if expected:
            assert condition(answer) == expected, case
        now = room(hall).affiliation(paris.jid.bare)
        assert now is (before if expected else wish), case


def test_the_tables_have_all_roles_and_affiliations():
    """What they leave out would be tried nowhere."""
    assert {name.lower() for name in xep0045.ROLE_CHANGES} == ROLES.keys()
    assert {name.lower() for name in xep0045.AFFILIATION_CHANGES} == AFFILIATIONS.keys()
