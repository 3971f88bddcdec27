"""A stream that another server has opened (RFC 6120 §4, §5, §6; XEP-0178 §3; XEP-0220 §2.2)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping

from xmppd import ns
from xmppd.errors import SASLFailure, StreamError
from xmppd.jid import JID, JIDError
from xmppd.stream import dialback, header
from xmppd.stream.events import Send, StartTLS
from xmppd.stream.peer import PeerTLS
from xmppd.stream.sasl.coding import decode_initial, decode_response
from xmppd.stream.server_events import Event
from xmppd.stream.server_policy import ServerPolicy
from xmppd.stream.server_stream import ServerStream
from xmppd.stream.states import RECEIVING, Input, State, step
from xmppd.wire import faults
from xmppd.wire.build import Tag
from xmppd.wire.frames import StreamOpen
from xmppd.wire.stanza import Nonza

_BIDI = Tag("bidi", ns=ns.BIDI_FEATURE).render()
_MANAGEMENT = Tag("sm", ns=ns.STREAM_MANAGEMENT).render()
_EXTERNAL = Tag("mechanisms", {}, [Tag("mechanism", {}, "EXTERNAL")], ns=ns.SASL).render()
_SUCCESS = Tag("success", ns=ns.SASL).render()
_CHALLENGE = Tag("challenge", ns=ns.SASL).render()
_PROCEED = Tag("proceed", ns=ns.TLS).render()
_STARTTLS = Tag("starttls", ns=ns.TLS).render()
_STARTTLS_REQUIRED = Tag("starttls", {}, [Tag("required")], ns=ns.TLS).render()

WORDS = {
    "s2s.off": "this server does not talk to others",
    "s2s.own-domain": "that is a domain of this server",
    "s2s.refused": "no traffic with your domain is wanted here",
}
"""What the operator of a peer reads that is kept out."""


class IncomingStream(ServerStream):
    """It receives: offers, lets the peer show who it is, and takes its stanzas."""

    __slots__ = ("_offers_tls", "_proved")

    transitions = RECEIVING

    def __init__(self, policy: ServerPolicy, *, tls_available: bool) -> None:
        super().__init__(policy)
        self._offers_tls = tls_available
        self._proved = False
        """Whether it has authenticated by SASL; it is admitted when it has begun anew."""

    def secured(self, peer: PeerTLS) -> None:
        """TLS is in place: who the peer was in the clear counts no more (RFC 6120 §5.4.3.3)."""
        self.peer = peer
        self.remote = ""
        self._offers_tls = False

    # ------------------------------------------------------------------ header, features

    def _on_header(self, frame: StreamOpen) -> Iterator[Event]:
        self.state = step(self.state, Input.HEADER, RECEIVING)
        try:
            self.version = header.version(frame)
            opened = header.read(frame, ns.SERVER)
            self.lang = "" if opened.lang == header.LANGUAGE else opened.lang
            self._addressed(opened.to, opened.sender)
        except StreamError:  # who said who it is is told so all the same (§4.7.2)
            claimed = header.claimed(frame)
            yield self._opening("" if claimed is None else claimed.domain)
            raise
        yield self._opening()
        if self.version >= (1, 0):
            yield Send(b"<stream:features>%b</stream:features>" % self._features())
            if self._proved:
                yield from self._admit(self.remote, self.local, "certificate")
        elif self.policy.require(self.remote) != "none":
            # A server from before 1.0 knows no TLS (RFC 6120 §4.7.5).
            raise StreamError("policy-violation", "TLS is required", reason="tls.required")

    def _addressed(self, to: str, sender: JID | None) -> None:
        """Whether there may be a stream between these; raises StreamError."""
        policy = self.policy
        if not to and self.version >= (1, 0):
            raise StreamError("improper-addressing", "no `to`", reason="s2s.addressing")
        if sender is not None and sender != sender.domain:
            raise StreamError("invalid-from", "no domain", reason="s2s.from", detail=sender)
        remote = "" if sender is None else sender.domain
        if self._proved and (remote not in ("", self.remote) or to not in ("", self.local)):
            raise StreamError("invalid-from", reason="stream.pinned", detail=remote)
        self.remote = remote or self.remote
        if to and not policy.hosts(to):
            raise StreamError("host-unknown", reason="s2s.host-unknown", detail=to)
        if remote and (refusal := policy.refusal(remote)):
            condition = "invalid-from" if policy.hosts(remote) else "policy-violation"
            raise StreamError(condition, WORDS.get(refusal, ""), reason=refusal, detail=remote)
        self.local = to or self.local
        peer = self.peer
        if peer is not None and remote and policy.require(remote) == "certificate":
            self._check_certificate(peer, remote)

    def _opening(self, to: str = "") -> Send:
        self._header_sent = True
        self.id = secrets.token_hex(16)
        local, remote = self.local or self.policy.default(), to or self.remote
        return Send(header.write_to_server(local, remote, stream_id=self.id, version=self.version))

    def _features(self) -> bytes:
        """What is on offer now (RFC 6120 §4.3.2)."""
        policy, remote = self.policy, self.remote
        offers: list[bytes] = []
        if self._offers_tls:
            required = policy.require(remote) != "none"
            offers.append(_STARTTLS_REQUIRED if required else _STARTTLS)
            if required:
                return b"".join(offers)
        if self._external_now():
            offers.append(_EXTERNAL)
        if not self._proved and policy.bidirectional:
            offers.append(_BIDI)
        if policy.manageable and not self._external_now():
            # Behind SASL, or where it will not come to that.
            offers.append(_MANAGEMENT)
        offers.append(dialback.FEATURE)
        return b"".join(offers)

    def _external_now(self) -> bool:
        """Whether EXTERNAL is offered: to whom has a certificate of the domain it says it is."""
        peer, remote = self.peer, self.remote
        return bool(peer is not None and remote and not self._proved and peer.proves(remote))

    @property
    def _begun(self) -> bool:
        """Whether it has begun to show who it is: what has to come before comes too late then."""
        return bool(self._proved or self.peers or self._pending)

    def _restart(self) -> None:
        """The peer opens a new stream over the same connection (RFC 6120 §4.3.3)."""
        self.framer.restart()
        self._header_sent = False

    # ------------------------------------------------------------------ what comes

    def _actions(self) -> Mapping[str, Callable[[Nonza], Iterator[Event]]]:
        return {
            f"{ns.TLS} starttls": self._on_starttls,
            f"{ns.SASL} auth": self._on_auth,
            f"{ns.SASL} response": self._on_response,
            f"{ns.SASL} abort": self._on_abort,
            f"{ns.BIDI} bidi": self._on_bidi,
        }

    def _dialback_now(self) -> bool:
        required = self.policy.require(self.remote) != "none"
        return self.state is State.NEGOTIATING and not (required and self.peer is None)

    def _on_starttls(self, nonza: Nonza) -> Iterator[Event]:
        if not self._offers_tls or self._begun:
            yield from self._close(Tag("failure", ns=ns.TLS).render(), None)
            return
        if self.framer.discard():
            raise StreamError("policy-violation", reason="tls.injection")
        self.state = step(self.state, Input.STARTTLS, RECEIVING)
        self._offers_tls = False
        self.bidirectional = False
        yield Send(_PROCEED)
        self._restart()
        self.remote = self.lang = ""  # whoever said so may be another (RFC 6120 §5.4.3.3)
        yield StartTLS(self.local)

    def _on_bidi(self, nonza: Nonza) -> Iterator[Event]:
        """The stream is to serve both ways (XEP-0288 §2.2): before either side is authenticated."""
        if not self.policy.bidirectional or self._begun or self.state is not State.NEGOTIATING:
            raise StreamError("policy-violation", "no bidi now", reason="stream.element")
        self.bidirectional = True
        yield from ()

    # ------------------------------------------------------------------ SASL EXTERNAL

    def _on_auth(self, nonza: Nonza) -> Iterator[Event]:
        if self.state is not State.NEGOTIATING or self._begun:
            raise StreamError("policy-violation", reason="stream.element")
        if nonza.attrs.get("mechanism") != "EXTERNAL" or not self._external_now():
            yield from self._refuse(SASLFailure("invalid-mechanism", reason="auth.mechanism"))
            return
        try:
            said = decode_initial(nonza.text)
        except SASLFailure as failure:
            yield from self._refuse(failure)
            return
        if said is None:  # without an initial response it is asked for one (RFC 6120 §6.4.2)
            self.state = step(self.state, Input.CHALLENGE, RECEIVING)
            yield Send(_CHALLENGE)
            return
        yield from self._authorize(said)

    def _on_response(self, nonza: Nonza) -> Iterator[Event]:
        if self.state is not State.SASL:
            raise StreamError("policy-violation", reason="stream.element")
        try:
            said = decode_response(nonza.text) if nonza.text else b""
        except SASLFailure as failure:
            yield from self._refuse(failure)
            return
        yield from self._authorize(said)

    def _on_abort(self, nonza: Nonza) -> Iterator[Event]:
        if self.state is not State.SASL:
            raise StreamError("policy-violation", reason="stream.element")
        yield from self._refuse(SASLFailure("aborted", reason="auth.aborted"))

    def _authorize(self, said: bytes) -> Iterator[Event]:
        """The certificate stands for the domain of the header; `said` may say so (XEP-0178 §3)."""
        if said and not self._is_remote(said):
            yield from self._refuse(SASLFailure("invalid-authzid", reason="s2s.authzid"))
            return
        self.state = step(self.state, Input.SUCCESS, RECEIVING)
        yield Send(_SUCCESS)
        self._restart()
        self._proved = True

    def _is_remote(self, said: bytes) -> bool:
        try:
            return JID.parse(said.decode()) == self.remote
        except (UnicodeDecodeError, JIDError):
            return False

    def _refuse(self, failure: SASLFailure) -> Iterator[Event]:
        if self.state is State.SASL:
            self.state = step(self.state, Input.FAILURE, RECEIVING)
        yield Send(faults.sasl_failure(failure))
        self._failed(self.remote)
