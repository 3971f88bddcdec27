"""The key sequence of a session that is not secure (XEP-0124 §15)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from components.bosh.longpoll.refusal import Refused


def expected_after(expected: str, attrs: Mapping[str, str]) -> str:
    """What the key of the next request has to hash to, "" where there are no keys.

    `expected` is what this request's has to. Raises `Refused` where it does not.
    """
    key = attrs.get("key")
    if expected:
        # SHA-1 is the specification's (§15.3); the case of digits does not matter.
        hashed = hashlib.sha1((key or "").encode(), usedforsecurity=False).hexdigest()
        if key is None or not hmac.compare_digest(hashed, expected):
            raise Refused("item-not-found", "bosh.key")
    new = attrs.get("newkey")
    if new is not None:
        new = new.lower()
        if len(new) != 40 or not set(new) <= set("0123456789abcdef"):
            raise Refused("bad-request", "bosh.new-key")
        return new
    return key.lower() if expected and key is not None else ""
