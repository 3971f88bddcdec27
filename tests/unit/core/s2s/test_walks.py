"""Random walks of a whole server's peers: whatever they say, nothing breaks and nothing is left."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.federated import Hand, Played, Web
from tests.support.server_streams import (
    BIDI,
    CLOSE,
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
from xmppd.core.s2s import connection as connection_module

CAPULET, MONTAGUE, HALLS = "capulet.lit", "montague.lit", "halls.montague.lit"
SM = ns.STREAM_MANAGEMENT

SAID = (
    f"<enable xmlns='{SM}' resume='true'/>",
    f"<enabled xmlns='{SM}' id='sm1' resume='true' max='60'/>",
    f"<enabled xmlns='{SM}'/>",
    f"<resume xmlns='{SM}' previd='sm1' h='1'/>",
    f"<resumed xmlns='{SM}' previd='sm1' h='0'/>",
    f"<resumed xmlns='{SM}' previd='sm1' h='3'/>",
    f"<failed xmlns='{SM}'><item-not-found xmlns='{ns.STANZA_ERRORS}'/></failed>",
    f"<failed xmlns='{SM}' h='1'/>",
    f"<failed xmlns='{SM}' h='70'/>",
    f"<failed xmlns='{SM}' h='x'/>",
    f"<resumed xmlns='{SM}' previd='sm1'/>",
    f"<r xmlns='{SM}'/>",
    f"<a xmlns='{SM}' h='0'/>",
    f"<a xmlns='{SM}' h='1'/>",
    f"<a xmlns='{SM}' h='70'/>",
    message(),
    message(f"a@{HALLS}"),
    f"<iq from='romeo@{MONTAGUE}' to='{CAPULET}' type='get' id='i'><ping xmlns='{ns.PING}'/></iq>",
    key(),
    key(HALLS),
    outcome(),
    outcome(type_="error"),
    outcome(HALLS),
    verify(),
    verdict(),
    sasl("success"),
    BIDI,
    CLOSE,
)
DONE = ("write", "ask", "elsewhere", "cut", "wait", "long", "answer", "honest", "call", "lie")
STEPS = st.lists(
    st.one_of(
        st.sampled_from(DONE),
        st.tuples(st.integers(0, 2), st.lists(st.sampled_from(SAID), min_size=1, max_size=3)),
    ),
    max_size=16,
)


class Play:
    """Our server, and one that is played: it answers as it should, and says what it likes."""

    def __init__(self, s2s: dict[str, Any]) -> None:
        self.web = Web()
        self.verona = self.web.town(CAPULET, s2s={**s2s, "resume_seconds": 60})
        self.juliet = self.verona.log_in("juliet")
        self.played = self.web.played(MONTAGUE, MONTAGUE, HALLS)
        self.web.move(HALLS, f"host.{MONTAGUE}", self.played)
        self.calling: list[Hand] = []
        self.lies = False
        """Whether it says that it has handled more than it was sent."""
        self._sent = 0

    @property
    def hands(self) -> list[Hand]:
        return [each for each in [*self.played.hands, *self.calling] if not each.closed]

    def go(self, step: Any) -> None:
        if isinstance(step, tuple):
            number, said = step
            if self.hands:
                self.hands[-1 - number % len(self.hands)].send("".join(said))
        else:
            getattr(self, f"_{step}")()
        self.web.settle()

    def _write(self) -> None:
        self._sent += 1
        self.juliet.send(
            f"<message to='romeo@{MONTAGUE}' type='chat'><body>{self._sent}</body></message>"
        )

    def _elsewhere(self) -> None:
        self.juliet.send(f"<message to='a@{HALLS}' type='chat'><body>x</body></message>")

    def _ask(self) -> None:
        self.juliet.send(f"<iq to='{MONTAGUE}' type='get' id='q'><ping xmlns='{ns.PING}'/></iq>")

    def _cut(self) -> None:
        if self.hands:
            self.hands[-1].wire.cut()

    def _lie(self) -> None:
        self.lies = True

    def _wait(self) -> None:
        self.web.advance(3)

    def _long(self) -> None:
        self.web.advance(40)

    def _call(self) -> None:
        hand = self.verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
        hand.send(BIDI + auth(), header())
        self.calling.append(hand)

    def _answer(self) -> None:
        """The next thing that an honest server would say, on each stream of ours."""
        offers = ("external", "bidi", "dialback", "management")
        for hand in [each for each in self.played.hands if not each.closed]:
            said = hand.take()
            name = HALLS if f"to='{HALLS}'" in hand.log.decode() else MONTAGUE
            if "<stream:stream" in said:
                inside = hand.tls and "<auth" in hand.log.decode()
                shown = offers[1:] if inside else offers if hand.tls else ("starttls",)
                hand.send(header(name, CAPULET, id=f"{self.web.clock.seconds()}"), features(*shown))
            elif "<starttls" in said:
                hand.send(f"<proceed xmlns='{ns.TLS}'/>")
            elif "<auth" in said:
                hand.send(sasl("success"))
            elif "<enable" in said:
                hand.send(f"<enabled xmlns='{SM}' id='sm1' resume='true' max='60'/>")
            elif "<resume " in said and self.lies:
                hand.send(f"<failed xmlns='{SM}' h='70'/>")
            elif "<resume " in said:
                hand.send(f"<failed xmlns='{SM}'/>")

    def _honest(self) -> None:
        for _ in range(8):
            self._answer()


@pytest.mark.parametrize("s2s", [{}, {"require": "dialback"}, {"bidirectional": False}])
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_whatever_a_peer_says_nothing_breaks_and_nothing_is_left(
    s2s: dict[str, Any], steps: list[Any]
) -> None:
    broken: list[str] = []
    failure = connection_module.log.failure
    connection_module.log.failure = lambda *a, **k: broken.append(k["who"])  # type: ignore[method-assign]
    try:
        play = Play(s2s)
        for step in ["write", "honest", *steps]:
            play.go(step)
            assert broken == []
    finally:
        connection_module.log.failure = failure  # type: ignore[method-assign]
    remotes, web = play.verona.remotes, play.web
    assert remotes.host.refusals.counts["stream.internal"] == 0
    for hand in play.hands:
        hand.wire.cut()
    web.at.clear()
    web.advance(400)
    assert not remotes.connections
    assert not remotes.by_place
    assert remotes.attempts.count == remotes.attempts.waiting == 0
    assert not remotes.management._lost
    assert not remotes.management._attached
    for each in remotes._remotes.values():
        for pair in each.pairs.values():
            assert pair.idle
            assert not pair.waiting
            assert not pair.questions
    left = [c for c in web.clock.getDelayedCalls() if "Looping" not in repr(c)]
    assert left == []
    play.juliet.take()
    play.juliet.ask(f"<ping xmlns='{ns.PING}'/>", to=CAPULET)


def test_the_play_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """An honest server has its stream, and what juliet has written."""
    play = Play({})
    assert isinstance(play.played, Played)
    for step in ("write", "honest", "call", "lie"):
        play.go(step)
    assert b"<body>1</body>" in play.played.hands[0].log
    assert len(play.verona.remotes.connections) == 2


def test_a_peer_that_has_handled_more_than_there_was_loses_that_stream_alone_xep0198_5() -> None:
    play = Play({})
    for step in ("write", "honest", "lie", "cut", "honest"):
        play.go(step)
    assert "previd='sm1'" in play.played.hands[1].log.decode()
    assert play.played.hands[1].closed
    counts = play.verona.host.refusals.counts
    assert counts["stream.internal"] == 0
    play.lies = False
    play.go("honest")
    play.web.advance(30)
    play.go("honest")
    assert any(b"<body>1</body>" in hand.log for hand in play.played.hands[2:])
