"""What senders are told of what went wrong with another server, and it of us.

RFC 6120 §10.4 names the conditions for stanzas, XEP-0220 §2.1.1 and §2.5 those of dialback.
"""

from __future__ import annotations

from xmppd.errors import StanzaError

NOT_FOUND = "remote-server-not-found"
TIMEOUT = "remote-server-timeout"

OF_STREAMS = {"host-unknown": NOT_FOUND, "host-gone": NOT_FOUND}
"""What senders are told where the peer has ended our stream with an error; else `TIMEOUT`."""

OF_DIALBACK = {"invalid": "internal-server-error", "item-not-found": NOT_FOUND}
"""The same where the peer does not take our word for who we are (XEP-0220 §2.1.1)."""

TO_DIALBACK = {
    "s2s.unreachable": "remote-connection-failed",
    "s2s.no-such-domain": NOT_FOUND,
    "s2s.not-offered": NOT_FOUND,
    "s2s.host-unknown": NOT_FOUND,
}
"""By reason code, what a peer is told whose domain could not be asked (XEP-0220 §2.5)."""


TOLD = frozenset(
    {
        "item-not-found",
        "forbidden",
        "not-acceptable",
        "not-authorized",
        "policy-violation",
        "resource-constraint",
        "remote-connection-failed",
        NOT_FOUND,
        TIMEOUT,
    }
)
"""The conditions of XEP-0220 §2.5: of another, that a domain has told us, nobody is told."""


def ended(domain: str, condition: str) -> StanzaError:
    """The peer has ended our stream, with a stream error or ("") without a word."""
    text = f"{domain} ended the stream" + (f": {condition}" if condition else "")
    if condition in OF_STREAMS:
        return StanzaError(OF_STREAMS[condition], text, reason="s2s.host-unknown")
    if condition == "not-authorized":
        return StanzaError(TIMEOUT, text, reason="s2s.denied")
    return StanzaError(TIMEOUT, text, reason="s2s.ended")


def denied(domain: str, condition: str) -> StanzaError:
    """The peer does not let us send."""
    text = f"{domain} does not accept us: {condition}"
    return StanzaError(OF_DIALBACK.get(condition, TIMEOUT), text, reason="s2s.denied")


def unverifiable(error: StanzaError) -> str:
    """The condition of a dialback error for a peer whose domain could not be asked."""
    return TO_DIALBACK.get(error.reason, TIMEOUT)
