"""IQs for nodes: who answers which. The same answer at the service's domain and at accounts.

    requests.on("set", "publish", publish)
    requests.on("get", "owner configure", form)

A request is known by its first element; what stands behind that one, the answerer reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias
from xml.etree.ElementTree import Element

from components.common import paging
from components.common.answers import Answer
from components.common.component import Component, Later
from components.common.delegation import Delegation, Responder
from components.common.stanza import Stanza
from components.pubsub.faults import unsupported
from components.pubsub.model.node import Address
from components.pubsub.names import PUBSUB, PUBSUB_OWNER
from xmppd.errors import StanzaError
from xmppd.jid import JID


class Request(NamedTuple):
    """What somebody asks of a service: the domain's, or that of an account."""

    stanza: Stanza
    service: JID
    asker: JID
    """Who asks, as a rule with a resource."""
    action: Element
    """The first element in `<pubsub/>`."""
    others: tuple[Element, ...]
    """Those behind it."""

    @property
    def node(self) -> str:
        """The NodeID that the action names, "" for none (§4.6.2)."""
        return self.action.get("node", "")

    @property
    def address(self) -> Address:
        """Where the node is, or would be."""
        return Address(self.service, self.node)

    @property
    def personal(self) -> bool:
        """Whether it is for an account."""
        return bool(self.service.local)

    @property
    def page(self) -> Element | None:
        """The page that is asked for, where it stands beside the action (XEP-0059)."""
        return next((each for each in self.others if each.tag == paging.SET), None)

    def other(self, local: str) -> Element | None:
        """The element of this name beside the action, if there is one."""
        namespace = self.action.tag.rpartition("}")[0]
        for each in self.others:
            if each.tag == f"{namespace}}}{local}":
                return each
        return None


Answerer: TypeAlias = Callable[[Request], Any]
"""Answers a request, as a `Responder` of the component does."""


def of_account(answerer: Responder) -> Responder:
    """Have an answerer get delegated requests to accounts alone (XEP-0163).

    The server's own address has no nodes: it answers as a server does that knows of none.
    """

    def answer(stanza: Stanza) -> Answer | Later:
        if not stanza.attrs.get("to") or not stanza.to.local:
            raise StanzaError("service-unavailable", reason="stanza.unhandled")
        return answerer(stanza)

    return answer


class Requests:
    """Hands requests on, by type and first element."""

    def __init__(self, component: Component, delegation: Delegation) -> None:
        self._answerers: dict[tuple[str, str], Answerer] = {}
        for namespace in (PUBSUB, PUBSUB_OWNER):
            for type_ in ("get", "set"):
                component.iq(type_, f"{namespace} pubsub", self._asked)
                delegation.iq(type_, f"{namespace} pubsub", of_account(self._asked))

    def on(self, type_: str, action: str, answerer: Answerer) -> None:
        """Have requests with this element answered; ``"owner NAME"`` is one of owners (§8).

        Raises ValueError where somebody answers them already.
        """
        key = (type_, action)
        if key in self._answerers:
            raise ValueError(f"{key} has an answerer")
        self._answerers[key] = answerer

    def _asked(self, stanza: Stanza) -> Any:
        pubsub = stanza.payload
        if not len(pubsub):
            raise StanzaError("bad-request", "nothing is asked for", reason="stanza.malformed")
        namespace = pubsub.tag.removeprefix("{").rpartition("}")[0]
        action, *others = pubsub
        space, _, local = action.tag.removeprefix("{").rpartition("}")
        if space != namespace:
            raise StanzaError("bad-request", "an unknown element", reason="stanza.malformed")
        name = f"owner {local}" if namespace == PUBSUB_OWNER else local
        answerer = self._answerers.get((stanza.type, name))
        if answerer is None:
            raise unsupported(local)
        service = stanza.to.bare
        return answerer(Request(stanza, service, stanza.sender, action, tuple(others)))
