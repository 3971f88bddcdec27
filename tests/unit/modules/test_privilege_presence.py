"""Presence that components are told of (XEP-0356 §7)."""

import pytest

from tests.support.components import Component, table
from tests.support.people import friends, put
from tests.support.server import Verona
from xmppd import ns

PUBSUB = "pubsub.capulet.lit"
MOON = "moon.capulet.lit"
JULIET, ROMEO = "juliet@capulet.lit", "romeo@capulet.lit"
DREAM = f"dream@{MOON}"


def server_with(presence, **grants):
    grants |= {"roster": "get", "roster_push": False} if presence == "roster" else {}
    return Verona(components={PUBSUB: table(presence=presence, **grants), MOON: table()})


def connect(server, domain=PUBSUB):
    return Component(server, domain).open().prove()


def told(component):
    """Presence that the component got: type ("" for available), and whose."""
    return [
        (each.get("type", ""), each.get("from"))
        for each in component.elements()
        if each.tag == f"{{{ns.COMPONENT}}}presence"
    ]


@pytest.fixture(params=["managed_entity", "roster"])
def server(request):
    return server_with(request.param)


def test_7_1_a_component_is_told_who_comes_and_goes(server):
    pubsub = connect(server)
    pubsub.take()
    juliet = server.log_in("juliet", "balcony").send("<presence><show>chat</show></presence>")
    (came,) = [e for e in pubsub.elements() if e.tag.endswith("presence")]
    assert came.attrib == {"from": juliet.jid, "to": PUBSUB}
    assert came.findtext(f"{{{ns.COMPONENT}}}show") == "chat"
    juliet.send("<presence type='unavailable'/>")
    assert told(pubsub) == [("unavailable", juliet.jid)]


def test_7_1_a_client_that_is_lost_has_gone(server):
    pubsub = connect(server)
    juliet = server.log_in("juliet", "balcony").send("<presence/>")
    pubsub.take()
    juliet.hang_up()
    assert told(pubsub) == [("unavailable", juliet.jid)]


def test_7_1_what_is_said_in_between_is_not_told(server):
    pubsub = connect(server)
    juliet = server.log_in("juliet", "balcony").send("<presence/>")
    pubsub.take()
    juliet.send("<presence><show>away</show></presence>")
    juliet.send(f"<presence to='{ROMEO}'/><presence to='{ROMEO}' type='subscribe'/>")
    assert told(pubsub) == []


def test_8_and_who_has_shown_himself_to_it_alone(server):
    pubsub = connect(server)
    juliet = server.log_in("juliet", "balcony").send(f"<presence to='{PUBSUB}'/>")
    kitchen = server.log_in("juliet", "kitchen").send(f"<presence to='{PUBSUB}'/>")
    server.log_in("romeo", "orchard").send(f"<presence to='{MOON}'/>")
    kitchen.send(f"<presence to='{PUBSUB}' type='unavailable'/>")
    pubsub.hang_up()
    pubsub = connect(server)
    assert told(pubsub) == [("", juliet.jid)]
    juliet.hang_up()
    assert told(pubsub) == [("unavailable", juliet.jid)]


def test_8_who_connects_later_is_told_who_is_there(server):
    juliet = server.log_in("juliet", "balcony").send("<presence/>")
    server.log_in("romeo", "orchard")
    pubsub = connect(server)
    server.clock.advance(0)
    assert told(pubsub) == [("", juliet.jid)]


def test_who_has_no_grant_is_told_nothing():
    server = server_with("none")
    pubsub = connect(server)
    server.log_in("juliet").send("<presence/>")
    assert told(pubsub) == []


def test_a_user_who_hides_from_all_is_told_of_all_the_same(server):
    """Nobody but the service learns of it: that is what it was granted."""
    pubsub = connect(server)
    juliet = server.log_in("juliet", "balcony")
    juliet.ask(
        "<query xmlns='jabber:iq:privacy'><list name='all'><item action='deny' order='1'/></list>"
        "</query>",
        "set",
    )
    juliet.ask("<query xmlns='jabber:iq:privacy'><active name='all'/></query>", "set")
    juliet.send("<presence/>")
    assert told(pubsub) == [("", juliet.jid)]


# 7.2 Of contacts


@pytest.fixture
def verona():
    server = server_with("roster")
    friends(server, JULIET, ROMEO)
    put(server, JULIET, DREAM)
    put(server, ROMEO, DREAM)
    return server


