"""Options of subscriptions, and what they are where nobody has said anything (XEP-0060 §6.3, §6.4).

Where all who subscribe to a node do so temporarily it stays so, whatever is wished.
"""

from __future__ import annotations

from components.common.build import Tag
from components.common.forms import submission
from components.common.forms.submission import X
from components.pubsub.faces import options_form
from components.pubsub.faces.subscriber import subscribed_jid, subscription
from components.pubsub.model.node import Node
from components.pubsub.model.options import DEFAULT
from components.pubsub.model.privileges import Privilege
from components.pubsub.names import PUBSUB
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID


def serve(service: Service) -> None:
    """Answer requests for options, and to change them."""
    options = SubscriptionOptions(service)
    service.requests.on("get", "options", options.get)
    service.requests.on("set", "options", options.set)
    service.requests.on("get", "default", options.default)


class SubscriptionOptions:
    """Shows options to subscribers, and takes theirs."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def get(self, request: Request) -> Tag:
        """The form, as the subscription is (§6.3.2)."""
        jid = subscribed_jid(request)
        node = await self._service.node(request)
        found = subscription(node, request, jid, "modify")
        attrs = {"node": request.node, "jid": jid, "subid": found.subid}
        bodies = self._service.bodies.offered(node)
        form = options_form.shown(found.options, node, bodies=bodies)
        shown = Tag("options", attrs, [form])
        return Tag("pubsub", {}, [shown], ns=PUBSUB)

    async def set(self, request: Request) -> None:
        """Take the form (§6.3.5)."""
        if request.other("subscribe") is not None:
            raise StanzaError("bad-request", "first to subscribe", reason="stanza.malformed")
        jid = subscribed_jid(request)
        node = await self._service.node(request)
        await node.lock.run(self._set, node, request, jid)

    async def _set(self, node: Node, request: Request, jid: JID) -> None:
        service = self._service
        found, x = subscription(node, request, jid, "modify"), request.action.find(X)
        if submission.canceled(x):
            return
        bodies = service.bodies.offered(node)
        options = options_form.chosen(x, node, found.options, service.now(), bodies=bodies)
        options = options.change(unasked=False)
        if node.settings.tempsub and found.options.temporary:
            options = options.change(temporary=True, expire=0.0)
        service.endings.check(jid, options)
        changed = found._replace(options=options)
        await service.subscribing.change(node, [changed])
        service.endings.note(changed)

    async def default(self, request: Request) -> Tag:
        """What the options are of who chooses none, at a node or at all of them (§6.4)."""
        service, node, bodies = self._service, None, False
        options = DEFAULT
        if request.node:
            node = await service.node(request)
            await service.access.check(node, request.asker, Privilege.SUBSCRIBE)
            options = DEFAULT.change(temporary=node.settings.tempsub)
            bodies = service.bodies.offered(node)
        attrs = {"node": request.node or None}
        told = Tag("default", attrs, [options_form.told(options, node, bodies=bodies)])
        return Tag("pubsub", {}, [told], ns=PUBSUB)
