"""Network addresses: which are this machine's own, and what others are counted by."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network


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
