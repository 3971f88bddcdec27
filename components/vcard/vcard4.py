"""vCard4 (XEP-0292, RFC 6351) from vcard-temp (XEP-0054) and back: one table for both ways.

What only one of them has gets lost on the way to the other (XEP-0292 §11). So a vCard4 does not
take the place of a vCard: what it can't say stays as it was.
"""

from __future__ import annotations

from typing import NamedTuple
from xml.etree.ElementTree import Element

from components.common import tree
from components.vcard.names import VCARD4, VCARD_TEMP
from components.vcard.vcard4_shapes import (
    NEW,
    TEMP,
    Address,
    Date,
    Number,
    Parts,
    Picture,
    Place,
    Shape,
    Text,
    Words,
)
from xmppd.errors import StanzaError

_ROOT = f"{NEW}vcard"
_BEGIN, _END = f"<vcard xmlns='{VCARD4}'>".encode(), b"</vcard>"


class Property(NamedTuple):
    """A property that both have: its names, and what it looks like."""

    temp: str
    new: str
    shape: Shape


_NAME = (
    ("FAMILY", "surname"),
    ("GIVEN", "given"),
    ("MIDDLE", "additional"),
    ("PREFIX", "prefix"),
    ("SUFFIX", "suffix"),
)
_ADDRESS = (
    ("POBOX", "pobox"),
    ("EXTADD", "ext"),
    ("STREET", "street"),
    ("LOCALITY", "locality"),
    ("REGION", "region"),
    ("PCODE", "code"),
    ("CTRY", "country"),
)

PROPERTIES = (
    Property("FN", "fn", Text()),
    Property("N", "n", Parts(_NAME)),
    Property("NICKNAME", "nickname", Words()),
    Property("PHOTO", "photo", Picture()),
    Property("BDAY", "bday", Date()),
    Property("ADR", "adr", Parts(_ADDRESS, flags=True)),
    Property("TEL", "tel", Number(inside="NUMBER", flags=True)),
    Property("EMAIL", "email", Text(inside="USERID", flags=True)),
    Property("JABBERID", "impp", Address()),
    Property("TZ", "tz", Text()),
    Property("GEO", "geo", Place()),
    Property("TITLE", "title", Text()),
    Property("ROLE", "role", Text()),
    Property("LOGO", "logo", Picture()),
    Property("ORG", "org", Words("ORGNAME", "ORGUNIT")),
    Property("CATEGORIES", "categories", Words("KEYWORD", "KEYWORD")),
    Property("DESC", "note", Text()),
    Property("NOTE", "note", Text()),
    Property("PRODID", "prodid", Text()),
    Property("REV", "rev", Text("timestamp")),
    Property("UID", "uid", Text("uri")),
    Property("URL", "url", Text("uri")),
    Property("KEY", "key", Text(inside="CRED")),
)
"""Of two with the same name in a vCard4, the first is what that becomes."""

_BY_TEMP = {f"{TEMP}{each.temp}": each for each in PROPERTIES}
_BY_NEW = {f"{NEW}{each.new}": each for each in reversed(PROPERTIES)}
_PHOTO = f"{TEMP}PHOTO"


def from_temp(vcard: Element) -> Element:
    """The vCard4 of a vCard. It has a formatted name, as it must (RFC 6350 §6.2.1)."""
    made = tree.element(VCARD4, "vcard")
    for each in vcard:
        known = _BY_TEMP.get(each.tag)
        new = known and known.shape.to_new(each, known.new)
        if new is not None:
            made.append(new)
    if made.find(f"{NEW}fn") is None:
        named = tree.element(VCARD4, "fn")
        tree.child(named, "text", _formatted(made))
        made.insert(0, named)
    return made


def written(vcard: Element, most: int) -> bytes:
    """The vCard4 of a vCard as it is to be sent, of `most` octets or little more.

    Properties that there is no room for are left out: a word of a list is two octets in a vCard,
    and fourteen in a vCard4.
    """
    made = from_temp(vcard)
    pieces, room = [_BEGIN], most
    for each in made:
        try:
            piece = tree.written(each, VCARD4, room)
        except tree.TooLong:
            continue
        pieces.append(piece)
        room -= len(piece)
    return b"".join((*pieces, _END))


def to_temp(vcard4: Element, before: Element) -> Element:
    """The vCard of a vCard4, with what `before` has and a vCard4 can't say.

    Where it has no photo, that of `before` stays: clients with avatars of their own (XEP-0084)
    leave it out of the vCard4. Raises StanzaError `bad-request` for what is no vCard4.
    """
    if vcard4.tag != _ROOT:
        raise StanzaError("bad-request", "no vCard4", reason="vcard.malformed")
    made = tree.element(VCARD_TEMP, "vCard")
    for each in vcard4:
        known = _BY_NEW.get(each.tag)
        old = known and known.shape.to_temp(each, known.temp)
        if old is not None:
            made.append(old)
    said = _BY_TEMP.keys() if made.find(_PHOTO) is not None else _BY_TEMP.keys() - {_PHOTO}
    made.extend(each for each in before if each.tag not in said)
    return made


def _formatted(made: Element) -> str:
    """A name to call somebody by who has given none that is formatted."""
    parts = (made.findtext(f"{NEW}n/{NEW}{part}") for part in ("given", "surname"))
    return " ".join(filter(None, parts)) or made.findtext(f"{NEW}nickname/{NEW}text", "")
