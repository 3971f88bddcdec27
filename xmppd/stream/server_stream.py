"""A stream with another server, whoever has opened it, without any I/O (RFC 6120 §4, §5, §8).

Bytes go in, events come out, as in stream.py. What is alike at both ends stands here: dialback in
both roles (a stream that serves both ways has both, XEP-0288), who may send what, and the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from xmppd import ns
from xmppd.errors import DETAIL_MAX, StreamError
from xmppd.stream import dialback, header
from xmppd.stream.dialback import Dialback, Outcome
from xmppd.stream.events import Closed, Passed, Send
from xmppd.stream.framed import FramedStream
from xmppd.stream.peer import PeerTLS
from xmppd.stream.server_events import (
    Admitted,
    By,
    Closing,
    Denied,
    Event,
    Granted,
    Judged,
    KeyGiven,
)
from xmppd.stream.server_policy import ServerPolicy
from xmppd.stream.states import State
from xmppd.wire import faults
from xmppd.wire.framer import Framer
from xmppd.wire.frames import Frame, StreamClose, StreamOpen
from xmppd.wire.stanza import Nonza, Stanza

_ERROR = f"{ns.STREAM} error"
_TEXT = f"{{{ns.STREAM_ERRORS}}}text"

MOST_PENDING = 20
"""Keys of one stream that may wait at a time for their domains' word."""

MOST_KEYS = 50
"""Keys of one stream that are looked at for each domain that it has shown to be, and so many more:
each may make us connect to somebody."""

MOST_WORDS = 200
"""Questions about our keys that are answered on a stream on which nobody may send yet."""

MOST_OWN = 1_000
"""Questions of our own that one stream may carry at a time."""


