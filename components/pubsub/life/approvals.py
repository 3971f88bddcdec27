"""Owners are asked whether somebody may subscribe, and say so (XEP-0060 §8.6, §13.13).

All of them are asked, and the first who answers decides. Who asks for too much has to wait: each
request is a message to others.
"""

from __future__ import annotations

from collections.abc import Callable

from components.common.forms.fields import boolean, hidden, jid_single, optional, text_single
from components.common.forms.form import Form
from components.common.rate import Rate
from components.pubsub.life.notices import Notices
from components.pubsub.life.subscribing import Subscribing, too_many
from components.pubsub.model import nodeid
from components.pubsub.model.node import Node, Subscription
from components.pubsub.model.ranks import State
from components.pubsub.names import SUBSCRIBE_AUTHORIZATION
from xmppd.jid import JID

OFTEN = 10
"""Requests a minute of one account,"""
OFTEN_AT_NODE = 60
"""and of all together to one node."""

SUBID = hidden("pubsub#subid")
SERVICE = hidden("x-service", most=3_071)
"""The account whose node it is: answers come to the service's domain, since no others reach it."""
NODE = text_single("pubsub#node", "Node", most=nodeid.OCTETS)
SUBSCRIBER = jid_single("pubsub#subscriber_jid", "Who asks")
ALLOW = optional(boolean("pubsub#allow", "Let this address subscribe to the node?"))

REQUEST = Form(
    SUBSCRIBE_AUTHORIZATION,
    (SUBID, SERVICE, NODE, SUBSCRIBER, ALLOW),
    title="Somebody asks to subscribe",
    instructions="Say yes or no, and submit the form. Whoever cancels it leaves the request open.",
)


class Approvals:
    """Asks owners, and does what they say."""

    def __init__(
        self, domain: JID, subscribing: Subscribing, notices: Notices, now: Callable[[], float]
    ) -> None:
        self._domain = domain
        self._subscribing = subscribing
        self._notices = notices
        self._by_account = Rate(OFTEN, now)
        self._by_node = Rate(OFTEN_AT_NODE, now)

    def admit(self, node: Node, jid: JID) -> None:
        """Count a request; raises StanzaError `too-many-subscriptions` where it is too often."""
        if not (self._by_account.take(jid.bare) and self._by_node.take(node.id)):
            raise too_many()

    def ask(self, node: Node, subscription: Subscription, *owners: JID) -> None:
        """Ask the owners, or those that are named, about a subscription that is pending (§8.6)."""
        service = node.address.service
        form = REQUEST.form(
            [
                SUBID.of(subscription.subid),
                SERVICE.of(service),
                NODE.of(node.address.name),
                SUBSCRIBER.of(subscription.jid),
                ALLOW.of(False),
            ]
        )
        to = owners or node.owners
        self._notices.send(self._domain, to, form, type_="")

    async def decide(self, node: Node, subscription: Subscription, allowed: bool) -> None:
        """Do what an owner has said about one that is pending; the caller holds the node's lock."""
        subscribing = self._subscribing
        if not allowed:
            await subscribing.change(node, drop=[subscription])
            subscribing.tell(node, [subscription], State.NONE)
            return
        approved = subscription._replace(state=State.SUBSCRIBED)
        await subscribing.change(node, [approved])
        await subscribing.tell_all(node, [approved], [])
