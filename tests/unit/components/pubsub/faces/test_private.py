"""Bookmarks of old and new clients are the same (XEP-0402 §5.3, XEP-0411, XEP-0049)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

import pytest

from components.pubsub.model.bookmark import NATIVE, OLD
from components.pubsub.model.settings import MAX
from tests.support.interests import node, told, want
from tests.support.pubsub import Globe, P, Person, befriend, error, form
from tests.support.pubsub_items import held
from xmppd import ns

MINE = ""
CELL = "cell@conference.capulet.lit"
TOMB = "tomb@conference.capulet.lit"
GET = f"<query xmlns='{ns.PRIVATE}'><storage xmlns='{OLD}'/></query>"
O = f"{{{OLD}}}"  # noqa: E741 - as the others
N = f"{{{NATIVE}}}"
URL = "<url name='Sonnets' url='https://sonnets.lit/'/>"


@pytest.fixture
def juliet(globe: Globe) -> Person:
    return globe.person("juliet", "balcony")


def room(jid: str, name: str = "", autojoin: str = "", inner: str = "") -> str:
    attrs = f" name='{name}'" if name else ""
    attrs += f" autojoin='{autojoin}'" if autojoin else ""
    return f"<conference jid='{jid}'{attrs}>{inner}</conference>"


A_ROOM = f"<storage xmlns='{OLD}'>{room(CELL)}</storage>"


def store(person: Person, *rooms: str, beside: str = "") -> Element:
    inner = f"<storage xmlns='{OLD}'>{''.join(rooms)}</storage>{beside}"
    return person.ask(f"<query xmlns='{ns.PRIVATE}'>{inner}</query>", "set", MINE)


def stored(person: Person) -> dict[str, str]:
    """What an old client gets, by what it is."""
    answer = person.ask(GET, to=MINE)
    assert answer.get("type") == "result", error(answer)
    (storage,) = answer.iter(f"{O}storage")
    return {each.get("jid") or each.get("url") or "": tostring(each).decode() for each in storage}


def native(jid: str, name: str = "", inner: str = "") -> str:
    attr = f" name='{name}'" if name else ""
    return f"<conference xmlns='{NATIVE}'{attr} autojoin='1'>{inner}</conference>"


@pytest.fixture
def bookmarks(globe: Globe) -> None:
    """The node as new clients have it (XEP-0402 §3.3)."""
    setup = {"access_model": "whitelist", "max_items": MAX, "send_last_published_item": "never"}
    node(globe, NATIVE, **setup)


def publish(person: Person, jid: str, name: str = "", inner: str = "") -> None:
    node_options = {"access_model": "whitelist", "persist_items": "true", "max_items": "max"}
    payload = native(jid, name, inner)
    assert person.publish(NATIVE, payload, jid, MINE, **node_options).get("type") == "result"


def items(person: Person) -> dict[str, Element]:
    """What a new client gets, by room."""
    answer = person.items(NATIVE, MINE)
    assert answer.get("type") == "result", error(answer)
    return {each.get("id", ""): each[0] for each in answer.iter(f"{P}item")}


def before(globe: Globe, *rooms: str) -> None:
    """Have bookmarks in the server's own store, as they were before there was the service."""
    inner = f"<storage xmlns='{OLD}'>{''.join(rooms)}</storage>"
    resident = globe.server.resident("juliet@capulet.lit")
    putting = globe.server.host.stores.private.put(
        resident.id, {f"{OLD} storage": inner.encode()}, most=10, octets=10_000
    )
    globe.server.done(putting)


def test_0411_3_what_an_old_client_stores_a_new_one_gets(globe, juliet):
    answer = store(
        juliet,
        room(CELL, "The cell", "1", "<nick>JC</nick><password>Gl0b3</password>"),
        room(TOMB),
    )
    assert answer.get("type") == "result"
    found = items(juliet)
    assert list(found) == [CELL, TOMB]
    cell = found[CELL]
    assert (cell.tag, cell.get("name"), cell.get("autojoin")) == (
        f"{N}conference",
        "The cell",
        "true",
    )
    assert (cell.findtext(f"{N}nick"), cell.findtext(f"{N}password")) == ("JC", "Gl0b3")
    assert "jid" not in cell.attrib
    assert found[TOMB].attrib == {}


def test_0402_5_3_1_what_a_new_client_publishes_an_old_one_gets(bookmarks, globe, juliet):
    publish(juliet, CELL, "The cell", "<nick>JC</nick>")
    (cell,) = stored(juliet).values()
    assert "The cell" in cell
    assert 'autojoin="true"' in cell
    assert ">JC</" in cell


