"""A PEP service in memory (XEP-0163), no more of it than publishing, reading and events."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

from tests.support.components import Component, table
from tests.support.server import Verona
from xmppd import ns

PUBSUB = "pubsub.capulet.lit"
P = "{http://jabber.org/protocol/pubsub}"
E = "http://jabber.org/protocol/pubsub#event"
GRANTS = table(delegation={P[1:-1]: ()}, message="outgoing")
C = f"{{{ns.CLIENT}}}"


class Service(Component):
    """The service. `nodes` has, by owner and node, the access model and the items.

    It tells `listener` of what is published, in the owner's name. `seen` are requests for nodes.
    """

    def __init__(self, server: Verona, listener: str) -> None:
        super().__init__(server, PUBSUB)
        self.nodes: dict[tuple[str, str], tuple[str, dict[str, Element]]] = {}
        self.seen: list[tuple[str, str, str]] = []
        self.silent = False
        """Whether it leaves requests unanswered."""
        self.slow = False
        """Whether it leaves them until it is quick again."""
        self._left: list[Element] = []
        self.refusal = ""
        """The condition with which it refuses what is to be published, "" for not at all."""
        self.busy = False
        """Whether it has no time for anybody."""
        self.listener = listener

    def make(self, owner: str, node: str, access: str) -> None:
        self.nodes[owner, node] = (access, {})

    def close(self, owner: str, node: str) -> None:
        """Let nobody see a node any more but the owner's contacts."""
        self.nodes[owner, node] = ("presence", self.nodes[owner, node][1])

    def items(self, owner: str, node: str) -> dict[str, Element]:
        return self.nodes.get((owner, node), ("", {}))[1]

    def react(self) -> bool:
        """Answer what has come; whether anything had."""
        found = [each for each in self.elements() if each.find(f"{{{ns.DELEGATION}}}delegation")]
        asked = self._left + [each for each in found if each.get("type") == "set"]
        self._left = asked if self.slow else []
        if self.slow:
            return False
        for envelope in asked if not self.silent else ():
            request = next(envelope.iter(f"{C}iq"))
            self._answer(envelope, request, self._handled(request))
        return bool(asked) and not self.silent

    def tell(self, owner: str, node: str, item: str, payload: str) -> None:
        """Tell of an item in the owner's name (XEP-0356 §5)."""
        inner = f"<item id='{item}'>{payload}</item>"
        self.tell_of(owner, f"<items node='{node}'>{inner}</items>")

    def tell_of(self, owner: str, inner: str) -> None:
        """Tell of what has happened to a node."""
        event = f"<event xmlns='{E}'>{inner}</event>"
        message = (
            f"<message xmlns='{ns.CLIENT}' type='headline' from='{owner}' to='{self.listener}'>"
            f"{event}</message>"
        )
        self.send(
            f"<message from='{PUBSUB}' to='capulet.lit'><privilege xmlns='{ns.PRIVILEGE}'>"
            f"<forwarded xmlns='{ns.FORWARD}'>{message}</forwarded></privilege></message>"
        )

    # ------------------------------------------------------------------ one request

    def _handled(self, request: Element) -> str:
        owner, sender = request.get("to", ""), request.get("from", "")
        if self.busy:
            return _error("wait", "resource-constraint")
        publish = request.find(f"{P}pubsub/{P}publish")
        if publish is not None:
            return self._publish(owner, sender, request, publish)
        retract = request.find(f"{P}pubsub/{P}retract")
        if retract is not None:
            return self._retract(owner, retract)
        items = request.find(f"{P}pubsub/{P}items")
        assert items is not None
        node = items.get("node", "")
        if (owner, node) not in self.nodes:
            self.seen.append(("get", node, ""))
            return _error("cancel", "item-not-found")
        access, found = self.nodes[owner, node]
        item = items[0].get("id", "") if len(items) else next(reversed(found), "")
        self.seen.append(("get", node, item))
        if access != "open" and sender.partition("/")[0] != owner:
            return _error("auth", "not-authorized")
        inner = f"<item id='{item}'>{_text(found[item])}</item>" if item in found else ""
        items_ = f"<items node='{node}'>{inner}</items>"
        return f"<pubsub xmlns='{P[1:-1]}'>{items_}</pubsub>"

    def _publish(self, owner: str, sender: str, request: Element, publish: Element) -> str:
        assert sender.partition("/")[0] == owner, "everybody publishes at his own"
        node, (item,) = publish.get("node", ""), publish
        if self.refusal:
            return _error("modify", self.refusal)
        values = [each.text for each in request.iter(f"{{{ns.DATA_FORM}}}value")]
        wants = values[1:] and values[1]
        access, items = self.nodes.setdefault((owner, node), (str(wants or "presence"), {}))
        if wants and wants != access:
            self.seen.append(("refused", node, item.get("id", "")))
            return _error("cancel", "conflict")
        self.seen.append(("set", node, item.get("id", "")))
        items.clear()  # it keeps one (XEP-0163 §5)
        items[item.get("id", "")] = item[0]
        self.tell(owner, node, item.get("id", ""), _text(item[0]))
        return ""

    def _retract(self, owner: str, retract: Element) -> str:
        node, item = retract.get("node", ""), retract[0].get("id", "")
        self.seen.append(("retract", node, item))
        self.nodes[owner, node][1].pop(item)
        self.tell_of(owner, f"<items node='{node}'><retract id='{item}'/></items>")
        return ""

    def _answer(self, envelope: Element, request: Element, inner: str) -> None:
        kind = "error" if inner.startswith("<error") else "result"
        attrs = f"type='{kind}' id='{request.get('id')}' from='{request.get('to')}'"
        reply = f"<iq xmlns='{ns.CLIENT}' {attrs} to='{request.get('from')}'>{inner}</iq>"
        self.send(
            f"<iq type='result' id='{envelope.get('id')}' from='{PUBSUB}'"
            f" to='{envelope.get('from')}'><delegation xmlns='{ns.DELEGATION}'>"
            f"<forwarded xmlns='{ns.FORWARD}'>{reply}</forwarded></delegation></iq>"
        )


def _error(type_: str, condition: str) -> str:
    return f"<error type='{type_}'><{condition} xmlns='{ns.STANZA_ERRORS}'/></error>"


def _text(element: Element) -> str:
    return tostring(element, encoding="unicode")
