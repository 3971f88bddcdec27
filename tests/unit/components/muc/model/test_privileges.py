"""Who may do what, compared with the tables of XEP-0045 §5, cell by cell."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest

from components.muc.model.privileges import (
    Privilege,
    Right,
    allowed,
    default_role,
    has_right,
    may_change_affiliation,
    may_change_role,
    may_invite,
    may_list_affiliations,
    may_list_roles,
    may_register,
    moderates,
    role_after,
)
from components.muc.model.ranks import AFFILIATIONS, ROLES, Affiliation, Role
from components.muc.model.settings import DEFAULTS, Settings
from tests.support import xep0045
from tests.support.xep0045 import cells


def both(*values: Iterable[Any], repeat: int = 1) -> list[tuple[Any, ...]]:
    """Each of these with each of those."""
    return list(itertools.product(*values, repeat=repeat))


NONE, VISITOR, PARTICIPANT, MODERATOR = Role
A = Affiliation

PRIVILEGES = {
    "Broadcast Presence to All Occupants": Privilege.BROADCAST_PRESENCE,
    "Change Availability Status": Privilege.CHANGE_AVAILABILITY,
    "Change Room Nickname": Privilege.CHANGE_NICK,
    "Send Private Messages": Privilege.SEND_PRIVATE,
    "Invite Other Users": Privilege.INVITE,
    "Send Messages to All": Privilege.SPEAK,
    "Modify Subject": Privilege.CHANGE_SUBJECT,
    "Kick Participants and Visitors": Privilege.KICK,
    "Grant Voice": Privilege.GIVE_VOICE,
    "Revoke Voice": Privilege.GIVE_VOICE,
}
IN_THE_ROOM = {"Present in Room", "Receive Messages", "Receive Occupant Presence"}
"""What being in the room is: see test_ranks_by_iq."""


def test_5_1_1_every_row_is_known():
    assert PRIVILEGES.keys() | IN_THE_ROOM == xep0045.ROLE_PRIVILEGES.keys()


@pytest.mark.parametrize(
    ("row", "role", "cell"),
    [each for each in cells(xep0045.ROLE_PRIVILEGES) if each[0] in PRIVILEGES],
)
def test_5_1_1_what_a_role_allows(row, role, cell):
    # "Modify Subject" is "Yes*" for participants and as a default no more than a moderator's
    # (§8.1: "By default, only users with a role of 'moderator'"); the setting makes it "Yes".
    room = Settings(change_subject=True) if (row, role) == SUBJECT else DEFAULTS
    assert allowed(PRIVILEGES[row], ROLES[role.lower()], room) is cell.startswith("Yes")


SUBJECT = ("Modify Subject", "Participant")

STARRED = [
    (Privilege.BROADCAST_PRESENCE, VISITOR, {"presence_broadcast": frozenset({"moderator"})}),
    (Privilege.CHANGE_AVAILABILITY, VISITOR, {"visitor_status": False}),
    (Privilege.CHANGE_NICK, VISITOR, {"visitor_nicks": False}),
    (Privilege.SEND_PRIVATE, VISITOR, {"private_messages": "participants"}),
    (Privilege.SEND_PRIVATE, PARTICIPANT, {"private_messages": "moderators"}),
    (Privilege.SEND_PRIVATE, MODERATOR, {"private_messages": "none"}),
    (Privilege.CHANGE_SUBJECT, PARTICIPANT, {"change_subject": True}),
]


@pytest.mark.parametrize(("privilege", "role", "changes"), STARRED)
def test_5_1_1_what_has_a_star_is_the_configurations_to_change(privilege, role, changes):
    before = allowed(privilege, role, DEFAULTS)
    assert allowed(privilege, role, DEFAULTS.change(**changes)) is not before


ROOM_TYPES = {
    "Moderated": Settings(moderated=True),
    "Unmoderated": Settings(moderated=False),
    "Members-Only": Settings(members_only=True),
    "Open": Settings(members_only=False),
}


@pytest.mark.parametrize(("type_", "affiliation", "cell"), cells(xep0045.DEFAULT_ROLES))
def test_5_1_2_the_role_that_somebody_enters_with(type_, affiliation, cell):
    expected = NONE if cell == "N/A *" else ROLES[cell.lower()]
    assert default_role(AFFILIATIONS[affiliation.lower()], ROOM_TYPES[type_]) is expected


@pytest.mark.parametrize("room", list(ROOM_TYPES.values()))
def test_5_1_2_an_outcast_has_no_role(room):
    assert default_role(A.OUTCAST, room) is NONE


BY_OTHERS = [
    (ROLES[old.lower()], ROLES[new.lower()], cell)
    for old, new, cell in cells(xep0045.ROLE_CHANGES)
    if old not in ("None", new)
]


MODERATORS, EXIT = "Moderator", "Exit room or be kicked by a moderator"


@pytest.mark.parametrize(("old", "new", "cell"), BY_OTHERS)
@pytest.mark.parametrize("actor", both(Role, list(A)[1:]))
def test_5_1_3_who_changes_the_role_of_somebody_without_affiliation(actor, old, new, cell):
    role, affiliation = actor
    admin = affiliation >= A.ADMIN
    by_moderators = "admin or owner" not in cell.lower()
    expected = admin or (by_moderators and role is MODERATOR)
    assert by_moderators is cell.startswith((MODERATORS, EXIT)), "the cell is read wrongly"
    assert may_change_role(actor, (old, A.NONE), new) is expected


@pytest.mark.parametrize(("actor", "target"), both([A.NONE, A.MEMBER, A.ADMIN, A.OWNER], repeat=2))
def test_5_1_3_nobody_loses_moderator_status_or_is_kicked_by_who_has_a_lower_affiliation(
    actor, target
):
    own, his = (MODERATOR, actor), (MODERATOR, target)
    # §9.7: from admins and owners by nobody.
    revoke = actor >= A.ADMIN and target < A.ADMIN
    assert may_change_role(own, his, PARTICIPANT) is revoke
    assert may_change_role(own, his, VISITOR) is revoke
    # §8.2, and §5.1.3: moderators are kicked by admins and owners.
    assert may_change_role(own, his, NONE) is (actor >= A.ADMIN and target <= actor)


@pytest.mark.parametrize(("actor", "target"), both([A.NONE, A.MEMBER, A.ADMIN, A.OWNER], repeat=2))
def test_8_4_voice_is_revoked_by_who_has_a_higher_affiliation_and_from_admins_by_nobody(
    actor, target
):
    expected = target < A.ADMIN and (target < actor or target is A.NONE)
    assert may_change_role((MODERATOR, actor), (PARTICIPANT, target), VISITOR) is expected


@pytest.mark.parametrize(("actor", "target"), both([A.NONE, A.MEMBER, A.ADMIN, A.OWNER], repeat=2))
def test_8_2_nobody_is_kicked_by_who_has_a_lower_affiliation(actor, target):
    assert may_change_role((MODERATOR, actor), (VISITOR, target), NONE) is (target <= actor)


RANKS = {
    "Enter Open Room": Right.ENTER_OPEN,
    "Register with Open Room": Right.REGISTER,
    "Retrieve Member List***": Right.MEMBER_LIST,
    "Enter Members-Only Room": Right.ENTER_MEMBERS_ONLY,
    "Ban Members and Unaffiliated Users": Right.BAN,
    "Edit Member List": Right.EDIT_MEMBERS,
    "Assign and Remove Moderator Role": Right.ASSIGN_MODERATORS,
    "Edit Admin List": Right.EDIT_ADMINS,
    "Edit Owner List": Right.EDIT_OWNERS,
    "Change Room Configuration": Right.CONFIGURE,
    "Destroy Room": Right.DESTROY,
}


def test_5_2_1_every_right_stands_in_the_table():
    assert RANKS.keys() == xep0045.RIGHTS.keys()
    assert set(RANKS.values()) == set(Right)


@pytest.mark.parametrize(("row", "affiliation", "cell"), cells(xep0045.RIGHTS))
def test_5_2_1_what_an_affiliation_allows(row, affiliation, cell):
    assert has_right(RANKS[row], AFFILIATIONS[affiliation.lower()]) is cell.startswith("Yes")


@pytest.mark.parametrize(("old", "new", "cell"), cells(xep0045.AFFILIATION_CHANGES))
@pytest.mark.parametrize("actor", list(A))
def test_5_2_2_who_changes_affiliations(actor, old, new, cell):
    if cell == "--":
        return
    by_admins = cell.startswith("Admin or owner")
    assert by_admins or cell.startswith("Owner")
    expected = actor is A.OWNER or (actor is A.ADMIN and by_admins)
    before, after = AFFILIATIONS[old.lower()], AFFILIATIONS[new.lower()]
    assert may_change_affiliation(actor, before, after) is expected


LISTS = {A.OUTCAST: A.ADMIN, A.MEMBER: A.ADMIN, A.ADMIN: A.OWNER, A.OWNER: A.OWNER}
"""The lowest affiliation that has a list in any room (§9.2, §9.5, §10.5, §10.8)."""


@pytest.mark.parametrize(("wanted", "affiliation", "role"), both(LISTS, A, [NONE, MODERATOR]))
def test_5_2_1_a_semi_anonymous_rooms_lists_are_for_those_who_edit_them(wanted, affiliation, role):
    expected = affiliation >= LISTS[wanted]
    assert may_list_affiliations(wanted, affiliation, role, DEFAULTS) is expected


@pytest.mark.parametrize(("wanted", "affiliation"), both(LISTS, A))
def test_9_5_a_non_anonymous_rooms_lists_are_for_members_too_but_for_the_banned(
    wanted, affiliation
):
    lowest = A.ADMIN if wanted is A.OUTCAST else A.MEMBER
    room = Settings(whois="anyone")
    assert may_list_affiliations(wanted, affiliation, NONE, room) is (affiliation >= lowest)


def test_10_1_3_the_room_says_which_roles_may_have_the_member_list():
    room = Settings(whois="anyone", member_list=frozenset({"moderator"}))
    assert may_list_affiliations(A.MEMBER, A.MEMBER, MODERATOR, room)
    assert not may_list_affiliations(A.MEMBER, A.MEMBER, PARTICIPANT, room)
    assert not may_list_affiliations(A.MEMBER, A.MEMBER, NONE, room)  # a participant, if he came
    assert may_list_affiliations(A.MEMBER, A.ADMIN, NONE, room)


def test_5_1_1_what_a_role_may_have_those_above_it_have():
    """Some clients name one role alone, `participant`, as they make a group."""
    room = Settings(whois="anyone", member_list=frozenset({"participant"}))
    assert may_list_affiliations(A.MEMBER, A.MEMBER, MODERATOR, room)
    assert may_list_affiliations(A.MEMBER, A.MEMBER, NONE, room)
    assert not may_list_affiliations(A.MEMBER, A.MEMBER, VISITOR, room)
    nobody = Settings(whois="anyone", member_list=frozenset())
    assert not may_list_affiliations(A.MEMBER, A.MEMBER, MODERATOR, nobody)


@pytest.mark.parametrize(
    ("wanted", "role", "affiliation"),
    both([VISITOR, PARTICIPANT, MODERATOR], Role, A),
)
def test_8_5_9_8_lists_of_roles_are_for_moderators_and_that_of_moderators_for_admins(
    wanted, role, affiliation
):
    moderator = role is MODERATOR and wanted is not MODERATOR
    expected = moderator or affiliation >= A.ADMIN
    assert may_list_roles(wanted, role, affiliation) is expected


@pytest.mark.parametrize(
    ("role", "before", "after", "expected"),
    [
        (PARTICIPANT, A.NONE, A.ADMIN, MODERATOR),  # §5.1.3: implicit in the affiliation
        (VISITOR, A.NONE, A.MEMBER, PARTICIPANT),
        (MODERATOR, A.NONE, A.MEMBER, MODERATOR),  # whom an admin has made one
        (MODERATOR, A.OWNER, A.ADMIN, MODERATOR),
        (MODERATOR, A.ADMIN, A.MEMBER, PARTICIPANT),
        (PARTICIPANT, A.MEMBER, A.NONE, VISITOR),
        (VISITOR, A.MEMBER, A.OUTCAST, NONE),
        (MODERATOR, A.OWNER, A.OUTCAST, NONE),
    ],
)
def test_5_1_3_the_role_goes_with_a_change_of_affiliation(role, before, after, expected):
    assert role_after(role, before, after, Settings(moderated=True)) is expected


@pytest.mark.parametrize(
    ("affiliation", "role", "settings", "expected"),
    [
        (A.NONE, VISITOR, {}, True),
        (A.NONE, NONE, {}, False),
        (A.MEMBER, PARTICIPANT, {"members_only": True}, False),
        (A.MEMBER, PARTICIPANT, {"members_only": True, "invites": True}, True),
        (A.ADMIN, MODERATOR, {"members_only": True}, True),
    ],
)
def test_7_8_2_who_invites_and_members_only_where_owners_say_so(
    affiliation, role, settings, expected
):
    assert may_invite(affiliation, role, Settings(**settings)) is expected


@pytest.mark.parametrize("setting", ["off", "approved", "open"])
@pytest.mark.parametrize("affiliation", list(A))
def test_7_10_who_registers(affiliation, setting):
    """§5.2.1 has "N/A" for members: they may still register a nick."""
    cell = xep0045.RIGHTS["Register with Open Room"][affiliation.text.title()]
    expected = setting != "off" and cell != "No"
    assert may_register(affiliation, Settings(registration=setting)) is expected


@pytest.mark.parametrize(("role", "affiliation"), both(Role, A))
def test_8_9_moderators_and_admins_have_a_say_in_roles(role, affiliation):
    assert moderates(role, affiliation) is (role is MODERATOR or affiliation >= A.ADMIN)
