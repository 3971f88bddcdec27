"""A self-signed certificate for a domain that has no other, made once and kept."""

from __future__ import annotations

import ipaddress
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from xmppd.domainpart import domain_to_ascii
from xmppd.net.certificates import SRV_NAME, XMPP_ADDR, der_string
from xmppd.net.pairs import Pair, Unusable, read

LIFETIME = timedelta(days=3650)
RENEWAL = timedelta(days=30)
"""A certificate with less time left than this is replaced."""
COMMON_NAME_MAX = 64
"""Characters in a commonName (RFC 5280 appendix A.1, ub-common-name)."""


def self_signed(domain: str, directory: Path, now: datetime) -> Pair:
    """The domain's self-signed pair from DOMAIN.crt and DOMAIN.key, made if need be.

    Raises OSError when the directory or the files can't be written.
    """
    ascii_name = domain_to_ascii(domain)
    certificate_file = directory / f"{ascii_name}.crt"
    key_file = directory / f"{ascii_name}.key"
    try:
        pair = read(certificate_file, key_file, domain)
    except Unusable:
        pass
    else:
        if now + RENEWAL < pair.certificate.not_valid_after_utc:
            return pair
    pair = make(domain, now)
    for level in (directory.parent, directory):  # mkdir's mode is the last level's only
        level.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(key_file, _key_pem(pair), 0o600)
    _write(certificate_file, pair.certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return pair


def make(domain: str, now: datetime) -> Pair:
    """Make an ECDSA P-256 key and a certificate for it that names the domain in every way."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, domain[:COMMON_NAME_MAX])]
    name = x509.Name(subject)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        # A client whose clock is a little behind must not see a certificate of the future.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(_names(domain)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, (), key)


def _names(domain: str) -> list[x509.GeneralName]:
    ascii_name = domain_to_ascii(domain)
    services = (f"_xmpp-client.{ascii_name}", f"_xmpp-server.{ascii_name}")
    addresses = ["127.0.0.1", "::1"] if domain == "localhost" else []
    return [
        x509.DNSName(ascii_name),
        x509.OtherName(XMPP_ADDR, der_string(domain, XMPP_ADDR)),
        *(x509.OtherName(SRV_NAME, der_string(service, SRV_NAME)) for service in services),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
    ]


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(pair: Pair) -> bytes:
    return pair.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(file: Path, content: bytes, mode: int) -> None:
    """Write a file so that it is there whole or not at all, and never open to others."""
    temporary = file.with_name(f"{file.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
