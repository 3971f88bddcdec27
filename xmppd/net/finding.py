"""Finding other servers (RFC 6120 §3.2, XEP-0368): the places of a domain, and the way there.

What the operator says of a domain in `[s2s.routes]` comes before all else. Then the DNS is asked
for both services at once. Only where it says that there is neither is the domain itself the
place, at the usual port; who makes questions fail can't bring that about.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple, TypeAlias

from twisted.internet.defer import Deferred

from xmppd.config import S2S
from xmppd.core.s2s.places import Build, Place
from xmppd.core.s2s.trail import Trail
from xmppd.domainpart import JIDError, domain_to_ascii
from xmppd.domains import matching
from xmppd.errors import StanzaError
from xmppd.net.dialing import Dial, NoAddress, NotHere, Unreachable
from xmppd.net.dns_answers import NO_TARGET, Kind, Service
from xmppd.net.resolver import Answer, Resolver

PORT = 5269
"""Where servers listen for servers (RFC 6120 §14.7)."""
PLACES = 20
"""The most places of a domain that are tried."""

SERVICES = ("_xmpps-server._tcp", "_xmpp-server._tcp")
"""With TLS from the first octet, and with STARTTLS (XEP-0368 §3)."""
ADDRESS_KINDS: tuple[Kind, ...] = ("AAAA", "A")

Below: TypeAlias = Callable[[int], int]
"""A random number from 0 up to, and not including, a number."""


class Routed(Place):
    """A place that the operator has named: it may be on this host."""

    __slots__ = ()


class Offer(NamedTuple):
    """A place that a domain offers in the DNS."""

    priority: int
    weight: int
    place: Place


class Refusal(NamedTuple):
    """What is said to who has sent something to a domain that can't be reached."""

    condition: str
    text: str
    reason: str
    type: str | None = None
    """Of the error, where it is not the condition's own."""

    def of(self, detail: str) -> StanzaError:
        """The error, with what the operator reads besides."""
        return StanzaError(
            self.condition, self.text, reason=self.reason, detail=detail, type=self.type
        )


_NOT_FOUND, _TIMEOUT = "remote-server-not-found", "remote-server-timeout"
NO_DOMAIN = Refusal(_NOT_FOUND, "There is no such domain.", "s2s.no-such-domain")
NOT_OFFERED = Refusal(_NOT_FOUND, "The domain has no XMPP server.", "s2s.not-offered")
NO_ROUTE = Refusal(_NOT_FOUND, "There is no way to the domain.", "s2s.no-route")
NO_ADDRESS = Refusal(_NOT_FOUND, "The domain's server has no address.", "s2s.no-address")
HERE = Refusal(_NOT_FOUND, "The domain's server has no address of use.", "s2s.this-host")
FAILED = Refusal(
    _NOT_FOUND, "The domain's server could not be looked up.", "s2s.dns-failed", "wait"
)
UNREACHABLE = Refusal(_TIMEOUT, "The domain's server can't be reached.", "s2s.unreachable")


