"""Streams with other servers in memory: one end played by hand, or both ends talking.

montague = Scripted(incoming())                 # the test is the other server
montague.open().send(auth("montague.lit"))
ends = Ends(shows={CAPULET})                    # ours to montague, and montague's own end
ends.open().outgoing.authenticate()
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

from tests.support.ends import parsed
from tests.support.server import condition
from xmppd import ns
from xmppd.errors import StreamError
from xmppd.stream.dialback import secret_key
from xmppd.stream.events import Closed, Passed, Send, StartTLS
from xmppd.stream.server_events import Event
from xmppd.stream.server_incoming import IncomingStream
from xmppd.stream.server_outgoing import OutgoingStream
from xmppd.stream.server_policy import Proof, ServerPolicy
from xmppd.stream.server_stream import ServerStream
from xmppd.wire.stanza import Nonza, Stanza

CAPULET, MONTAGUE = "capulet.lit", "montague.lit"
ROOMS, HALLS = "rooms.capulet.lit", "halls.montague.lit"
VERONA = "verona.lit"
"""Somebody who is neither."""

SECRETS = {CAPULET: secret_key("s3cr3tf0rd14lb4ck"), MONTAGUE: secret_key("d14lb4ck43v3r")}
OF = {CAPULET: (CAPULET, ROOMS), MONTAGUE: (MONTAGUE, HALLS)}
"""What each of the two servers hosts."""

STARTTLS = f"<starttls xmlns='{ns.TLS}'/>"
BIDI = f"<bidi xmlns='{ns.BIDI}'/>"
CLOSE = "</stream:stream>"

T = TypeVar("T")


@dataclass
class FakeTLS:
    """TLS with a peer whose certificate `names` what it names (`PeerTLS`)."""

    names: set[str] = field(default_factory=set)
    problem: str = ""
    until: float = inf
    version: str = "TLSv1.3"
    cipher: str = "TLS_AES_128_GCM_SHA256"

    def proves(self, domain: str) -> bool:
        return domain in self.names


def policy(server: str = CAPULET, **changes: Any) -> ServerPolicy:
    """What a server grants; `require` is what everybody has to show, or a table by domain."""
    require: Proof | dict[str, Proof] = changes.pop("require", "certificate")
    refused: dict[str, str] = changes.pop("refused", {})
    proofs: dict[str, Proof] = require if isinstance(require, dict) else {}
    usual: Proof = "certificate" if isinstance(require, dict) else require
    return ServerPolicy(
        hosts=lambda domain: domain in OF[server],
        default=lambda: server,
        refusal=lambda domain: (
            "s2s.own-domain" if domain in OF[server] else refused.get(domain, "")
        ),
        require=lambda domain: proofs.get(domain, usual),
        secret=SECRETS[server],
    )._replace(**changes)


def header(
    sender: str | None = MONTAGUE,
    to: str | None = CAPULET,
    *,
    version: str | None = "1.0",
    id: str | None = None,  # noqa: A002 - the attribute's name
    content: str = ns.SERVER,
    declared: str = f"xmlns:db='{ns.DIALBACK}'",
) -> str:
    """A stream header; None leaves an attribute out."""
    shown = {"from": sender, "to": to, "version": version, "id": id}
    attrs = "".join(f" {k}='{v}'" for k, v in shown.items() if v is not None)
    return (
        f"<?xml version='1.0'?><stream:stream xmlns='{content}' xmlns:stream='{ns.STREAM}'"
        f" {declared}{attrs}>"
    )


def features(*offers: str) -> str:
    """A peer's features: names of those below."""
    return f"<stream:features>{''.join(OFFERS[each] for each in offers)}</stream:features>"


OFFERS = {
    "starttls": STARTTLS,
    "external": f"<mechanisms xmlns='{ns.SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>",
    "plain": f"<mechanisms xmlns='{ns.SASL}'><mechanism>PLAIN</mechanism></mechanisms>",
    "bidi": f"<bidi xmlns='{ns.BIDI_FEATURE}'/>",
    "dialback": f"<dialback xmlns='{ns.DIALBACK_FEATURE}'><errors/></dialback>",
    "management": f"<sm xmlns='{ns.STREAM_MANAGEMENT}'/>",
}


