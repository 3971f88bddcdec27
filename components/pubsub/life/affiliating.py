"""Affiliations change, and with them what subscriptions depend on them (XEP-0060 §8.9, §8.7.4).

Callers hold the node's lock, and have checked who may.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from components.pubsub import events
from components.pubsub.faults import no_node, refusal
from components.pubsub.life.access import Access
from components.pubsub.life.notices import Notices
from components.pubsub.life.subscribing import Subscribing, apply
from components.pubsub.life.unasked import Unasked
from components.pubsub.model.node import Node, Subscription
from components.pubsub.model.policy import Policy
from components.pubsub.model.privileges import Privilege, may
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.stored import NodeGone
from xmppd.errors import StanzaError
from xmppd.jid import JID

OWNERS = 50
"""Of one node: each of them is told who comes and goes (`pubsub#notify_sub`), and asked about all
requests, whether he has ever wanted to be one or not."""


class _Follow(NamedTuple):
    """What becomes of subscriptions."""

    approved: list[Subscription]
    dropped: list[Subscription]


class Affiliating:
    """Changes what people are to a node."""

    def __init__(
        self,
        store: SQLNodes,
        policy: Policy,
        access: Access,
        subscribing: Subscribing,
        notices: Notices,
        unasked: Unasked,
    ) -> None:
        self._store = store
        self._policy = policy
        self._access = access
        self._subscribing = subscribing
        self._notices = notices
        self._unasked = unasked

    async def change(self, node: Node, changes: Mapping[JID, Affiliation], owner: JID) -> None:
        """Have people be something else, by bare JID, as an owner wants.

        They are told of it (§8.9.4, a MAY), but for those who have not asked where there are many.
        Raises StanzaError `policy-violation` where there would be too many; then nothing changes.
        """
        changes = {jid: rank for jid, rank in changes.items() if node.affiliation(jid) is not rank}
        if not changes:
            return
        none = Affiliation.NONE
        kept = {**node.affiliations, **changes}
        count = sum(rank is not none for rank in kept.values())
        if count > max(self._policy.affiliations, len(node.affiliations)):
            raise _too_many("affiliations")
        if _owners(kept) > max(OWNERS, _owners(node.affiliations)):
            raise _too_many("owners")
        follow = await self._follow(node, changes)
        try:
            await self._store.affiliate(node.id, changes, follow.approved, follow.dropped)
        except NodeGone:
            raise no_node() from None
        for jid, rank in changes.items():
            if rank is none:
                node.affiliations.pop(jid, None)
            else:
                node.affiliations[jid] = rank
        apply(node, follow.approved, follow.dropped)
        node.revision += 1
        self._tell(node, changes, owner)
        await self._subscribing.tell_all(node, follow.approved, follow.dropped)

    async def _follow(self, node: Node, changes: Mapping[JID, Affiliation]) -> _Follow:
        """Requests of who may subscribe now are approved; who may no more is dropped."""
        follow = _Follow([], [])
        for jid, rank in changes.items():
            subscriptions = node.of_account(jid)
            if subscriptions and not await self._access.keeps(node, jid, rank):
                follow.dropped.extend(subscriptions)
            elif may(rank, Privilege.SUBSCRIBE):
                pending = (each for each in subscriptions if each.state is State.PENDING)
                follow.approved.extend(each._replace(state=State.SUBSCRIBED) for each in pending)
        return follow

    def _tell(self, node: Node, changes: Mapping[JID, Affiliation], owner: JID) -> None:
        for jid, rank in changes.items():
            if self._unasked.concerns(node, owner, jid) and not self._unasked.may_tell(owner):
                continue
            told = events.affiliation(node.address.name, jid, rank)
            self._notices.send(node.address.service, [jid], told, type_="")


def _owners(ranks: Mapping[JID, Affiliation]) -> int:
    return sum(rank is Affiliation.OWNER for rank in ranks.values())


def _too_many(what: str) -> StanzaError:
    text = f"the node has as many {what} as it may have"
    return refusal("policy-violation", text=text, reason="pubsub.affiliations")
