"""Subscriptions come, change and go (XEP-0060 §6.1, §6.2), and who has to know is told of it.

Callers hold the node's lock, and have checked who may.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from secrets import token_urlsafe

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from components.pubsub import events
from components.pubsub.faults import no_node, refusal
from components.pubsub.life import access, subscribers
from components.pubsub.life.notices import Notices
from components.pubsub.life.presences import Presences
from components.pubsub.life.publishing import Publishing
from components.pubsub.model.node import Node, Subscription
from components.pubsub.model.options import DEFAULT, Options
from components.pubsub.model.policy import Policy
from components.pubsub.model.ranks import State
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.stored import NodeGone, TooManySubscriptions
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="component")


class Subscribing:
    """Changes who is subscribed to what."""

    def __init__(
        self,
        store: SQLNodes,
        policy: Policy,
        presences: Presences,
        notices: Notices,
        publishing: Publishing,
        clock: IReactorTime,
    ) -> None:
        self._store = store
        self._policy = policy
        self._presences = presences
        self._notices = notices
        self._publishing = publishing
        self._clock = clock

    async def subscribe(
        self, node: Node, jid: JID, state: State, options: Options = DEFAULT
    ) -> Subscription:
        """Have a new subscription.

        Raises StanzaError `too-many-subscriptions` (§6.1.3.9). Those that nobody has asked for
        leave half of what somebody may have to those that he asks for.
        """
        policy = self._policy
        own = policy.own_subscriptions
        most = (own + 1) // 2 if options.unasked else own
        if (
            node.subscribed >= policy.subscriptions
            or len(node.of_account(jid.bare)) >= policy.same_subscriptions
        ):
            raise too_many()
        subscription = Subscription(jid, token_urlsafe(12), state, options)
        try:
            await self._store.subscribe(node.id, [subscription], most=most)
        except TooManySubscriptions:
            raise too_many() from None
        except NodeGone:
            raise no_node() from None
        node.put(subscription)
        return subscription

    async def change(
        self, node: Node, put: Sequence[Subscription] = (), drop: Sequence[Subscription] = ()
    ) -> None:
        """Have subscriptions be as they are here, and others no more."""
        if put or drop:
            try:
                await self._store.subscribe(node.id, put, drop)
            except NodeGone:
                raise no_node() from None
            apply(node, put, drop)

    # ------------------------------------------------------------------ who is told

    def tell(self, node: Node, subscriptions: Iterable[Subscription], state: State) -> None:
        """Tell subscribers how their subscriptions are from now on (§13.14)."""
        for each in subscriptions:
            event = events.subscription(node.address.name, each, state)
            jid, seen = each.jid, self._presences.of(each.jid.bare)
            there = [full for full in seen if jid in (full, full.bare)]
            if there:
                self._notices.send(node.address.service, there, event)
            else:
                # Who is not there may want to read it when he is: it waits for him.
                self._notices.send(node.address.service, [jid], event, type_="")

    async def tell_all(
        self, node: Node, approved: Sequence[Subscription], ended: Sequence[Subscription]
    ) -> None:
        """Tell whom it concerns of subscriptions that are approved of, and of those that are over.

        Owners hear of both (`tell_owners`), and who is approved of is welcomed.
        """
        self.tell(node, ended, State.NONE)
        await self.tell_owners(node, ended, State.NONE)
        self.tell(node, approved, State.SUBSCRIBED)
        for each in approved:
            await self.welcome(node, each)

    async def tell_owners(
        self, node: Node, subscriptions: Iterable[Subscription], state: State | None = None
    ) -> None:
        """Tell the owners who comes and goes, where they want to know (`pubsub#notify_sub`).

        As fast as the server takes it: many may go at once, and be told of to many owners.
        """
        if node.settings.notify_sub:
            for each in subscriptions:
                await self._notices.room()
                event = events.subscription(node.address.name, each, state)
                self._notices.send(node.address.service, node.owners, event)

    def part_soon(self, node: Node, subscription: Subscription) -> None:
        """Tell the owners of who has asked to be subscribed no more, behind the answer to that."""
        self._clock.callLater(0, self._part, node, subscription)

    def _part(self, node: Node, subscription: Subscription) -> None:
        later = Deferred.fromCoroutine(self.tell_owners(node, [subscription], State.NONE))
        later.addErrback(lambda failure: log.failure("owners are not told who has gone", failure))

    def welcome_soon(self, node: Node, subscription: Subscription) -> None:
        """Welcome who has asked to be subscribed, behind the answer to that."""
        self._clock.callLater(0, self._welcome, node, subscription)

    def _welcome(self, node: Node, subscription: Subscription) -> None:
        if subscription in node.of_jid(subscription.jid):
            later = Deferred.fromCoroutine(self.welcome(node, subscription))
            later.addErrback(lambda failure: log.failure("a subscriber is not welcomed", failure))

    async def welcome(self, node: Node, subscription: Subscription) -> None:
        """Send a new subscriber the last item (§6.1.7), and tell the owners of him."""
        decided = access.decides(node, subscription.jid)
        await self.tell_owners(node, [subscription])
        settings = node.settings
        if settings.send_last_published_item == "never" or not subscription.options.deliver:
            return
        await self._notices.room()  # so large as an item may be, for each who is approved of
        same = node.of_jid(subscription.jid)
        to = list(subscribers.addresses(node, subscription, self._presences))
        subids = [subscription.subid] if len(same) > 1 else []
        body = subscribers.want_body(same, subscription.jid)

        def still() -> bool:
            same = access.decides(node, subscription.jid) == decided
            return same and _holds(node, subscription)

        await self._publishing.send_last(node, to, subids, still, body=body)


def apply(node: Node, put: Iterable[Subscription], drop: Iterable[Subscription]) -> None:
    """Have a node in memory as it is in the store now."""
    for each in drop:
        node.drop(each)
    for each in put:
        node.put(each)


def _holds(node: Node, subscription: Subscription) -> bool:
    """Whether somebody is subscribed still, with whatever options."""
    subid = subscription.subid
    found = [each for each in node.of_jid(subscription.jid) if each.subid == subid]
    return any(each.state is State.SUBSCRIBED for each in found)


def too_many() -> StanzaError:
    """(§6.1.3.9)."""
    return refusal(
        "policy-violation",
        "too-many-subscriptions",
        reason="pubsub.too-many-subscriptions",
        type_="wait",
    )
