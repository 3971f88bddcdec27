"""Several processes that serve one domain: which of them acts for which address.

    instances = Instances(component)
    instances.on_change(let_go)
    if instances.own(room): ...

The server shares addresses among the instances by rendezvous hashing, and says so to each when one
comes or goes. It sends nothing for an address that is another's by then until the one who had it
has answered. So whoever keeps something of an address in memory writes it down in a handler of
`on_change`: the next who is asked reads it.

What reaches another instance than the one that it concerns, since it does not name that in its
address, is passed on:

    await instances.pass_on(message, room)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha1
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from components.common import forwarded, work
from components.common.build import Tag
from components.common.component import Component
from components.common.requests import RequestFailed
from components.common.stanza import XML_LANG, Stanza, write
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID


class Epoch(NamedTuple):
    """A time during which the instances are the same; `number` grows from one to the next."""

    number: int
    own: str
    """The name of this instance."""
    names: tuple[str, ...]
    """Those of all, this one among them."""
    by: str = "to"
    """What the server chooses by: `route_by` in its table for the component."""

    def owner(self, address: JID, node: str = "") -> str:
        """The instance that acts for an address, resource aside, or for a node at it.

        Nodes at the component's domain are shared where the server chooses by them; everywhere else
        they are where their address is.
        """
        text: str = address.bare
        if node and self.by == "node" and not address.local:
            text = f"{text}\0{node}"
        return max(self.names, key=lambda name: _weight(name, text))


def _weight(instance: str, address: str) -> bytes:
    return sha1(f"{instance}\0{address}".encode(), usedforsecurity=False).digest()


ALONE = Epoch(0, "", ("",))
"""Nothing has been said of others."""

NOBODY = "/"
"""The name of no instance: a connection that is lost owns nothing."""

SILENCE = 10.0
"""Seconds after which a server that lets an instance in, and says nothing of others, has none."""

PASSED = 120_000
"""Octets of a stanza that is passed on. A server takes more of a component than of a client, and at
least this: who sends more than it takes loses the stream."""

_PASS = f"{ns.INSTANCES} pass"

Change = Callable[[Epoch], Any]
"""Acts on a new epoch, now or later; only then the server goes on."""


class Instances:
    """The instances of a component, this one among them."""

    def __init__(self, component: Component) -> None:
        self._component = component
        self._changes: list[Change] = []
        self._waiting: list[Deferred[None]] = []
        self.epoch = ALONE
        self.name = ""
        """By what the others know this instance, also while it is cut off."""
        # Who refuses it is taken for one that keeps nothing, and others act in his place as well.
        component.iq("set", f"{ns.INSTANCES} instances", self._said, urgent=True)
        component.iq("set", _PASS, self._passed)
        component.on_open(self._opened)
        component.on_lost(self._lost)

    def on_change(self, change: Change) -> None:
        """Have `change` called with each new epoch, before the server goes on."""
        self._changes.append(change)

    def own(self, address: JID, node: str = "") -> bool:
        """Whether this instance acts for an address, or for a node at it."""
        return self.epoch.owner(address, node) == self.epoch.own

    @property
    def alone(self) -> bool:
        """Whether there is no other instance, as far as this one was told."""
        return len(self.epoch.names) == 1

    def known(self) -> Deferred[None]:
        """Fires as soon as it is known who acts for what: at once, but for a connection anew.

        What the server had kept for this instance it sends before it says so.
        """
        known: Deferred[None] = Deferred(self._waiting.remove)
        if self.epoch.own == NOBODY:
            self._waiting.append(known)
        else:
            known.callback(None)
        return known

    # ------------------------------------------------------------------ what is passed on

    async def pass_on(self, stanza: Stanza, address: JID, node: str = "") -> None:
        """Have a message or presence handled by who acts for an address, or for a node at it.

        To that instance it is as if it had come there, from its sender: who is told of what is
        wrong with it. Returns when it was handled. Raises StanzaError where nobody could be asked,
        or where it is too large; whoever is passed a stanza that is not his passes it on no more.
        """
        await self._pass(stanza, {"address": address.bare, "node": node or None})

    async def pass_to(self, stanza: Stanza, instance: str) -> None:
        """Have a message or presence handled by the instance of a name; see `pass_on`."""
        await self._pass(stanza, {"instance": instance})

    async def _pass(self, stanza: Stanza, to: Mapping[str, str | None]) -> None:
        if stanza.kind == "iq":
            raise ValueError("who is asked answers himself")
        attrs, component = stanza.attrs, self._component
        written = write(
            stanza.kind,
            attrs.get("from", ""),
            attrs.get("to", ""),
            stanza.inner,
            type_=stanza.type,
            id_=stanza.id,
            lang=attrs.get(XML_LANG, ""),
            namespace=ns.CLIENT,
        )
        if len(written) > PASSED:
            raise StanzaError("policy-violation", reason="limit.stanza-size")
        await self.known()
        payload = Tag("pass", to, [forwarded.wrap(written)], ns=ns.INSTANCES)
        try:
            await component.ask(component.domain, "set", payload, seconds=work.SECONDS)
        except RequestFailed as failed:
            raise StanzaError(
                failed.condition, failed.text, reason="component.asked-in-vain", type="wait"
            ) from None

    async def _passed(self, outer: Stanza) -> None:
        """Handle what another instance has passed on, and answer when that is done."""
        if outer.sender != self._component.domain:
            raise StanzaError("forbidden", reason="component.not-an-instance")
        await self.known()
        inner = forwarded.unwrap(outer, _PASS)
        if inner is None or inner.kind == "iq":
            raise StanzaError("bad-request", "nothing is passed on", reason="stanza.malformed")
        if not self._concerned(outer.payload):
            # Nor is it passed on once more: there would be no end to that.
            raise StanzaError("resource-constraint", reason="component.passed", type="wait")
        handling = self._component.received(inner)
        if handling is not None:
            await handling

    def _concerned(self, payload: Element) -> bool:
        instance = payload.get("instance")
        if instance is not None:
            return instance == self.epoch.own
        return self.own(JID.parse(payload.get("address", "")), payload.get("node", ""))

    # ------------------------------------------------------------------ who there is

    def _lost(self, resumable: bool) -> None:
        """The server has others act for all addresses, until it says something else."""
        if self.epoch != ALONE:
            self.epoch = self.epoch._replace(own=NOBODY)

    def _opened(self, resumed: bool) -> None:
        if self.epoch.own == NOBODY:
            self._component.clock.callLater(SILENCE, self._unsaid, self.epoch)

    def _unsaid(self, epoch: Epoch) -> None:
        """A server that was to have several instances has one since it was restarted."""
        if self.epoch is epoch and self._component.connected:
            self._put(ALONE)

    def _put(self, epoch: Epoch) -> None:
        self.epoch, self.name = epoch, epoch.own
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    async def _said(self, stanza: Stanza) -> None:
        if stanza.sender not in self._component.servers:
            raise StanzaError("forbidden", reason="component.not-the-server")
        epoch = _read(stanza)
        if epoch.number <= self.epoch.number:
            return  # it has been overtaken
        self._put(epoch)
        for change in self._changes:
            later = change(epoch)
            if later is not None:
                await later


def _read(stanza: Stanza) -> Epoch:
    payload = stanza.payload
    number, own = payload.get("epoch", ""), payload.get("self", "")
    names = tuple(each.get("name", "") for each in payload.iterfind(f"{{{ns.INSTANCES}}}instance"))
    if not number.isdecimal() or own not in names:
        raise StanzaError("bad-request", reason="stanza.malformed")
    return Epoch(int(number), own, names, payload.get("by", "to"))
