"""vCards and the vCard4s that their owners have in PEP: one of them as the other (XEP-0292 §4).

What is set as a vCard is published in its owner's node, with what the vCard4 there says and a vCard
can't. What an owner publishes there gets into his vCard, with what that says and a vCard4 can't;
what he deletes there, or has for his friends only from then on, goes out of it. A node that is not
open to everybody goes its own way: nothing is taken from there, and nothing published (§8).

Nothing that comes from a node is published, so nothing goes round. What comes back of what was
published says what the vCard says: there it ends. Photos are left alone: avatars have nodes of
their own (XEP-0398).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common import tree
from components.common.component import Component
from components.common.instances import Instances
from components.common.requests import RequestFailed
from components.vcard import vcard4
from components.vcard.leftovers import WAIT, Leftovers
from components.vcard.names import VCARD4_NODE
from components.vcard.newest import Newest
from components.vcard.pep import Pep
from components.vcard.pubsub import Event
from components.vcard.service import Change, VCards
from components.vcard.unpublished import Unpublished
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="component")

CURRENT = "current"
"""The id of an item that is the only one of its node (XEP-0060 §12.20)."""

FIRST = 10.0
"""Seconds after which is published what could not be, once there is a stream: by then it is known
what the server grants, and a service of PEP that has started with this one is there."""

ABSENT = 60.0
"""Seconds for which a service that is not there is not asked for others' sake."""

_OWN_WAY = frozenset({"conflict"})
"""Answers of a service whose node is not open: its owner wants it so."""


class _Work(NamedTuple):
    """What is to be done for an account: publish its vCard, and take what there is in PEP."""

    publish: bool = False
    cleared: bool = False
    """Whether the vCard has said something, and says nothing any more."""
    event: Event | None = None


def _join(waiting: _Work, newer: _Work) -> _Work:
    return _Work(
        waiting.publish or newer.publish,
        waiting.cleared or newer.cleared,
        newer.event or waiting.event,
    )


class VCard4Node:
    """Keeps them alike."""

    def __init__(
        self, component: Component, instances: Instances, pep: Pep, vcards: VCards
    ) -> None:
        self._now = component.clock.seconds
        self._pep = pep
        self._vcards = vcards
        self._work: Newest[JID, _Work] = Newest(self._do, _join)
        self._absent: dict[str, float] = {}
        """By domain, when its service was not there."""
        self._leftovers: Leftovers[Unpublished] = Leftovers(
            component, self._some, self._catch_up, first=FIRST
        )
        self._own = instances.own
        # What another instance has left may be this one's business now.
        instances.on_change(lambda epoch: self._leftovers.later())
        pep.listen(VCARD4_NODE, self._notified)

    def publish(self, account: JID, change: Change) -> None:
        """Publish what has become of a vCard; nobody waits for it."""
        if self._pep.holds(account):
            self._publish_soon(account, cleared=change.cleared)

    def ended(self, account: JID) -> Deferred[None]:
        """When nothing of an account gets into its vCard any more."""
        return self._work.ended(account)

    def _publish_soon(self, account: JID, *, cleared: bool) -> Deferred[None]:
        work = Deferred.fromCoroutine(self._work.add(account, _Work(True, cleared)))
        return work.addErrback(_not_published, account)

    async def _notified(self, account: JID, event: Event) -> None:
        await self._work.add(account, _Work(event=event))

    async def _do(self, account: JID, work: _Work) -> None:
        # What was set last is in the vCard, whatever has been published before.
        if work.publish:
            await self._publish(account, work.cleared)
        if work.event is not None:
            try:
                await self._take(account, work.event)
            except (StanzaError, RequestFailed) as error:
                log.info(
                    "the vCard4 of {account} in PEP does not become the vCard: {error}",
                    account=account,
                    error=str(error),
                )

    # ------------------------------------------------------------------ from the vCard

    async def _publish(self, account: JID, cleared: bool) -> None:
        unpublished = self._vcards.unpublished
        try:
            await self._put(account, cleared)
        except (RequestFailed, StanzaError) as error:
            condition = error.condition
            if condition in WAIT or condition == "service-unavailable":
                if condition == "service-unavailable":
                    self._absent[account.domain] = self._now()
                self._leftovers.later()
                await unpublished.left(account)
                return
            if condition not in _OWN_WAY:
                log.warn(
                    "the vCard of {account} is not published by PEP: {error}",
                    account=account,
                    error=str(error),
                )
        self._absent.pop(account.domain, None)
        await unpublished.published(account)

    async def _put(self, account: JID, cleared: bool) -> None:
        item = (await self._pep.look(account, VCARD4_NODE)).item
        before = None if item is None else _vcard4(item.payload)
        now = await self._vcards.followed(account, before)
        if now is None:
            if item is not None and cleared:
                await self._pep.retract(account, VCARD4_NODE, item.id)
            elif item is not None:
                # Nobody was told of it when it was published: there was nothing in the vCard.
                await self._vcards.take_vcard4(account, item.payload)
            return
        written = tree.written(now)
        if before is None or written != tree.written(before):
            id_ = CURRENT if item is None else item.id
            await self._pep.publish(account, VCARD4_NODE, id_, written, opened=True)

    # ------------------------------------------------------------------ what is left of it

    def _some(self, after: str, most: int) -> Deferred[Sequence[Unpublished]]:
        # A server that lets nothing be published may do so one day, or never.
        return self._vcards.unpublished.some(after, most) if self._pep.granted else succeed(())

    def _catch_up(self, left: Unpublished) -> Deferred[None]:
        account = left.owner
        if not (self._own(account) and self._pep.holds(account)):
            return succeed(None)
        since = self._absent.get(account.domain)
        if since is not None and self._now() - since < ABSENT:
            self._leftovers.later()
            return succeed(None)
        # What it said before is not known any more: rather too little is shown than too much.
        return self._publish_soon(account, cleared=True)

    # ------------------------------------------------------------------ from PEP

    async def _take(self, account: JID, event: Event) -> None:
        said = None if event.payload is None else _vcard4(event.payload)
        if said is not None:
            now = await self._vcards.followed(account, said)
            if now is not None and tree.written(now) == tree.written(said):
                return
        # Only by looking it is sure that everybody may see it.
        shown = await self._pep.look_after(account, event)
        if shown is None:
            return
        published = None if shown.item is None else shown.item.payload
        await self._vcards.take_vcard4(account, published)


def _vcard4(payload: Element) -> Element | None:
    return payload if payload.tag == vcard4.ROOT else None


def _not_published(failure: Failure, account: JID) -> None:
    log.failure("the vCard of {account} was not published", failure, account=account)
