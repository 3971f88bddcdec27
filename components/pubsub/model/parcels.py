"""What goes into one stanza: as much as every server takes that it may have to pass.

The octets count that are sent: a character may be an octet in a request, and six in the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from components.common import build

OCTETS = 100_000
"""Of what is listed in one stanza."""


def fitting(parts: Iterable[bytes], most: int = OCTETS) -> list[bytes]:
    """As many of these parts of a stanza as go into it, one at least."""
    return next(parcels(parts, most), [])


def parcels(parts: Iterable[bytes], most: int = OCTETS) -> Iterator[list[bytes]]:
    """All of them, in as many stanzas as they need."""
    some: list[bytes] = []
    octets = 0
    for each in parts:
        octets += len(each)
        if some and octets > most:
            yield some
            some, octets = [], len(each)
        some.append(each)
    if some:
        yield some


def written(text: str) -> int:
    """The octets that a text takes as it is sent, in an element or an attribute."""
    return len(build.attribute(text).encode())


def short(texts: Sequence[str], most: int = OCTETS) -> Sequence[str]:
    """The first of these texts that take no more than `most` together."""
    for count, text in enumerate(texts):
        most -= written(text)
        if most < 0:
            return texts[:count]
    return texts
