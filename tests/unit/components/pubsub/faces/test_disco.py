"""Service discovery at the service's domain (XEP-0060 §5, XEP-0248 §5, XEP-0059)."""

from __future__ import annotations

from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

import pytest

from components.pubsub.faces import listing
from components.pubsub.model.node import Address
from components.pubsub.model.ranks import Affiliation
from components.pubsub.store import listing as stored
from tests.support.forms import X
from tests.support.pubsub import NS, PUBSUB, Globe, Person, befriend, error
from tests.support.pubsub_items import opens
from tests.support.server import DOMAIN
from xmppd import ns
from xmppd.jid import JID

INFO, LIST = f"{{{ns.DISCO_INFO}}}", f"{{{ns.DISCO_ITEMS}}}"
R = "{http://jabber.org/protocol/rsm}"


def info(person: Person, node: str = "") -> Element:
    attr = f" node={quoteattr(node)}" if node else ""
    return person.ask(f"<query xmlns='{ns.DISCO_INFO}'{attr}/>", to=PUBSUB)


def items(person: Person, node: str = "", page: str = "") -> Element:
    attr = f" node={quoteattr(node)}" if node else ""
    inner = f"<set xmlns='{R[1:-1]}'>{page}</set>" if page else ""
    return person.ask(f"<query xmlns='{ns.DISCO_ITEMS}'{attr}>{inner}</query>", to=PUBSUB)


def names(answer: Element, key: str = "node") -> list[str | None]:
    assert answer.get("type") == "result", error(answer)
    return [each.get(key) for each in answer.iter(f"{LIST}item")]


def rank_of(globe: Globe, name: str, person: Person, rank: Affiliation) -> None:
    """Have somebody be something to a node, in the store as well."""
    node = globe.service.nodes.at_hand(Address(JID.parse(PUBSUB), name))
    assert node is not None
    globe.service.store.affiliate(node.id, {person.jid.bare: rank})
    node.affiliations[person.jid.bare] = rank


def test_5_1_the_service_says_what_it_is(juliet: Person) -> None:
    answer = info(juliet)
    identities = [(e.get("category"), e.get("type")) for e in answer.iter(f"{INFO}identity")]
    assert identities == [("pubsub", "service")]
    features = {e.get("var") for e in answer.iter(f"{INFO}feature")}
    assert {NS, f"{NS}#publish", f"{NS}#access-open", f"{NS}#collections"} <= features
    assert f"{NS}#access-presence" not in features


def test_5_2_nodes_are_listed_by_name(juliet: Person, romeo: Person) -> None:
    assert names(items(romeo)) == []
    juliet.create("b", title="Letters to my Beloved")
    juliet.create("a")
    answer = items(romeo)
    assert names(answer) == ["a", "b"]
    assert names(answer, "name") == [None, "Letters to my Beloved"]
    assert names(answer, "jid") == [PUBSUB] * 2
    assert answer.find(f".//{R}set") is None


@pytest.mark.parametrize(
    ("model", "listed"),
    [
        ("open", True),
        ("authorize", True),
        ("whitelist", False),
        ("presence", False),
        ("roster", False),
    ],
)
def test_5_2_only_what_somebody_may_see_is_listed(
    globe: Globe, juliet: Person, romeo: Person, model: str, listed: bool
) -> None:
    juliet.create("diary", access_model=model)
    assert names(items(juliet)) == ["diary"]
    assert names(items(romeo)) == ["diary"] * listed
    none = error(info(romeo, "none"))
    assert none == ("item-not-found",)
    assert (info(romeo, "diary").get("type") == "result") is listed
    if not listed:
        # Nor does anything tell it from a node that there is not.
        assert error(info(romeo, "diary")) == error(items(romeo, "diary")) == none
    rank_of(globe, "diary", romeo, Affiliation.MEMBER)
    assert names(items(romeo)) == ["diary"]
    rank_of(globe, "diary", romeo, Affiliation.OUTCAST)
    assert names(items(romeo)) == []
    assert error(info(romeo, "diary")) == none


def test_5_2_contacts_see_what_is_for_contacts(juliet: Person, romeo: Person) -> None:
    juliet.create("diary", access_model="presence")
    befriend(juliet, romeo)
    assert names(items(romeo)) == ["diary"]
    assert info(romeo, "diary").get("type") == "result"


def test_5_2_who_runs_the_service_sees_all_at_its_domain() -> None:
    globe = Globe(admins=["nurse@capulet.lit"]).start()
    juliet, nurse = globe.person("juliet"), globe.person("nurse")
    juliet.create("diary", access_model="whitelist")
    assert names(items(nurse)) == ["diary"]


