"""Owners see and change who is subscribed (XEP-0060 §8.8)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from components.common.build import Tag
from components.pubsub.faces import deltas
from components.pubsub.faces.lists import listed
from components.pubsub.faces.owners import check_owner
from components.pubsub.model.node import Node, Subscription
from components.pubsub.model.options import DEFAULT
from components.pubsub.model.ranks import State
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID


def serve(service: Service) -> None:
    """Answer requests for subscriptions, and to change them."""
    managing = Managing(service)
    service.requests.on("get", "owner subscriptions", managing.get)
    service.requests.on("set", "owner subscriptions", managing.set)


class Managing:
    """Shows owners who is subscribed, and has it changed."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def get(self, request: Request) -> Tag:
        """All of them, without those that wait for approval (§8.8.1)."""
        node = await self._service.node(request)
        check_owner(self._service, node, request.asker)
        found = [each for each in node.subscriptions() if each.state is not State.PENDING]
        found.sort(key=lambda each: each.subid)
        return listed(request, "subscriptions", found, _tag, lambda each: each.subid)

    async def set(self, request: Request) -> None:
        """Change some (§8.8.2)."""
        node = await self._service.node(request)
        await node.lock.run(self._set, node, request)

    async def _set(self, node: Node, request: Request) -> None:
        check_owner(self._service, node, request.asker)
        wrong: list[Tag] = []
        seen: set[tuple[JID, str | None]] = set()
        for written, jid, element in deltas.entries(request, "subscription"):
            subid = element.get("subid")
            if jid is None:
                wrong.append(Tag("subscription", {"jid": written, "subscription": "none"}))
            elif (jid, subid) in seen or not await self._change(
                node, jid, subid, element, request.asker
            ):
                wrong += _as_it_is(node, jid, subid)
            if jid is not None:
                seen.add((jid, subid))
        if wrong:
            raise deltas.wrong(request, "subscriptions", wrong)

    async def _change(
        self, node: Node, jid: JID, subid: str | None, element: Element, owner: JID
    ) -> bool:
        """Make one change; False where it can't be made."""
        state = element.get("subscription")
        found = [each for each in node.of_jid(jid) if subid in (None, each.subid)]
        if subid is not None and not found:
            return False
        if state is None or (found and all(each.state.value == state for each in found)):
            return True  # it stays as it is (§8.8.2.1)
        if state == State.NONE.value:
            await self._drop(node, found)
            return True
        if state == State.SUBSCRIBED.value:
            return await self._subscribe(node, jid, found, owner)
        if state == State.PENDING.value and found:
            await self._hold(node, found)
            return True
        return False

    async def _drop(self, node: Node, found: list[Subscription]) -> None:
        """(§8.8.3)."""
        subscribing = self._service.subscribing
        await subscribing.change(node, drop=found)
        subscribing.tell(node, found, State.NONE)

    async def _hold(self, node: Node, found: list[Subscription]) -> None:
        """Have subscriptions wait for approval again."""
        pending = [each._replace(state=State.PENDING) for each in found]
        await self._service.subscribing.change(node, pending)
        self._service.subscribing.tell(node, pending, State.PENDING)

    async def _subscribe(self, node: Node, jid: JID, found: list[Subscription], owner: JID) -> bool:
        """Approve of those who wait, or subscribe somebody who has not asked for it."""
        service = self._service
        rank = service.access.affiliation(node, jid)
        if not await service.access.keeps(node, jid, rank):
            return False  # he would be told of what he may not see (§15.3)
        for each in found:
            if each.state is State.PENDING:
                await service.approvals.decide(node, each, allowed=True)
        if not found:
            unasked = service.unasked.concerns(node, owner, jid)
            if unasked and not service.unasked.may_subscribe(node, owner):
                return False
            options = DEFAULT.change(unasked=unasked)
            try:
                made = await service.subscribing.subscribe(node, jid, State.SUBSCRIBED, options)
            except StanzaError:
                return False  # there are too many
            await service.subscribing.tell_all(node, [made], [])
        return True


def _as_it_is(node: Node, jid: JID, subid: str | None) -> list[Tag]:
    found = node.of_jid(jid)
    same = [each for each in found if subid in (None, each.subid)] or found
    if same:
        return [_tag(each) for each in same]
    return [Tag("subscription", {"jid": jid, "subscription": State.NONE.value})]


def _tag(each: Subscription) -> Tag:
    attrs = {"jid": each.jid, "subscription": each.state.value, "subid": each.subid}
    return Tag("subscription", attrs)
