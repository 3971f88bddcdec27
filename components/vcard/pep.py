"""Avatars of vCards in PEP, and those of PEP in vCards (XEP-0398, XEP-0084).

A new photo is published in its owner's name, which takes the server's leave (XEP-0356 §6). What
an owner publishes the component is told of by the PEP service: it says `+notify` (XEP-0163 §4). It
gets the image as anybody else would, so that none gets into a vCard that is not open to everybody
(XEP-0398 §7).

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
from components.common.disco import Disco
from components.common.privilege import NotGranted, Privilege
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from components.vcard import avatar, pubsub
from components.vcard.names import AVATAR_CONVERSION, AVATAR_DATA, AVATAR_METADATA, PUBSUB
from components.vcard.newest import Newest
from components.vcard.photo import Photo
from components.vcard.service import Change, VCards
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="component")

NO_AVATAR = "current"
"""The item that says that there is no avatar; else it is named by the image's hash."""


class Conversion:
    """Keeps PEP and vCards alike. `changed` is told of vCards that have another photo by it."""

    def __init__(
        self,
        component: Component,
        privilege: Privilege,
        vcards: VCards,
        changed: Callable[[JID, Change], object],
    ) -> None:
        self._component = component
        self._privilege = privilege
        self._vcards = vcards
        self._changed = changed
        self._publishing: Newest[JID, Photo | None] = Newest(self._publish)
        self._taking: Newest[JID, Element] = Newest(self._take)
        self._removed: set[JID] = set()
        """Accounts that were removed while something was under way for them."""

    def listen(self, disco: Disco) -> None:
        """Be told of what owners publish."""
        disco.add(f"{AVATAR_METADATA}+notify")
        self._component.on_message(self.notified, pubsub.EVENT)

    def removed(self, account: JID) -> None:
        """An account is gone: what it has published last gets into no vCard any more."""
        if account in self._taking:
            self._removed.add(account)

    def features(self) -> Iterable[str]:
        """What accounts can do by it: there has to be a PEP service that the server lets it use."""
        granted = any(map(self._holds, self._component.servers))
        return (AVATAR_CONVERSION,) if granted else ()

    def _holds(self, account: JID) -> bool:
        return self._privilege.of(account).iq.get(PUBSUB) in ("set", "both")

    # ------------------------------------------------------------------ from the vCard

    def publish(self, account: JID, change: Change) -> None:
        """Publish what has become of a photo (XEP-0398 §3.2); nobody waits for it."""
        if change.new_photo and self._holds(account):
            publishing = Deferred.fromCoroutine(self._publishing.add(account, change.photo))
            publishing.addErrback(_not_published, account)

    async def _publish(self, account: JID, photo: Photo | None) -> None:
        if photo is not None:
            await self._put(account, AVATAR_DATA, photo.hash, avatar.data(photo))
        item = NO_AVATAR if photo is None else photo.hash
        await self._put(account, AVATAR_METADATA, item, avatar.metadata(photo))

    async def _put(self, account: JID, node: str, item: str, payload: Tag) -> None:
        """Publish for everybody, or for those for whom its owner has made the node (§7)."""
        ask = self._privilege.ask
        try:
            request = pubsub.publish(node, item, payload, opened=True)
            await ask(account, account, "set", request)
        except RequestFailed as failed:
            if failed.condition != "conflict":
                raise
            request = pubsub.publish(node, item, payload, opened=False)
            await ask(account, account, "set", request)

    # ------------------------------------------------------------------ from PEP

    async def notified(self, message: Stanza) -> None:
        """Take what an owner has published (XEP-0398 §3.1), unless it comes from the vCard."""
        account = message.sender
        if not (account.local and account.is_bare and self._holds(account)):
            raise StanzaError("forbidden", reason="component.not-the-server")
        metadata = pubsub.published(message, AVATAR_METADATA)
        if metadata is None or account in self._publishing:
            return
        try:
            await self._taking.add(account, metadata)
        except (StanzaError, RequestFailed) as error:
            log.info(
                "the avatar of {account} in PEP does not become that of the vCard: {error}",
                account=account,
                error=str(error),
            )
        finally:
            if account not in self._taking:
                self._removed.discard(account)

    async def _take(self, account: JID, metadata: Element) -> None:
        item = avatar.chosen(metadata)
        if (item or "").lower() == await self._vcards.photo_hash(account):
            return
        photo = None if item is None else await self._read(account, item)
        if account in self._removed:
            return  # who takes the name next is not to have it
        self._changed(account, await self._vcards.set_photo(account, photo))

    async def _read(self, account: JID, item: str) -> Photo:
        answer = await self._component.ask(account, "get", pubsub.wanted(AVATAR_DATA, item))
        payload = pubsub.given(answer, item)
        if payload is None:
            raise StanzaError("item-not-found", reason="vcard.avatar")
        return avatar.read(payload, item, self._vcards.limits.photo)


def _not_published(failure: Failure, account: JID) -> None:
    failure.trap(RequestFailed, NotGranted)
    log.warn(
        "the avatar of {account} is not published by PEP: {error}",
        account=account,
        error=failure.getErrorMessage(),
    )
