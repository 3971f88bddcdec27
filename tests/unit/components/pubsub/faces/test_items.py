"""Retrieving items, through the core (XEP-0060 §6.5, XEP-0059)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.pubsub.model.node import Subscription
from components.pubsub.model.ranks import State
from tests.support.pubsub import NS, PUBSUB, Globe, P, Person, befriend, error
from tests.support.pubsub_items import given, opened

RSM = "http://jabber.org/protocol/rsm"
R = f"{{{RSM}}}"
TEN = [str(number) for number in range(10)]


def ask(
    person: Person, page: str = "", to: str = PUBSUB, node: str = "play", **attrs: str
) -> Element:
    """Ask for items, and for a page where one is written."""
    said = "".join(f" {name}='{value}'" for name, value in attrs.items())
    set_ = f"<set xmlns='{RSM}'>{page}</set>" if page else ""
    return person.pubsub(f"<items node='{node}'{said}/>{set_}", "get", to)


def paged(answer: Element) -> tuple[str | None, ...] | None:
    """What is said of the page: first, its index, last, count; None where nothing is."""
    set_ = answer.find(f"{P}pubsub/{R}set")
    if set_ is None:
        return None
    found = {each.tag.removeprefix(R): each for each in set_}
    index = found["first"].get("index") if "first" in found else None
    first, last, count = (set_.findtext(f"{R}{name}") for name in ("first", "last", "count"))
    return first, index, last, count


@pytest.fixture
def ten(juliet: Person) -> Person:
    """Juliet, with a play of ten acts."""
    opened(juliet)
    for id_ in TEN:
        juliet.publish("play", id_=id_)
    return juliet


# ---------------------------------------------------------------------- what is asked for


def test_6_5_3_all_items_are_given_the_oldest_first(ten: Person, romeo: Person) -> None:
    answer = ask(romeo)
    assert given(answer) == TEN
    assert paged(answer) is None, "nothing was left out"


def test_6_5_6_items_are_given_by_their_ids(ten: Person, romeo: Person) -> None:
    assert given(romeo.items("play", PUBSUB, "7", "2", "7")) == ["7", "2"]


def test_6_5_7_the_newest_are_given(ten: Person, romeo: Person) -> None:
    assert given(romeo.items("play", most=2)) == ["8", "9"]
    answer = romeo.items("play", most=11)
    assert (given(answer), paged(answer)) == (TEN, None), "all, where there are fewer"
    assert given(ask(romeo, max_items="000000000000000003")) == ["7", "8", "9"]
    assert given(ask(romeo, max_items="9" * 30)) == TEN


@pytest.mark.parametrize("most", ["0", "-1", "two", "", "1.5"])
def test_6_5_7_what_is_no_number_is_refused(ten: Person, most: str) -> None:
    assert error(ask(ten, max_items=most)) == ("bad-request",)


def test_6_5_9_12_there_is_no_such_item(ten: Person, romeo: Person) -> None:
    answer = romeo.items("play", PUBSUB, "11")
    assert given(answer) == []
    assert [each.tag for each in answer[0]] == [f"{P}items"]
    opened(ten, "empty")
    assert given(romeo.items("empty")) == given(romeo.items("empty", most=2)) == []


def test_6_5_9_4_an_item_without_an_id_names_none(ten: Person) -> None:
    answer = ten.pubsub("<items node='play'><item id='1'/><item/></items>", "get")
    assert error(answer) == ("bad-request", "item-required")


def test_a_node_has_to_be_named(juliet: Person) -> None:
    assert error(juliet.pubsub("<items/>", "get")) == ("bad-request", "nodeid-required")


# ---------------------------------------------------------------------- pages


@pytest.fixture
def four() -> Globe:
    """A service whose answers have four items at the most."""
    return Globe(page=4).start()


@pytest.fixture
def many(four: Globe) -> Person:
    juliet = four.person("juliet")
    opened(juliet)
    for id_ in TEN:
        juliet.publish("play", id_=id_)
    return juliet


def test_6_5_4_of_many_the_newest_are_given_and_that_there_are_more(many: Person) -> None:
    answer = ask(many)
    assert given(answer) == ["6", "7", "8", "9"]
    assert paged(answer) == ("6", "6", "9", "10")
    answer = ask(many, max_items="5")
    assert given(answer) == ["6", "7", "8", "9"]
    assert paged(answer) == ("6", "6", "9", "10")
    answer = ask(many, max_items="4")
    assert (given(answer), paged(answer)) == (["6", "7", "8", "9"], None), "all that was asked for"


def test_6_5_4_and_the_others_can_be_asked_for(many: Person) -> None:
    """From the newest to the oldest, by XEP-0059 §2.4."""
    found: list[str] = []
    answer = ask(many)
    while given(answer):
        found = [*given(answer), *found]
        answer = ask(many, f"<before>{found[0]}</before><max>3</max>")
    assert found == TEN


def test_xep_0059_2_3_from_the_oldest_to_the_newest(many: Person) -> None:
    answer = ask(many, "<max>3</max>")
    assert (given(answer), paged(answer)) == (["0", "1", "2"], ("0", "0", "2", "10"))
    answer = ask(many, "<max>3</max><after>2</after>")
    assert (given(answer), paged(answer)) == (["3", "4", "5"], ("3", "3", "5", "10"))
    answer = ask(many, "<max>99</max><after>2</after>")
    assert (given(answer), paged(answer)) == (["3", "4", "5", "6"], ("3", "3", "6", "10"))
    answer = ask(many, "<max>3</max><after>9</after>")
    assert (given(answer), paged(answer)) == ([], (None, None, None, "10"))


def test_xep_0059_2_5_and_2_6_the_last_page_and_one_by_index(many: Person) -> None:
    answer = ask(many, "<max>3</max><before/>")
    assert (given(answer), paged(answer)) == (["7", "8", "9"], ("7", "7", "9", "10"))
    answer = ask(many, "<max>3</max><index>4</index>")
    assert (given(answer), paged(answer)) == (["4", "5", "6"], ("4", "4", "6", "10"))


def test_xep_0059_2_7_how_many_there_are(many: Person) -> None:
    answer = ask(many, "<max>0</max>")
    assert (given(answer), paged(answer)) == ([], (None, None, None, "10"))


def test_xep_0059_a_page_that_can_not_be(many: Person) -> None:
    assert error(ask(many, "<after>11</after>")) == ("item-not-found",)
    assert error(ask(many, "<before>11</before>")) == ("item-not-found",)
    assert error(ask(many, "<max>two</max>")) == ("bad-request",)
    assert error(ask(many, "<after>1</after><before/>")) == ("bad-request",)


def test_6_5_6_no_more_ids_than_there_may_be(many: Person) -> None:
    assert given(many.items("play", PUBSUB, *"1234")) == [*"1234"]
    assert error(many.items("play", PUBSUB, *"12345")) == ("policy-violation",)


def test_6_5_4_an_answer_is_no_larger_than_it_may_be() -> None:
    """A stream ends for a stanza that is too large: so what does not go in is left out."""
    juliet = Globe(octets=10_000).start().person("juliet")
    opened(juliet)
    for id_ in TEN:
        juliet.publish("play", f"<act xmlns='urn:example:play'>{'o' * 2_500}</act>", id_)
    answer = ask(juliet)
    assert (given(answer), paged(answer)) == (["7", "8", "9"], ("7", "7", "9", "10"))
    answer = ask(juliet, "<max>9</max>")
    assert (given(answer), paged(answer)) == (["0", "1", "2"], ("0", "0", "2", "10"))
    answer = juliet.items("play", PUBSUB, *"2345")
    assert (given(answer), paged(answer)) == (["2", "3", "4"], ("2", None, "4", "4"))


def test_6_5_4_nor_has_an_answer_more_elements_than_it_may() -> None:
    """The server looks at each of them: of four octets there are very many in few octets."""
    juliet = Globe(elements=1_000).start().person("juliet")
    opened(juliet)
    for id_ in TEN:
        juliet.publish("play", f"<act xmlns='urn:example:play'>{'<x/>' * 320}</act>", id_)
    answer = ask(juliet)
    assert (given(answer), paged(answer)) == (["7", "8", "9"], ("7", "7", "9", "10"))
    answer = ask(juliet, "<max>9</max><after>1</after>")
    assert (given(answer), paged(answer)) == (["2", "3", "4"], ("2", "2", "4", "10"))
    answer = juliet.items("play", PUBSUB, *"2345")
    assert (given(answer), paged(answer)) == (["2", "3", "4"], ("2", None, "4", "4"))


def test_6_5_4_an_item_with_more_elements_is_given_alone() -> None:
    """It was published when there might be more of them."""
    before = Globe().start()
    juliet = before.person("juliet")
    opened(juliet)
    for id_ in "123":
        juliet.publish("play", f"<act xmlns='urn:example:play'>{'<x/>' * 900}</act>", id_)
    now = Globe(database=before.database, item_elements=500, elements=500).start()
    juliet = now.person("juliet")
    answer = ask(juliet)
    assert (given(answer), paged(answer)) == (["3"], ("3", "2", "3", "3"))
    answer = ask(juliet, "<max>9</max><before>3</before>")
    assert (given(answer), paged(answer)) == (["2"], ("2", "1", "2", "3"))
    assert given(juliet.items("play", PUBSUB, "1")) == ["1"]


# ---------------------------------------------------------------------- nodes that keep nothing


def test_6_5_5_the_last_item_is_given_though_it_is_not_kept(juliet: Person, romeo: Person) -> None:
    opened(juliet, persist_items=False)
    assert given(ask(romeo)) == []
    for id_ in "12":
        juliet.publish("play", id_=id_)
    assert given(ask(romeo)) == given(romeo.items("play", most=5)) == ["2"]
    assert given(romeo.items("play", PUBSUB, "1")) == []
    assert given(romeo.items("play", PUBSUB, "1", "2")) == ["2"]
    answer = ask(romeo, "<max>3</max>")
    assert (given(answer), paged(answer)) == (["2"], ("2", "0", "2", "1"))


def test_6_5_9_4_there_are_no_items_where_none_are_taken(juliet: Person, romeo: Person) -> None:
    opened(juliet, persist_items=False, deliver_payloads=False)
    answer = ask(romeo)
    assert error(answer) == ("feature-not-implemented", "unsupported")
    assert answer.find(f".//{{{NS}#errors}}unsupported").get("feature") == "persistent-items"


def test_6_5_9_5_nor_in_collections(juliet: Person, romeo: Person) -> None:
    opened(juliet, node_type="collection")
    answer = ask(romeo)
    assert error(answer) == ("feature-not-implemented", "unsupported")
    assert answer.find(f".//{{{NS}#errors}}unsupported").get("feature") == "retrieve-items"


# ---------------------------------------------------------------------- who may


def test_6_5_9_1_and_2_which_of_several_subscriptions(juliet: Person, romeo: Person) -> None:
    opened(juliet)
    juliet.publish("play", id_="1")
    subids = []
    for jid in (str(romeo.jid), str(romeo.jid.bare)):
        subids.append(romeo.subscribe("play", jid=jid)[0][0].get("subid", ""))
        assert error(ask(romeo, subid="unheard-of")) == ("not-acceptable", "invalid-subid")
        assert given(ask(romeo, subid=subids[-1])) == ["1"]
    assert error(ask(romeo)) == ("bad-request", "subid-required")
    for subid in subids:
        assert given(ask(romeo, subid=subid)) == ["1"]


def test_6_5_9_2_others_subscriptions_are_not_his(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    """Nor do those of his other resources make it less clear which one is meant."""
    opened(juliet)
    juliet.publish("play", id_="1")
    other = juliet.subscribe("play")[0][0].get("subid", "")
    romeo.subscribe("play")
    garden = globe.person("romeo", "garden")
    garden.subscribe("play", jid=str(garden.jid))
    assert error(ask(romeo, subid=other)) == ("not-acceptable", "invalid-subid")
    assert given(ask(romeo)) == ["1"]


def test_6_5_9_1_a_subscription_that_waits_for_approval_is_none_yet(
    juliet: Person, romeo: Person
) -> None:
    node = opened(juliet)
    juliet.publish("play", id_="1")
    romeo.subscribe("play")
    node.put(Subscription(romeo.jid.bare, "waits", State.PENDING))
    assert given(ask(romeo)) == ["1"]
    assert error(ask(romeo, subid="waits")) == ("not-acceptable", "invalid-subid")


def test_6_5_9_2_who_is_not_subscribed_has_no_invalid_subid(juliet: Person, romeo: Person) -> None:
    opened(juliet)
    juliet.publish("play", id_="1")
    assert given(ask(romeo, subid="old")) == ["1"]


def test_6_5_9_3_only_subscribers_of_a_node_that_needs_approval(
    juliet: Person, romeo: Person
) -> None:
    opened(juliet, access_model="authorize")
    assert error(ask(romeo)) == ("not-authorized", "not-subscribed")


def test_6_5_9_6_and_7_contacts_and_those_in_groups(juliet: Person, romeo: Person) -> None:
    opened(juliet, "tune", "juliet@capulet.lit")
    opened(juliet, "ring", "juliet@capulet.lit", access_model="roster")
    wanted = ask(romeo, to="juliet@capulet.lit", node="tune")
    assert error(wanted) == ("not-authorized", "presence-subscription-required")
    befriend(juliet, romeo)
    assert given(ask(romeo, to="juliet@capulet.lit", node="tune")) == []
    wanted = ask(romeo, to="juliet@capulet.lit", node="ring")
    assert error(wanted) == ("not-authorized", "not-in-roster-group")


def test_6_5_9_8_only_those_on_the_whitelist(juliet: Person, romeo: Person) -> None:
    """Whatever else he asks for: of what is in the node he learns nothing."""
    opened(juliet, access_model="whitelist", persist_items=False, deliver_payloads=False)
    for answer in (ask(romeo), ask(romeo, max_items="x"), ask(romeo, "<after>1</after>")):
        assert error(answer) == ("not-allowed", "closed-node")


def test_17_4_4_what_is_too_old_is_not_given(globe: Globe, juliet: Person, romeo: Person) -> None:
    opened(juliet, item_expire=30)
    juliet.publish("play", id_="1")
    globe.pass_time(20)
    juliet.publish("play", id_="2")
    assert given(ask(romeo)) == ["1", "2"]
    globe.pass_time(10)
    assert given(ask(romeo)) == given(ask(romeo, "<max>1</max>")) == ["2"]
    assert given(romeo.items("play", PUBSUB, "1")) == []
