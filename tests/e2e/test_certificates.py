"""Certificates: one for each domain, and new ones without a restart."""

import signal
import ssl
import time

from tests.e2e.verona import MANTUA, VERONA, Server
from tests.support.clients import Client
from tests.support.peers import PATIENCE, Peer
from tests.support.server import PASSWORD


def shown(verona: Server, domain: str, *, direct: bool = False) -> bytes:
    """The certificate that a new client is shown, once it has been verified for `domain`."""
    with Peer(verona.c2s_tls if direct else verona.c2s, domain) as stranger:
        if direct:
            stranger.wrap(verona.authority)
        else:
            stranger.open()
            stranger.start_tls(verona.authority)
        stranger.open()
        assert isinstance(stranger.transport, ssl.SSLSocket)
        return stranger.transport.getpeercert(binary_form=True) or b""


def test_each_domain_has_its_certificate(verona: Server) -> None:
    """By the stream's `to` with STARTTLS, by SNI with direct TLS (XEP-0368 §3)."""
    for direct in (False, True):
        assert shown(verona, VERONA, direct=direct) != shown(verona, MANTUA, direct=direct)


async def test_hangup_brings_the_new_certificate_and_drops_nobody(verona: Server) -> None:
    """SIGHUP."""
    async with (
        Client(f"juliet@{VERONA}/balcony", PASSWORD, verona) as juliet,
        Client(f"romeo@{VERONA}/orchard", PASSWORD, verona, tls="direct") as romeo,
    ):
        before = shown(verona, VERONA)
        unchanged = shown(verona, MANTUA)
        verona.certify(VERONA)
        verona.process.signal(signal.SIGHUP)
        until = time.monotonic() + PATIENCE
        while shown(verona, VERONA) == before:
            assert time.monotonic() < until, "the certificate is still the old one"
        assert shown(verona, VERONA, direct=True) != before
        assert shown(verona, MANTUA) == unchanged
        juliet.say(f"romeo@{VERONA}/orchard", "still here")
        await romeo.hears("still here")
        romeo.say(f"juliet@{VERONA}/balcony", "so am I")
        await juliet.hears("so am I")
