"""Several instances that share a service's nodes (XEP-0060, XEP-0030 §3.2)."""

from __future__ import annotations

import re

import pytest
from twisted.internet.defer import Deferred

from tests.support.components import ECHO, Component, table
from tests.support.server import Client, Verona
from xmppd import ns
from xmppd.core.components import choice, node
from xmppd.core.components.choice import Owners
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

HERE = JID(ECHO)
NODES = [f"princely_musings_{number}" for number in range(20)]


def iq(inner: str, type_: str = "set", kind: str = "iq") -> Stanza:
    return Stanza(kind, {"type": type_, "id": "1"}, None, inner.encode())


def pubsub(inner: str, namespace: str = ns.PUBSUB) -> str:
    return f"<pubsub xmlns='{namespace}'>{inner}</pubsub>"


PROBE = "<probe xmlns='urn:probe' node='%s'/>"
ITEM = "<item><entry xmlns='urn:x' node='other'>&lt;&amp;</entry></item>"


@pytest.mark.parametrize(
    ("inner", "named"),
    [
        (pubsub(f"<publish node='tune'>{ITEM}</publish>"), "tune"),
        (pubsub("<create node='tune'/><configure node='mood'/>"), "tune"),
        (pubsub("<configure/><options node='tune'/>"), "tune"),
        (pubsub("<configure node='tune'/>", ns.PUBSUB_OWNER), "tune"),
        (pubsub(f"<publish>{ITEM}</publish>"), ""),
        (pubsub("<subscriptions/>"), ""),
        (pubsub("<items node=''/><items node='tune'/>"), ""),
        (pubsub("<items node='a&amp;b&#33; &apos;'/>"), "a&b! '"),
        (pubsub("<items node='tune'/>", "urn:x"), ""),
        (f"<p:pubsub xmlns:p='{ns.PUBSUB}'><p:items node='tune'/></p:pubsub>", "tune"),
        (f"<p:pubsub xmlns:p='{ns.PUBSUB}'><p:items p:node='tune'/></p:pubsub>", ""),
        (pubsub(f"<publish n='{'x' * 9_000}' node='tüne'>{ITEM * 500}</publish>"), "tüne"),
        (pubsub(f"<x>{'ü' * 9_000}</x><items node='tune'/>"), "tune"),
        (f"<query xmlns='{ns.DISCO_INFO}' node='tune'/>", "tune"),
        (f"<query xmlns='{ns.DISCO_ITEMS}' node='tune'/>", "tune"),
        (f"<query xmlns='{ns.DISCO_INFO}'><x node='tune'/></query>", ""),
        ("<query xmlns='urn:x' node='tune'/>", ""),
        ("<x xmlns='urn:x'>" + pubsub("<items node='tune'/>") + "</x>", ""),
    ],
)
def test_the_node_is_that_of_the_first_element_that_has_one(inner: str, named: str) -> None:
    for type_ in ("get", "set"):
        assert node.named(iq(inner, type_)) == named


def test_only_requests_name_nodes() -> None:
    inner = pubsub("<items node='tune'/>")
    assert [node.named(iq(inner, type_)) for type_ in ("result", "error")] == ["", ""]
    assert node.named(iq(inner, "get", "message")) == ""


def test_a_key_is_of_one_address_and_one_node() -> None:
    assert node.key(JID(f"{ECHO}/x")) == node.key(HERE, "") == ECHO
    assert node.key(HERE, "tune") == f"{ECHO}\0tune"


def test_a_node_as_long_as_a_stanza_is_not_remembered() -> None:
    owners = Owners("ab")
    long = node.key(HERE, "x" * choice.LONGEST_REMEMBERED)
    assert owners.of(long) == owners.of(long) == Owners("ba").of(long)
    assert not owners._known


# ------------------------------------------------------------------ two instances


@pytest.fixture
def server() -> Verona:
    grants = table(instances=2, route_by="node", delegation={"urn:probe": ()})
    return Verona(components={ECHO: grants})


@pytest.fixture
def juliet(server: Verona) -> Client:
    return server.log_in("juliet", "balcony")


ANNOUNCED = re.compile(rb"<iq ([^>]*)><instances (.*?)</instances></iq>")


