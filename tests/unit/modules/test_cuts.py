"""Nothing is lost, nothing comes twice, whatever happens to the line (XEP-0198 §4, §5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

import pytest

from tests.support.lossy import ALL, NUMBER, LossyClient
from tests.support.offline import waiting
from tests.support.people import JULIET, ROMEO
from tests.support.server import Client, Verona
from xmppd import ns
from xmppd.core.managed import MANAGED

CUTS = 50
"""How often each of the storms below cuts a line."""

CARBONS = f"<iq type='set' id='carbons'><enable xmlns='{ns.CARBONS}'/></iq>"

_CHAT = "<message to='{to}' type='chat'><body>But soft!</body>{number}</message>"
_KINDS = (
    _CHAT,
    "<message to='{to}'><subject>Soft</subject>{number}</message>",
    "<message to='{to}' type='headline'>{number}</message>",
    "<presence to='{to}'><status>here</status>{number}</presence>",
    "<iq to='{to}' type='set' id='{id}'>{number}</iq>",
)


class Storm:
    """Two clients who write to each other while their lines break, as chance has it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.server = Verona()
        self.juliet = LossyClient(self.server, "juliet", "balcony")
        self.romeo = LossyClient(self.server, "romeo", "orchard")
        self.cuts = 0
        self._number = 0

    def rage(self, kinds: Sequence[str] = _KINDS) -> None:
        """Let them write, and cut their lines, until there were `CUTS` cuts."""
        random = self.random
        while self.cuts < CUTS:
            one, other = random.choice(((self.juliet, self.romeo), (self.romeo, self.juliet)))
            if not one.connected:
                one.connect()
            what = random.random()
            if what < 0.3:
                self.say(one, other, random.choice(kinds))
            elif what < 0.6:
                one.depart(self._octets())
            elif what < 0.9:
                one.arrive(self._octets())
            elif what < 0.92:
                random.choice((one.ask, one.tell))()
            elif what < 0.94:
                self.server.clock.advance(random.choice((0.0, 0.3, 20.0)))
            else:
                one.cut(noticed=random.random() < 0.7)
                self.cuts += 1
            check(self.juliet, self.romeo)
            check(self.romeo, self.juliet)

    def say(self, one: LossyClient, other: LossyClient, kind: str = _CHAT) -> None:
        """Have one of them send the other a stanza, to its account where that may be."""
        self._number += 1
        may = kind.startswith("<message") and "headline" not in kind
        to = other.jid.partition("/")[0] if may and self.random.random() < 0.5 else other.jid
        n = self._number
        one.send(kind.format(to=to, id=n, number=NUMBER % n), n)

    def calm(self, *clients: LossyClient) -> None:
        """Have all lines up, and everything arrive."""
        for _ in range(4):
            for client in clients:
                if not client.connected:
                    client.connect()
                client.ask()
                client.flush()
            self.server.clock.advance(1)

    def expire(self, *clients: LossyClient) -> None:
        """Have clients not come back in time, whether or not the server knows that they are gone.

        It learns of them in their order.
        """
        get = self.server.host.directory.get
        for session in filter(None, [get(client.jid) for client in clients]):
            if session.attached:
                session.data[MANAGED].connection.lost()
        self.server.clock.advance(self.server.config.stream_management.hibernate_seconds)
        assert not any(get(client.jid) for client in clients)

    def _octets(self) -> int:
        """As many as cut stanzas in two, as many as are a few, or all there are."""
        return self.random.choice((1, 40, 200, 1_000, ALL))


def numbers(client: Client) -> list[int]:
    """The numbers of the messages that came since something was last read."""
    found = re.findall(rb"<n xmlns='urn:example:number'>(\d+)</n>", client.take())
    return [int(number) for number in found]


def check(one: LossyClient, other: LossyClient) -> None:
    """Whatever has come is what was sent, in order, each once."""
    assert one.got == other.said[: len(one.got)]


