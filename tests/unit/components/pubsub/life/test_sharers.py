"""Who shows an account his presence is told of what is open to everybody (XEP-0060 §9.1.3)."""

from __future__ import annotations

import pytest

from components.pubsub.life import last_items
from components.pubsub.life.publishing import Publishing
from tests.support.capabilities import Kind
from tests.support.components import table
from tests.support.interests import MOOD, TUNE, node, told, want
from tests.support.people import JULIET, NURSE, ROMEO, put
from tests.support.pubsub import Globe, Person, befriend
from tests.support.pubsub_elsewhere import KIND, MINE, MOON, SKY, Moon
from xmppd import ns
from xmppd.jid import JID
from xmppd.subscription import FROM, LISTED, TO

MOST = [("juliet", TUNE, "1")]


@pytest.fixture
def globe() -> Globe:
    return Globe(others={MOON: table()}).start()


@pytest.fixture
def juliet(globe: Globe) -> Person:
    juliet = globe.person("juliet", "balcony")
    for name in (TUNE, MOOD):
        node(globe, name, access_model="open")
    return juliet


@pytest.fixture
def tybalt(globe: Globe, juliet: Person) -> Person:
    """A stranger to her, whose client wants to be told."""
    tybalt = want(globe.person("tybalt"), TUNE)
    tybalt.events()
    return tybalt


@pytest.fixture
def moon(globe: Globe) -> Moon:
    return Moon(globe)


def share(person: Person, *accounts: str, type_: str = "") -> Person:
    """Have somebody direct presence to accounts."""
    shown = f" type='{type_}'" if type_ else ""
    for each in accounts:
        person.send(f"<presence to='{each}'{shown}/>")
    return person


def test_9_1_3_he_is_told_what_is_published(globe, juliet, tybalt):
    juliet.publish(TUNE, id_="0", to=MINE)
    share(tybalt, JULIET)
    tybalt.events()
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    assert told(tybalt) == MOST, "of what his client wants (§9.2)"
    (message,) = tybalt.messages
    assert (message.get("from"), message.get("to")) == (JULIET, tybalt.jid)
    assert message.find(f"{{{ns.ADDRESS}}}addresses") is None, "no publishing resource"
    juliet.retract(TUNE, "1", to=MINE, notify="true")
    assert told(tybalt) == [("juliet", TUNE, "-1")]


def test_9_1_3_at_the_full_jid_that_has_shown_itself(globe, juliet, tybalt):
    other = want(globe.person("tybalt", "square"), TUNE)
    share(tybalt, f"{JULIET}/balcony")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert (told(tybalt), told(other)) == (MOST, [])


def test_0163_4_3_3_and_of_the_last_item_when_he_comes(globe, juliet, tybalt):
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    share(tybalt, JULIET)
    assert told(tybalt) == MOST
    share(tybalt, JULIET)
    assert told(tybalt) == [], "once"
    want(tybalt, TUNE, MOOD)
    assert told(tybalt) == [("juliet", MOOD, "2")]


@pytest.mark.parametrize(
    ("setting", "expected"), [("never", []), ("on_sub", []), ("on_sub_and_presence", MOST)]
)
def test_13_1_last_items_as_the_node_says(globe, juliet, tybalt, setting, expected):
    juliet.configure(TUNE, JULIET, send_last_published_item=setting)
    juliet.publish(TUNE, id_="1", to=MINE)
    share(tybalt, JULIET)
    assert told(tybalt) == expected


@pytest.mark.parametrize("lost", [True, False])
def test_9_1_3_unavailable_presence_ends_it(globe, juliet, tybalt, lost):
    share(tybalt, JULIET)
    if lost:
        tybalt.client.hang_up()
        tybalt = want(globe.person("tybalt"), TUNE)
    else:
        share(tybalt, JULIET, type_="unavailable")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(tybalt) == []
    share(tybalt, JULIET)
    assert told(tybalt) == MOST, "and it begins anew"


