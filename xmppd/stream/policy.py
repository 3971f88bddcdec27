"""What a stream is told from outside: what the server grants it, and what TLS says of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from xmppd.stream.features import Feature
from xmppd.stream.states import Fact
from xmppd.wire.limits import Limits
from xmppd.wire.parsers import Parsers


class Policy(NamedTuple):
    """What the server grants to client streams of one listener; shared by all of them."""

    domains: Collection[str]
    """The domains served as it stands now; the first is the default."""
    features: tuple[Feature, ...]
    mechanisms: Collection[str]
    """Names of the SASL mechanisms switched on."""
    anonymous: Collection[str] = ()
    """Domains where ANONYMOUS is offered, and nothing else."""
    before: Limits = Limits(stanza=16_384)
    """Limits until the client has authenticated."""
    after: Limits = Limits()
    max_attempts: int = 3
    """Failed authentications until the stream is closed."""
    switches: Fact = Fact(0)
    """Which of COMPRESSION, REGISTRATION and LEGACY_AUTH are on."""
    tls_required: bool = True
    plaintext_allowed: bool = False
    """PLAIN may run without TLS."""
    email_certificates: bool = False
    """An e-mail address in a client certificate may stand for an account (XEP-0178 §2)."""
    open_requests: Collection[str] = ()
    """Payloads of the IQs that a client may send before it has logged in."""
    most_requests: int = 50
    """Requests, for whatever but SASL, that a stream may make before a resource is bound."""
    parsers: Parsers | None = None
    """What streams read with together; None for each with its own."""


class TLSFacts(NamedTuple):
    """What TLS says of a connection."""

    channel_bindings: Mapping[str, bytes]
    certificate: tuple[tuple[str, str], ...]
    """Identities of the verified client certificate (see `sasl.Context`)."""
    version: str = "TLS"
    """The protocol's version, for the log."""


NO_TLS = TLSFacts({}, ())
"""What is known of a connection without TLS, or with TLS that is somebody else's."""
