"""Retrieving items (XEP-0060 §6.5), by pages where there are many (XEP-0059)."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from components.common import paging
from components.common.build import Content, Tag
from components.common.paging import Found, Page
from components.pubsub.events import item_element
from components.pubsub.faults import refusal, unsupported
from components.pubsub.model.item import Item
from components.pubsub.model.item_reply import item_reply
from components.pubsub.model.node import Node
from components.pubsub.model.privileges import Privilege
from components.pubsub.model.ranks import State
from components.pubsub.names import PUBSUB
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError

_ITEM = f"{{{PUBSUB}}}item"
_ALL = 1_000_000_000
"""More items than there can be; what it is exactly makes no difference."""


def serve(service: Service) -> None:
    """Answer requests for items."""
    service.requests.on("get", "items", Items(service).items)


class Items:
    """Gives items to who may read them."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def items(self, request: Request) -> Tag:
        """The items that are asked for: those of some ids, a page, or the newest (§6.5.2)."""
        service = self._service
        node = await service.node(request)
        await service.access.check(node, request.asker, Privilege.RETRIEVE)
        self._check(node, request)
        ids = self._ids(request)
        asked, most = request.page, _max_items(request)
        page = self._page(asked, most)
        found = await self._found(node, ids, page)
        # What he may see no more may have been published meanwhile.
        await service.access.check(node, request.asker, Privilege.RETRIEVE)
        settings, owner = node.settings, node.owner
        told: list[Content] = [
            item_element(item, publisher=item_reply(settings, item, owner)) for item in found.items
        ]
        said: list[Content] = [Tag("items", {"node": request.node}, told)]
        if found.count is not None and (
            asked is not None or len(told) < min(found.count, len(ids) or most)
        ):
            said.append(paging.told(found, lambda item: item.id))  # §6.5.4
        return Tag("pubsub", {}, said, ns=PUBSUB)

    async def _found(self, node: Node, ids: Sequence[str], page: Page) -> Found[Item]:
        """Those of these ids, or a page; of a node that keeps none, the last one (§6.5.5)."""
        service = self._service
        since = service.publishing.since(node)
        if not node.settings.persist_items:
            last = await service.publishing.last(node)
            some = [] if last is None or (ids and last.id not in ids) else [last]
            return Found(some, 0, len(some))
        if ids:
            return await service.items.named(node.id, ids, service.policy.answer, since)
        return await service.items.page(node.id, page, service.policy.answer, since)

    def _check(self, node: Node, request: Request) -> None:
        """(§6.5.9)."""
        if not node.leaf:
            raise unsupported("retrieve-items")
        settings = node.settings
        if not settings.persist_items and not settings.deliver_payloads:
            raise unsupported("persistent-items")
        _check_subid(node, request)

    def _ids(self, request: Request) -> Sequence[str]:
        """The items that are named, each once (§6.5.6)."""
        ids = [each.get("id", "") for each in request.action.iterfind(_ITEM)]
        if not all(ids):
            raise refusal("bad-request", "item-required", reason="pubsub.item-required")
        if len(ids) > self._service.policy.page:
            most = self._service.policy.page
            raise StanzaError("policy-violation", f"more than {most} ids", reason="pubsub.batch")
        return list(dict.fromkeys(ids))

    def _page(self, asked: Element | None, most: int) -> Page:
        """The page that is asked for; the newest items, where none is (§6.5.4, §6.5.7)."""
        most = min(most, self._service.policy.page)
        return Page(most, before="") if asked is None else paging.asked(asked, most)


def _max_items(request: Request) -> int:
    """How many of the newest items are asked for (§6.5.7)."""
    text = request.action.get("max_items")
    if text is None:
        return _ALL
    if text.isascii() and text.isdigit() and text.strip("0"):
        return min(int(text.lstrip("0")[:10]), _ALL)
    raise StanzaError("bad-request", "max_items is no number", reason="stanza.malformed")


def _check_subid(node: Node, request: Request) -> None:
    """Raise StanzaError where it is not clear which subscription is meant (§6.5.9.1, §6.5.9.2)."""
    asker = request.asker
    own = {
        each.subid
        for jid in {asker, asker.bare}
        for each in node.of_jid(jid)
        if each.state is State.SUBSCRIBED
    }
    subid = request.action.get("subid", "")
    if len(own) > 1 and not subid:
        raise refusal("bad-request", "subid-required", reason="pubsub.subid-required")
    if own and subid and subid not in own:
        raise refusal("not-acceptable", "invalid-subid", reason="pubsub.invalid-subid")
