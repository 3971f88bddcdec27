"""Lists of affiliations and subscriptions, in pages where they are long (XEP-0059).

Each page is small enough for a stanza, however long the addresses and the names in it are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from components.common import paging
from components.common.build import Content, Tag
from components.common.paging import Found
from components.pubsub.model.parcels import fitting
from components.pubsub.requests import Request
from xmppd.errors import StanzaError

T = TypeVar("T")

MOST = 500
"""How many are told at once: more come in pages, whether that was asked for or not."""


def listed(
    request: Request,
    local: str,
    entries: Sequence[T],
    tag: Callable[[T], Tag],
    key: Callable[[T], str],
) -> Tag:
    """The answer with `entries`, or a page of them; `key` says in a word which one each is.

    Raises StanzaError `item-not-found` for a page beside an entry that is not there (§2.2).
    """
    page = paging.asked(request.page, MOST)
    first, last = _bounds(page, entries, key)
    some = entries[first:last]
    backwards = page.before is not None
    # Those next to what the page lies beside: the others come with the page that follows.
    parts = fitting(tag(each).render() for each in (reversed(some) if backwards else some))
    if backwards:
        parts.reverse()
        first += len(some) - len(parts)
    some = entries[first : first + len(parts)]
    attrs = {"node": request.action.get("node")}
    told: list[Content] = [Tag(local, attrs, parts)]
    if request.page is not None or len(some) < len(entries):
        told.append(paging.told(Found(some, first, len(entries)), key))
    namespace = request.action.tag.removeprefix("{").partition("}")[0]
    return Tag("pubsub", {}, told, ns=namespace)


def _bounds(page: paging.Page, entries: Sequence[T], key: Callable[[T], str]) -> tuple[int, int]:
    """Where a page begins, and where it ends."""
    beside = page.after or page.before
    place = _place(beside, entries, key) if beside else len(entries)
    if page.before is not None:
        return max(0, place - page.most), place
    first = place + 1 if beside else page.index
    return first, first + page.most


def _place(beside: str, entries: Sequence[T], key: Callable[[T], str]) -> int:
    for place, entry in enumerate(entries):
        if key(entry) == beside:
            return place
    raise StanzaError("item-not-found", "no such page", reason="pubsub.no-page")
