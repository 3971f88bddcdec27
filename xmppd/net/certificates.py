"""What a TLS connection proves: channel bindings, and the identities in a client's certificate.

RFC 9266 and RFC 5929 for the bindings, RFC 6120 §13.7 and XEP-0178 for the identities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL
from OpenSSL.crypto import X509

EXPORTER_LABEL = b"EXPORTER-Channel-Binding"
"""The label of tls-exporter (RFC 9266 §2)."""
EXPORTER_LENGTH = 32
"""Octets of tls-exporter (RFC 9266 §2)."""

XMPP_ADDR = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")
"""id-on-xmppAddr (RFC 6120 §13.7.1.4)."""
SRV_NAME = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")
"""id-on-dnsSRV (RFC 4985 §2)."""

UTF8_STRING = 0x0C
IA5_STRING = 0x16
STRING_TAGS = {XMPP_ADDR: UTF8_STRING, SRV_NAME: IA5_STRING}
"""The DER tag that each kind of otherName must have."""


PIECE = 4096
"""The most octets that go into one TLS record, or are given to OpenSSL at once: its memory
buffers never shrink again."""


class IdentityKind(Enum):
    """The kinds of name that SASL EXTERNAL looks at (XEP-0178 §2)."""

    XMPP_ADDR = "xmppAddr"
    SRV_NAME = "SRVName"
    EMAIL = "rfc822Name"


class Identity(NamedTuple):
    """A name that a certificate's subjectAltName asserts, as written there."""

    kind: IdentityKind
    value: str


_END_POINTS: WeakKeyDictionary[SSL.Context, bytes] = WeakKeyDictionary()
"""The tls-server-end-point of each context's certificate, once somebody has asked."""


class Connection(SSL.Connection):
    """An end of a TLS connection: it encrypts piece by piece."""

    speaks_first = False
    """Whether it is the client's end, which begins the handshake."""

    def send(self, buf: bytes | bytearray | memoryview[int], flags: int = 0) -> int:
        """Encrypt at most `PIECE` octets of `buf`; how many it was. Twisted sends the rest.

        The memory between OpenSSL and the transport never shrinks: after one long stanza sent
        whole, a connection would hold 20 KiB more to its end.
        """
        return super().send(buf[:PIECE], flags)


class ServerConnection(Connection):
    """The server's end of a TLS connection, which knows whether it may trust the client's names.

    A client certificate is asked for, never required, so a chain that fails verification does
    not end the handshake; it is noted here. Nothing is trusted unless verification has said so.
    """

    chain_accepted = False
    """Whether the verification of a client certificate has come to its end."""
    chain_problem = 0
    """The first error of the verification (X509_V_ERR_… of OpenSSL), or 0."""

    @property
    def verified(self) -> bool:
        """Whether the client presented a certificate that chains to `[tls] client_ca`."""
        return self.chain_accepted and not self.chain_problem


def note_verification(
    connection: SSL.Connection, certificate: X509, error: int, depth: int, ok: int
) -> bool:
    """The verify callback: lets every handshake go on, and notes what OpenSSL thinks of it."""
    if isinstance(connection, ServerConnection):
        if not ok:
            connection.chain_problem = connection.chain_problem or error
        elif depth == 0:
            connection.chain_accepted = True
    return True


class ChannelBindings(Mapping[str, bytes]):
    """Channel bindings by their RFC 5056 name, each made when it is looked at.

    Every login asks which there are; few ask for their data.
    """

    __slots__ = ("_make",)

    def __init__(self, make: dict[str, Callable[[], bytes]]) -> None:
        self._make = make

    def __getitem__(self, name: str) -> bytes:
        return self._make[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._make)

    def __len__(self) -> int:
        return len(self._make)


