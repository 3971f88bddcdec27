"""XMPP Ping (XEP-0199): the server answers for itself and for its accounts."""

from __future__ import annotations

from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.iq import On, Request

XEP = (199, "2.0.1", "complete")


def register(context: ModuleContext) -> None:
    """Answer pings with an empty result (XEP-0199 §4.2, §4.3)."""
    for addressee in On:
        context.iq(addressee, "get", f"{ns.PING} ping", _pong)
        context.advertise(ns.PING, addressee)


def _pong(request: Request) -> None:
    return None
