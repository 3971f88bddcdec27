"""The avatar's hash in presence (XEP-0153 §4.1), and where a server puts it (XEP-0398 §4)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from components.common.build import Tag
from components.vcard.names import AVATAR_UPDATE

_PHOTO = f"{{{AVATAR_UPDATE}}}photo"


def update(photo: str) -> bytes:
    """`<x/>` as it stands in presence; `photo` is the hash, "" where there is no avatar."""
    return Tag("x", {}, [Tag("photo", {}, photo)], ns=AVATAR_UPDATE).render()


def replaced(x: Element | None) -> bool:
    """Whether the server's hash takes the place of a client's `<x/>` in available presence.

    It does where there is none, or none with a photo (MUST), and where the client names an avatar
    (MAY): it may be an old one. An empty photo says that the client shows none, and stays.
    """
    photo = None if x is None else x.find(_PHOTO)
    return photo is None or bool((photo.text or "").strip())
