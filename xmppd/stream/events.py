"""What a stream tells the connection that drives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from xmppd.errors import SASLFailure, StreamError
from xmppd.jid import JID
from xmppd.stream import header, sasl
from xmppd.wire import faults
from xmppd.wire.build import Raw, Tag
from xmppd.wire.frames import Frame
from xmppd.wire.stanza import Nonza, Stanza


class Opening(NamedTuple):
    """Our stream header (RFC 6120 §4.7)."""

    domain: str
    stream_id: str
    version: tuple[int, int]
    to: JID | None

    @property
    def data(self) -> bytes:
        """The header as it stands on TCP."""
        return header.write(
            domain=self.domain, stream_id=self.stream_id, version=self.version, to=self.to
        )


class Send(NamedTuple):
    """One or more whole elements for the peer, in the scope of the header."""

    data: bytes


class Offered(NamedTuple):
    """The features on offer from here on (RFC 6120 §4.3.2): elements, `content`."""

    content: bytes

    @property
    def data(self) -> bytes:
        """The features as they stand on TCP."""
        return Tag("stream:features", {}, [Raw(self.content)] if self.content else ()).render()


class Failed(NamedTuple):
    """Why the stream ends (RFC 6120 §4.9); `Ending` is next."""

    error: StreamError

    @property
    def data(self) -> bytes:
        """The error as it stands on TCP."""
        return faults.stream_error(self.error)


class Ending(NamedTuple):
    """Our end of the stream (RFC 6120 §4.4): nothing is sent behind it."""

    @property
    def data(self) -> bytes:
        """The closing tag as it stands on TCP."""
        return header.CLOSE


Spoken: TypeAlias = Opening | Offered | Send | Failed | Ending
"""What goes to the peer; `data` is how it stands on TCP. All but `Send` has to do with the stream
as such, and is spelled in another way by other wires."""


class StartTLS(NamedTuple):
    """Begin TLS with the certificate of `domain`, once what was sent is out."""

    domain: str


class StartCompression(NamedTuple):
    """Everything from here on is compressed, both ways."""


class Authorize(NamedTuple):
    """Answer with the bare JID that `success` may act as, or a SASLFailure."""

    success: sasl.Success


class BindResource(NamedTuple):
    """Answer with the full JID that is bound now, or a StanzaError.

    `resource` is what the client asked for in `stanza`, "" to let the server choose.
    """

    stanza: Stanza
    resource: str


class Reject(NamedTuple):
    """Answer with None when `failure` may be told; `username` is who it was, "" if unknown.

    Waiting here is what slows down guessing.
    """

    username: str
    failure: SASLFailure


class OpenRequest(NamedTuple):
    """Answer with the reply to this IQ, which may come before the client has logged in."""

    stanza: Stanza


class EarlyNonza(NamedTuple):
    """Answer with the full JID whose session the stream goes on with, or None (XEP-0198 §5).

    An element, no stanza, of a client that has authenticated and bound no resource.
    """

    nonza: Nonza


Question: TypeAlias = (
    sasl.FetchKeys
    | sasl.FetchPassword
    | sasl.CheckPassword
    | Authorize
    | BindResource
    | OpenRequest
    | Reject
)
"""What is asked in the course of logging in."""


class Ask(NamedTuple):
    """The stream waits until `answer` or `refuse` is called with what `question` asks for."""

    question: Question | EarlyNonza


class Authenticated(NamedTuple):
    """The client has proved to be `jid`, a bare JID."""

    jid: JID


class Bound(NamedTuple):
    """The client has been told of its resource: stanzas may be delivered to it."""


class Passed(NamedTuple):
    """Frames of a stream with a bound resource, for who drives it to take one by one."""

    frames: Sequence[Frame]


class Closed(NamedTuple):
    """The stream is over; `error` says why where it did not end in peace."""

    error: StreamError | None


Event: TypeAlias = (
    Passed | Nonza | Spoken | StartTLS | StartCompression | Ask | Authenticated | Bound | Closed
)
