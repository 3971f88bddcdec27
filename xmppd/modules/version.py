"""Software Version (XEP-0092): name and version of the server, never its operating system."""

from __future__ import annotations

from xmppd import __version__, ns
from xmppd.core.context import ModuleContext
from xmppd.core.iq import On, Request
from xmppd.wire.build import Tag

XEP = (92, "1.1", "complete")


def register(context: ModuleContext) -> None:
    """Answer for the server."""
    context.iq(On.HOST, "get", f"{ns.VERSION} query", _version)
    context.advertise(ns.VERSION)


def _version(request: Request) -> Tag:
    """Tell the version (§2); an operating system helps nobody but an attacker (§5)."""
    told = [Tag("name", {}, "xmppd"), Tag("version", {}, __version__)]
    return Tag("query", {}, told, ns=ns.VERSION)
