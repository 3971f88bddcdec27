"""Configuring nodes (XEP-0060 §8.2), and the default configuration (§8.3)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.pubsub.model.node import Address
from components.pubsub.model.ranks import Affiliation
from tests.support.forms import X
from tests.support.people import item
from tests.support.pubsub import OWNER, PUBSUB, E, Globe, Person, error, form
from tests.support.server import DOMAIN
from xmppd import ns
from xmppd.jid import JID


def shown(answer: Element) -> dict[str, list[str]]:
    """The values in a form."""
    return {
        each.get("var", ""): [value.text or "" for value in each.iterfind(f"{X}value")]
        for each in answer.iter(f"{X}field")
    }


def config(person: Person, node: str, to: str = PUBSUB) -> dict[str, list[str]]:
    answer = person.pubsub(f"<configure node='{node}'/>", "get", to, owner=True)
    assert answer.get("type") == "result", error(answer)
    assert answer.find(f"{OWNER}pubsub/{OWNER}configure").get("node") == node
    return shown(answer)


def rank_of(globe: Globe, name: str, person: Person, rank: Affiliation) -> None:
    """Have somebody be something to a node."""
    node = globe.service.nodes.at_hand(Address(JID.parse(PUBSUB), name))
    assert node is not None
    node.affiliations[person.jid.bare] = rank


@pytest.fixture
def play(juliet: Person) -> str:
    juliet.create("play", title="Verona")
    return "play"


def test_8_2_2_the_owner_sees_how_the_node_is_set_up(juliet: Person, play: str) -> None:
    said = config(juliet, play)
    assert said["pubsub#title"] == ["Verona"]
    assert said["pubsub#access_model"] == ["open"]
    assert said["pubsub#max_items"] == ["max"]


def test_8_2_2_the_groups_of_the_owners_roster_are_offered(juliet: Person, play: str) -> None:
    juliet.send(
        "<iq type='set' id='r'><query xmlns='jabber:iq:roster'>"
        "<item jid='romeo@montague.lit'><group>Loves</group></item></query></iq>"
    ).came()
    juliet.send("<presence type='subscribed' to='romeo@capulet.lit'/>").came()
    answer = juliet.pubsub(f"<configure node='{play}'/>", "get", owner=True)
    assert "pubsub#roster_groups_allowed" in shown(answer)
    assert "Loves" in [each.text for each in answer.iter(f"{{{ns.DATA_FORM}}}value")]


def test_8_2_2_no_groups_are_offered_that_would_let_nobody_in(
    juliet: Person, romeo: Person, play: str
) -> None:
    """The creator's roster alone is asked (§4.5)."""
    juliet.affiliate(play, romeo="owner")
    romeo.ask(item("nurse@capulet.lit", groups=["Foes"]), "set", to="")
    answer = romeo.pubsub(f"<configure node='{play}'/>", "get", owner=True)
    assert answer.get("type") == "result"
    assert "Foes" not in [each.text for each in answer.iter(f"{{{ns.DATA_FORM}}}value")]


def test_8_2_3_2_nobody_but_owners_sees_or_changes_it(
    globe: Globe, juliet: Person, romeo: Person, play: str
) -> None:
    for rank in ("none", "publisher", "publish-only", "member", "outcast"):
        rank_of(globe, play, romeo, Affiliation(rank))
        for asked in (
            romeo.pubsub(f"<configure node='{play}'/>", "get", owner=True),
            romeo.configure(play, title="Mantua"),
        ):
            assert error(asked) == ("forbidden",)
    assert config(juliet, play)["pubsub#title"] == ["Verona"]


def test_8_2_3_2_who_runs_the_service_configures_all_at_its_domain() -> None:
    globe = Globe(admins=["nurse@capulet.lit"]).start()
    juliet, nurse = globe.person("juliet"), globe.person("nurse")
    juliet.create("play")
    juliet.create("tune", to="")
    assert nurse.configure("play", title="Mantua").get("type") == "result"
    assert error(nurse.configure("tune", f"juliet@{DOMAIN}", title="Mantua")) == ("forbidden",)


@pytest.mark.parametrize("type_", ["get", "set"])
def test_8_2_3_3_a_node_has_to_be_named(juliet: Person, type_: str) -> None:
    answer = juliet.pubsub(f"<configure>{form('node_config')}</configure>", type_, owner=True)
    assert error(answer) == ("bad-request", "nodeid-required")


@pytest.mark.parametrize("type_", ["get", "set"])
def test_8_2_3_5_there_has_to_be_a_node(juliet: Person, type_: str) -> None:
    inner = f"<configure node='none'>{form('node_config')}</configure>"
    assert error(juliet.pubsub(inner, type_, owner=True)) == ("item-not-found",)


def test_8_2_4_what_a_form_leaves_out_stays(juliet: Person, play: str) -> None:
    assert juliet.configure(play, description="Two households").get("type") == "result"
    said = config(juliet, play)
    assert said["pubsub#title"] == ["Verona"]
    assert said["pubsub#description"] == ["Two households"]


def test_8_2_4_it_is_the_same_at_an_account(juliet: Person) -> None:
    juliet.publish("tune", to="")
    assert config(juliet, "tune", "")["pubsub#access_model"] == ["presence"]
    assert juliet.configure("tune", "", access_model="open").get("type") == "result"
    assert config(juliet, "tune", "")["pubsub#access_model"] == ["open"]


def test_8_2_4_a_canceled_form_changes_nothing(juliet: Person, play: str) -> None:
    before = config(juliet, play)
    cancel = f"<configure node='{play}'><x xmlns='jabber:x:data' type='cancel'/></configure>"
    assert juliet.pubsub(cancel, owner=True).get("type") == "result"
    assert config(juliet, play) == before


