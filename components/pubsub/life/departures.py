"""Who goes offline, of those with something that ends then: subscriptions (XEP-0060 §13.5), items.

Whoever leaves is seen to leave, but for those who do while nobody looks: who they are is known
some time after the server has begun to tell anew who is there. Whom the server merely tells of no
more, since an account has blocked him or others have taken his place, has not left.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.component import Component
from components.common.instances import Instances
from components.common.interests import gone
from components.common.privilege import Privilege
from components.common.stanza import Stanza
from components.pubsub.life.presences import LATER
from xmppd.jid import JID

log = Logger(namespace="component")

AT_ONCE = 4
"""How many people are seen to at the same time; the others wait for their turn."""

MOST = 100_000
"""How many people are known to be concerned: with more of them, anybody may be."""

Find: TypeAlias = Callable[[], Awaitable[set[JID]]]
"""All of whom something ends, by bare JID."""

SeeTo: TypeAlias = Callable[[JID, bool], Coroutine[Deferred[Any], Any, None]]
"""Sees to somebody: he was seen to come or go, or (False) it is only looked whether he is there."""


class Departures:
    """Sees people leave, for all who want to know."""

    def __init__(
        self, component: Component, clock: IReactorTime, privilege: Privilege, instances: Instances
    ) -> None:
        self._component = component
        self._clock = clock
        self._watches: list[Watch] = []
        self._look: IDelayedCall | None = None
        component.on_open(self._opened)
        privilege.on_presence(self._seen)
        # Some have been others' until now.
        instances.on_change(lambda _: self._anew())

    def watch(self, find: Find, see_to: SeeTo) -> Watch:
        """Have `see_to` called as people leave that are known, or found, to be concerned."""
        watch = Watch(find, see_to, partial(self._clock.callLater, LATER))
        self._watches.append(watch)
        return watch

    def _opened(self, resumed: bool) -> None:
        # One that was lost while the server was telling who is there has it go on.
        if not resumed or self._look is not None:
            self._anew()

    def _anew(self) -> None:
        """Look at all of them, once it is known who is there."""
        if self._look is not None:
            self._look.cancel()
        self._look = self._clock.callLater(LATER, self._look_back)

    def _look_back(self) -> None:
        self._look = None
        if not self._component.connected:
            self._anew()
            return
        for watch in self._watches:
            later = Deferred.fromCoroutine(watch.look())
            later.addErrback(self._in_vain)

    def _in_vain(self, failure: Failure) -> None:
        log.failure("nobody has looked who is gone", failure)
        if self._look is None:
            self._anew()

    def _seen(self, stanza: Stanza) -> None:
        if stanza.type == "unavailable" and gone(stanza):
            for watch in self._watches:
                watch.moved(stanza.sender.bare)


class Watch:
    """People of whom something ends as they go offline, as far as this process knows."""

    def __init__(self, find: Find, see_to: SeeTo, later: Callable[[Callable[[], None]], object]):
        self._find = find
        self._see_to = see_to
        self._later = later
        self._known: set[JID] = set()
        self._more = False
        """Whether there are more than are known."""
        self._waiting: OrderedDict[JID, bool] = OrderedDict()
        """Who is to be seen to, and whether he was seen to come or go."""
        self._busy: set[JID] = set()
        """Who is just being seen to: nobody is twice at the same time."""
        self._working = 0
        self._in_vain: dict[JID, bool] = {}
        """Who could not be seen to, and is to be later; as in `_waiting`."""

    def __contains__(self, bare: JID) -> bool:
        """Whether somebody may be concerned."""
        return self._more or bare in self._known

    def add(self, bare: JID) -> None:
        """Know of somebody, by bare JID."""
        if len(self._known) < MOST:
            self._known.add(bare)
        else:
            self._more = True

    def discard(self, bare: JID) -> None:
        """The contrary."""
        self._known.discard(bare)

    def moved(self, bare: JID) -> None:
        """Have somebody seen to who has come or gone, if he is concerned."""
        if bare in self:
            self._ask(bare, moved=True)

    async def look(self) -> None:
        """Have all seen to."""
        found = await self._find()
        self._more = False
        for bare in found:
            self.add(bare)
        for bare in found | self._known:
            self._ask(bare, moved=False)

    def _ask(self, bare: JID, *, moved: bool) -> None:
        self._waiting[bare] = self._waiting.get(bare, False) or moved
        if self._working < AT_ONCE:
            self._working += 1
            working = Deferred.fromCoroutine(self._work())
            working.addErrback(lambda failure: log.failure("who is gone is not seen to", failure))

    async def _work(self) -> None:
        try:
            while (bare := self._next()) is not None:
                self._busy.add(bare)
                moved = self._waiting.pop(bare)
                seen = Deferred.fromCoroutine(self._see_to(bare, moved))
                await seen.addErrback(self._not_seen_to, bare, moved)
                self._busy.discard(bare)
        finally:
            self._working -= 1

    def _next(self) -> JID | None:
        return next((each for each in self._waiting if each not in self._busy), None)

    def _not_seen_to(self, failure: Failure, bare: JID, moved: bool) -> None:
        log.failure("{jid} is not seen to, who may be gone", failure, jid=bare)
        if not self._in_vain:
            self._later(self._try_again)
        if len(self._in_vain) < MOST:
            self._in_vain[bare] = moved or self._in_vain.get(bare, False)

    def _try_again(self) -> None:
        in_vain, self._in_vain = self._in_vain, {}
        for bare, moved in in_vain.items():
            self._ask(bare, moved=moved)
