"""Other servers, found and reached over real sockets: twisted.names at a real name server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.protocol import Factory, Protocol
from twisted.names import dns

from tests.support.dns import SILENT, NameServer
from tests.support.reactors import played
from xmppd.config import S2S
from xmppd.core.s2s.places import Place
from xmppd.core.s2s.trail import Trail
from xmppd.errors import StanzaError
from xmppd.net.finding import DNSFinder

DOMAIN = "verona.example"
STARTTLS, DIRECT = f"_xmpp-server._tcp.{DOMAIN}", f"_xmpps-server._tcp.{DOMAIN}"
XMPP = f"xmpp.{DOMAIN}"


@pytest.fixture
def names() -> Iterator[NameServer]:
    with NameServer({XMPP: ["A 127.0.0.1"]}) as server:
        yield server


class Finding:
    """A finder that asks a name server, and what it did."""

    def __init__(self, reactor: Any, names: NameServer, **settings: Any) -> None:
        self.settings = S2S(
            resolver=(f"{names.host}:{names.port}",), **{"this_host": True, **settings}
        )
        self.finder = DNSFinder(reactor, lambda: self.settings)
        self.trail = Trail(time.time)

    async def find(self, domain: str = DOMAIN) -> tuple[Place, ...]:
        return await self.finder.find(domain, self.trail)

    async def refused(self, domain: str = DOMAIN) -> str:
        with pytest.raises(StanzaError) as raised:
            await self.find(domain)
        return raised.value.reason

    async def reach(self, place: Place) -> Any:
        return await self.finder.reach(place, Protocol, self.trail)

    @property
    def told(self) -> list[str]:
        return [step.said for step in self.trail.steps]


def test_a_domain_is_found_and_reached_and_found_again_from_the_cache(names: NameServer) -> None:
    async def play(reactor: Any) -> None:
        port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        number = port.getHost().port
        names.records[STARTTLS] = [f"SRV 20 0 5269 {XMPP}"]
        names.records[DIRECT] = [f"SRV 10 0 {number} alias.{DOMAIN}"]
        names.records[f"alias.{DOMAIN}"] = [f"CNAME {XMPP}"]
        finding = Finding(reactor, names)
        places = await finding.find()
        assert places == (Place(f"alias.{DOMAIN}", number, True), Place(XMPP, 5269))
        protocol = await finding.reach(places[0])
        assert protocol.transport.getPeer().port == number
        protocol.transport.abortConnection()
        assert f"127.0.0.1:{number}: connected" in finding.told
        with pytest.raises(StanzaError, match=r"s2s\.unreachable"):
            await finding.reach(places[0]._replace(port=1))
        assert "127.0.0.1:1: refused" in finding.told
        asked = len(names.asked)
        assert await finding.find() == places
        assert len(names.asked) == asked
        finding.finder.forget(DOMAIN)
        names.records[DIRECT] = ["SRV 0 0 0 ."]
        assert await finding.find() == (Place(XMPP, 5269),)
        await port.stopListening()

    played(play)
    assert {each.over for each in names.asked} == {"udp"}
    assert len({each.port for each in names.asked}) > 1


def test_what_there_is_not(names: NameServer) -> None:
    async def play(reactor: Any) -> None:
        finding = Finding(reactor, names, this_host=False)
        assert await finding.refused("mantua.example") == "s2s.no-such-domain"
        assert await finding.refused() == "s2s.no-address"
        assert await finding.find(XMPP) == (Place(XMPP, 5269),)
        with pytest.raises(StanzaError, match=r"s2s\.this-host"):
            await finding.reach(Place(XMPP, 5269))
        names.records["_xmpp-server._tcp.closed.example"] = ["SRV 0 0 0 ."]
        assert await finding.refused("closed.example") == "s2s.not-offered"

    played(play)


def test_an_answer_that_does_not_fit_a_datagram_comes_by_tcp(names: NameServer) -> None:
    names.records[STARTTLS] = [f"SRV {n} 0 {5000 + n} host{n}.{DOMAIN}" for n in range(40)]

    async def play(reactor: Any) -> None:
        places = await Finding(reactor, names).find()
        assert [place.port for place in places] == list(range(5000, 5020))

    played(play)
    assert [each.over for each in names.asked if each.name == STARTTLS] == ["udp", "tcp"]


def test_a_name_server_that_fails_or_is_silent(names: NameServer) -> None:
    names.codes["refused.example"] = dns.EREFUSED
    names.delays["silent.example"] = SILENT
    names.delays["slow.example"] = 0.3
    names.records["slow.example"] = ["A 192.0.2.1"]

    async def play(reactor: Any) -> None:
        finding = Finding(reactor, names, dns_seconds=1)
        assert await finding.refused("refused.example") == "s2s.dns-failed"
        assert finding.told[0].endswith(f"{names.port} refuses to answer (REFUSED)")
        finding.trail.steps.clear()
        begun = time.monotonic()
        assert await finding.refused("silent.example") == "s2s.dns-failed"
        assert 0.9 < time.monotonic() - begun < 5
        assert "timed out after 1 s: no answer of 127.0.0.1:" in finding.told[0]
        assert await finding.find("slow.example") == (Place("slow.example", 5269),)

    played(play)


def test_the_next_name_server_is_asked_where_one_fails(names: NameServer) -> None:
    names.records[STARTTLS] = [f"SRV 0 0 5269 {XMPP}"]
    with NameServer() as failing:
        failing.codes["example"] = dns.ESERVER

        async def play(reactor: Any) -> None:
            finding = Finding(reactor, names)
            both = tuple(f"127.0.0.1:{each.port}" for each in (failing, names))
            finding.settings = S2S(resolver=both)
            assert await finding.find() == (Place(XMPP, 5269),)

        played(play)
        assert len(failing.asked) == 2
