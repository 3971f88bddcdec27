"""Who may do what: the tables of XEP-0045 §5, cell by cell.

Rule 1: whether a role or an affiliation allows something is said here and nowhere else.
Rule 2: nothing here knows a stanza, an occupant or a nick; a decision is a function of ranks and
of the room's settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto

from components.muc.model.ranks import ROLES, Affiliation, Role
from components.muc.model.settings import Settings

# --- §5.1.1: what a role allows ----------------------------------------------------------------


class Privilege(Enum):
    """An action that a role allows (§5.1.1). All roles are in the room, and get what is said."""

    BROADCAST_PRESENCE = auto()
    CHANGE_AVAILABILITY = auto()
    CHANGE_NICK = auto()
    SEND_PRIVATE = auto()
    INVITE = auto()
    SPEAK = auto()
    CHANGE_SUBJECT = auto()
    KICK = auto()
    GIVE_VOICE = auto()
    """Grant and revoke voice."""


def _visitor_or(allowed: bool) -> Role:
    return Role.VISITOR if allowed else Role.PARTICIPANT


_PRIVATE: Mapping[str, Role | None] = {
    "anyone": Role.VISITOR,
    "participants": Role.PARTICIPANT,
    "moderators": Role.MODERATOR,
    "none": None,
}

_LOWEST: Mapping[Privilege, Callable[[Settings], Role | None]] = {
    Privilege.CHANGE_AVAILABILITY: lambda room: _visitor_or(room.visitor_status),
    Privilege.CHANGE_NICK: lambda room: _visitor_or(room.visitor_nicks),
    Privilege.SEND_PRIVATE: lambda room: _PRIVATE[room.private_messages],
    Privilege.INVITE: lambda room: Role.VISITOR,
    Privilege.SPEAK: lambda room: Role.PARTICIPANT,
    Privilege.CHANGE_SUBJECT: lambda room: (
        Role.PARTICIPANT if room.change_subject else Role.MODERATOR
    ),
    Privilege.KICK: lambda room: Role.MODERATOR,
    Privilege.GIVE_VOICE: lambda room: Role.MODERATOR,
}
"""The lowest role that has a privilege; None for nobody."""


def allowed(privilege: Privilege, role: Role, room: Settings) -> bool:
    """Whether a role has a privilege in a room (§5.1.1)."""
    if privilege is Privilege.BROADCAST_PRESENCE:
        return room.broadcasts(role)
    lowest = _LOWEST[privilege](room)
    return lowest is not None and role >= lowest


def may_invite(affiliation: Affiliation, role: Role, room: Settings) -> bool:
    """Whether somebody may invite others (§7.8.2).

    Into a members-only room an invitation makes a member, so it is for admins, and for its members
    where the room lets them.
    """
    if affiliation >= Affiliation.ADMIN:
        return True
    if room.members_only and not (room.invites and affiliation is Affiliation.MEMBER):
        return False
    return allowed(Privilege.INVITE, role, room)


# --- §5.1.2: the role that somebody enters with ------------------------------------------------


def default_role(affiliation: Affiliation, room: Settings) -> Role:
    """The role of who enters, or is given an affiliation; NONE for who may not enter (§5.1.2)."""
    if affiliation >= Affiliation.ADMIN:
        return Role.MODERATOR
    if affiliation is Affiliation.MEMBER:
        return Role.PARTICIPANT
    if affiliation is Affiliation.OUTCAST or room.members_only:
        return Role.NONE
    return Role.VISITOR if room.moderated else Role.PARTICIPANT


def role_after(role: Role, before: Affiliation, after: Affiliation, room: Settings) -> Role:
    """The role of an occupant whose affiliation changes (§5.1.3, note).

    What a higher one brings is his at least; who loses one keeps no more than the new one brings,
    for he might not be a moderator but for what he has lost.
    """
    default = default_role(after, room)
    return max(role, default) if after > before else min(role, default)


# --- §5.1.3: who may change whose role ---------------------------------------------------------


def may_change_role(
    actor: tuple[Role, Affiliation], target: tuple[Role, Affiliation], role: Role
) -> bool:
    """Whether somebody may give an occupant a role, NONE to kick him (§5.1.3, §8.2 to §9.7).

    Admins and owners may without being in the room.
    """
    (actor_role, actor_affiliation), (old, affiliation) = actor, target
    admin = actor_affiliation >= Affiliation.ADMIN
    if role is Role.MODERATOR:
        return admin
    if not admin and actor_role < Role.MODERATOR:
        return False
    if role is Role.NONE:
        # §8.2: not those whose affiliation is higher; §5.1.3: moderators are the admins' to kick.
        return actor_affiliation >= affiliation and (old < Role.MODERATOR or admin)
    if old is Role.MODERATOR:  # §9.7
        return admin and affiliation < Affiliation.ADMIN
    if role >= old:  # §8.3
        return True
    # §8.4. No affiliation is no level that a moderator's could be above.
    return affiliation is Affiliation.NONE or affiliation < min(
        actor_affiliation, Affiliation.ADMIN
    )


def moderates(role: Role, affiliation: Affiliation) -> bool:
    """Whether somebody has a say in others' roles at all (§8, §9); admins without being there."""
    return role is Role.MODERATOR or has_right(Right.ASSIGN_MODERATORS, affiliation)


