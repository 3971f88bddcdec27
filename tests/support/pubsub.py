"""Publish-subscribe at xmppd, both in memory, and the people who use it.

    globe = Globe().start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    juliet.create("play")
    romeo.subscribe("play")
    juliet.publish("play", "<act xmlns='urn:example:play'/>", id_="1")
    assert romeo.event().find(f"{E}items").get("node") == "play"

`to` says which service: the domain's, where nothing is said, or an account's bare JID.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from components.pubsub.assembly import assemble
from components.pubsub.model import settings as setting
from components.pubsub.model.node import Address, Node
from components.pubsub.model.policy import Policy
from components.pubsub.store.nodes import SCHEMA
from tests.support.deferred import result
from tests.support.meeting import Meeting
from tests.support.people import C
from tests.support.server import DOMAIN, Client
from xmppd import ns
from xmppd.jid import JID
from xmppd.storage.interfaces import Database
from xmppd.storage.url import open_database

PUBSUB = f"pubsub.{DOMAIN}"
NS = "http://jabber.org/protocol/pubsub"
P, OWNER, E, X = (f"{{{NS}{part}}}" for part in ("", "#owner", "#event", "#errors"))
ACT = "<act xmlns='urn:example:play'>The balcony</act>"

GRANTS: dict[str, Any] = {
    "delegation": {
        NS: (),
        f"{NS}#owner": (),
        ns.PRIVATE: (),
        "urn:xmpp:delegation:2:bare:disco#info:*": (),
        "urn:xmpp:delegation:2:bare:disco#items:*": (),
    },
    "roster": "get",
    "presence": "roster",
    "interests": True,
    "message": "outgoing",
    "iq": {ns.PRIVATE: "both"},
    "multicast": 1000,
}


class Globe(Meeting):
    """The component with a store in memory. `policy` has fields of `Policy`.

    `database` is another component's store, which this one takes over. `instances` says how many
    of it there may be: `beside` has one more at the same server, with the same store. `others` are
    tables of further components.
    """

    domain = PUBSUB
    accounts = ("juliet", "romeo", "mercutio", "tybalt", "nurse", "benvolio", "paris", "friar")

    def __init__(
        self,
        *,
        database: Database | None = None,
        instances: int = 1,
        instance: str = "",
        route_by: str = "to",
        beside: Globe | None = None,
        others: Mapping[str, Mapping[str, Any]] | None = None,
        **policy: Any,
    ) -> None:
        admins = frozenset(map(JID.parse, policy.pop("admins", ())))
        self.policy = Policy(domains=(DOMAIN,), admins=admins, **policy)
        self.database = database if beside is None else beside.database
        self.all: list[Globe] = [] if beside is None else beside.all
        self.all.append(self)
        super().__init__(
            others,
            beside=beside,
            instance=instance,
            instances=instances,
            route_by=route_by,
            **GRANTS,
        )

    def pump(self) -> Self:
        for _ in self.all:
            for each in self.all:
                if hasattr(each, "line"):
                    Meeting.pump(each)
                    self.server.clock.advance(0)  # what happens behind an answer
                    Meeting.pump(each)
        return self

    def introduced(self) -> None:  # type: ignore[override]
        if self.database is None:
            clock = self.server.clock
            self.database = result(open_database("sqlite::memory:", SCHEMA, clock, Path()))
        self.service = assemble(self.component, self.database, self.policy, self.life, "The Globe")

    def person(self, name: str, resource: str = "street", caps: str = "") -> Person:
        """Somebody who has logged in and is available."""
        person = Person(self, self.server.log_in(name, resource))
        person.send(f"<presence>{caps}</presence>").came()
        return person

    def node(self, name: str, service: str = PUBSUB) -> Node:
        """A node as the component has it in memory."""
        node = self.service.nodes.at_hand(Address(JID.parse(service), name))
        assert node is not None, f"{name} is not open"
        return node

    def set_up(self, name: str, service: str = PUBSUB, **changes: Any) -> Self:
        """Have a node set up otherwise, and nobody told of it; `changes` are of `Settings`."""
        node = self.node(name, service)
        node.settings = node.settings.change(**changes)
        result(self.service.store.save(node.id, setting.stored(node.settings)))
        return self

    def again(self) -> Self:
        """Start another process of the component, on the same store."""
        self.kill()
        self.begin()
        return self.start().pass_time(5)

    def pass_time(self, seconds: float) -> Self:
        """Let time pass, in steps in which the line is not taken for dead."""
        while seconds > 0:
            self.server.clock.advance(min(seconds, 10))
            self.pump()
            seconds -= 10
        return self


class Person:
    """A client of somebody."""

    def __init__(self, globe: Globe, client: Client) -> None:
        assert client.jid is not None
        self.globe = globe
        self.client = client
        self.jid: JID = client.jid
        self._ids = 0
        self.others: list[Element] = []
        self.came()

    def send(self, data: str) -> Self:
        """Send a stanza."""
        self.client.send(data)
        self.globe.pump()
        return self

    def came(self) -> list[Element]:
        """What came since the last look."""
        self.globe.pump()
        return self.client.elements()

    def ask(self, payload: str, type_: str = "get", to: str = PUBSUB) -> Element:
        """The answer to a request; all that came besides is in `others`."""
        self._ids += 1
        id_ = f"q{self._ids}"
        address = f" to={quoteattr(to)}" if to else ""
        self.send(f"<iq type='{type_}' id='{id_}'{address}>{payload}</iq>")
        found = self.came()
        answers = [each for each in found if each.get("id") == id_ and each.tag == f"{C}iq"]
        assert len(answers) == 1, f"{len(answers)} answers to {payload}"
        self.others += [each for each in found if each is not answers[0]]
        return answers[0]

    def events(self) -> list[Element]:
        """The events that came since the last look, with their messages' attributes.

        Each is the `<event/>`; `message` of the person's is in `messages`, in the same order.
        """
        found, self.others = [*self.others, *self.came()], []
        self.messages = [each for each in found if each.find(f"{E}event") is not None]
        return [event for each in self.messages for event in each.iterfind(f"{E}event")]

    def event(self) -> Element:
        """The one event that came since the last look."""
        (event,) = self.events()
        return event

    # ------------------------------------------------------------------ requests

    def pubsub(
        self, inner: str, type_: str = "set", to: str = PUBSUB, *, owner: bool = False
    ) -> Element:
        """The answer to a request of XEP-0060."""
        namespace = f"{NS}#owner" if owner else NS
        return self.ask(f"<pubsub xmlns='{namespace}'>{inner}</pubsub>", type_, to)

    def create(self, node: str, to: str = PUBSUB, **config: str) -> Element:
        """Create a node; `config` has fields of its form without their `pubsub#`."""
        configure = f"<configure>{form('node_config', **config)}</configure>" if config else ""
        return self.pubsub(f"<create node={quoteattr(node)}/>{configure}", to=to)

    def publish(
        self, node: str, payload: str = ACT, id_: str = "", to: str = PUBSUB, **options: str
    ) -> Element:
        """Publish an item; `options` are preconditions (§7.1.5)."""
        attr = f" id={quoteattr(id_)}" if id_ else ""
        behind = form("publish-options", **options) if options else ""
        behind = f"<publish-options>{behind}</publish-options>" if options else ""
        item = f"<item{attr}>{payload}</item>"
        return self.pubsub(f"<publish node={quoteattr(node)}>{item}</publish>{behind}", to=to)

    def retract(self, node: str, id_: str, to: str = PUBSUB, notify: str = "") -> Element:
        """Delete an item."""
        attr = f" notify='{notify}'" if notify else ""
        item = f"<item id={quoteattr(id_)}/>"
        return self.pubsub(f"<retract node={quoteattr(node)}{attr}>{item}</retract>", to=to)

    def subscribe(
        self, node: str, to: str = PUBSUB, jid: str = "", *, more: bool = False
    ) -> Element:
        """Subscribe, by bare JID unless another is named; with `more` once more (§6.1.6)."""
        who = quoteattr(jid or self.jid.bare)
        behind = f"<options>{form('subscribe_options')}</options>" if more else ""
        return self.pubsub(f"<subscribe node={quoteattr(node)} jid={who}/>{behind}", to=to)

    def unsubscribe(self, node: str, to: str = PUBSUB, jid: str = "", subid: str = "") -> Element:
        """Unsubscribe."""
        who = quoteattr(jid or self.jid.bare)
        attr = f" subid={quoteattr(subid)}" if subid else ""
        return self.pubsub(f"<unsubscribe node={quoteattr(node)} jid={who}{attr}/>", to=to)

    def items(self, node: str, to: str = PUBSUB, *ids: str, most: int | None = None) -> Element:
        """The answer to a request for items."""
        attr = "" if most is None else f" max_items='{most}'"
        inner = "".join(f"<item id={quoteattr(id_)}/>" for id_ in ids)
        return self.pubsub(f"<items node={quoteattr(node)}{attr}>{inner}</items>", "get", to)

    def ids(self, node: str, to: str = PUBSUB) -> list[str]:
        """The ids of the items that there are."""
        answer = self.items(node, to)
        assert answer.get("type") == "result", error(answer)
        return [each.get("id", "") for each in answer.iter(f"{P}item")]

    def configure(self, node: str, to: str = PUBSUB, **config: str) -> Element:
        """Set a node up otherwise (§8.2)."""
        inner = form("node_config", **config)
        return self.pubsub(
            f"<configure node={quoteattr(node)}>{inner}</configure>", to=to, owner=True
        )

    def affiliate(self, node: str, to: str = PUBSUB, **ranks: str) -> Element:
        """Give users of the server affiliations (§8.9.2), by their names."""
        inner = "".join(
            f"<affiliation jid='{name}@{DOMAIN}' affiliation='{rank}'/>"
            for name, rank in ranks.items()
        )
        inner = f"<affiliations node={quoteattr(node)}>{inner}</affiliations>"
        return self.pubsub(inner, to=to, owner=True)


def form(kind: str, **fields: str | list[str]) -> str:
    """A submitted form of `pubsub#kind`; "_" in a field's name stands as it is."""
    said = [f"<field var='FORM_TYPE' type='hidden'><value>{NS}#{kind}</value></field>"]
    for name, value in fields.items():
        values = [value] if isinstance(value, str) else value
        inner = "".join(f"<value>{each}</value>" for each in values)
        said.append(f"<field var='pubsub#{name}'>{inner}</field>")
    return f"<x xmlns='{ns.DATA_FORM}' type='submit'>{''.join(said)}</x>"


