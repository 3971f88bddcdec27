"""What the configuration file of `twistd xmppd-vcard` has besides the tables of every component."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from components.common.config import Settings
from components.vcard.service import CACHED_OCTETS
from components.vcard.vcard import Limits
from xmppd.config.schema import Table

_OCTETS = Limits()


class VCardTable(Table, frozen=True):
    """`[vcard]`: how large things may be, in octets, and who may search.

    `octets` is a vCard's size, `photo_octets` that of its photo, decoded; `cached_octets` is how
    much is kept in memory. `searches_per_minute` counts those of one user. With `vcard4_node` a
    user's vCard and the vCard4 in his PEP follow each other.
    """

    octets: Annotated[int, Meta(ge=4_096, le=4_194_304)] = _OCTETS.vcard
    photo_octets: Annotated[int, Meta(ge=0, le=4_194_304)] = _OCTETS.photo
    cached_octets: Annotated[int, Meta(ge=0)] = CACHED_OCTETS
    search: Literal["users", "everybody", "off"] = "users"
    vcard4_node: bool = True
    searches_per_minute: Annotated[int, Meta(ge=1, le=10_000)] = 20

    @property
    def limits(self) -> Limits:
        """The sizes, as what checks a vCard wants them."""
        return Limits(self.octets, self.photo_octets)


class Config(Settings, frozen=True):
    """The whole file."""

    vcard: VCardTable = VCardTable()
