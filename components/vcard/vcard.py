"""vCards (XEP-0054): what may be set, and how it is kept.

What is kept is what is sent: the element as bytes, with everything that its owner put into it,
names unknown to vcard-temp among it. Only a photo is written anew, with the type that it has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring

from components.common import tree
from components.vcard import photo
from components.vcard.fields import Listing, listing
from components.vcard.names import VCARD_TEMP
from components.vcard.photo import PHOTO, Photo
from xmppd.errors import StanzaError

VCARD = f"{{{VCARD_TEMP}}}vCard"

MOST_ELEMENTS = 2_000
"""Elements and attributes of a vCard. People have a hundred. Each time that it is got, the server
reads all of them: of the octets that there may be, tens of thousands take it 35 ms, for a request
of eighty octets."""


class Limits(NamedTuple):
    """What a vCard may take in octets, as a whole and its photo, decoded."""

    vcard: int = 200_000
    photo: int = 131_072


@dataclass(frozen=True, slots=True)
class VCard:
    """A vCard that was checked: its bytes, its photo, and what the directory has of it."""

    encoded: bytes = field(repr=False)
    photo: Photo | None
    listing: Listing | None

    @property
    def photo_hash(self) -> str:
        """The hash of its photo, "" for none."""
        return self.photo.hash if self.photo else ""


def checked(element: Element, limits: Limits) -> VCard | None:
    """The vCard of a set; None for an empty one, which says that there is none (XEP-0054 §3.1).

    Raises StanzaError: `bad-request` for another element, `policy-violation` for what is too
    large or has too many elements, and as `photo.decoded`.
    """
    if element.tag != VCARD:
        raise StanzaError("bad-request", "no vCard", reason="vcard.malformed")
    if not len(element):
        return None
    if tree.count(element) > MOST_ELEMENTS:
        raise _too_large("the vCard has too many elements")
    photos = [photo.read(each, limits.photo) for each in element.iterfind(PHOTO)]
    if any(photos):
        new = iter(photos)
        element = _with_children(
            element, (_new(next(new), each) if each.tag == PHOTO else each for each in element)
        )
    try:
        encoded = tree.written(element, most=limits.vcard)
    except tree.TooLong:
        raise _too_large("the vCard is too large") from None
    # Clients take the first photo that there is.
    return VCard(encoded, next(filter(None, photos), None), listing(element))


def _too_large(why: str) -> StanzaError:
    return StanzaError("policy-violation", why, reason="limit.vcard")


def _new(image: Photo | None, old: Element) -> Element:
    return old if image is None else image.element()


def parsed(encoded: bytes) -> Element:
    """The element of bytes that `checked` made."""
    return fromstring(encoded)


def empty() -> Element:
    """A vCard that says nothing."""
    return tree.element(VCARD_TEMP, "vCard")


def with_photo(vcard: Element, image: Photo | None) -> Element:
    """The vCard with this photo in place of those that it has; None for none."""
    others = [each for each in vcard if each.tag != PHOTO]
    if image is not None:
        others.append(image.element())
    return _with_children(vcard, others)


def _with_children(vcard: Element, children: Iterable[Element]) -> Element:
    made = Element(vcard.tag, vcard.attrib)
    made.text = vcard.text
    made.extend(children)
    return made
