"""Attacks on a stream before it is bound."""

from __future__ import annotations

import pytest

from tests.support.frames import HEADER
from tests.support.streams import COMPRESS, DOMAIN, POLICY, STARTTLS, Client, auth, names
from xmppd import ns
from xmppd.errors import StreamError
from xmppd.stream.events import Closed
from xmppd.stream.policy import TLSFacts

OPEN = POLICY._replace(open_requests=("urn:rose q",), most_requests=10)
REQUEST = b"<iq type='get' id='r1'><q xmlns='urn:rose'/></iq>"


def reason(client: Client) -> str:
    closed = client.events[-1]
    assert isinstance(closed, Closed)
    assert isinstance(closed.error, StreamError)
    return closed.error.reason


@pytest.mark.parametrize("request_", [REQUEST, COMPRESS])
def test_who_has_not_logged_in_is_not_answered_for_ever(request_: bytes) -> None:
    """A stranger who reads nothing had 1 MiB of answers held for him, on each connection."""
    client = Client(OPEN, secure=True).opened()
    client.new()
    assert len(client.send(request_ * 10)) >= 10
    assert client.events[-1].__class__ is not Closed
    client.send(request_)
    assert reason(client) == "limit.requests"


@pytest.mark.parametrize("version", ["", " version='0.9'"])
def test_what_was_offered_without_tls_counts_for_nothing_behind_it(version: str) -> None:
    """RFC 5802 §6: `y` says that no -PLUS was offered, and is a lie where one would have been.

    One in the middle who opens the stream behind TLS as a client from before 1.0 gets no
    features, so nothing may be left of those from before TLS.
    """
    policy = POLICY._replace(
        tls_required=False, mechanisms=("SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "PLAIN")
    )
    client = Client(policy).opened()
    client.send(STARTTLS)
    client.stream.secured(lambda: TLSFacts({"tls-exporter": b"\x07" * 32}, ()))
    client.send(
        f"<stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'"
        f" to='{DOMAIN}'{version}>".encode()
    )
    client.new()
    said = names(client.send(auth("SCRAM-SHA-1", b"y,,n=romeo,r=rose")))
    assert said == ["failure invalid-mechanism"], HEADER
