"""What a user who is searched for must match (XEP-0055): each criterion one field and one text."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from components.vcard.fields import key


class Match(Enum):
    """How a key has to be like the text."""

    EQUAL = "equal"
    PREFIX = "prefix"
    CONTAINS = "contains"


class Criterion(NamedTuple):
    """One field and what is looked for in it; `text` is a key, never empty."""

    field: str
    match: Match
    text: str


_ASTERISKS = {
    (False, False): Match.EQUAL,
    (False, True): Match.PREFIX,
    (True, False): Match.CONTAINS,
    (True, True): Match.CONTAINS,
}
"""By whether there is one at the beginning, and one at the end."""


def criterion(field: str, text: str) -> Criterion | None:
    """What a user means by the text: `Jul*` begins so, `*lie*` and `*liet` contain it.

    Any other text must be there as it is, save what `fields.key` makes alike; so is an asterisk
    within it. None where nothing is looked for.
    """
    text = text.strip()
    match = _ASTERISKS[text.startswith("*"), text.endswith("*")]
    wanted = key(text.strip("*"))
    return Criterion(field, match, wanted) if wanted else None
