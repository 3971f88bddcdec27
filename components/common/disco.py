"""What a component says of itself by service discovery (XEP-0030, with the forms of XEP-0128)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, NamedTuple, NoReturn, TypeAlias

from twisted.internet.defer import Deferred

from components.common.answers import Answer
from components.common.build import Content, Tag
from components.common.component import Component, On
from components.common.stanza import Stanza
from xmppd import ns
from xmppd.errors import StanzaError


class Identity(NamedTuple):
    """One identity (XEP-0030 §3.1)."""

    category: str
    type: str
    name: str = ""


class Item(NamedTuple):
    """One item of a list (XEP-0030 §4.1)."""

    jid: str
    name: str = ""
    node: str = ""


class Info(NamedTuple):
    """What one address, or a node of it, is and can do. `forms` are data forms, ready to send."""

    identities: Iterable[Identity] = ()
    features: Iterable[str] = ()
    forms: Iterable[Content] = ()

    def tag(self, node: str = "") -> Tag:
        """The answer; it names the node that was asked for (XEP-0030 §3.2)."""
        children: list[Content] = []
        for category, type_, name in self.identities:
            attrs = {"category": category, "type": type_, "name": name or None}
            children.append(Tag("identity", attrs))
        children += [Tag("feature", {"var": feature}) for feature in sorted(set(self.features))]
        return Tag("query", {"node": node or None}, [*children, *self.forms], ns=ns.DISCO_INFO)


def items_tag(items: Iterable[Item], node: str = "", *content: Content) -> Tag:
    """The answer to who wants the items of an address; `content` stands behind them."""
    tags = [
        Tag("item", {"jid": i.jid, "name": i.name or None, "node": i.node or None}) for i in items
    ]
    return Tag("query", {"node": node or None}, [*tags, *content], ns=ns.DISCO_ITEMS)


Tell: TypeAlias = Callable[
    [Stanza, str], Answer | Deferred[Answer] | Coroutine[Deferred[Any], Any, Answer]
]
"""Answers a disco request for an address and a node ("" for none); raises StanzaError."""


class Disco:
    """The answers of the service itself; those of addresses at its domain are somebody else's."""

    def __init__(self, component: Component) -> None:
        self.identities: list[Identity] = []
        self.features: set[str] = {ns.DISCO_INFO, ns.DISCO_ITEMS}
        self.forms: list[Content] = []
        self._nodes: dict[str, Callable[[], Info]] = {}
        self._others: Tell = _unknown
        self._node_items: dict[str, Tell] = {}
        self._items: Tell = lambda stanza, node: items_tag((), node)
        self._items_of_nodes: Tell = self._of_known
        for feature, answer in ((ns.DISCO_INFO, self._info), (ns.DISCO_ITEMS, self._listed)):
            component.iq("get", f"{feature} query", answer)
        self._component = component

    def add(self, *features: str, identity: Identity | None = None) -> None:
        """Tell of features, and of an identity."""
        self.features.update(features)
        if identity is not None:
            self.identities.append(identity)

    def node(self, name: str, info: Callable[[], Info]) -> None:
        """Have a node of the service answered by what `info` gives then."""
        self._nodes[name] = info

    def nodes(self, tell: Tell) -> None:
        """Have `tell` answer for all other nodes of the service."""
        self._others = tell

    def node_items(self, name: str, tell: Tell) -> None:
        """Have `tell` list the items of this node of the service."""
        self._node_items[name] = tell

    def items(self, tell: Tell, *, nodes: bool = False) -> None:
        """Have `tell` list the items of the service; with `nodes` those of any other node, too."""
        self._items = tell
        if nodes:
            self._items_of_nodes = tell

    def addresses(self, info: Tell, items: Tell, *, nodes: bool = False) -> None:
        """Have disco requests answered that are for addresses at the component's domain.

        Without `nodes` their nodes are not found.
        """
        for feature, tell in ((ns.DISCO_INFO, info), (ns.DISCO_ITEMS, items)):
            answer = partial(_told, tell, nodes)
            self._component.iq("get", f"{feature} query", answer, On.ADDRESS)

    def _info(self, stanza: Stanza) -> Any:
        node = _node(stanza)
        if not node:
            return Info(self.identities, self.features, self.forms).tag()
        info = self._nodes.get(node)
        return self._others(stanza, node) if info is None else info().tag(node)

    def _listed(self, stanza: Stanza) -> Any:
        node = _node(stanza)
        if not node:
            return self._items(stanza, node)
        return self._node_items.get(node, self._items_of_nodes)(stanza, node)

    def _of_known(self, stanza: Stanza, node: str) -> Tag:
        """Nothing is in a node that is known by what it is; any other is not found (§7)."""
        if node not in self._nodes:
            _unknown(stanza, node)
        return items_tag((), node)


def _unknown(stanza: Stanza, node: str) -> NoReturn:
    raise StanzaError("item-not-found", reason="stanza.node")


def _told(tell: Tell, nodes: bool, stanza: Stanza) -> Any:
    node = _node(stanza)
    return tell(stanza, node) if nodes or not node else _unknown(stanza, node)


def _node(stanza: Stanza) -> str:
    return stanza.payload.get("node", "")
