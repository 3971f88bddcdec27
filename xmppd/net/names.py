"""Which domains a server's certificate names (RFC 6120 §13.7.2.1, RFC 6125, RFC 9525)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from cryptography import x509
from service_identity.exceptions import CertificateError
from service_identity.hazmat import (
    DNS_ID,
    SRV_ID,
    CertificatePattern,
    DNSPattern,
    IPAddress_ID,
    IPAddressPattern,
    ServiceID,
    SRVPattern,
)

from xmppd.domainpart import JIDError, domain_to_ascii, prepare_domain
from xmppd.net.certificates import SRV_NAME, XMPP_ADDR, alternative_names, other_names

SERVICE = "_xmpp-server"
"""The service of an SRV-ID (RFC 6120 §13.7.1.2.1)."""


class Names:
    """The names in a certificate that count for a server, read once.

    DNS-ID, where "*" may stand for the whole left-most label and nothing else; SRV-ID, without
    wildcards; xmppAddr; IP addresses. A commonName is no name (RFC 9525 §2). What is no valid name
    of its kind does not count, and with a NUL in any of them none does: such a certificate is
    made to deceive. Of a `constrained` authority only names of the DNS are believed, which its
    constraints speak of.
    """

    __slots__ = ("_addresses", "_patterns")

    def __init__(self, certificate: x509.Certificate, *, constrained: bool = False) -> None:
        names = alternative_names(certificate)
        if any("\0" in text for text in _texts(names)):
            names = ()
        if constrained:
            names = tuple(name for name in names if isinstance(name, x509.DNSName))
        self._patterns = tuple(_patterns(names))
        self._addresses = frozenset(_prepared(other_names(names, XMPP_ADDR)))

    def include(self, domain: str) -> bool:
        """Whether the certificate names a domain, which is in its prepared form."""
        if domain in self._addresses:
            return True
        return any(one.verify(pattern) for one in _wanted(domain) for pattern in self._patterns)


def ip_literal(domain: str) -> str:
    """The IP address that a domain is, without brackets; "" for a name."""
    address = domain[1:-1] if domain[:1] == "[" else domain
    try:
        return str(ip_address(address))
    except ValueError:
        return ""


def _wanted(domain: str) -> tuple[ServiceID, ...]:
    """What a certificate may have to show for a domain."""
    if address := ip_literal(domain):
        return (IPAddress_ID(address),)
    try:
        name = domain_to_ascii(domain)
        return DNS_ID(name), SRV_ID(f"{SERVICE}.{name}")
    except (JIDError, ValueError):
        return ()


def _patterns(names: tuple[x509.GeneralName, ...]) -> Iterator[CertificatePattern]:
    """What stands in the certificate, but for what is no name."""
    for name in names:
        try:
            if isinstance(name, x509.DNSName) and _is_plain(name.value):
                yield DNSPattern.from_bytes(name.value.encode("ascii"))
            elif isinstance(name, x509.IPAddress):
                yield IPAddressPattern(ip_address(str(name.value)))
        except (CertificateError, ValueError):
            continue  # "*", "*.org", "a.*.org"; a network, as constraints have it
    for value in other_names(names, SRV_NAME):
        try:
            if _is_plain(value):
                yield SRVPattern.from_bytes(value.encode("ascii"))
        except CertificateError:
            continue  # a wildcard, or no service


def _is_plain(value: str) -> bool:
    """Whether a name is one of letters that are seen; service_identity would take spaces off."""
    return value.isascii() and value.isprintable() and value != "" and " " not in value


def _prepared(addresses: Sequence[str]) -> Iterator[str]:
    for address in addresses:
        try:
            yield prepare_domain(address)
        except JIDError:
            continue  # an account, or nothing at all


def _texts(names: tuple[x509.GeneralName, ...]) -> Iterator[str]:
    """All that is text in the names, whatever they are of."""
    yield from (name.value for name in names if isinstance(name.value, str))
    yield from other_names(names, XMPP_ADDR)
    yield from other_names(names, SRV_NAME)
