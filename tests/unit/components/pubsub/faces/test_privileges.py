"""Who may do what (XEP-0060 §4.1): each cell of the first table, asked for by stanzas.

The access model is "whitelist" and the publish model "publishers", so that nothing but the
affiliation decides; what the models give to who has none stands below.
"""

from __future__ import annotations

import pytest

from tests.support.people import item
from tests.support.pubsub import Globe, befriend, error, subscriptions
from tests.support.server import DOMAIN

JULIET, ROMEO = f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"
DONE: tuple[str, ...] = ()
FORBIDDEN, CLOSED = ("forbidden",), ("not-allowed", "closed-node")

TABLE = {
    # affiliation: subscribe, retrieve, publish, delete another's item, one's own, purge
    "owner": (DONE, DONE, DONE, DONE, DONE, DONE),
    "publisher": (DONE, DONE, DONE, DONE, DONE, DONE),
    "publish-only": (FORBIDDEN, FORBIDDEN, DONE, FORBIDDEN, DONE, FORBIDDEN),
    "member": (DONE, DONE, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    "none": (CLOSED, CLOSED, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    "outcast": (FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
}
OWNERS_ALONE = ("configure", "delete")
COLUMNS = ("subscribe", "retrieve", "publish", "delete another's", "delete one's own", "purge")


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    juliet.create("play")
    juliet.publish("play", id_="juliet's")
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet):
    return globe.person("romeo")


def outcome(answer):
    return DONE if answer.get("type") == "result" else error(answer)


def asks(person, column, node="play"):
    """What comes of it when somebody does what a column of the table says."""
    if column == "subscribe":
        return outcome(person.subscribe(node))
    if column == "retrieve":
        return outcome(person.items(node))
    if column == "publish":
        return outcome(person.publish(node, id_="new"))
    if column == "delete another's":
        return outcome(person.retract(node, "juliet's"))
    if column == "delete one's own":
        return outcome(person.retract(node, "romeo's"))
    assert column == "purge"
    return outcome(person.pubsub(f"<purge node='{node}'/>", owner=True))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("rank", TABLE)
def test_4_1_each_cell_of_the_table_of_privileges(globe, juliet, romeo, rank, column) -> None:
    juliet.affiliate("play", romeo="publisher")
    romeo.publish("play", id_="romeo's")
    if rank == "member":  # a publisher is made no member in one step (§4.1)
        juliet.affiliate("play", romeo="none")
    juliet.affiliate("play", romeo=rank)
    globe.set_up("play", access_model="whitelist")
    assert asks(romeo, column) == TABLE[rank][COLUMNS.index(column)]


@pytest.mark.parametrize("rank", TABLE)
def test_4_1_owners_alone_see_how_a_node_is_set_up_and_delete_it(
    globe, juliet, romeo, rank
) -> None:
    juliet.affiliate("play", romeo=rank)
    wanted = DONE if rank == "owner" else FORBIDDEN
    shown = romeo.pubsub("<configure node='play'/>", "get", owner=True)
    assert outcome(shown) == wanted
    assert outcome(romeo.pubsub("<delete node='play'/>", owner=True)) == wanted
    there = romeo.items("play") if rank == "owner" else juliet.items("play")
    assert outcome(there) == (("item-not-found",) if rank == "owner" else DONE)


READERS = {
    # access model: (subscribe, retrieve) of who has no affiliation, and sees nobody
    "open": (DONE, DONE),
    "presence": (("not-authorized", "presence-subscription-required"),) * 2,
    "roster": (("not-authorized", "not-in-roster-group"),) * 2,
    "authorize": (DONE, ("not-authorized", "not-subscribed")),
    "whitelist": (CLOSED, CLOSED),
}


@pytest.mark.parametrize("model", READERS)
def test_4_5_what_the_access_model_says_to_who_has_no_affiliation(
    globe, juliet, romeo, model
) -> None:
    globe.set_up("play", access_model=model)
    assert asks(romeo, "retrieve") == READERS[model][1]
    assert asks(romeo, "subscribe") == READERS[model][0]


@pytest.mark.parametrize("model", READERS)
@pytest.mark.parametrize("rank", ["owner", "publisher", "member"])
def test_4_5_it_says_nothing_to_who_has_one(globe, juliet, romeo, model, rank) -> None:
    globe.set_up("play", access_model=model)
    juliet.affiliate("play", romeo=rank)
    assert asks(romeo, "retrieve") == DONE
    assert asks(romeo, "subscribe") == DONE


@pytest.mark.parametrize("model", ["presence", "roster"])
def test_4_5_of_the_owners_the_creators_contacts_alone_are_let_in(
    globe, juliet, romeo, model
) -> None:
    """Who was made an owner has not been asked: nobody is to learn whom he knows by that."""
    nurse = globe.person("nurse")
    juliet.affiliate("play", nurse="owner")
    globe.set_up("play", access_model=model, roster_groups_allowed=("Friends",))
    befriend(nurse, romeo)
    nurse.ask(item(ROMEO, groups=["Friends"]), "set", to="")
    assert asks(romeo, "retrieve") == READERS[model][1]
    juliet.pubsub(
        f"<subscriptions node='play'><subscription jid='{ROMEO}' subscription='subscribed'/>"
        "</subscriptions>",
        owner=True,
    )
    assert list(globe.node("play").subscriptions()) == []
    befriend(juliet, romeo)
    juliet.ask(item(ROMEO, groups=["Friends"]), "set", to="")
    assert asks(romeo, "subscribe") == DONE
    romeo.events()
    nurse.affiliate("play", juliet="none")
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]
    assert asks(romeo, "retrieve") == READERS[model][1], "the creator is an owner no more"


def test_4_5_at_an_account_its_own_contacts_alone_are(globe, juliet, romeo) -> None:
    """XEP-0163 §5: another owner brings nobody along."""
    nurse = globe.person("nurse")
    juliet.publish("tune", to="")
    juliet.affiliate("tune", JULIET, nurse="owner")
    befriend(nurse, romeo)
    wanted = ("not-authorized", "presence-subscription-required")
    assert error(romeo.items("tune", JULIET)) == wanted


PUBLISHERS = {
    # publish model: whether (nobody, a subscriber, one who waits, an outcast) may
    "publishers": (False, False, False, False),
    "subscribers": (False, True, False, False),
    "open": (True, True, True, False),
}


@pytest.mark.parametrize("model", PUBLISHERS)
def test_17_4_4_the_publish_model_lets_others_publish(globe, juliet, romeo, model) -> None:
    globe.set_up("play", publish_model=model)
    nobody, subscriber, waiting, outcast = PUBLISHERS[model]
    assert (asks(romeo, "publish") == DONE) is nobody
    romeo.subscribe("play")
    assert (asks(romeo, "publish") == DONE) is subscriber
    romeo.unsubscribe("play")
    globe.set_up("play", access_model="authorize")
    romeo.subscribe("play")
    assert (asks(romeo, "publish") == DONE) is waiting
    juliet.affiliate("play", romeo="outcast")
    assert (asks(romeo, "publish") == DONE) is outcast


def test_affiliations_are_of_all_resources(globe, juliet, romeo) -> None:
    juliet.affiliate("play", romeo="publisher")
    garden = globe.person("romeo", "garden")
    assert asks(garden, "publish") == DONE
    juliet.affiliate("play", romeo="none")
    assert asks(garden, "publish") == FORBIDDEN
