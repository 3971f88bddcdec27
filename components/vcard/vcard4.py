"""vCard4 (XEP-0292, RFC 6351) from vcard-temp (XEP-0054) and back: one table for both ways.

What only one of them has gets lost on the way to the other (XEP-0292 §11). So neither takes the
place of the other: what it can't say there stays as it was. That holds for whole properties (a
gender, a mailer) and within one: a telephone number that is still the same keeps the types that
the other side has no word for. So what goes there and comes back is what it was.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import NamedTuple, TypeAlias
from xml.etree.ElementTree import Element

from components.common import tree
from components.vcard.names import VCARD4
from components.vcard.vcard4_shapes import (
    NEW,
    TEMP,
    Address,
    Agent,
    Binary,
    Date,
    Number,
    Parts,
    Place,
    Shape,
    Text,
    Words,
    blank,
    put_sorted_as,
    sorted_as,
)
from xmppd.errors import StanzaError

ROOT = f"{NEW}vcard"
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
    Property("PHOTO", "photo", Binary()),
    Property("BDAY", "bday", Date()),
    Property("ADR", "adr", Parts(_ADDRESS, flags=True)),
    Property("TEL", "tel", Number(inside="NUMBER", flags=True)),
    Property("EMAIL", "email", Text(inside="USERID", flags=True)),
    Property("JABBERID", "impp", Address()),
    Property("TZ", "tz", Text()),
    Property("GEO", "geo", Place()),
    Property("TITLE", "title", Text()),
    Property("ROLE", "role", Text()),
    Property("LOGO", "logo", Binary()),
    Property("ORG", "org", Words("ORGNAME", "ORGUNIT")),
    Property("CATEGORIES", "categories", Words("KEYWORD", "KEYWORD")),
    Property("DESC", "note", Text()),
    Property("NOTE", "note", Text()),
    Property("PRODID", "prodid", Text()),
    Property("REV", "rev", Text("timestamp")),
    Property("UID", "uid", Text("uri")),
    Property("URL", "url", Text("uri")),
    Property("SOUND", "sound", Binary("audio/basic")),
    Property("AGENT", "related", Agent()),
    Property("KEY", "key", Text(inside="CRED")),
)
"""Of two with the same name in a vCard4, the first is what that becomes."""

_BY_TEMP = {f"{TEMP}{each.temp}": each for each in PROPERTIES}
_BY_NEW = {f"{NEW}{each.new}": each for each in reversed(PROPERTIES)}
_PHOTO, _NEW_PHOTO = f"{TEMP}PHOTO", f"{NEW}photo"
_SORT = f"{TEMP}SORT-STRING"
"""A property of vcard-temp, and a parameter of the name in a vCard4 (XEP-0292 §11.3.4)."""

_Meaning: TypeAlias = bytes
"""What both forms say of a property: as vcard-temp says it that was a vCard4."""


def empty() -> Element:
    """A vCard4 that says nothing: none that could be published."""
    return Element(ROOT)


def from_temp(vcard: Element) -> Element:
    """The vCard4 of a vCard. It has a formatted name, as it must (RFC 6350 §6.2.1)."""
    made = tree.element(VCARD4, "vcard")
    made.extend(new for each in vcard if (new := _new(each)) is not None)
    return _finished(made, vcard)


def followed(vcard: Element, before: Element | None) -> Element | None:
    """The vCard4 of a vCard that takes the place of another, with what a vCard can't say.

    None where the vCard says nothing. Its photo is left out, and that of `before` stays: avatars
    have nodes of their own (XEP-0084).
    """
    said = _by_meaning(each for each in vcard if each.tag != _PHOTO)
    if not said:
        return None
    made = Element(ROOT)
    for each in () if before is None else before:
        meaning = None if each.tag == _NEW_PHOTO else _meant_new(each)
        stays = not blank(each) if meaning is None else _taken(said, meaning) is not None
        if stays:
            made.append(each)
    left = {id(each) for some in said.values() for each in some}
    made.extend(new for each in vcard if id(each) in left and (new := _new(each)) is not None)
    return _finished(made, vcard)


def to_temp(vcard4: Element, before: Element, *, photo: bool = True) -> Element:
    """The vCard of a vCard4, with what `before` has and a vCard4 can't say.

    Where it has no photo, or without `photo`, that of `before` stays: clients with avatars of their
    own (XEP-0084) leave it out of the vCard4. Raises StanzaError `bad-request` for what is no
    vCard4.
    """
    if vcard4.tag != ROOT:
        raise StanzaError("bad-request", "no vCard4", reason="vcard.malformed")
    was = _by_meaning(before)
    made = Element(before.tag, before.attrib)
    for each in vcard4:
        old = _temp(each)
        if old is not None and (photo or old.tag != _PHOTO):
            same = _taken(was, tree.written(old))
            made.append(old if same is None else same)
    name = vcard4.find(f"{NEW}n")
    if name is not None and (by := sorted_as(name)):
        tree.child(made, "SORT-STRING", by)
    made.extend(each for each in before if _stays(each, made, name))
    return made


def _stays(each: Element, made: Element, name: Element | None) -> bool:
    """Whether a property of the vCard before is one that the vCard4 could not have said."""
    if each.tag == _PHOTO:
        return made.find(_PHOTO) is None
    if each.tag == _SORT:
        return name is None
    return each.tag not in _BY_TEMP or not (blank(each) or _meant_temp(each))


def _new(old: Element) -> Element | None:
    known = _BY_TEMP.get(old.tag)
    return known and known.shape.to_new(old, known.new)


def _temp(new: Element) -> Element | None:
    known = _BY_NEW.get(new.tag)
    return known and known.shape.to_temp(new, known.temp)


def _meant_new(new: Element) -> _Meaning | None:
    """What a property of a vCard4 says; None for what a vCard can't say."""
    old = _temp(new)
    return None if old is None else tree.written(old)


def _meant_temp(old: Element) -> _Meaning | None:
    """What a property of a vCard says; None for what a vCard4 can't say."""
    new = _new(old)
    return None if new is None else _meant_new(new)


def _by_meaning(vcard: Iterable[Element]) -> Mapping[_Meaning, deque[Element]]:
    found: dict[_Meaning, deque[Element]] = defaultdict(deque)
    for each in vcard:
        meaning = _meant_temp(each)
        if meaning is not None:
            found[meaning].append(each)
    return dict(found)


def _taken(found: Mapping[_Meaning, deque[Element]], meaning: _Meaning) -> Element | None:
    """One of those that say this, each once; None where there is none left."""
    some = found.get(meaning)
    return some.popleft() if some else None


def _finished(made: Element, vcard: Element) -> Element:
    """The vCard4 of a vCard with the name that it must have, sorted as the vCard says."""
    for place, each in enumerate(made):
        if each.tag == f"{NEW}n":
            by = (vcard.findtext(_SORT) or "").strip()
            if sorted_as(each) != by:
                made[place] = each = deepcopy(each)
                put_sorted_as(each, by)
            break
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


def _formatted(made: Element) -> str:
    """A name to call somebody by who has given none that is formatted."""
    parts = (made.findtext(f"{NEW}n/{NEW}{part}") for part in ("given", "surname"))
    return " ".join(filter(None, parts)) or made.findtext(f"{NEW}nickname/{NEW}text", "")
