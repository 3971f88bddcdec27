"""What servers may show of who they are: certificates that prove it, and others that do not."""

from __future__ import annotations

from typing import Literal, TypeAlias

from tests.support.certificates import DAY, NOW, Authority, dns
from xmppd.net.pairs import Pair
from xmppd.net.selfsigned import make

Kind: TypeAlias = Literal["good", "self-signed", "unknown", "expired", "other"]
"""Issued by the authority that all trust; by itself; by one whom nobody knows; by the first, but
too long ago; or by the first, but for another domain."""

BAD: tuple[Kind, ...] = ("self-signed", "unknown", "expired", "other")


class Papers:
    """The authority that all servers trust, another one, and what they issue."""

    def __init__(self) -> None:
        self.trusted = Authority()
        self._stranger = Authority("Iago")

    def issue(self, kind: Kind, domain: str, *, common_name: bool = False) -> Pair:
        """A certificate of a kind for a domain.

        `common_name`: if it is for another one, its subject at least has the right common name,
        which nobody should read where there are names besides (RFC 6125 §6.4.4).
        """
        match kind:
            case "good":
                return self.trusted.issue(dns(domain))
            case "self-signed":
                return make(domain, NOW)
            case "unknown":
                return self._stranger.issue(dns(domain))
            case "expired":
                return self.trusted.issue(dns(domain), start=NOW - 9 * DAY, end=NOW - 2 * DAY)
            case "other":
                subject = domain if common_name else ""
                return self.trusted.issue(dns("elsewhere.lit"), common_name=subject)
