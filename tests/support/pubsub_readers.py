"""slixmpp clients at nodes: what a client's user does, by the library's own plugins.

    async with readers(globe, "juliet", "romeo") as (juliet, romeo):
        play = await juliet.creates()
        await romeo.subscribes(play)
        await juliet.publishes(play, "But, soft!")
        assert read(await romeo.gets()) == "But, soft!"

What a person waits for comes within `PATIENCE` seconds, and before anything else of its kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from copy import deepcopy
from itertools import count
from typing import Any, cast
from xml.etree.ElementTree import Element, fromstring

from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0059.stanza import Set
from slixmpp.plugins.xep_0060.stanza import Pubsub
from slixmpp.xmlstream import register_stanza_plugin

from tests.support.clients import Client, Reachable, soon
from tests.support.people import C
from tests.support.pubsub import NS, E, error
from tests.support.server import DOMAIN, PASSWORD
from xmppd import ns

SERVICE = f"pubsub.{DOMAIN}"
PLAY = "urn:example:play"
PLUGINS = (
    *("xep_0004", "xep_0030", "xep_0049", "xep_0050", "xep_0059", "xep_0060", "xep_0115"),
    *("xep_0163", "xep_0199", "xep_0203"),
)

# slixmpp pages through items (§6.5.4) once it has been told where the set stands.
register_stanza_plugin(Pubsub, Set)

_numbers = count(1)
_BEHIND = f"<ping xmlns='{ns.PING}'/>"


class Reader(Client):
    """Somebody who has to do with nodes. `service` is that of the domain, or an account's JID."""

    def __init__(self, name: str, server: Reachable, resource: str, *plugins: str) -> None:
        jid = f"{name}@{DOMAIN}/{resource}"
        super().__init__(jid, PASSWORD, server, plugins=(*PLUGINS, *plugins))
        self.auto_authorize = None
        self.auto_subscribe = False
        self.name = name
        self.pubsub: Any = self.plugin["xep_0060"]
        self.notices: asyncio.Queue[Element] = asyncio.Queue()
        """Messages of all kinds."""
        self._created: list[tuple[str, str]] = []
        self.add_filter("in", self._write_down)

    def _write_down(self, stanza: Any) -> Any:
        if stanza.xml.tag == f"{C}message":
            self.notices.put_nowait(deepcopy(stanza.xml))
        return stanza

    # ------------------------------------------------------------------ what he does

    async def creates(self, node: str = "", service: str = SERVICE, **fields: Any) -> str:
        """Create a node, set up with these fields of the form (§8.1.3); its name."""
        node = node or f"play{next(_numbers)}"
        config = self.form("node_config", **fields) if fields else None
        await soon(self.pubsub.create_node(service, node, config))
        self._created.append((service, node))
        return node

    async def tidies(self) -> None:
        """Delete what he has created, so that who comes later is told of nothing by it (§6.1.7)."""
        for service, node in self._created:
            with suppress(IqError):  # it is gone
                await soon(self.pubsub.delete_node(service, node))

    async def subscribes(self, node: str, service: str = SERVICE, *, bare: bool = True) -> Element:
        """Subscribe (§6.1); the `<subscription/>` of the answer."""
        answer = await soon(self.pubsub.subscribe(service, node, bare=bare))
        return cast(Element, answer["pubsub"]["subscription"].xml)

    async def publishes(
        self, node: str, text: str, id_: str | None = None, service: str | None = SERVICE
    ) -> str:
        """Publish a line of a play (§7.1); the item's id."""
        answer = await soon(self.pubsub.publish(service, node, id_, line(text)))
        return str(answer["pubsub"]["publish"]["item"]["id"])

    async def reads(
        self, node: str, *ids: str, most: int | None = None, service: str = SERVICE
    ) -> list[str]:
        """The lines of the items of a node (§6.5)."""
        answer = await soon(self.pubsub.get_items(service, node, list(ids) or None, most))
        return [each["payload"].text for each in answer["pubsub"]["items"]]

    def form(self, kind: str, **fields: Any) -> Any:
        """A form of `pubsub#kind` to submit; names of fields are without `pubsub#`."""
        made = self.plugin["xep_0004"].make_form("submit")
        made.add_field(var="FORM_TYPE", ftype="hidden", value=f"{NS}#{kind}")
        for name, value in fields.items():
            said = value if isinstance(value, bool | list) else str(value)
            made.add_field(var=f"pubsub#{name}", value=said)
        return made

    async def asks(self, payload: str, kind: str = "get", to: str | None = SERVICE) -> Element:
        """Send an IQ; its answer, an error if it is one."""
        iq = self.make_iq(ito=to, itype=kind)  # type: ignore[no-untyped-call]
        iq.append(fromstring(payload))
        try:
            answer = await soon(iq.send())
        except IqError as refused:
            answer = refused.iq
        return cast(Element, answer.xml)

    # ------------------------------------------------------------------ what he is told

    async def gets(self) -> Element:
        """The next message."""
        return await soon(self.notices.get())

    async def hears_nothing(self) -> None:
        """Nothing has come, and nothing is on its way from the service."""
        await self.asks(_BEHIND, to=SERVICE)
        await self.asks(_BEHIND, to=self.boundjid.bare)
        assert self.notices.empty(), self.notices.get_nowait()

    def forgets(self) -> None:
        """What has come is of no interest."""
        while not self.notices.empty():
            self.notices.get_nowait()


def line(text: str) -> Element:
    """A payload."""
    act = Element(f"{{{PLAY}}}act")
    act.text = text
    return act


def event(message: Element, kind: str) -> Element:
    """What a message tells of, which has to be of this kind."""
    found = message.find(f"{E}event/{E}{kind}")
    assert found is not None, [each.tag for each in message.iter()]
    return found


def read(message: Element) -> str:
    """The line that a message brings (§7.1.2.1)."""
    [item] = event(message, "items")
    return item.findtext(f"{{{PLAY}}}act", "")


async def fails(asked: Any) -> tuple[str, ...]:
    """The conditions by which a request is refused."""
    try:
        await soon(asked)
    except IqError as refused:
        return error(refused.iq.xml)
    raise AssertionError("it was granted")


async def befriend(one: Reader, other: Reader) -> None:
    """Have two who are available see each other's presence, if they do not (RFC 6121 §3)."""
    for asker, asked in ((one, other), (other, one)):
        if asker.client_roster[asked.boundjid.bare]["subscription"] in ("to", "both"):
            continue
        come = asked.wait_until("presence_subscribe", timeout=20)
        asker.send_presence_subscription(asked.boundjid.bare)
        await come
        done = asker.wait_until("presence_subscribed", timeout=20)
        asked.send_presence_subscription(asker.boundjid.bare, ptype="subscribed")
        await done


@asynccontextmanager
async def readers(
    server: Reachable, *names: str, plugins: tuple[str, ...] = ()
) -> AsyncIterator[list[Reader]]:
    """These have logged in and are available; `name/resource` where one is not enough."""
    async with AsyncExitStack() as stack:
        people = []
        for each in names:
            name, _, resource = each.partition("/")
            reader = Reader(name, server, resource or "house", *plugins)
            people.append(await stack.enter_async_context(reader))
            await soon(reader.get_roster())
            reader.send_presence()
            await reader.asks(_BEHIND, to=reader.boundjid.bare)
            # The service looks for what he is subscribed to who has come, to send him last items
            # (§6.1.7). It is not to find what he subscribes to in the test: this is looked for
            # behind that.
            await reader.asks(f"<pubsub xmlns='{NS}'><subscriptions/></pubsub>")
        yield people
        for each in people:
            await each.tidies()
