"""The vCard of a room, for its avatar, as somebody wants it to be (XEP-0486).

Only kinds of images are taken that no browser runs as a page or a script, whatever their sender
calls them.
"""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha1
from typing import NamedTuple
from xml.etree.ElementTree import Element

from components.common import tree
from components.common.image import recognised
from components.common.tree import TooLong
from xmppd import ns
from xmppd.errors import StanzaError

OCTETS = 131_072
"""How large a vCard may be, with its images in base64."""
ELEMENTS = 2_000
"""How many elements and attributes it may have: whenever it is got, the server looks at each."""

_PHOTO, _TYPE, _BINVAL = (f"{{{ns.VCARD}}}{name}" for name in ("PHOTO", "TYPE", "BINVAL"))
_BLANKS = str.maketrans("", "", " \t\r\n")


class Card(NamedTuple):
    """A vCard: the element as bytes, b"" for an empty one, and the hashes of its images."""

    encoded: bytes
    hashes: tuple[str, ...]


def card(element: Element) -> Card:
    """A vCard that somebody wants a room to have, with the types that its images have.

    Raises StanzaError: `policy-violation` for one that is too large, `bad-request` for what is no
    base64, `not-acceptable` for an image of no kind that is taken.
    """
    if not len(element):
        return Card(b"", ())
    if tree.count(element) > ELEMENTS:
        raise _too_large(f"a vCard has {ELEMENTS} elements and attributes at the most")
    hashes = tuple(
        _hash(photo) for photo in element.iterfind(_PHOTO) if photo.findtext(_BINVAL, "").strip()
    )
    try:
        return Card(tree.written(element, most=OCTETS), hashes)
    except TooLong:
        raise _too_large(f"a vCard has {OCTETS} octets at the most") from None


def _too_large(text: str) -> StanzaError:
    return StanzaError("policy-violation", text, reason="muc.large-avatar")


def _hash(photo: Element) -> str:
    """The hash of an image (XEP-0153 §3.1), whose type is put right."""
    try:
        data = b64decode(photo.findtext(_BINVAL, "").translate(_BLANKS), validate=True)
    except ValueError:
        raise StanzaError("bad-request", "no base64", reason="muc.avatar") from None
    image = recognised(data)
    if image is None:
        text = "neither PNG nor JPEG, GIF or WebP"
        raise StanzaError("not-acceptable", text, reason="muc.avatar")
    named = photo.find(_TYPE)
    if named is None:
        named = tree.child(photo, "TYPE")
    named.text = image.type
    # Which image it is, no more: XEP-0153 leaves no choice of the hash.
    return sha1(data, usedforsecurity=False).hexdigest()
