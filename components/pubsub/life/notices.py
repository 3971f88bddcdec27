"""Tells people: events of nodes, from the service they are at (XEP-0060 §7.1.2, §12)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence

from twisted.logger import Logger

from components.common.build import Content, text
from components.common.component import Component
from components.common.multicast import Multicast, Recipients
from components.common.privilege import NotGranted, Privilege
from components.common.privileged_multicast import PrivilegedMulticast
from components.pubsub.life.audience import Audience, Reply, Through
from components.pubsub.life.origins import Origins
from components.pubsub.model.node import Address, Node
from components.pubsub.model.parcels import short
from components.pubsub.names import SHIM
from xmppd.jid import JID

log = Logger(namespace="component")

SENT = 1_000
"""How many messages are remembered for the errors that may come back,"""
SENT_TO = 100_000
"""and to how many addresses, all of them together."""
HEADERS_OCTETS = 20_000
"""What the names of collections may take in the headers of one message."""

OnTell = Callable[[Address], object]


class Notices:
    """Sends messages from the service's domain, and in the names of accounts."""

    def __init__(
        self, component: Component, multicast: Multicast, privilege: Privilege, origins: Origins
    ) -> None:
        self._component = component
        self._multicast = multicast
        self._for_accounts = PrivilegedMulticast(component, privilege, multicast)
        self._on_tell: list[OnTell] = []
        self._next_id = origins.next_id
        """Of a message: an error that comes back names the one it is about (§13.4)."""
        self._sent: OrderedDict[str, Recipients] = OrderedDict()
        """By id, to whom the last messages of the service's domain went."""
        self._sent_to = 0
        """To how many addresses."""

    def on_tell(self, tell: OnTell) -> None:
        """Have `tell` called whenever people are told of something that has happened to a node."""
        self._on_tell.append(tell)

    async def room(self) -> None:
        """Wait until the server has taken most of what it was sent so far; see `Pauses`."""
        await self._component.pauses.until_taken()

    def tell(
        self,
        node: Node,
        audience: Audience,
        event: bytes,
        *,
        subids: bool = True,
        reply: Reply | None = None,
        body: bytes = b"",
    ) -> None:
        """Send an event of a node to all who are to be told; `body` to those who want one.

        Without `subids` nobody is told which subscription it is for: of what does not differ by
        subscription (§13.16).
        """
        for each in self._on_tell:
            each(node.address)
        if body and audience.parts is not None:
            wanting, others = audience.parts
            self._tell(node, wanting, body + event, reply, subids=subids)
            self._tell(node, others, event, reply, subids=subids)
        else:
            self._tell(node, audience, event, reply, subids=subids)

    def _tell(
        self, node: Node, audience: Audience, event: bytes, reply: Reply | None, *, subids: bool
    ) -> None:
        service, type_ = node.address.service, node.settings.message_type
        if not subids:
            to = (*audience.plain.jids, *audience.subids)
            self.send(service, to, event, type_=type_, reply=reply)
        else:
            self.send(service, audience.plain, event, type_=type_, reply=reply)
            for jid, of_one in audience.subids.items():
                self.send(service, (jid,), event, headers(of_one), type_=type_, reply=reply)
        if audience.through:
            for (names, ids), those in _alike(audience.through, subids=subids).items():
                self.send(service, those, event, headers(ids, names), type_=type_, reply=reply)

    def send(
        self,
        service: JID,
        to: Sequence[JID] | Recipients,
        *content: Content,
        type_: str = "headline",
        reply: Reply | None = None,
    ) -> None:
        """Send a message from a service to some, each once; with a `reply` in an account's name."""
        if not to:
            return
        id_ = self._next_id()
        if not service.local:
            to = to if isinstance(to, Recipients) else Recipients(to)
            self._remember(id_, to)
            self._multicast.send(to, "message", *content, type_=type_, id_=id_)
            return
        try:
            for some, reply_to in _apart(to, reply):
                self._for_accounts.message(
                    service, some, *content, type_=type_, id_=id_, reply_to=reply_to
                )
        except NotGranted:
            log.warn("the server lets nobody be told in the name of {service}", service=service)

    def _remember(self, id_: str, to: Recipients) -> None:
        self._sent[id_] = to
        self._sent_to += len(to)
        while len(self._sent) > SENT or self._sent_to > SENT_TO:
            _, oldest = self._sent.popitem(last=False)
            self._sent_to -= len(oldest)

    def sent(self, id_: str, to: JID) -> bool:
        """Whether this instance has sent somebody the message of an id, and lately."""
        recipients = self._sent.get(id_)
        return recipients is not None and to in recipients


def headers(subids: Sequence[str], collections: Sequence[str] = ()) -> bytes:
    """Which subscriptions a message is for (§6.1.6, XEP-0131), and of which collections.

    (XEP-0248 §5.3.1; of very many, as many as go into it)
    """
    names = [("Collection", each) for each in short(collections, HEADERS_OCTETS)] + [
        ("SubID", each) for each in subids
    ]
    told = "".join(f"<header name='{name}'>{text(value)}</header>" for name, value in names)
    return f"<headers xmlns='{SHIM}'>{told}</headers>".encode()


def _apart(
    to: Sequence[JID] | Recipients, reply: Reply | None
) -> Iterator[tuple[Sequence[JID] | Recipients, JID | None]]:
    """Some, and where replies go if they are told so: who is not told, apart from who is."""
    if reply is None or to is reply.told:
        yield to, reply and reply.to
        return
    jids = to.jids if isinstance(to, Recipients) else to
    if told := [jid for jid in jids if jid in reply.told]:
        yield told, reply.to
    if others := [jid for jid in jids if jid not in reply.told]:
        yield others, None


def _alike(
    through: Mapping[JID, Through], *, subids: bool
) -> dict[tuple[tuple[str, ...], tuple[str, ...]], list[JID]]:
    """Who is told with the same headers."""
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[JID]] = {}
    for jid, (collections, ids) in through.items():
        alike.setdefault((tuple(collections), tuple(ids) if subids else ()), []).append(jid)
    return alike