def test_another_session_ends_nothing(globe, juliet, tybalt):
    other = want(globe.person("tybalt", "square"), TUNE)
    for each in (tybalt, other):
        share(each, JULIET)
    share(other, JULIET, type_="unavailable")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert (told(tybalt), told(other)) == (MOST, [])


@pytest.mark.parametrize("model", ["presence", "roster", "whitelist", "authorize"])
def test_9_1_3_of_what_is_not_open_to_everybody_he_hears_nothing(globe, juliet, tybalt, model):
    """Neither as a member: he has no presence subscription (§9.1.2)."""
    juliet.configure(TUNE, JULIET, access_model=model, roster_groups_allowed=["Foes"])
    juliet.affiliate(TUNE, JULIET, tybalt="member")
    tybalt.events()
    juliet.publish(TUNE, id_="1", to=MINE)
    share(tybalt, JULIET)
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(tybalt) == []


@pytest.mark.parametrize(
    ("rank", "expected"), [("outcast", []), ("publish-only", []), ("member", 1)]
)
def test_4_1_as_far_as_his_affiliation_lets_him(globe, juliet, tybalt, rank, expected):
    juliet.affiliate(TUNE, JULIET, tybalt=rank)
    tybalt.events()
    juliet.publish(TUNE, id_="1", to=MINE)
    share(tybalt, JULIET)
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(tybalt) == (expected and [*MOST, ("juliet", TUNE, "2")])


def test_8_2_a_node_that_opens_or_closes(globe, juliet, tybalt):
    juliet.configure(TUNE, JULIET, access_model="presence")
    juliet.publish(TUNE, id_="1", to=MINE)
    share(tybalt, JULIET)
    assert told(tybalt) == []
    juliet.configure(TUNE, JULIET, access_model="open")
    assert told(tybalt) == MOST, "§13.2"
    juliet.configure(TUNE, JULIET, access_model="whitelist")
    tybalt.events()
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(tybalt) == []


def test_8_2_a_contact_who_shows_himself_as_well_is_not_let_in_again(globe, juliet, tybalt):
    share(tybalt, JULIET)
    juliet.configure(TUNE, JULIET, access_model="presence")
    tybalt.send(f"<presence type='subscribe' to='{JULIET}'/>")
    juliet.send(f"<presence type='subscribed' to='{tybalt.jid.bare}'/>")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(tybalt) == MOST
    juliet.configure(TUNE, JULIET, access_model="open")
    assert told(tybalt) == []


def test_of_other_accounts_he_hears_nothing(globe, juliet, tybalt):
    nurse = globe.person("nurse")
    node(globe, TUNE, "nurse", access_model="open")
    nurse.publish(TUNE, id_="1", to=MINE)
    share(tybalt, JULIET)
    nurse.publish(TUNE, id_="2", to=MINE)
    assert told(tybalt) == []


def test_who_has_subscribed_is_told_once(globe, juliet, tybalt):
    tybalt.subscribe(TUNE, to=JULIET)
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(tybalt) == MOST
    share(tybalt, JULIET)
    assert told(tybalt) == [], "he has been sent the last item as a subscriber"
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(tybalt) == [("juliet", TUNE, "2")]


def test_a_contact_is_one_and_is_told_once(globe, juliet, tybalt):
    befriend(juliet, tybalt)
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(tybalt) == MOST
    share(tybalt, JULIET)
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(tybalt) == [("juliet", TUNE, "2")]


def test_nor_is_a_contact_told_again_who_is_not_seen(globe, juliet, tybalt):
    """He sees her presence, and was told when he came."""
    juliet.publish(TUNE, id_="1", to=MINE)
    tybalt.send(f"<presence type='subscribe' to='{JULIET}'/>")
    juliet.send(f"<presence type='subscribed' to='{tybalt.jid.bare}'/>")
    assert told(tybalt) == MOST
    globe.service.rosters.forget(JID.parse(JULIET))
    share(tybalt, JULIET)
    assert told(tybalt) == []


