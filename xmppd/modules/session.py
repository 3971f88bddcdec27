"""The session IQ of RFC 3921 §3, which RFC 6121 has made a formality, and late binds."""

from __future__ import annotations

from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.iq import On, Request
from xmppd.errors import StanzaError


def register(context: ModuleContext) -> None:
    """Answer for the server and, for clients that send no `to`, for the account."""
    for addressee in On:
        context.iq(addressee, "set", f"{ns.SESSION} session", _established)
        context.iq(addressee, "set", f"{ns.BIND} bind", _bound_already)


def _established(request: Request) -> None:
    """The session is there from the bind on; nothing is left to do."""


def _bound_already(request: Request) -> None:
    """One stream has one resource (RFC 6120 §7.1)."""
    raise StanzaError("not-allowed", "a resource is bound already", reason="bind.again")