def key(sender: str = MONTAGUE, to: str = CAPULET, said: str = "5p0of") -> str:
    return f"<db:result from='{sender}' to='{to}'>{said}</db:result>"


def outcome(sender: str = MONTAGUE, to: str = CAPULET, type_: str = "valid") -> str:
    return f"<db:result from='{sender}' to='{to}' type='{type_}'/>"


def verify(sender: str = MONTAGUE, to: str = CAPULET, id_: str = "1d", said: str = "5p0of") -> str:
    return f"<db:verify from='{sender}' to='{to}' id='{id_}'>{said}</db:verify>"


def verdict(
    sender: str = MONTAGUE, to: str = CAPULET, id_: str = "1d", type_: str = "valid"
) -> str:
    return f"<db:verify from='{sender}' to='{to}' id='{id_}' type='{type_}'/>"


def message(sender: str = f"romeo@{MONTAGUE}", to: str = f"juliet@{CAPULET}") -> str:
    return f"<message from='{sender}' to='{to}'><body>wherefore</body></message>"


def auth(authzid: str | None = MONTAGUE, mechanism: str = "EXTERNAL") -> str:
    """None for no initial response, "" for an empty one."""
    said = "" if authzid is None else b64encode(authzid.encode()).decode() or "="
    return f"<auth xmlns='{ns.SASL}' mechanism='{mechanism}'>{said}</auth>"


def sasl(name: str, said: str = "") -> str:
    return f"<{name} xmlns='{ns.SASL}'>{said}</{name}>"


class Recorded:
    """A stream, and all that came out of it."""

    def __init__(self, stream: ServerStream) -> None:
        self.stream = stream
        self.events: list[Event] = []
        self.log = b""
        self._read = 0

    def act(self, events: Iterable[Event]) -> list[Event]:
        """Take events as a connection does, each before the next; what came."""
        before = len(self.events)
        for event in events:
            self.events.append(event)
            if isinstance(event, Send):
                self.log += event.data
                self.sent(event.data)
            elif isinstance(event, StartTLS):
                self.start_tls()
            elif isinstance(event, Passed):
                for frame in event.frames:
                    if not isinstance(frame, Stanza) and not _managing(frame):
                        self.act(self.stream.on_frame(frame))
        return self.events[before:]

    def sent(self, data: bytes) -> None:
        """Something is on its way to the other end."""

    def start_tls(self) -> None:
        """TLS is to begin."""

    def take(self) -> bytes:
        """The bytes that were sent since something was last read."""
        data, self._read = self.log[self._read :], len(self.log)
        return data

    def elements(self) -> list[Element]:
        """The elements that were sent since something was last read."""
        return _parsed(self.take())

    def one(self) -> Element:
        found = self.elements()
        assert len(found) == 1, [each.tag for each in found]
        return found[0]

    def of(self, kind: type[T]) -> list[T]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def stanzas(self) -> list[Stanza]:
        """What has passed."""
        return [f for e in self.of(Passed) for f in e.frames if isinstance(f, Stanza)]

    @property
    def ended(self) -> StreamError | None:
        """The error that ended it; fails while it has not ended."""
        (closed,) = self.of(Closed)
        assert self.log.endswith(CLOSE.encode())
        return closed.error

    @property
    def error(self) -> str:
        """The condition of the stream error that was sent, and its reason code."""
        error = self.ended
        assert error is not None
        sent = [e for e in _parsed(self.log) if e.tag == f"{{{ns.STREAM}}}error"]
        assert [condition(e) for e in sent] == [error.condition]
        return f"{error.condition} {error.reason}"


def _managing(frame: object) -> bool:
    """Whether it is an element of stream management, which is the connection's to act on."""
    return isinstance(frame, Nonza) and frame.namespace == ns.STREAM_MANAGEMENT


def _parsed(data: bytes) -> list[Element]:
    """The elements in `data`; the prefix of dialback is declared in our header."""
    for name in (b"<db:result", b"<db:verify"):
        data = data.replace(name, name + f" xmlns:db='{ns.DIALBACK}'".encode())
    return parsed(data, ns.SERVER)


