"""Network addresses: which are this machine's own, and what others are counted by."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network

THIS_NETWORK = IPv4Network("0.0.0.0/8")
"""Addresses of whoever uses them (RFC 1122 §3.2.1.3): Linux takes 0.0.0.0 for its loopback."""


@lru_cache(4096)
def is_loopback(address: str) -> bool:
    """True for an address of this machine only, and for a UNIX socket ("")."""
    if not address:
        return True
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback


@lru_cache(4096)
def is_here(address: str) -> bool:
    """True for an address that means this host, its own link, or nobody in particular.

    Names that others publish may lead there; whoever connects is then used against the house.
    """
    ip = ip_address(address.partition("%")[0])
    ip = (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip
    return (
        ip.is_loopback
        or ip.is_link_local
        or ip.is_unspecified
        or ip.is_multicast
        or ip in THIS_NETWORK
    )


@lru_cache(4096)
def network_of(address: str) -> str:
    """What peers are counted by: an IPv4 address itself, or the /64 of an IPv6 one.

    An IPv4 address mapped into IPv6 is the IPv4 address; any other text stands for itself.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((int(ip), 64), strict=False))
