"""What clients send, without what only the room may say (XEP-0045 §17.3, XEP-0359 §3, XEP-0421 §4).

Rule 1: bytes in which there is nothing to take away pass as they are.
Rule 2: everything that is reflected to others goes through `cleaned`, nothing past it.
Rule 3: what is taken away leaves no trace, and all else means what it meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from components.common import build, tree
from components.common.stanza import XML_LANG, Stanza
from components.common.tree import TooLong
from components.muc.names import (
    HATS,
    MAM,
    MODERATE,
    MUC,
    MUC_ADMIN,
    MUC_OWNER,
    MUC_USER,
    OCCUPANT_ID,
    OLD_MODERATE,
    RETRACT,
)
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError

REASON = 1_000
"""Characters of a reason that somebody gives for what he does."""
CHILDREN = 500
"""How many children a stanza may have: servers count them, and the room and others add some."""
ELEMENTS = 1_000
"""How many elements in all. Whoever enters is told what was said, and whoever asks for the archive:
each time the server looks at every element. Of the octets that there may be, 16,000 in each of
twenty messages took it a fifth of a second."""
_LEAST = 4
"""Octets that an element takes."""

_ROOMS_OWN = frozenset(
    {
        f"{MUC} x",
        f"{MUC_USER} x",
        f"{MUC_ADMIN} query",
        f"{MUC_OWNER} query",
        f"{OCCUPANT_ID} occupant-id",
        # To many at once, in the room's name (XEP-0033).
        f"{ns.ADDRESS} addresses",
        # What a room says of those who have a task in it (XEP-0317).
        f"{HATS} hats",
        # What others have said, as an archive or somebody's own server brings it (XEP-0313 §4.2,
        # XEP-0280 §11): clients have been found that ask neither who sends it.
        f"{MAM} result",
        f"{ns.CARBONS} received",
        f"{ns.CARBONS} sent",
        # What takes the place of messages that are no more (XEP-0424 §4, XEP-0425 §4).
        f"{RETRACT} retracted",
        f"{MODERATE} moderated",
        f"{OLD_MODERATE} moderated",
    }
)
"""The direct children that are always taken away: the room's own, and what would act for it."""

_BY_ROOM: Mapping[str, str] = {
    f"{ns.STANZA_ID} stanza-id": "by",
    f"{ns.DELAY} delay": "from",
    f"{ns.OLD_DELAY} x": "from",
}
"""Those that are taken away where the attribute names the room, or one in it."""

_LOOKED_AT = _ROOMS_OWN.union(_BY_ROOM)

_STATUS = f"{ns.COMPONENT} status"
_LANG = f"{{{ns.XML}}}lang"


def cleaned(stanza: Stanza, room: JID, most: int = 0) -> bytes:
    """The content of a client's stanza that may be passed on to others of `room`.

    What people read in presence has its language with it: it is told again beside what the room
    says itself, long after it came (§13).

    Raises StanzaError `policy-violation` where that is more than `most` octets, 0 for no limit, or
    more children, or elements in them, than others would take.
    """
    inner = stanza.inner
    children = stanza.children
    if len(children) > CHILDREN:
        raise _too_many(CHILDREN)
    # In text, and in attributes, there is no such character.
    if len(inner) > _LEAST * ELEMENTS and inner.count(b"<") - inner.count(b"</") > ELEMENTS:
        raise _too_many(ELEMENTS)
    spoken = stanza.kind == "presence" and XML_LANG in stanza.attrs and _STATUS in children
    if spoken or not _LOOKED_AT.isdisjoint(children):
        inner = _rest(stanza, room, most, stanza.attrs[XML_LANG] if spoken else "")
    if most and len(inner) + len(stanza.attrs.get(XML_LANG, "")) > most:
        raise _too_long(stanza, most)
    return inner


def brief(text: str | None) -> str:
    """A reason that somebody gives; raises StanzaError where it is a long story."""
    text = text or ""
    if len(text) > REASON:
        said = f"a reason has {REASON} characters at the most"
        raise StanzaError("not-acceptable", said, reason="muc.long-reason")
    return text


def _rest(stanza: Stanza, room: JID, most: int, lang: str) -> bytes:
    root = stanza.element
    status = stanza.named("status")
    parts = [build.text(root.text or "").encode()]
    left = most
    try:
        for child in root:
            if lang and child.tag == status and _LANG not in child.attrib:
                child.set(_LANG, lang)
            if not _foreign(child, room):
                part = tree.written(child, stanza.content, left if most else None)
                left -= len(part)
                parts.append(part)
            parts.append(build.text(child.tail or "").encode())
    except TooLong:
        raise _too_long(stanza, most) from None
    return b"".join(parts)


def _foreign(child: Element, room: JID) -> bool:
    namespace, _, local = child.tag.removeprefix("{").rpartition("}")
    name = f"{namespace} {local}"
    if name in _ROOMS_OWN:
        return True
    attribute = _BY_ROOM.get(name)
    if attribute is None:
        return False
    try:
        return JID.parse(child.get(attribute, "").strip()).bare == room
    except JIDError:
        # Others may read an address where this one reads none; nobody misses it.
        return True


def _too_many(most: int) -> StanzaError:
    text = f"there may be {most} elements at the most"
    return StanzaError("policy-violation", text, reason="muc.many-children")


def _too_long(stanza: Stanza, most: int) -> StanzaError:
    text = f"there may be {most} octets at the most"
    reason = "muc.large-presence" if stanza.kind == "presence" else "muc.large-message"
    return StanzaError("policy-violation", text, reason=reason)
