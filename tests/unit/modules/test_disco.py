"""Service Discovery (XEP-0030) as clients see it."""

import pytest

from tests.support.people import friends, put
from tests.support.privacy import do, put_list, rule
from tests.support.server import DOMAIN, Verona, condition
from xmppd import ns
from xmppd.core.disco import CAPS_NODE
from xmppd.core.iq import On
from xmppd.jid import JID
from xmppd.subscription import BOTH, FROM, LISTED, NONE_IN, NONE_OUT, TO

INFO = f"<query xmlns='{ns.DISCO_INFO}'/>"
ITEMS = f"<query xmlns='{ns.DISCO_ITEMS}'/>"
JULIET, ROMEO, NOBODY = (f"{name}@{DOMAIN}" for name in ("juliet", "romeo", "nobody"))


def info_node(node):
    return f"<query xmlns='{ns.DISCO_INFO}' node='{node}'/>"


def items_node(node):
    return f"<query xmlns='{ns.DISCO_ITEMS}' node='{node}'/>"


def identities(answer):
    return [
        (i.get("category"), i.get("type"), i.get("name"))
        for i in answer.iterfind(f".//{{{ns.DISCO_INFO}}}identity")
    ]


def features(answer):
    return [f.get("var") for f in answer.iterfind(f".//{{{ns.DISCO_INFO}}}feature")]


def items(answer):
    return [i.get("jid") for i in answer.iterfind(f".//{{{ns.DISCO_ITEMS}}}item")]


def said(answer):
    """All of a stanza but what names the request."""
    return answer.get("type"), condition(answer), [child.tag for child in answer.iter()][1:]


def test_3_1_the_server_is_a_server_im_with_its_features_named_once(juliet):
    answer = juliet.ask(INFO, to=DOMAIN)
    assert identities(answer) == [("server", "im", "xmppd")]
    found = features(answer)
    assert {ns.DISCO_INFO, ns.DISCO_ITEMS, ns.PING, ns.VERSION, ns.TIME, ns.LAST} <= set(found)
    assert len(found) == len(set(found))


def test_3_1_ones_own_account_is_registered_asked_by_address_or_by_none(juliet):
    for to in (None, f"juliet@{DOMAIN}"):
        answer = juliet.ask(INFO, to=to)
        assert identities(answer) == [("account", "registered", None)]
        assert ns.DISCO_INFO in features(answer)


def test_8_rule_1_a_stranger_cant_tell_an_account_from_none(juliet):
    for request in (INFO, info_node("http://jabber.org/protocol/commands")):
        known, unknown = juliet.ask(request, to=ROMEO), juliet.ask(request, to=NOBODY)
        assert condition(known) == "service-unavailable"
        assert said(known) == said(unknown)


def test_8_rule_2_a_stranger_sees_no_items_of_an_account_or_of_none(server, juliet):
    server.log_in("romeo", "orchard").send("<presence/>")
    for request in (ITEMS, items_node("elsinore")):
        known, unknown = juliet.ask(request, to=ROMEO), juliet.ask(request, to=NOBODY)
        assert (known.get("type"), items(known)) == ("result", [])
        assert known[0].get("node") == ("elsinore" if "elsinore" in request else None)
        assert said(known) == said(unknown)


@pytest.mark.parametrize("state", [0, LISTED, LISTED | TO, NONE_IN, NONE_OUT | LISTED])
@pytest.mark.parametrize("request_", [INFO, ITEMS])
def test_8_whom_the_user_does_not_let_see_his_presence_is_a_stranger(
    server, juliet, request_, state
):
    if state:
        put(server, ROMEO, JULIET, state)
    server.log_in("romeo", "orchard").send("<presence/>")
    known, unknown = juliet.ask(request_, to=ROMEO), juliet.ask(request_, to=NOBODY)
    assert said(known) == said(unknown)
    assert not items(known)


@pytest.mark.parametrize("state", [FROM | LISTED, BOTH | LISTED])
def test_3_1_and_4_1_who_may_see_the_users_presence_is_told_of_the_account(server, juliet, state):
    put(server, ROMEO, JULIET, state)
    for resource in ("orchard", "street"):
        server.log_in("romeo", resource).send("<presence/>")
    server.log_in("romeo", "cell")
    answer = juliet.ask(INFO, to=ROMEO)
    assert identities(answer) == [("account", "registered", None)]
    assert {ns.DISCO_INFO, ns.DISCO_ITEMS} <= set(features(answer))
    assert items(juliet.ask(ITEMS, to=ROMEO)) == [f"{ROMEO}/orchard", f"{ROMEO}/street"]
    for query in (info_node, items_node):
        assert condition(juliet.ask(query("elsinore"), to=ROMEO)) == "item-not-found"


def test_3_1_an_account_that_is_away_is_read_from_the_store(server, juliet):
    friends(server, ROMEO, JULIET)
    server.host.residents.forget(JID.parse(ROMEO))
    assert identities(juliet.ask(INFO, to=ROMEO)) == [("account", "registered", None)]
    assert items(juliet.ask(ITEMS, to=ROMEO)) == []


