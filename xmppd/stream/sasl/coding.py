"""SASL data as it stands in XML: strict base64, and `=` for data of no length (RFC 6120 §6.4)."""

from __future__ import annotations

import base64

from xmppd.errors import SASLFailure


def decode_initial(text: str) -> bytes | None:
    """Decode the text of `<auth/>`: none is no initial response, `=` is an empty one (§6.4.2).

    Raises SASLFailure incorrect-encoding.
    """
    return decode_response(text) if text else None


def decode_response(text: str) -> bytes:
    """Decode the text of `<response/>`; white space and padding are checked (RFC 6120 §13.9.1).

    Raises SASLFailure incorrect-encoding.
    """
    if text == "=":
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise SASLFailure("incorrect-encoding", reason="auth.encoding") from None


def encode(data: bytes) -> str:
    """Encode the data of a challenge; an empty one is an empty element."""
    return base64.b64encode(data).decode("ascii")


def encode_success(data: bytes | None) -> str:
    """Encode what goes out with `<success/>`: "" where there is nothing, `=` if empty (§6.4.6)."""
    return "" if data is None else encode(data) or "="
