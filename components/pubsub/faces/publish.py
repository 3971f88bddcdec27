"""Publishing items (XEP-0060 §7.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from secrets import token_urlsafe
from xml.etree.ElementTree import Element

from components.common import tree
from components.common.build import Tag
from components.pubsub.faces.publish_options import PublishOptions
from components.pubsub.faults import forbidden, no_name, refusal, unsupported
from components.pubsub.life.configuring import Changes, changed
from components.pubsub.life.nodes import defaults
from components.pubsub.model import event_type, limits
from components.pubsub.model.item import ID_OCTETS, Item
from components.pubsub.model.node import Node
from components.pubsub.model.privileges import Privilege
from components.pubsub.model.room import Room
from components.pubsub.model.settings import Settings
from components.pubsub.names import PUBSUB
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError

_ITEM = f"{{{PUBSUB}}}item"


def serve(service: Service) -> None:
    """Answer requests to publish."""
    service.requests.on("set", "publish", Publish(service).publish)


class Publish:
    """Publishes items."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._options = PublishOptions(service.policy)

    async def publish(self, request: Request) -> Tag:
        """Publish items; the answer has their ids (§7.1.1)."""
        service = self._service
        if not request.node:
            raise no_name()
        wanted = self._options.wanted(request)
        node = service.nodes.at_hand(request.address)
        if node is None:
            node = await service.nodes.open(request.address)
        if node is None:
            node = await self._created(request, wanted)
        if not service.access.may(node, request.asker, Privilege.PUBLISH):
            raise forbidden("you may not publish here")  # §7.1.3.1
        if wanted:
            owner = service.access.may(node, request.asker, Privilege.CONFIGURE)
            self._options.check(wanted, node.settings, owner=owner)
        items = self._items(request, node.settings)
        await service.publishing.publish(node, items, request.asker)
        told = [Tag("item", {"id": item.id}) for item in items]
        return Tag("pubsub", {}, [Tag("publish", {"node": request.node}, told)], ns=PUBSUB)

    async def _created(self, request: Request, wanted: Changes) -> Node:
        """The node that an account publishes to for the first time (§7.1.4, XEP-0163 §3).

        It is as is wanted, and otherwise as by default. Raises StanzaError where there is none to
        be, and where what is published does not go with it.
        """
        service, address = self._service, request.address
        if not request.personal or request.asker.bare != request.service:
            return await service.node(request)
        self._items(request, changed(defaults(address), wanted))
        try:
            return await service.configuring.create(address, request.asker, wanted)
        except StanzaError as error:
            # Another client of the same account was faster.
            node = None
            if error.reason == "pubsub.exists":
                node = await service.nodes.open(address)
            if node is None:
                raise
            return node

    # ------------------------------------------------------------------ what is published

    def _items(self, request: Request, settings: Settings) -> Sequence[Item]:
        """The items, as the node takes them; raises StanzaError (§7.1.3)."""
        if settings.node_type != "leaf":
            raise unsupported("publish")  # §7.1.3.2
        elements = request.action.findall(_ITEM)
        event_type.check_items(settings, len(elements))
        if len(elements) > 1:
            self._check_batch(settings, elements)
        now, asker = self._service.now(), request.asker
        payloads = self._payloads(settings, elements)
        return [
            Item(_id(each), asker, now, payload)
            for each, payload in zip(elements, payloads, strict=True)
        ]

    def _check_batch(self, settings: Settings, elements: Sequence[Element]) -> None:
        """(§13.11)."""
        most = self._service.policy.batch
        if settings.persist_items:
            most = min(most, limits.items(settings, self._service.policy))
        if len(elements) > most:
            raise refusal("not-allowed", "max-items-exceeded", reason="pubsub.batch")
        ids = [each.get("id") for each in elements if each.get("id")]
        if len(set(ids)) < len(ids):
            raise StanzaError("bad-request", "an item comes twice", reason="stanza.malformed")

    def _payloads(self, settings: Settings, elements: Sequence[Element]) -> Iterator[bytes]:
        """What the items have in them, b"" for nothing."""
        policy = self._service.policy
        most = Room(limits.octets(settings, policy), policy.item_elements)
        room = Room(max(most.octets, policy.octets), max(most.elements, policy.elements))
        for each in elements:
            event_type.check_payloads(settings, len(each))
            payload = b""
            if len(each):
                namespace = each[0].tag.removeprefix("{").rpartition("}")[0]
                event_type.check_namespace(settings, namespace)
                count = _counted(each[0], min(most.elements, room.elements))
                payload = _written(each[0], min(most.octets, room.octets))
                room = Room(room.octets - len(payload), room.elements - count)
            yield payload


def _counted(payload: Element, most: int) -> int:
    """Its elements and attributes: before it is written, which takes longer."""
    count = tree.count(payload)
    if count > most:
        text = f"a payload may have {most} elements and attributes"
        raise _too_big(text, "pubsub.payload-elements")
    return count


def _written(payload: Element, most: int) -> bytes:
    try:
        return tree.written(payload, most=most)
    except tree.TooLong:
        text = f"a payload may have {most} octets"
        raise _too_big(text, "pubsub.payload-too-big") from None


def _too_big(text: str, reason: str) -> StanzaError:
    """(§7.1.3.5)"""
    return refusal("not-acceptable", "payload-too-big", text, reason=reason)


def _id(item: Element) -> str:
    """The id that an item was given, or one that no other has."""
    id_ = item.get("id")
    if not id_:
        return token_urlsafe(16)
    if len(id_) > ID_OCTETS // 4 and len(id_.encode()) > ID_OCTETS:
        raise StanzaError("not-acceptable", "the id is too long", reason="pubsub.item-id")
    return id_
