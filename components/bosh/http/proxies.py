"""Who asks: the client's address, and whether anybody can listen, through proxies that we trust.

A proxy is trusted by its address, as the configuration names it; by default those of this machine
are. What stands in a header is believed as far as trusted proxies have written it:

- *The address.* A proxy writes down who has asked it at the right end of `X-Forwarded-For`, behind
  whatever the client wrote there. So the header is read from the right: as long as an address is
  that of a trusted proxy, the one to the left of it is that proxy's word. The first that is not
  trusted is the client; what stands further left anybody may have made up.
- *TLS.* `X-Forwarded-Proto` of the proxy that is connected to us, its last value, says how it was
  asked. Proxies further away may have written values to the left: each has to be "https", since a
  client who writes "http" there harms but himself. Without the header nothing is secure: a proxy
  that ends TLS says so. Whether the network between a proxy and us is safe is for who names it.
- *Forwarded* (RFC 7239) is read in place of both where the configuration says that the proxies
  write that. Never both kinds: a proxy passes on what it does not write itself, and then it is the
  client's word.
- *Nonsense* where an address should be makes the request one of the proxy's own, and insecure.
- *A UNIX socket* is connected to from this machine: who may is for its permissions to say.

A client without TLS is secure only where nobody can be between: it is connected from a loopback
address, calls us by "localhost" or a loopback address, and nothing tells of a proxy that merely
says nothing: none of the headers that proxies write, HTTP/1.1 (with 1.0 the simplest ones pass
requests on), and no page of elsewhere that it comes from (`Origin`, `Sec-Fetch-Site`). Any other
without TLS is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

from components.bosh.http.hosts import host, names_this_machine
from components.bosh.http.request import Peer
from xmppd.addresses import is_loopback

LOOPBACK = ("127.0.0.1", "::1")
"""The proxies that are trusted where none are named."""

UNIX = "127.0.0.1"
"""Where somebody is who comes by a UNIX socket, and so has no address ("")."""

SIGNS = frozenset(
    (
        b"cdn-loop",
        b"cf-connecting-ip",
        b"client-ip",
        b"fastly-client-ip",
        b"forwarded",
        b"front-end-https",
        b"true-client-ip",
        b"via",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-forwarded",
        b"x-forwarded-by",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-forwarded-protocol",
        b"x-forwarded-scheme",
        b"x-forwarded-server",
        b"x-forwarded-ssl",
        b"x-original-forwarded-for",
        b"x-original-host",
        b"x-original-url",
        b"x-real-ip",
        b"x-scheme",
    )
)
"""Headers that a client does not write, but a proxy."""

NEAR = frozenset((b"", b"none", b"same-origin", b"same-site"))
"""What a browser says in `Sec-Fetch-Site` where no page of elsewhere asks."""

LONGEST = 64
"""Characters of the longest address with its port, and some."""

_Address: TypeAlias = IPv4Address | IPv6Address

# An address, maybe with a port (some proxies write it), v6 with one or when quoted in brackets.
_NODE = re.compile(
    r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+)(?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)"
)

# RFC 7239 §4. Elements are split at every comma, also one in quotes, which makes nonsense of an
# element: so they are told apart from the right, whatever a client has written to the left.
_PAIR = r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:\"([^\"\\]*)\"|([!#$%&'*+.^_`|~0-9A-Za-z:\[\]-]+))"
_PAIRS = re.compile(rf"\s*{_PAIR}(?:\s*;\s*{_PAIR})*\s*")
_ONE = re.compile(_PAIR)


class Proxies:
    """The proxies that are trusted, by addresses and networks; raises ValueError for what is none.

    `forwarded` where they write `Forwarded` instead of `X-Forwarded-For` and `-Proto`.
    """

    def __init__(self, trusted: Iterable[str] = LOOPBACK, *, forwarded: bool = False) -> None:
        self._networks = tuple(_network(each) for each in trusted)
        self._forwarded = forwarded
        self._trusts = lru_cache(1024)(self._trusted)

    def trusts(self, address: str) -> bool:
        """Whether an address is that of a proxy we trust."""
        return self._trusts(address or UNIX)

    def seen(
        self, direct: str, tls: bool, headers: Mapping[bytes, bytes], version: str = "1.1"
    ) -> Peer:
        """Who asks, by a connection from `direct` (over TLS or not) and HTTP of a version."""
        address = _written(direct or UNIX)
        if SIGNS.isdisjoint(headers):
            return Peer(address, tls or _nobody_between(address, headers, version), tls)
        if not self._trusts(address):
            return Peer(address, tls, tls)
        read = self._by_forwarded if self._forwarded else self._by_x_forwarded
        return read(address, headers)

    def _by_x_forwarded(self, direct: str, headers: Mapping[bytes, bytes]) -> Peer:
        told = headers.get(b"x-forwarded-for")
        hops = [] if told is None else _split(told)
        address = self._client(direct, reversed(hops))
        if address is None:
            return Peer(direct, False)
        said = _split(headers.get(b"x-forwarded-proto", b""))
        tls = all(each.lower() == "https" for each in said)
        return Peer(address, tls, tls)

    def _by_forwarded(self, direct: str, headers: Mapping[bytes, bytes]) -> Peer:
        elements = _split(headers.get(b"forwarded", b""))
        address, tls = direct, True
        for each in reversed(elements):
            said = _pairs(each)
            told = _node(said.get("for", ""))
            if told is None:
                return Peer(direct, False)
            address, tls = told, tls and said.get("proto", "").lower() == "https"
            if not self._trusts(address):
                break
        return Peer(address, tls, tls)

    def _client(self, direct: str, hops: Iterable[str]) -> str | None:
        """The first address, from the nearest on, that is no trusted proxy's; None: nonsense."""
        address = direct
        for each in hops:
            told = _node(each)
            if told is None:
                return None
            address = told
            if not self._trusts(address):
                break
        return address

    def _trusted(self, address: str) -> bool:
        ip = _parsed(address)
        return ip is not None and any(ip in network for network in self._networks)


