"""Whether other servers can find and believe this one, as far as that is seen from here.

What is missing may well be wanted so: it is told, and is no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeAlias

from xmppd.admin.lookup import Found
from xmppd.bundled import places
from xmppd.config import S2S, Config
from xmppd.net import pairs
from xmppd.net.peers import own_problem
from xmppd.net.trust import Trust
from xmppd.reasons import REASONS

LookUp: TypeAlias = Callable[[Iterable[str], S2S], Mapping[str, Found]]
"""Looks for domains in the DNS; see `lookup.look_up`."""


class Note(NamedTuple):
    """What is no fault, and what would make it better."""

    said: str
    hint: str


def papers(config: Config, source: str, now: datetime, trust: Trust) -> Iterator[str | Note]:
    """Whether certificates name the components, too: each is a domain of its own."""
    directory = config.tls.certificates
    if not directory:
        said = "certificates are self-signed: servers that require those of an authority refuse us"
        yield Note(said, "Have some issued, and name their directory in [tls] certificates")
        return
    unnamed = []
    for domain in component_domains(config, source):
        pair, _ = pairs.find(Path(directory), domain, now)
        if pair is None or own_problem(pair, domain, trust):
            unnamed.append(domain)
    if unnamed:
        said = f"no trusted certificate names {', '.join(unnamed)}"
        yield Note(f"{said}: who requires one does not talk to them", "Have theirs say so, too")


def component_domains(config: Config, source: str) -> list[str]:
    """The domains of components, bundled or not."""
    bundled = [each.domain for each in places(config, source) if not each.unwanted]
    return sorted({*bundled, *config.components})


def names(config: Config, source: str, look_up: LookUp | None) -> Iterator[str | Note]:
    """Where others look for the domains, by the DNS; which components they don't find there."""
    if not (config.listen.s2s or config.listen.s2s_tls):
        yield Note("[listen] s2s and s2s_tls are empty: no server can connect", "Add a listener")
    elif look_up is not None:
        domains = list(filter(_is_public, config.server.domains))
        components = list(filter(_is_public, component_domains(config, source)))
        found = look_up([*domains, *components], config.s2s)
        for domain in domains:
            yield from _found(domain, found[domain])
        lost = [each for each in components if _is_lost(found[each])]
        if lost and any(found[domain].places for domain in domains):
            hint = "Publish _xmpp-server._tcp of each that people elsewhere are to reach"
            yield Note(f"others do not find {', '.join(lost)}", hint)


def _is_public(domain: str) -> bool:
    """Whether there can be anything in the DNS."""
    return "." in domain and not domain.endswith(".localhost")


def _is_lost(found: Found) -> bool:
    """Whether others do not find it: that it could not be looked for says nothing."""
    return found.error is not None and found.error.reason != "s2s.dns-failed"


def _found(domain: str, found: Found) -> Iterator[str | Note]:
    if found.error is not None and found.error.reason == "s2s.dns-failed":
        said = f"{domain}: was not looked for, the DNS can't be asked ({found.error.detail})"
        yield Note(said, REASONS["s2s.dns-failed"][1].capitalize())
        return
    if found.error is not None:
        meaning, _ = REASONS[found.error.reason]
        hint = f"Publish _xmpp-server._tcp.{domain}, unless it is for servers that have routes"
        yield Note(f"{domain}: {meaning} ({found.error.detail})", hint)
        return
    yield f"{domain}: others find it at {', '.join(map(str, found.places))}"
    if found.nowhere:
        said = f"{domain}: there is no address of {', '.join(found.nowhere)}"
        yield Note(said, "Publish one (A, AAAA), or take the host out of the SRV records")
