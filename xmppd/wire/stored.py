"""Stanzas as they are kept: XML, as it would have gone out to a client."""

from __future__ import annotations

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.jid import JID
from xmppd.wire.framer import Framer
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Stanza

_HEADER = f"<stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}' version='1.0'>".encode()
# What was kept had passed the limits of its time, and may since have got a stamp or two.
_LIMITS = Limits(stanza=1 << 27, tag=1 << 20, depth=1_100, attributes=1_100)


def dump(stanza: Stanza) -> bytes:
    """The stanza, its addresses included, in the content namespace of clients."""
    return stanza.render_in(ns.CLIENT)


class StoredStanzas:
    """Reads what `dump` has written, one stanza after another."""

    __slots__ = ("_framer",)

    def __init__(self) -> None:
        self._framer: Framer | None = None

    def load(self, data: bytes) -> Stanza:
        """The stanza of `data`. Raises ValueError where that is none: it was not kept by us."""
        framer, self._framer = self._framer, None
        if framer is None:
            framer = Framer(_LIMITS)
            framer.feed(_HEADER)
        frames = framer.feed(data)
        if len(frames) != 1 or not isinstance(frames[0], Stanza):
            problem = frames[0] if frames and isinstance(frames[0], StreamError) else "no stanza"
            raise ValueError(f"what was stored can't be read: {problem}")
        self._framer = framer
        stanza = frames[0]
        attrs = stanza.attrs
        stanza.sender = JID.parse(attrs["from"]) if "from" in attrs else None
        stanza.to = JID.parse(attrs["to"]) if "to" in attrs else None
        return stanza


load = StoredStanzas().load
"""Reads one, with parsers shared by all (in the reactor thread)."""
