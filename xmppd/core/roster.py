"""A user's roster as it is kept in memory while he has a session (RFC 6121 §2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from xmppd.jid import JID
from xmppd.storage.rosters import RosterItem, StoredRoster
from xmppd.subscription import FROM, IN, TO


class _Sides(NamedTuple):
    subscribers: list[JID]
    subscriptions: list[JID]
    requests: list[JID]


_ABSENT: Mapping[JID, RosterItem] = {}


class Roster:
    """The contacts of one account, by bare JID.

    It changes by whole items (`put`), and only once the store has them. `version` counts its
    changes. Besides what clients see (`listed`) it holds requests that have not been answered.
    """

    __slots__ = ("_items", "_octets", "_sides", "version")

    def __init__(self, stored: StoredRoster | None = None) -> None:
        self.version = stored.version if stored else 0
        self._items: Mapping[JID, RosterItem] = stored.items if stored else _ABSENT
        self._sides: _Sides | None = None
        self._octets: int | None = None

    @property
    def octets(self) -> int:
        """How many octets its items have; they are counted when that is first asked."""
        if self._octets is None:
            self._octets = sum(item.octets for item in self._items.values())
        return self._octets

    def __len__(self) -> int:
        return len(self._items)

    def get(self, contact: str) -> RosterItem | None:
        """The item of a bare JID, a mere request included."""
        return self._items.get(contact)  # type: ignore[call-overload,no-any-return]

    def item(self, contact: JID) -> RosterItem:
        """The item of a bare JID, or one that says nothing."""
        return self._items.get(contact) or RosterItem(contact)

    def state(self, contact: str) -> int:
        """The bits of `xmppd.subscription` that hold for a bare JID."""
        item = self.get(contact)
        return item.state if item is not None else 0

    def listed(self) -> Iterator[RosterItem]:
        """The items that clients are told of."""
        return (item for item in self._items.values() if item.listed)

    def __iter__(self) -> Iterator[RosterItem]:
        return iter(self._items.values())

    @property
    def subscribers(self) -> list[JID]:
        """The contacts that receive the user's presence."""
        return self._sorted().subscribers

    @property
    def subscriptions(self) -> list[JID]:
        """The contacts whose presence the user receives."""
        return self._sorted().subscriptions

    @property
    def requests(self) -> list[JID]:
        """The contacts that have asked for the user's presence and were not answered."""
        return self._sorted().requests

    def _sorted(self) -> _Sides:
        sides = self._sides
        if sides is None:
            sides = self._sides = _Sides([], [], [])
            for item in self._items.values():
                state = item.state
                if state & FROM:
                    sides.subscribers.append(item.contact)
                if state & TO:
                    sides.subscriptions.append(item.contact)
                if state & IN:
                    sides.requests.append(item.contact)
        return sides

    def put(self, item: RosterItem) -> None:
        """Take an item that the store has: in place of another, or away where nothing is left."""
        items = self._items
        if not isinstance(items, dict):
            self._items = items = dict(items)
        old = self.item(item.contact)
        before = old.state
        if self._octets is not None:
            self._octets += item.octets - old.octets
        if item.state:
            items[item.contact] = item
        else:
            items.pop(item.contact, None)
        self.version = item.version
        if (before ^ item.state) & (FROM | TO | IN):
            self._sides = None