class Scripted(Recorded):
    """A stream whose other end is the test."""

    def send(self, *texts: str) -> Scripted:
        """Bytes from the peer, each text in a read of its own."""
        for text in texts:
            self.act(self.stream.receive(text.encode()))
        return self

    def secure(self, *names: str) -> Scripted:
        """TLS is in place, with a certificate of `names`."""
        tls = FakeTLS(set(names), "" if names else "no certificate")
        if isinstance(self.stream, OutgoingStream):
            self.act(self.stream.secured(tls))
        else:
            assert isinstance(self.stream, IncomingStream)
            self.stream.secured(tls)
        return self


def incoming(*names: str, tls: bool = True, bidi: bool = False, **changes: Any) -> Scripted:
    """Montague's stream to us: behind TLS, with a certificate of `names`, and its features read.

    Without `tls` nothing was sent yet.
    """
    scripted = Scripted(IncomingStream(policy(**changes), tls_available=True))
    if tls:
        scripted.send(header(), STARTTLS).secure(*names).send(header())
        if bidi:
            scripted.send(BIDI)
    scripted.take()
    return scripted


def admitted(**changes: Any) -> Scripted:
    """The same, which has shown to be montague by its certificate."""
    scripted = incoming(MONTAGUE, **changes).send(auth(), header())
    assert scripted.stream.peers == {MONTAGUE}
    scripted.take()
    return scripted


def outgoing(*names: str, offers: Iterable[str] = (), **changes: Any) -> Scripted:
    """Our stream to montague: behind TLS, with a certificate of `names`; it has `offers`."""
    external = changes.pop("external", True)
    scripted = Scripted(OutgoingStream(policy(**changes), CAPULET, MONTAGUE, external=external))
    stream = scripted.stream
    assert isinstance(stream, OutgoingStream)
    scripted.act(stream.open())
    scripted.send(header(id="1"), features("starttls"), f"<proceed xmlns='{ns.TLS}'/>")
    scripted.secure(*names).send(header(id="2"), features(*offers))
    scripted.take()
    return scripted


class Ends:
    """Our stream to montague and its own end of that, in one memory.

    `ours` and `its` are what the two servers grant; `shows` and `proves` the names in their
    certificates, as the other one sees them.
    """

    def __init__(
        self,
        ours: ServerPolicy | None = None,
        its: ServerPolicy | None = None,
        *,
        shows: Iterable[str] = (CAPULET,),
        proves: Iterable[str] = (MONTAGUE,),
        external: bool = True,
        tls_available: bool = True,
        sender: str = CAPULET,
        to: str = MONTAGUE,
    ) -> None:
        self.outgoing = OutgoingStream(ours or policy(), sender, to, external=external)
        self.incoming = IncomingStream(its or policy(MONTAGUE), tls_available=tls_available)
        self.ours, self.its = _End(self.outgoing, self), _End(self.incoming, self)
        self._shows, self._proves = FakeTLS(set(shows)), FakeTLS(set(proves))
        self._way: list[tuple[_End, bytes]] = []

    def open(self) -> Ends:
        """Begin."""
        return self.act(self.ours, self.outgoing.open())

    def authenticate(self) -> Ends:
        return self.act(self.ours, self.outgoing.authenticate())

    def act(self, end: Recorded, events: Iterable[Event]) -> Ends:
        """Take events of one end, and let both talk until neither has more to say."""
        end.act(events)
        while self._way:
            to, data = self._way.pop(0)
            to.act(to.stream.receive(data))
        return self

    def send(self, end: Recorded, text: str) -> Ends:
        """Have one end send what it would not say by itself."""
        return self.act(end, [Send(text.encode())])

    def carry(self, end: _End, data: bytes) -> None:
        """Take what an end has sent."""
        self._way.append((self.its if end is self.ours else self.ours, data))

    def secure(self) -> None:
        """TLS is in place at both ends."""
        self.incoming.secured(self._shows)
        self.ours.act(self.outgoing.secured(self._proves))


class _End(Recorded):
    """One of two ends that talk to each other."""

    def __init__(self, stream: ServerStream, ends: Ends) -> None:
        super().__init__(stream)
        self._ends = ends

    def sent(self, data: bytes) -> None:
        self._ends.carry(self, data)

    def start_tls(self) -> None:
        if self is self._ends.ours:
            self._ends.secure()