# --- §5.2: affiliations ------------------------------------------------------------------------


class Right(Enum):
    """An action that an affiliation allows (§5.2.1)."""

    ENTER_OPEN = auto()
    REGISTER = auto()
    MEMBER_LIST = auto()
    ENTER_MEMBERS_ONLY = auto()
    BAN = auto()
    EDIT_MEMBERS = auto()
    ASSIGN_MODERATORS = auto()
    EDIT_ADMINS = auto()
    EDIT_OWNERS = auto()
    CONFIGURE = auto()
    DESTROY = auto()


_OWNERS = frozenset({Affiliation.OWNER})
_ADMINS = _OWNERS | {Affiliation.ADMIN}
_MEMBERS = _ADMINS | {Affiliation.MEMBER}

RIGHTS: Mapping[Right, frozenset[Affiliation]] = {
    Right.ENTER_OPEN: _MEMBERS | {Affiliation.NONE},
    Right.REGISTER: frozenset({Affiliation.NONE}),
    Right.MEMBER_LIST: _MEMBERS,
    Right.ENTER_MEMBERS_ONLY: _MEMBERS,
    Right.BAN: _ADMINS,
    Right.EDIT_MEMBERS: _ADMINS,
    Right.ASSIGN_MODERATORS: _ADMINS,
    Right.EDIT_ADMINS: _OWNERS,
    Right.EDIT_OWNERS: _OWNERS,
    Right.CONFIGURE: _OWNERS,
    Right.DESTROY: _OWNERS,
}
"""Who has which right (§5.2.1)."""


def has_right(right: Right, affiliation: Affiliation) -> bool:
    """Whether an affiliation has a right (§5.2.1)."""
    return affiliation in RIGHTS[right]


def may_change_affiliation(actor: Affiliation, old: Affiliation, new: Affiliation) -> bool:
    """Whether somebody may change an affiliation from `old` to `new` (§5.2.2).

    Owners may change all; admins what neither was nor is to be an admin's or an owner's.
    """
    if actor is Affiliation.OWNER:
        return True
    return actor is Affiliation.ADMIN and max(old, new) <= Affiliation.MEMBER


def may_register(affiliation: Affiliation, room: Settings) -> bool:
    """Whether somebody may register with a room, or ask to be (§5.2.1, §7.10).

    Who is a member already has something to register all the same: his nick.
    """
    return room.registration != "off" and affiliation is not Affiliation.OUTCAST


# --- who may see the lists ---------------------------------------------------------------------


def may_list_roles(wanted: Role, role: Role, affiliation: Affiliation) -> bool:
    """Whether somebody may have the list of a role: admins, and moderators but for their own.

    (§8.5, §9.8)
    """
    if affiliation >= Affiliation.ADMIN:
        return True
    return role is Role.MODERATOR and wanted is not Role.MODERATOR


_LISTED_BY: Mapping[Affiliation, Right] = {
    Affiliation.OUTCAST: Right.BAN,
    Affiliation.MEMBER: Right.EDIT_MEMBERS,
    Affiliation.ADMIN: Right.EDIT_ADMINS,
    Affiliation.OWNER: Right.EDIT_OWNERS,
}
"""Whoever may edit a list has it (§9.2, §9.5, §10.5, §10.8)."""


def may_list_affiliations(
    wanted: Affiliation, affiliation: Affiliation, role: Role, room: Settings
) -> bool:
    """Whether somebody may have the list of an affiliation that is not NONE; `role` as he is here.

    Members may as well, in the room or not, but for the banned, and never in a semi-anonymous
    room: the lists have everybody's address (§5.2.1, §9.5, §10.5, §10.8). What a role may, those
    above it may as well (§5.1.1), also where owners have named one alone.
    """
    if has_right(_LISTED_BY[wanted], affiliation):
        return True
    if room.anonymous or wanted is Affiliation.OUTCAST:
        return False
    if not has_right(Right.MEMBER_LIST, affiliation):
        return False
    as_here = role if role is not Role.NONE else default_role(affiliation, room)
    lowest = min((ROLES[each] for each in room.member_list), default=None)
    return affiliation >= Affiliation.ADMIN or (lowest is not None and as_here >= lowest)
