"""Connections whose streams have a say in what happens while the peer does not keep up."""

from __future__ import annotations

from typing import Protocol

from xmppd.net.carrier import Carrier
from xmppd.net.reading import Carried


class Clogged(Carried, Protocol):
    """A stream that is told of it: it may have those wait who send something to the peer."""

    def clogged(self) -> None:
        """The peer takes more slowly than it is sent."""

    def unclogged(self) -> None:
        """It has caught up."""


class CloggingCarrier(Carrier):
    """A `Carrier` of such a stream."""

    _carried: Clogged | None

    def pauseProducing(self) -> None:
        """The peer reads more slowly than we write."""
        super().pauseProducing()
        if self._carried is not None:
            self._carried.clogged()

    def resumeProducing(self) -> None:
        """It has caught up."""
        super().resumeProducing()
        if self._carried is not None and not self._clogged:
            self._carried.unclogged()
