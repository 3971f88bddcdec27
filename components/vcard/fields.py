"""What users are searched by (XEP-0055), and who is found.

A user is in the directory who says so in the vCard, by `<CLASS><PUBLIC/></CLASS>` (XEP-0054 §9,
RFC 2426 §3.7.1): any client that edits a vCard can say it, and it goes where the vCard goes. Who
says `<PRIVATE/>`, `<CONFIDENTIAL/>`, several of them or nothing is not found; the vCard itself is
for everybody either way (XEP-0054 §5).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple
from xml.etree.ElementTree import Element

from components.vcard.names import VCARD_TEMP

KEY_MAX = 80
"""Characters of a key; what is longer is compared by its beginning."""
SHOWN_MAX = 80
"""Characters of what a search shows of a field."""
VALUES_MAX = 8
"""How many values of one field a user is found by."""

_MARKS = re.compile("[\u0300-\u036f]")
"""The accents of Latin, Greek and Cyrillic; marks of other scripts are letters of their own."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name and label in forms, and where it stands in a vCard.

    `plain` ones are those that XEP-0055 itself has. `separator` stands between several values in
    one element; the default stands in no XML.
    """

    var: str
    label: str
    path: tuple[str, ...]
    plain: bool = False
    separator: str = "\0"

    def values(self, vcard: Element) -> list[str]:
        """What the vCard says of it, `VALUES_MAX` values at the most, none of them blank."""
        return list(islice(self._values(vcard), VALUES_MAX))

    def _values(self, vcard: Element) -> Iterator[str]:
        for each in vcard.iterfind("/".join(f"{{{VCARD_TEMP}}}{name}" for name in self.path)):
            for value in (each.text or "").split(self.separator):
                said = " ".join(value[: 4 * SHOWN_MAX].split())
                if said:
                    yield said


FIELDS = (
    Field("first", "Given Name", ("N", "GIVEN"), plain=True),
    Field("last", "Family Name", ("N", "FAMILY"), plain=True),
    Field("nick", "Nickname", ("NICKNAME",), plain=True, separator=","),
    Field("email", "Email Address", ("EMAIL", "USERID"), plain=True),
    Field("fn", "Full Name", ("FN",)),
    Field("org", "Organization", ("ORG", "ORGNAME")),
    Field("locality", "City", ("ADR", "LOCALITY")),
    Field("country", "Country", ("ADR", "CTRY")),
)

_CLASSES = f"{{{VCARD_TEMP}}}CLASS/*"
_PUBLIC = {f"{{{VCARD_TEMP}}}PUBLIC"}


class Listing(NamedTuple):
    """What the directory has of a user: the fields to be shown, by name, and the keys of each."""

    shown: Mapping[str, str]
    keys: frozenset[tuple[str, str]]


def listing(vcard: Element) -> Listing | None:
    """What the directory is to have of a vCard; None where its owner is not to be found."""
    if {each.tag for each in vcard.iterfind(_CLASSES)} != _PUBLIC:
        return None
    values = {field.var: field.values(vcard) for field in FIELDS}
    keys = ((var, key(value)) for var, some in values.items() for value in some)
    return Listing(
        {var: some[0][:SHOWN_MAX] for var, some in values.items() if some},
        frozenset((var, text) for var, text in keys if text),
    )


def key(text: str) -> str:
    """The text as it is compared: of letters that differ by case, accent or width one form only.

    Blanks are joined, and what nobody sees is left out; "" where nothing is left.
    """
    apart = unicodedata.normalize("NFKD", text[: 4 * KEY_MAX])
    plain = unicodedata.normalize("NFKC", _MARKS.sub("", apart).casefold())
    seen = (c for c in " ".join(plain.split()) if unicodedata.category(c)[0] != "C")
    return "".join(seen)[:KEY_MAX].strip()
