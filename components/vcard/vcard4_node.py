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

from typing import NamedTuple
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common import tree
from components.common.component import Component
from components.common.instances import Instances
from components.common.requests import RequestFailed
from components.vcard import vcard4
from components.vcard.names import VCARD4_NODE
from components.vcard.newest import Newest
from components.vcard.pep import Pep
from components.vcard.publishing import Publishing
from components.vcard.pubsub import Event
from components.vcard.service import Change, VCards
from components.vcard.unpublished import Unpublished
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="component")

CURRENT = "current"
"""The id of an item that is the only one of its node (XEP-0060 §12.20)."""


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
        self._pep = pep
        self._vcards = vcards
        self._work: Newest[JID, _Work] = Newest(self._do, _join)
        self._publishing = Publishing(
            component, instances, pep, vcards.unpublished, VCARD4_NODE, self._again
        )
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
            await self._publishing.tried(account, self._put(account, work.cleared))
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

    def _again(self, left: Unpublished) -> Deferred[None]:
        return self._publish_soon(left.owner, cleared=left.cleared)

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
        try:
            written = tree.written(now, most=self._vcards.limits.vcard)
        except tree.TooLong:
            # A word of a list is two octets in a vCard, and fourteen in a vCard4.
            why = "the vCard4 is too large"
            raise StanzaError("policy-violation", why, reason="limit.vcard") from None
        if before is None or written != tree.written(before):
            id_ = CURRENT if item is None else item.id
            await self._pep.publish(account, VCARD4_NODE, id_, written, opened=True)

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
