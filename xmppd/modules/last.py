"""Last Activity (XEP-0012): how long the server has been up."""

from __future__ import annotations

from functools import partial

from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.iq import On, Request
from xmppd.wire.build import Tag

XEP = (12, "2.0", "partial")


def register(context: ModuleContext) -> None:
    """Answer for the server; accounts need subscriptions first (§3, §4)."""
    context.iq(On.HOST, "get", f"{ns.LAST} query", partial(_uptime, context.host))
    context.advertise(ns.LAST)


def _uptime(host: Host, request: Request) -> Tag:
    """Tell the seconds since the server was started (§5)."""
    seconds = max(0, int(host.clock.seconds() - host.started))
    return Tag("query", {"seconds": str(seconds)}, ns=ns.LAST)
