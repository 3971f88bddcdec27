"""How fast a client may ask (XEP-0124 §11, §12)."""

from __future__ import annotations

from typing import Final

from components.bosh.longpoll.refusal import Refused
from components.bosh.longpoll.terms import Terms
from components.bosh.longpoll.window import Window

JITTER_SECONDS: Final = 0.5
"""How much sooner than it may a client's request may arrive: it can't know how long it takes."""


class Pace:
    """When new requests came, and whether anything was said by them or by their answers."""

    __slots__ = ("_emptied", "_previous", "answered_nothing")

    def __init__(self, now: float) -> None:
        self._previous = now
        self._emptied = False
        self.answered_nothing = False
        """Whether the last answer was empty."""

    def check(self, now: float, terms: Terms, window: Window, *, empty: bool) -> None:
        """A new request has come, and is not in the window yet; raises `Refused` if it may not.

        What counts for its haste is who waits: a client whose page was loaded anew, or whose
        network is another, may ask at once.
        """
        if len(window) + 1 > terms.requests:
            raise Refused("policy-violation", "bosh.requests")
        if empty and now - self._previous < terms.polling - JITTER_SECONDS:
            if terms.polls:
                fast = self._emptied and self.answered_nothing
            else:
                fast = window.waiting() + 1 == terms.requests
            if fast:
                raise Refused("policy-violation", "bosh.frequent")
        self._previous = now
        self._emptied = empty

    def excuse(self, now: float) -> None:
        """A request has come that may be one too many: it ends the session, or pauses it."""
        self._previous = now
        self._emptied = False
