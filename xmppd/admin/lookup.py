"""What other servers find out about domains of ours in the DNS, asked from a shell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from msgspec import structs
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.selectreactor import SelectReactor

from xmppd.config import S2S
from xmppd.core.s2s.places import Place
from xmppd.core.s2s.trail import Trail
from xmppd.errors import StanzaError
from xmppd.net.finding import ADDRESS_KINDS, DNSFinder
from xmppd.net.names import ip_literal
from xmppd.net.resolver import Resolver

SECONDS = 3
"""How long the DNS may take for all the answers to one question."""


class Found(NamedTuple):
    """Where others look for a domain, and which of those hosts have no address."""

    places: tuple[Place, ...] = ()
    nowhere: tuple[str, ...] = ()
    error: StanzaError | None = None
    """Why there is no place."""


def look_up(domains: Iterable[str], settings: S2S) -> Mapping[str, Found]:
    """Look for domains of ours as others do: past the routes that we know.

    It runs a reactor of its own for as long as that takes, seconds at most.
    """
    reactor: Any = SelectReactor()
    found: dict[str, Found] = {}

    def begin() -> None:
        lookup = _Lookup(reactor, structs.replace(settings, routes={}, dns_seconds=SECONDS))
        looking = [Deferred.fromCoroutine(lookup.find(domain, found)) for domain in domains]
        gatherResults(looking).addBoth(end)

    def end(outcome: object) -> None:
        outcomes.append(outcome)
        reactor.stop()

    outcomes: list[Any] = []
    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    if hasattr(outcomes[0], "raiseException"):
        outcomes[0].raiseException()
    return found


class _Lookup:
    def __init__(self, reactor: Any, settings: S2S) -> None:
        self._reactor = reactor
        self._resolver = Resolver(reactor, lambda: settings)
        self._finder = DNSFinder(reactor, lambda: settings, self._resolver)

    async def find(self, domain: str, found: dict[str, Found]) -> None:
        """Put down what is found of a domain."""
        try:
            places = await self._finder.find(domain, Trail(self._reactor.seconds))
        except StanzaError as error:
            found[domain] = Found(error=error)
            return
        hosts = dict.fromkeys(place.host for place in places)
        nowhere = [host for host in hosts if not await self._has_address(host)]
        found[domain] = Found(places, tuple(nowhere))

    async def _has_address(self, host: str) -> bool:
        """Whether there is an address; where nobody knows, that is taken for granted."""
        if ip_literal(host) or self._resolver.listed(host):
            return True
        asked = [self._resolver.ask(kind, host) for kind in ADDRESS_KINDS]
        answers = [await each for each in asked]
        return any(answer.addresses or answer.outcome == "failed" for answer in answers)
