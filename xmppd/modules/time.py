"""Entity Time (XEP-0202) of the server."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from twisted.internet.interfaces import IReactorTime

from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.iq import On, Request
from xmppd.wire.build import Tag

XEP = (202, "2.0", "complete")


def register(context: ModuleContext) -> None:
    """Answer for the server."""
    context.iq(On.HOST, "get", f"{ns.TIME} time", partial(_time, context.host.clock))
    context.advertise(ns.TIME)


def _time(clock: IReactorTime, request: Request) -> Tag:
    """Tell the time, and the offset of the server's time zone (§2; formats of XEP-0082 §3.2)."""
    now = datetime.fromtimestamp(int(clock.seconds()), UTC)
    told = [
        Tag("tzo", {}, now.astimezone().isoformat()[-6:]),
        Tag("utc", {}, f"{now:%Y-%m-%dT%H:%M:%SZ}"),
    ]
    return Tag("time", {}, told, ns=ns.TIME)
