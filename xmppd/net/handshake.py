"""Why a TLS handshake failed, in words for the operator."""

from __future__ import annotations

import re

from OpenSSL import SSL
from twisted.internet.error import ConnectionClosed

_ALERT = re.compile(r"(?:\S+ alert|tlsv1) (.+)")
"""How OpenSSL writes that the peer has sent an alert (RFC 8446 §6.2): "tlsv1 alert unknown ca";
those about extensions (RFC 6066 §9) without the word: "tlsv1 unrecognized name"."""

_PLAIN = {"wrong version number": "what came is not TLS"}
"""What OpenSSL says that leads astray."""


def fault(error: BaseException | None) -> str:
    """What ended a handshake: OpenSSL's reasons, or who hung up."""
    if not isinstance(error, SSL.Error) or not error.args:
        closed = error is None or isinstance(error, ConnectionClosed)
        return "the connection was closed" if closed else str(error)
    queue = error.args[0]
    if not isinstance(queue, list):
        return "the connection was closed"  # SysCallError
    reasons = dict.fromkeys(_said(str(entry[-1])) for entry in queue)
    return ", ".join(reasons) or "OpenSSL gave no reason"


def _said(reason: str) -> str:
    alert = _ALERT.fullmatch(reason)
    if alert is None:
        return _PLAIN.get(reason, reason)
    if "certificate" in alert[1] or alert[1] == "unknown ca":
        return f"the peer rejected our certificate: {alert[1]}"
    return f"the peer gave up: {alert[1]}"
