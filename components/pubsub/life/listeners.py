"""Other services of the same server that want events of accounts: they say so as clients do.

A service has no account, sees nobody's presence, and could subscribe to no node before there is
one. Where its disco#info has a node with `+notify` behind it (XEP-0163 §4.2) it is told of the
nodes of that name that everybody may read, at all accounts: so xmppd's vCards have the avatar that
an account has published (XEP-0398 §3.1). The server is asked every now and then who is there.

One that is away for a while is told all the same: the server keeps messages for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from components.common.build import Tag
from components.common.component import Component
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from xmppd import ns
from xmppd.jid import JID, JIDError

log = Logger(namespace="component")

FIRST, EVERY = 2.0, 60.0
"""Seconds after which it is asked for the first time on a stream, and how often in the end: each
time it takes twice as long, for what starts with the server comes soon after this one."""

KEPT = 600.0
"""Seconds for which one that is away is told, as long as the server keeps messages for it by its
own default."""

MOST = 50
"""Services that are asked what they want."""

_ITEM = f".//{{{ns.DISCO_ITEMS}}}item"
_FEATURE = f".//{{{ns.DISCO_INFO}}}feature"
_NOTIFY = "+notify"


class _Known(NamedTuple):
    """What a service wanted when it was last asked, and when that was."""

    nodes: frozenset[str]
    at: float


class Listeners:
    """Those that are known."""

    def __init__(self, component: Component, clock: IReactorTime) -> None:
        self._component = component
        self._clock = clock
        self._known: dict[JID, _Known] = {}
        self._wanting: dict[str, list[JID]] = {}
        """By node."""
        self._stream = 0
        """How many there have been."""
        self._asking = False
        component.on_open(self._opened)

    def wanting(self, node: str) -> Sequence[JID]:
        """The services that want events of nodes of this name."""
        return self._wanting.get(node, ())

    def _opened(self, resumed: bool) -> None:
        if not resumed:
            self._stream += 1
            self._clock.callLater(FIRST, self._look, self._stream, FIRST)

    def _look(self, stream: int, waited: float) -> None:
        if stream == self._stream:
            wait = min(2 * waited, EVERY)
            self._clock.callLater(wait, self._look, stream, wait)
            if not self._asking:  # one that does not answer is not asked by several at a time
                self._asking = True
                asking = Deferred.fromCoroutine(self._ask())
                asking.addErrback(lambda failure: log.failure("services were not asked", failure))
                asking.addBoth(self._asked)

    def _asked(self, _: object) -> None:
        self._asking = False

    async def _ask(self) -> None:
        for service in await self._services():
            nodes = await self._wanted(service)
            if nodes is not None:
                self._known[service] = _Known(nodes, self._clock.seconds())
        oldest = self._clock.seconds() - KEPT
        self._known = {jid: each for jid, each in self._known.items() if each.at > oldest}
        wanting: dict[str, list[JID]] = {}
        for service, known in self._known.items():
            for node in known.nodes:
                wanting.setdefault(node, []).append(service)
        self._wanting = wanting

    async def _services(self) -> Sequence[JID]:
        server = self._component.servers[0]
        answer = await self._answer(server, ns.DISCO_ITEMS)
        found = []
        for item in [] if answer is None else answer.element.iterfind(_ITEM):
            try:
                jid = JID.parse(item.get("jid", ""))
            except JIDError:
                continue
            if not jid.local and jid != self._component.domain:
                found.append(jid)
        return found[:MOST]

    async def _wanted(self, service: JID) -> frozenset[str] | None:
        """The nodes that a service wants; None where it does not say."""
        answer = await self._answer(service, ns.DISCO_INFO)
        if answer is None:
            return None
        features = {each.get("var", "") for each in answer.element.iterfind(_FEATURE)}
        return frozenset(each.removesuffix(_NOTIFY) for each in features if each.endswith(_NOTIFY))

    async def _answer(self, jid: JID, namespace: str) -> Stanza | None:
        try:
            return await self._component.ask(jid, "get", Tag("query", ns=namespace))
        except RequestFailed:
            return None  # it is asked again
