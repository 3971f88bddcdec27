"""Rooms as they are in the store (XEP-0045), and what may stand in the way of changing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from xmppd.jid import JID


class RoomExists(Exception):
    """There is a room of this address already."""

    def __init__(self, address: JID) -> None:
        super().__init__(str(address))
        self.address = address


class RoomGone(Exception):
    """The room was removed; whoever still serves it has come too late."""

    def __init__(self, room: int) -> None:
        super().__init__(f"room {room} is gone")
        self.room = room


class NickTaken(Exception):
    """Somebody else has registered this nickname with the room (§7.10)."""

    def __init__(self, nick: str) -> None:
        super().__init__(nick)
        self.nick = nick


class Affiliated(NamedTuple):
    """What a room holds of somebody (§5.2): `jid` is bare, or a domain.

    `affiliation` is "owner", "admin", "member", "outcast" or "none", the last only where there is
    a `nick`, which is registered (§7.10); "" for no nick. `reason` is the reason given, or "".
    """

    jid: JID
    affiliation: str
    nick: str = ""
    reason: str = ""


class Subject(NamedTuple):
    """A room's subject: `inner` is the subject element or elements, ready to be sent (§8.1).

    `nick` is who set it, `at` when, in seconds UTC since 1970.
    """

    inner: bytes
    nick: str
    at: float


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """A room as it is in the store; `created` is in seconds UTC since 1970.

    `id` is never used again, not even by a room that is made later at the same address.
    """

    id: int
    address: JID
    settings: Mapping[str, Any]
    affiliations: Sequence[Affiliated]
    subject: Subject | None
    created: float


class Application(NamedTuple):
    """Who has asked to become a member (§7.10), and is not answered yet.

    `jid` is bare; `form` the form's fields by their names; `at` is in seconds UTC since 1970.
    """

    jid: JID
    nick: str
    form: Mapping[str, str]
    at: float


class TooManyApplications(Exception):
    """As many as are allowed wait for an answer already."""


class Listed(NamedTuple):
    """A public room as the service lists it (§6.3)."""

    address: JID
    name: str


class Forgotten(NamedTuple):
    """A room that has forgotten an account, and whether no owner is left that it had before."""

    id: int
    address: JID
    ownerless: bool
