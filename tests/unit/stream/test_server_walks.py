"""Random walks of a peer that says anything at any time: what must hold whatever it has said."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.server_streams import (
    BIDI,
    CAPULET,
    CLOSE,
    HALLS,
    MONTAGUE,
    ROOMS,
    STARTTLS,
    VERONA,
    Scripted,
    auth,
    features,
    header,
    key,
    message,
    outcome,
    policy,
    sasl,
    verdict,
    verify,
)
from xmppd import ns
from xmppd.stream.events import Closed, StartTLS
from xmppd.stream.server_events import Admitted, Granted, KeyGiven
from xmppd.stream.server_incoming import IncomingStream
from xmppd.stream.server_outgoing import OutgoingStream
from xmppd.stream.states import State

SAID = (
    header(),
    header(VERONA),
    header(None),
    header(version=None),
    header(to=ROOMS),
    header(id="1"),
    features("starttls", "dialback"),
    features("external", "bidi", "dialback"),
    features("dialback"),
    STARTTLS,
    f"<proceed xmlns='{ns.TLS}'/>",
    BIDI,
    auth(),
    auth(VERONA),
    auth(None),
    sasl("response", "bW9udGFndWUubGl0"),
    sasl("response", "dmVyb25hLmxpdA=="),
    sasl("abort"),
    sasl("success"),
    sasl("challenge"),
    sasl("failure", "<not-authorized/>"),
    key(),
    key(VERONA),
    key(HALLS),
    key(to=ROOMS),
    key(CAPULET),
    outcome(),
    outcome(HALLS),
    outcome(type_="error"),
    verify(),
    verdict(),
    verdict(HALLS, type_="invalid"),
    message(),
    message(f"a@{VERONA}"),
    CLOSE,
)
"""What may be sent, alone or several in one read."""
OURS = ("tls", "valid", "invalid", "error", "request", "other", "ask", "authenticate")
"""What happens at our end in between."""

PROVED = frozenset({MONTAGUE})
"""What the certificate of the peer names, where it shows one."""

STEPS = st.lists(
    st.one_of(
        st.lists(st.sampled_from(SAID), min_size=1, max_size=3).map("".join),
        st.sampled_from(OURS),
    ),
    max_size=14,
)
PROOFS = st.sampled_from(["certificate", "dialback", "none"])
BEGINNINGS = st.sampled_from(
    [[], [header(), STARTTLS, "tls", header()], [header(), STARTTLS, "tls", header(), BIDI]]
)


class Walk:
    """A stream, and what has been shown on it by right."""

    def __init__(self, scripted: Scripted, shows: frozenset[str]) -> None:
        self.scripted = scripted
        self.stream = scripted.stream
        self.shows = shows
        self.shown: set[str] = set()
        self._tls = 0

    def go(self, step: str) -> None:
        """One step; whatever has to hold then."""
        if step == "tls":
            if len(self.scripted.of(StartTLS)) > self._tls and self.stream.peer is None:
                self._tls += 1
                self.scripted.secure(*self.shows)
                self.shown |= self.shows
        elif step in ("valid", "invalid", "error"):
            self._judge(step)
        elif step in OURS:
            self._ours(step)
        else:
            self.scripted.send(step)
        self.check()

    def _judge(self, said: str) -> None:
        waiting = sorted(self.stream._pending)
        if waiting:
            remote, local = waiting[0]
            assert KeyGiven(remote, local, "5p0of") in self.scripted.of(KeyGiven)
            if said == "valid":
                self.shown.add(remote)
            self.scripted.act(self.stream.judge(remote, local, said))  # type: ignore[arg-type]

    def _ours(self, step: str) -> None:
        stream = self.stream
        if stream.state is State.CLOSED or not isinstance(stream, OutgoingStream):
            return
        if step == "authenticate":
            self.scripted.act(stream.authenticate())
        elif stream.state is State.BOUND:
            if step == "ask":
                self.scripted.act(stream.ask(CAPULET, MONTAGUE, "1d", "k"))
            else:
                remote = MONTAGUE if step == "request" else HALLS
                self.scripted.act(stream.request(ROOMS, remote))

    def check(self) -> None:
        stream, scripted = self.stream, self.scripted
        assert stream.peers <= self.shown
        assert {event.remote for event in scripted.of(Admitted)} == stream.peers
        assert {tuple(event) for event in scripted.of(Granted)} == stream.grants
        assert not stream.peers & {CAPULET, ROOMS}
        if not stream.peers:
            assert not scripted.stanzas
        closed = scripted.of(Closed)
        assert len(closed) == (stream.state is State.CLOSED)
        if closed:
            assert scripted.log.endswith(CLOSE.encode())
            assert scripted.log.count(CLOSE.encode()) == 1
            assert scripted.events[-1] is closed[0]
            assert closed[0].error is None or closed[0].error.reason != "stream.internal"


@settings(max_examples=400, deadline=None)
@given(BEGINNINGS, STEPS, PROOFS, st.booleans())
def test_nobody_sends_from_a_domain_that_was_not_shown(
    beginning: list[str], steps: list[str], proof: str, has_certificate: bool
) -> None:
    """On a stream of a peer's: by its certificate, or by the domain's own word."""
    scripted = Scripted(IncomingStream(policy(require=proof), tls_available=True))
    walk = Walk(scripted, PROVED if has_certificate else frozenset())
    for step in [*beginning, *steps]:
        walk.go(step)
        assert scripted.stream.bidirectional or not scripted.stream.grants
        assert {remote for _, remote in scripted.stream.grants} <= scripted.stream.peers


OPENED = [header(id="1"), features("starttls"), f"<proceed xmlns='{ns.TLS}'/>", "tls"]
OUR_BEGINNINGS = st.sampled_from(
    [
        [],
        [*OPENED, header(id="2"), features("external", "bidi", "dialback"), "authenticate"],
        [*OPENED, header(id="2"), features("bidi", "dialback"), "ask", "authenticate"],
    ]
)


@settings(max_examples=400, deadline=None)
@given(OUR_BEGINNINGS, STEPS, PROOFS, st.booleans())
def test_who_was_reached_is_taken_for_the_domain_that_was_meant_alone(
    beginning: list[str], steps: list[str], proof: str, has_certificate: bool
) -> None:
    """On our own stream: it may send where it serves both ways, and has taken us for us."""
    stream = OutgoingStream(policy(require=proof), CAPULET, MONTAGUE)
    scripted = Scripted(stream)
    scripted.act(stream.open())
    walk = Walk(scripted, PROVED if has_certificate else frozenset())
    walk.shown.add(MONTAGUE)
    for step in [*beginning, *steps]:
        walk.go(step)
        assert stream.bidirectional or not stream.peers
        assert stream.grants or not stream.peers
        if proof == "certificate":
            assert has_certificate or not (stream.peers or stream.grants)
        if proof != "none":
            assert stream.peer is not None or not (stream.peers or stream.grants)
