"""What the operator says of all rooms: who may create them, how many, how large, how often.

Everything that an outsider can make grow has its bound here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from components.muc.model.ranks import Affiliation
from components.muc.model.rates import Limits
from xmppd.jid import JID

Creators = Literal["everybody", "users", "admins"]


class Policy(Struct, frozen=True):
    """The service's rules. Sizes are in octets, rates in events a second; 0 is no limit."""

    domains: tuple[str, ...] = ()
    """Those of the server: who has an account there is one of its users."""
    guests: tuple[str, ...] = ()
    """Those of them where whoever comes is somebody new each time (XEP-0175): a room that stays
    when all have left would have no owner who ever comes back."""
    admins: frozenset[JID] = frozenset()
    """The service's administrators, by bare JID: owners everywhere (§5.2, §10)."""
    create: Creators = "users"
    locked: bool = True
    """Whether a new room is for its creator alone until he has configured it (§10.1.1)."""
    lock_seconds: float = 300.0
    """How long it may be so before it is destroyed,"""
    lock_wait: float = 3.0
    """and how long somebody else who comes meanwhile waits before he is told that it is not there;
    0: not at all."""
    owned: int = 50
    """How many rooms there may be that one user has made, whoever owns them now."""
    rooms: int = 20_000
    """How many rooms there may be."""
    occupants: int = 5_000
    """How many occupants a room may have."""
    spare: int = 10
    """How many admins and owners come in on top of that (§7.2.9)."""
    entered: int = 200
    """How many rooms one user may be in, counted by session."""
    clients: int = 20
    """How many sessions one user may have in a room under one nick."""
    sessions: int = 100_000
    """How many there may be of all users in all rooms."""
    affiliations: int = 10_000
    """How many users a room may have affiliations for."""
    history: int = 200
    """How much history a room may have its newcomers get."""
    archive_messages: int = 100_000
    """How many messages the archive of a room keeps, the newest ones,"""
    archive_days: float = 0.0
    """and for how many days."""
    grace_seconds: float = 600.0
    """How long a room that is not persistent waits for its occupants when the service has ended."""
    rates: Limits = Limits()
    nick: int = 128
    """Characters of a nick."""
    presence: int = 8_192
    """Octets of presence."""
    subject: int = 8_192
    message: int = 65_536

    def serves(self, account: JID) -> bool:
        """Whether somebody is a user of the server."""
        return account.domain in self.domains

    def admin(self, account: JID) -> bool:
        """Whether somebody administers the service."""
        return account.bare in self.admins

    def may_create(self, account: JID) -> bool:
        """Whether somebody may make rooms (§10.1.1)."""
        if self.admin(account) or self.create == "everybody":
            return True
        return self.create == "users" and self.serves(account)

    def may_keep(self, account: JID) -> bool:
        """Whether a room may become persistent by somebody's doing."""
        return account.domain not in self.guests

    def affiliation(self, account: JID, of_room: Affiliation) -> Affiliation:
        """Somebody's affiliation, as far as it is the service's to say."""
        return Affiliation.OWNER if self.admin(account) else of_room


def accounts(written: Iterable[str]) -> frozenset[JID]:
    """Bare JIDs as a configuration has them; raises JIDError."""
    return frozenset(JID.parse(each).bare for each in written)
