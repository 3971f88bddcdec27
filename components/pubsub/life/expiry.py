"""Items become too old (XEP-0060 §17.4.4, `pubsub#item_expire`) and are let go of, in slices.

Who publishes says when an item goes by the node's configuration, so nobody is told when it does.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.component import Component
from components.common.instances import Instances
from components.pubsub.model import limits
from components.pubsub.model.policy import Policy
from components.pubsub.model.settings import Settings
from components.pubsub.store.items import Aging, SQLItems

log = Logger(namespace="component")

EVERY = 60.0
"""Seconds between two rounds, about: not all processes look at the same moment."""
SLICE = 500
"""Nodes that are looked at at once, and items that are deleted at once."""
PAUSE = 0.05
"""Seconds between two slices: others get their turn."""


class Expiry:
    """Looks for items that are too old, from the component's first stream until it stops.

    Of several instances the one does it that acts for the service's own address. `spread` gives a
    number between two.
    """

    def __init__(
        self,
        component: Component,
        clock: IReactorTime,
        policy: Policy,
        instances: Instances,
        store: SQLItems,
        spread: Callable[[float, float], float],
    ) -> None:
        self._component = component
        self._clock = clock
        self._policy = policy
        self._instances = instances
        self._store = store
        self._spread = spread
        self._rounds: Deferred[None] | None = None
        component.on_open(self._opened)
        component.on_stop(self.stop)

    def stop(self) -> None:
        """Look no more."""
        rounds, self._rounds = self._rounds, None
        if rounds is not None:
            rounds.cancel()

    def _opened(self, resumed: bool) -> None:
        if self._rounds is None:
            self._rounds = Deferred.fromCoroutine(self._turn())
            self._rounds.addErrback(_ended)

    async def _turn(self) -> None:
        while True:
            await deferLater(self._clock, EVERY * self._spread(0.5, 1.5))
            if self._instances.own(self._component.domain):
                try:
                    await self.sweep()
                except CancelledError:
                    raise
                except Exception:  # noqa: BLE001 - the next round comes all the same
                    log.failure("items that are too old are left, until the next time")

    async def sweep(self) -> None:
        """Let go of all items that are too old by now."""
        after = 0
        every = bool(self._policy.expire)
        while some := await self._store.aging(after, SLICE, every=every):
            after = some[-1].node
            for node in some:
                await self._let_go(node)
            await deferLater(self._clock, PAUSE)

    async def _let_go(self, node: Aging) -> None:
        kept = limits.seconds(Settings(item_expire=node.kept), self._policy)
        until = self._clock.seconds() - kept
        if not kept or node.oldest is None or node.oldest > until:
            return
        while await self._store.expire(node.node, until, SLICE) == SLICE:
            await deferLater(self._clock, PAUSE)


def _ended(failure: Failure) -> None:
    if not failure.check(CancelledError):
        log.failure("nobody looks for items that are too old", failure)
