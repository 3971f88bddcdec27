"""What every component answers for itself: XMPP Ping, its version, its vCard.

XEP-0199 §4, XEP-0092 §3, XEP-0054 §3.
"""

from __future__ import annotations

from typing import NamedTuple

from components.common.build import Tag
from components.common.component import Component, On
from components.common.disco import Disco, Identity
from components.common.stanza import Stanza
from xmppd import __version__, ns


class About(NamedTuple):
    """What a component is: its identity in service discovery, and what people read of it."""

    identity: Identity
    software: str = "xmppd"
    version: str = __version__
    description: str = ""
    url: str = ""


def introduce(component: Component, about: About) -> Disco:
    """Have the component answer for itself; what more it can do is added to the Disco."""
    version = Tag(
        "query",
        {},
        [Tag("name", {}, about.software), Tag("version", {}, about.version)],
        ns=ns.VERSION,
    ).render()
    card = Tag(
        "vCard",
        {},
        [
            Tag(name, {}, text)
            for name, text in (
                ("FN", about.identity.name or str(component.domain)),
                ("DESC", about.description),
                ("URL", about.url),
            )
            if text
        ],
        ns=ns.VCARD,
    ).render()
    disco = Disco(component)
    disco.add(ns.PING, ns.VERSION, ns.VCARD, identity=about.identity)
    component.iq("get", f"{ns.PING} ping", _pong, *On)
    component.iq("get", f"{ns.VERSION} query", lambda stanza: version)
    component.iq("get", f"{ns.VCARD} vCard", lambda stanza: card)
    return disco


def _pong(stanza: Stanza) -> None:
    return None