def test_5_2_nodes_of_accounts_are_not_those_of_the_domain(juliet: Person) -> None:
    juliet.create("tune", to="", access_model="open")
    assert names(items(juliet)) == []


def test_5_2_they_come_in_pages(juliet: Person, romeo: Person) -> None:
    for n in range(7):
        juliet.create(f"n{n}", access_model="whitelist" if n == 3 else "open")
    seen: list[str | None] = []
    after = ""
    for _ in range(9):
        answer = items(romeo, page=f"<max>2</max><after>{after}</after>")
        found = names(answer)
        if not found:
            break
        seen += found
        assert answer.findtext(f".//{R}count") == "6"
        assert answer.findtext(f".//{R}last") == found[-1]
        after = found[-1] or ""
    assert seen == ["n0", "n1", "n2", "n4", "n5", "n6"]
    assert names(items(romeo, page="<max>2</max><before/>")) == ["n5", "n6"]
    assert names(items(romeo, page="<max>2</max><before>n5</before>")) == ["n2", "n4"]
    counted = items(romeo, page="<max>0</max>")
    assert (names(counted), counted.findtext(f".//{R}count")) == ([], "6")
    assert error(items(romeo, page="<max>two</max>")) == ("bad-request",)
    assert error(items(romeo, page="<index>2</index>"))[0] == "feature-not-implemented"


def test_5_2_what_hides_behind_rosters_is_not_counted(juliet: Person, romeo: Person) -> None:
    for n in range(4):
        juliet.create(f"n{n}", access_model="open" if n > 1 else "presence")
    answer = items(romeo, page="<max>1</max>")
    assert names(answer) == ["n2"]
    assert answer.find(f".//{R}count") is None


