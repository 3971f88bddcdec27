"""Of which nodes a client wants events, as the server says at the end of its presence.

It says so to a component that is granted `presence` and `interests` in its table, once it knows
what the client can do (XEP-0115): the nodes whose names stand among its features with `+notify`
behind them (XEP-0060 §9.2, XEP-0163 §4.3). Clients of one kind say the same: it is read once.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import lru_cache
from xml.etree.ElementTree import Element

from components.common import tree
from components.common.stanza import Stanza
from xmppd import ns
from xmppd.jid import JID

REMEMBERED = 500
"""How many different elements are remembered, each of them 20 KiB at most and mostly 500 octets."""

_BEGIN = f"<interests xmlns='{ns.INTERESTS}'>".encode()
_END = b"</interests>"
_NONE = f"<interests xmlns='{ns.INTERESTS}'/>".encode()
_WRITTEN = re.compile(rb"%b(?:<node>[^<]*</node>)*%b" % (re.escape(_BEGIN), _END))
_NAME = f"{ns.INTERESTS} interests"
_SHOWN, _SHARED, _HIDDEN = (f"{ns.INTERESTS} {each}" for each in ("shown", "shared", "hidden"))
_TAG = f"{{{ns.INTERESTS}}}interests"
_NODE = f"{{{ns.INTERESTS}}}node"


def interests(presence: Stanza) -> frozenset[str] | None:
    """The nodes of which the sender of presence wants events; None where that is not known.

    Only for presence that comes from the server by its grant, or from its users: of theirs it
    takes out what they say themselves.
    """
    inner = presence.inner
    if inner.endswith(_END):
        start = inner.rfind(_BEGIN)
        if start >= 0:
            element = inner[start:]
            # A whole element at the end of well-formed content is in no other one.
            if _WRITTEN.fullmatch(element):
                return _read(element)
    elif inner.endswith(_NONE):
        return _NOTHING
    if _NAME not in presence.children:
        return None
    found = presence.element.find(_TAG)
    return None if found is None else frozenset(node.text or "" for node in found.iter(_NODE))


def shown(presence: Stanza) -> tuple[JID, ...]:
    """The accounts that a contact elsewhere shows his presence to, which the server now tells.

    It tells of each of them once, and of all (of 200 at most) when it tells a component anew of who
    is there. Nothing is said of the server's own users: their rosters tell.
    """
    return _accounts(presence, _SHOWN, "to")


def shared(presence: Stanza) -> tuple[JID, ...]:
    """The accounts that somebody has shown his presence to without a subscription of theirs.

    (XEP-0060 §9.1.3) A user of the server or anybody else, of whom the service may know nothing
    but that. It is told of each account once, and of all when it is told anew of who is there.
    """
    return _accounts(presence, _SHARED, "to")


def hidden(presence: Stanza) -> tuple[JID, ...]:
    """Those of either kind that he shows it to no longer, though he may be there.

    Where it is unavailable presence he shows it to no other account, but maybe to the service.
    """
    return _accounts(presence, _HIDDEN, "from")


def gone(presence: Stanza) -> bool:
    """Whether unavailable presence says that its sender has gone, or hides from who saw him.

    No account may see him any more who has said nothing of the kind: he may be there.
    """
    return all(each.get("by") != "server" for each in _said(presence, _HIDDEN))


def _accounts(presence: Stanza, name: str, attribute: str) -> tuple[JID, ...]:
    return tuple(JID.parse(each.get(attribute, "")) for each in _said(presence, name))


def _said(presence: Stanza, name: str) -> Iterable[Element]:
    """What the server has said under a name; most presence is not read for it."""
    if name not in presence.children:
        return ()
    return presence.element.iterfind("{" + name.replace(" ", "}"))


@lru_cache(maxsize=REMEMBERED)
def _read(element: bytes) -> frozenset[str]:
    (found,) = tree.parse("x", {}, element, "")
    return frozenset(sys.intern(node.text or "") for node in found)


_NOTHING: frozenset[str] = frozenset()
