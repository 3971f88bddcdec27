"""Which nodes this process may have in memory: those that are its own among several instances.

What becomes another instance's is let go of before the server is answered, once whoever was
changing it is done. What this one had while it had lost its connection, others may have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from components.common.component import Component
from components.common.instances import Epoch, Instances
from components.pubsub.life.nodes import Nodes
from components.pubsub.model.node import Address


class Territory:
    """The nodes that are this process's."""

    def __init__(self, component: Component, instances: Instances) -> None:
        self._instances = instances
        self._lost = False
        component.on_lost(self._on_lost)

    def own(self, address: Address) -> bool:
        """Whether a node is, as far as is known now."""
        return self._instances.own(address.service, address.name)

    def shared(self) -> bool:
        """Whether nodes at the domain are shared among several instances."""
        epoch = self._instances.epoch
        return epoch.by == "node" and not self._instances.alone

    def watch(self, nodes: Nodes, hurry: Callable[[], AbstractContextManager[None]]) -> None:
        """Have nodes let go of when they become others'; nobody pauses while he is to `hurry`."""

        async def changed(epoch: Epoch) -> None:
            lost, self._lost = self._lost, False
            try:
                with hurry():
                    await nodes.settled()
                    for node in nodes.opened():
                        if lost or not self.own(node.address):
                            await node.lock.run(nodes.let_go, node)
            except BaseException:
                self._lost = True  # what is there still others may change
                raise

        self._instances.on_change(changed)

    def _on_lost(self, resumable: bool) -> None:
        self._lost = True