def let_go(component: Component) -> bytes:
    """Answer all announcements; what else came since it was last read."""
    data = component.take()
    for attrs, instances in ANNOUNCED.findall(data):
        assert b" by='node'" in instances
        id_ = re.search(rb" id='([^']*)'", attrs)
        assert id_ is not None
        component.send(f"<iq type='result' id='{id_[1].decode()}' to='capulet.lit'/>")
    return ANNOUNCED.sub(b"", data)


def connect(server: Verona, *names: str) -> list[Component]:
    components = [Component(server).log_in(name) for name in names]
    for component in components:
        let_go(component)
    for component in components:
        let_go(component)
    return components


def ask(client: Client, *names: str, to: str = ECHO) -> None:
    for name in names:
        inner = pubsub(f"<items node='{name}'/>")
        client.send(f"<iq type='get' id='{name}' to='{to}'>{inner}</iq>")


def asked(component: Component) -> list[str]:
    return [id_.decode() for id_ in re.findall(rb" id='(princely\w+)'", component.take())]


def test_nodes_at_the_domain_are_shared(server: Verona, juliet: Client) -> None:
    both = dict(zip("ab", connect(server, "a", "b"), strict=True))
    ask(juliet, *NODES)
    owners = Owners("ab")
    for name, component in both.items():
        mine = [each for each in NODES if owners.of(node.key(HERE, each)) == name]
        assert mine and asked(component) == mine


def test_all_else_goes_by_the_address(server: Verona, juliet: Client) -> None:
    """What names no node, what is no request, and what is for an address at the domain."""
    both = dict(zip("ab", connect(server, "a", "b"), strict=True))
    owners = Owners("ab")
    room = f"room@{ECHO}"
    ask(juliet, *NODES, to=room)
    assert asked(both[owners.of(room)]) == NODES
    juliet.send(f"<iq type='get' id='princely_s' to='{ECHO}'>{pubsub('<subscriptions/>')}</iq>")
    for name in NODES:
        inner = pubsub(f"<items node='{name}'/>")
        juliet.send(f"<message id='{name}' to='{ECHO}'>{inner}</message>")
    assert asked(both[owners.of(ECHO)]) == ["princely_s", *NODES]
    assert not any(component.take() for component in both.values())


def test_a_delegated_request_goes_by_the_account(server: Verona, juliet: Client) -> None:
    """XEP-0355: whatever node it names."""
    both = dict(zip("ab", connect(server, "a", "b"), strict=True))
    for name in NODES:
        juliet.send(f"<iq type='get' id='{name}'>{PROBE % name}</iq>")
    owner = Owners("ab").of("juliet@capulet.lit")
    counts = {name: component.take().count(b"<delegation ") for name, component in both.items()}
    assert counts == {owner: len(NODES), "ab".replace(owner, ""): 0}


def test_a_node_moves_once_its_owner_has_let_go(server: Verona, juliet: Client) -> None:
    (a,) = connect(server, "a")
    b = Component(server).log_in("b")
    let_go(b)
    ask(juliet, *NODES)
    owners = Owners("ab")
    moved = [each for each in NODES if owners.of(node.key(HERE, each)) == "b"]
    waiting = let_go(a)
    assert moved and not any(f" id='{each}'".encode() in waiting for each in moved)
    assert asked(b) == moved


def test_what_was_held_back_goes_to_who_has_its_node_by_then(
    server: Verona, juliet: Client
) -> None:
    """One of two is drained: what comes for its nodes meanwhile is the other's when it is gone."""
    both = dict(zip("ab", connect(server, "a", "b"), strict=True))
    component = server.host.components.get(ECHO)
    assert component is not None
    owners = Owners("ab")
    mine = [each for each in NODES if owners.of(node.key(HERE, each)) == "a"]
    ask(juliet, mine[0])
    draining = Deferred.fromCoroutine(component.drain(1, "a"))
    ask(juliet, *mine[1:])
    assert asked(both["a"]) == mine[:1]
    server.clock.pump([0.1] * 12)
    assert draining.called and both["a"].closed
    both["a"].hang_up()
    assert {name for name in mine[1:] if f"'{name}'".encode() in both["b"].log} == set(mine[1:])
