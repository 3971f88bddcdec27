"""Why a connection ends, what the operator does about it, and how soon to retry.

The conditions are those of RFC 6120 §4.9.3, as far as servers use them on component streams.
"""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet import error
from twisted.python.failure import Failure


class Remedy(NamedTuple):
    """What to do about a stream error.

    `slow` where only an operator can mend it: the next attempts may wait. `ours` where what was
    sent is to blame: sent once more, it would end the next stream as well.
    """

    text: str
    slow: bool = True
    ours: bool = False


_UNKNOWN = Remedy("See the server's log at this time", slow=False)
_OUR_XML = Remedy(
    "It is a bug of the component; what it had not acknowledged is dropped", ours=True
)

REMEDIES = {
    "not-authorized": Remedy(
        "The secrets differ: [component] secret here, and the server's for this component"
    ),
    "host-unknown": Remedy(
        "The server knows no component of this domain: add it there, or correct [component] domain"
    ),
    "host-gone": Remedy("The server serves this domain no more: add it there again"),
    "conflict": Remedy(
        "Another process is connected as this component: stop it, or give each an instance name"
    ),
    "invalid-namespace": Remedy("No components connect to that port: correct [core] endpoint"),
    "unsupported-version": Remedy("No components connect to that port: correct [core] endpoint"),
    "resource-constraint": Remedy("The server has enough of them; it may be overloaded"),
    "system-shutdown": Remedy("The server is stopping", slow=False),
    "connection-timeout": Remedy("The server heard nothing for too long", slow=False),
    "reset": Remedy("The server wants a new stream", slow=False),
    "see-other-host": Remedy("Correct [core] endpoint: the server names another one"),
    "invalid-from": _OUR_XML,
    "improper-addressing": _OUR_XML,
    "not-well-formed": _OUR_XML,
    "invalid-xml": _OUR_XML,
    "bad-format": _OUR_XML,
    "bad-namespace-prefix": _OUR_XML,
    "restricted-xml": _OUR_XML,
    "unsupported-encoding": _OUR_XML,
    "unsupported-stanza-type": _OUR_XML,
    "policy-violation": _OUR_XML,
}


def remedy(condition: str) -> Remedy:
    """What to do about a condition."""
    return REMEDIES.get(condition, _UNKNOWN)


_ENDPOINT = "correct [core] endpoint"
_LISTEN = "[listen] component or component_tls of the server"

NOT_CONNECTED: tuple[tuple[type[Exception], str], ...] = (
    (
        error.ConnectionRefusedError,
        f"nobody listens there: start the server, see to {_LISTEN}, or {_ENDPOINT}",
    ),
    (error.DNSLookupError, f"there is no such host: {_ENDPOINT}, or mend its name service"),
    (
        error.TimeoutError,
        f"nothing answers there: {_ENDPOINT}, or have a firewall on the way let it through",
    ),
    (error.ConnectError, f"is the server there? If it is elsewhere, {_ENDPOINT}"),
)
"""Why no connection is made, and what to do; the first that fits."""

_MISMATCH = "service_identity.exceptions.VerificationError"
_TLS = "OpenSSL.SSL.Error"
_OF_TLS = (
    (
        "certificate verify failed",
        "the server's certificate is not vouched for by anyone trusted: have trustRoots in "
        "[core] endpoint name the directory with the certificate of who has issued it",
    ),
    (
        "wrong version number",
        f"what listens there does not begin with TLS: {_ENDPOINT}, which begins with tcp: for a "
        "port of [listen] component, with tls: for one of component_tls",
    ),
)


def why_not(failure: Failure) -> str:
    """What keeps a connection from being made, and what to do about it."""
    told = _told(failure)
    for kind, text in NOT_CONNECTED:
        if failure.check(kind):
            return f"{told} ({text})"
    return told


def why_lost(failure: Failure, *, early: bool = False) -> str:
    """What has ended a connection, as far as the system or TLS knows; `early` before all else.

    The exceptions of TLS are known by name: nothing is imported for who does without it.
    """
    told = _told(failure)
    if failure.check(_MISMATCH):
        return "the server's certificate is for another name than [core] endpoint has"
    if failure.check(_TLS):
        return next((text for part, text in _OF_TLS if part in told), told)
    if early:
        return (
            f"{told} (before the server has said anything: if its port is one of [listen] "
            "component_tls, [core] endpoint begins with tls:)"
        )
    return told


def _told(failure: Failure) -> str:
    told: str = failure.getErrorMessage()
    return told.rstrip(".")
