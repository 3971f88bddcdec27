"""The session IQ of RFC 3921 §3, which RFC 6121 has made a formality, and late binds."""

from __future__ import annotations

from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.iq import On, Request
from xmppd.errors import StanzaError
from xmppd.stream.features import Feature, static
from xmppd.stream.states import Fact
from xmppd.wire.build import Tag

OFFER = Feature(
    "session",
    Fact.AUTHENTICATED,
    Fact.BOUND,
    # RFC 3921 clients wait for it; `optional` tells the others that they need not.
    static(Tag("session", {}, [Tag("optional")], ns=ns.SESSION)),
)
"""The stream feature (RFC 3921 §3)."""


def register(context: ModuleContext) -> None:
    """Offer it; answer for the server and, for clients that send no `to`, for the account."""
    context.feature(OFFER)
    for addressee in On:
        context.iq(addressee, "set", f"{ns.SESSION} session", _established)
        context.iq(addressee, "set", f"{ns.BIND} bind", _bound_already)


def _established(request: Request) -> None:
    """The session is there from the bind on; nothing is left to do."""
    _check_own(request)


def _bound_already(request: Request) -> None:
    """One stream has one resource (RFC 6120 §7.1)."""
    _check_own(request)
    raise StanzaError("not-allowed", "a resource is bound already", reason="bind.again")


def _check_own(request: Request) -> None:
    """A client has a session with its own server and account, and with no other."""
    session = request.session
    if session is None or request.to not in (session.account, session.account.domain):
        raise StanzaError("service-unavailable", reason="stanza.unhandled")
