"""Random walks of an impostor, who has a domain of his own: he is never taken for another.

Verona takes dialback for a proof; mantua is honest, and evil.lit's server says whatever it likes on
whichever stream. No lie in mantua's name reaches juliet, and no secret for mantua reaches evil.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.federated import Hand, Web
from tests.support.server_streams import (
    BIDI,
    STARTTLS,
    auth,
    features,
    header,
    key,
    message,
    outcome,
    sasl,
    verdict,
    verify,
)
from xmppd import ns

CAPULET, MONTAGUE, EVIL = "capulet.lit", "montague.lit", "evil.lit"
NAMES = (MONTAGUE, EVIL, CAPULET)
OTHERS = ("halls.evil.lit", "rooms.capulet.lit")


def lie(sender: str) -> str:
    return message(f"romeo@{sender}", f"juliet@{CAPULET}").replace("wherefore", f"lie of {sender}")


SAID = (
    *(header(name, CAPULET, id="9") for name in NAMES),
    header(None, CAPULET),
    features("starttls"),
    features("external", "bidi", "dialback", "management"),
    features("bidi", "dialback"),
    f"<proceed xmlns='{ns.TLS}'/>",
    STARTTLS,
    BIDI,
    *(auth(name) for name in NAMES),
    sasl("success"),
    *(key(name) for name in (*NAMES, *OTHERS)),
    *(outcome(name) for name in (*NAMES, *OTHERS)),
    *(outcome(name, OTHERS[1]) for name in NAMES),
    outcome(EVIL, MONTAGUE),
    *(verify(name) for name in NAMES),
    *(verdict(name, id_="{id}") for name in (*NAMES, OTHERS[0])),
    *(lie(name) for name in NAMES),
    f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>",
    f"<enabled xmlns='{ns.STREAM_MANAGEMENT}' id='x' resume='true'/>",
    f"<failed xmlns='{ns.STREAM_MANAGEMENT}'/>",
    f"<resumed xmlns='{ns.STREAM_MANAGEMENT}' previd='x' h='0'/>",
    f"<resume xmlns='{ns.STREAM_MANAGEMENT}' previd='{{sm}}' h='0'/>",
)
"""What he may say; {id} stands for the id of any stream that was opened to him."""
STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 3), st.sampled_from(SAID), st.integers(0, 3)),
        st.sampled_from(
            (
                "secret",
                "secret",
                "to evil",
                "from mantua",
                "call",
                "call as mantua",
                "honest",
                "cut",
            )
        ),
        st.sampled_from(SAID[2:4]).map(lambda said: (0, said, 0)),
    ),
    max_size=25,
)


class Siege:
    """The three servers, and the impostor's hands."""

    def __init__(self, s2s: dict[str, Any]) -> None:
        self.web = Web()
        tables = {"s2s": {"require": "dialback", "resume_seconds": 60, **s2s}}
        self.verona = self.web.town(CAPULET, OTHERS[1], **tables)
        self.mantua = self.web.town(MONTAGUE, **tables)
        self.evil = self.web.played(EVIL, EVIL)
        self.web.move(OTHERS[0], f"host.{EVIL}", self.evil)
        self.juliet, self.romeo = self.verona.log_in("juliet"), self.mantua.log_in("romeo")
        self.calls: list[Hand] = []
        self.came = b""

    @property
    def hands(self) -> list[Hand]:
        return [*self.evil.hands, *self.calls]

    def go(self, step: Any) -> None:
        if isinstance(step, tuple):
            number, said, other = step
            there = [each for each in self.hands if not each.closed]
            if there:
                ids = [each.id for each in self.hands] or [""]
                sm = self.mantua.remotes.management._attached
                text = said.replace("{id}", ids[-1 - other % len(ids)])
                there[-1 - number % len(there)].send(text.replace("{sm}", next(iter(sm), "y")))
        else:
            getattr(self, f"_{step.replace(' ', '_')}")()
        self.web.settle()
        self.came += self.juliet.take()

    def _secret(self) -> None:
        self.juliet.send(
            f"<message to='romeo@{MONTAGUE}' type='chat'><body>secret</body></message>"
        )

    def _to_evil(self) -> None:
        self.juliet.send(f"<message to='tybalt@{EVIL}' type='chat'><body>hello</body></message>")

    def _from_mantua(self) -> None:
        self.romeo.send(f"<message to='juliet@{CAPULET}' type='chat'><body>true</body></message>")

    def _call(self, name: str = EVIL) -> None:
        hand = self.verona.called(EVIL).through_tls(name, CAPULET)
        self.calls.append(hand.send(BIDI))

    def _call_as_mantua(self) -> None:
        self._call(MONTAGUE)

    def _cut(self) -> None:
        for connection in list(self.verona.remotes.connections)[:1]:
            connection.wire.cut()  # type: ignore[union-attr]

    def _honest(self) -> None:
        """What evil would say if it were honest, on each stream that was opened to it."""
        for hand in [each for each in self.evil.hands if not each.closed] * 4:
            said = hand.take()
            if "<stream:stream" in said:
                offers = ("bidi", "dialback", "management") if hand.tls else ("starttls",)
                hand.send(header(EVIL, CAPULET, id="9"), features(*offers))
            elif "<starttls" in said:
                hand.send(f"<proceed xmlns='{ns.TLS}'/>")
            elif "<db:verify" in said:
                id_ = said.partition("<db:verify")[2].partition(" id='")[2].partition("'")[0]
                hand.send(verdict(EVIL, id_=id_))
            elif "<db:result" in said:
                hand.send(outcome(EVIL))


@pytest.mark.parametrize("s2s", [{}, {"bidirectional": False}])
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_an_impostor_is_never_taken_for_another(s2s: dict[str, Any], steps: list[Any]) -> None:
    siege = Siege(s2s)
    for step in ["call", "to evil", *steps]:
        siege.go(step)
        for name in (MONTAGUE, CAPULET):
            assert f"lie of {name}".encode() not in siege.came
        assert not any(b"secret" in hand.log for hand in siege.hands)
    assert siege.verona.host.refusals.counts["stream.internal"] == 0


def test_in_his_own_name_he_is_heard() -> None:
    """Or the walks would show nothing."""
    siege = Siege({})
    key_of_his = (0, key(EVIL), 0)
    for step in ("call", key_of_his, "honest", "secret", "to evil", "from mantua"):
        siege.go(step)
    siege.calls[0].send(lie(EVIL))
    siege.go("honest")
    assert b"lie of evil.lit" in siege.came
    assert b"true" in siege.came
    assert any(b"hello" in hand.log for hand in siege.hands)
    assert b"secret" in siege.romeo.take()
    siege.calls[0].send(lie(MONTAGUE))
    siege.go("honest")
    assert b"lie of montague.lit" not in siege.came
