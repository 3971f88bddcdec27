"""The seam between a client, however it comes, and its stream in the server.

A `Client` is a face: a WebSocket, a BOSH session. A `Stream` is what it has at the other end of the
tunnel. Neither knows the other's kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Client(Protocol):
    """Who is told what the server says in a stream; all in the order in which it was said.

    After `refused`, `closed` or `lost` it hears no more.
    """

    def opened(self, header: Mapping[str, str]) -> None:
        """The server's stream header: `from`, `id`, `xml:lang`, sometimes `to` and `version`."""

    def features(self, content: bytes) -> None:
        """What stands in `<stream:features/>`; each element declares its namespaces."""

    def elements(self, elements: Sequence[bytes]) -> None:
        """Elements, as they are to be passed on: each declares its namespaces, all of them."""

    def failed(self, content: bytes) -> None:
        """What stands in `<stream:error/>` (RFC 6120 §4.9); `closed` follows."""

    def closed(self) -> None:
        """The stream is over, in order (RFC 6120 §4.4)."""

    def lost(self) -> None:
        """The stream is over: the connection is to end without a word."""

    def refused(self, condition: str, text: str) -> None:
        """There is no stream: the server has none for this client, or is not there.

        `condition` is one of RFC 6120 §8.3.3: ``resource-constraint`` where the client's address
        has as many as it may, ``remote-server-timeout`` where there is no server, ...
        """

    def asked(self, number: int) -> None:
        """Call the stream's `taken` with this once the client has taken all it was told so far."""

    def pause(self) -> None:
        """Read nothing from the client for now."""

    def resume(self) -> None:
        """Read on."""


class Stream(Protocol):
    """What a client has to say goes here. After `end`, `close` or `lost` nothing does."""

    def open(self, header: Mapping[str, str]) -> None:
        """The client opens its stream, or opens it anew behind SASL.

        `header` has what it gave of `to`, `from`, `version` and `xml:lang`, under these names.
        """

    def say(self, data: str) -> None:
        """The client's elements as they came: one, several, or a part of one.

        Where they declare no namespace they are of jabber:client. Raises ValueError for characters
        that are no XML (XML 1.0 §2.2), and says nothing then.
        """

    def say_each(self, elements: Sequence[str]) -> None:
        """The same of elements each of which has to be one, and whole.

        The server ends the stream of who says anything else.
        """

    def taken(self, number: int) -> None:
        """The client has taken all that it was told before it was `asked` this."""

    def end(self) -> None:
        """The client has closed its stream, and hears the rest (RFC 6120 §4.4): up to `closed`."""

    def close(self) -> None:
        """The client has closed its stream, for good, and hears no more."""

    def lost(self) -> None:
        """The client's connection broke: it may come back, and resume (XEP-0198 §5)."""


class Streams(Protocol):
    """Where clients get their streams."""

    def domain(self, to: str) -> str:
        """The domain of the server that a client means by what it names: its first, if by none."""

    def stream(
        self, client: Client, address: str, *, secure: bool, to: str, local: bool = False
    ) -> Stream:
        """A stream for a client at an IP address; nothing is said before `open`.

        `local` where the client is on this machine, with nobody between.

        `to` is the server's domain that the client names, "" where it names none. What the server
        does not serve it refuses itself.
        """
