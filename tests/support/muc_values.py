"""The values of the model of a chatroom (`tests.support.muc_model`): ranks, settings, what is told.

Who acts is a full JID, `name/resource`; names are those of accounts, roles and affiliations are
called as on the wire.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

ROLES = ("none", "visitor", "participant", "moderator")
AFFILIATIONS = ("outcast", "none", "member", "admin", "owner")
HISTORY = 20
"""How many messages newcomers get."""


class Refused(Exception):
    """An operation is not allowed; any of these conditions says so."""

    def __init__(self, *conditions: str) -> None:
        super().__init__(*conditions)
        self.conditions = frozenset(conditions)


@dataclass(frozen=True)
class Settings:
    """The configuration options that matter here (§10.1.3)."""

    persistent: bool = False
    members_only: bool = False
    moderated: bool = False
    anonymous: bool = True
    change_subject: bool = False
    password: str = ""
    private_messages: str = "anyone"
    broadcast: frozenset[str] = frozenset(ROLES[1:])


@dataclass
class Occupant:
    """Who is in the room by a nick: sessions with what they show, the latest last (§7.2.8)."""

    nick: str
    account: str
    role: str
    sessions: dict[str, str] = field(default_factory=dict)

    @property
    def session(self) -> str:
        """The one that others see."""
        return list(self.sessions)[-1]

    def show(self, session: str, show: str) -> None:
        """A session sends presence."""
        self.sessions.pop(session, None)
        self.sessions[session] = show


@dataclass
class Told:
    """What one operation makes the room tell, besides who is there now."""

    gone: dict[str, frozenset[int]] = field(default_factory=dict)
    """The status codes of those that go, or are seen no more, by nick."""
    hidden: set[str] = field(default_factory=set)
    """The nicks of those who are seen no more, whatever becomes of them then."""
    renamed: dict[str, str] = field(default_factory=dict)
    """The new nick of who has changed it, by the old one."""
    entering: frozenset[int] | None = None
    """The codes of the acting session's own presence, where it enters."""
    heard: defaultdict[str, list[tuple[object, ...]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """The messages that each session gets, in order."""
    letters: set[str] = field(default_factory=set)
    """Accounts that may be written to while they are not in the room (§9.5, §18.1)."""
    destroyed: bool = False
    """Whether it is by a room's end that they go (§10.9)."""


def alike(one: str, other: str) -> bool:
    """Whether people could take two nicks for one another; open: letter case (§7.2.8)."""
    return one.casefold() == other.casefold()


def rank(affiliation: str) -> int:
    """How high an affiliation is (§5.2.1)."""
    return AFFILIATIONS.index(affiliation)


def level(role: str) -> int:
    """How high a role is (§5.1.1)."""
    return ROLES.index(role)


def default_role(affiliation: str, room: Settings) -> str:
    """§5.1.2; none for who may not be in it."""
    if rank(affiliation) >= rank("admin"):
        return "moderator"
    if affiliation == "member":
        return "participant"
    if affiliation == "outcast" or room.members_only:
        return "none"
    return "visitor" if room.moderated else "participant"


def against(affiliation: str, old: str, of_target: str, role: str) -> frozenset[str]:
    """What speaks against it that a moderator or admin gives an occupant a role, as conditions.

    `affiliation` is his own, `old` and `of_target` are role and affiliation of the occupant.
    """
    admin = rank(affiliation) >= rank("admin")
    if role == "none":
        above = rank(of_target) > rank(affiliation)  # §8.2
        not_his = old == "moderator" and not admin  # §5.1.3: moderators are the admins' to kick
        return frozenset({"not-allowed"} if above or not_his else ())
    if "moderator" in (old, role) and not admin:
        return frozenset({"forbidden", "not-allowed"})  # §9, §9.6, §9.7
    if level(role) < level(old):
        if rank(of_target) >= rank("admin"):
            return frozenset({"not-allowed"})  # §8.4, §9.7
        # §8.4; open: to have no affiliation is no level.
        if of_target == "member" and rank(affiliation) <= rank("member"):
            return frozenset({"not-allowed"})
    return frozenset()


def account_of(session: str) -> str:
    """Whose session it is."""
    return session.partition("/")[0]
