"""Reaching a domain because somebody wants to know whether that can be done."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail

from xmppd.core.s2s.remotes import Remotes
from xmppd.errors import StanzaError


def visit(remotes: Remotes, local: str, domain: str) -> Deferred[None]:
    """Reach `domain` from one of ours now, whatever is remembered of it.

    Fires when stanzas may be sent, and fails with StanzaError where that comes to nothing. The
    steps are in the domain's trail. A stream that is there already will do.
    """
    if refusal := remotes.rules.refusal(domain):
        return fail(StanzaError("not-allowed", reason=refusal, detail=domain))
    if not remotes.rules.hosts(local):
        return fail(StanzaError("not-allowed", reason="s2s.local", detail=local))
    remotes.network.forget(domain)
    remote = remotes.remote(domain)
    remote.try_anew()
    return remote.pair(local).visit()
