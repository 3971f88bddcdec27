"""Lists of affiliations and subscriptions, in pages where they are long (XEP-0059)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from components.common import paging
from components.common.build import Content, Tag
from components.common.paging import Found
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
    element = next((each for each in request.others if each.tag == paging.SET), None)
    page = paging.asked(element, MOST)
    first = _first(page, entries, key)
    some = entries[first : first + page.most]
    attrs = {"node": request.action.get("node")}
    told: list[Content] = [Tag(local, attrs, [tag(each) for each in some])]
    if element is not None or len(some) < len(entries):
        told.append(paging.told(Found(some, first, len(entries)), key))
    namespace = request.action.tag.removeprefix("{").partition("}")[0]
    return Tag("pubsub", {}, told, ns=namespace)


def _first(page: paging.Page, entries: Sequence[T], key: Callable[[T], str]) -> int:
    if page.before == "":
        return max(0, len(entries) - page.most)
    beside = page.after or page.before
    if not beside:
        return page.index
    for place, entry in enumerate(entries):
        if key(entry) == beside:
            return place + 1 if page.after else max(0, place - page.most)
    raise StanzaError("item-not-found", "no such page", reason="pubsub.no-page")
