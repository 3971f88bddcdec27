"""What TLS says of another server, as streams need to know it (RFC 6120 §13.7, XEP-0178)."""

from __future__ import annotations

from typing import Protocol


class PeerTLS(Protocol):
    """An established TLS connection with another server."""

    version: str
    """The protocol's version: "TLSv1.3"."""
    cipher: str
    """The cipher suite's name."""
    until: float
    """When the first certificate of the peer's chain expires, in seconds since 1970, where that is
    trusted (RFC 6120 §13.7.2.3)."""
    problem: str
    """Why the peer's certificate is not to be trusted, in words; "" where its chain is verified."""

    def proves(self, domain: str) -> bool:
        """Whether the peer has a certificate that is trusted and names `domain` (RFC 6125)."""
