"""The TLS contexts of each kind of stream: what is alike in them, and what is not.

TLS 1.2 and up, no renegotiation, no compression. A context here has no certificate yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from OpenSSL import SSL

from xmppd import config
from xmppd.errors import ConfigError
from xmppd.net.certificates import note_verification

Kind: TypeAlias = Callable[[config.TLS, str], SSL.Context]
"""A kind of stream: makes a context for it. The text is the configuration's name, for errors."""

CLIENT_ALPN = b"xmpp-client"
"""The protocol of client streams (XEP-0368 §3)."""
SERVER_ALPN = b"xmpp-server"
"""The protocol of streams between servers (XEP-0368 §3)."""

MINIMUM = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}

OPTIONS = (
    SSL.OP_NO_COMPRESSION  # CRIME
    | SSL.OP_NO_RENEGOTIATION  # CVE-2021-32920, and tls-exporter (RFC 9266 §4.1)
    | SSL.OP_CIPHER_SERVER_PREFERENCE
)


NOT_FAR = 0
"""How far OpenSSL follows another server's chain in the handshake, where it trusts nobody: a
stranger's ninety certificates would cost 7 ms."""


class NoSharedProtocol(SSL.Error):
    """The peer offered protocols by ALPN, ours not among them (RFC 7301 §3.2).

    An `SSL.Error`, so that Twisted ends the handshake as it does for any other, alert included.
    """

    def __init__(self) -> None:
        super().__init__([("SSL routines", "", "no application protocol")])


def selecting(protocol: bytes) -> Callable[[SSL.Connection, list[bytes]], bytes]:
    """An ALPN callback. It is not called for a peer that offers nothing, which is welcome.

    One that offers only others gets the alert no_application_protocol: this port can't be made
    to stand in for a web server's (ALPACA).
    """

    def select(connection: SSL.Connection, offered: list[bytes]) -> bytes:
        if protocol in offered:
            return protocol
        raise NoSharedProtocol

    return select


def clients(tls: config.TLS, source: str) -> SSL.Context:
    """Of streams that clients open. They are asked for a certificate if `[tls] client_ca` is set.

    They go on without one; EXTERNAL needs one that verifies.
    """
    context = _bare(SSL.TLS_SERVER_METHOD, tls, source)
    context.set_alpn_select_callback(selecting(CLIENT_ALPN))
    if tls.client_ca:
        try:
            context.load_verify_locations(tls.client_ca)
            context.load_client_ca(tls.client_ca.encode())
        except SSL.Error:
            raise ConfigError(
                source,
                "tls.client_ca",
                f"no certificates of authorities in {tls.client_ca}",
                "Put them there in PEM form",
            ) from None
        _ask_for_certificate(context, note_verification)
    return context


def incoming(tls: config.TLS, source: str) -> SSL.Context:
    """Of streams that other servers open. All are asked for a certificate, and may have none.

    No list of authorities is sent: it would be as long as that of all those in the world, and an
    empty one asks for any certificate (RFC 5246 §7.4.4).
    """
    context = _bare(SSL.TLS_SERVER_METHOD, tls, source)
    context.set_alpn_select_callback(selecting(SERVER_ALPN))
    _ask_for_certificate(context, _whatever)
    context.set_verify_depth(NOT_FAR)
    return context


def outgoing(tls: config.TLS, source: str) -> SSL.Context:
    """Of streams that are opened with other servers, whatever their certificates are like."""
    context = _bare(SSL.TLS_CLIENT_METHOD, tls, source)
    context.set_verify(SSL.VERIFY_PEER, _whatever)
    context.set_verify_depth(NOT_FAR)
    return context


def _bare(method: int, tls: config.TLS, source: str) -> SSL.Context:
    context = SSL.Context(method)
    context.set_min_proto_version(MINIMUM[tls.minimum])
    context.set_options(OPTIONS)
    # Gives an idle connection's read and write buffers back: 34 KiB each.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    # Sessions live in the tickets that clients keep, none in this process's memory.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    try:
        context.set_cipher_list(tls.ciphers.encode())
    except SSL.Error:
        raise ConfigError(
            source, "tls.ciphers", f'"{tls.ciphers}" selects none', "See openssl-ciphers(1)"
        ) from None
    return context


def _ask_for_certificate(context: SSL.Context, verified: Callable[..., bool]) -> None:
    """Ask for a certificate and go on without one."""
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_CLIENT_ONCE, verified)
    # A resumed session brings the certificate back without its verification.
    context.set_options(SSL.OP_NO_TICKET)


def _whatever(*verification: object) -> bool:
    """The verify callback of streams with servers: `peers.py` looks at the certificate later."""
    return True
