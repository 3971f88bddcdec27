"""Avatars of PEP (XEP-0084) from the photo of a vCard and back (XEP-0398 §3).

A photo may become that of a vCard, which everybody can read, only while the node of the data is
open to everybody (XEP-0398 §7): who calls sees to that.
"""

from __future__ import annotations

import re
from base64 import b64encode
from xml.etree.ElementTree import Element

from components.common.build import Tag
from components.vcard import photo
from components.vcard.names import AVATAR_DATA, AVATAR_METADATA
from components.vcard.photo import Photo
from xmppd.errors import StanzaError

_DATA = f"{{{AVATAR_DATA}}}data"
_METADATA = f"{{{AVATAR_METADATA}}}metadata"
_INFO = f"{{{AVATAR_METADATA}}}info"
_ID = re.compile("[0-9a-fA-F]{40}")


def data(image: Photo) -> Tag:
    """The payload for the node of the data; the item's id is the photo's hash (XEP-0084 §3.1)."""
    return Tag("data", {}, b64encode(image.data).decode(), ns=AVATAR_DATA)


def metadata(image: Photo | None) -> Tag:
    """The payload for the node of the metadata: one image, or None for no avatar (XEP-0084 §3.5).

    The item's id is the photo's hash (XEP-0084 §3.2).
    """
    return Tag("metadata", {}, [] if image is None else [_info(image)], ns=AVATAR_METADATA)


def _info(image: Photo) -> Tag:
    size = {"width": image.width, "height": image.height} if image.width else {}
    facts = {"bytes": len(image.data), "id": image.hash, "type": image.type, **size}
    return Tag("info", {name: str(fact) for name, fact in facts.items()})


def chosen(element: Element) -> str | None:
    """The id of the item of the data node that the metadata mean; None where they mean none.

    That is the image that is not at some URL (XEP-0398 §3.1). None also where all of them are:
    then the vCard has no photo either, rather than an old one. Raises StanzaError `bad-request`
    for what are no metadata.
    """
    if element.tag != _METADATA:
        raise _malformed("no avatar metadata")
    for info in element.iterfind(_INFO):
        if info.get("url") is None:
            item = info.get("id", "")
            if not _ID.fullmatch(item):
                raise _malformed("an id is a SHA-1 hash")
            return item
    return None


def read(element: Element, item: str, most: int) -> Photo:
    """The photo that a payload of the data node holds, published as `item`.

    Raises StanzaError as `photo.decoded`, `bad-request` for what are no avatar data, and
    `not-acceptable` where the hash is not what the metadata say (XEP-0398 §3.1).
    """
    if element.tag != _DATA:
        raise _malformed("no avatar data")
    found = photo.decoded(element.text or "", most)
    if found.hash != item.lower():
        raise StanzaError("not-acceptable", "its hash is not the id", reason="vcard.avatar")
    return found


def _malformed(why: str) -> StanzaError:
    return StanzaError("bad-request", why, reason="vcard.avatar")