def test_a_stranger_who_becomes_a_contact_is_told_of_the_rest(globe, juliet, tybalt):
    want(tybalt, TUNE, MOOD)
    juliet.configure(MOOD, JULIET, access_model="presence")
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    share(tybalt, JULIET)
    assert told(tybalt) == MOST
    tybalt.send(f"<presence type='subscribe' to='{JULIET}'/>")
    juliet.send(f"<presence type='subscribed' to='{tybalt.jid.bare}'/>")
    assert told(tybalt) == [("juliet", MOOD, "2")]
    juliet.publish(TUNE, id_="3", to=MINE)
    assert told(tybalt) == [("juliet", TUNE, "3")]


def test_who_is_seen_and_sees_nobody_is_told_likewise(globe, juliet):
    """She has subscribed to his presence, and he not to hers: he need not direct it to her."""
    put(globe.server, JULIET, ROMEO, TO | LISTED)
    put(globe.server, ROMEO, JULIET, FROM | LISTED)
    juliet.publish(TUNE, id_="1", to=MINE)
    romeo = want(globe.person("romeo"), TUNE)
    assert told(romeo) == MOST
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(romeo) == [("juliet", TUNE, "2")]
    juliet.configure(TUNE, JULIET, access_model="presence")
    juliet.publish(TUNE, id_="3", to=MINE)
    assert told(romeo) == []
    globe.service.rosters.forget(JID.parse(JULIET))
    assert told(want(globe.person("romeo", "orchard"), TUNE)) == [], "nor of the last item"


def test_who_is_seen_from_now_on_is_told_of_the_last_item(globe, juliet, tybalt):
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.send(f"<presence type='subscribe' to='{tybalt.jid.bare}'/>")
    assert told(tybalt) == []
    tybalt.send(f"<presence type='subscribed' to='{JULIET}'/>")
    assert told(tybalt) == MOST


def block(person: Person, jid: str) -> None:
    person.ask(f"<block xmlns='{ns.BLOCKING}'><item jid='{jid}'/></block>", "set", to="")


def test_who_is_blocked_shows_himself_to_nobody(globe, juliet, tybalt):
    juliet.publish(TUNE, id_="1", to=MINE)
    block(juliet, tybalt.jid.bare)
    share(tybalt, JULIET)
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(tybalt) == []
    assert not globe.service.presences.shared_to(tybalt.jid)


def test_who_is_blocked_afterwards_is_not_told_when_he_no_longer_is(globe, juliet, tybalt):
    """What he showed has ended: nobody would have heard that he has gone."""
    share(tybalt, JULIET)
    block(juliet, tybalt.jid.bare)
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.ask(f"<unblock xmlns='{ns.BLOCKING}'/>", "set", to="")
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(tybalt) == []


def test_who_has_shown_himself_to_her_alone(globe, juliet):
    """RFC 6121 §4.6.2: without presence that everybody sees. Nobody else's contact is there."""
    paris = Person(globe, globe.server.log_in("paris", "vault"))
    kind = Kind(ns.DISCO_INFO, f"{TUNE}+notify")
    juliet.publish(TUNE, id_="1", to=MINE)
    paris.send(f"<presence to='{JULIET}'>{kind.c}</presence>")
    (request,) = [each for each in paris.came() if each.get("type") == "get"]
    id_, to = request.get("id"), request.get("from")
    paris.send(f"<iq type='result' id='{id_}' to='{to}'>{kind.info}</iq>")
    globe.server.clock.advance(0)
    assert told(paris) == MOST
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(paris) == [("juliet", TUNE, "2")]
    share(paris, JULIET, type_="unavailable")
    assert not globe.service.presences.of(paris.jid.bare)


def test_a_service_that_comes_anew_knows_who_is_there(globe, juliet, tybalt):
    share(tybalt, JULIET)
    juliet.publish(TUNE, id_="1", to=MINE)
    tybalt.events()
    globe.again()
    tybalt.events()
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(tybalt) == [("juliet", TUNE, "2")]


