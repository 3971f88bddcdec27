"""A small certificate authority: whatever certificate a test needs, good or bad."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from xmppd.net.certificates import SRV_NAME, XMPP_ADDR, der_string
from xmppd.net.pairs import Pair, PrivateKey

NOW = datetime.now(UTC).replace(microsecond=0)
"""OpenSSL looks at the true time, so certificates are made around it."""

DAY = timedelta(days=1)


def dns(*names: str) -> list[x509.GeneralName]:
    return [x509.DNSName(name) for name in names]


def xmpp_addr(jid: str) -> x509.OtherName:
    return x509.OtherName(XMPP_ADDR, der_string(jid, XMPP_ADDR))


def srv_name(name: str) -> x509.OtherName:
    return x509.OtherName(SRV_NAME, der_string(name, SRV_NAME))


def email(address: str) -> x509.RFC822Name:
    return x509.RFC822Name(address)


Extensions = Iterable[x509.ExtensionType]


def purposes(*usages: x509.ObjectIdentifier) -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage(usages)


def key_usage(*on: str) -> x509.KeyUsage:
    """What a key is for: "digital_signature", "key_cert_sign" and so on, and nothing else."""
    bits = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{bit: bit in on for bit in bits.split()})


def permitted(*names: x509.GeneralName) -> x509.NameConstraints:
    return x509.NameConstraints(list(names), None)


AUTHORITY = (x509.BasicConstraints(ca=True, path_length=None),)
"""The extensions of an ordinary authority."""


class Authority:
    """Issues certificates; `intermediate` makes one whose own certificate must be sent along."""

    def __init__(
        self,
        name: str = "Friar Laurence",
        issuer: "Authority | None" = None,
        *,
        extensions: Extensions = AUTHORITY,
        end: datetime = NOW + 365 * DAY,
        key: PrivateKey | None = None,
    ) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = self._certificate(issuer or self, extensions, end)
        self.chain = (own, *(issuer.chain if issuer else ()))

    def _certificate(
        self, issuer: "Authority", extensions: Extensions, end: datetime
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder(
                issuer.name, self.name, self.key.public_key(), x509.random_serial_number()
            )
            .not_valid_before(NOW - 365 * DAY)
            .not_valid_after(end)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(issuer.key, hashes.SHA256())

    def intermediate(
        self, name: str = "Friar John", *, more: Extensions = (), **options: Any
    ) -> "Authority":
        return Authority(name, self, extensions=(*AUTHORITY, *more), **options)

    def issue(
        self,
        names: Iterable[x509.GeneralName],
        *,
        key: PrivateKey | None = None,
        start: datetime = NOW - DAY,
        end: datetime = NOW + 90 * DAY,
        algorithm: hashes.HashAlgorithm | None = None,
        more: Extensions = (),
        common_name: str = "",
    ) -> Pair:
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
        builder = (
            x509.CertificateBuilder(
                self.name, x509.Name(subject), key.public_key(), x509.random_serial_number()
            )
            .not_valid_before(start)
            .not_valid_after(end)
        )
        if names := list(names):
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
        for extension in more:
            builder = builder.add_extension(extension, critical=False)
        return Pair(builder.sign(self.key, algorithm or hashes.SHA256()), self.chain, key)

    def write(self, path: Path) -> Path:
        """Write the authority's own certificate, what `[tls] client_ca` names."""
        path.write_bytes(pem(self.chain[:1]))
        return path


def pem(certificates: Iterable[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def chain_pem(pair: Pair) -> bytes:
    return pem((pair.certificate, *pair.chain))


def key_pem(pair: Pair, passphrase: bytes = b"") -> bytes:
    return pair.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption(),
    )


def write_pair(pair: Pair, certificate: Path, key: Path) -> None:
    certificate.parent.mkdir(parents=True, exist_ok=True)
    key.parent.mkdir(parents=True, exist_ok=True)
    certificate.write_bytes(chain_pem(pair))
    key.write_bytes(key_pem(pair))
