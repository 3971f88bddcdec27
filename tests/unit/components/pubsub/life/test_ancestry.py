"""The collections above a node (XEP-0248 §4.1), in one process and where several share nodes."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from components.pubsub.life.ancestry import Above, Ancestry
from components.pubsub.model import settings as setting
from components.pubsub.store.stored import Links, Parent
from tests.support.deferred import result
from tests.support.pubsub import PUBSUB, Globe, Person
from xmppd.jid import JID

SERVICE = JID.parse(PUBSUB)


def above(ancestry: Ancestry, *names: str) -> list[tuple[str, int]]:
    found: list[Above] = result(Deferred.fromCoroutine(ancestry.above(SERVICE, names)))
    return [(each.node.address.name, each.distance) for each in found]


def collections(ancestry: Ancestry, globe: Globe, name: str) -> list[str]:
    return list(result(Deferred.fromCoroutine(ancestry.collections(globe.node(name)))))


def test_each_comes_once_the_nearest_first(globe: Globe, juliet: Person) -> None:
    for name, parents in {"top": [], "left": ["top"], "right": ["top"], "in": ["left"]}.items():
        juliet.create(name, node_type="collection", collection=parents)  # type: ignore[arg-type]
    ancestry = globe.service.ancestry
    expected = [("in", 1), ("right", 1), ("left", 2), ("top", 2)]
    assert above(ancestry, "in", "right") == expected
    assert above(ancestry, "none") == []
    fewer = Ancestry(globe.service.nodes, globe.service.collections, most=3)
    assert above(fewer, "in", "right") == expected[:3]


def test_where_another_instance_may_have_linked_a_node_the_store_is_asked(
    globe: Globe, juliet: Person
) -> None:
    juliet.create("blogs", node_type="collection")
    juliet.create("musings")
    node, blogs = globe.node("musings"), globe.node("blogs")
    links = Links([Parent(blogs.id, 9)], collections=9)
    result(globe.service.store.save(node.id, setting.stored(node.settings), links))
    alone = globe.service.ancestry
    assert collections(alone, globe, "musings") == []
    shared = Ancestry(globe.service.nodes, globe.service.collections, lambda: True)
    assert collections(shared, globe, "musings") == ["blogs"]