def channel_bindings(connection: SSL.Connection) -> ChannelBindings:
    """The channel bindings that this established server connection has, by their RFC 5056 name.

    `tls-exporter` only with TLS 1.3: RFC 9266 §3 allows it with TLS 1.2 where the extended
    master secret is in use, which pyOpenSSL can't tell. `tls-server-end-point` unless the
    certificate's signature names no single hash (Ed25519), where RFC 5929 §4.1 defines none.
    """
    make: dict[str, Callable[[], bytes]] = {}
    if connection.get_protocol_version() == SSL.TLS1_3_VERSION:
        make["tls-exporter"] = partial(
            connection.export_keying_material, EXPORTER_LABEL, EXPORTER_LENGTH, b""
        )
    if end_point := _end_point_of(connection):
        make["tls-server-end-point"] = lambda: end_point
    return ChannelBindings(make)


def _end_point_of(connection: SSL.Connection) -> bytes:
    """The end point of the connection's certificate, which is its context's."""
    context = connection.get_context()
    known = _END_POINTS.get(context)
    if known is None:
        certificate = connection.get_certificate(as_cryptography=True)
        known = b"" if certificate is None else end_point(certificate)
        _END_POINTS[context] = known
    return known


def end_point(certificate: x509.Certificate) -> bytes:
    """The tls-server-end-point of a server certificate (RFC 5929 §4.1); empty if it has none."""
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:
        return b""
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return certificate.fingerprint(algorithm)


def client_identities(connection: SSL.Connection) -> tuple[Identity, ...]:
    """The names in the client's certificate if its chain was verified; otherwise none."""
    if not isinstance(connection, ServerConnection) or not connection.verified:
        return ()
    certificate = connection.get_peer_certificate(as_cryptography=True)
    return identities(certificate) if certificate is not None else ()


def identities(certificate: x509.Certificate) -> tuple[Identity, ...]:
    """The names that a certificate asserts; what is malformed or holds a NUL is left out."""
    names = alternative_names(certificate)
    found = [
        *(Identity(IdentityKind.XMPP_ADDR, value) for value in other_names(names, XMPP_ADDR)),
        *(Identity(IdentityKind.SRV_NAME, value) for value in other_names(names, SRV_NAME)),
        *(Identity(IdentityKind.EMAIL, name.value) for name in names if _is_email(name)),
    ]
    return tuple(one for one in found if one.value and "\0" not in one.value)


def _is_email(name: x509.GeneralName) -> bool:
    return isinstance(name, x509.RFC822Name)


def alternative_names(certificate: x509.Certificate) -> tuple[x509.GeneralName, ...]:
    """The subjectAltName entries of a certificate; none if it has no such extension.

    Nor has one whose extensions don't parse: a certificate must not be half understood.
    """
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ()
    except ValueError:
        return ()
    return tuple(extension.value)


def other_names(
    names: tuple[x509.GeneralName, ...], kind: x509.ObjectIdentifier
) -> tuple[str, ...]:
    """The values of the otherNames of this kind, XMPP_ADDR or SRV_NAME."""
    values = []
    for name in names:
        if isinstance(name, x509.OtherName) and name.type_id == kind:
            text = _string(name.value, STRING_TAGS[kind])
            if text is not None:
                values.append(text)
    return tuple(values)


def _string(der: bytes, tag: int) -> str | None:
    """Read a DER string that has this tag and fills `der` to the end (X.690 §8.1, §10.1)."""
    if len(der) < 2 or der[0] != tag:
        return None
    if der[1] < 0x80:
        content, length = der[2:], der[1]
    else:
        width = der[1] & 0x7F
        content, length = der[2 + width :], int.from_bytes(der[2 : 2 + width], "big")
        shortest = (length.bit_length() + 7) // 8
        if length < 0x80 or width != shortest:
            return None
    if len(content) != length:
        return None
    try:
        return content.decode("utf-8" if tag == UTF8_STRING else "ascii")
    except UnicodeDecodeError:
        return None


def der_string(text: str, kind: x509.ObjectIdentifier) -> bytes:
    """Write an otherName's value: the DER string of its kind, of fewer than 64 KiB."""
    content = text.encode("utf-8")
    size = len(content)
    length = bytes([size]) if size < 0x80 else size.to_bytes((size.bit_length() + 7) // 8, "big")
    prefix = bytes([0x80 | len(length)]) if size >= 0x80 else b""
    return bytes([STRING_TAGS[kind]]) + prefix + length + content