def test_xep_0059_2_2_of_very_many_it_is_not_told_how_many(
    juliet: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To count them would cost each page as much as all of them."""
    monkeypatch.setattr(stored, "COUNTED", 3)
    for n in range(3):
        juliet.create(f"n{n}")
    assert items(juliet, page="<max>1</max>").findtext(f".//{R}count") == "3"
    juliet.create("n3")
    answer = items(juliet, page="<max>1</max>")
    assert names(answer) == ["n0"]
    assert answer.find(f".//{R}count") is None


def test_5_2_a_list_is_cut_where_nobody_asks_for_pages(
    juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        juliet.create(f"n{n}")
    monkeypatch.setattr(listing, "PAGE", 3)
    answer = items(romeo)
    assert names(answer) == ["n0", "n1", "n2"]
    assert answer.findtext(f".//{R}last") == "n2"
    monkeypatch.setattr(listing, "OCTETS", 100)
    assert names(items(romeo)) == ["n0"]
    assert names(items(romeo, page="<before/>")) == ["n3"]


def test_xep_0248_5_2_nodes_stand_in_their_collections(juliet: Person, romeo: Person) -> None:
    juliet.create("blogs", node_type="collection", title="Weblogs")
    juliet.create("musings", collection="blogs")
    juliet.create("secret", collection="blogs", access_model="whitelist")
    juliet.create("news")
    assert names(items(romeo)) == ["blogs", "news"]
    assert names(items(romeo, "blogs")) == ["musings"]
    assert names(items(juliet, "blogs")) == ["musings", "secret"]
    (identity,) = info(romeo, "blogs").iter(f"{INFO}identity")
    assert (identity.get("category"), identity.get("type")) == ("pubsub", "collection")
    juliet.pubsub("<delete node='blogs'/>", owner=True)
    assert names(items(romeo)) == ["musings", "news"]


def test_5_3_and_5_4_a_node_says_what_it_is(juliet: Person, romeo: Person) -> None:
    juliet.create(
        "musings",
        title="Princely Musings",
        description="Updates",
        language="en",
        type="http://www.w3.org/2005/Atom",
        contact="nurse@capulet.lit",
        max_items="120",
    )
    romeo.subscribe("musings")
    answer = info(romeo, "musings")
    assert answer.find(f"{INFO}query").get("node") == "musings"
    (identity,) = answer.iter(f"{INFO}identity")
    assert identity.attrib == {"category": "pubsub", "type": "leaf", "name": "Princely Musings"}
    assert NS in {e.get("var") for e in answer.iter(f"{INFO}feature")}
    said = {
        each.get("var", "").removeprefix("pubsub#"): [v.text for v in each.iterfind(f"{X}value")]
        for each in answer.iter(f"{X}field")
    }
    assert said.pop("creation_date")[0].endswith("Z")
    assert said == {
        "FORM_TYPE": [f"{NS}#meta-data"],
        "type": ["http://www.w3.org/2005/Atom"],
        "title": ["Princely Musings"],
        "description": ["Updates"],
        "language": ["en"],
        "contact": ["nurse@capulet.lit"],
        "access_model": ["open"],
        "publish_model": ["publishers"],
        "max_items": ["120"],
        "creator": [f"juliet@{DOMAIN}"],
        "owner": [f"juliet@{DOMAIN}"],
        "num_subscribers": ["1"],
    }


@pytest.mark.parametrize("name", ["purge_offline", "tempsub"])
def test_15_4_and_whether_it_tells_who_goes_offline(juliet: Person, romeo: Person, name: str):
    juliet.create("play", publish_model="open")
    for wanted in ("0", "1"):
        juliet.configure("play", **{name: wanted})
        fields = {each.get("var"): each for each in info(romeo, "play").iter(f"{X}field")}
        found = fields.get(f"pubsub#{name}")
        assert (found is None) is (wanted == "0")
        if found is not None:
            assert found.findtext(f"{X}value") == "1"
        published = romeo.publish("play", **{name: "0"})
        assert published.get("type") == ("result" if wanted == "0" else "error"), "§7.1.5"


def test_5_5_items_are_listed_by_their_ids(juliet: Person, romeo: Person) -> None:
    juliet.create("play")
    for n in range(5):
        juliet.publish("play", id_=f"i{n}")
    answer = items(romeo, "play")
    assert names(answer, "name") == [f"i{n}" for n in range(5)]
    assert names(answer) == [None] * 5
    assert names(answer, "jid") == [PUBSUB] * 5
    page = items(romeo, "play", "<max>2</max><after>i1</after>")
    assert names(page, "name") == ["i2", "i3"]
    assert page.findtext(f".//{R}count") == "5"
    last = items(romeo, "play", "<max>2</max><before/>")
    assert names(last, "name") == ["i3", "i4"]
    assert error(items(romeo, "play", "<after>none</after>")) == ("item-not-found",)


def test_5_5_only_who_may_read_them_sees_items(juliet: Person, romeo: Person) -> None:
    juliet.create("diary", access_model="authorize")
    juliet.publish("diary", id_="1")
    assert error(items(romeo, "diary")) == ("not-authorized", "not-subscribed")
    assert names(items(juliet, "diary"), "name") == ["1"]


def test_5_5_a_node_that_keeps_none_lists_none(juliet: Person) -> None:
    juliet.create("tune", persist_items="0")
    juliet.publish("tune", id_="1")
    assert names(items(juliet, "tune")) == []


def test_5_2_no_more_is_opened_for_a_page_than_there_may_be(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What rosters hide has to be opened, with all who are subscribed to it."""
    monkeypatch.setattr(listing, "LOOKS", 3)
    for n in range(9):
        juliet.create(f"n{n}", access_model="open" if n in (2, 8) else "presence")
    opened = opens(globe, monkeypatch)
    answer = items(romeo)
    assert names(answer) == ["n2"]
    assert len(opened) == 3
    assert answer.findtext(f".//{R}last") == "n2", "there may be more"


def test_5_2_nor_in_a_minute(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(globe.service.looks, "_most", 4)
    for n in range(3):
        juliet.create(f"n{n}", access_model="presence")
    assert names(items(romeo)) == []
    assert error(items(romeo)) == ("resource-constraint",)
    assert names(items(juliet)) == ["n0", "n1", "n2"], "others have their own"
    globe.pass_time(60)
    assert names(items(romeo)) == []


def test_5_2_nodes_of_an_account_are_listed_unopened(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    account = str(juliet.jid.bare)
    for name, model in (("a", "presence"), ("b", "roster"), ("c", "open"), ("d", "whitelist")):
        juliet.create(name, to="", access_model=model, roster_groups_allowed="Loves")
    listed = f"<query xmlns='{ns.DISCO_ITEMS}'/>"
    globe.service.nodes.clear()
    assert names(romeo.ask(listed, to=account)) == ["c"]
    befriend(juliet, romeo)
    assert names(romeo.ask(listed, to=account)) == ["a", "c"]
    juliet.send(
        f"<iq type='set' id='r'><query xmlns='{ns.ROSTER}'>"
        f"<item jid='{romeo.jid.bare}'><group>Loves</group></item></query></iq>"
    ).came()
    assert names(romeo.ask(listed, to=account)) == ["a", "b", "c"]
    assert globe.service.nodes.opened() == []
