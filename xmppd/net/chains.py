"""What a chain must be like beyond what OpenSSL has verified: strong, and made for TLS.

OpenSSL holds who connects to be a TLS client, whose certificate must say so in its extended key
usage. Between servers that rule serves nobody: public authorities issue certificates for servers
only, and with them a server connects as well as it is connected to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

Extension = TypeVar("Extension", bound=x509.ExtensionType)

TLS_PURPOSES = frozenset({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH})
"""What a chain may be for, one of them from its end to its beginning."""

SERVERS = frozenset({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})
"""What a server's own certificate is to say."""

RSA_BITS = 2048
EC_BITS = 224
"""Keys that are as good as 112 bits (NIST SP 800-57 part 1, table 2)."""

UNREADABLE = "it can't be read"
UNPARSED = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography says of a certificate that OpenSSL may have read all the same."""

FORGEABLE = (hashes.MD5, hashes.SHA1)
"""Hashes with which a certificate can be made that has another's signature."""


def chain_problem(chain: Sequence[x509.Certificate]) -> str:
    """Why this verified chain proves nothing, in words; "" where it does.

    The last certificate is the authority that is trusted: nobody vouches for it, and it is the
    operator who says what for. The first one is always looked at.
    """
    links = chain[:-1] or chain
    try:
        if not _for_tls(links):
            return "unsuitable certificate purpose"
        if not all(map(_strong, [certificate.public_key() for certificate in chain])):
            return "a key in its chain is too weak"
        if any(isinstance(one.signature_hash_algorithm, FORGEABLE) for one in chain[:-1]):
            return "a signature in its chain can be forged (MD5 or SHA-1)"
    except UNPARSED:
        return UNREADABLE
    return ""


def is_constrained(chain: Sequence[x509.Certificate]) -> bool:
    """Whether one of the authorities may issue certificates for certain names only.

    OpenSSL holds it to that for names of the DNS. Those of XMPP and of services are other kinds of
    names, which RFC 5280 §4.2.1.10 leaves free where the constraints don't speak of them; whoever
    wrote the constraints did not think of them.
    """
    try:
        return any(_extension(one, x509.NameConstraints) is not None for one in chain[1:])
    except UNPARSED:
        return True


def is_for_servers(certificate: x509.Certificate) -> bool:
    """Whether clients, and servers that connect to this one, will take it for a server's."""
    extended = _extension(certificate, x509.ExtendedKeyUsage)
    return extended is None or bool(SERVERS.intersection(extended))


def _for_tls(links: Sequence[x509.Certificate]) -> bool:
    """Whether the certificates are all for TLS servers, or all for TLS clients.

    One without the extension is for all purposes (RFC 5280 §4.2.1.12), also where it says "any";
    in a chain each narrows it. The first signs handshakes (RFC 5246 §7.4.2, RFC 8446 §4.4.2.2).
    """
    usage = _extension(links[0], x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        return False
    purposes = TLS_PURPOSES
    for certificate in links:
        extended = _extension(certificate, x509.ExtendedKeyUsage)
        if extended is not None and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in extended:
            purposes = purposes.intersection(extended)
    return bool(purposes)


def _strong(key: object) -> bool:
    match key:
        case rsa.RSAPublicKey():
            return key.key_size >= RSA_BITS
        case ec.EllipticCurvePublicKey():
            return key.curve.key_size >= EC_BITS
        case _:
            return isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey)


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