def _nobody_between(address: str, headers: Mapping[bytes, bytes], version: str) -> bool:
    """Whether a client that tells of no proxy is on this machine indeed."""
    if version != "1.1" or not is_loopback(address) or not names_this_machine(host(headers)):
        return False
    if headers.get(b"sec-fetch-site", b"") not in NEAR:
        return False
    origin = headers.get(b"origin", b"").decode("latin-1").lower()
    return not origin or names_this_machine(origin.partition("://")[2])


def _network(text: str) -> IPv4Network | IPv6Network:
    network = ip_network(text, strict=False)
    mapped = isinstance(network, IPv6Network) and network.network_address.ipv4_mapped
    if mapped and network.prefixlen >= 96:
        return ip_network((int(mapped), network.prefixlen - 96))
    return network


@lru_cache(4096)
def _parsed(address: str) -> _Address | None:
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(ip, IPv6Address) and ip.ipv4_mapped) or ip


@lru_cache(4096)
def _written(address: str) -> str:
    """An address in the one way that we write it; what is none as it is."""
    ip = _parsed(address)
    return address if ip is None else str(ip)


def _split(value: bytes) -> list[str]:
    return [each.strip() for each in value.decode("latin-1").split(",")]


def _node(text: str) -> str | None:
    """The address in an element of the headers; None for "unknown", a name and the like."""
    found = _NODE.fullmatch(text) if len(text) <= LONGEST else None
    ip = found and _parsed(found[1] or found[2] or found[3])
    return str(ip) if ip else None


def _pairs(element: str) -> dict[str, str]:
    """What an element of `Forwarded` says; nothing where it is none, or says something twice."""
    if not _PAIRS.fullmatch(element):
        return {}
    told = [(name.lower(), quoted or token) for name, quoted, token in _ONE.findall(element)]
    said = dict(told)
    return said if len(said) == len(told) else {}
