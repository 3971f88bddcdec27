"""Removed accounts are forgotten: their nodes, and what they were to others' (docs: accounts).

Whoever makes the account anew inherits nothing. All of it may be done again: the server asks until
it was answered, and asks each instance.
"""

from __future__ import annotations

from components.common.whole import wholly
from components.pubsub.faults import no_node
from components.pubsub.life.configuring import Configuring
from components.pubsub.life.linking import held
from components.pubsub.life.nodes import Nodes
from components.pubsub.life.rosters import Rosters
from components.pubsub.model.node import Address, Node
from components.pubsub.model.settings import Settings
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.removal import SQLRemoval
from xmppd.errors import StanzaError
from xmppd.jid import JID

SLICE = 100
"""Nodes that are read, or changed, at a time."""


class Removal:
    """Forgets accounts."""

    def __init__(
        self,
        nodes: Nodes,
        store: SQLNodes,
        removal: SQLRemoval,
        configuring: Configuring,
        rosters: Rosters,
    ) -> None:
        self._nodes = nodes
        self._store = store
        self._removal = removal
        self._configuring = configuring
        self._rosters = rosters

    async def forget(self, account: JID) -> None:
        """Forget an account, by its bare JID: in memory as well, however long the store takes."""
        await wholly(self._forget(account))

    async def _forget(self, account: JID) -> None:
        await self._own(account)
        await self._elsewhere(account)
        await self._named(account)
        await self._removal.disown(account)
        await self._in_memory(account)
        self._rosters.forget(account)

    async def _own(self, account: JID) -> None:
        """Its own nodes go. Nobody is told: it is gone in whose name that would have to be."""
        last = ""
        while names := await self._store.names(account, last, SLICE):
            last = names[-1]
            for name in names:
                node = await self._nodes.open(Address(account, name))
                if node is not None:
                    await node.lock.run(self._nodes.delete, node)

    async def _elsewhere(self, account: JID) -> None:
        """Its subscriptions and affiliations go, and nodes that nobody else owns."""
        while slice_ := await self._removal.concerned(account, SLICE):
            for each in slice_:
                if each.orphaned:
                    await self._delete(each.address)
            await self._removal.forget(account, [each.id for each in slice_])

    async def _delete(self, address: Address) -> None:
        node = await self._nodes.open(address)
        if node is None:
            return
        try:
            await self._configuring.delete(node)
        except StanzaError as error:
            if error.reason != no_node().reason:
                raise  # it is gone already, as it should be

    async def _named(self, account: JID) -> None:
        """No node names it as somebody to ask, or who may add nodes to a collection."""
        last = 0
        while found := await self._removal.named(account, last, SLICE):
            last = found[-1][0]
            for _, address in found:
                node = await self._nodes.open(address)
                if node is not None:
                    await self._without(node, account)

    async def _without(self, node: Node, account: JID) -> None:
        with await held([node]):
            changed = _without(node.settings, account)
            if changed != node.settings:
                await self._nodes.save(node, changed)

    async def _in_memory(self, account: JID) -> None:
        """What is open is as the store has it by now; another instance may have done that."""
        await self._nodes.settled()
        for node in self._nodes.opened():
            if node.address.service == account:
                node.gone = True
                self._nodes.let_go(node)
                continue
            if account in node.owners and await self._is_gone(node):
                node.gone = True
                self._nodes.let_go(node)
                continue
            subscriptions = node.of_account(account)
            for each in subscriptions:
                node.drop(each)
            if node.creator == account:
                node.creator = node.address.service
            if node.affiliations.pop(account, None) or subscriptions:
                node.revision += 1
            settings = _without(node.settings, account)
            if settings != node.settings:
                node.settings = settings

    async def _is_gone(self, node: Node) -> bool:
        """Whether another instance has deleted a node, since nobody else owned it."""
        stored = await self._store.load(node.address)
        return stored is None or stored.id != node.id


def _without(settings: Settings, account: JID) -> Settings:
    """Settings that do not name an account."""
    name = str(account)
    return settings.change(
        contact=tuple(each for each in settings.contact if each != name),
        children_association_whitelist=tuple(
            each for each in settings.children_association_whitelist if each != name
        ),
    )
