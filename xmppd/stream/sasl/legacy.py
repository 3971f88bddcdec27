"""The digest of Non-SASL authentication (XEP-0078), as pure functions."""

from __future__ import annotations

import hashlib
import hmac


def digest(stream_id: str, password: str) -> str:
    """Compute hex(SHA1(stream id + password)) in lower case (XEP-0078 §3.1, steps 1 to 4)."""
    return hashlib.sha1((stream_id + password).encode()).hexdigest()


def verify_digest(stream_id: str, password: str | None, presented: str) -> bool:
    """Whether a client that presents this digest knows the password; in constant time.

    None stands for a password that is not to be had and never matches, at the same cost.
    """
    expected = digest(stream_id, password if password is not None else "")
    matches = hmac.compare_digest(expected.encode(), presented.encode("utf-8", "replace"))
    return matches and password is not None
