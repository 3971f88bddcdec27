"""What an exchange may know of the stream it runs on."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple


def fresh_nonce() -> str:
    """Make a nonce of 144 random bits in printable ASCII without a comma (RFC 5802 §5.1)."""
    return secrets.token_urlsafe(18)


class Context(NamedTuple):
    """The facts of a stream that mechanisms depend on.

    `domain` is the prepared domain of the stream header's `to`. `channel_bindings` maps the
    types there are on this connection (RFC 5929, RFC 9266) to their data. `offered` holds the
    names of the mechanisms that stood in the stream features. `certificate` holds (kind, value)
    pairs of a client certificate whose chain has been verified, and nothing of any other: kinds
    are "xmppAddr" (RFC 6120 §13.7.1.4) and "rfc822Name"; others are passed over.
    `plaintext_allowed` lets PLAIN run on a stream that is not `secure`, `anonymous` opens the
    domain to ANONYMOUS, `email_accounts` lets an e-mail address at the domain stand for the
    account of that name (XEP-0178 §2, point 11c). `nonce` is replaced in tests only.
    """

    domain: str
    secure: bool = False
    plaintext_allowed: bool = False
    anonymous: bool = False
    channel_bindings: Mapping[str, bytes] = MappingProxyType({})
    offered: tuple[str, ...] = ()
    certificate: tuple[tuple[str, str], ...] = ()
    email_accounts: bool = False
    nonce: Callable[[], str] = fresh_nonce
