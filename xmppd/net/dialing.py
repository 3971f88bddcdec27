"""Getting to a place by TCP: its addresses one shortly after the other, until one answers.

Happy Eyeballs (RFC 8305): IPv6 and IPv4 by turns, each attempt a quarter of a second after the
one before or as soon as that has failed, and nobody waits for the slower of two questions to the
DNS. Twisted's own `HostnameEndpoint` does not begin until both are answered, waits out the delay
behind each failure, tells of one failure only, and leaves a protocol of its own in between.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ClientFactory
from twisted.python.failure import Failure

from xmppd.addresses import is_here
from xmppd.core.s2s.places import Build
from xmppd.core.s2s.trail import Trail
from xmppd.net.dns_answers import ADDRESSES, Kind

DELAY = 0.25
"""Seconds before the next address is tried beside those that have not answered (RFC 8305 §5)."""
RESOLUTION_DELAY = 0.05
"""Seconds that IPv4 waits for addresses of IPv6 that are not known yet (RFC 8305 §3)."""

DISCARD = 9
"""A port to which nothing is sent (RFC 863)."""

PROBLEMS: tuple[tuple[type[Exception], str], ...] = (
    (error.ConnectionRefusedError, "refused"),
    (error.NoRouteError, "unreachable"),
    (error.TCPTimedOutError, "timed out"),
    (error.TimeoutError, "timed out"),
)
"""What an attempt that failed is told as; another failure is told in the system's own words."""


class NoAddress(Exception):
    """There was no address that could be tried."""


class NotHere(Exception):
    """All addresses lead to this host, which is not to be."""


class Unreachable(Exception):
    """No address could be reached in time."""


class Dial:
    """One place being connected to. `done` is the protocol, connected, or one of the errors above.

    Whoever has asked the DNS calls `answered` once for each kind of address.
    """

    def __init__(
        self,
        reactor: Any,
        port: int,
        build: Build,
        trail: Trail,
        *,
        seconds: float,
        this_host: bool,
    ) -> None:
        self._reactor = reactor
        self._port = port
        self._build = build
        self._trail = trail
        self._seconds = seconds
        self._this_host = this_host
        self._kept_out = False
        self._next_kind: Kind = "AAAA"
        self._unanswered: set[Kind] = {"AAAA", "A"}
        self._addresses: dict[Kind, list[str]] = {"AAAA": [], "A": []}
        self._pending: list[_Attempt] = []
        self._tried = 0
        self._timer: Any = None
        self._deadline: Any = None
        self._winner: Any = None
        self.done: Deferred[Any] = Deferred(self._cancelled)

    def answered(self, kind: Kind, addresses: Iterable[str]) -> None:
        """These are the place's addresses of a kind; there may be none."""
        if self._over:
            return
        self._unanswered.discard(kind)
        self._addresses[kind] += [each for each in addresses if self._usable(each)][:ADDRESSES]
        if self._pending and self._timer is not None:
            return  # their turn comes
        early = kind == "A" and "AAAA" in self._unanswered and self._addresses["A"]
        if early and not self._tried:
            self._timer = self._reactor.callLater(RESOLUTION_DELAY, self._next)
        else:
            self._next()

    def fail(self, failure: Failure) -> None:
        """Give up for a reason that is nobody's fault but our own."""
        if not self._over:
            self._stop()
            self.done.errback(failure)

    @property
    def _over(self) -> bool:
        return self._winner is not None or bool(self.done.called)

    def _usable(self, address: str) -> bool:
        if self._this_host or not (is_here(address) or is_own(address)):
            return True
        self._kept_out = True
        self._trail.note("tcp", f"{address}: leads to this host; not tried", ok=False)
        return False

    def _next(self) -> None:
        """Try the next address, if there is one; give up where none can come any more."""
        self._stop_timer()
        address = self._take()
        if address:
            self._try(address)
        elif not self._pending and not self._unanswered:
            self._give_up()

    def _take(self) -> str:
        """Take the next address, of the kind that was not tried last if there is one."""
        other: Kind = "A" if self._next_kind == "AAAA" else "AAAA"
        for kind, then in ((self._next_kind, other), (other, self._next_kind)):
            if self._addresses[kind]:
                self._next_kind = then
                return self._addresses[kind].pop(0)
        return ""

    def _try(self, address: str) -> None:
        if not self._tried:
            self._deadline = self._reactor.callLater(self._seconds, self._late)
        self._tried += 1
        attempt = _Attempt(address, self._connected, self._failed)
        self._pending.append(attempt)
        self._timer = self._reactor.callLater(DELAY, self._next)
        attempt.connector = self._reactor.connectTCP(
            address, self._port, attempt, timeout=self._seconds
        )

    def _connected(self, attempt: _Attempt) -> Any:
        """Take the first connection; the protocol that is to have it."""
        if self._over:
            return None  # Twisted closes it
        self._note(attempt.address, "connected", ok=True)
        self._pending.remove(attempt)
        self._winner = self._build()
        self._stop()
        # Twisted connects the protocol when this has returned.
        self._timer = self._reactor.callLater(0, self._won)
        return self._winner

    def _won(self) -> None:
        self._timer = None
        self.done.callback(self._winner)

    def _failed(self, attempt: _Attempt, reason: Failure) -> None:
        if attempt not in self._pending:
            return  # it was stopped
        self._pending.remove(attempt)
        self._note(attempt.address, _problem(reason), ok=False)
        self._next()

    def _late(self) -> None:
        """The time for all of them is over."""
        self._deadline = None
        for attempt in self._pending:
            self._note(attempt.address, f"timed out after {self._seconds:g} s", ok=False)
        self._give_up()

    def _give_up(self) -> None:
        self._stop()
        if self._tried:
            self.done.errback(Unreachable())
        else:
            self.done.errback(NotHere() if self._kept_out else NoAddress())

    def _stop(self) -> None:
        """Let go of timers and of attempts that have not come to anything."""
        self._stop_timer()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        pending, self._pending = self._pending, []
        for attempt in pending:
            attempt.connector.disconnect()

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _cancelled(self, _: Deferred[Any]) -> None:
        """Nobody waits any more."""
        self._stop()
        if self._winner is not None:
            self._winner.transport.abortConnection()

    def _note(self, address: str, said: str, *, ok: bool) -> None:
        host = f"[{address}]" if ":" in address else address
        self._trail.note("tcp", f"{host}:{self._port}: {said}", ok=ok)


class _Attempt(ClientFactory):
    """A connection to one address."""

    noisy = False

    def __init__(
        self,
        address: str,
        connected: Callable[[_Attempt], Any],
        failed: Callable[[_Attempt, Failure], None],
    ) -> None:
        self.address = address
        self.connector: Any = None
        self._connected = connected
        self._failed = failed

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Have whoever dials say what the connection is for."""
        return self._connected(self)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Say so."""
        self._failed(self, reason)


def is_own(address: str) -> bool:
    """Whether an address is one of this host's: then what goes there would come from there.

    Nothing is sent to find that out. It lies before any firewall that keeps others from its ports.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, DISCARD))
            source: str = sock.getsockname()[0]
    except OSError:
        return False  # there is no way to it
    return ip_address(source.partition("%")[0]) == ip_address(address)


def _problem(reason: Failure) -> str:
    for kind, said in PROBLEMS:
        if isinstance(reason.value, kind):
            return said
    number = getattr(reason.value, "osError", None)
    message: str = os.strerror(number) if number else reason.getErrorMessage()
    return message
