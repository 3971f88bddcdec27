"""A stream that we have opened to another server (RFC 6120 §4, §5, §6; XEP-0178; XEP-0220 §2.1)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.jid import JID
from xmppd.stream import dialback, header
from xmppd.stream.events import Send, StartTLS
from xmppd.stream.peer import PeerTLS
from xmppd.stream.server_events import Admitted, By, Denied, Event, Granted, Negotiated
from xmppd.stream.server_policy import ServerPolicy
from xmppd.stream.server_stream import ServerStream
from xmppd.stream.states import INITIATING, Input, State, step
from xmppd.wire.build import Tag
from xmppd.wire.frames import StreamOpen
from xmppd.wire.stanza import Nonza

_FEATURES = f"{ns.STREAM} features"
_ERRORS = f"{{{ns.DIALBACK_FEATURE}}}dialback/{{{ns.DIALBACK_FEATURE}}}errors"
_MECHANISM = f"{{{ns.SASL}}}mechanism"
_STARTTLS = Tag("starttls", ns=ns.TLS).render()
_BIDI = Tag("bidi", ns=ns.BIDI).render()


class OutgoingStream(ServerStream):
    """It initiates: chooses among what is offered, and shows who we are.

    `Negotiated` comes when it stands as far as it can without that; from then on it may carry our
    questions (`ask`). `authenticate` goes on: `Granted` or `Denied` comes of it. `external` says
    whether EXTERNAL is to be tried.
    """

    __slots__ = (
        "_called",
        "_errors",
        "_offers",
        "_wanted",
        "external",
        "failed_external",
        "knows_dialback",
    )

    transitions = INITIATING

    def __init__(
        self, policy: ServerPolicy, local: str, remote: str, *, external: bool = True
    ) -> None:
        super().__init__(policy)
        self.local = local
        self.remote = remote
        self.external = external
        self.failed_external = False
        """Whether the peer has refused it."""
        self.knows_dialback = False
        self._offers: frozenset[str] = frozenset()
        self._errors = False
        self._wanted = False
        self._called: JID | None = None

    @property
    def offers_management(self) -> bool:
        """Whether the peer offers stream management (XEP-0198 §2)."""
        return f"{ns.STREAM_MANAGEMENT} sm" in self._offers

    @property
    def offers_errors(self) -> bool:
        """Whether it handles errors of dialback, and so may be asked for other domains (§2.6.2)."""
        return self._errors

    @property
    def shown_by(self) -> By:
        """How we show who we are, as far as it has come to that."""
        return "certificate" if self._wanted else "dialback"

    def open(self) -> Iterator[Event]:
        """Begin, once the connection stands."""
        yield self._opening()

    def secured(self, peer: PeerTLS) -> Iterator[Event]:
        """TLS is in place: begin anew inside it (RFC 6120 §5.4.3.3)."""
        self.peer = peer
        try:
            if self.policy.require(self.remote) == "certificate":
                self._check_certificate(peer, self.remote)
            yield self._opening()
        except StreamError as error:
            yield from self.fail(error)

    def _opening(self) -> Send:
        self._header_sent = True
        return Send(header.write_to_server(self.local, self.remote))

    # ------------------------------------------------------------------ what comes

    def _actions(self) -> Mapping[str, Callable[[Nonza], Iterator[Event]]]:
        return {
            _FEATURES: self._on_features,
            f"{ns.TLS} proceed": self._on_proceed,
            f"{ns.TLS} failure": self._on_no_tls,
            f"{ns.SASL} success": self._on_success,
            f"{ns.SASL} failure": self._on_failure,
            f"{ns.SASL} challenge": self._on_challenge,
        }

    def _dialback_now(self) -> bool:
        """From `Negotiated` on: what was asked before we authenticate may be answered behind."""
        return self.state in (State.BOUND, State.SASL) or self._wanted

    def _grant(self, local: str, remote: str) -> Iterator[Event]:
        """Where the stream serves both ways, the inverse may be sent here (XEP-0288 §2.2).

        Whoever asks for a pair with another domain than the one that was reached has seen to it
        that the peer serves that one, too (XEP-0220 §2.6.2).
        """
        yield from super()._grant(local, remote)
        if self.bidirectional and remote not in self.peers:
            self._let_in(remote)
            proved = self.peer is not None and self.peer.proves(remote)
            yield Admitted(remote, local, "certificate" if proved else "dialback")

    def _takes_keys(self) -> bool:
        return self.bidirectional and bool(self.grants)

    def _on_header(self, frame: StreamOpen) -> Iterator[Event]:
        self.state = step(self.state, Input.HEADER, INITIATING)
        self.version = header.version(frame)
        opened = header.read(frame, ns.SERVER)
        self.lang = "" if opened.lang == header.LANGUAGE else opened.lang
        self._called = opened.sender
        self.id = frame.attrs.get("id", "")
        if not 0 < len(self.id) <= dialback.LONGEST_ID:  # others may be asked about it
            raise StreamError("bad-format", "the id of a stream is wanted", reason="stream.header")
        self.knows_dialback = ns.DIALBACK in frame.prefixes.values()
        if self.version < (1, 0):  # it offers nothing (RFC 6120 §4.7.5), and we have no TLS then
            self.external = False
            self._check_called()
            yield from self._negotiated()

    def _check_called(self) -> None:
        """Whether it calls itself what we take it for (RFC 6120 §4.7.1); raises StreamError.

        One that does not know the domain says so by an error, in another's name.
        """
        if self._called is not None and self._called != self.remote:
            raise StreamError("invalid-from", reason="s2s.from", detail=self._called)

    def _on_features(self, nonza: Nonza) -> Iterator[Event]:
        if self.state is not State.NEGOTIATING:
            raise StreamError("policy-violation", "features twice", reason="stream.element")
        self._check_called()
        self._offers = frozenset(nonza.children)
        self._errors = nonza.element.find(_ERRORS) is not None
        if self.peer is None and f"{ns.TLS} starttls" in self._offers:
            self.state = step(self.state, Input.STARTTLS, INITIATING)
            yield Send(_STARTTLS)
            return
        if f"{ns.SASL} mechanisms" in self._offers:
            found = nonza.element.iter(_MECHANISM)
            self.external &= any((each.text or "").strip() == "EXTERNAL" for each in found)
        else:
            self.external = False
        self.knows_dialback |= f"{ns.DIALBACK_FEATURE} dialback" in self._offers
        yield from self._negotiated()

    def _negotiated(self) -> Iterator[Event]:
        if self.peer is None and self.policy.require(self.remote) != "none":
            raise StreamError("policy-violation", "TLS is required", reason="s2s.no-tls")
        self.state = step(self.state, Input.FEATURES, INITIATING)
        if self._wanted:  # these are the features behind SASL
            yield from self._grant(self.local, self.remote)
            return
        if f"{ns.BIDI_FEATURE} bidi" in self._offers and self.policy.bidirectional:
            self.bidirectional = True  # and it is asked for when we authenticate
        yield Negotiated()

    # ------------------------------------------------------------------ STARTTLS

    def _on_proceed(self, nonza: Nonza) -> Iterator[Event]:
        if self.framer.discard():
            raise StreamError("policy-violation", reason="tls.injection")
        self.state = step(self.state, Input.PROCEED, INITIATING)
        self.framer.restart()
        self._header_sent = False
        yield StartTLS(self.remote)

    def _on_no_tls(self, nonza: Nonza) -> Iterator[Event]:
        raise StreamError("policy-violation", "TLS failed", reason="s2s.no-tls")

    # ------------------------------------------------------------------ showing who we are

    def authenticate(self) -> Iterator[Event]:
        """Show who we are, by EXTERNAL where that is offered, else by dialback.

        To be called once `Negotiated`; where that has been done before, nothing is said anew.
        """
        pair = self.local, self.remote
        if self.state is not State.BOUND or pair in self._asked:
            return  # its answer comes
        if pair in self.grants:
            yield Granted(*pair)
            return
        if self.bidirectional:
            yield Send(_BIDI)
        try:
            if self.external:
                yield from self._begin_external()
            else:
                yield from self._begin_dialback()
        except StreamError as error:
            yield from self.fail(error)

    def _begin_external(self) -> Iterator[Event]:
        self.state = step(self.state, Input.AUTH, INITIATING)
        said = base64.b64encode(self.local.encode()).decode()
        yield Send(Tag("auth", {"mechanism": "EXTERNAL"}, said, ns=ns.SASL).render())

    def _begin_dialback(self) -> Iterator[Event]:
        if self.knows_dialback:
            yield from self.request(self.local, self.remote)
        else:
            yield Denied(self.local, self.remote, "not-authorized")

    def _on_challenge(self, nonza: Nonza) -> Iterator[Event]:
        """It has not read what came with the request (RFC 6120 §6.4.3)."""
        if self.state is not State.SASL:
            raise StreamError("policy-violation", reason="stream.element")
        said = base64.b64encode(self.local.encode()).decode()
        yield Send(Tag("response", {}, said, ns=ns.SASL).render())

    def _on_success(self, nonza: Nonza) -> Iterator[Event]:
        self.state = step(self.state, Input.SUCCESS, INITIATING)
        self._wanted = True
        self.framer.restart()
        yield self._opening()

    def _on_failure(self, nonza: Nonza) -> Iterator[Event]:
        """It does not take our certificate for ours; dialback may do (XEP-0178 §3)."""
        self.state = step(self.state, Input.FAILURE, INITIATING)
        self.external, self.failed_external = False, True
        yield from self._begin_dialback()
