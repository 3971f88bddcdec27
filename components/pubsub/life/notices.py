"""Tells people: events of nodes, from the service they are at (XEP-0060 §7.1.2, §12)."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.logger import Logger

from components.common.build import Content, attribute
from components.common.component import Component
from components.common.multicast import Multicast
from components.common.privilege import NotGranted, Privilege
from components.pubsub.life.audience import Audience
from components.pubsub.model.node import Node
from components.pubsub.names import SHIM
from xmppd.jid import JID

log = Logger(namespace="component")


class Notices:
    """Sends messages from the service's domain, and in the names of accounts."""

    def __init__(self, component: Component, multicast: Multicast, privilege: Privilege) -> None:
        self._component = component
        self._multicast = multicast
        self._privilege = privilege

    def tell(self, node: Node, audience: Audience, event: bytes) -> None:
        """Send an event of a node to all who are to be told."""
        kind = node.settings.notification_type
        type_ = "" if kind == "normal" else kind
        self.send(node.address.service, audience.plain, event, type_=type_)
        for jid, subids in audience.subids.items():
            self.send(node.address.service, (jid,), event, headers(subids), type_=type_)

    def send(
        self, service: JID, to: Sequence[JID], *content: Content, type_: str = "headline"
    ) -> None:
        """Send a message from a service to some, each once."""
        if not to:
            return
        if not service.local:
            self._multicast.send(to, "message", *content, type_=type_)
            return
        try:
            for jid in to:
                self._privilege.message(service, jid, *content, type_=type_)
        except NotGranted:
            log.warn("the server lets nobody be told in the name of {service}", service=service)


def headers(subids: Sequence[str]) -> bytes:
    """Which subscriptions a message is for (§6.1.6, XEP-0131)."""
    told = "".join(f"<header name='SubID'>{attribute(each)}</header>" for each in subids)
    return f"<headers xmlns='{SHIM}'>{told}</headers>".encode()
