"""What a framer cuts a stream into."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from xmppd.errors import StreamError
from xmppd.wire.stanza import Nonza, Stanza


class StreamOpen(NamedTuple):
    """The stream's start tag (RFC 6120 §4.7): its name, attributes and declared prefixes."""

    name: str
    attrs: dict[str, str]
    prefixes: dict[str, str]
    """Prefix to namespace; the default namespace under ""."""


class StreamClose(NamedTuple):
    """The stream's end tag (RFC 6120 §4.4)."""


Frame: TypeAlias = StreamOpen | Stanza | Nonza | StreamClose | StreamError
"""What `Framer.feed` yields. A StreamError is always the last."""
