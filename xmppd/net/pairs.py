"""Certificates and keys on disk: where ACME clients leave them, and whether a pair will do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from xmppd.domainpart import domain_to_ascii
from xmppd.net.certificates import SRV_NAME, XMPP_ADDR, alternative_names, other_names

PrivateKey = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)
"""The kinds of key that TLS certificates have."""

LAYOUTS = (
    ("live/{0}/fullchain.pem", "live/{0}/privkey.pem"),  # certbot, its own directory
    ("{0}/fullchain.pem", "{0}/privkey.pem"),  # certbot, its live directory
    ("{0}_ecc/fullchain.cer", "{0}_ecc/{0}.key"),  # acme.sh with an EC key
    ("{0}/fullchain.cer", "{0}/{0}.key"),  # acme.sh with an RSA key
    ("{0}/{0}.crt", "{0}/{0}.key"),  # Caddy
    ("{0}.crt", "{0}.key"),  # lego
    ("{0}.pem", "{0}.key"),
)
"""Chain and key of a domain below the certificate directory; the first that is there counts."""


class Pair(NamedTuple):
    """A certificate, what links it to its authority, and its key."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKey


ABSENT = "no certificate for it"
"""The problem of a domain for which nothing is there."""


class Problem(NamedTuple):
    """Why a domain does not have the certificate it should; `str()` is one line for the log."""

    domain: str
    file: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"certificate of {self.domain}: {self.file}: {self.problem}. {self.remedy}"


class Unusable(Exception):
    """This file can't be used: `problem`, `remedy`."""

    def __init__(self, file: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = file
        self.problem = problem
        self.remedy = remedy


def find(directory: Path, domain: str, now: datetime) -> tuple[Pair | None, Problem | None]:
    """Look for the domain's pair, then for a parent's certificate that covers it.

    A pair outside its dates is returned along with the problem: to a client an expired
    certificate says more than a self-signed one. `now` has a time zone.
    """
    ascii_name = domain_to_ascii(domain)
    problem: Problem | None = None
    for certificate_file, key_file in islice(_candidates(directory, ascii_name), 1):
        try:
            pair = read(certificate_file, key_file, domain)
        except Unusable as error:
            problem = Problem(domain, str(error.file), error.problem, error.remedy)
        else:
            return pair, _dates(pair, domain, certificate_file, now)
    for parent in _parents(ascii_name):
        for certificate_file, key_file in _candidates(directory, parent):
            try:
                pair = read(certificate_file, key_file, domain)
            except Unusable:
                continue  # It is another domain's, and its problem is told there.
            return pair, problem or _dates(pair, domain, certificate_file, now)
    remedy = f"Put one there, for example as {ascii_name}.crt and {ascii_name}.key"
    return None, problem or Problem(domain, str(directory), ABSENT, remedy)


def _candidates(directory: Path, name: str) -> Iterator[tuple[Path, Path]]:
    for chain, key in LAYOUTS:
        certificate_file, key_file = directory / chain.format(name), directory / key.format(name)
        if not _absent(certificate_file):
            alone = certificate_file.suffix == ".pem" and chain == "{0}.pem" and _absent(key_file)
            yield certificate_file, certificate_file if alone else key_file


def _absent(file: Path) -> bool:
    """Whether the file is surely not there; one that can't be looked at may well be."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _parents(name: str) -> Iterator[str]:
    labels = name.split(".")
    for start in range(1, len(labels) - 1):
        parent = ".".join(labels[start:])
        yield from (f"_.{parent}", f"*.{parent}", parent)


def read(certificate_file: Path, key_file: Path, domain: str) -> Pair:
    """Read a pair and check that it belongs together and covers the domain. Raises `Unusable`."""
    try:
        leaf, *chain = x509.load_pem_x509_certificates(_read(certificate_file))
    except ValueError:
        raise Unusable(
            certificate_file, "no certificate in PEM form in it", "Put the full chain there"
        ) from None
    key = _read_key(key_file)
    if _public(key.public_key()) != _public(leaf.public_key()):
        raise Unusable(
            key_file, f"not the key of {certificate_file}", "Put the two files of one issue there"
        )
    if not covers(leaf, domain):
        raise Unusable(certificate_file, f"does not name {domain}", f"Have it issued for {domain}")
    return Pair(leaf, tuple(chain), key)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise Unusable(file, "No such file", "Put both files of one issue there") from None
    except OSError as error:
        raise Unusable(
            file,
            f"user {os.geteuid()} can't read it ({error.strerror})",
            "Give that user permission on the file and on the directories above it",
        ) from None


def _read_key(file: Path) -> PrivateKey:
    remedy = "Put a private key there in PEM form and without a passphrase"
    try:
        key = serialization.load_pem_private_key(_read(file), None)
    except TypeError:
        raise Unusable(file, "the key has a passphrase", remedy) from None
    except (ValueError, UnsupportedAlgorithm):
        raise Unusable(file, "no private key in PEM form in it", remedy) from None
    if not isinstance(key, PrivateKey):
        raise Unusable(file, "a key of a kind that TLS does not use", "Use an ECDSA or RSA key")
    return key


def _public(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _dates(pair: Pair, domain: str, file: Path, now: datetime) -> Problem | None:
    certificate = pair.certificate
    if now > certificate.not_valid_after_utc:
        problem = f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    elif now < certificate.not_valid_before_utc:
        problem = f"valid only from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    else:
        return None
    return Problem(domain, str(file), problem, "Renew it (or set this host's clock), then reload")


def covers(certificate: x509.Certificate, domain: str) -> bool:
    """Whether a client would find the domain in this certificate (RFC 6120 §13.7.1.2).

    By DNS-ID, with a wildcard as the whole left-most label, SRV-ID for clients, or xmppAddr.
    """
    ascii_name = domain_to_ascii(domain)
    wildcard = "*." + ascii_name.partition(".")[2]
    names = alternative_names(certificate)
    dns = {name.value.lower() for name in names if isinstance(name, x509.DNSName)}
    srv = {value.lower() for value in other_names(names, SRV_NAME)}
    return (
        ascii_name in dns
        or (wildcard in dns and "." in ascii_name)
        or f"_xmpp-client.{ascii_name}" in srv
        or domain in other_names(names, XMPP_ADDR)
    )