def test_0402_5_3_2_only_what_is_changed_is_told(bookmarks, globe, juliet):
    """Items are published and retracted; nobody is told of those that stay."""
    for each in (CELL, TOMB):
        publish(juliet, each, "As it was")
    want(juliet, NATIVE)
    told(juliet)
    orchard = "orchard@conference.capulet.lit"
    store(juliet, room(CELL, "As it was", "true"), room(orchard))
    assert sorted(told(juliet)) == [
        ("juliet", NATIVE, f"-{TOMB}"),
        ("juliet", NATIVE, orchard),
    ]
    assert sorted(items(juliet)) == [CELL, orchard]


def test_0402_3_4_extensions_outlive_old_clients(bookmarks, globe, juliet):
    state = "<state xmlns='urn:example:state' minimized='true'/>"
    publish(juliet, CELL, "The cell", f"<extensions>{state}</extensions>")
    store(juliet, room(CELL, "Friar Laurence"))
    cell = items(juliet)[CELL]
    assert cell.get("name") == "Friar Laurence"
    assert cell.find(f"{N}extensions/{{urn:example:state}}state").get("minimized") == "true"


def test_what_old_clients_add_becomes_an_extension(globe, juliet):
    status = "<print_status xmlns='xmpp:gajim.org/bookmarks'>all</print_status>"
    store(juliet, room(CELL, inner=status))
    found = items(juliet)[CELL].find(f"{N}extensions/{{xmpp:gajim.org/bookmarks}}print_status")
    assert found.text == "all"


def test_0048_2_2_web_pages_stay_in_private_storage(globe, juliet):
    store(juliet, URL, room(CELL))
    assert sorted(stored(juliet)) == [CELL, "https://sonnets.lit/"]
    store(juliet, room(CELL))
    assert list(stored(juliet)) == [CELL]


def test_0411_4_what_was_stored_before_is_taken_over_by_an_old_client(globe, juliet):
    before(globe, room(CELL, "The cell"), URL)
    assert sorted(stored(juliet)) == [CELL, "https://sonnets.lit/"]
    assert list(items(juliet)) == [CELL]
    store(juliet, URL)
    assert list(stored(juliet)) == ["https://sonnets.lit/"]


def test_0411_4_and_by_a_new_client_which_is_told_of_it(globe, juliet):
    before(globe, room(CELL, "The cell"))
    want(juliet, NATIVE)
    assert told(juliet) == [("juliet", NATIVE, CELL)]
    assert list(items(juliet)) == [CELL]


def test_what_is_there_already_stays(bookmarks, globe, juliet):
    before(globe, room(CELL, "Of old"), room(TOMB))
    publish(juliet, CELL, "Of late")
    assert sorted(stored(juliet)) == [CELL, TOMB]
    assert items(juliet)[CELL].get("name") == "Of late"


def test_0411_5_nothing_is_taken_to_a_node_that_others_see(globe, juliet):
    """The old client goes on in the old way."""
    node(globe, NATIVE, access_model="presence", max_items=10)
    romeo = globe.person("romeo")
    befriend(juliet, romeo)
    want(romeo, NATIVE)
    before(globe, room(TOMB))
    store(juliet, room(CELL, inner="<password>secret</password>"))
    assert list(stored(juliet)) == [CELL]
    assert items(juliet) == {}
    assert told(romeo) == []


def test_the_node_is_nobody_elses(globe, juliet):
    """XEP-0223 §2, XEP-0402 §3.3."""
    store(juliet, room(CELL))
    romeo = globe.person("romeo")
    befriend(juliet, romeo)
    answer = romeo.items(NATIVE, "juliet@capulet.lit")
    assert error(answer) == ("not-allowed", "closed-node")


def test_0049_2_3_all_else_stays_as_it_was(globe, juliet):
    exodus = "<exodus xmlns='exodus:prefs'><nick>Juliet</nick></exodus>"
    query = "<query xmlns='jabber:iq:private'>{}</query>"
    assert juliet.ask(query.format(exodus), "set", MINE).get("type") == "result"
    answer = juliet.ask(query.format("<exodus xmlns='exodus:prefs'/>"), to=MINE)
    assert answer.findtext(".//{exodus:prefs}nick") == "Juliet"


