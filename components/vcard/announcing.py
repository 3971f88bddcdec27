"""Photos made known to the server, whose presence names them (XEP-0153, XEP-0398 §4).

The server takes the hash in an IQ set to the account, by the element that presence is to have.
What it has not taken yet is remembered in the store, and told again when it is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.component import Component
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from components.vcard import avatar_update
from components.vcard.service import Change
from components.vcard.untold import SQLUntold, Untold
from xmppd.jid import JID

log = Logger(namespace="component")

AGAIN = 300.0
"""Seconds after which the server is told once more what it had no time for."""

AT_A_TIME = 200
"""How many photos it is told of at once."""

_WAIT = frozenset(
    {
        "remote-server-timeout",
        "resource-constraint",
        "internal-server-error",
        "recipient-unavailable",
    }
)
"""Errors that may be over later. Any other one is an answer: that account's presence is to name no
avatar, or there is no such account."""


class Announcing:
    """What the server knows of its users' photos, and what it has still to be told."""

    def __init__(self, component: Component, untold: SQLUntold) -> None:
        self._component = component
        self._untold = untold
        self._again: IDelayedCall | None = None
        component.on_open(self._opened)
        component.on_stop(self._stop)

    def changed(self, account: JID, change: Change) -> None:
        """Tell of a change, before whoever made it has his answer: his next presence is right."""
        if change.new_photo:
            self._tell(Untold(account, change.after))

    def _tell(self, news: Untold) -> Deferred[None]:
        asked = self._component.ask(news.owner, "set", avatar_update.update(news.photo))
        done: Deferred[None] = asked.addCallbacks(
            self._told, self._refused, callbackArgs=(news,), errbackArgs=(news,)
        )
        return done.addErrback(_not_told)

    def _told(self, result: Stanza, news: Untold) -> Deferred[None]:
        return self._untold.told(*news)

    def _refused(self, failure: Failure, news: Untold) -> Deferred[None] | None:
        failure.trap(RequestFailed)
        condition = getattr(failure.value, "condition", "")
        if condition in _WAIT:
            if self._again is None:
                self._again = self._component.clock.callLater(AGAIN, self._catch_up)
            return None
        log.warn(
            "the server does not take the avatar of {account}: {condition}",
            account=news.owner,
            condition=condition,
        )
        return self._untold.told(*news)

    # ------------------------------------------------------------------ what is still to be told

    def _opened(self, resumed: bool) -> None:
        if not resumed:
            self._catch_up()

    def _catch_up(self) -> None:
        self._stop()
        Deferred.fromCoroutine(self._tell_all()).addErrback(_not_told)

    async def _tell_all(self) -> None:
        after = ""
        while some := await self._some(after):
            await DeferredList([self._tell(news) for news in some])
            after = str(some[-1].owner)

    def _some(self, after: str) -> Deferred[Sequence[Untold]]:
        return self._untold.some(after, AT_A_TIME)

    def _stop(self) -> None:
        if self._again is not None and self._again.active():
            self._again.cancel()
        self._again = None


def _not_told(failure: Failure) -> None:
    log.failure("the server was not told of an avatar", failure)
