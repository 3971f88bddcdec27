"""Messages for a component that is away, in the store: a server that is killed loses none."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.storage.components import SQLComponents, Waiting
from xmppd.wire.claim import Claim

log = Logger()


class Stored(Claim, eq=False):
    """The claim of a message that waits in the store: it is forgotten there when nobody holds it.

    Nobody waits for it, so there is nobody to be told sooner.
    """

    def excuse(self) -> None:
        """Nothing: its message is in safe hands, and stays there until the component has it."""


class DurableSpool:
    """What waits for one component. `now` gives seconds UTC since 1970."""

    def __init__(self, store: SQLComponents, component: str, now: Callable[[], float]) -> None:
        self._store = store
        self._component = component
        self._now = now
        self._last = 0

    def keep(self, data: bytes, at: float, claim: Claim | None) -> Stored:
        """Store a message of `at`; the claim of it there.

        Whoever waits for the message's own `claim` is told when it is stored; the caller no longer
        holds that. Where it can't be stored it is held as long as the new one.
        """
        self._last = number = max(self._last + 1, int(self._now() * 1_000_000))
        kept = self.claim(number)

        def stored(_: None) -> None:
            if claim is not None:
                claim.let_go(safe=True)

        def failed(failure: Failure) -> None:
            log.failure(
                "a message for {component} was not stored", failure, component=self._component
            )
            if claim is None:
                return
            if kept.held:
                kept.then(lambda: claim.let_go(safe=kept.safe))
            else:
                claim.let_go(safe=kept.safe)

        self._store.put(Waiting(self._component, number, at, data)).addCallbacks(stored, failed)
        return kept

    def claim(self, number: int) -> Stored:
        """The claim of a message that is in the store by this number."""
        return Stored(told=lambda: self._forget(number))

    def _forget(self, number: int) -> None:
        self._store.forget(self._component, number).addErrback(self._not_forgotten)

    def _not_forgotten(self, failure: Failure) -> None:
        log.failure("{component} may get a message twice", failure, component=self._component)