def subscriptions(answer: Element) -> list[tuple[str, str]]:
    """Who is subscribed, and how far, as an answer or an event tells it."""
    found = [each for each in answer.iter() if each.tag.endswith("}subscription")]
    return [(each.get("jid", ""), each.get("subscription", "")) for each in found]


def subid(answer: Element) -> str:
    """The SubID of the one subscription that an answer is about."""
    (found,) = [each for each in answer.iter() if each.tag.endswith("}subscription")]
    return found.get("subid", "")


def error(answer: Element) -> tuple[str, ...]:
    """The conditions of an error: RFC 6120's, and that of pubsub if there is one."""
    found = answer.find(f"{C}error")
    assert found is not None, [each.tag for each in answer.iter()]
    names = []
    for each in found:
        namespace, _, local = each.tag.removeprefix("{").rpartition("}")
        if local != "text" and namespace in (ns.STANZA_ERRORS, X[1:-1]):
            names.append(local)
    return tuple(names)


def befriend(one: Person, *others: Person) -> None:
    """Have people see each other's presence (RFC 6121 §3)."""
    for other in others:
        for asker, asked in ((one, other), (other, one)):
            asker.send(f"<presence type='subscribe' to='{asked.jid.bare}'/>")
            asked.send(f"<presence type='subscribed' to='{asker.jid.bare}'/>")
    for each in (one, *others):
        each.came()
