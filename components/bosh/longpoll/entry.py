"""One request of a session, from when it comes until its answer is forgotten."""

from __future__ import annotations

from typing import Protocol

from components.bosh.http.request import Exchange, Response


class Owner(Protocol):
    """Whose request it is."""

    def missed(self) -> None:
        """The client is gone that waited for an answer."""


class Entry:
    """A request by its id. It waits for its answer while `response` is None.

    `exchange` is None while nobody waits for that: the connection broke, or it has been given.
    """

    __slots__ = ("at", "digest", "exchange", "mark", "owner", "response", "rid", "since")

    def __init__(
        self, owner: Owner, rid: int, digest: bytes, exchange: Exchange, now: float
    ) -> None:
        self.owner = owner
        self.rid = rid
        self.digest = digest
        self.exchange: Exchange | None = exchange
        self.since = now
        """When it came, or was last repeated."""
        self.at = now
        """When it first came; once it has an answer, when it was given that,"""
        self.mark = 0
        """and how much had been said to the client by then."""
        self.response: Response | None = None
        exchange.on_gone = self.gone

    def repeated(self, exchange: Exchange, now: float) -> Exchange | None:
        """It came again, by another connection; the one that is not to be used any more."""
        old, self.exchange = self.exchange, exchange
        self.since = now
        exchange.on_gone = self.gone
        return old

    def answered(self, response: Response, now: float, mark: int) -> Exchange | None:
        """It has an answer; by whom that is to go out, None where nobody waits for it."""
        self.response = response
        self.at = now
        self.mark = mark
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.on_gone = None
        return exchange

    def gone(self) -> None:
        """The client is gone before it had an answer."""
        self.exchange = None
        self.owner.missed()