@pytest.mark.parametrize("seed", range(20))
def test_4_5_a_resumed_session_loses_and_doubles_nothing(seed: int) -> None:
    storm = Storm(seed)
    storm.rage()
    assert storm.cuts == CUTS
    storm.calm(storm.juliet, storm.romeo)
    assert storm.juliet.got == storm.romeo.said
    assert storm.romeo.got == storm.juliet.said
    assert storm.juliet.settled
    assert storm.romeo.settled
    assert len(storm.juliet.got) > CUTS  # it was no quiet storm
    assert waiting(storm.server, JULIET) == waiting(storm.server, ROMEO) == []


def unconfirmed(storm: Storm) -> list[int]:
    """What Juliet is sent after a storm: some reaches her, some waits for her to come back."""
    juliet, romeo = storm.juliet, storm.romeo
    storm.calm(juliet, romeo)
    juliet.tell()
    juliet.depart()
    for number in range(12):
        storm.say(romeo, juliet)
        romeo.flush()
        if number == 8:
            juliet.arrive(storm.random.choice((0, 500, ALL)))
            juliet.cut(noticed=storm.random.random() < 0.7)
    return romeo.said[-12:]


@pytest.mark.parametrize("seed", range(8))
def test_4_what_nobody_confirmed_is_for_who_comes_next_once_and_in_order(seed: int) -> None:
    storm = Storm(seed)
    storm.rage((_CHAT,))
    late = unconfirmed(storm)
    storm.expire(storm.juliet)
    other = LossyClient(storm.server, "juliet", "chamber")
    storm.calm(other, storm.romeo)
    assert other.got == late
    assert storm.romeo.settled
    assert waiting(storm.server, JULIET) == []


@pytest.mark.parametrize("seed", range(8))
def test_4_what_nobody_confirmed_is_for_who_is_there_once_and_in_order(seed: int) -> None:
    storm = Storm(seed)
    storm.rage((_CHAT,))
    other = storm.server.log_in("juliet", "chamber")
    other.send("<presence><priority>-1</priority></presence>")
    late = unconfirmed(storm)
    other.send("<presence/>")
    assert numbers(other) == []
    storm.expire(storm.juliet)
    storm.calm(storm.romeo)
    assert numbers(other) == late
    assert waiting(storm.server, JULIET) == []


@pytest.mark.parametrize("managed", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_4_whoever_got_a_carbon_does_not_get_the_message_too(seed: int, managed: bool) -> None:
    storm = Storm(seed)
    if managed:
        other = LossyClient(storm.server, "juliet", "chamber", more=CARBONS)
    else:
        other = storm.server.log_in("juliet", "chamber").send(f"<presence/>{CARBONS}")
    storm.rage((_CHAT,))
    unconfirmed(storm)
    storm.expire(storm.juliet)
    storm.calm(storm.romeo)
    if isinstance(other, LossyClient):
        storm.calm(other)
    got = other.got if isinstance(other, LossyClient) else numbers(other)
    assert [number for number in got if number not in storm.juliet.said] == storm.romeo.said
    assert waiting(storm.server, JULIET) == []


@pytest.mark.parametrize("seed", range(8))
def test_4_a_message_is_for_who_comes_next_when_all_who_had_it_are_gone(seed: int) -> None:
    """Of two clients one had it as a carbon, and neither has confirmed it."""
    storm = Storm(seed)
    carbon = LossyClient(storm.server, "juliet", "chamber", more=CARBONS)
    late = unconfirmed(storm)
    carbon.cut(noticed=seed % 2 == 0)
    gone = [storm.juliet, carbon]
    storm.random.shuffle(gone)
    storm.expire(*gone)
    other = LossyClient(storm.server, "juliet", "hall")
    storm.calm(other, storm.romeo)
    assert other.got == late
    assert storm.romeo.settled
    assert waiting(storm.server, JULIET) == []