def test_8_2_5_2_what_can_not_be_changes_nothing(juliet: Person, play: str) -> None:
    before = config(juliet, play)
    said = {"title": "Mantua", "max_items": "many"}
    assert error(juliet.configure(play, **said)) == ("not-acceptable",)
    said = {"title": "Mantua", "access_model": "locked"}
    assert error(juliet.configure(play, **said)) == ("not-acceptable", "unsupported-access-model")
    nothing = juliet.pubsub(f"<configure node='{play}'/>", owner=True)
    assert error(nothing) == ("bad-request",)
    assert config(juliet, play) == before


def test_8_2_5_3_nor_is_anybody_told_of_collections_that_he_may_not_see(
    juliet: Person, romeo: Person, play: str
) -> None:
    juliet.create("secrets", node_type="collection", access_model="whitelist")
    romeo.subscribe(play)
    juliet.configure(play, notify_config="1", title="Mantua", collection="secrets")
    event = romeo.event()
    assert event[0].tag == f"{E}configuration"
    assert "secrets" not in [each.text for each in event.iter()]
    assert config(juliet, play)["pubsub#collection"] == ["secrets"]


def test_8_2_5_3_subscribers_are_told_with_the_configuration(
    juliet: Person, romeo: Person, play: str
) -> None:
    romeo.subscribe(play)
    juliet.configure(play, notify_config="1", title="Mantua", roster_groups_allowed="Foes")
    event = romeo.event()
    (told,) = event
    assert told.tag == f"{E}configuration"
    assert told.get("node") == play
    assert told[0].get("type") == "result"
    said = shown(told)
    assert said["FORM_TYPE"] == ["http://jabber.org/protocol/pubsub#node_config"]
    assert said["pubsub#title"] == ["Mantua"]
    assert "pubsub#roster_groups_allowed" not in said


def test_8_2_5_3_without_payloads_the_notification_is_empty(
    juliet: Person, romeo: Person, play: str
) -> None:
    romeo.subscribe(play)
    juliet.configure(play, notify_config="1", deliver_payloads="0")
    (told,) = romeo.event()
    assert told.tag == f"{E}configuration"
    assert not len(told)


def test_8_2_5_3_nobody_is_told_where_that_is_not_wanted(
    juliet: Person, romeo: Person, play: str
) -> None:
    romeo.subscribe(play)
    juliet.configure(play, title="Mantua")
    juliet.configure(play, notify_config="1", deliver_notifications="0")
    juliet.configure(play, notify_config="1", deliver_notifications="0")
    assert romeo.events() == []


def test_8_2_5_3_what_changes_nothing_tells_nobody(
    juliet: Person, romeo: Person, play: str
) -> None:
    juliet.configure(play, notify_config="1")
    romeo.subscribe(play)
    juliet.configure(play, notify_config="1")
    assert romeo.events() == []


def test_the_new_configuration_is_there_when_the_process_is_another_one(
    globe: Globe, juliet: Person, play: str
) -> None:
    juliet.configure(play, title="Mantua", contact="nurse@capulet.lit")
    before = config(juliet, play)
    assert before["pubsub#contact"] == ["nurse@capulet.lit"]
    globe.again()
    assert config(juliet, play) == before


# ---------------------------------------------------------------------- §8.3


def default(person: Person, attrs: str = "", to: str = PUBSUB) -> Element:
    return person.pubsub(f"<default{attrs}/>", "get", to, owner=True)


def test_8_3_3_anybody_is_told_the_default_configuration(juliet: Person) -> None:
    said = shown(default(juliet))
    assert said["pubsub#node_type"] == ["leaf"]
    assert said["pubsub#access_model"] == ["open"]
    juliet.create("play")
    assert config(juliet, "play") == said


def test_8_3_2_collections_have_their_own(juliet: Person) -> None:
    said = shown(default(juliet, " type='collection'"))
    assert said["pubsub#node_type"] == ["collection"]
    assert "pubsub#children" in said
    assert "pubsub#max_items" not in said
    assert shown(default(juliet, " type='leaf'")) == shown(default(juliet))
    assert error(default(juliet, " type='tree'")) == ("bad-request",)


def test_8_3_an_account_has_its_own(juliet: Person) -> None:
    said = shown(default(juliet, to=""))
    assert said["pubsub#access_model"] == ["presence"]
    assert said["pubsub#max_items"] == ["1"]


def test_a_configuration_is_bounded_in_all_field_by_field(juliet: Person, play: str) -> None:
    """What goes into a field may still be too much with what is in the others."""
    half = [f"{'g' * 1_000}{n}" for n in range(12)]
    assert juliet.configure(play, roster_groups_allowed=half).get("type") == "result"
    contacts = [f"{'c' * 1_000}{n}@capulet.lit" for n in range(12)]
    refused = juliet.configure(play, contact=contacts, title="Mantua")
    assert error(refused) == ("not-acceptable",)
    assert config(juliet, play)["pubsub#title"] == ["Verona"]
    assert error(juliet.create("other", roster_groups_allowed=half + contacts)) == (
        "not-acceptable",
    )
    fewer = juliet.configure(play, contact=contacts, roster_groups_allowed=[])
    assert fewer.get("type") == "result"


def test_7_1_4_nor_is_a_node_made_by_publishing_larger(juliet: Person) -> None:
    many = [f"{'g' * 1_000}{n}" for n in range(24)]
    answer = juliet.publish("tune", to="", roster_groups_allowed=many)
    assert error(answer) == ("not-acceptable",)
    assert error(juliet.items("tune", "")) == ("item-not-found",)
