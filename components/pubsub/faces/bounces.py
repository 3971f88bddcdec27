"""Notifications that come back: who is not there any more is subscribed no more (XEP-0060 §13.4).

Only of JIDs that are no more, by the error's word, and it is believed only where it names a message
that was sent to that JID not long ago: what comes late, or of something else, ends nothing. The
next message comes back as well. Who is offline, or blocks the service, is told again: a
subscription is not lost by that.

What is sent in an account's name comes back to the account, whose server lets nobody see it.
"""

from __future__ import annotations

from components.common import answers
from components.common.stanza import Stanza
from components.pubsub.model.node import Node
from components.pubsub.model.ranks import State
from components.pubsub.service import Service
from xmppd.jid import JID

GONE = ("gone", "item-not-found")
"""Conditions that say that there is nobody of that JID."""


def serve(service: Service) -> None:
    """Take errors that answer messages."""
    service.component.on_error(Bounces(service).came)


class Bounces:
    """Ends subscriptions of those who are gone, to all nodes at the domain."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def came(self, stanza: Stanza) -> None:
        """Take an error; whoever sends one in vain ends no subscriptions but his own."""
        service, jid = self._service, stanza.sender
        condition, _ = answers.stanza_condition(stanza)
        if stanza.kind != "message" or condition not in GONE or stanza.to.local:
            return
        if not service.notices.sent(stanza.id, jid):
            return
        found = await service.relations.of_subscriber(service.component.domain, jid)
        for address in {each.address for each in found}:
            if service.instances.own(address.service, address.name):
                node = await service.nodes.open(address)
                if node is not None:
                    await node.lock.run(self._drop, node, jid)

    async def _drop(self, node: Node, jid: JID) -> None:
        found = node.of_jid(jid)
        await self._service.subscribing.change(node, drop=found)
        await self._service.subscribing.tell_owners(node, found, State.NONE)
