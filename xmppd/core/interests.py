"""Of which nodes a client wants events, as a component is told that sends them (XEP-0163 §4.3).

A client says it by its features: the name of a node, and `+notify` (XEP-0060 §9.2). The server
knows them (XEP-0115) and says them to components at the end of its presence, so that each of them
need not find out the same. Of contacts elsewhere it says besides which accounts they have shown
their presence to: those whose events they are to get, and nobody else can say it. Likewise of who
has shown himself to an account without a subscription (XEP-0060 §9.1.3), and when he does no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from xmppd import ns
from xmppd.core.disco import DiscoInfo
from xmppd.jid import JID
from xmppd.wire import canonical
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

MOST = 200
"""Nodes of a client that are told."""

OCTETS = 16_384
"""Octets of their names, all together."""

SHOWN = 200
"""To how many accounts it is told at a time that somebody has shown his presence."""

_NOTIFY = "+notify"
_BEFORE = f"{ns.INTERESTS} "
_OURS = f"{{{ns.INTERESTS}}}"


class Accounts(NamedTuple):
    """Which accounts somebody's presence has been shown to."""

    shown: Iterable[JID] = ()
    """Those who see it by subscription: of contacts elsewhere;"""
    shared: Iterable[JID] = ()
    """those who do not;"""
    hidden: Iterable[JID] = ()
    """and from which of these it is hidden by now,"""
    lost: Iterable[JID] = ()
    """or is shown to them no more, though he has said nothing of the kind."""


def with_interests(stanza: Stanza, info: DiscoInfo | None) -> Stanza:
    """Presence with what its sender wants at its end, where that is known."""
    return stanza if info is None else stanza.with_inner(stanza.inner + _element(info.features))


def with_accounts(stanza: Stanza, accounts: Accounts) -> Stanza:
    """Presence with what has changed of which accounts it is shown to."""
    told = b"".join(
        Tag(name, {key: str(each), **more}, ns=ns.INTERESTS).render()
        for name, key, some, more in (
            ("shown", "to", accounts.shown, {}),
            ("shared", "to", accounts.shared, {}),
            ("hidden", "from", accounts.hidden, {}),
            ("hidden", "from", accounts.lost, {"by": "server"}),
        )
        for each in islice(some, SHOWN)
    )
    return stanza.with_inner(stanza.inner + told) if told else stanza


def without(stanza: Stanza) -> Stanza:
    """Presence without what its sender says himself: that may be anything."""
    inner = stanza.inner
    if b"interests" not in inner and b"&#" not in inner:
        return stanza  # what nearly all presence is: its children's names are not even read
    if not any(name.startswith(_BEFORE) for name in stanza.children):
        return stanza
    kept = [child for child in stanza.element if not child.tag.startswith(_OURS)]
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
