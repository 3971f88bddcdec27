"""What owners do to people who have not asked for it, and how much of that there may be.

An owner may subscribe anybody (XEP-0060 §8.8.2), and give him an affiliation, of which he is told
(§8.9.4): messages to people who have never heard of him, from the service's address. So an owner
makes no more than `OFTEN` of both a minute, and a node has no more subscriptions of such people
than `unasked` of `Policy`: those are what one item is multiplied by. Whoever has subscribed
himself, or has said how he wants to be told, has asked. Who runs the service is trusted.
"""

from __future__ import annotations

from collections.abc import Callable

from components.common.rate import Rate
from components.pubsub.model.node import Node
from components.pubsub.model.policy import Policy
from xmppd.jid import JID

OFTEN = 30
"""Subscriptions and notices a minute of one owner, at all his nodes."""


class Unasked:
    """Counts them."""

    def __init__(self, policy: Policy, now: Callable[[], float]) -> None:
        self._policy = policy
        self._rate = Rate(OFTEN, now)

    def concerns(self, node: Node, owner: JID, jid: JID) -> bool:
        """Whether what an owner does to somebody is to be counted."""
        if owner.bare == jid.bare or (not node.personal and self._policy.is_admin(owner)):
            return False
        return all(each.options.unasked for each in node.of_account(jid.bare))

    def may_tell(self, owner: JID) -> bool:
        """Count that somebody is told of an affiliation; False where it is too often."""
        return self._rate.take(owner.bare)

    def may_subscribe(self, node: Node, owner: JID) -> bool:
        """Count a subscription; False where it is too often, or there are too many."""
        if not self._rate.take(owner.bare):
            return False
        there = sum(each.options.unasked for each in node.subscriptions())
        return there < self._policy.unasked
