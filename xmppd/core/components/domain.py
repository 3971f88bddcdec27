"""A component's domain: where the stanzas for it go."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd import ns
from xmppd.config import Component as Settings
from xmppd.core import interests
from xmppd.core.components import node, passing
from xmppd.core.components.choice import Choice
from xmppd.core.components.durable import DurableSpool
from xmppd.core.components.instance import Ended, Instance, Line
from xmppd.core.components.server import Server
from xmppd.core.requests import RequestFailed
from xmppd.core.router import LONGEST_ID
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError, StreamError
from xmppd.jid import JID, JIDError
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

log = Logger()

HAND_OVER = 10.0
"""Seconds that an instance may take to let go of addresses that are another's by now."""

ASK_AGAIN = 0.5
"""Seconds until an instance is told again who is there, for whom too much waited."""

MOST_ASKED = 10_000
"""Of how many requests of several instances it is remembered whose they were."""


class Component:
    """A domain that the configuration leaves to a component.

    `told` is called with an instance that is there, or is gone, and whether it is.
    """

    def __init__(
        self,
        domain: str,
        settings: Settings,
        server: Server,
        told: Callable[[Instance, bool], Any],
    ) -> None:
        self.domain = domain
        self.jid = JID.parse(domain)
        self.settings = settings
        self.instances: dict[str, Instance] = {}
        self._server = server
        self.absent_since = server.clock.seconds()
        """Since when no instance has been there, while none is; in seconds UTC since 1970."""
        self._told = told
        self._durable = DurableSpool(server.store, domain, server.clock.seconds)
        self._ended = Ended()
        self._choice = Choice(self._deliver, server.router.bounce, server.clock.seconds)
        self._asked: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        """By address, id and asker of a request, which of several instances has made it."""

    @property
    def connected(self) -> list[Instance]:
        """The instances that are there."""
        return [each for each in self.instances.values() if each.line is not None]

    @property
    def epoch(self) -> int:
        """Grows whenever the instances change, where there may be several."""
        return self._choice.epoch

    @property
    def moving(self) -> int:
        """How many stanzas wait until an address has been handed over to another instance."""
        return self._choice.waiting

    # ------------------------------------------------------------------ stanzas

    def route(self, stanza: Stanza, key: str | None = None) -> None:
        """Take a stanza for the domain to who serves it; raises StanzaError.

        `key` is by what an instance is chosen (node.py), where that is not as the configuration
        says: a bare JID.
        """
        if stanza.kind == "presence" and self.settings.interests:
            stanza = interests.without(stanza)  # which the server alone says
        if self._choice.names:
            self._choose(stanza, key)
            return
        answer = stanza.kind == "iq" and stanza.type in ("result", "error")
        for instance in self.instances.values():
            instance.deliver(stanza, own=answer)
            return
        raise StanzaError("service-unavailable", reason="component.absent", type="wait")

    def hold_back(self, session: Session, address: JID) -> None:
        """Read a client more slowly for whom who serves an address was asked, if that is behind."""
        name = self._choice.owner(address.bare) if self._choice.names else ""
        instance = self.instances.get(name)
        if instance is not None:
            instance.holding.hold(session)

    def tell(self, name: str, stanza: Stanza) -> None:
        """Send a stanza to the instance of a name, or to all that are there for "".

        It is the server that says so, whoever has caused it.
        """
        stanza.cause = stanza.cause or stanza.sender
        for instance in self.connected:
            if name in ("", instance.name):
                self._send(instance, stanza)

    def _choose(self, stanza: Stanza, key: str | None) -> None:
        if stanza.kind == "iq" and stanza.type in ("result", "error"):
            name = self._asked.pop((stanza.sender or "", stanza.id, stanza.to or ""), None)
            if name in self.instances:
                self.instances[name].deliver(stanza, own=True)
                return
        if key is None:
            by_node = self.settings.route_by == "node"
            passed = passing.target(stanza, self.jid, by_node=by_node)
            if passed is not None and passed.instance is not None:
                self._pass_to(passed.instance, stanza)
                return
            key = self._key(stanza) if passed is None else passed.key
        self._choice.route(key, stanza)

    def _pass_to(self, name: str, stanza: Stanza) -> None:
        instance = self.instances.get(name)
        if instance is None:
            raise StanzaError("service-unavailable", reason="component.absent", type="wait")
        instance.deliver(stanza)

    def _key(self, stanza: Stanza) -> str:
        """By what an instance is chosen, as the configuration says."""
        by = self.settings.route_by
        address = stanza.sender if by == "from" else stanza.to
        assert address is not None
        return node.key(address, node.named(stanza) if by == "node" and not address.local else "")

    def _deliver(self, name: str, stanza: Stanza, key: str) -> None:
        self.instances[name].deliver(stanza, key)

    def take(self, instance: Instance, stanza: Stanza) -> None:
        """Take a stanza that an instance has sent; see `Instance.take`."""
        if self._choice.names and stanza.kind == "iq" and stanza.type in ("get", "set"):
            self._remember(instance, stanza.attrs)  # first of all: it may be answered at once
        instance.take(stanza)

    def _remember(self, instance: Instance, attrs: Mapping[str, str]) -> None:
        id_ = attrs.get("id", "")
        if len(id_) > LONGEST_ID:
            return  # it will be answered for that
        try:
            to, sender = JID.parse(attrs.get("to", "")), JID.parse(attrs.get("from", self.domain))
        except JIDError:
            return  # it will be answered for that
        self._asked[to, id_, sender] = instance.name
        if len(self._asked) > MOST_ASKED:
            self._asked.popitem(last=False)

    # ------------------------------------------------------------------ who is there

    def admit(self, name: str, *, knows_more: bool) -> str:
        """Make room for an instance that has proved itself; by which name it goes from here on.

        A name tells instances of one domain apart. Where there is to be but one it means nothing,
        and who gives none among several gets one. Raises StreamError where there is no room.

        One whose place is another's, and is to stay so, is let in where it may be the same process:
        it has to go on with the other one's stream then.
        """
        settings = self.settings
        name = (name or secrets.token_hex(4)) if settings.instances > 1 else ""
        instance = self.instances.get(name)
        if instance is not None and instance.line is not None:
            if settings.conflict == "replace":
                instance.line.end(StreamError("conflict", reason="component.replaced"))
            elif not (knows_more and instance.resumable):
                raise StreamError("conflict", reason="component.conflict")
        elif instance is None and len(self.connected) >= settings.instances:
            raise StreamError("resource-constraint", reason="component.instances")
        return name

    def place(self, name: str) -> Instance:
        """The instance of a name, which may have left something behind."""
        instance = self.instances.get(name)
        if instance is None:
            instance = self.instances[name] = Instance(
                self.domain,
                name,
                lambda: self.settings,
                self._server,
                self._durable,
                self._ended,
                self.forget,
            )
        return instance

    def enter(self, instance: Instance, line: Line, *, knows_more: bool) -> None:
        """Have an instance connected by `line`; see `Instance.connect`."""
        instance.connect(line, knows_more=knows_more)
        self._told(instance, True)
        if self.settings.instances > 1 or self._choice.names:
            self._changed()

    def leave(self, instance: Instance) -> None:
        """The connection of an instance is gone."""
        if not instance.disconnect():
            self.forget(instance)
        if not self.connected:
            self.absent_since = self._server.clock.seconds()
        self._told(instance, False)
        if self._choice.names:
            self._changed()

    def forget(self, instance: Instance) -> None:
        """An instance is not expected back."""
        if self.instances.get(instance.name) is instance:
            del self.instances[instance.name]

    def end(self, error: StreamError) -> None:
        """End the connections there are; what waits for those that come back goes on waiting."""
        for instance in self.connected:
            if instance.line is not None:
                instance.line.end(error)

    def close(self, error: StreamError) -> None:
        """The domain is no component's any more."""
        self.end(error)
        for instance in list(self.instances.values()):
            instance.give_up("component.gone")
            self.forget(instance)

    async def drain(self, seconds: float, name: str | None = None) -> dict[str, int]:
        """Drain the instance of a name, or all, one after the other; see `Instance.drain`.

        Gives what each has left undone, by name. Of several, those that stay take over.
        """
        chosen = [each for each in self.connected if name in (None, each.name)]
        return {each.name: await each.drain(seconds) for each in chosen}

    # ------------------------------------------------------------------ several of them

    def _changed(self) -> None:
        """Other instances are there than before: they share the addresses anew."""
        there = {each.name: each for each in self.connected}
        self._choice.change(there)
        for instance in there.values():
            self._announce(instance)
        if there:
            for away in [each for each in self.instances.values() if each.line is None]:
                self.forget(away)
                away.hand_over(self._route_anew)

    def _route_anew(self, stanza: Stanza, key: str | None) -> None:
        try:
            self.route(stanza, key)
        except Exception as error:  # noqa: BLE001 - its sender is told
            self._server.router.bounce(stanza, error)

    def _announce(self, instance: Instance, until: float | None = None) -> None:
        """Tell an instance who is there, and wait `until` then for it to have let go."""
        epoch, now = self._choice.epoch, self._server.clock.seconds()
        until = now + HAND_OVER if until is None else until
        attrs = {"epoch": str(epoch), "self": instance.name, "by": self.settings.route_by}
        names = [Tag("instance", {"name": name}) for name in self._choice.names]
        payload = Tag("instances", attrs, names, ns=ns.INSTANCES)
        server = JID.parse(self._server.router.domains[0])
        asking: Deferred[Any] = self._server.requests.ask(
            server,
            self.jid,
            "set",
            payload,
            seconds=until - now,
            send=partial(self._send, instance),
            needed=True,
        )
        asking.addCallbacks(
            lambda _: self._choice.let_go(instance.name, epoch),
            self._not_let_go,
            (),
            {},
            (instance, epoch, until),
            {},
        )
        asking.addErrback(lambda failure: log.failure("a hand-over failed", failure))

    def _send(self, instance: Instance, stanza: Stanza) -> None:
        try:
            instance.deliver(stanza, own=True)
        except StanzaError as error:
            self._server.router.bounce(stanza, error)

    def _not_let_go(self, failure: Failure, instance: Instance, epoch: int, until: float) -> None:
        """One that knows nothing of this keeps nothing; one that says nothing may act on.

        So may one that could not be told, for want of room: it is told again.
        """
        failure.trap(RequestFailed)
        failed: Any = failure.value
        line, clock = instance.line, self._server.clock
        if failed.stanza is not None and not failed.temporary:
            self._choice.let_go(instance.name, epoch)
        elif failed.stanza is not None and clock.seconds() + ASK_AGAIN < until:
            clock.callLater(ASK_AGAIN, self._announce_again, instance, line, until)
        elif line is not None:  # whether or not others have come since
            line.end(StreamError("policy-violation", reason="component.hand-over"))

    def _announce_again(self, instance: Instance, line: Line | None, until: float) -> None:
        if line is not None and instance.line is line:
            self._announce(instance, until)
