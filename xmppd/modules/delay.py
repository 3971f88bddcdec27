"""Delayed Delivery (XEP-0203): no client says that another than its own user delayed a stanza.

Nobody else can tell such a notation from the server's own, by which clients put messages in order.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from xmppd.core import delay
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError
from xmppd.phases import Phase
from xmppd.wire.stanza import Stanza

XEP = (203, "2.0", "complete")


def register(context: ModuleContext) -> None:
    """Refuse what is forged, before anybody acts on it (§5)."""
    host = context.host

    def refuse_forged(stanza: Stanza, session: Session) -> Stanza:
        if not _may_claim(stanza):
            return stanza  # what nearly every stanza is: its children's names are not even read
        claimed = () if stanza.kind == "iq" else delay.claimed(stanza)
        if any(_is_forged(host, by, stanza, session) for by in claimed):
            text = "the server says itself what it has delayed"
            raise StanzaError("not-acceptable", text, reason="delay.forged")
        return stanza

    # Not at the point of messages: their copies for many (XEP-0033) pass this one alone.
    context.hook(context.hooks.client_stanza, Phase.GUARD, refuse_forged, _concerned)


def _may_claim(stanza: Stanza) -> bool:
    """Whether a stanza may hold a notation, by its octets."""
    return b"delay" in stanza.inner or b"&#" in stanza.inner


def _concerned(stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
    return accounts if _may_claim(stanza) else frozenset()


def _is_forged(host: Host, by: str, stanza: Stanza, session: Session) -> bool:
    """Whether a client's notation is put into the mouth of a server, or of the recipient's account.

    Of third ones it may speak, as who brings the history of a chat to a room does (XEP-0045 §7.9).
    """
    if stanza.type == "error":
        return False  # what an error gives back is somebody else's (RFC 6120 §8.3.1)
    try:
        jid = JID.parse(by)
    except JIDError:
        return False
    to = stanza.to
    if not jid.local:
        return jid.domain in host.router.routes or (to is not None and jid.domain == to.domain)
    return to is not None and jid.bare == to.bare and jid.bare != session.account
