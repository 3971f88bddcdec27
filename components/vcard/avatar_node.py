"""Avatars of vCards in PEP, and those of PEP in vCards (XEP-0398, XEP-0084).

What was published from a vCard comes back as an event with the hash that the vCard has already:
there it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.build import Tag
from components.common.component import Component
from components.common.instances import Instances
from components.common.requests import RequestFailed
from components.vcard import avatar
from components.vcard.names import AVATAR_CONVERSION, AVATAR_DATA, AVATAR_METADATA
from components.vcard.newest import Newest
from components.vcard.pep import Pep
from components.vcard.photo import Photo
from components.vcard.publishing import Publishing
from components.vcard.pubsub import Event
from components.vcard.service import Change, VCards
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="component")

NO_AVATAR = "current"
"""The item that says that there is no avatar; else it is named by the image's hash."""


class AvatarNode:
    """Keeps PEP and vCards alike. `changed` is told of vCards that have another photo by it."""

    def __init__(
        self,
        component: Component,
        instances: Instances,
        pep: Pep,
        vcards: VCards,
        changed: Callable[[JID, Change], object],
    ) -> None:
        self._pep = pep
        self._vcards = vcards
        self._changed = changed
        self._later = Publishing(
            component,
            instances,
            pep,
            vcards.unpublished,
            AVATAR_METADATA,
            lambda left: self._publish_soon(left.owner),
        )
        self._publishing: Newest[JID, None] = Newest(self._publish)
        self._taking: Newest[JID, Event] = Newest(self._take)
        pep.listen(AVATAR_METADATA, self._notified)

    def features(self) -> Iterable[str]:
        """What accounts can do by it: there has to be a PEP service that the server lets it use."""
        return (AVATAR_CONVERSION,) if self._pep.granted else ()

    def ended(self, account: JID) -> Deferred[None]:
        """When nothing of an account gets into its vCard any more."""
        return self._taking.ended(account)

    # ------------------------------------------------------------------ from the vCard

    def publish(self, account: JID, change: Change) -> None:
        """Publish what has become of a photo (XEP-0398 §3.2); nobody waits for it."""
        if change.new_photo and self._pep.holds(account):
            self._publish_soon(account)

    def _publish_soon(self, account: JID) -> Deferred[None]:
        publishing = Deferred.fromCoroutine(self._publishing.add(account, None))
        return publishing.addErrback(_not_published, account)

    async def _publish(self, account: JID, _: None) -> None:
        await self._later.tried(account, self._put_all(account))

    async def _put_all(self, account: JID) -> None:
        """Publish the photo that the vCard has now, the data first (XEP-0398 §3.2)."""
        photo = await self._vcards.photo(account)
        if photo is not None:
            await self._put(account, AVATAR_DATA, photo.hash, avatar.data(photo))
        item = NO_AVATAR if photo is None else photo.hash
        await self._put(account, AVATAR_METADATA, item, avatar.metadata(photo))

    async def _put(self, account: JID, node: str, item: str, payload: Tag) -> None:
        """Publish for everybody, or for those for whom its owner has made the node (§7)."""
        try:
            await self._pep.publish(account, node, item, payload, opened=True)
        except RequestFailed as failed:
            if failed.condition != "conflict":
                raise
            await self._pep.publish(account, node, item, payload, opened=False)

    # ------------------------------------------------------------------ from PEP

    async def _notified(self, account: JID, event: Event) -> None:
        """Take what an owner has published (XEP-0398 §3.1), unless it comes from the vCard."""
        try:
            if account in self._publishing:
                await self._publishing.ended(account)
                if event.payload is None or not await self._has(account, event.payload):
                    # It may tell of what was published meanwhile, or of what that has replaced.
                    event = event._replace(payload=None)
            await self._taking.add(account, event)
        except (StanzaError, RequestFailed) as error:
            log.info(
                "the avatar of {account} in PEP does not become that of the vCard: {error}",
                account=account,
                error=str(error),
            )

    async def _has(self, account: JID, metadata: Element | None) -> bool:
        """Whether the photo of a vCard is the image that metadata name."""
        item = None if metadata is None else avatar.chosen(metadata)
        return (item or "").lower() == await self._vcards.photo_hash(account)

    async def _take(self, account: JID, event: Event) -> None:
        metadata = event.payload
        if metadata is None:
            # It was deleted, or the node is for others now, or payloads are not told.
            shown = await self._pep.look_after(account, event)
            if shown is None:
                return
            metadata = None if shown.item is None else shown.item.payload
        if await self._has(account, metadata):
            return
        item = None if metadata is None else avatar.chosen(metadata)
        photo = None if item is None else await self._read(account, item)
        self._changed(account, await self._vcards.set_photo(account, photo))

    async def _read(self, account: JID, id_: str) -> Photo:
        shown = await self._pep.look(account, AVATAR_DATA, id_)
        if shown.item is None:
            raise StanzaError("item-not-found", reason="vcard.avatar")
        return avatar.read(shown.item.payload, id_, self._vcards.limits.photo)


def _not_published(failure: Failure, account: JID) -> None:
    log.failure("the avatar of {account} was not published", failure, account=account)