def test_so_many_elements_are_stored_and_given_at_once():
    """Each of them comes from the component, and the server looks at it."""
    globe = Globe(elements=1_000).start()
    juliet = globe.person("juliet")
    query = "<query xmlns='jabber:iq:private'>{}</query>".format

    def prefs(name: str, count: int = 0) -> str:
        return f"<{name} xmlns='exodus:prefs'>{'<x/>' * count}</{name}>"

    assert error(juliet.ask(query(prefs("one", 999)), "set", MINE)) == ("policy-violation",)
    assert globe.component.counts["pubsub.private-elements"] == 1
    for name in ("one", "two"):
        assert juliet.ask(query(prefs(name, 998)), "set", MINE).get("type") == "result"
        assert len(juliet.ask(query(prefs(name)), to=MINE)[0][0]) == 998
    both = query(prefs("one") + prefs("two"))
    assert error(juliet.ask(both, to=MINE)) == ("policy-violation",)
    fewer = query(prefs("one", 500) + prefs("two", 490))
    assert juliet.ask(fewer, "set", MINE).get("type") == "result"
    assert [len(each) for each in juliet.ask(both, to=MINE)[0]] == [500, 490]


@pytest.mark.parametrize(
    ("type_", "inner", "expected"),
    [
        ("get", "", "bad-request"),
        ("set", "", "not-acceptable"),
        ("set", "<query xmlns='jabber:iq:auth'/>", "not-acceptable"),
        ("get", f"<storage xmlns='{OLD}'/><other xmlns='urn:example:other'/>", "bad-request"),
        (
            "set",
            f"<storage xmlns='{OLD}'>{room(CELL)}</storage><x xmlns='jabber:x'/>",
            "not-acceptable",
        ),
    ],
)
def test_0049_3_what_the_server_refuses_is_refused(globe, juliet, type_, inner, expected):
    """And nothing is changed."""
    answer = juliet.ask(f"<query xmlns='{ns.PRIVATE}'>{inner}</query>", type_, MINE)
    assert error(answer)[0] == expected
    assert stored(juliet) == {}


def test_0049_4_nobody_has_another_ones(globe, juliet):
    store(juliet, room(CELL))
    romeo = globe.person("romeo")
    answer = romeo.ask(GET, to="juliet@capulet.lit")
    assert error(answer) == ("forbidden",)


def test_of_two_bookmarks_of_one_room_the_last_holds(globe, juliet):
    store(juliet, room(CELL, "First"), room(CELL, "Last"))
    assert items(juliet)[CELL].get("name") == "Last"


def test_what_is_no_room_stays_where_it_was(globe, juliet):
    store(juliet, room("@"), room(CELL))
    assert sorted(stored(juliet)) == ["@", CELL]
    assert list(items(juliet)) == [CELL]


def test_a_bookmark_that_is_too_large_changes_nothing():
    globe = Globe(item_octets=2_000).start()
    juliet = globe.person("juliet")
    store(juliet, room(CELL))
    answer = store(juliet, URL, room(CELL), room(TOMB, "x" * 2_000))
    assert error(answer) == ("policy-violation",)
    assert list(stored(juliet)) == [CELL]


# The node of XEP-0048


def put(person: Person, *rooms: str, beside: str = "") -> Element:
    """What a client of XEP-0048 1.1 does (§3.1)."""
    payload = f"<storage xmlns='{OLD}'>{''.join(rooms)}{beside}</storage>"
    options = {"persist_items": "true", "access_model": "whitelist"}
    return person.publish(OLD, payload, "current", MINE, **options)


def there(person: Person) -> dict[str, str]:
    """What such a client gets, by what it is."""
    (item,) = person.items(OLD, MINE).iter(f"{P}item")
    assert item.get("id") == "current"
    return {each.get("jid") or each.get("url") or "": tostring(each).decode() for each in item[0]}


def test_0411_3_an_old_client_in_pep_has_what_a_new_one_publishes(globe, juliet):
    """And is told of it."""
    want(juliet, OLD)
    publish(juliet, CELL, "The cell")
    assert told(juliet) == [("juliet", OLD, "current")]
    publish(juliet, TOMB)
    juliet.retract(NATIVE, CELL, MINE)
    assert [each[1:] for each in told(juliet)] == [(OLD, "current")] * 2
    assert list(there(juliet)) == [TOMB]


def test_0402_5_3_2_what_an_old_client_in_pep_changes_a_new_one_is_told_of(globe, juliet):
    for each in (CELL, TOMB):
        publish(juliet, each, "As it was")
    want(juliet, NATIVE)
    told(juliet)
    orchard = "orchard@conference.capulet.lit"
    assert put(juliet, room(CELL, "As it was", "true"), room(orchard)).get("type") == "result"
    assert sorted(told(juliet)) == [
        ("juliet", NATIVE, f"-{TOMB}"),
        ("juliet", NATIVE, orchard),
    ]
    assert sorted(items(juliet)) == [CELL, orchard]
    assert sorted(stored(juliet)) == [CELL, orchard]


