"""Errors that say more than their condition: what answers presence, and changes of roles.

Presence is answered by the name of the protocol: there are clients that tell by this alone that
they were refused (XEP-0045 §7.2.5 to §7.2.10, §7.6).
"""

from __future__ import annotations

from components.common import answers
from components.common.build import Tag
from components.common.stanza import Stanza
from components.muc.model.ranks import Role
from components.muc.names import MUC, MUC_ADMIN
from xmppd.errors import StanzaError

_MUC = f"<x xmlns='{MUC}'/>".encode()


def refused(presence: Stanza, error: StanzaError) -> bytes:
    """The error that answers presence to a room; a password that was in it is not repeated."""
    return answers.error(presence, error, beside=_MUC)


class RoleRefused(StanzaError):
    """A role that an occupant is not to have by who asks for it; it is told again (§8.4, §9.7)."""

    def __init__(self, nick: str, role: Role) -> None:
        super().__init__("not-allowed", f"not the role of {nick}", reason="muc.privileges")
        item = Tag("item", {"nick": nick, "role": role.text})
        self.query = Tag("query", {}, [item], ns=MUC_ADMIN).render()


def refused_request(request: Stanza, error: StanzaError) -> bytes:
    """The error that answers a request."""
    beside = error.query if isinstance(error, RoleRefused) else b""
    return answers.error(request, error, beside=beside)
