"""Subscribing and unsubscribing (XEP-0060 §6.1, §6.2).

Who subscribes a JID again, and brings options, has one more subscription, with those and a SubID of
its own (§6.1.6). Who brings none is told of the subscription that there is: so a client may
subscribe whenever it starts.
"""

from __future__ import annotations

from components.common.build import Content, Tag
from components.common.forms.submission import X
from components.pubsub.faces import options_form
from components.pubsub.faces.subscriber import own_jid, subscribed_jid, subscription
from components.pubsub.faults import no_node, refusal, unsupported
from components.pubsub.model.node import Node, Subscription
from components.pubsub.model.options import DEFAULT, Options
from components.pubsub.model.privileges import Privilege, may
from components.pubsub.model.ranks import State
from components.pubsub.names import PUBSUB
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID


def serve(service: Service) -> None:
    """Answer requests to subscribe and unsubscribe."""
    subscribe = Subscribe(service)
    service.requests.on("set", "subscribe", subscribe.subscribe)
    service.requests.on("set", "unsubscribe", subscribe.unsubscribe)


class Subscribe:
    """Subscribes people to nodes."""

    def __init__(self, service: Service) -> None:
        self._service = service

    # ------------------------------------------------------------------ subscribing

    async def subscribe(self, request: Request) -> Tag:
        """Subscribe somebody; the answer tells how far it has come (§6.1.2, §6.3.7)."""
        jid = own_jid(request)
        node = await self._service.node(request)
        found = await node.lock.run(self._subscribe, node, request, jid)
        told: list[Content] = [subscription_tag(node, found, configurable=True)]
        if request.other("options") is not None:
            bodies = self._service.bodies.offered(node)
            form = options_form.told(found.options, node, bodies=bodies)
            told.append(Tag("options", {}, [form]))
        return Tag("pubsub", {}, told, ns=PUBSUB)

    async def _subscribe(self, node: Node, request: Request, jid: JID) -> Subscription:
        """Make the subscription: within the node's lock, for what is checked may change."""
        service = self._service
        if node.gone:
            raise no_node()
        await service.access.check(node, jid, Privilege.SUBSCRIBE)
        if any(each.state is State.PENDING for each in node.of_account(jid.bare)):
            raise refusal(
                "not-authorized", "pending-subscription", reason="pubsub.pending-subscription"
            )
        if request.other("options") is None:
            for found in node.of_jid(jid):
                if not 0 < found.options.expire <= service.now():
                    return await self._asked(node, found)
        self._check_open(node, jid)
        return await self._new(node, jid, self._options(node, request))

    async def _asked(self, node: Node, found: Subscription) -> Subscription:
        """A subscription that is there, and that its subscriber has asked for from now on."""
        if not found.options.unasked:
            return found
        asked = found._replace(options=found.options.change(unasked=False))
        await self._service.subscribing.change(node, [asked])
        return asked

    def _check_open(self, node: Node, jid: JID) -> None:
        """(§6.1.3.10; §13.12: owners and publishers may always)."""
        rank = self._service.access.affiliation(node, jid)
        if not node.settings.subscribe and not may(rank, Privilege.PUBLISH):
            raise unsupported("subscribe")

    def _options(self, node: Node, request: Request) -> Options:
        """The options that are wished with the subscription (§6.3.7), as the node has them.

        All its subscriptions may be temporary (§13.5).
        """
        options = self._wished(node, request)
        return options.change(temporary=True, expire=0.0) if node.settings.tempsub else options

    def _wished(self, node: Node, request: Request) -> Options:
        element = request.other("options")
        if element is None:
            return DEFAULT
        if "node" in element.attrib or "jid" in element.attrib:
            raise StanzaError("bad-request", "the subscription has them", reason="stanza.malformed")
        bodies = self._service.bodies.offered(node)
        now = self._service.now()
        return options_form.chosen(element.find(X), node, DEFAULT, now, bodies=bodies)

    async def _new(self, node: Node, jid: JID, options: Options) -> Subscription:
        service = self._service
        service.endings.check(jid, options)
        if service.access.approved(node, jid):
            found = await service.subscribing.subscribe(node, jid, State.SUBSCRIBED, options)
            service.subscribing.welcome_soon(node, found)
        else:
            service.approvals.admit(node, jid)
            found = await service.subscribing.subscribe(node, jid, State.PENDING, options)
            service.approvals.ask(node, found)
        service.endings.note(found)
        return found

    # ------------------------------------------------------------------ unsubscribing

    async def unsubscribe(self, request: Request) -> Tag:
        """Unsubscribe somebody (§6.2)."""
        jid = subscribed_jid(request)
        node = await self._service.node(request)
        gone = await node.lock.run(self._unsubscribe, node, request, jid)
        told = subscription_tag(node, gone._replace(state=State.NONE))
        return Tag("pubsub", {}, [told], ns=PUBSUB)

    async def _unsubscribe(self, node: Node, request: Request, jid: JID) -> Subscription:
        found = subscription(node, request, jid, "cancel")
        await self._service.subscribing.change(node, drop=[found])
        if found.state is not State.PENDING:
            self._service.subscribing.part_soon(node, found)
        return found


def subscription_tag(node: Node, subscription: Subscription, *, configurable: bool = False) -> Tag:
    """A subscription as the service tells it (§6.1.2); it may say that it has options (§6.1.5)."""
    attrs = {
        "node": node.address.name,
        "jid": subscription.jid,
        "subid": subscription.subid,
        "subscription": subscription.state.value,
    }
    return Tag("subscription", attrs, [Tag("subscribe-options")] if configurable else ())
