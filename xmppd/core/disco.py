"""What the server says of itself: identities, features and items that modules register."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from xmppd.core.iq import On
from xmppd.wire.build import Tag


class Identity(NamedTuple):
    """One identity of XEP-0030 §3.1."""

    category: str
    type: str
    name: str = ""
    lang: str = ""


class Advertised:
    """What service discovery answers, for the server and for its users' accounts.

    Features are counted, since two modules may stand on one namespace. `forms` make the extended
    information of XEP-0128; `on_change` is told whenever the answer changes.
    """

    __slots__ = ("_features", "forms", "identities", "items", "on_change")

    def __init__(self) -> None:
        self._features: dict[On, dict[str, int]] = {on: {} for on in On}
        self.identities: dict[On, list[Identity]] = {on: [] for on in On}
        self.forms: list[Callable[[], Tag | None]] = []
        self.items: dict[str, Callable[[], list[str]]] = {}
        """Who adds to disco#items of the domains: JIDs by the name of who adds them."""
        self.on_change: list[Callable[[], None]] = []

    def add(self, on: On, feature: str) -> Callable[[], None]:
        """Advertise `feature`; the callable returned takes it back."""
        counted = self._features[on]
        counted[feature] = counted.get(feature, 0) + 1
        self._changed()

        def remove() -> None:
            counted[feature] -= 1
            if not counted[feature]:
                del counted[feature]
            self._changed()

        return remove

    def features(self, on: On) -> list[str]:
        """The features in force, in code point order."""
        return sorted(self._features[on])

    def _changed(self) -> None:
        for listener in self.on_change:
            listener()
