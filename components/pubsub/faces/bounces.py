"""Notifications that come back: who is not there any more is subscribed no more (XEP-0060 §13.4).

Only of JIDs that are no more, by the error's word, and it is believed only where it names a message
that was sent to that JID not long ago: what comes late, or of something else, ends nothing. The
next message comes back as well. Who is offline, or blocks the service, is told again: a
subscription is not lost by that.

Of several instances the one that has sent the message knows that, and the error is passed on to it.
Each ends what there is to its own nodes, when that one says so.

What is sent in an account's name comes back to the account, whose server lets nobody see it.
"""

from __future__ import annotations

from components.common import answers
from components.common.build import Tag
from components.common.rate import Rate
from components.common.stanza import Stanza
from components.pubsub.model.node import Address, Node
from components.pubsub.model.ranks import State
from components.pubsub.names import GONE
from components.pubsub.service import Service
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

CONDITIONS = ("gone", "item-not-found")
"""Those that say that there is nobody of that JID."""

OFTEN = 10
"""Errors a minute of one bare JID that are passed on: one that is believed ends all there is."""

_GONE = f"{GONE} gone"


def serve(service: Service) -> None:
    """Take errors that answer messages."""
    bounces = Bounces(service)
    service.component.on_error(bounces.came)
    service.component.on_message(bounces.told, _GONE)


class Bounces:
    """Ends subscriptions of those who are gone, to all nodes at the domain."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._domain = service.component.domain
        self._passed = Rate(OFTEN, service.now)

    async def came(self, stanza: Stanza) -> None:
        """Take an error; whoever sends one in vain ends no subscriptions but his own."""
        service, jid = self._service, stanza.sender
        condition, _ = answers.stanza_condition(stanza)
        if stanza.kind != "message" or condition not in CONDITIONS or stanza.to.local:
            return
        if service.notices.sent(stanza.id, jid):
            for address in await self._drop_all(jid):
                await service.instances.pass_on(self._gone(jid), *address)
        elif (other := service.origins.of(stanza.id)) and self._passed.take(jid.bare):
            await service.instances.pass_to(_short(stanza, condition), other)

    async def told(self, stanza: Stanza) -> None:
        """Another instance knows that somebody is gone."""
        if stanza.sender != self._domain:
            raise StanzaError("forbidden", reason="component.not-an-instance")
        await self._drop_all(JID.parse(stanza.payload.get("jid", "")))

    async def _drop_all(self, jid: JID) -> list[Address]:
        """End subscriptions to this instance's nodes; one node of each other with some more."""
        service = self._service
        others: dict[str, Address] = {}
        found = await service.relations.of_subscriber(self._domain, jid)
        await service.instances.known()
        for address in dict.fromkeys(each.address for each in found):
            if service.instances.own(*address):
                node = await service.nodes.open(address)
                if node is not None:
                    await node.lock.run(self._drop, node, jid)
            else:
                others.setdefault(service.instances.epoch.owner(*address), address)
        return list(others.values())

    async def _drop(self, node: Node, jid: JID) -> None:
        found = node.of_jid(jid)
        await self._service.subscribing.change(node, drop=found)
        await self._service.subscribing.tell_owners(node, found, State.NONE)

    def _gone(self, jid: JID) -> Stanza:
        attrs = {"from": str(self._domain), "to": str(self._domain)}
        return Stanza("message", attrs, [_GONE], Tag("gone", {"jid": jid}, ns=GONE).render())


def _short(stanza: Stanza, condition: str) -> Stanza:
    """An error with nothing besides its condition: the rest may be as large as a stanza."""
    error = Tag("error", {"type": "cancel"}, [Tag(condition, ns=ns.STANZA_ERRORS)])
    return Stanza(stanza.kind, stanza.attrs, [f"{stanza.content} error"], error.render())
