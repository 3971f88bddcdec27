"""Errors as values: what may go wrong by someone else's doing, raised anywhere, rendered once.

`StreamError` ends a stream, `StanzaError` answers a stanza, `SASLFailure` answers an
authentication attempt, `ConfigError` ends the start-up with one line. Each carries a
reason code of `xmppd.reasons` that logs, metrics and `xmppctl why` show. A bug of our own is
none of these: it stays an ordinary exception, is logged with its traceback, and the peer
sees `internal-server-error`.
"""

from __future__ import annotations

from typing import NamedTuple

DETAIL_MAX = 300
"""Characters of an error's detail: it may be a peer's own words."""


class XMPPError(Exception):
    """Base of the errors that a peer or an operator caused.

    `reason` is a key of `xmppd.reasons.REASONS`; `text` is what the other side may read, `detail`
    what the operator reads besides: what exactly was asked for, never content.
    """

    def __init__(self, condition: str, text: str = "", *, reason: str, detail: str = "") -> None:
        detail = detail[:DETAIL_MAX]
        before = text.removesuffix(".") if detail else text
        said = [f"{condition} ({reason})", *filter(None, (before, detail))]
        super().__init__(": ".join(said))
        self.condition = condition
        self.text = text
        self.reason = reason
        self.detail = detail


STREAM_CONDITIONS = frozenset(
    {
        "bad-format",
        "bad-namespace-prefix",
        "conflict",
        "connection-timeout",
        "host-gone",
        "host-unknown",
        "improper-addressing",
        "internal-server-error",
        "invalid-from",
        "invalid-namespace",
        "invalid-xml",
        "not-authorized",
        "not-well-formed",
        "policy-violation",
        "remote-connection-failed",
        "reset",
        "resource-constraint",
        "restricted-xml",
        "see-other-host",
        "system-shutdown",
        "undefined-condition",
        "unsupported-encoding",
        "unsupported-feature",
        "unsupported-stanza-type",
        "unsupported-version",
    }
)
"""The conditions of RFC 6120 §4.9.3."""


class StreamError(XMPPError):
    """Ends the stream it is raised on (RFC 6120 §4.9).

    `extra` is an application-specific condition, already serialised (RFC 6120 §4.9.4). Raises
    ValueError for a condition that RFC 6120 §4.9.3 does not define.
    """

    def __init__(
        self,
        condition: str,
        text: str = "",
        *,
        reason: str,
        detail: str = "",
        extra: bytes = b"",
    ) -> None:
        if condition not in STREAM_CONDITIONS:
            raise ValueError(f"no stream error condition: {condition}")
        super().__init__(condition, text, reason=reason, detail=detail)
        self.extra = extra


class StanzaCondition(NamedTuple):
    """How a stanza error condition is rendered: its default type and its XEP-0086 code."""

    type: str
    code: int


STANZA_CONDITIONS = {
    "bad-request": StanzaCondition("modify", 400),
    "conflict": StanzaCondition("cancel", 409),
    "feature-not-implemented": StanzaCondition("cancel", 501),
    "forbidden": StanzaCondition("auth", 403),
    "gone": StanzaCondition("cancel", 302),
    "internal-server-error": StanzaCondition("cancel", 500),
    "item-not-found": StanzaCondition("cancel", 404),
    "jid-malformed": StanzaCondition("modify", 400),
    "not-acceptable": StanzaCondition("modify", 406),
    "not-allowed": StanzaCondition("cancel", 405),
    "not-authorized": StanzaCondition("auth", 401),
    "payment-required": StanzaCondition("auth", 402),
    "policy-violation": StanzaCondition("modify", 406),
    "recipient-unavailable": StanzaCondition("wait", 404),
    "redirect": StanzaCondition("modify", 302),
    "registration-required": StanzaCondition("auth", 407),
    "remote-server-not-found": StanzaCondition("cancel", 404),
    "remote-server-timeout": StanzaCondition("wait", 504),
    "resource-constraint": StanzaCondition("wait", 500),
    "service-unavailable": StanzaCondition("cancel", 503),
    "subscription-required": StanzaCondition("auth", 407),
    "undefined-condition": StanzaCondition("cancel", 500),
    "unexpected-request": StanzaCondition("wait", 400),
}
"""The conditions of RFC 6120 §8.3.3 and RFC 3920 §9.3.3, with the codes of XEP-0086 §3.

`policy-violation` came after XEP-0086 and takes the code of its nearest kin, not-acceptable;
`payment-required` is RFC 3920's.
"""


class StanzaError(XMPPError):
    """Answers the stanza that caused it (RFC 6120 §8.3).

    `type` overrides the condition's default error type; `extra` is an application-specific
    condition, already serialised (RFC 6120 §8.3.4); `payload` is the content of the condition
    element itself, the alternate address of `gone` and `redirect`.
    """

    def __init__(
        self,
        condition: str,
        text: str = "",
        *,
        reason: str,
        detail: str = "",
        type: str | None = None,  # noqa: A002 - the attribute's name in RFC 6120
        extra: bytes = b"",
        payload: str = "",
    ) -> None:
        default = STANZA_CONDITIONS.get(condition)
        if default is None:
            raise ValueError(f"no stanza error condition: {condition}")
        super().__init__(condition, text, reason=reason, detail=detail)
        self.type = type or default.type
        self.code = default.code
        self.extra = extra
        self.payload = payload


SASL_CONDITIONS = frozenset(
    {
        "aborted",
        "account-disabled",
        "credentials-expired",
        "encryption-required",
        "incorrect-encoding",
        "invalid-authzid",
        "invalid-mechanism",
        "malformed-request",
        "mechanism-too-weak",
        "not-authorized",
        "temporary-auth-failure",
    }
)
"""The conditions of RFC 6120 §6.5."""


class SASLFailure(XMPPError):
    """Answers an authentication attempt with `<failure/>` (RFC 6120 §6.5)."""

    def __init__(self, condition: str, text: str = "", *, reason: str) -> None:
        if condition not in SASL_CONDITIONS:
            raise ValueError(f"no SASL failure condition: {condition}")
        super().__init__(condition, text, reason=reason)


class StoreError(Exception):
    """The store could not do what was asked, by no fault of whoever asked.

    `condition` is the stanza error condition to answer with.
    """

    condition = "internal-server-error"


class StoreBusy(StoreError):
    """The store's queue is full or the wait was too long; trying again later may help."""

    condition = "resource-constraint"


class ConfigError(Exception):
    """The configuration can't be used: one line that names file, key and remedy."""

    def __init__(self, source: str, key: str, problem: str, remedy: str) -> None:
        where = f"{source}: {key}" if key else source
        super().__init__(f"{where}: {problem}. {remedy}")
        self.source = source
        self.key = key
        self.problem = problem
        self.remedy = remedy
