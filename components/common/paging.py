"""Pages of results (XEP-0059): what is asked for, and what is said of the page that is given.

What identifies an item is the peer's own word: here it is text, and whoever looks it up checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from xml.etree.ElementTree import Element

from components.common.build import Content, Tag
from xmppd.errors import StanzaError

T = TypeVar("T")

RESULT_SET = "http://jabber.org/protocol/rsm"
SET = f"{{{RESULT_SET}}}set"
_DIGITS_MAX = 9


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for: at most `most` items, none for their number alone (§2.7).

    From the first one on, or from behind the item `after`, or from that at `index`, counted
    from 0; or those just before the item `before`, "" for the last ones of all.
    """

    most: int
    after: str = ""
    before: str | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A page: its items, where its first one stands, and how many items there are in all.

    None for what would cost too much to know: it is not told (§2.2).
    """

    items: Sequence[T]
    index: int | None = None
    count: int | None = None


def asked(element: Element | None, most: int) -> Page:
    """The page that a `<set/>` asks for, of `most` items at the most; the first one without it.

    Raises StanzaError `bad-request` for what are no numbers, and for two places to begin at.
    """
    if element is None:
        return Page(most)
    said = {each.tag.rpartition("}")[2]: each.text or "" for each in element}
    if len(said.keys() & {"after", "before", "index"}) > 1:
        raise StanzaError("bad-request", "two pages at once", reason="stanza.malformed")
    return Page(
        min(most, _number(said.get("max", str(most)))),
        said.get("after", ""),
        said.get("before"),
        _number(said.get("index", "0")),
    )


def told(found: Found[T], identify: Callable[[T], str]) -> Tag:
    """The `<set/>` of a page (§2.2); `identify` gives the word for an item."""
    said: list[Content] = []
    if found.items:
        index = None if found.index is None else str(found.index)
        said.append(Tag("first", {"index": index}, identify(found.items[0])))
        said.append(Tag("last", {}, identify(found.items[-1])))
    if found.count is not None:
        said.append(Tag("count", {}, str(found.count)))
    return Tag("set", {}, said, ns=RESULT_SET)


def _number(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit()):
        raise StanzaError("bad-request", "no number", reason="stanza.malformed")
    # More is asked for than there can be; what it is exactly makes no difference.
    return int(text) if len(text) <= _DIGITS_MAX else 10**_DIGITS_MAX
