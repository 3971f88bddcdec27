"""The users' contacts elsewhere that are there: what each shows, and to which accounts.

As many as `REMEMBERED` are known; of more, those that have said nothing for longest are forgotten,
but of a server that has more than half of them, its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from xmppd.core.crowds import Crowds
from xmppd.core.sharers import Shared
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

REMEMBERED = 20_000
"""Of how many resources of contacts elsewhere the last presence is kept."""

LARGEST = 4_096
"""Octets of presence that is kept, attributes and all: what is larger is told, but to nobody who
comes later."""


class Contacts:
    """Those that are known, by full JID, the one that said something last at the end."""

    def __init__(self) -> None:
        self._presence: dict[JID, Stanza] = {}
        self._crowds = Crowds[JID]()
        self._shown: dict[JID, dict[JID, None]] = {}

    def __contains__(self, contact: object) -> bool:
        return contact in self._presence

    def __iter__(self) -> Iterator[JID]:
        return iter(self._presence)

    def presence(self, contact: JID) -> Stanza | None:
        """The presence of a full JID, None where it is not there."""
        return self._presence.get(contact)

    def shown(self, contact: JID) -> Collection[JID]:
        """The accounts that are known to see it."""
        return self._shown.get(contact, {}).keys()

    def come(self, contact: JID, stanza: Stanza) -> tuple[bool, list[JID]]:
        """Take what a contact shows: whether that is news, and who is forgotten for it.

        It is none where it has shown another account the same.
        """
        last = self._presence.pop(contact, None)
        news = last is None or last.inner != stanza.inner
        forgotten = []
        if len(stanza.tail()) > LARGEST:
            forgotten.append(contact)
        else:
            self._presence[contact] = stanza
            self._crowds.note(contact, contact.domain)
            if len(self._presence) > REMEMBERED:
                forgotten.append(self._crowds.last(contact))
        for each in forgotten:
            self.go(each)
        return news, forgotten

    def go(self, contact: JID) -> bool:
        """Forget a contact; False where it was not known."""
        self._shown.pop(contact, None)
        self._crowds.drop(contact)
        return self._presence.pop(contact, None) is not None

    def show(self, pair: Shared) -> bool:
        """Know that an account sees a contact that is there; False where that is no news."""
        shown = self._shown.setdefault(pair.sender, {}) if pair.sender in self else None
        if shown is None or pair.account in shown:
            return False
        shown[pair.account] = None
        return True

    def hide(self, pair: Shared) -> bool:
        """Know that an account sees a contact no more; False where it was not known to.

        Whom no account sees any more is forgotten.
        """
        shown = self._shown.get(pair.sender, {})
        if pair.account not in shown:
            return False
        del shown[pair.account]
        if not shown:
            self.go(pair.sender)
        return True

    def clear(self) -> None:
        """Forget everybody."""
        self._presence.clear()
        self._crowds.clear()
        self._shown.clear()

    def hide_all(self) -> None:
        """Forget which accounts see whom."""
        self._shown.clear()