def test_8_a_session_that_hides_from_a_contact_is_not_listed_to_him(server, juliet):
    friends(server, ROMEO, JULIET)
    orchard, street = (server.log_in("romeo", name) for name in ("orchard", "street"))
    for client in (orchard, street):
        client.send("<presence/>")
    put_list(street, "hide", rule(1, "deny", "presence-out", jid=JULIET), apply="active")
    assert items(juliet.ask(ITEMS, to=ROMEO)) == [f"{ROMEO}/orchard"]
    assert items(orchard.ask(ITEMS)) == [f"{ROMEO}/orchard", f"{ROMEO}/street"]
    orchard.hang_up()
    known, unknown = juliet.ask(INFO, to=ROMEO), juliet.ask(INFO, to=NOBODY)
    assert said(known) == said(unknown)
    assert not do(street, f"<query xmlns='{ns.PRIVACY}'><active/></query>")
    assert items(juliet.ask(ITEMS, to=ROMEO)) == [f"{ROMEO}/street"]


def test_4_1_an_account_lists_its_available_resources_to_its_user(server, juliet):
    server.log_in("juliet", "tomb")
    juliet.send("<presence/>")
    juliet.take()
    assert items(juliet.ask(ITEMS)) == [f"juliet@{DOMAIN}/balcony"]


def test_4_1_the_server_lists_what_is_registered_as_item_sorted_and_once(server, juliet):
    assert items(juliet.ask(ITEMS, to=DOMAIN)) == []
    server.host.advertised.items.append(lambda: ["rooms.capulet.lit", "a.capulet.lit"])
    server.host.advertised.items.append(lambda: ["a.capulet.lit"])
    assert items(juliet.ask(ITEMS, to=DOMAIN)) == ["a.capulet.lit", "rooms.capulet.lit"]


@pytest.mark.parametrize("to", [DOMAIN, None])
@pytest.mark.parametrize("query", [info_node, items_node])
def test_7_an_unknown_node_is_not_found(juliet, to, query):
    assert condition(juliet.ask(query("elsinore"), to=to)) == "item-not-found"


@pytest.mark.parametrize("query", [info_node, items_node])
def test_an_empty_node_is_no_node(juliet, query):
    assert juliet.ask(query(""), to=DOMAIN).get("type") == "result"


def test_xep_0115_6_2_the_node_of_the_capabilities_gives_the_same_info(server, juliet):
    node = f"{CAPS_NODE}#{server.host.advertised.ver(DOMAIN)}"
    plain, answer = juliet.ask(INFO, to=DOMAIN), juliet.ask(info_node(node), to=DOMAIN)
    assert answer.find(f"{{{ns.DISCO_INFO}}}query").get("node") == node
    assert (identities(answer), features(answer)) == (identities(plain), features(plain))


def test_xep_0115_6_2_the_node_of_another_version_is_not_found(server, juliet):
    node = f"{CAPS_NODE}#{server.host.advertised.ver(DOMAIN)}"
    take_back = server.host.advertised.add(On.HOST, "urn:example:balcony")
    assert condition(juliet.ask(info_node(node), to=DOMAIN)) == "item-not-found"
    take_back()
    assert juliet.ask(info_node(node), to=DOMAIN).get("type") == "result"


def test_without_the_caps_module_its_node_is_not_found():
    server = Verona(modules={"off": ["caps"]})
    node = f"{CAPS_NODE}#{server.host.advertised.ver(DOMAIN)}"
    juliet = server.log_in("juliet")
    assert condition(juliet.ask(info_node(node), to=DOMAIN)) == "item-not-found"


def test_info_cant_be_set(juliet):
    assert juliet.ask(INFO, "set", to=DOMAIN).get("type") == "error"


def test_unloaded_the_module_leaves_nothing_behind(server, juliet):
    server.reload(modules={"off": ["disco"]})
    assert condition(juliet.ask(INFO, to=DOMAIN)) == "service-unavailable"
    assert server.host.advertised.identities == {On.HOST: [], On.ACCOUNT: []}
    assert ns.DISCO_INFO not in server.host.advertised.features(On.HOST, DOMAIN)


def test_xep_0077_8_a_domain_of_guests_does_not_offer_accounts():
    server = Verona(server={"domains": [DOMAIN, "guests.lit"]}, auth={"anonymous": ["guests.lit"]})
    juliet = server.log_in("juliet")

    def features(domain):
        return {e.get("var") for e in juliet.ask(INFO, to=domain)[0].iterfind("{*}feature")}

    assert features(DOMAIN) - features("guests.lit") == {ns.REGISTER, ns.OFFLINE}


def test_a_module_that_is_off_offers_nothing():
    """A client that believed an offer would find nobody behind it."""
    server = Verona(
        auth={"legacy": True}, registration={"policy": "on"}, modules={"off": ["register"]}
    )
    offered = server.connect().open().take()
    assert ns.AUTH_FEATURE.encode() in offered
    assert ns.REGISTER_FEATURE.encode() not in offered
    server.reload(
        auth={"legacy": True}, registration={"policy": "on"}, modules={"off": ["legacy_auth"]}
    )
    offered = server.connect().open().take()
    assert ns.AUTH_FEATURE.encode() not in offered
    assert ns.REGISTER_FEATURE.encode() in offered
