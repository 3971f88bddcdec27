"""What one instance of a component passes on to another, by way of the server.

    <iq type='set' from='pubsub.example.org' to='pubsub.example.org' id='1'>
      <pass xmlns='urn:xmppd:instances:0' address='pubsub.example.org' node='play'>...</pass>
    </iq>

It says whom it is for: who acts for an address, or for a node at it, or the instance of a name
(`instance`). It goes from the domain to the domain, and nobody but an instance can send from there
(XEP-0114 §3): so an instance knows by `from` that another has sent it, and what anybody else sends
goes where any other stanza goes. Being a request, it is always answered.
"""

from __future__ import annotations

from typing import NamedTuple

from xmppd import ns
from xmppd.core.components import node
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError
from xmppd.wire.stanza import Stanza

_PASS = [f"{ns.INSTANCES} pass"]


class Target(NamedTuple):
    """Whom it is for: an instance by name, or the owner of a key where that is None."""

    instance: str | None
    key: str


def target(stanza: Stanza, component: JID, *, by_node: bool) -> Target | None:
    """Whom an instance passes something on to; None for any other stanza.

    `by_node` says that nodes at the component's domain are shared. Raises StanzaError for what
    names nobody.
    """
    if stanza.sender != component or stanza.kind != "iq" or stanza.type != "set":
        return None
    if stanza.children != _PASS:
        return None
    said = stanza.element[0]
    instance = said.get("instance")
    if instance is not None:
        return Target(instance, "")
    try:
        address = JID.parse(said.get("address", ""))
    except JIDError as error:
        raise StanzaError("bad-request", str(error), reason="stanza.malformed") from None
    name = said.get("node", "") if by_node and not address.local else ""
    return Target(None, node.key(address, name))
