"""What clients send, without what only the room may say (XEP-0045 §17.3, XEP-0359 §3, XEP-0421 §4).

Rule 1: bytes in which there is nothing to take away pass as they are.
Rule 2: everything that is reflected to others goes through `Cleaned`, nothing past it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias
from xml.etree.ElementTree import Element

from components.common import tree
from components.common.stanza import Stanza
from components.muc.names import MUC, MUC_ADMIN, MUC_OWNER, MUC_USER, OCCUPANT_ID
from xmppd import ns
from xmppd.jid import JID, JIDError

_ROOMS_OWN = frozenset(
    {
        f"{MUC} x",
        f"{MUC_USER} x",
        f"{MUC_ADMIN} query",
        f"{MUC_OWNER} query",
        f"{OCCUPANT_ID} occupant-id",
        # To many at once, in the room's name (XEP-0033).
        f"{ns.ADDRESS} addresses",
        # What tombstones are told by (XEP-0425 §5): the room's to say.
        "urn:xmpp:message-moderate:1 moderated",
        "urn:xmpp:message-moderate:0 moderated",
    }
)
"""The direct children that are always taken away: the room's own, and what would act for it."""

_BY_ROOM: Mapping[str, str] = {
    f"{ns.STANZA_ID} stanza-id": "by",
    f"{ns.DELAY} delay": "from",
    f"{ns.OLD_DELAY} x": "from",
}
"""Those that are taken away where the attribute names the room, or one in it."""

Spelled: TypeAlias = str
"""A name as ElementTree spells it."""


def cleaned(stanza: Stanza, room: JID) -> bytes:
    """The content of a client's stanza that may be passed on to others of `room`."""
    for child in stanza.children:
        if child in _ROOMS_OWN or child in _BY_ROOM:
            return _rest(stanza, room)
    return stanza.inner


def _rest(stanza: Stanza, room: JID) -> bytes:
    kept = Element(stanza.element.tag)
    kept.text = stanza.element.text
    for child in stanza.element:
        if not _foreign(child, room):
            kept.append(child)
    return tree.content(kept)


def _foreign(child: Element, room: JID) -> bool:
    namespace, _, local = child.tag.removeprefix("{").rpartition("}")
    name = f"{namespace} {local}"
    if name in _ROOMS_OWN:
        return True
    attribute = _BY_ROOM.get(name)
    if attribute is None:
        return False
    try:
        return JID.parse(child.get(attribute, "")).bare == room
    except JIDError:
        return True
