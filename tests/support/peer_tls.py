"""TLS with another server in memory, in both roles; what the other one shows is the test's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL import SSL

from tests.support.certificates import Authority
from tests.support.memory_tls import client, handshake
from xmppd.config import S2S, TLS
from xmppd.net.pairs import Pair
from xmppd.net.peers import Incoming, Outgoing, PeerConnection, PeerFacts
from xmppd.net.tls import CertificateStore

ROLES = ("incoming", "outgoing")
"""Who has connected: the other server, or we."""

Configure = Callable[[SSL.Context], None]


def store_in(directory: Path, *authorities: Authority, **more: Any) -> CertificateStore:
    """A store that trusts these; `more` are its other arguments."""
    file = directory / "authorities.pem"
    file.write_bytes(b"".join(one.write(file).read_bytes() for one in authorities))
    options = {"tls": TLS(), "domains": ["verona.example"], "data": str(directory), **more}
    return CertificateStore(**options, s2s=S2S(ca=str(file)))


def showing(pair: Pair | None, *, whole: bool = False) -> Configure:
    """A context that shows a certificate with its chain; `whole`: with the authority's own."""

    def configure(context: SSL.Context) -> None:
        if pair is not None:
            context.use_certificate(pair.certificate)
            for link in pair.chain if whole else pair.chain[:-1]:
                context.add_extra_chain_cert(link)
            context.use_privatekey(pair.key)

    return configure


def other_server(configure: Configure, version: str = "1.3") -> SSL.Connection:
    """The end of a server that is connected to."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    wanted = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}[version]
    context.set_max_proto_version(wanted)
    configure(context)
    return SSL.Connection(context, None)


def connected_to(
    store: CertificateStore, configure: Configure, version: str = "1.3", **options: Any
) -> tuple[PeerConnection, SSL.Connection]:
    """The two ends where we have connected, from verona.example."""
    remote = options.pop("remote", "mantua.example")
    creator = Outgoing(store, options.pop("local", "verona.example"), remote, **options)
    ours, theirs = creator.clientConnectionForTLS(None), other_server(configure, version)
    ours.set_connect_state()
    handshake(theirs, ours)
    return ours, theirs


def connected_from(
    store: CertificateStore, configure: Configure, version: str = "1.3", **options: Any
) -> tuple[PeerConnection, SSL.Connection]:
    """The two ends where the other server has connected."""
    creator = Incoming(store, options.pop("domain", ""))
    ours = creator.serverConnectionForTLS(None)
    theirs = client(configure=configure, version=version, **options)
    handshake(ours, theirs)
    return ours, theirs


def facts(
    store: CertificateStore, pair: Pair | None, role: str, version: str = "1.3", **options: Any
) -> PeerFacts:
    """What is thought of a server that shows `pair`."""
    connect = connected_from if role == "incoming" else connected_to
    return PeerFacts(connect(store, showing(pair, **options), version)[0])
