"""Of which nodes a client wants events, as a component is told that sends them (XEP-0163 §4.3).

A client says it by its features: the name of a node, and `+notify` (XEP-0060 §9.2). The server
knows them (XEP-0115) and says them to components at the end of its presence, so that each of them
need not find out the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from xmppd import ns
from xmppd.core.disco import DiscoInfo
from xmppd.wire import canonical
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

MOST = 200
"""Nodes of a client that are told."""

OCTETS = 16_384
"""Octets of their names, all together."""

_NOTIFY = "+notify"
_NAME = f"{ns.INTERESTS} interests"
_TAG = f"{{{ns.INTERESTS}}}interests"


def with_interests(stanza: Stanza, info: DiscoInfo | None) -> Stanza:
    """Presence with what its sender wants at its end, where that is known."""
    return stanza if info is None else stanza.with_inner(stanza.inner + _element(info.features))


def without(stanza: Stanza) -> Stanza:
    """Presence without what its sender says himself: that may be anything."""
    inner = stanza.inner
    if b"interests" not in inner and b"&#" not in inner:
        return stanza  # what nearly all presence is: its children's names are not even read
    if _NAME not in stanza.children:
        return stanza
    kept = [child for child in stanza.element if child.tag != _TAG]
    return stanza.with_inner(b"".join(map(canonical.written, kept)))


@lru_cache(maxsize=256)
def _element(features: frozenset[str]) -> bytes:
    nodes = [Tag("node", {}, node) for node in _bounded(features)]
    return Tag("interests", {}, nodes, ns=ns.INTERESTS).render()


def _bounded(features: frozenset[str]) -> Iterator[str]:
    """The names of nodes, sorted, as far as there is room for them."""
    nodes = sorted(each.removesuffix(_NOTIFY) for each in features if each.endswith(_NOTIFY))
    octets = 0
    for node in [node for node in nodes if node][:MOST]:
        octets += len(node.encode())
        if octets > OCTETS:
            return
        yield node
