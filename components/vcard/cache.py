"""vCards that were asked for lately, and who has none: most gets need no store.

It is right as long as this process alone changes the vCards of the owners that it is asked for;
`clear` forgets everything when that was not so for a time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import NamedTuple

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from components.common.whole import wholly
from components.vcard.store import Cleared, Edit, Edited, SQLVCards, StoredVCard, never
from components.vcard.vcard import VCard
from xmppd.jid import JID

OVERHEAD = 400
"""Octets that an entry takes besides the vCard's own, and the address: its place in here."""

ADDRESS = 3
"""How many times the octets of an address it takes in memory: as text, as bytes, and in parts."""


class Known(NamedTuple):
    """A vCard's bytes, None where there is none, and the hash of its photo, "" for none.

    `vcard4` are the bytes of the vCard4 that it makes (XEP-0292), None where nobody has asked.
    """

    encoded: bytes | None
    photo: str
    vcard4: bytes | None = None


NONE = Known(None, "")


class CachedVCards:
    """A store with a cache of at most `octets` in front of it; all changes go through it."""

    def __init__(self, store: SQLVCards, octets: int) -> None:
        self._store = store
        self._room = octets
        self._known: OrderedDict[JID, Known] = OrderedDict()
        # Who waits for a reading that is under way. A change that ends meanwhile takes it away:
        # what is being read may be older, and is told to those who had asked, but not kept.
        self._reading: dict[JID, list[Deferred[Known]]] = {}

    def at_hand(self, owner: JID) -> Known | None:
        """What is known of an owner without a look into the store; None where nothing is."""
        known = self._known.get(owner)
        if known is not None:
            self._known.move_to_end(owner)
        return known

    def get(self, owner: JID) -> Deferred[Known]:
        """The vCard of an owner. However many ask at once, the store is asked once."""
        known = self.at_hand(owner)
        if known is not None:
            return succeed(known)
        answer: Deferred[Known] = Deferred()
        waiting = self._reading.get(owner)
        if waiting is not None:
            waiting.append(answer)
            return answer
        self._reading[owner] = waiting = [answer]
        reading = self._store.get(owner)
        reading.addCallbacks(
            self._read,
            self._unread,
            callbackArgs=(owner, waiting),
            errbackArgs=(owner, waiting),
        )
        return answer

    def edit(
        self,
        owner: JID,
        edit: Edit,
        *,
        now: float,
        publish: Collection[str] = (),
        cleared: Cleared = never,
    ) -> Deferred[Edited]:
        """See `SQLVCards.edit`."""
        done = self._store.edit(owner, edit, now=now, publish=publish, cleared=cleared)
        return wholly(
            done.addCallbacks(
                self._edited, self._unedited, callbackArgs=(owner,), errbackArgs=(owner,)
            )
        )

    def erase(self, owner: JID) -> Deferred[None]:
        """See `SQLVCards.erase`."""
        done = self._store.erase(owner)
        return wholly(
            done.addCallbacks(
                self._erased, self._unedited, callbackArgs=(owner,), errbackArgs=(owner,)
            )
        )

    def add_vcard4(self, owner: JID, known: Known, vcard4: bytes) -> None:
        """Keep the vCard4 of what `known` is, as long as that is what is known."""
        if self._known.get(owner) is known:
            self._forget(owner)
            self._keep(owner, known._replace(vcard4=vcard4))

    def clear(self) -> None:
        """Forget everything: somebody else may have changed it."""
        self._room += sum(octets(owner, known) for owner, known in self._known.items())
        self._known.clear()
        self._reading.clear()

    def _read(self, stored: StoredVCard | None, owner: JID, waiting: list[Deferred[Known]]) -> None:
        known = NONE if stored is None else Known(stored.encoded, stored.photo)
        if self._reading.get(owner) is waiting:
            del self._reading[owner]
            self._keep(owner, known)
        for each in waiting:
            each.callback(known)

    def _unread(self, failure: Failure, owner: JID, waiting: list[Deferred[Known]]) -> None:
        if self._reading.get(owner) is waiting:
            del self._reading[owner]
        for each in waiting:
            each.errback(failure)

    def _edited(self, edited: Edited, owner: JID) -> Edited:
        self._forget(owner)
        self._keep(owner, _known(edited.after))
        return edited

    def _erased(self, done: None, owner: JID) -> None:
        self._forget(owner)
        self._keep(owner, NONE)

    def _unedited(self, failure: Failure, owner: JID) -> Failure:
        self._forget(owner)  # it may have been done all the same
        return failure

    def _forget(self, owner: JID) -> None:
        self._reading.pop(owner, None)
        known = self._known.pop(owner, None)
        if known is not None:
            self._room += octets(owner, known)

    def _keep(self, owner: JID, known: Known) -> None:
        """Keep what is known of an owner of whom nothing is, and let go of the oldest."""
        self._known[owner] = known
        self._room -= octets(owner, known)
        while self._room < 0:
            self._room += octets(*self._known.popitem(last=False))


def octets(owner: JID, known: Known) -> int:
    """What an entry takes in memory, about.

    Anybody may ask for the vCards of addresses of a thousand characters, at which nobody is.
    """
    said = len(known.encoded or b"") + len(known.vcard4 or b"")
    return OVERHEAD + ADDRESS * len(owner.attr) + said


def _known(vcard: VCard | None) -> Known:
    if vcard is None:
        return NONE
    return Known(vcard.encoded, vcard.photo_hash)
