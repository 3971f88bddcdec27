"""Nothing of somebody's bookmarks is lost, and what is done for one change has a bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import tostring

import pytest
from twisted.internet.defer import fail

from components.pubsub.model.bookmark import NATIVE, OLD
from components.pubsub.model.item import Item
from tests.support.pubsub import NS, Globe, P, Person, error
from tests.support.pubsub_items import Held, held
from tests.unit.components.pubsub.faces.test_private import (
    CELL,
    GET,
    MINE,
    TOMB,
    URL,
    N,
    before,
    items,
    native,
    node,
    publish,
    put,
    room,
    store,
    stored,
    there,
)
from xmppd.errors import StoreError


@pytest.fixture
def globe() -> Globe:
    return Globe(item_octets=2_000).start()


@pytest.fixture
def juliet(globe: Globe) -> Person:
    return globe.person("juliet", "balcony")


def many(juliet: Person) -> list[str]:
    """Have more bookmarks than an item of XEP-0048 may have."""
    rooms = [f"r{n}@conference.capulet.lit" for n in range(20)]
    for each in rooms:
        publish(juliet, each, "x" * 1_800)
    return rooms


def test_where_there_are_too_many_both_nodes_go_on_without_each_other(
    globe: Globe, juliet: Person
) -> None:
    """What an old client does not see it has not deleted."""
    rooms = many(juliet)
    assert len(there(juliet)) < len(rooms)
    assert put(juliet, room(TOMB)).get("type") == "result"
    assert list(items(juliet)) == rooms
    assert list(there(juliet)) == [TOMB]
    assert error(juliet.ask(GET, to=MINE)) == ("policy-violation",)
    assert error(store(juliet, room(TOMB))) == ("policy-violation",)
    for each in rooms[:10]:
        juliet.retract(NATIVE, each, MINE)
    assert sorted(there(juliet)) == sorted([*rooms[10:], TOMB]), "they fit again"


def test_all_that_may_be_stored_can_be_read_again(globe: Globe, juliet: Person) -> None:
    """Addresses and publishers take no room of what the bookmarks may have."""
    rooms = [f"r{n}@conference.capulet.lit" for n in range(150)]
    assert store(juliet, *(room(each, "x" * 99) for each in rooms)).get("type") == "result"
    assert list(stored(juliet)) == list(there(juliet)) == rooms


@pytest.mark.parametrize(
    "wanted", [[room(f"r{n}@b") for n in range(800)], [room(CELL), URL * 700]], ids=[NATIVE, OLD]
)
def test_what_is_too_much_in_one_spelling_changes_nothing(
    globe: Globe, juliet: Person, wanted: list[str]
) -> None:
    assert error(store(juliet, *wanted)) == ("policy-violation",)
    assert stored(juliet) == {}


def extended(count: int) -> str:
    """What a client has put into a bookmark."""
    return f"<extensions><x xmlns='urn:x'>{'<y/>' * count}</x></extensions>"


def test_a_bookmark_may_have_so_many_elements() -> None:
    juliet = Globe(item_elements=500).start().person("juliet", "balcony")
    assert error(store(juliet, room(CELL, inner=extended(496)))) == ("policy-violation",)
    assert stored(juliet) == {}
    assert store(juliet, room(CELL, inner=extended(495))).get("type") == "result"
    assert list(stored(juliet)) == [CELL]


def test_so_many_may_they_have_together() -> None:
    """Else both nodes go on without each other."""
    juliet = Globe(item_elements=500, elements=600).start().person("juliet", "balcony")
    for each in (CELL, TOMB):
        publish(juliet, each, inner=extended(300))
    assert list(there(juliet)) == [CELL]
    assert error(juliet.ask(GET, to=MINE)) == ("policy-violation",)
    publish(juliet, TOMB, inner=extended(200))
    assert list(there(juliet)) == [CELL, TOMB]
    assert list(stored(juliet)) == [CELL, TOMB]


def test_no_more_is_read_than_there_may_be(
    globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(juliet)
    read: list[int] = []
    page = globe.service.items.page

    def looked(*args: object) -> object:
        found = page(*args)  # type: ignore[arg-type]
        found.addCallback(lambda some: read.append(sum(len(i.payload) for i in some.items)) or some)
        return found

    monkeypatch.setattr(globe.service.items, "page", looked)
    publish(juliet, CELL)
    assert read
    assert max(read) <= 32_000


def test_what_only_the_old_node_had_stays_as_a_new_client_begins(
    globe: Globe, juliet: Person
) -> None:
    node(globe, OLD, access_model="presence")
    juliet.publish(OLD, f"<storage xmlns='{OLD}'>{room(TOMB)}{URL}</storage>", "current", MINE)
    globe.set_up(OLD, str(juliet.jid.bare), access_model="whitelist")
    publish(juliet, CELL)
    assert sorted(items(juliet)) == [CELL, TOMB]
    assert sorted(there(juliet)) == [CELL, "https://sonnets.lit/", TOMB]
    juliet.retract(NATIVE, TOMB, MINE)
    assert sorted(there(juliet)) == [CELL, "https://sonnets.lit/"]
    juliet.pubsub(f"<purge node='{NATIVE}'/>", to=MINE, owner=True)
    assert sorted(there(juliet)) == ["https://sonnets.lit/"]


def test_a_node_for_fewer_rooms_takes_none_from_the_other(globe: Globe, juliet: Person) -> None:
    node(globe, NATIVE, access_model="whitelist", max_items=1)
    answer = store(juliet, room(CELL), room(TOMB))
    assert error(answer) == ("policy-violation",)
    assert items(juliet) == {}
    put(juliet, room(CELL), room(TOMB))
    assert sorted(there(juliet)) == [CELL, TOMB]


@pytest.mark.parametrize("id_", ["irc.capulet.lit", f"{CELL}/JC", "no address @"])
def test_what_is_no_room_by_its_id_stays(globe: Globe, juliet: Person, id_: str) -> None:
    publish(juliet, id_)
    publish(juliet, CELL)
    put(juliet, room(CELL), room(TOMB))
    assert sorted(items(juliet)) == sorted([id_, CELL, TOMB])
    assert sorted(there(juliet)) == [CELL, TOMB]


def test_what_nobody_knows_outlives_old_clients(globe: Globe, juliet: Person) -> None:
    inner = "<nick>JC</nick><colour>red</colour>"
    payload = native(CELL, "The cell", inner).replace(
        " autojoin", " xml:lang='it' pinned='1' autojoin"
    )
    options = {"access_model": "whitelist", "persist_items": "true", "max_items": "max"}
    juliet.publish(NATIVE, payload, CELL, MINE, **options)
    assert put(juliet, room(CELL, "Friar Laurence", inner="<nick>JC</nick>")).get("type")
    cell = items(juliet)[CELL]
    assert (cell.get("name"), cell.get("pinned")) == ("Friar Laurence", "1")
    assert cell.get("{http://www.w3.org/XML/1998/namespace}lang") == "it"
    assert cell.findtext(f"{N}extensions/{N}colour") == "red"


def test_what_nobody_knows_of_an_old_clients_a_new_one_has(globe: Globe, juliet: Person) -> None:
    old = room(CELL, "The cell", inner="<mood>dark</mood>").replace(" name", " minimize='1' name")
    put(juliet, old)
    cell = items(juliet)[CELL]
    assert cell.get("minimize") == "1"
    assert cell.findtext(f"{N}extensions/{{{OLD}}}mood") == "dark"
    assert "dark" in there(juliet)[CELL]


def test_a_nickname_may_stand_in_the_address(globe: Globe, juliet: Person) -> None:
    store(juliet, room(f"{CELL}/JC"), room(f"{TOMB}/JC", inner="<nick>Juliet</nick>"))
    assert [each.findtext(f"{N}nick") for each in items(juliet).values()] == ["JC", "Juliet"]


def test_what_is_no_storage_stays_in_the_old_node(globe: Globe, juliet: Person) -> None:
    juliet.publish(OLD, f"<conference xmlns='{OLD}' jid='{TOMB}'/>", "mine", MINE)
    globe.set_up(OLD, str(juliet.jid.bare), access_model="whitelist")
    publish(juliet, CELL)
    (item,) = juliet.items(OLD, MINE).iter(f"{P}item")
    assert TOMB in tostring(item).decode()
    store(juliet, room(CELL), URL)
    assert sorted(stored(juliet)) == [CELL, "https://sonnets.lit/"], "in the server's own store"


def test_0411_4_what_is_too_large_to_be_taken_over_stays_where_it_was(
    globe: Globe, juliet: Person
) -> None:
    before(globe, room(CELL, "x" * 2_100), room(TOMB))
    assert sorted(stored(juliet)) == [CELL, TOMB]
    assert store(juliet, room(CELL, "x" * 2_100)).get("type") == "result"
    assert sorted(stored(juliet)) == [CELL]
    assert store(juliet, room(TOMB)).get("type") == "result"
    assert sorted(stored(juliet)) == [TOMB]
    assert list(items(juliet)) == [TOMB], "it has been taken over"


@pytest.mark.parametrize("policy", [{"kept_octets": 200}, {"nodes": 1}], ids=str)
def test_0411_4_what_there_is_no_room_for_stays_where_it_was(policy: dict[str, int]) -> None:
    globe = Globe(**policy).start()
    juliet = globe.person("juliet", "balcony")
    before(globe, room(CELL, "x" * 90), room(TOMB, "y" * 90))
    assert sorted(stored(juliet)) == [CELL, TOMB]
    assert store(juliet, room(TOMB)).get("type") == "result"
    assert sorted(stored(juliet)) == [TOMB]


def test_where_both_are_changed_at_once_nothing_goes(
    globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(juliet, room("orchard@conference.capulet.lit"))
    with monkeypatch.context() as patched:
        looking = held(patched, globe.service.items, "page")
        publish(juliet, CELL)
        put(juliet, room("orchard@conference.capulet.lit"), room(TOMB))
        for _ in range(20):
            looking.let_go()
            globe.pump()
    everything = [CELL, "orchard@conference.capulet.lit", TOMB]
    assert sorted(items(juliet)) == everything
    assert sorted(there(juliet)) == everything


def test_many_changes_while_one_is_seen_to_are_seen_to_together(
    globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(juliet, CELL)
    looking = Held(globe.service.items.page)
    looked: list[object] = []
    with monkeypatch.context() as patched:
        patched.setattr(
            globe.service.items, "page", lambda *args: (looked.append(1), looking(*args))[1]
        )
        for n in range(20):
            publish(juliet, f"r{n}@conference.capulet.lit")
        for _ in range(60):
            looking.let_go()
            globe.pump()
    assert len(items(juliet)) == len(there(juliet)) == 21
    assert len(looked) < 20


def test_what_could_not_be_written_to_the_old_node_nobody_has_taken_out_of_it(
    globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(juliet, room("orchard@conference.capulet.lit"))
    write = globe.service.items.publish

    def refused(node: int, some: Sequence[Item], **more: Any) -> Any:
        return fail(StoreError()) if some[0].id == "current" else write(node, some, **more)

    with monkeypatch.context() as patched:
        patched.setattr(globe.service.items, "publish", refused)
        publish(juliet, CELL)
    assert CELL not in there(juliet)
    put(juliet, room(TOMB))
    assert sorted(items(juliet)) == sorted(there(juliet))
    assert sorted(there(juliet)) == [CELL, "orchard@conference.capulet.lit", TOMB]
    put(juliet, room(TOMB))
    assert sorted(items(juliet)) == [TOMB], "they are in step again"


@pytest.mark.parametrize("taken", [True, False], ids=["the store has it", "the store is asked"])
def test_what_an_old_client_adds_just_before_its_node_follows_stays(
    globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    orchard = "orchard@conference.capulet.lit"
    store(juliet, room(CELL))
    service = globe.service.items
    looking, writing = Held(service.last), Held(service.publish)
    with monkeypatch.context() as patched:
        patched.setattr(service, "last", looking)
        publish(juliet, orchard)
        for _ in range(2):  # it is about to be compared with what the old node has
            looking.let_go()
            globe.pump()
        if not taken:
            patched.setattr(service, "publish", writing)
        juliet.send(old_item(room(CELL), room(TOMB)))
        for _ in range(20):
            looking.let_go()
            globe.pump()
            writing.let_go()
            globe.pump()
    everything = [CELL, orchard, TOMB]
    assert sorted(items(juliet)) == everything
    assert sorted(there(juliet)) == everything


def old_item(*rooms: str) -> str:
    """A request of an old client to publish these and no others."""
    item = f"<item id='current'><storage xmlns='{OLD}'>{''.join(rooms)}</storage></item>"
    inner = f"<pubsub xmlns='{NS}'><publish node='{OLD}'>{item}</publish></pubsub>"
    return f"<iq type='set' id='old'>{inner}</iq>"
