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

    def check(self, came: float, terms: Terms, window: Window, *, empty: bool) -> bool:
        """It is a request's turn, who came then and is not in the window yet.

        Raises `Refused` if it may not. True where it was too hasty, if all those wait who seem
        to: a client whose page was loaded anew, or whose network is another, may ask at once.

        Requests follow each other by their ids: connections may bring a later one first.
        """
        if len(window) + 1 > terms.requests:
            raise Refused("policy-violation", "bosh.requests")
        hasty = False
        if empty and abs(came - self._previous) < terms.polling - JITTER_SECONDS:
            if not terms.polls:
                # The last request counts: behind this one is none.
                hasty = not window.early() and window.waiting() + 1 == terms.requests
            elif self._emptied and self.answered_nothing:
                raise Refused("policy-violation", "bosh.frequent")
        self._previous = came
        self._emptied = empty
        return hasty

    def excuse(self, now: float) -> None:
        """A request has come that may be one too many: it ends the session, or pauses it."""
        self._previous = now
        self._emptied = False
