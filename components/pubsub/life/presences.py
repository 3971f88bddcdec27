"""Who is there, and what his clients want to be told of: by presence (XEP-0356 §7, XEP-0115).

The server says with presence which nodes a client wants (`+notify`), as far as it has verified it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from components.common.component import Component
from components.common.privilege import Privilege
from components.common.stanza import Stanza
from xmppd.jid import JID

INTERESTS = "urn:xmppd:interests:0"

_INTERESTS = f"{INTERESTS} interests"


class Seen(NamedTuple):
    """A resource that is there."""

    show: str
    """As in `options.SHOW_VALUES`."""
    interests: frozenset[str] | None
    """The NodeIDs that it wants to be told of; None where that is not known yet."""


Gain = Callable[[JID, frozenset[str]], object]
"""Told of a full JID, and of nodes that it wants now and did not a moment ago."""

NOBODY: Mapping[JID, Seen] = {}


class Presences:
    """Everybody who is there, as far as the server tells."""

    def __init__(self, component: Component, privilege: Privilege) -> None:
        self._there: dict[JID, dict[JID, Seen]] = {}
        """By bare JID and full JID."""
        self._on_gain: list[Gain] = []
        self.changes = 0
        """How often something has changed."""
        privilege.on_presence(self._told)
        component.on_open(self._opened)

    def of(self, bare: JID) -> Mapping[JID, Seen]:
        """The resources of a bare JID that are there."""
        return self._there.get(bare, NOBODY)

    def on_gain(self, tell: Gain) -> None:
        """Have `tell` called when a resource wants nodes that it did not want."""
        self._on_gain.append(tell)

    def _told(self, stanza: Stanza) -> None:
        jid = stanza.sender
        if not jid.resource:
            return
        self.changes += 1
        of_one = self._there.get(jid.bare)
        before = None if of_one is None else of_one.get(jid)
        if stanza.type == "unavailable":
            if of_one is not None:
                of_one.pop(jid, None)
                if not of_one:
                    del self._there[jid.bare]
            return
        seen = _seen(stanza)
        if of_one is None:
            of_one = self._there[jid.bare] = {}
        of_one[jid] = seen
        old = None if before is None else before.interests
        gained = (seen.interests or frozenset()) - (old or frozenset())
        if gained:
            for tell in self._on_gain:
                tell(jid, gained)

    def _opened(self, resumed: bool) -> None:
        """A server that has a new stream tells of all who are there anew."""
        if not resumed:
            self._there.clear()
            self.changes += 1


def _seen(stanza: Stanza) -> Seen:
    show = stanza.element.findtext(stanza.named("show")) or "online"
    interests = None
    if _INTERESTS in stanza.children:
        found = stanza.element.iterfind(f"{{{INTERESTS}}}interests/{{{INTERESTS}}}node")
        interests = frozenset(node.text or "" for node in found)
    return Seen(show, interests)
