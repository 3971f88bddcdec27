"""Bodies beside payloads, for who wants them (XEP-0060 §13.8, XEP-0277 §8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from components.pubsub.life.bodies import SHOWN, Spent
from components.pubsub.model.body import CHARACTERS, Untransformed
from tests.support.logs import logged
from tests.support.people import C
from tests.support.pubsub import ACT, PUBSUB, E, Globe, Person, befriend, form, subid
from tests.support.pubsub_bodies import ATOM, bodies, entry, wanting
from tests.support.pubsub_items import opened
from tests.support.server import DOMAIN
from xmppd import ns

JULIET, ROMEO = f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"
URL = "http://example.org/body.xslt"
HEADER = "{http://jabber.org/protocol/shim}header"


@pytest.fixture
def juliet(globe: Globe) -> Person:
    juliet = globe.person("juliet")
    opened(juliet, "news", type=ATOM)
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet: Person) -> Person:
    return globe.person("romeo")


def test_13_8_who_wants_bodies_has_them_and_nobody_else(globe, juliet, romeo) -> None:
    nurse, paris = globe.person("nurse"), globe.person("paris")
    wanting(romeo, "news")
    nurse.subscribe("news")
    wanting(paris, "news", include_body="0")
    juliet.publish("news", entry("Soliloquy", "<summary>To be</summary>"), id_="1")
    (event,) = romeo.events()
    (message,) = romeo.messages
    assert [each.tag for each in message] == [f"{C}body", f"{E}event"]
    assert message.findtext(f"{C}body") == "To be"
    assert message.get("type") == "headline"
    assert event.find(f".//{{{ATOM}}}entry") is not None
    assert bodies(nurse) == bodies(paris) == [None]


def test_13_8_a_body_is_no_longer_wanted(globe, juliet, romeo) -> None:
    wanting(romeo, "news")
    juliet.publish("news", entry())
    change = form("subscribe_options", include_body="false")
    romeo.pubsub(f"<options node='news' jid='{ROMEO}'>{change}</options>")
    juliet.publish("news", entry())
    assert bodies(romeo) == ["Soliloquy", None]


def test_it_is_known_to_the_next_process(globe, juliet, romeo) -> None:
    wanting(romeo, "news")
    globe.again()
    juliet.publish("news", entry())
    assert bodies(romeo) == ["Soliloquy"]


def test_13_8_one_of_several_subscriptions_is_enough(globe, juliet, romeo) -> None:
    first = subid(romeo.subscribe("news"))
    second = subid(romeo.subscribe("news", more=True))
    change = form("subscribe_options", include_body="1")
    romeo.pubsub(f"<options node='news' jid='{ROMEO}' subid='{second}'>{change}</options>")
    globe.person("nurse").subscribe("news")
    juliet.publish("news", entry())
    assert bodies(romeo) == ["Soliloquy"]
    (message,) = romeo.messages
    assert {each.text for each in message.iter(HEADER)} == {first, second}


def test_it_is_for_the_jid_that_wants_it(globe, juliet, romeo) -> None:
    wanting(romeo, "news", jid=str(romeo.jid))
    garden = globe.person("romeo", "garden")
    romeo.subscribe("news", jid=str(garden.jid))
    juliet.publish("news", entry())
    assert (bodies(romeo), bodies(garden)) == (["Soliloquy"], [None])


def test_where_presence_decides(globe, juliet, romeo) -> None:
    globe.set_up("news", presence_based_delivery=True)
    wanting(romeo, "news")
    nurse = globe.person("nurse")
    nurse.subscribe("news")
    juliet.publish("news", entry())
    assert (bodies(romeo), bodies(nurse)) == (["Soliloquy"], [None])


def test_13_8_they_come_along_with_payloads_alone(globe, juliet, romeo) -> None:
    wanting(romeo, "news")
    juliet.publish("news", entry(), id_="1")
    globe.set_up("news", deliver_payloads=False)
    juliet.publish("news", entry(), id_="2")
    juliet.retract("news", "2", notify="1")
    assert bodies(romeo) == ["Soliloquy", None, None]


def test_13_8_of_what_is_no_atom_there_are_none(globe, juliet, romeo) -> None:
    wanting(romeo, "news")
    globe.set_up("news", type="")
    juliet.publish("news", entry())
    globe.set_up("news", type=ATOM)
    juliet.publish("news", "<feed xmlns='http://www.w3.org/2005/Atom'/>")
    assert bodies(romeo) == [None, None]


def test_13_11_a_batch_has_one_for_all_of_it(globe, juliet, romeo) -> None:
    wanting(romeo, "news")
    long = f"<content>{'x' * 70_000}</content>"
    items = "".join(f"<item>{entry(n, long)}</item>" for n in ("I", "II", "III"))
    juliet.pubsub(f"<publish node='news'>{items}</publish>")
    assert bodies(romeo) == ["I\n\nII\n\nIII", None]


def test_who_is_told_by_a_collection_has_none(globe, juliet, romeo) -> None:
    """It says nothing of the format of what is in it: the option is not offered there."""
    juliet.create("plays", node_type="collection")
    juliet.configure("news", collection="plays")
    nurse = globe.person("nurse")
    chosen = form("subscribe_options", subscription_type="items", subscription_depth="1")
    jid = nurse.jid.bare
    options = f"<options>{chosen}</options>"
    nurse.pubsub(f"<subscribe node='plays' jid='{jid}'/>{options}")
    wanting(romeo, "news")
    juliet.publish("news", entry())
    assert (bodies(romeo), bodies(nurse)) == (["Soliloquy"], [None])


# ---------------------------------------------------------------------- last items


def test_6_1_7_the_last_item_has_one_for_a_new_subscriber(globe, juliet, romeo) -> None:
    juliet.publish("news", entry())
    wanting(romeo, "news")
    nurse = globe.person("nurse")
    nurse.subscribe("news")
    assert (bodies(romeo), bodies(nurse)) == (["Soliloquy"], [None])
    (message,) = romeo.messages if romeo.messages else nurse.messages
    assert message.find(f"{{{ns.DELAY}}}delay") is not None


def test_6_1_7_and_for_one_who_comes(globe, juliet, romeo) -> None:
    wanting(romeo, "news")
    nurse = globe.person("nurse")
    nurse.subscribe("news")
    juliet.publish("news", entry())
    for person in (romeo, nurse):
        person.events()
        person.send("<presence type='unavailable'/>").send("<presence/>")
    globe.pass_time(1)
    assert (bodies(romeo), bodies(nurse)) == (["Soliloquy"], [None])


# ---------------------------------------------------------------------- accounts


def test_xep_0277_8_a_microblog_has_them_for_who_has_subscribed(globe, juliet, romeo) -> None:
    nurse = globe.person("nurse")
    befriend(juliet, romeo, nurse)
    node = "urn:xmpp:microblog:0"
    juliet.publish(node, entry("hanging out", "<summary>a post</summary>"), to=JULIET)
    wanting(romeo, node, to=JULIET)
    assert bodies(romeo) == ["hanging out"]
    nurse.subscribe(node, to=JULIET)
    bodies(nurse)
    juliet.publish(node, entry("going home"), to=JULIET)
    assert (bodies(romeo), bodies(nurse)) == (["going home"], [None])


@pytest.mark.parametrize(
    ("name", "type_", "offered"),
    [
        ("urn:xmpp:microblog:0", "", True),
        ("urn:xmpp:microblog:0", ATOM, True),
        ("urn:xmpp:microblog:0", "urn:x", False),
        ("urn:xmpp:microblog:0:comments/1", "", True),
        ("urn:xmpp:microblog:01", "", False),
        ("news", "", False),
        ("news", ATOM, True),
    ],
)
def test_13_8_where_there_is_a_way_to_make_them(juliet, name, type_, offered) -> None:
    node = opened(juliet, name, JULIET, type=type_)
    assert juliet.globe.service.bodies.offered(node) is offered


# ---------------------------------------------------------------------- transformations


def made_by(transform: Callable[[bytes], str], **settings: Any) -> tuple[Globe, Person, Person]:
    """A node that has a transformation, its owner, and one who wants bodies."""
    globe = Globe(bodies={URL: transform}).start()
    juliet = globe.person("juliet")
    opened(juliet, "play", body_xslt=URL, **settings)
    romeo = globe.person("romeo")
    wanting(romeo, "play")
    return globe, juliet, romeo


def test_13_8_a_nodes_own_transformation_makes_them() -> None:
    globe, juliet, romeo = made_by(lambda payload: payload.decode()[:4], type=ATOM)
    juliet.publish("play", entry())
    assert bodies(romeo) == ["<ent"]
    globe.set_up("play", body_xslt="http://example.org/gone.xslt")
    juliet.publish("play", entry())
    assert bodies(romeo) == ["Soliloquy"]


def test_once_however_many_there_are_and_not_for_nobody() -> None:
    payloads: list[bytes] = []

    def transform(payload: bytes) -> str:
        payloads.append(payload)
        return "said"

    globe, juliet, romeo = made_by(transform)
    others = [globe.person(name) for name in ("nurse", "paris", "tybalt", "friar", "benvolio")]
    for person in others:
        wanting(person, "play")
    juliet.publish("play")
    assert len(payloads) == 1
    assert [bodies(person) for person in (romeo, *others)] == [["said"]] * 6
    for person in (romeo, *others):
        person.unsubscribe("play")
    globe.person("mercutio").subscribe("play")
    juliet.publish("play")
    assert len(payloads) == 1


@pytest.mark.parametrize(
    ("takes", "said", "made"), [(0.0, "x", 5), (0.1, "x", 3), (0.0, "x" * 3_000, 2)]
)
def test_13_11_as_much_of_a_batch_as_there_is_time_and_room_for(takes, said, made) -> None:
    calls: list[bytes] = []

    def transform(payload: bytes) -> str:
        calls.append(payload)
        globe.server.clock.advance(takes)
        return said

    globe, juliet, romeo = made_by(transform)
    items = f"<item>{ACT}</item>" * 5
    juliet.pubsub(f"<publish node='play'>{items}</publish>")
    [body] = bodies(romeo)
    assert len(calls) == made
    assert body is not None
    assert body == "\n\n".join([said] * made)[: CHARACTERS - 1] + "…" * (len(said) > 1)


def test_what_can_not_be_transformed_is_published_all_the_same() -> None:
    def transform(payload: bytes) -> str:
        raise Untransformed("no such act\n" + "x" * 1_000)

    globe, juliet, romeo = made_by(transform)
    with logged("warn") as lines:
        for _ in range(3):
            assert juliet.publish("play").get("type") == "result"
    assert bodies(romeo) == [None] * 3
    assert globe.component.counts["pubsub.body"] == 3
    said = "no such act " + "x" * (SHOWN - 12)
    assert lines == [f"{URL} makes no body for play at {PUBSUB}: {said}"]
    globe.pass_time(61)
    with logged("warn") as lines:
        juliet.publish("play")
    assert len(lines) == 1


def test_nobody_keeps_all_others_waiting_for_transformations() -> None:
    """Neither by what he publishes, nor by subscribing to it again and again."""
    calls: list[bytes] = []

    def transform(payload: bytes) -> str:
        calls.append(payload)
        globe.server.clock.advance(0.2)
        return "said"

    globe, juliet, romeo = made_by(transform)
    for _ in range(50):
        juliet.publish("play")
    assert len(calls) == 5
    assert bodies(romeo) == ["said"] * 5 + [None] * 45
    nurse = globe.person("nurse")
    wanting(nurse, "play")
    assert (len(calls), bodies(nurse)) == (5, [None])
    globe.pass_time(60)
    for _ in range(50):
        juliet.publish("play")
    assert len(calls) == 10


def test_what_takes_no_time_is_made_for_all_of_it() -> None:
    _, juliet, romeo = made_by(lambda payload: "said")
    for _ in range(50):
        juliet.publish("play")
    assert bodies(romeo) == ["said"] * 50


def test_clocks_may_be_put_forward_and_back() -> None:
    at = [1_000_000.0]
    spent = Spent(lambda: at[0])
    with spent:
        at[0] -= 100_000
    at[0] -= 100_000
    with spent:
        at[0] += 300_000
    with pytest.raises(Untransformed), spent:
        pass
    at[0] += 21
    with spent:
        pass
