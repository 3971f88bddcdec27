"""Which other servers there are for us, and what they have to show: the one place that decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmppd.domains import matching
from xmppd.errors import StanzaError
from xmppd.stream.server_policy import Proof

if TYPE_CHECKING:
    from xmppd.core.host import Host


class Rules:
    """Reads `[s2s]` each time: a reload changes the answers."""

    __slots__ = ("_host",)

    def __init__(self, host: Host) -> None:
        self._host = host

    def hosts(self, domain: str) -> bool:
        """Whether a domain of ours may have to do with other servers.

        Guests, whom nobody has registered, write to nobody elsewhere (XEP-0175 §3).
        """
        host = self._host
        return domain in host.router.routes and domain not in host.config.auth.anonymous

    def refusal(self, domain: str) -> str:
        """Why there is no traffic with a domain, as a reason code; "" where there may be."""
        settings = self._host.config.s2s
        if not settings.enabled:  # by a reload: what listens goes on until the server ends
            return "s2s.off"
        if domain in self._host.router.routes:
            return "s2s.own-domain"
        if matching(domain, settings.deny):
            return "s2s.refused"
        if settings.allow and not matching(domain, settings.allow):
            return "s2s.refused"
        return ""

    def check(self, domain: str) -> None:
        """Raise StanzaError where there is no traffic with a domain."""
        if refusal := self.refusal(domain):
            raise StanzaError("not-allowed", reason=refusal, detail=domain)

    def require(self, domain: str) -> Proof:
        """What it has to show, whoever has connected to whom."""
        settings = self._host.config.s2s
        found = matching(domain, settings.domains)
        return settings.domains[found].require if found else settings.require
