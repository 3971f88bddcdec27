"""Entity Capabilities (XEP-0115) of the server, in its stream features.

What the hash is made of, and when it is made anew, stands in core/disco.py.
"""

from __future__ import annotations

from functools import lru_cache

from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.disco import CAPS_NODE
from xmppd.core.iq import On
from xmppd.stream.features import Feature, Offering
from xmppd.stream.states import Fact
from xmppd.wire.build import Raw, Tag

XEP = (115, "1.6.0", "complete")


def register(context: ModuleContext) -> None:
    """Offer the server's capabilities to clients that have authenticated (XEP-0115 §6.3)."""
    advertised, iq = context.host.advertised, context.host.router.iq

    @lru_cache(maxsize=64)
    def written(ver: str) -> Raw:
        attrs = {"hash": "sha-1", "node": CAPS_NODE, "ver": ver}
        return Raw(Tag("c", attrs, ns=ns.CAPS).render())

    def render(stream: Offering) -> Raw | None:
        if not iq.knows(On.HOST, "get", f"{ns.DISCO_INFO} query"):
            return None  # nobody would answer who wants to verify it
        return written(advertised.ver(stream.domain))

    context.advertise(ns.CAPS)
    context.feature(Feature("capabilities", Fact.AUTHENTICATED, Fact.BOUND, render))
