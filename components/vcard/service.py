"""vCards and who is found by them: what the component knows, without a stanza.

Its faces translate: IQs for an account or the server (XEP-0054), for the search (XEP-0055), and
what PEP publishes (XEP-0084, XEP-0292). Who may set what is their business: an owner's vCard is
set by the owner alone (XEP-0054 §3.2), and got by everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from components.common.paging import Found
from components.vcard import photo, vcard, vcard4
from components.vcard.cache import CachedVCards, Known
from components.vcard.directory import Row
from components.vcard.names import AVATAR_METADATA, VCARD4_NODE
from components.vcard.photo import Photo
from components.vcard.search import Search
from components.vcard.store import Edit, Edited, SQLVCards, StoredVCard
from components.vcard.vcard import Limits, VCard
from xmppd.jid import JID

CACHED_OCTETS = 16_777_216


@dataclass(frozen=True, slots=True)
class Change:
    """What a change came to.

    `encoded` is the vCard that is there now, `was` the one that was, None for none. `before` and
    `after` are the hashes of its photo, "" for none; `photo` is the one that is there now.
    """

    encoded: bytes | None = field(repr=False)
    was: bytes | None = field(repr=False)
    before: str
    photo: Photo | None

    @property
    def after(self) -> str:
        """The hash of the photo that is there now, "" for none."""
        return self.photo.hash if self.photo else ""

    @property
    def cleared(self) -> bool:
        """Whether the vCard says nothing any more that a vCard4 could say (XEP-0292 §11)."""
        return not _says(self.encoded) and _says(self.was)

    @property
    def new_photo(self) -> bool:
        """Whether presence (XEP-0153) and PEP (XEP-0398) have something to tell."""
        return self.before != self.after


class VCards:
    """The service over a store. `now` gives seconds UTC since 1970; owners may be full JIDs.

    What is set is noted as not published yet at the nodes of PEP where it is to be `published`.

    Everything fails as `storage.interfaces` says; what sets something, also with StanzaError.
    """

    def __init__(
        self,
        store: SQLVCards,
        now: Callable[[], float],
        limits: Limits = Limits(),  # noqa: B008 - a value
        cached_octets: int = CACHED_OCTETS,
        *,
        published: Collection[str] = (VCARD4_NODE, AVATAR_METADATA),
    ) -> None:
        self._vcards = CachedVCards(store, cached_octets)
        self._directory = store.directory
        self.untold = store.untold
        """Which photos the server has not been told of."""
        self.unpublished = store.unpublished
        """What is not in nodes of PEP yet (XEP-0292, XEP-0398)."""
        self._published = published
        self._now = now
        self.limits = limits

    def get(self, owner: JID) -> Deferred[bytes | None]:
        """The vCard as it is to be sent; None where there is none (XEP-0054 §3.1, §3.3)."""
        return self._vcards.get(owner.bare).addCallback(_encoded)

    def at_hand(self, owner: JID) -> Known | None:
        """What `get` would give, if that is known now: without a Deferred, which takes longer."""
        return self._vcards.at_hand(owner.bare)

    def photo_hash(self, owner: JID) -> Deferred[str]:
        """The hash of the photo, for presence; "" where there is none (XEP-0398 §4)."""
        return self._vcards.get(owner.bare).addCallback(_photo)

    def photo(self, owner: JID) -> Deferred[Photo | None]:
        """The photo that clients take; None where there is none. Fails as `photo.decoded`."""
        return self._vcards.get(owner.bare).addCallback(_image, self.limits.photo)

    def set(self, owner: JID, element: Element) -> Deferred[Change]:
        """Have `<vCard/>` in place of the vCard that is there (XEP-0054 §3.2).

        Fails as `vcard.checked` says.
        """
        return Deferred.fromCoroutine(self._set(owner, element))

    def set_photo(self, owner: JID, photo: Photo | None) -> Deferred[Change]:
        """Have this photo in the vCard, None for none, and all else as it is (XEP-0398 §3.1)."""

        def edit(stored: StoredVCard | None) -> VCard | None:
            return vcard.checked(vcard.with_photo(_element(stored), photo), self.limits)

        return self._edit(owner, edit)

    def set_vcard4(self, owner: JID, xcard: Element) -> Deferred[Change]:
        """Have what a vCard4 says in the vCard, and what it can't say as it is (XEP-0292 §11).

        Fails with StanzaError also where it is no vCard4.
        """

        def edit(stored: StoredVCard | None) -> VCard | None:
            return vcard.checked(vcard4.to_temp(xcard, _element(stored)), self.limits)

        return self._edit(owner, edit, publish=self._published)

    def take_vcard4(self, owner: JID, xcard: Element | None) -> Deferred[Change]:
        """Have what the vCard4 in PEP says in the vCard, nothing where there is none there.

        What it can't say stays as it is, and the photo, which has nodes of its own (XEP-0398).
        Fails as `set_vcard4`.
        """
        new = vcard4.empty() if xcard is None else xcard

        def edit(stored: StoredVCard | None) -> VCard | None:
            made = vcard4.to_temp(new, _element(stored), photo=False)
            return vcard.checked(made, self.limits)

        return self._edit(owner, edit)

    def followed(self, owner: JID, before: Element | None) -> Deferred[Element | None]:
        """The vCard4 for PEP, in place of the one that is there; see `vcard4.followed`."""
        return self._vcards.get(owner.bare).addCallback(_followed, before)

    def vcard4(self, owner: JID) -> Deferred[bytes | None]:
        """The vCard as a vCard4, as it is to be sent (XEP-0292 §11); None where there is none.

        It is made once for each vCard that is kept in memory: that takes 200 ms of a bad one, and
        anybody may ask for it.
        """
        account = owner.bare
        return self._vcards.get(account).addCallback(self._as_vcard4, account)

    def remove(self, owner: JID) -> Deferred[None]:
        """Erase everything that there is of an owner, whose account is gone: nobody is told."""
        return self._vcards.erase(owner.bare)

    def search(self, search: Search, domain: str | None = None) -> Deferred[Found[Row]]:
        """The users that were searched for, of one domain or all of them (XEP-0055)."""
        return self._directory.search(search.criteria, search.page, domain)

    def forget_cached(self) -> None:
        """Ask the store again for everything: others may have changed it."""
        self._vcards.clear()

    def _as_vcard4(self, known: Known, owner: JID) -> bytes | None:
        if known.encoded is None or known.vcard4 is not None:
            return known.vcard4
        made = vcard4.written(vcard.parsed(known.encoded), self.limits.vcard)
        self._vcards.add_vcard4(owner, known, made)
        return made

    async def _set(self, owner: JID, element: Element) -> Change:
        # Before the unit of work, which others wait for.
        new = vcard.checked(element, self.limits)
        return await self._edit(owner, lambda stored: new, publish=self._published)

    def _edit(self, owner: JID, edit: Edit, *, publish: Collection[str] = ()) -> Deferred[Change]:
        now = self._now()
        done = self._vcards.edit(owner.bare, edit, now=now, publish=publish, cleared=_cleared)
        return done.addCallback(_change)


def _element(stored: StoredVCard | None) -> Element:
    return vcard.empty() if stored is None else vcard.parsed(stored.encoded)


def _encoded(known: Known) -> bytes | None:
    return known.encoded


def _photo(known: Known) -> str:
    return known.photo


def _image(known: Known, most: int) -> Photo | None:
    if not known.photo or known.encoded is None:
        return None
    found = (photo.read(each, most) for each in vcard.parsed(known.encoded).iterfind(photo.PHOTO))
    return next(filter(None, found), None)


def _followed(known: Known, before: Element | None) -> Element | None:
    now = vcard.empty() if known.encoded is None else vcard.parsed(known.encoded)
    return vcard4.followed(now, before)


def _cleared(edited: Edited) -> bool:
    return _change(edited).cleared


def _says(encoded: bytes | None) -> bool:
    return encoded is not None and vcard4.followed(vcard.parsed(encoded), None) is not None


def _change(edited: Edited) -> Change:
    return Change(
        None if edited.after is None else edited.after.encoded,
        None if edited.before is None else edited.before.encoded,
        edited.photo_before,
        None if edited.after is None else edited.after.photo,
    )
