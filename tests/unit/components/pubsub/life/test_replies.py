"""Which of an account's resources has published something, and who is told (XEP-0163 §4.3.1)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.common.privilege import Privilege
from components.pubsub.life.rosters import Rosters
from components.pubsub.model.ranks import Affiliation
from tests.support.components import table
from tests.support.interests import TUNE, node, want
from tests.support.people import item
from tests.support.privacy import put_list, rule
from tests.support.pubsub import Globe, Person, befriend, form
from tests.unit.components.pubsub.life.test_listeners import MOON, Service, find_out
from xmppd import ns

MINE = ""
JULIET, BALCONY = "juliet@capulet.lit", "juliet@capulet.lit/balcony"
OTHERS = ("nurse", "mercutio", "benvolio", "friar")
_ADDRESSES = f"{{{ns.ADDRESS}}}addresses"


@pytest.fixture
def juliet(globe: Globe) -> Person:
    return globe.person("juliet", "balcony")


@pytest.fixture
def romeo(globe: Globe, juliet: Person) -> Person:
    """A contact, who wants tunes."""
    romeo = globe.person("romeo", "orchard")
    befriend(juliet, romeo)
    return want(romeo, TUNE)


def publish(juliet: Person, to: str = MINE, id_: str = "1") -> None:
    assert juliet.publish(TUNE, id_=id_, to=to).get("type") == "result"


def replies(person: Person) -> list[str | None]:
    """Where replies go to each event that came to somebody, None where it is not said."""
    person.events()
    return [_reply(message) for message in person.messages]


def _reply(message: Element) -> str | None:
    headers = message.findall(_ADDRESSES)
    if not headers:
        return None
    [address] = [each for header in headers for each in header]
    assert (len(address), len(address.attrib), address.get("type")) == (0, 2, "replyto")
    return address.get("jid")


def test_4_3_1_contacts_and_own_clients_are_told_it(globe, juliet, romeo):
    chamber = want(globe.person("juliet", "chamber"), TUNE)
    publish(want(juliet, TUNE))
    assert [replies(each) for each in (romeo, chamber, juliet)] == [[BALCONY]] * 3
    publish(chamber)
    assert [replies(each) for each in (romeo, chamber, juliet)] == [[f"{JULIET}/chamber"]] * 3


def test_4_3_1_many_are_told_it_by_one_stanza(globe, juliet, romeo, monkeypatch):
    """And those who are not to be, by one more."""
    node(globe, TUNE, access_model="open")
    contacts = [romeo, *(want(globe.person(name), TUNE) for name in OTHERS)]
    befriend(juliet, *contacts[1:])
    strangers = [globe.person("paris", f"gate{n}") for n in range(5)]
    written: list[object] = []
    monkeypatch.setattr(
        Privilege,
        "written",
        lambda *args, plain=Privilege.written, **more: written.append(args) or plain(*args, **more),
    )
    publish(juliet)
    assert [replies(each) for each in contacts] == [[BALCONY]] * 5
    assert len(written) == 1
    for each in strangers:
        each.subscribe(TUNE, JULIET, str(each.jid))
        each.events()
    written.clear()
    publish(juliet)
    assert [replies(each) for each in contacts] == [[BALCONY]] * 5
    assert [replies(each) for each in strangers] == [[None]] * 5
    assert len(written) == 2


def test_4_3_1_a_contact_who_has_subscribed_is_told_it(juliet, romeo, globe):
    """Also to several subscriptions, by single resources or not."""
    node(globe, TUNE, presence_based_delivery=False)
    romeo.subscribe(TUNE, JULIET)
    publish(juliet)
    assert replies(romeo) == [BALCONY]
    romeo.subscribe(TUNE, JULIET, more=True)
    silent = globe.person("romeo", "silent")
    silent.subscribe(TUNE, JULIET, str(silent.jid))
    for each in (romeo, silent):
        each.events()
    publish(juliet)
    assert [replies(each) for each in (romeo, silent)] == [[BALCONY]] * 2


@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("access", ["open", "whitelist"])
def test_4_3_1_who_sees_no_presence_is_not_told_it(globe, juliet, romeo, access, more):
    """MUST NOT: whatever he is to the node, and though he shows his own presence."""
    made = node(globe, TUNE, access_model=access)
    tybalt = want(globe.person("tybalt"), TUNE)
    juliet.send("<presence type='subscribe' to='tybalt@capulet.lit'/>")
    tybalt.send(f"<presence type='subscribed' to='{JULIET}'/>")
    made.affiliations[tybalt.jid.bare] = Affiliation.OWNER
    made.affiliations[romeo.jid.bare] = Affiliation.MEMBER
    for _ in range(1 + more):
        assert tybalt.subscribe(TUNE, JULIET, more=more).get("type") == "result"
    replies(tybalt)
    publish(juliet)
    assert (replies(tybalt), replies(romeo)) == ([None], [BALCONY])


def test_4_3_1_who_sees_it_no_more_is_not_told_it(globe, juliet, romeo):
    node(globe, TUNE, access_model="open")
    romeo.subscribe(TUNE, JULIET)
    publish(juliet)
    juliet.send("<presence type='unsubscribed' to='romeo@capulet.lit'/>")
    publish(juliet)
    juliet.ask(item("romeo@capulet.lit", groups=["Foes"]), "set", to="")
    publish(juliet)
    assert replies(romeo) == [BALCONY, None, None]


def test_4_3_1_where_the_roster_is_not_known_only_the_account_is_told(
    globe, juliet, romeo, monkeypatch
):
    node(globe, TUNE, access_model="open")
    silent = globe.person("juliet", "silent")
    for each in (romeo, silent):
        each.subscribe(TUNE, JULIET, str(each.jid))
    globe.service.rosters.forget(juliet.jid.bare)

    async def unknown(rosters: Rosters, account: object) -> None:
        """The server shows it to nobody."""

    monkeypatch.setattr(Rosters, "shown", unknown)
    publish(want(juliet, TUNE))
    assert [replies(each) for each in (romeo, silent, juliet)] == [[None], [BALCONY], [BALCONY]]


def test_4_3_1_nor_by_a_collection_that_the_node_is_in(globe, juliet, romeo):
    """XEP-0248 §5.3: strangers and contacts alike may be subscribed to that."""
    romeo.send("<presence/>")  # which wants nothing any more
    tybalt = globe.person("tybalt")
    node(globe, "blogs", node_type="collection", access_model="open")
    juliet.create(TUNE, MINE, access_model="open", collection="blogs")
    silent = globe.person("romeo", "silent")
    items = f"<options>{form('subscribe_options', subscription_type='items')}</options>"
    for each in (tybalt, silent):
        each.pubsub(f"<subscribe node='blogs' jid='{each.jid}'/>{items}", to=JULIET)
        each.events()
    publish(juliet)
    assert (replies(tybalt), replies(silent)) == ([None], [BALCONY])


def test_4_3_1_nor_is_a_service_that_listens():
    globe = Globe(others={MOON: table()}).start()
    juliet, moon = globe.person("juliet", "balcony"), Service(globe, TUNE)
    find_out(globe, moon)
    node(globe, TUNE, access_model="open")
    publish(juliet)
    globe.pump()
    assert b"<event" in moon.line.log
    assert ns.ADDRESS.encode() not in moon.line.log


def test_4_3_1_of_others_who_publish_at_an_account_nothing_is_told(globe, juliet, romeo):
    """They are none of the account's resources, and its contacts may not see them."""
    node(globe, TUNE, publish_model="open", access_model="open")
    nurse = globe.person("nurse")
    want(juliet, TUNE)
    publish(nurse, to=JULIET)
    publish(romeo, to=JULIET)
    assert [replies(each) for each in (juliet, romeo)] == [[None, None]] * 2


