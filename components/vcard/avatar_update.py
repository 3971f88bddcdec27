"""The avatar's hash as it is in presence (XEP-0153 §4.1)."""

from __future__ import annotations

from components.common.build import Tag
from components.vcard.names import AVATAR_UPDATE


def update(photo: str) -> bytes:
    """`<x/>` as it stands in presence; `photo` is the hash, "" where there is no avatar."""
    return Tag("x", {}, [Tag("photo", {}, photo)], ns=AVATAR_UPDATE).render()
