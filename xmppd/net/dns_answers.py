"""What a DNS message says to a question: records of the name that was asked for, and no others.

Pure reading: who sends questions is `nameservers.py`, who remembers answers `resolver.py`.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Literal, NamedTuple, TypeAlias

from twisted.names import dns

Kind: TypeAlias = Literal["SRV", "A", "AAAA"]
TYPES: dict[Kind, int] = {"SRV": dns.SRV, "A": dns.A, "AAAA": dns.AAAA}
KINDS: dict[int, Kind] = {number: kind for kind, number in TYPES.items()}

SERVICES = 20
"""The most records of a service that are used: those of the lowest priority numbers."""
ADDRESSES = 10
"""The most addresses of one kind that are used of a name."""
ALIASES = 8
"""The most aliases (CNAME) that are followed, one after the other."""
NEGATIVE = 30
"""Seconds that "there is none" holds, where the answer does not say (RFC 2308 §5)."""
NO_TARGET = "."
"""The target of a service that is decidedly not offered (RFC 2782)."""

_LABEL = rb"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rb"(?=.{1,253}\Z)" + _LABEL + rb"(?:\." + _LABEL + rb")*", re.DOTALL)


class Service(NamedTuple):
    """An SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str

    def __str__(self) -> str:
        ranks = f"(priority {self.priority}, weight {self.weight})"
        return f"{self.target}:{self.port} {ranks}" if self.target != NO_TARGET else NO_TARGET


class Read(NamedTuple):
    """What an answer says: `exists` whether it has records, of whatever use they are.

    `alias` is the name that has to be asked for instead, where the answer ends at a CNAME;
    `named` says whether there is such a name at all.
    """

    exists: bool
    ttl: int
    services: tuple[Service, ...] = ()
    addresses: tuple[str, ...] = ()
    alias: str = ""
    named: bool = True


def read(message: dns.Message, name: str, kind: Kind) -> Read:
    """Read the answer to a question; `name` is in ASCII and lower case."""
    owner, ttl = name, 1 << 31
    for _ in range(ALIASES):
        own = [each for each in message.answers if each.cls == dns.IN and _name(each) == owner]
        found = [each for each in own if each.type == TYPES[kind]]
        if found:
            ttl = min(ttl, *(each.ttl for each in found))
            if kind == "SRV":
                return Read(True, ttl, services=_services(found))
            return Read(True, ttl, addresses=_addresses(found))
        step: Any = next((each for each in own if each.type == dns.CNAME), None)
        target = host_name(step.payload.name.name) if step else ""
        if not target:
            break
        owner, ttl = target, min(ttl, step.ttl)
    negative = _negative_ttl(message)
    if owner != name and message.rCode == dns.OK and negative is None:
        return Read(False, ttl, alias=owner)
    ttl = min(ttl, NEGATIVE if negative is None else negative)
    return Read(False, ttl, named=message.rCode != dns.ENAME)


def host_name(octets: bytes) -> str:
    """A name of the DNS as text, in lower case; "" for one that is no name of a host."""
    plain = octets.lower().removesuffix(b".")
    return plain.decode("ascii") if _NAME.fullmatch(plain) else ""


def _name(record: Any) -> str:
    return host_name(record.name.name)


def _services(records: list[dns.RRHeader]) -> tuple[Service, ...]:
    payloads: list[Any] = [record.payload for record in records]
    services = [
        Service(each.priority, each.weight, each.port, target)
        for each in payloads
        if (target := host_name(each.target.name) or ("" if each.target.name else NO_TARGET))
        and (each.port or target == NO_TARGET)
    ]
    return tuple(sorted(dict.fromkeys(services), key=lambda each: each.priority)[:SERVICES])


def _addresses(records: list[dns.RRHeader]) -> tuple[str, ...]:
    payloads: list[Any] = [record.payload for record in records]
    found = [
        str((IPv4Address if len(each.address) == 4 else IPv6Address)(each.address))
        for each in payloads
    ]
    return tuple(dict.fromkeys(found))[:ADDRESSES]


def _negative_ttl(message: dns.Message) -> int | None:
    """How long it holds that there is none, says the SOA (RFC 2308 §5)."""
    for record in message.authority:
        payload: Any = record.payload
        if record.type == dns.SOA:
            return int(min(record.ttl, payload.minimum))
    return None
