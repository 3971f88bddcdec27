"""Whether somebody may enter, and under which nick (XEP-0045 §7.2.1 to §7.2.12).

The conditions stand in one table, in the order in which they are looked at: what keeps somebody
out for good comes before what he could do something about.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import NamedTuple

from components.muc.model.occupant import likeness
from components.muc.model.policy import Policy
from components.muc.model.ranks import Affiliation
from components.muc.model.room import Room
from xmppd.errors import StanzaError
from xmppd.jid import JID


class Entry(NamedTuple):
    """Who wants to enter, by which session, under which nick, with which password."""

    account: JID
    session: JID
    nick: str
    affiliation: Affiliation
    password: str | None = None


Condition = Callable[[Room, Entry, Policy], None]
"""Raises StanzaError where somebody may not enter."""


def _destroyed(room: Room, entry: Entry, policy: Policy) -> None:
    if room.destroyed:
        raise StanzaError("item-not-found", reason="muc.no-room")


def is_open(room: Room, entry: Entry) -> bool:
    """Whether a room is set up, or somebody's to set up.

    The creator comes in, and those who may configure every room (§7.2.10).
    """
    return not room.locked or entry.affiliation is Affiliation.OWNER


def _unlocked(room: Room, entry: Entry, policy: Policy) -> None:
    """§7.2.10."""
    if not is_open(room, entry):
        raise StanzaError("item-not-found", "it is not open yet", reason="muc.locked")


def _not_banned(room: Room, entry: Entry, policy: Policy) -> None:
    """§7.2.7."""
    if entry.affiliation is Affiliation.OUTCAST:
        raise StanzaError("forbidden", "you are banned", reason="muc.banned")


def _member(room: Room, entry: Entry, policy: Policy) -> None:
    """§7.2.6."""
    if room.settings.members_only and entry.affiliation < Affiliation.MEMBER:
        raise StanzaError("registration-required", "it is for members", reason="muc.members-only")


def _password(room: Room, entry: Entry, policy: Policy) -> None:
    """§7.2.5; owners know it, for they have set it."""
    wanted = room.settings.password
    if wanted and entry.affiliation is not Affiliation.OWNER:
        given = (entry.password or "").encode()
        if not hmac.compare_digest(given, wanted.encode()):
            raise StanzaError("not-authorized", "a password is needed", reason="muc.password")


def _nick_free(room: Room, entry: Entry, policy: Policy) -> None:
    """§7.2.8."""
    check_nick(room, entry.account, entry.nick)


def _space(room: Room, entry: Entry, policy: Policy) -> None:
    """§7.2.9; the nick of one's own other sessions takes no more of it."""
    if room.alike(entry.nick) is not None:
        return
    most = room.settings.max_occupants
    most = min(most, policy.occupants) if most else policy.occupants
    if entry.affiliation >= Affiliation.ADMIN:
        most += policy.spare
    if len(room) >= most:
        raise StanzaError("service-unavailable", "it is full", reason="muc.full", type="wait")


CONDITIONS: tuple[Condition, ...] = (
    _destroyed,
    _not_banned,
    _unlocked,
    _member,
    _password,
    _nick_free,
    _space,
)
"""What keeps people out, in the order in which it does."""


def check(room: Room, entry: Entry, policy: Policy) -> None:
    """Raise StanzaError where somebody may not enter (§7.2.17)."""
    for condition in CONDITIONS:
        condition(room, entry, policy)


def check_nick(room: Room, account: JID, nick: str) -> None:
    """Raise StanzaError where another user has a nick, or one that looks like it (§7.2.8, §7.6).

    One's own other sessions may be there under the very same.
    """
    other = room.alike(nick)
    if other is not None and (other.account != account or other.nick != nick):
        raise StanzaError("conflict", "that nick is in use", reason="muc.nick-in-use")
    holder = room.standings.holder(nick)
    if holder is not None and holder != account:
        raise StanzaError("conflict", "that nick is registered", reason="muc.nick-registered")


def nick_asked(address: JID, policy: Policy) -> str:
    """The nick that somebody asks for; raises StanzaError where it can't be one (§7.2.1, §17.1)."""
    nick = address.resource
    if not nick:
        raise StanzaError("jid-malformed", "no nick", reason="muc.no-nick")
    if not likeness(nick) or not nick.isprintable():
        raise StanzaError("jid-malformed", "nobody could see that nick", reason="muc.blank-nick")
    if len(nick) > policy.nick:
        text = f"a nick has {policy.nick} characters at the most"
        raise StanzaError("not-acceptable", text, reason="muc.long-nick")
    return nick


def nick_given(room: Room, account: JID, asked: str) -> str:
    """The nick that somebody gets: the one that he has registered, if the room wants it (§7.10)."""
    if room.settings.reserved_nicks:
        return room.standings.exactly(account).nick or asked
    return asked
