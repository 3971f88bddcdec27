"""The copy of a message for another of its user's clients, and the message of such a copy.

Forwarded (XEP-0297) in a wrapper that says whether it was received or sent (XEP-0280 §7, §8).
"""

from __future__ import annotations

from xmppd import ns
from xmppd.jid import JID
from xmppd.wire import stored
from xmppd.wire.stanza import Stanza

RECEIVED = "received"
SENT = "sent"
_NAMES = {name: f"{ns.CARBONS} {name}" for name in (RECEIVED, SENT)}
_HEAD = {
    name: f"<{name} xmlns='{ns.CARBONS}'><forwarded xmlns='{ns.FORWARD}'>".encode()
    for name in _NAMES
}
_TAIL = {name: f"</forwarded></{name}>".encode() for name in _NAMES}


def copy(name: str, stanza: Stanza, account: JID) -> Stanza:
    """The copy of a message that `account` has `RECEIVED` or `SENT`, for no client yet."""
    original = stored.dump(stanza).replace(b"<message", b"<message xmlns='jabber:client'", 1)
    attrs = {"type": stanza.type} if stanza.type else {}
    inner = _HEAD[name] + original + _TAIL[name]
    made = Stanza("message", attrs, [_NAMES[name]], inner)
    made.sender = account
    return made


def is_copy(stanza: Stanza, account: JID) -> bool:
    """Whether a message is a copy that the account's server has sent."""
    return stanza.sender == account and claims_to_be_copy(stanza)


def claims_to_be_copy(stanza: Stanza) -> bool:
    """Whether a message says that it is a copy, whoever sent it."""
    inner = stanza.inner
    if b"carbons" not in inner and b"&#" not in inner:
        return False  # what nearly every message is: its children's names are not even read
    return any(name in stanza.children for name in _NAMES.values())


def is_received(copy: Stanza) -> bool:
    """Whether a copy is one of what was received, not of what was sent."""
    return copy.inner.startswith(_HEAD[RECEIVED])


def received(stanza: Stanza) -> Stanza:
    """The message that a copy of a received one holds. Raises ValueError where it is none."""
    head, tail = _HEAD[RECEIVED], _TAIL[RECEIVED]
    inner = stanza.inner
    if not is_received(stanza):
        raise ValueError("not a copy of what was received")
    return stored.load(inner[len(head) : -len(tail)])
