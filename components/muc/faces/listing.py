"""Lists that service discovery gives: public rooms, and who is in a room (XEP-0045 §6.3, §6.5).

Rule 1: a list is given in pages (XEP-0059), whether or not somebody asks for one, each of them
small enough for a stanza whatever the addresses and names in it are like.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import TypeVar

from components.common import paging
from components.common.build import Tag
from components.common.disco import Item, items_tag
from components.common.paging import Found, Page
from components.common.stanza import Stanza
from components.muc.model.room import Room
from components.muc.store.rooms import Listed, SQLRooms
from xmppd.errors import StanzaError

PAGE = 250
"""Items of one page."""
OCTETS = 100_000
"""What they may take together: a stanza has to go through every server on its way."""
_EACH = len("<item jid='' name=''/>")
_WRITTEN = 6
"""Octets that an address, a name may take for each of its own: `&` is written `&apos;` or so."""

T = TypeVar("T")


async def rooms(store: SQLRooms, request: Stanza) -> Tag:
    """The public rooms (§6.3)."""
    asked = request.payload.find(paging.SET)
    page = paging.asked(asked, PAGE)
    found = await store.listed(page)
    return _answer(found, page, _listed, asked=asked is not None)


def occupants(room: Room, request: Stanza) -> Tag:
    """Who is in a room, as far as others are told of it at all (§6.5)."""
    asked = request.payload.find(paging.SET)
    page = paging.asked(asked, PAGE)
    shown = room.settings.broadcasts
    addresses = sorted(str(each.address) for each in room.occupants if shown(each.role))
    return _answer(_cut(addresses, page), page, Item, asked=asked is not None)


def _listed(room: Listed) -> Item:
    return Item(str(room.address), room.name)


def _answer(found: Found[T], page: Page, item: Callable[[T], Item], *, asked: bool) -> Tag:
    """A page as an answer; it says that it is one where that was asked for, or there is more."""
    fitting = _fitting([item(each) for each in found.items], backwards=page.before is not None)
    index = found.index or 0
    if page.before is not None:
        index += len(found.items) - len(fitting)
    told = Found(fitting, index, found.count)
    if not found.count or not (asked or len(fitting) < found.count):
        # XEP-0059 §2.4: where there is nothing at all, the answer is as it ever was.
        return items_tag(fitting)
    return items_tag(fitting, "", paging.told(told, lambda each: each.jid))


def _fitting(items: Sequence[Item], *, backwards: bool) -> Sequence[Item]:
    """As many of the items as fit into a stanza; those at the end where it is read backwards."""
    chosen = []
    octets = OCTETS
    for each in reversed(items) if backwards else items:
        octets -= _EACH + _WRITTEN * len(each.name) + len(each.jid.encode())
        if octets < 0:
            break
        chosen.append(each)
    return chosen[::-1] if backwards else chosen


def _cut(sequence: Sequence[str], page: Page) -> Found[str]:
    """A page of a sequence in order, each of which stands for itself."""
    if page.before is None:
        start = bisect_right(sequence, page.after) if page.after else page.index
        end = start + page.most
    else:
        end = bisect_left(sequence, page.before) if page.before else len(sequence)
        start = max(0, end - page.most)
    return Found(sequence[start:end], start, len(sequence))


def no_node(node: str) -> None:
    """Raise StanzaError for a node: no list here has any."""
    if node:
        raise StanzaError("item-not-found", "there is no such node", reason="stanza.node")
