"""Subscriptions of those who may not be subscribed any more are cancelled (XEP-0060 §13.14).

Because a node's access model is another one, or a contact is no contact any more, or is in another
group. What waits for approval is approved where the access model needs none from now on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from components.common.privilege import Privilege as Privileged
from components.common.privilege import Push
from components.pubsub.life.access import Access, admission
from components.pubsub.life.nodes import Nodes
from components.pubsub.life.subscribing import Subscribing
from components.pubsub.model.node import Address, Node, Subscription
from components.pubsub.model.ranks import State
from components.pubsub.model.settings import BY_ROSTER, Settings
from components.pubsub.store.relations import SQLRelations
from xmppd.jid import JID, JIDError

log = Logger(namespace="component")


class Reviews:
    """Looks at subscriptions again."""

    def __init__(
        self,
        relations: SQLRelations,
        nodes: Nodes,
        access: Access,
        subscribing: Subscribing,
        own: Callable[[Address], bool],
        privilege: Privileged,
    ) -> None:
        self._relations = relations
        self._nodes = nodes
        self._access = access
        self._subscribing = subscribing
        self._own = own
        privilege.on_roster_push(self._pushed)

    async def node(self, node: Node, only: JID | None = None, *, approve: bool = False) -> None:
        """Look at the subscriptions of a node, or of a bare JID; the caller holds its lock.

        With `approve` those that wait are approved where they need not: otherwise an owner has had
        them wait, and nothing has changed about that.
        """
        if node.gone:
            return
        some = node.subscriptions() if only is None else node.of_account(only)
        dropped, approved = await self._sorted(node, list(some), approve=approve)
        await self._subscribing.change(node, approved, dropped)
        await self._subscribing.tell_all(node, approved, dropped)

    async def configured(self, node: Node, before: Settings) -> None:
        """See `Configuring.on_configured`."""
        if admission(node.settings) != admission(before):
            approve = node.settings.access_model != before.access_model
            await node.lock.run(self.node, node, approve=approve)

    async def _sorted(
        self, node: Node, some: Iterable[Subscription], *, approve: bool
    ) -> tuple[list[Subscription], list[Subscription]]:
        dropped, approved = [], []
        for each in some:
            rank = self._access.affiliation(node, each.jid)
            if not await self._access.keeps(node, each.jid, rank):
                dropped.append(each)
            elif approve and each.state is State.PENDING and self._access.approved(node, each.jid):
                approved.append(each._replace(state=State.SUBSCRIBED))
        return dropped, approved

    # ------------------------------------------------------------------ contacts

    def _pushed(self, push: Push) -> None:
        """Somebody may see less of an account than he did (RFC 6121 §2.1.6)."""
        try:
            contact = JID.parse(push.item.get("jid", ""))
        except JIDError:
            return
        later = Deferred.fromCoroutine(self._contact(push.account, contact.bare))
        later.addErrback(lambda failure: log.failure("a contact was not looked at", failure))

    async def _contact(self, account: JID, contact: JID) -> None:
        for address in await self._relations.of_contact(account, contact):
            if self._own(address):
                node = await self._nodes.open(address)
                if node is not None and node.settings.access_model in BY_ROSTER:
                    await node.lock.run(self.node, node, contact)