def test_each_of_several_instances_tells_of_its_accounts(globe):
    globe = Globe(instances=2, instance="a").start()
    Globe(instance="b", beside=globe).start()
    globe.pass_time(5)
    people = [globe.person(name) for name in ("juliet", "nurse", "romeo", "paris")]
    tybalt = want(globe.person("tybalt"), TUNE)
    for each in people:
        each.publish(TUNE, id_="1", to=MINE, access_model="open")
    share(tybalt, *(each.jid.bare for each in people))
    names = sorted(each.jid.local for each in people)
    assert sorted(told(tybalt)) == [(name, TUNE, "1") for name in names]
    for each in people:
        each.publish(TUNE, id_="2", to=MINE)
    assert sorted(told(tybalt)) == [(name, TUNE, "2") for name in names]


# Elsewhere


def test_9_1_3_so_is_a_stranger_elsewhere(globe, juliet, moon):
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    moon.show(JULIET)
    assert moon.told() == [("juliet", SKY, TUNE, "1")]
    juliet.publish(TUNE, id_="3", to=MINE)
    assert moon.told() == [("juliet", SKY, TUNE, "3")]
    juliet.configure(TUNE, JULIET, access_model="presence")
    juliet.publish(TUNE, id_="4", to=MINE)
    assert moon.told() == []


def test_he_hears_of_those_that_he_shows_himself_to(globe, juliet, moon):
    nurse = globe.person("nurse")
    node(globe, TUNE, "nurse", access_model="open")
    moon.show(JULIET)
    nurse.publish(TUNE, id_="1", to=MINE)
    assert moon.told() == []
    moon.show(NURSE)
    assert moon.told() == [("nurse", SKY, TUNE, "1")]
    moon.leave(JULIET)
    juliet.publish(TUNE, id_="1", to=MINE)
    nurse.publish(TUNE, id_="2", to=MINE)
    assert moon.told() == [("nurse", SKY, TUNE, "2")]
    moon.leave(NURSE)
    nurse.publish(TUNE, id_="3", to=MINE)
    assert moon.told() == []
    assert not globe.service.presences.of(JID.parse(SKY).bare)


def test_a_contact_elsewhere_of_one_account_is_a_stranger_to_another(globe, juliet, moon):
    put(globe.server, NURSE, JID.parse(SKY).bare)
    nurse = globe.person("nurse")
    moon.show(NURSE, JULIET)
    for each in (juliet, nurse):
        node(globe, "urn:example:friends", each.jid.local)
    moon.show(NURSE, JULIET, kind=Kind(ns.DISCO_INFO, "urn:example:friends+notify"))
    for each in (juliet, nurse):
        each.publish("urn:example:friends", id_="1", to=MINE)
    assert moon.told() == [("nurse", SKY, "urn:example:friends", "1")]


def test_who_is_blocked_elsewhere_shows_himself_to_nobody(globe, juliet, moon):
    juliet.publish(TUNE, id_="1", to=MINE)
    block(juliet, MOON)
    moon.show(JULIET, kind=KIND)
    assert moon.told() == []
    assert not globe.service.presences.of(JID.parse(SKY).bare)


def test_strangers_wait_behind_contacts_and_take_nobodys_place(globe, juliet, monkeypatch):
    romeo, paris = globe.person("romeo"), globe.person("paris")
    befriend(juliet, romeo)
    juliet.publish(TUNE, id_="1", to=MINE)
    strangers = [want(globe.person("tybalt", f"s{n}"), TUNE) for n in range(4)]
    monkeypatch.setattr(last_items, "AT_ONCE", 1)
    monkeypatch.setattr(last_items, "MOST_STRANGERS", 2)
    order: list[str] = []
    tell = Publishing.tell_last

    def noted(publishing, address, settings, owner, item, to, *rest):
        order.extend(jid.resource for jid in to)
        tell(publishing, address, settings, owner, item, to, *rest)

    monkeypatch.setattr(Publishing, "tell_last", noted)
    with monkeypatch.context() as patched:
        patched.setattr(type(globe.component), "behind", True)
        want(paris, TUNE)
        for each in strangers:
            share(each, JULIET)
        want(romeo, TUNE)
    globe.pass_time(1)
    assert order == ["street", "s2", "s3"], "Romeo first"
    assert told(romeo) == MOST
