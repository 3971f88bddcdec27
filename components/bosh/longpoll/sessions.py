"""All sessions: made, found, bounded in number."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from operator import attrgetter
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from components.bosh.http.refusing import Refused as Counted
from components.bosh.http.request import Exchange
from components.bosh.longpoll.body import Body
from components.bosh.longpoll.refusal import Condition, Refused
from components.bosh.longpoll.session import Session
from components.bosh.longpoll.strand import Strand
from components.bosh.longpoll.terms import Limits, Terms, agree, true, whole
from components.bosh.names import XBOSH
from components.bosh.tunnel.client import Streams
from components.common import build
from xmppd import ns
from xmppd.addresses import is_loopback, network_of

log = Logger(namespace="component")

SID_OCTETS: Final = 24
"""Random octets in a `sid`."""
STREAM_OCTETS: Final = 12
_MOST_SID: Final = 64
FULL: Final = f"<resource-constraint xmlns='{ns.STANZA_ERRORS}'/>".encode()


class Sessions:
    """The sessions of a gateway.

    They are found by a digest of their `sid` under a key of ours: what somebody tries tells him
    nothing by how long it takes, since he can't know how near it comes to what is compared.
    """

    def __init__(
        self,
        streams: Streams,
        clock: IReactorTime,
        limits: Limits,
        count: Counted,
    ) -> None:
        self.clock = clock
        self.limits = limits
        self._streams = streams
        self._count = count
        self._key = secrets.token_bytes(32)
        self._sessions: dict[bytes, Session] = {}
        self._addresses: dict[str, int] = {}
        self._due: list[Session] = []
        self._stopping = False
        self.created = 0
        """How many there have been."""
        self.held = 0
        """How many octets they hold."""

    def __len__(self) -> int:
        return len(self._sessions)

    def digest(self, data: bytes) -> bytes:
        """What stands for `data` here: two are the same if these are."""
        return hashlib.blake2b(data, digest_size=16, key=self._key).digest()

    def find(self, sid: str) -> Session:
        """The session that a client has been told this of; raises `Refused` for none."""
        session = None
        if len(sid) <= _MOST_SID:
            session = self._sessions.get(self.digest(sid.encode()))
        if session is None:
            if self._stopping:
                raise Refused("system-shutdown", "bosh.stopping")
            raise Refused("item-not-found", "bosh.unknown-sid")
        return session

    def create(self, exchange: Exchange, body: Body, digest: bytes) -> None:
        """A session for who asks for one; raises `Refused` where there can't be (§7)."""
        attrs = body.attrs
        peer = exchange.request.peer
        self._admit(attrs, secure=peer.secure)
        terms = agree(attrs, self.limits)
        whole(attrs.get("rid"))
        network = network_of(peer.address)
        limits, there = self.limits, self._addresses.get(network, 0)
        if _full(limits.sessions_per_address, there) and not is_loopback(peer.address):
            raise Refused("policy-violation", "bosh.sessions-per-address")
        if _full(limits.sessions, len(self._sessions)):
            raise Refused("undefined-condition", "bosh.sessions", FULL)
        sid = secrets.token_urlsafe(SID_OCTETS)
        session = Session(
            self,
            self.digest(sid.encode()),
            terms,
            self._greeting(sid, terms, attrs),
            peer,
        )
        self._sessions[session.sid] = session
        self._addresses[network] = self._addresses.get(network, 0) + 1
        self.created += 1
        try:
            session.begin(exchange, body, digest)
        except Refused as refused:
            session.fail(refused, exchange)
        except BaseException:
            session.drop()
            raise

    def _admit(self, attrs: Mapping[str, str], *, secure: bool) -> None:
        """Refuse who asks for what there is not (§17.2)."""
        limits = self.limits
        if self._stopping:
            raise Refused("system-shutdown", "bosh.stopping")
        if limits.see_other_uri and (limits.see_other_for_all or not secure):
            uri = f"<uri>{build.text(limits.see_other_uri)}</uri>".encode()
            raise Refused("see-other-uri", "bosh.see-other", uri)
        if "route" in attrs and attrs["route"] not in limits.routes:
            raise Refused("host-unknown", "bosh.route")
        if not attrs.get("to"):
            raise Refused("improper-addressing", "bosh.no-to")
        if true(attrs.get("secure")) and not limits.secure_link:
            raise Refused("remote-connection-failed", "bosh.not-secure")

    def _greeting(self, sid: str, terms: Terms, asked: Mapping[str, str]) -> dict[str, str]:
        """The attributes of the answer that tells of a session (§7.2, XEP-0206 §4)."""
        greeting = {
            "sid": sid,
            "wait": str(terms.wait),
            "hold": str(terms.hold),
            "requests": str(terms.requests),
            "inactivity": str(terms.inactivity),
            "polling": str(terms.polling),
            "ver": terms.ver,
            "accept": "gzip",
            "charsets": "UTF-8",
            "xmlns:xmpp": XBOSH,
            "xmpp:restartlogic": "true",
        }
        if self.limits.maxpause:
            greeting["maxpause"] = str(self.limits.maxpause)
        if terms.acks:
            greeting["ack"] = str(whole(asked.get("rid")))
        if true(asked.get("secure")):
            greeting["secure"] = "true"
        return greeting

    def close(self, condition: Condition) -> None:
        """All sessions are over, and there will be no new ones."""
        self._stopping = True
        for session in list(self._sessions.values()):
            session.shut(condition)
        self.flush()

    # ------------------------------------------------------------------ for sessions

    def strand(self, session: Session, header: Mapping[str, str]) -> Strand:
        """A stream for a session (`session.Home`)."""
        strand = Strand(session, secrets.token_urlsafe(STREAM_OCTETS), header)
        strand.stream = self._streams.stream(
            strand,
            session.address,
            secure=session.secure,
            to=header.get("to", ""),
            local=session.local,
        )
        return strand

    def count(self, session: Session, reason: str) -> None:
        """Something was refused (`session.Home`)."""
        self._count(reason, session.address)

    def forget(self, session: Session) -> None:
        """A session is no more (`session.Home`)."""
        if self._sessions.pop(session.sid, None) is not None:
            network = network_of(session.address)
            left = self._addresses[network] - 1
            if left:
                self._addresses[network] = left
            else:
                del self._addresses[network]

    def holds(self, more: int) -> None:
        """A session holds more, or less (`session.Home`).

        Where all of them hold too much, those that hold the most are ended: their clients do not
        take what there is for them, or take far more than others.
        """
        self.held += more
        while more > 0 and self.held > self.limits.held_octets and self._sessions:
            largest = max(self._sessions.values(), key=attrgetter("held"))
            largest.fail(Refused("undefined-condition", "bosh.held", FULL), None)

    def due(self, session: Session) -> None:
        """Have a session's `flush` called when the turn ends (`session.Home`)."""
        self._due.append(session)
        if len(self._due) == 1:
            self.clock.callLater(0, self.flush)

    def flush(self) -> None:
        """The turn ends: say what came in it."""
        due, self._due = self._due, []
        for session in due:
            try:
                session.flush()
            except Exception:  # noqa: BLE001 - the others' answers must go out
                log.failure("a session could not be answered")
                session.fail(Refused("internal-server-error", "bosh.internal"), None)


def _full(limit: int, count: int) -> bool:
    return bool(limit) and count >= limit
