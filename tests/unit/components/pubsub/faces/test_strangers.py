"""What a stranger learns of a node that he may not see: that it is there (XEP-0060 §6.1.3, §15.3).

The errors that the specification wants say so: `closed-node` and its like where there is a node,
`item-not-found` where there is none. All else is to be the same, whatever the node is like.
"""

from __future__ import annotations

from xml.etree.ElementTree import tostring

import pytest

from tests.support.pubsub import ACT, PUBSUB, Globe, Person, error, form
from tests.support.server import DOMAIN
from xmppd import ns

JULIET, ROMEO, NURSE = (f"{name}@{DOMAIN}" for name in ("juliet", "romeo", "nurse"))
SERVICES = [PUBSUB, JULIET]
OPTIONS = form("subscribe_options", deliver="1")
ITEM = f"<item id='1'>{ACT}</item>"


def preconditions(**wanted: str) -> str:
    return f"<publish-options>{form('publish-options', **wanted)}</publish-options>"


REQUESTS = {
    # (type, of owners): what is asked, with {n} for the node
    ("get", False): (
        "<items node='{n}'/>",
        "<items node='{n}' max_items='1'/>",
        "<items node='{n}'><item id='1'/></items>",
        "<items node='{n}'><item id='99'/></items>",
        "<items node='{n}' subid='1'/>",
        f"<options node='{{n}}' jid='{ROMEO}'/>",
        f"<options node='{{n}}' jid='{NURSE}'/>",
        "<default node='{n}'/>",
        "<subscriptions node='{n}'/>",
        "<affiliations node='{n}'/>",
    ),
    ("set", False): (
        f"<subscribe node='{{n}}' jid='{ROMEO}'/>",
        f"<subscribe node='{{n}}' jid='{ROMEO}'/><options>{OPTIONS}</options>",
        f"<unsubscribe node='{{n}}' jid='{ROMEO}'/>",
        f"<unsubscribe node='{{n}}' jid='{NURSE}'/>",
        f"<options node='{{n}}' jid='{ROMEO}'>{OPTIONS}</options>",
        f"<publish node='{{n}}'>{ITEM}</publish>",
        "<publish node='{n}'/>",
        f"<publish node='{{n}}'>{ITEM}</publish>{preconditions(title='A title')}",
        f"<publish node='{{n}}'>{ITEM}</publish>{preconditions(access_model='open')}",
        "<retract node='{n}'><item id='1'/></retract>",
        "<retract node='{n}'><item id='99'/></retract>",
    ),
    ("get", True): (
        "<configure node='{n}'/>",
        "<default node='{n}'/>",
        "<subscriptions node='{n}'/>",
        "<affiliations node='{n}'/>",
    ),
    ("set", True): (
        f"<configure node='{{n}}'>{form('node_config', title='Mine')}</configure>",
        f"<subscriptions node='{{n}}'><subscription jid='{ROMEO}' subscription='subscribed'/>"
        "</subscriptions>",
        f"<affiliations node='{{n}}'><affiliation jid='{ROMEO}' affiliation='owner'/>"
        "</affiliations>",
        "<purge node='{n}'/>",
        "<delete node='{n}'/>",
        "<collection node='{n}'><associate node='mine'/></collection>",
        "<collection node='{n}'><dissociate node='mine'/></collection>",
        "<collection node='mine'><associate node='{n}'/></collection>",
    ),
}
SAME = ("<subscriptions node='{n}'/>", "<affiliations node='{n}'/>", "<default node='{n}'/>")
"""What is answered for any node, there or not: one's own, and how nodes are in most (§8.3)."""


def opened(globe: Globe, to: str, model: str) -> Person:
    """A node that is full of secrets, one that has none, and a collection; the stranger."""
    juliet, nurse, romeo = (globe.person(name) for name in ("juliet", "nurse", "romeo"))
    secret = {"title": "A title", "description": "A secret", "itemreply": "publisher"}
    juliet.create("full", to, access_model=model, **secret)
    juliet.create("bare", to, access_model=model, persist_items="0", publish_node_full="reject")
    juliet.create("all", to, access_model=model, node_type="collection")
    for id_ in ("1", "2"):
        juliet.publish("full", id_=id_, to=to)
    juliet.affiliate("full", to, nurse="member")
    assert nurse.subscribe("full", to).get("type") == "result"
    romeo.create("mine", to)
    return romeo


@pytest.mark.parametrize("to", SERVICES)
@pytest.mark.parametrize("model", ["whitelist", "presence", "roster"])
def test_15_3_nodes_that_one_may_not_see_are_all_alike(globe: Globe, to: str, model: str) -> None:
    romeo = opened(globe, to, model)
    for (type_, owner), asked in REQUESTS.items():
        for request in asked:
            said = {}
            for name in ("full", "bare", "all", "none"):
                answer = romeo.pubsub(request.replace("{n}", name), type_, to, owner=owner)
                text = tostring(answer).decode().replace(answer.get("id", ""), "")
                said[name] = text.replace(f'"{name}"', "")
            assert said["full"] == said["bare"] == said["all"], request
            if request in SAME and not (owner and "default" not in request):
                continue
            if said["full"] != said["none"]:
                assert "item-not-found" in said["none"], request


@pytest.mark.parametrize("to", SERVICES)
@pytest.mark.parametrize("model", ["whitelist", "presence", "roster"])
def test_5_2_and_5_3_discovery_knows_nothing_of_them(globe: Globe, to: str, model: str) -> None:
    romeo = opened(globe, to, model)
    for namespace in (ns.DISCO_INFO, ns.DISCO_ITEMS):
        for name in ("full", "bare", "all", "none"):
            answer = romeo.ask(f"<query xmlns='{namespace}' node='{name}'/>", to=to)
            assert error(answer) == ("item-not-found",)
    listed = romeo.ask(f"<query xmlns='{ns.DISCO_ITEMS}'/>", to=to)
    names = [each.get("node") for each in listed.iter(f"{{{ns.DISCO_ITEMS}}}item")]
    assert names == (["mine"] if to == PUBSUB else [])
