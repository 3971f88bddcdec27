"""Why BOSH refuses something: each reason code with its meaning and its remedy."""

from __future__ import annotations

REASONS: dict[str, tuple[str, str]] = {
    # what is no request
    "bosh.coding": (
        "a compressed body that is none, or by another coding than gzip",
        "send it plain",
    ),
    "bosh.large-body": (
        "a body that is too large, inflated very much or for who has no session",
        "body_octets in [bosh]",
    ),
    "bosh.large-body-tag": ("a <body/> with too many or too long attributes", "none needs them"),
    "bosh.many-prefixes": (
        "a body whose prefixes mean too much text or work",
        "declare namespaces inside",
    ),
    "bosh.no-body": ("another element than <body/>", "the client is broken (XEP-0124 §6)"),
    "bosh.no-number": ("an attribute that should be a number", "the client is broken"),
    "bosh.not-xml": ("a body that is not well-formed XML", "the client is broken"),
    "bosh.text": ("text beside the elements", "the client is broken (XEP-0124 §6)"),
    "bosh.restricted-xml": (
        "a comment, a processing instruction, a DTD",
        "send none (XEP-0124 §6)",
    ),
    # no new session
    "bosh.no-to": ("a session for no domain", "the client has to name one (XEP-0124 §7.1)"),
    "bosh.not-secure": (
        "a session that must be secure up to the server",
        "the client can't have it (XEP-0124 §7.1, `secure`)",
    ),
    "bosh.route": ("a session for a server elsewhere", "routes in [bosh]"),
    "bosh.see-other": ("a client that is sent elsewhere", "see_other_bosh in [bosh]"),
    "bosh.sessions": ("a session where there are as many as there may be", "sessions in [bosh]"),
    "bosh.sessions-per-address": (
        "a session from an address that has as many as it may",
        "sessions_per_address in [bosh]",
    ),
    "bosh.stopping": ("a session while the gateway stops", "try again later"),
    "bosh.refused": ("a stream that the server does not take", "see the server's log"),
    # who is not whom he says
    "bosh.key": ("a request with no key, or a wrong one", "log in again (XEP-0124 §15)"),
    "bosh.new-key": ("a new key that is no SHA-1 in hexadecimal", "the client is broken"),
    "bosh.other-body": ("a request repeated with another body", "log in again"),
    "bosh.unknown-rid": ("a request id out of order, or too old to repeat", "log in again"),
    "bosh.unknown-sid": ("a session that is not there, or is no more", "log in again"),
    "bosh.unsafe": ("a secure session's request by a connection that is not", "use https"),
    # too much
    "bosh.frequent": ("empty requests faster than `polling` says", "the client is broken"),
    "bosh.held": (
        "the session that held the most, where all together held too much",
        "held_octets in [bosh]; the client may come back",
    ),
    "bosh.long-pause": ("a pause longer than `maxpause`", "maxpause in [bosh]"),
    "bosh.queue": ("a client for whom too much waits", "it may come back"),
    "bosh.repeats": ("one request repeated too often", "the client's network is broken"),
    "bosh.requests": ("more requests at a time than `requests` says", "the client is broken"),
    "bosh.streams": ("more streams in a session than it may have", "streams in [bosh]"),
    # in a session
    "bosh.inactive": ("a client that has not been heard of", "nothing: he may come back"),
    "bosh.internal": ("a fault of the gateway's own", "see its log"),
    "bosh.no-character": ("characters that XML has not", "the client is broken"),
    "bosh.unknown-stream": ("a stream that the session has not", "the client is broken"),
}
