"""What senders are told of what went wrong with another server, and it of us.

RFC 6120 §10.4.3 names the conditions for stanzas: remote-server-not-found where the domain can't be
resolved, remote-server-timeout where it can and no stream comes of it. XEP-0220 §2.1.1 and §2.5
name those of dialback.
"""

from __future__ import annotations

from xmppd.errors import StanzaError, StreamError
from xmppd.reasons import REASONS

NOT_FOUND = "remote-server-not-found"
TIMEOUT = "remote-server-timeout"

OF_STREAMS = {
    "host-unknown": "s2s.host-unknown",
    "host-gone": "s2s.host-unknown",
    "not-authorized": "s2s.denied",
}
"""The reason code where the peer has ended our stream with a stream error; else "s2s.ended"."""

PEERS_OWN = frozenset({"s2s.denied", "s2s.ended"})
"""What a peer has decided of the domain that we have come as: it may take another one of ours."""

OF_DIALBACK = {"invalid": "internal-server-error"}
"""What senders are told where the peer does not take our word for who we are, else `TIMEOUT`
(XEP-0220 §2.1.1)."""

TO_DIALBACK = {
    "s2s.unreachable": "remote-connection-failed",
    "s2s.dns-failed": "remote-connection-failed",
    "s2s.no-address": "remote-connection-failed",
    "s2s.no-route": "remote-connection-failed",
    "s2s.this-host": "remote-connection-failed",
    "s2s.no-such-domain": NOT_FOUND,
    "s2s.not-offered": NOT_FOUND,
    "s2s.host-unknown": NOT_FOUND,
    "s2s.attempts": "resource-constraint",
}
"""By reason code, what a peer is told whose domain could not be asked (XEP-0220 §2.5)."""


def ended(domain: str, condition: str, words: str = "") -> StanzaError:
    """The peer has ended our stream, with a stream error or ("") without a word.

    Its `words` are the operator's to read.
    """
    text = f"{domain} ended the stream" + (f": {condition}" if condition else "")
    return StanzaError(TIMEOUT, text, reason=OF_STREAMS.get(condition, "s2s.ended"), detail=words)


def closed(domain: str) -> StanzaError:
    """The peer has closed the connection, and no stream was there yet."""
    text = f"{domain} closed the connection before there was a stream"
    return StanzaError(TIMEOUT, text, reason="s2s.closed")


def without_tls(domain: str, why: str) -> StanzaError:
    """TLS could not begin, or the peer has broken it off."""
    return StanzaError(TIMEOUT, f"TLS with {domain} failed", reason="tls.handshake", detail=why)


def failed(domain: str, error: StreamError) -> StanzaError:
    """We have ended our stream: what is wrong with the peer."""
    meaning, _ = REASONS[error.reason]
    detail = error.text or error.detail
    return StanzaError(TIMEOUT, f"{domain}: {meaning}", reason=error.reason, detail=detail)


def too_slow(domain: str) -> StanzaError:
    """A domain was not reached in time."""
    return StanzaError(TIMEOUT, f"{domain} takes too long", reason="s2s.slow")


def denied(domain: str, condition: str) -> StanzaError:
    """The peer does not let us send."""
    text = f"{domain} does not accept us: {condition}"
    reason = "s2s.host-unknown" if condition == "item-not-found" else "s2s.denied"
    return StanzaError(OF_DIALBACK.get(condition, TIMEOUT), text, reason=reason)


def unverifiable(error: StanzaError) -> str:
    """The condition of a dialback error for a peer whose domain could not be asked."""
    return TO_DIALBACK.get(error.reason, TIMEOUT)


def unjudged(condition: str) -> str:
    """The same where its domain, which was asked, has answered with an error (XEP-0220 §2.5).

    What that was is not passed on: of a domain that is not hosted the peer would think that it is
    ours. "resource-constraint" is our own word, where too much is asked already.
    """
    return condition if condition == "resource-constraint" else NOT_FOUND
