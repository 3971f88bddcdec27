"""The components that the configuration names, and their connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from twisted.logger import Logger

from xmppd import config, ns
from xmppd.core.components.domain import Component
from xmppd.core.components.instance import Instance
from xmppd.core.components.server import Server
from xmppd.errors import StreamError
from xmppd.jid import JID
from xmppd.stream.component import ComponentPolicy
from xmppd.wire.build import Tag
from xmppd.wire.limits import Limits
from xmppd.wire.octets import LONGEST_NAMESPACE
from xmppd.wire.parsers import Parsers
from xmppd.wire.stanza import Stanza

log = Logger()

LARGER = 16
"""How many times larger a component's stanza, or a tag of it, may be than a client's. What one
client has sent is not to end the stream of a component that says it again: a quotation mark in an
`id` has become six octets by then, prefixes are spelled out, and something may stand around it."""
SPELLED = LONGEST_NAMESPACE + 32
"""Octets that a tag may have besides for each of its attributes, which declares a namespace."""
WRAPPED = 8
"""How much deeper it may be than a client's, and how many attributes more its elements may have,
which declare as many namespaces as they have attributes; and how many children more it may have:
whoever says a stanza again adds ids, a delay, whom it is for."""

_FEATURES = (Tag("sm", ns=ns.STREAM_MANAGEMENT).render(),)


class Components:
    """By domain. `follow` takes the tables of a configuration."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._domains: dict[str, Component] = {}
        self._detach: dict[str, Callable[[], None]] = {}
        self._parsers = Parsers()

    def get(self, domain: str) -> Component | None:
        """The component of a domain, connected or not."""
        return self._domains.get(domain)

    def __iter__(self) -> Any:
        return iter(self._domains.values())

    @property
    def connected(self) -> list[str]:
        """The domains of which an instance is there."""
        return [each.domain for each in self._domains.values() if each.connected]

    def grants(self, jid: JID, domain: str) -> config.Component | None:
        """What the component that `jid` is at has been granted at a domain of the server.

        None where it is no component's address, or nothing is granted there.
        """
        component = self._domains.get(jid.domain)
        if component is None:
            return None
        settings = component.settings
        return settings if domain in (settings.domains or self._server.router.domains) else None

    def follow(self, tables: Mapping[str, config.Component]) -> None:
        """Serve these domains, and no others; what is granted changes at once.

        Who has proved itself by a secret that is another by now has to do so anew.
        """
        for domain in self._domains.keys() - tables.keys():
            self._detach.pop(domain)()
            gone = StreamError("host-gone", reason="component.unknown")
            self._domains.pop(domain).close(gone)
        for domain, settings in tables.items():
            component = self._domains.get(domain)
            if component is None:
                component = Component(domain, settings, self._server, self._told)
                self._domains[domain] = component
                self._detach[domain] = self._server.router.attach(component.route, domain)
            component.settings, before = settings, component.settings
            if before.secret != settings.secret:
                component.end(StreamError("reset", reason="component.new-secret"))
            if before != settings and component.connected:
                self._server.hooks.component_connected(domain, "")

    def tell(self, component: JID, instance: str, stanza: Stanza) -> None:
        """Send a stanza to an instance of a component, or to all that are there for ""."""
        found = self._domains.get(component)
        if found is not None:
            found.tell(instance, stanza)

    async def restore(self) -> None:
        """Have what was in the store wait on; to be awaited before anybody connects.

        What is for domains that no component serves any more waits for nobody. Raises StoreError.
        """
        for domain, waiting in groupby(await self._server.store.all(), lambda each: each.component):
            component = self._domains.get(domain)
            if component is not None:
                component.place("").restore(waiting)
                continue
            lost = [each.number for each in waiting]
            for number in lost:
                await self._server.store.forget(domain, number)
            log.warn(
                "{count} messages for {domain} are lost: no component serves it any more",
                count=len(lost),
                domain=domain,
            )

    def _told(self, instance: Instance, there: bool) -> None:
        hooks = self._server.hooks
        event = hooks.component_connected if there else hooks.component_gone
        event(instance.domain, instance.name)

    # ------------------------------------------------------------------ streams

    def policy(self, limits: config.Limits) -> ComponentPolicy:
        """What the streams of components are granted."""
        before = Limits(
            limits.stanza_bytes_unauthenticated,
            limits.tag_bytes,
            limits.depth,
            limits.attributes,
        )
        after = Limits(
            LARGER * limits.stanza_bytes,
            LARGER * limits.tag + SPELLED * limits.attributes,
            limits.depth + WRAPPED,
            2 * limits.attributes + WRAPPED,
            Limits().children + WRAPPED,
        )
        return ComponentPolicy(self._secret, before, after, _FEATURES, self._parsers)

    def _secret(self, domain: str) -> str | None:
        component = self._domains.get(domain)
        return None if component is None else component.settings.secret