def test_4_3_1_a_resource_that_shows_itself_to_nobody_is_told_to_nobody(globe, juliet, romeo):
    juliet.send("<presence type='unavailable'/>")
    publish(juliet)
    juliet.send("<presence/>")
    publish(juliet)
    assert replies(romeo) == [None, BALCONY]


def test_4_3_1_a_publication_of_nothing_is_somebodys(globe, juliet, romeo):
    """XEP-0060 §4.3: an event of a node without items."""
    node(globe, TUNE, persist_items=False, deliver_payloads=False)
    assert juliet.pubsub(f"<publish node='{TUNE}'/>", to=MINE).get("type") == "result"
    assert replies(romeo) == [BALCONY]


def test_4_3_4_the_last_item_tells_of_no_resource(globe, juliet, romeo):
    publish(juliet)
    replies(romeo)
    assert replies(want(globe.person("romeo", "street"), TUNE)) == [None]


def test_what_is_no_publication_tells_of_no_resource(globe, juliet, romeo):
    node(globe, TUNE, max_items=1, publish_node_full="retract-oldest", notify_config=True)
    publish(juliet)
    publish(juliet, id_="2")
    assert replies(romeo) == [BALCONY, BALCONY, None]
    juliet.retract(TUNE, "2", to=MINE, notify="true")
    juliet.configure(TUNE, MINE, title="Tunes")
    assert replies(romeo) == [None, None]


def test_at_the_domain_nobody_is_told_it(globe, juliet, romeo):
    juliet.create("play")
    romeo.subscribe("play")
    juliet.publish("play", id_="1")
    assert replies(romeo) == [None]


@pytest.mark.parametrize("many", [False, True])
def test_4_3_1_whom_the_resource_hides_from_is_not_told_it(globe, juliet, romeo, many):
    """XEP-0016 §2.11: he sees the account's presence, and not that of this resource."""
    others = [want(globe.person(name), TUNE) for name in OTHERS[: 4 if many else 1]]
    befriend(juliet, *others)
    chamber = want(globe.person("juliet", "chamber"), TUNE)
    hide = rule(1, "deny", "presence-out", jid=romeo.jid.bare)
    put_list(juliet.client, "shy", hide, apply="active")
    globe.pump()
    publish(juliet)
    publish(chamber)
    assert replies(romeo) == [None, f"{JULIET}/chamber"]
    for each in (chamber, *others):
        assert replies(each) == [BALCONY, f"{JULIET}/chamber"]
