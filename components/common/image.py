"""What kind of image some octets are, by how they begin, and how large it is in pixels.

Only these kinds are taken for avatars (XEP-0153 §4.6, XEP-0084 §4.2.1): what a browser might run
as a page or a script is none of them, whatever its sender calls it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from struct import calcsize, unpack_from
from typing import NamedTuple

_SEGMENTS = 200
"""How many segments of a JPEG are looked at for the one that tells its size."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of JPEG's frame headers."""
_ALONE = frozenset((0x01, *range(0xD0, 0xDA)))
"""The markers without a segment."""


class Image(NamedTuple):
    """A media type, and width and height in pixels, 0 where the octets do not tell."""

    type: str
    width: int
    height: int


def recognised(data: bytes) -> Image | None:
    """What image it is; None where it is of no kind that is known here."""
    for magic, type_, size in _KINDS:
        if magic.match(data):
            width, height = size(data)
            return Image(type_, width, height)
    return None


def _png(data: bytes) -> tuple[int, int]:
    return _read(">II", data, 16)


def _gif(data: bytes) -> tuple[int, int]:
    return _read("<HH", data, 6)


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(_SEGMENTS):
        if at + 4 > len(data) or data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = _read(">HH", data, at + 5)
            return width, height
        if marker == 0xFF:  # filling
            at += 1
        elif marker in _ALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return 0, 0


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = _read("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and len(data) >= 30:
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    return 0, 0


def _read(layout: str, data: bytes, at: int) -> tuple[int, int]:
    """Two numbers at a place; zeros where the octets end before."""
    if at + calcsize(layout) > len(data):
        return 0, 0
    one, other = unpack_from(layout, data, at)
    return one, other


_KINDS: tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], tuple[int, int]]], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", _png),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", _jpeg),
    (re.compile(rb"GIF8[79]a"), "image/gif", _gif),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp", _webp),
)