def test_0411_3_what_is_stored_privately_the_subscribers_of_the_node_are_told_of(globe, juliet):
    want(juliet, OLD)
    store(juliet, room(CELL), URL)
    assert told(juliet) == [("juliet", OLD, "current")]
    assert sorted(there(juliet)) == [CELL, "https://sonnets.lit/"]
    store(juliet, URL, room(CELL))
    assert told(juliet) == [], "nothing has changed"


def test_0411_3_web_pages_are_the_same_in_both_old_places(globe, juliet):
    put(juliet, URL)
    assert list(stored(juliet)) == ["https://sonnets.lit/"]
    publish(juliet, CELL)
    assert sorted(there(juliet)) == [CELL, "https://sonnets.lit/"]


def test_extensions_outlive_old_clients_in_pep(globe, juliet):
    state = "<state xmlns='urn:example:state' minimized='true'/>"
    publish(juliet, CELL, "The cell", f"<extensions>{state}</extensions>")
    told(want(juliet, OLD))
    put(juliet, room(CELL, "Friar Laurence"))
    cell = items(juliet)[CELL]
    assert cell.get("name") == "Friar Laurence"
    assert cell.find(f"{N}extensions/{{urn:example:state}}state") is not None
    assert len(told(juliet)) == 2, "what it has published, and what has become of it"


def test_an_old_item_that_is_deleted_takes_no_bookmark_with_it(globe, juliet):
    publish(juliet, CELL)
    juliet.retract(OLD, "current", MINE)
    assert list(items(juliet)) == [CELL]
    assert list(there(juliet)) == [CELL]


def test_0411_5_nothing_is_taken_to_a_node_that_others_see_through_a_collection(globe, juliet):
    """XEP-0248 §10.1: the collection's access model alone says who is told."""
    node(globe, NATIVE)
    romeo = globe.person("romeo")
    juliet.create("all", "juliet@capulet.lit", node_type="collection", access_model="open")
    assert juliet.configure(NATIVE, "juliet@capulet.lit", collection="all").get("type") == "result"
    juliet.configure(NATIVE, "juliet@capulet.lit", access_model="whitelist")
    options = form("subscribe_options", subscription_type="items")
    subscribe = "<subscribe node='all' jid='romeo@capulet.lit'/>"
    subscribe += f"<options>{options}</options>"
    assert romeo.pubsub(subscribe, to="juliet@capulet.lit").get("type") == "result"
    romeo.events()
    store(juliet, room(CELL, inner="<password>secret</password>"))
    assert list(stored(juliet)) == [CELL]
    assert romeo.events() == []
    assert items(juliet) == {}


def test_0411_5_nodes_that_others_see_go_their_own_way(globe, juliet):
    node(globe, OLD, access_model="presence")
    publish(juliet, CELL)
    assert juliet.publish(OLD, f"<storage xmlns='{OLD}'>{room(TOMB)}</storage>", "current", MINE)
    assert list(items(juliet)) == [CELL]
    assert list(there(juliet)) == [TOMB]
    store(juliet, room(TOMB))
    assert list(stored(juliet)) == [TOMB]
    assert list(items(juliet)) == [CELL]


def test_what_is_no_storage_changes_nothing(globe, juliet):
    """As the examples of XEP-0223 have it."""
    publish(juliet, CELL)
    juliet.publish(OLD, f"<conference xmlns='{OLD}' jid='{TOMB}'/>", "current", MINE)
    assert list(items(juliet)) == [CELL]


def test_0402_5_3_it_is_announced(globe, juliet):
    answer = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to="juliet@capulet.lit")
    found = {each.get("var") for each in answer.iter(f"{{{ns.DISCO_INFO}}}feature")}
    compatible = {f"{NATIVE}#compat", f"{NATIVE}#compat-pep", "urn:xmpp:bookmarks-conversion:0"}
    assert compatible <= found
    answer = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to="capulet.lit")
    assert any(each.get("var") == ns.PRIVATE for each in answer.iter(f"{{{ns.DISCO_INFO}}}feature"))


def test_a_room_is_kept_that_comes_while_the_other_node_follows(globe, juliet, monkeypatch):
    """XEP-0411 §5: what the service itself writes to the old node leaves nothing out."""
    reading = held(monkeypatch, globe.service.items, "last")
    publish(juliet, CELL)
    reading.let_go()
    globe.pump()
    publish(juliet, TOMB)
    for _ in range(20):
        reading.let_go()
        globe.pump()
    monkeypatch.undo()
    assert sorted(items(juliet)) == sorted([CELL, TOMB])
    assert sorted(there(juliet)) == sorted([CELL, TOMB])
