"""Publishing from vCards at the nodes of one name, and later what can't be published now.

The service that has them may be away, or have no time. What is to be published is noted in the
store with the change that it comes of; it is done once the service has answered, whatever it says.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from components.common.component import Component
from components.common.instances import Instances
from components.common.requests import RequestFailed
from components.vcard.leftovers import WAIT, Leftovers
from components.vcard.pep import Pep
from components.vcard.unpublished import SQLUnpublished, Unpublished
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="component")

FIRST = 10.0
"""Seconds after which is published what could not be, once there is a stream: by then it is known
what the server grants, and a service of PEP that has started with this one is there."""

ABSENT = 60.0
"""Seconds for which a service that is not there is not asked for others' sake."""

_NOT_THERE = "service-unavailable"
_OWN_WAY = frozenset({"conflict"})
"""Answers of a service whose node is not open: its owner wants it so."""


class Publishing:
    """What is done later. `again` publishes at an account's node once more."""

    def __init__(
        self,
        component: Component,
        instances: Instances,
        pep: Pep,
        unpublished: SQLUnpublished,
        node: str,
        again: Callable[[Unpublished], Deferred[None]],
    ) -> None:
        self._now = component.clock.seconds
        self._own = instances.own
        self._pep = pep
        self._unpublished = unpublished
        self._node = node
        self._again = again
        self._absent: dict[str, float] = {}
        """By domain, when its service was not there."""
        self._leftovers: Leftovers[Unpublished] = Leftovers(
            component, self._some, self._catch_up, first=FIRST
        )
        # What another instance has left may be this one's business now.
        instances.on_change(lambda epoch: self._leftovers.later())

    async def tried(self, account: JID, work: Coroutine[Deferred[Any], Any, None]) -> None:
        """Do what publishes at an account's node; where it can't be done now, it is done later."""
        try:
            await work
        except (RequestFailed, StanzaError) as error:
            condition = error.condition
            if condition == _NOT_THERE or condition in WAIT:
                if condition == _NOT_THERE:
                    self._absent[account.domain] = self._now()
                self._leftovers.later()
                await self._unpublished.left(account, self._node)
                return
            if condition not in _OWN_WAY:
                log.warn(
                    "what the vCard of {account} says is not published at {node}: {error}",
                    account=account,
                    node=self._node,
                    error=str(error),
                )
        self._absent.pop(account.domain, None)
        await self._unpublished.published(account, self._node)

    def _some(self, after: str, most: int) -> Deferred[Sequence[Unpublished]]:
        # A server that lets nothing be published may do so one day, or never.
        if not self._pep.granted:
            return succeed(())
        return self._unpublished.some(self._node, after, most)

    def _catch_up(self, left: Unpublished) -> Deferred[None]:
        account = left.owner
        if not (self._own(account) and self._pep.holds(account)):
            return succeed(None)
        since = self._absent.get(account.domain)
        if since is not None and self._now() - since < ABSENT:
            self._leftovers.later()
            return succeed(None)
        return self._again(left)
