"""Who may make a room, and whether there is space for one more (XEP-0045 §10.1.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from components.muc.model.policy import Policy
from components.muc.store.rooms import SQLRooms
from xmppd.errors import StanzaError
from xmppd.jid import JID

COUNTED = 30.0
"""Seconds after which the rooms of the store are counted anew: other instances make some, too."""


class Creating:
    """Sees to it that there are no more rooms than the policy lets be. `now` gives seconds.

    What is being made counts as made, so that no number of attempts at once makes more.
    """

    def __init__(self, store: SQLRooms, policy: Policy, now: Callable[[], float]) -> None:
        self._store = store
        self._policy = policy
        self._now = now
        self._making: Counter[JID | None] = Counter()
        self._known = 0
        self._known_until = 0.0
        self._made = 0
        """Since the rooms were counted."""

    @asynccontextmanager
    async def by(self, owner: JID | None) -> AsyncIterator[None]:
        """Make a room for somebody meanwhile; raises StanzaError where he may not."""
        self._making[owner] += 1
        try:
            await self._check(owner)
            yield
            self._made += 1
        finally:
            self._making[owner] -= 1
            if not self._making[owner]:
                del self._making[owner]

    async def _check(self, owner: JID | None) -> None:
        policy = self._policy
        if owner is not None and not policy.may_create(owner):
            raise StanzaError("not-allowed", "you may not make rooms", reason="muc.may-not-create")
        if owner is not None and policy.admin(owner):
            return
        if policy.rooms and not await self._space(policy.rooms):
            raise StanzaError("resource-constraint", "there are too many rooms", reason="muc.rooms")
        if owner is None or not policy.owned:
            return
        if await self._store.made(owner) + self._making[owner] > policy.owned:
            raise StanzaError(
                "resource-constraint", "you have made too many rooms", reason="muc.owned"
            )

    async def _space(self, most: int) -> bool:
        """Whether there are no more rooms than that, with those that are being made."""
        if self._now() < self._known_until and self._counted <= most:
            return True
        self._known_until = self._now() + COUNTED
        self._known, self._made = await self._store.count(), 0
        return self._counted <= most

    @property
    def _counted(self) -> int:
        return self._known + self._made + self._making.total()
