"""Service discovery of accounts, as publish-subscribe services (XEP-0163 §6).

What an account is and can do, the server says, and nests what stands here in its own answer: only
to who may see the account's presence (XEP-0355 §7.2). Its nodes anybody may find who may subscribe
to them, or read them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from components.common.component import Later
from components.common.disco import Identity, Info
from components.common.stanza import Stanza
from components.pubsub.faces.disco import NodeDisco
from components.pubsub.model import features
from components.pubsub.names import PUBSUB, PUBSUB_OWNER
from components.pubsub.requests import of_account
from components.pubsub.service import Service
from xmppd import ns
from xmppd.jid import JID


def serve(service: Service) -> None:
    """Answer service discovery of accounts."""
    nodes = NodeDisco(service)
    pep = Info([Identity("pubsub", "pep")], features.PERSONAL)
    service.delegation.namespace(PUBSUB, bare=pep)
    service.delegation.namespace(PUBSUB_OWNER)
    for namespace, tell in ((ns.DISCO_INFO, nodes.info), (ns.DISCO_ITEMS, nodes.items)):
        service.delegation.iq("get", f"{namespace} query", of_account(partial(_told, tell)))


def _told(tell: Callable[[Stanza, JID, str], Later], stanza: Stanza) -> Later:
    return tell(stanza, stanza.to.bare, stanza.payload.get("node", ""))
