"""XMPP Ping (XEP-0199): the server answers for itself, and each account to its own user."""

from __future__ import annotations

from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.iq import On, Request
from xmppd.errors import StanzaError

XEP = (199, "2.0.1", "complete")


def register(context: ModuleContext) -> None:
    """Answer pings with an empty result (XEP-0199 §4.2, §4.3)."""
    context.iq(On.HOST, "get", f"{ns.PING} ping", _pong)
    context.iq(On.ACCOUNT, "get", f"{ns.PING} ping", _own_pong)
    context.advertise(ns.PING, *On)


def _pong(request: Request) -> None:
    return None


def _own_pong(request: Request) -> None:
    """Refuse strangers: where there is no account they must read this (RFC 6121 §8.5.1)."""
    if not request.own:
        raise StanzaError("service-unavailable", reason="stanza.forbidden")
