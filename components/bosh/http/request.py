"""What is asked over HTTP, and what is answered: values, without I/O (RFC 9110)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple, Protocol, TypeAlias


class Peer(NamedTuple):
    """Where a client is, as far as we and the proxies that we trust can tell."""

    address: str
    """Its IP address, v4 or v6."""
    secure: bool
    """Whether nobody between it and us can read or change anything."""
    tls: bool = False
    """Whether it speaks TLS, with us or with a proxy: its URLs begin with https then."""

    @property
    def local(self) -> bool:
        """Whether it is on this machine: without TLS that is how it can be secure."""
        return self.secure and not self.tls


class Request(NamedTuple):
    """One request, whole."""

    method: str
    path: str
    """Without the query; as written, percent-encoded."""
    query: str
    headers: Mapping[bytes, bytes]
    """By name in small letters; of several of one name the values stand joined by commas."""
    body: bytes
    peer: Peer

    def header(self, name: bytes) -> str:
        """The value of a header, "" when absent; `name` in small letters."""
        return self.headers.get(name, b"").decode("latin-1")

    def accepts_gzip(self) -> bool:
        """Whether the client takes gzip (RFC 9110 §12.5.3)."""
        for each in self.header(b"accept-encoding").lower().split(","):
            coding, _, weight = each.partition(";")
            if coding.strip() in ("gzip", "x-gzip", "*"):
                return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        return False


Headers: TypeAlias = tuple[tuple[str, str], ...]


class Response(NamedTuple):
    """One answer. `Content-Length` and `Date` are no business of who makes it."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    close: bool = False
    """Whether the connection is to end behind it."""

    def adding(self, headers: Iterable[tuple[str, str]]) -> Response:
        """The same with more headers."""
        return self._replace(headers=(*self.headers, *headers))


def plain(status: int, text: str = "", headers: Headers = (), *, close: bool = False) -> Response:
    """An answer for people: a line of text, by default the status in words."""
    words = text or f"{status} {HTTPStatus(status).phrase}"
    typed = (("Content-Type", "text/plain; charset=utf-8"), *headers)
    return Response(status, typed, f"{words}\n".encode(), close)


class Taker(Protocol):
    """Who takes a connection over, as a WebSocket does (RFC 9110 §7.8)."""

    def receive(self, data: bytes) -> None:
        """Octets have come."""

    def gone(self) -> None:
        """The connection is gone."""

    def relieved(self) -> None:
        """The client has taken what it had left in the pipe."""


class Wire(Protocol):
    """The connection that was taken over."""

    stuck: bool
    """Whether the client has left unread some of what was written."""

    def write(self, data: bytes) -> None:
        """Write octets."""

    def pause(self) -> None:
        """Read nothing for now."""

    def resume(self) -> None:
        """Read on."""

    def finish(self, *, linger: bool = False) -> None:
        """End it once the client has what was written; `linger` where it may still be sending."""

    def finish_within(self, seconds: float) -> None:
        """End it if nobody else has by then."""

    def abort(self) -> None:
        """End it at once."""


class Exchange(Protocol):
    """A request that is to be answered once, now or later."""

    request: Request
    on_gone: Callable[[], object] | None
    """Called, where it is set, when the client is gone before it had the answer."""

    def answer(self, response: Response) -> None:
        """Answer; nothing happens where the client is gone, or was answered."""

    def take_over(self, taker: Taker, head: bytes) -> Wire | None:
        """Give the connection to `taker`, once `head` is written; None where it is gone."""


Handler: TypeAlias = Callable[[Exchange], None]
"""Has an exchange answered."""