class DNSFinder:
    """Finds and reaches other servers (a `Finder`); `settings` are read each time."""

    def __init__(
        self,
        reactor: Any,
        settings: Callable[[], S2S],
        resolver: Resolver | None = None,
        below: Below = secrets.randbelow,
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._resolver = resolver or Resolver(reactor, settings)
        self._below = below

    def find(self, domain: str, trail: Trail) -> Deferred[tuple[Place, ...]]:
        """The places of a domain, in the order in which they are to be tried."""
        return Deferred.fromCoroutine(self._find(domain, trail))

    def reach(self, place: Place, build: Build, trail: Trail) -> Deferred[Any]:
        """Connect to a place by TCP: the protocol, connected."""
        return Deferred.fromCoroutine(self._reach(place, build, trail))

    def forget(self, domain: str) -> None:
        """Ask anew for a domain, and for the hosts that it names, the next time."""
        name = domain_to_ascii(domain)
        self._resolver.forget(name)
        for service in SERVICES:
            known = self._resolver.known("SRV", f"{service}.{name}")
            for each in known.services if known else ():
                self._resolver.forget(each.target)
            self._resolver.forget(f"{service}.{name}")

    async def _find(self, domain: str, trail: Trail) -> tuple[Place, ...]:
        if places := self._routed(domain, trail):
            return places
        try:
            name = domain_to_ascii(domain)
        except JIDError as bad:
            raise NO_DOMAIN.of(f"{domain}: {bad.problem}") from bad
        if address := _literal(name):
            trail.note("dns", f"{domain} is an address")
            return (Place(address, PORT),)
        answers = await self._services(name, trail)
        if any(answer.outcome == "found" for answer in answers.values()):
            return self._offered(name, answers, trail)
        plain = answers[SERVICES[1]]
        if plain.outcome == "failed" and not self._resolver.listed(name):
            raise FAILED.of(f"{name}: {plain.said}")
        return await self._itself(name, trail)

    def _routed(self, domain: str, trail: Trail) -> tuple[Place, ...]:
        """The operator's own places for a domain."""
        routes = self._settings().routes
        route = matching(domain, routes)
        if not route:
            return ()
        trail.note("dns", f"[s2s.routes] {route}: {', '.join(routes[route]) or 'no place'}")
        if not routes[route]:
            raise NO_ROUTE.of(domain)
        return tuple(_place(text) for text in routes[route])

    async def _services(self, name: str, trail: Trail) -> dict[str, Answer]:
        """What the DNS says of both services, asked for at once."""
        asked = {each: self._resolver.ask("SRV", f"{each}.{name}") for each in SERVICES}
        answers = {}
        for service, asking in asked.items():
            answers[service] = await asking
        for service in reversed(SERVICES):
            _note(trail, "SRV", f"{service}.{name}", answers[service])
        return answers

    def _offered(self, name: str, answers: Mapping[str, Answer], trail: Trail) -> tuple[Place, ...]:
        """What the domain offers, of both services as if they were one (XEP-0368 §3).

        A service that is not offered is not asked for in another way (§5, RFC 2782).
        """
        offers = [
            Offer(each.priority, each.weight, Place(each.target, each.port, direct))
            for direct, service in zip((True, False), SERVICES, strict=True)
            for each in answers[service].services
            if each.target != NO_TARGET
        ]
        if offers:
            return tuple(dict.fromkeys(mixed(offers, self._below)))[:PLACES]
        if answers[SERVICES[1]].outcome == "failed":
            raise FAILED.of(f"{name}: {answers[SERVICES[1]].said}")
        trail.note("dns", f"{name} offers no server", ok=False)
        raise NOT_OFFERED.of(name)

    async def _itself(self, name: str, trail: Trail) -> tuple[Place, ...]:
        """The domain itself (RFC 6120 §3.2.2), where it has an address."""
        place = Place(name, PORT)
        if self._resolver.listed(name):
            return (place,)
        asked = [(kind, self._resolver.ask(kind, name)) for kind in ADDRESS_KINDS]
        answers = []
        for kind, asking in reversed(asked):
            answer = await asking
            if answer.addresses:
                trail.note("dns", f"no SRV record, so it is {place} (RFC 6120 §3.2.2)")
                return (place,)
            _note(trail, kind, name, answer)
            answers.append(answer)
        raise _no_address(answers).of(name)

    async def _reach(self, place: Place, build: Build, trail: Trail) -> Any:
        settings = self._settings()
        dial = Dial(
            self._reactor,
            place.port,
            build,
            trail,
            seconds=settings.connect_seconds,
            this_host=settings.this_host or isinstance(place, Routed),
        )
        answers = self._addresses(place.host, dial, trail)
        try:
            return await dial.done
        except NoAddress:
            failed = any(answer.outcome == "failed" for answer in answers)
            raise (FAILED if failed else NO_ADDRESS).of(place.host) from None
        except NotHere:
            raise HERE.of(str(place)) from None
        except Unreachable:
            raise UNREACHABLE.of(str(place)) from None

    def _addresses(self, host: str, dial: Dial, trail: Trail) -> list[Answer]:
        """Tell the dial all addresses of a host as they become known; what the DNS says of it."""
        answers: list[Answer] = []
        given = (literal,) if (literal := _literal(host)) else self._resolver.listed(host)
        if given:
            if not literal:
                trail.note("dns", f"{host}: {', '.join(given)} (from this host's own file)")
            for kind in ADDRESS_KINDS:
                dial.answered(kind, [each for each in given if (":" in each) is (kind == "AAAA")])
            return answers

        def answered(answer: Answer, kind: Kind) -> None:
            answers.append(answer)
            if not dial.done.called:
                _note(trail, kind, host, answer)
                dial.answered(kind, answer.addresses)

        for kind in ADDRESS_KINDS:
            self._resolver.ask(kind, host).addCallback(answered, kind).addErrback(dial.fail)
        return answers


def mixed(offers: Iterable[Offer], below: Below) -> list[Place]:
    """Offers in the order in which they are to be tried: by priority, then by chance (RFC 2782).

    The chance of each to be the next is its share of the weight of those that are left.
    """
    # Those without weight first, as RFC 2782 has it: so they have a chance at all.
    left = sorted(offers, key=lambda offer: (offer.priority, offer.weight > 0))
    places = []
    while left:
        same = [offer for offer in left if offer.priority == left[0].priority]
        chosen = below(sum(offer.weight for offer in same) + 1)
        running = 0
        for offer in same:
            running += offer.weight
            if running >= chosen:
                break
        left.remove(offer)
        places.append(offer.place)
    return places


def _literal(name: str) -> str:
    """The address that a name is; "" if it is none. One of IPv6 may stand in brackets."""
    if ":" not in name and not name[-1:].isdigit():
        return ""  # as nearly all are; to look at each closely takes longer than all else here
    try:
        return str(ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        return ""


def _place(text: str) -> Place:
    """`tcp:HOST:PORT` or `tls:HOST:PORT`, as the configuration has checked it."""
    kind, _, rest = text.partition(":")
    host, _, port = rest.rpartition(":")
    return Routed(_literal(host) or domain_to_ascii(host), int(port), kind == "tls")


def _no_address(answers: Iterable[Answer]) -> Refusal:
    """Why there is no address: a failure to look it up, no such name, or none of the name."""
    outcomes = {answer.outcome for answer in answers}
    if "failed" in outcomes:
        return FAILED
    return NO_DOMAIN if outcomes == {"no-name"} else NO_ADDRESS


def _note(trail: Trail, kind: Kind, name: str, answer: Answer) -> None:
    """Note a question and its answer, each record by itself."""
    source = " (from the cache)" if answer.cached else ""
    found: tuple[Service | str, ...] = answer.services or answer.addresses
    for each in found or (answer.said or "no record of any use",):
        trail.note("dns", f"{kind} {name}: {each}{source}", ok=answer.outcome != "failed")
