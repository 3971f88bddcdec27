"""A component's stream, the server's side of "accept", without any I/O (XEP-0114 §3).

Bytes go in, events come out, as in stream.py. There is no negotiation but the handshake: who
knows the secret of a domain speaks for that domain.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.stream import header
from xmppd.stream.events import Closed, Passed, Send
from xmppd.stream.framed import FramedStream
from xmppd.stream.states import COMPONENT, Input, State, step
from xmppd.wire.build import Tag
from xmppd.wire.framer import Framer
from xmppd.wire.frames import Frame, StreamClose, StreamOpen
from xmppd.wire.limits import Limits
from xmppd.wire.parsers import Parsers
from xmppd.wire.stanza import Nonza

_HANDSHAKE = f"{ns.COMPONENT} handshake"
_ERROR = f"{ns.STREAM} error"
_ACCEPTED = Tag("handshake").render()


class Proved(NamedTuple):
    """The component knows its secret. Who can't take it in fails the stream before going on."""


class Accepted(NamedTuple):
    """It has been told so: stanzas may be sent to it."""


Event: TypeAlias = Passed | Send | Proved | Accepted | Closed


class ComponentPolicy(NamedTuple):
    """What the server grants to component streams; shared by all of them."""

    secret: Callable[[str], str | None]
    """The secret of a domain, None where no component serves it."""
    before: Limits
    """Limits until the handshake."""
    after: Limits
    features: tuple[bytes, ...] = ()
    """Offered, written out, to components that name version 1.0, and may be used by all."""
    parsers: Parsers | None = None


class ComponentStream(FramedStream):
    """One component's stream from its first byte to its last."""

    __slots__ = ("_header_sent", "domain", "id", "instance", "policy", "version")

    transitions = COMPONENT

    def __init__(self, policy: ComponentPolicy) -> None:
        framer = Framer(policy.before, content=ns.COMPONENT, halting=True, parsers=policy.parsers)
        super().__init__(framer)
        self.policy = policy
        self.id = ""
        self.domain = ""
        """What it serves, as its header says: not proved before the stream is BOUND."""
        self.instance = ""
        """How it calls itself among others of its domain: the resource of the header's `from`."""
        self.version = (0, 0)
        self._header_sent = False

    # ------------------------------------------------------------------ frames

    def _on_frame(self, frame: Frame) -> Iterator[Event]:
        if self.state is State.CLOSED:
            return
        if isinstance(frame, StreamOpen):
            yield from self._on_header(frame)
        elif isinstance(frame, Nonza) and frame.name == _HANDSHAKE:
            yield from self._on_handshake(frame)
        elif isinstance(frame, StreamClose) or (
            isinstance(frame, Nonza) and frame.name == _ERROR  # it has given up: nothing to add
        ):
            yield from self._close(b"", None)
        elif isinstance(frame, StreamError):
            raise frame
        elif self.state is State.BOUND:
            raise StreamError("unsupported-stanza-type", reason="stream.element")
        else:
            raise StreamError("not-authorized", reason="component.handshake-first")

    def _on_header(self, frame: StreamOpen) -> Iterator[Event]:
        self.state = step(self.state, Input.HEADER, COMPONENT)
        self.version = header.version(frame)
        opened = header.read(frame, ns.COMPONENT)
        self.domain = opened.to
        if not opened.to or self.policy.secret(opened.to) is None:
            raise StreamError("host-unknown", reason="component.unknown", detail=opened.to)
        if opened.sender is not None:
            if opened.sender.bare != opened.to:
                raise StreamError("invalid-from", reason="component.from")
            self.instance = opened.sender.resource
        yield self._opening()
        if self.version >= (1, 0):
            offers = b"".join(self.policy.features)
            yield Send(b"<stream:features>%b</stream:features>" % offers)

    def _opening(self) -> Send:
        """Our header: the component's domain as `from`, and the id that it has to hash."""
        self._header_sent = True
        self.id = secrets.token_hex(16)
        domain, version = self.domain, self.version
        data = header.write(
            domain=domain, stream_id=self.id, version=version, to=None, content=ns.COMPONENT
        )
        return Send(data)

    def _on_handshake(self, nonza: Nonza) -> Iterator[Event]:
        following = step(self.state, Input.HANDSHAKE, COMPONENT)
        secret = self.policy.secret(self.domain)
        if secret is None:
            raise StreamError("host-unknown", reason="component.unknown", detail=self.domain)
        said = nonza.text.strip().encode()
        if not hmac.compare_digest(said, digest(self.id, secret).encode()):
            raise StreamError("not-authorized", reason="component.secret")
        yield Proved()
        if self.state is State.CLOSED:
            return
        self.state = following
        self.framer.limits = self.policy.after
        self.flowing = True
        self.framer.halting = False
        self.framer.patient = True
        yield Send(_ACCEPTED)
        yield Accepted()

    def _close(self, last_words: bytes, error: StreamError | None) -> Iterator[Event]:
        self._shut()
        if not self._header_sent:
            yield self._opening()
        yield Send(last_words + header.CLOSE)
        yield Closed(error)


def digest(stream_id: str, secret: str) -> str:
    """What a component proves by that it knows `secret`: SHA-1 in lower-case hex (XEP-0114 §3)."""
    return hashlib.sha1(f"{stream_id}{secret}".encode(), usedforsecurity=False).hexdigest()