def test_7_2_updates_of_a_contact_are_told(verona):
    pubsub = connect(verona)
    romeo = verona.log_in("romeo", "orchard").send("<presence/>")
    pubsub.take()
    romeo.send("<presence><show>away</show></presence>")
    assert told(pubsub) == [("", romeo.jid)]


def test_7_2_a_contact_elsewhere_is_told_once_though_nobody_is_there(verona):
    pubsub, moon = connect(verona), connect(verona, MOON)
    pubsub.take()
    for user in (JULIET, ROMEO):
        moon.send(f"<presence from='{DREAM}/sky' to='{user}'><show>dnd</show></presence>")
    assert told(pubsub) == [("", f"{DREAM}/sky")]
    for user in (JULIET, ROMEO):
        moon.send(f"<presence from='{DREAM}/sky' to='{user}'/>")
    assert told(pubsub) == [("", f"{DREAM}/sky")]
    for user in (JULIET, ROMEO):
        moon.send(f"<presence from='{DREAM}/sky' to='{user}' type='unavailable'/>")
    assert told(pubsub) == [("unavailable", f"{DREAM}/sky")]


def test_7_2_who_is_no_contact_is_not_told_of(verona):
    pubsub, moon = connect(verona), connect(verona, MOON)
    pubsub.take()
    moon.send(f"<presence from='stranger@{MOON}/x' to='{JULIET}'/>")
    moon.send(f"<presence from='{DREAM}/sky' to='nobody@capulet.lit'/>")
    moon.send(f"<presence from='{DREAM}/sky' to='{JULIET}' type='subscribe'/>")
    assert told(pubsub) == []


def test_8_who_connects_later_is_told_which_contacts_are_there(verona):
    before, moon = connect(verona), connect(verona, MOON)
    for resource, type_ in (("sky", ""), ("sea", ""), ("sea", "unavailable")):
        shown = f" type='{type_}'" if type_ else ""
        moon.send(f"<presence from='{DREAM}/{resource}' to='{JULIET}'{shown}/>")
    before.hang_up()
    pubsub = connect(verona)
    verona.clock.advance(0)
    assert told(pubsub) == [("", f"{DREAM}/sky")]


def test_what_is_remembered_of_contacts_is_bounded(verona, monkeypatch):
    monkeypatch.setattr("xmppd.core.contacts.REMEMBERED", 3)
    before, moon = connect(verona), connect(verona, MOON)
    for number in range(5):
        moon.send(f"<presence from='{DREAM}/{number}' to='{JULIET}'/>")
    before.hang_up()
    pubsub = connect(verona)
    verona.clock.advance(0)
    assert told(pubsub) == [("", f"{DREAM}/{number}") for number in (2, 3, 4)]


def test_7_2_a_contact_at_another_domain_of_the_server_is_told_of():
    """Who is granted one domain is told of all contacts of its users, and of nobody else."""
    grants = table(presence="roster", roster="get", domains=["capulet.lit"])
    domains = ["capulet.lit", "montague.lit"]
    server = Verona(server={"domains": domains}, components={PUBSUB: grants})
    for name in ("benvolio", "abram"):
        server.account(name, domain="montague.lit")
    friends(server, JULIET, "benvolio@montague.lit")
    pubsub = connect(server)
    abram, benvolio = (_at(server, name, "montague.lit") for name in ("abram", "benvolio"))
    abram.send("<presence/>")
    benvolio.send("<presence/>").send("<presence><show>away</show></presence>")
    assert told(pubsub) == [("", benvolio.jid)] * 2
    pubsub.hang_up()
    again = connect(server)
    server.clock.advance(1)
    assert told(again) == [("", benvolio.jid)]
    again.take()
    benvolio.send("<presence type='unavailable'/>")
    assert told(again) == [("unavailable", benvolio.jid)]


def _at(server, name, domain):
    client = server.connect().open(domain).authenticate(name)
    client.open(domain).bind("x")
    client.jid = f"{name}@{domain}/x"
    client.take()
    return client


def test_presence_that_is_large_by_its_attributes_is_not_kept(verona):
    before, moon = connect(verona), connect(verona, MOON)
    moon.send(f"<presence from='{DREAM}/sky' to='{JULIET}' x='{'x' * 5_000}'/>")
    assert told(before) == [("", f"{DREAM}/sky")]
    pubsub = connect(verona)
    verona.clock.advance(1)
    assert told(pubsub) == []