class ServerStream(FramedStream):
    """What both ends have in common; who inherits it negotiates.

    Feed it with `receive`, which yields events; whoever drives it acts on each before the next.
    `peers` are the remote domains that may send on it, `grants` the pairs, local and remote, for
    which we may. `flowing` says that nothing is left to be negotiated that would begin a new XML
    document, so that frames may be cut without asking here.
    """

    __slots__ = (
        "_asked",
        "_asking",
        "_failures",
        "_header_sent",
        "_keys",
        "_pending",
        "_why",
        "_words",
        "bidirectional",
        "closing",
        "ended_by",
        "grants",
        "id",
        "lang",
        "last_words",
        "local",
        "peer",
        "peers",
        "policy",
        "remote",
        "version",
    )

    def __init__(self, policy: ServerPolicy) -> None:
        super().__init__(
            Framer(policy.before, content=ns.SERVER, halting=True, parsers=policy.parsers)
        )
        self.policy = policy
        self.local = ""
        """The domain of ours that the header names."""
        self.remote = ""
        """The peer's, as the header says, "" where it does not."""
        self.id = ""
        """The id of the response header."""
        self.lang = ""
        """The language of its stanzas that name none, "" where it is ours (RFC 6120 §8.1.5)."""
        self.version = (0, 0)
        self.peer: PeerTLS | None = None
        """What TLS says of the peer; None without TLS."""
        self.bidirectional = False
        self.closing = False
        """Our closing tag is out, and the peer's is still to come."""
        self._why: StreamError | None = None
        self.ended_by = ""
        """The condition of the stream error that the peer has sent, if any."""
        self.last_words = ""
        """What the peer has said besides, for its operator and ours."""
        self.peers: set[str] = set()
        self.grants: set[tuple[str, str]] = set()
        self._pending: set[tuple[str, str]] = set()
        """Pairs, remote and local, whose keys wait for their domain's word."""
        self._asked: set[tuple[str, str]] = set()
        """Pairs, local and remote, that we have asked for."""
        self._asking: set[tuple[str, str, str]] = set()
        """Remote and local domain, and stream id, of keys that we have asked the peer about."""
        self._failures = self._keys = self._words = 0
        self._header_sent = False

    # ------------------------------------------------------------------ the end

    def close(self, why: StreamError | None = None) -> Iterator[Event]:
        """End the stream though nothing is wrong with it, or for a reason that is not the peer's.

        Where the peer may send on it, what is on its way still passes: the stream is `closing`
        until the peer's closing tag has come, or `void` says that it takes too long (§4.4).
        """
        if self.state is State.CLOSED or self.closing:
            return
        last_words = b"" if why is None else faults.stream_error(why)
        if not self.peers:
            yield from self._close(last_words, why)
            return
        yield Send(last_words + header.CLOSE)
        self.closing, self._why = True, why
        yield Closing()

    def void(self) -> Iterator[Event]:
        """The peer's closing tag is waited for no longer."""
        if self.state is not State.CLOSED:
            yield from self._close(b"", None)

    # ------------------------------------------------------------------ dialback of our own

    def request(self, local: str, remote: str) -> Iterator[Event]:
        """Ask whether we may send from `local` to `remote`: `Granted` or `Denied` comes of it."""
        if (local, remote) in self.grants:
            yield Granted(local, remote)
        elif len(self._asked) >= MOST_OWN:
            yield Denied(local, remote, "resource-constraint")
        elif (local, remote) not in self._asked:
            self._asked.add((local, remote))
            key = dialback.make_key(self.policy.secret, remote, local, self.id)
            yield Send(dialback.request(local, remote, key))

    def ask(self, local: str, remote: str, stream_id: str, key: str) -> Iterator[Event]:
        """Ask `remote` whether it has made a key: `Judged` comes of it, if the stream lives."""
        if len(self._asking) >= MOST_OWN:
            yield Judged(remote, local, stream_id, "error", "resource-constraint")
            return
        self._asking.add((remote, local, stream_id))
        yield Send(dialback.ask(local, remote, stream_id, key))

    @property
    def asking(self) -> bool:
        """Whether an answer of the peer is outstanding."""
        return bool(self._asking or self._asked)

    @property
    def has_served(self) -> bool:
        """Whether the peer has asked about keys of ours on it, and wants nothing else."""
        return bool(self._words) and not self._keys

    # ------------------------------------------------------------------ dialback of the peer's

    def judge(
        self, remote: str, local: str, outcome: Outcome, condition: str = "not-acceptable"
    ) -> Iterator[Event]:
        """What has become of a `KeyGiven` (XEP-0220 §2.2.1)."""
        over = self.state is State.CLOSED or self.closing
        if over or (remote, local) not in self._pending:
            return
        self._pending.discard((remote, local))
        try:
            if outcome == "valid" and self.policy.refusal(remote):  # since it was asked
                yield from self._turn_down(remote, local, "not-allowed")
            elif outcome == "valid":
                yield Send(dialback.result(local, remote, "valid"))
                yield from self._admit(remote, local, "dialback")
            elif outcome == "invalid" and not self.peers:
                yield Send(dialback.result(local, remote, "invalid"))
                raise StreamError("not-authorized", reason="s2s.key", detail=remote)
            elif outcome == "invalid":
                yield from self._turn_down(remote, local, "forbidden")
                self._failed(remote)
            else:
                yield from self._turn_down(remote, local, condition)
        except StreamError as error:
            yield from self.fail(error)

    def _on_result(self, said: Dialback) -> Iterator[Event]:
        remote, local = said.remote, said.local
        if not said.outcome:
            if not self._takes_keys():
                raise StreamError("unsupported-stanza-type", reason="stream.element")
            yield from self._on_key(remote, local, said.key)
            return
        if (local, remote) not in self._asked:
            raise StreamError("policy-violation", reason="s2s.unsolicited", detail=remote)
        self._asked.discard((local, remote))
        if said.outcome == "valid":
            yield from self._grant(local, remote)
        else:
            condition = said.condition if said.outcome == "error" else "invalid"
            yield Denied(local, remote, condition or "undefined-condition")

    def _takes_keys(self) -> bool:
        """Whether the peer may ask to send from a domain."""
        return True

    def _on_key(self, remote: str, local: str, key: str) -> Iterator[Event]:
        """The peer wants to send from `remote` to `local` (XEP-0220 §2.2.1)."""
        policy, peer = self.policy, self.peer
        proof = policy.require(remote)
        if (remote, local) in self._pending:
            return  # it will be told
        if remote not in self.peers:
            self._keys += 1
            if self._keys > MOST_KEYS * (1 + len(self.peers)):
                raise StreamError("policy-violation", reason="s2s.attempts", detail=remote)
        if not policy.hosts(local):
            yield from self._turn_down(remote, local, "item-not-found")
        elif policy.refusal(remote):
            yield from self._turn_down(remote, local, "not-allowed")
        elif remote in self.peers:
            yield Send(dialback.result(local, remote, "valid"))
            yield from self._serve_back(remote, local)
        elif len(self.peers) >= policy.most_pairs or len(self._pending) >= MOST_PENDING:
            yield from self._turn_down(remote, local, "resource-constraint")
        elif peer is not None and peer.proves(remote):
            yield Send(dialback.result(local, remote, "valid"))
            yield from self._admit(remote, local, "certificate")
        elif proof == "certificate":
            yield from self._turn_down(remote, local, "not-authorized")
        elif proof == "dialback" and peer is None:
            yield from self._turn_down(remote, local, "policy-violation")
        else:
            self._pending.add((remote, local))
            yield KeyGiven(remote, local, key)

    def _turn_down(self, remote: str, local: str, condition: str) -> Iterator[Event]:
        """An error of dialback, which leaves the stream as it is (XEP-0220 §2.5)."""
        yield Send(dialback.result(local, remote, "error", condition))

    def _failed(self, remote: str) -> None:
        """It has tried to be what it is not; raises StreamError when that was once too often."""
        self._failures += 1
        if self._failures >= self.policy.max_attempts * (1 + len(self.peers)):
            raise StreamError("policy-violation", reason="s2s.attempts", detail=remote)

    def _on_verify(self, said: Dialback) -> Iterator[Event]:
        remote, local, stream_id = said.remote, said.local, said.stream_id
        if said.outcome:
            if (remote, local, stream_id) not in self._asking:
                raise StreamError("policy-violation", reason="s2s.unsolicited", detail=remote)
            self._asking.discard((remote, local, stream_id))
            yield Judged(remote, local, stream_id, said.outcome, said.condition)
            return
        self._words += 1
        if self._words > MOST_WORDS and not (self.peers or self.grants):
            raise StreamError("policy-violation", reason="limit.requests")
        yield Send(dialback.word(local, remote, stream_id, *self._word(said)))

    def _word(self, said: Dialback) -> tuple[Outcome, str]:
        """Whether we have made a key that somebody was given (XEP-0220 §2.2.2)."""
        policy = self.policy
        if not policy.hosts(said.local):
            return "error", "item-not-found"
        if self.peer is None and policy.require(said.remote) != "none":
            return "error", "policy-violation"
        right = dialback.is_key(policy.secret, said.key, said.remote, said.local, said.stream_id)
        return ("valid" if right else "invalid"), ""

    # ------------------------------------------------------------------ who may send what

    def _check_certificate(self, peer: PeerTLS, remote: str) -> None:
        """Raise StreamError where the peer has none of `remote` that is trusted."""
        if not peer.proves(remote):
            why = peer.problem or f"it does not name {remote}"
            said = f"the certificate of {remote}: {why}"
            raise StreamError("not-authorized", said, reason="s2s.certificate")

    def _admit(self, remote: str, local: str, by: By) -> Iterator[Event]:
        """Stanzas from `remote` pass from here on, and to it where the stream serves both ways."""
        self._let_in(remote)
        self._flow()
        yield Admitted(remote, local, by)
        yield from self._serve_back(remote, local)

    def _serve_back(self, remote: str, local: str) -> Iterator[Event]:
        """Where the stream serves both ways, the inverse of a pair is granted (XEP-0288 §2.2)."""
        if self.bidirectional and (local, remote) not in self.grants:
            self.grants.add((local, remote))
            yield Granted(local, remote)

    def _grant(self, local: str, remote: str) -> Iterator[Event]:
        """Stanzas from `local` to `remote` may be sent."""
        self.grants.add((local, remote))
        self._flow()
        yield Granted(local, remote)

    def _let_in(self, remote: str) -> None:
        self.peers.add(remote)
        self.framer.limits = self.policy.after

    def _flow(self) -> None:
        """Nothing is left to be negotiated: stanzas may be cut as they come."""
        self.flowing = True
        self.framer.halting = False
        self.framer.patient = True

    # ------------------------------------------------------------------ frames

    def _on_frame(self, frame: Frame) -> Iterator[Event]:
        if self.state is State.CLOSED:
            return
        if isinstance(frame, StreamOpen):
            yield from self._on_header(frame)
        elif isinstance(frame, Nonza):
            if not self.closing or frame.name == _ERROR:  # else it can't be answered any more
                yield from self._on_nonza(frame)
        elif isinstance(frame, StreamClose):
            yield from self._close(b"", None)
        elif isinstance(frame, Stanza):
            if not self.peers:
                raise StreamError("not-authorized", reason="s2s.not-authorized")
            yield Passed((frame,))
        else:
            raise frame

    def _on_header(self, frame: StreamOpen) -> Iterator[Event]:
        raise NotImplementedError

    def _on_nonza(self, nonza: Nonza) -> Iterator[Event]:
        name = nonza.name
        act = self._actions().get(name)
        if act is not None:
            yield from act(nonza)
        elif name == dialback.RESULT and self._dialback_now():
            yield from self._on_result(dialback.read(nonza))
        elif name == dialback.VERIFY and self._dialback_now():
            yield from self._on_verify(dialback.read(nonza))
        elif name == _ERROR:  # it has given up: nothing to add (RFC 6120 §4.9.1.1)
            self.ended_by = _condition(nonza)
            self.last_words = nonza.element.findtext(_TEXT, "")[:DETAIL_MAX]
            yield from self._close(b"", None)
        elif nonza.namespace == ns.STREAM_MANAGEMENT and (self.peers or self.grants):
            yield Passed((nonza,))
        else:
            raise StreamError("unsupported-stanza-type", reason="stream.element")

    def _actions(self) -> Mapping[str, Callable[[Nonza], Iterator[Event]]]:
        """What else may come, by name."""
        raise NotImplementedError

    def _dialback_now(self) -> bool:
        """Whether an element of dialback has its place now."""
        raise NotImplementedError

    def _close(self, last_words: bytes, error: StreamError | None) -> Iterator[Event]:
        self._shut()
        if not self.closing:
            if not self._header_sent:
                yield self._opening()
            yield Send(last_words + header.CLOSE)
        yield Closed(error or self._why)

    def _opening(self) -> Send:
        raise NotImplementedError


def _condition(nonza: Nonza) -> str:
    space = f"{ns.STREAM_ERRORS} "
    for name in nonza.children:
        if name.startswith(space) and name != f"{space}text":
            return name.removeprefix(space)[:64]
    return "undefined-condition"
