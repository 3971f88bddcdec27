"""Namespace Delegation (XEP-0355): requests for the server or its users that a component answers.

    delegation = Delegation(component, disco)
    delegation.iq("get", f"{ns.VCARD} vCard", card_of)
    delegation.namespace(ns.VCARD, features=[ns.VCARD])

A handler gets the request as its sender sent it, and answers as any other does. Nobody but the
server may delegate, and what is for itself or its users: what pretends to be delegated by somebody
else is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from components.common import answers, forwarded
from components.common.answers import Answer
from components.common.component import Component, Later, Passed
from components.common.disco import Disco, Info
from components.common.grants import Grants
from components.common.stanza import Stanza
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="component")

TOLD = 10.0
"""Seconds behind the start of a stream; by then the server has said what it delegates."""

_NAME = f"{ns.DELEGATION} delegation"

Namespaces: TypeAlias = Mapping[str, tuple[str, ...]]
"""The namespaces, each with the attributes that a request must have (§4.2)."""

Responder: TypeAlias = Callable[[Stanza], Answer | Later]
"""Answers a delegated request, now or later, or raises StanzaError."""


Said: TypeAlias = Info | Callable[[], Info]
"""What an address can do: the same always, or what is found then."""


class Delegation:
    """What the servers of a component delegate to it, and who answers."""

    def __init__(self, component: Component, disco: Disco) -> None:
        self._grants: Grants[Namespaces] = Grants(component, _NAME, _read)
        self._component = component
        self._disco = disco
        self._responders: dict[tuple[str, str], Responder] = {}
        self._namespaces: list[str] = []
        """What it answers for; without what the operator was told that nobody delegates."""
        self._looking: IDelayedCall | None = None
        component.on_open(self._opened)
        component.on_lost(self._lost)
        disco.add(ns.DELEGATION)
        component.iq("set", _NAME, self._delegated)

    def iq(self, type_: str, payload: str, responder: Responder) -> None:
        """Have delegated IQs of `type_` with the payload ``"namespace local"`` answered.

        Raises ValueError where somebody answers them already.
        """
        key = (type_, payload)
        if key in self._responders:
            raise ValueError(f"{key} has a responder")
        self._responders[key] = responder

    def namespace(
        self,
        namespace: str,
        *,
        features: Iterable[str] = (),
        bare: Said | None = None,
        server: Said | None = None,
    ) -> None:
        """Tell the server what it may say of itself, and of its users' bare JIDs (§7.2).

        `features` are of both, where `server` or `bare` do not say more; either may be something
        that is called when the server asks.
        """
        self._namespaces.append(namespace)
        plain = Info(features=tuple(features))
        for where, said in (("::", server or plain), (":bare:", bare or plain)):
            tell = (lambda said=said: said) if isinstance(said, Info) else said
            self._disco.node(f"{ns.DELEGATION}{where}{namespace}", tell)

    @property
    def granted(self) -> Mapping[JID, Namespaces]:
        """By server, what it delegates."""
        return self._grants.by_server

    def has(self, namespace: str, server: JID | None = None) -> bool:
        """Whether a server, or any of them, has delegated the namespace."""
        servers = self.granted if server is None else (server,)
        return any(namespace in self.granted.get(one, ()) for one in servers)

    # ------------------------------------------------------------------ what is missing

    def _opened(self, resumed: bool) -> None:
        if not resumed:
            self._looking = self._component.clock.callLater(TOLD, self._look)

    def _lost(self, resumable: bool) -> None:
        if self._looking is not None and self._looking.active():
            self._looking.cancel()

    def _look(self) -> None:
        """Have the operator know, once, what it answers for in vain."""
        for namespace in filter(lambda each: not self.has(each), tuple(self._namespaces)):
            self._namespaces.remove(namespace)
            log.info(
                "no server delegates {namespace} to {domain}: if it should, grant it in the "
                'server\'s configuration ([components."{domain}".delegation])',
                namespace=namespace,
                domain=self._component.domain,
            )

    # ------------------------------------------------------------------ from the server

    def _delegated(self, outer: Stanza) -> Any:
        """Answer what the server delegates (§4.3): an error of ours is a result of its own."""
        self._grants.check(outer)
        request = forwarded.unwrap(outer, _NAME)
        if request is None or request.kind != "iq" or request.type not in ("get", "set"):
            raise StanzaError("bad-request", "no forwarded request", reason="stanza.malformed")
        if request.attrs.get("to") and request.to.domain != outer.sender:
            text = "a request to somebody elsewhere"
            raise StanzaError("forbidden", text, reason="component.not-the-server")
        later = self._component.run(
            self._respond, request, partial(self._result, outer), partial(self._error, outer)
        )
        return Passed.ON if later is None else later.addCallback(lambda _: Passed.ON)

    def _respond(self, request: Stanza) -> Any:
        payload = request.children[0] if request.children else ""
        responder = self._responders.get((request.type, payload))
        if responder is None or len(request.children) != 1:
            raise StanzaError("service-unavailable", reason="stanza.unhandled", detail=payload)
        return responder(request)

    def _result(self, outer: Stanza, request: Stanza, answer: Answer) -> None:
        self._send(outer, answers.result(request, answer, ns.CLIENT))

    def _error(self, outer: Stanza, request: Stanza, error: StanzaError) -> None:
        # As an error of the delegation itself, its condition would be lost (§4.3, second note).
        self._send(outer, answers.error(request, error, ns.CLIENT))

    def _send(self, outer: Stanza, reply: bytes) -> None:
        self._component.send(answers.result(outer, forwarded.wrap(reply, _NAME)))


def _read(stanza: Stanza) -> Namespaces:
    granted: dict[str, tuple[str, ...]] = {}
    for delegated in stanza.element.iterfind(
        f"{{{ns.DELEGATION}}}delegation/{{{ns.DELEGATION}}}delegated"
    ):
        attributes = delegated.iterfind(f"{{{ns.DELEGATION}}}attribute")
        names = tuple(attribute.get("name", "") for attribute in attributes)
        granted[delegated.get("namespace", "")] = names
    return granted
