"""Service discovery of accounts (XEP-0163 §6, XEP-0060 §5)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import quoteattr

import pytest

from components.common.paging import RESULT_SET
from components.pubsub.model import features
from tests.support.deferred import result
from tests.support.interests import MOOD, TUNE, node
from tests.support.people import item
from tests.support.pubsub import ACT, NS, PUBSUB, Globe, Person, befriend, error
from xmppd import ns
from xmppd.jid import JID

INFO, LIST = f"{{{ns.DISCO_INFO}}}", f"{{{ns.DISCO_ITEMS}}}"
JULIET = "juliet@capulet.lit"


@pytest.fixture
def juliet(globe: Globe) -> Person:
    return globe.person("juliet", "balcony")


@pytest.fixture
def romeo(globe: Globe, juliet: Person) -> Person:
    romeo = globe.person("romeo", "orchard")
    befriend(juliet, romeo)
    return romeo


def info(person: Person, name: str = "", to: str = JULIET) -> Element:
    attr = f" node={quoteattr(name)}" if name else ""
    return person.ask(f"<query xmlns='{ns.DISCO_INFO}'{attr}/>", to=to)


def listed(person: Person, name: str = "", to: str = JULIET) -> Element:
    attr = f" node={quoteattr(name)}" if name else ""
    return person.ask(f"<query xmlns='{ns.DISCO_ITEMS}'{attr}/>", to=to)


def nodes(person: Person, to: str = JULIET) -> list[str | None]:
    answer = listed(person, to=to)
    assert answer.get("type") == "result", error(answer)
    assert {each.get("jid") for each in answer.iter(f"{LIST}item")} <= {to}
    return sorted(each.get("node") for each in answer.iter(f"{LIST}item"))


def identities(answer: Element) -> set[tuple[str | None, str | None]]:
    return {(each.get("category"), each.get("type")) for each in answer.iter(f"{INFO}identity")}


def test_6_1_an_account_is_a_personal_eventing_service(juliet):
    answer = info(juliet)
    assert identities(answer) == {("account", "registered"), ("pubsub", "pep")}
    told = {each.get("var") for each in answer.iter(f"{INFO}feature")}
    assert told >= features.PERSONAL
    wanted = ("access-presence", "auto-create", "auto-subscribe", "filtered-notifications")
    assert {f"{NS}#{each}" for each in wanted} <= told
    assert f"{NS}#access-open" not in told, "that is the default of the domain"


def test_6_2_a_contact_finds_the_same(juliet, romeo):
    assert ("pubsub", "pep") in identities(info(romeo))


def test_6_2_a_stranger_reads_nothing_of_the_account(globe, juliet):
    """Whether there is one or not (XEP-0030 §8): but he finds the nodes that are open to him."""
    paris = globe.person("paris")
    for address in (JULIET, "nobody@capulet.lit"):
        assert error(info(paris, to=address)) == ("service-unavailable",)
        assert nodes(paris, address) == []


def test_6_2_only_nodes_that_one_may_subscribe_to_or_read_are_listed(globe, juliet, romeo):
    for access in ("open", "presence", "authorize", "whitelist", "roster"):
        node(globe, access, access_model=access, roster_groups_allowed=("Lovers",))
    paris = globe.person("paris")
    assert nodes(juliet) == sorted(("open", "presence", "authorize", "whitelist", "roster"))
    assert nodes(romeo) == ["authorize", "open", "presence"]
    assert nodes(paris) == ["authorize", "open"]
    juliet.ask(item("romeo@capulet.lit", groups=["Lovers"]), "set", to="")
    assert nodes(romeo) == ["authorize", "open", "presence", "roster"]


def test_the_nodes_of_one_account_are_not_those_of_another(globe, juliet, romeo):
    node(globe, TUNE)
    node(globe, MOOD, owner="romeo")
    assert nodes(juliet) == [TUNE]
    assert nodes(juliet, "romeo@capulet.lit") == [MOOD]


def test_0060_5_3_what_a_node_is(globe, juliet, romeo):
    node(globe, TUNE, title="What Juliet hears")
    answer = info(romeo, TUNE)
    assert answer.find(f"{INFO}query").get("node") == TUNE
    assert identities(answer) == {("pubsub", "leaf")}
    fields = answer.iter(f"{{{ns.DATA_FORM}}}field")
    values = {each.get("var"): each.findtext("{*}value") for each in fields}
    assert values["pubsub#title"] == "What Juliet hears"


def test_0060_5_3_a_node_that_one_may_not_see_is_not_there(globe, juliet, romeo):
    node(globe, TUNE, access_model="whitelist")
    for asked in (info, listed):
        hidden, absent = asked(romeo, TUNE), asked(romeo, "urn:example:absent")
        assert error(hidden) == error(absent) == ("item-not-found",)


def test_0060_5_5_the_items_of_a_node(globe, juliet, romeo):
    node(globe, TUNE, max_items=5)
    for id_ in ("1", "2"):
        juliet.publish(TUNE, id_=id_, to="")
    found = listed(romeo, TUNE)
    assert [each.get("name") for each in found.iter(f"{LIST}item")] == ["1", "2"]


def test_without_the_component_an_account_is_no_such_service(globe, juliet):
    globe.kill()
    assert identities(info(juliet)) == {("account", "registered")}


# ---------------------------------------------------------------------- the server itself


@pytest.mark.parametrize("to", ["capulet.lit", "capulet.lit/nook"])
def test_the_servers_own_address_has_no_nodes(globe: Globe, juliet: Person, to: str) -> None:
    """What is delegated is delegated there, too; it answers as servers without nodes do."""
    for inner, type_, owner in (
        ("<create node='play'/>", "set", False),
        ("<create/>", "set", False),
        (f"<publish node='play'><item id='1'>{ACT}</item></publish>", "set", False),
        ("<items node='play'/>", "get", False),
        (f"<subscribe node='play' jid='{juliet.jid.bare}'/>", "set", False),
        ("<subscriptions/>", "get", False),
        ("<affiliations/>", "get", False),
        ("<default/>", "get", False),
        ("<default/>", "get", True),
        ("<configure node='play'/>", "get", True),
        ("<delete node='play'/>", "set", True),
    ):
        answer = juliet.pubsub(inner, type_, to, owner=owner)
        assert error(answer) == ("service-unavailable",), inner
    names = globe.service.store.names(JID.parse("capulet.lit"), most=9)
    assert list(result(names)) == []
    assert identities(info(juliet, to="capulet.lit")) == {("server", "im")}
    assert error(info(juliet, "play", to="capulet.lit")) == ("item-not-found",)


@pytest.mark.parametrize("namespace", [ns.DISCO_INFO, ns.DISCO_ITEMS])
@pytest.mark.parametrize("to", ["to='capulet.lit'", ""])
def test_nor_has_it_any_where_discovery_is_delegated(
    globe: Globe, juliet: Person, namespace: str, to: str
) -> None:
    inside = (
        f"<iq xmlns='{ns.CLIENT}' from='{juliet.jid}' {to} id='a' type='get'>"
        f"<query xmlns='{namespace}'/></iq>"
    )
    wrapped = (
        f"<delegation xmlns='{ns.DELEGATION}'><forwarded xmlns='{ns.FORWARD}'>{inside}"
        "</forwarded></delegation>"
    )
    answered: list[bytes] = []
    globe.component.link.send = answered.append  # type: ignore[assignment,method-assign]
    globe.line.protocol.dataReceived(
        f"<iq from='capulet.lit' to='{PUBSUB}' type='set' id='d'>{wrapped}</iq>".encode()
    )
    (answer,) = answered
    assert b"<service-unavailable " in answer


@pytest.mark.parametrize("page", ["<max>10</max>", "<max>1</max>", "<max>0</max>", "<before/>"])
@pytest.mark.parametrize("public", [[], ["a", "b"]])
def test_5_2_how_many_there_are_says_nothing_of_those_that_one_may_not_see(
    globe: Globe, juliet: Person, page: str, public: list[str]
) -> None:
    """§5.2, XEP-0059 §2.6: nor whether there is such an account."""
    nurse = globe.person("nurse")
    hers = "nurse@capulet.lit"
    for name in public:
        juliet.publish(name, to="", access_model="open")
        nurse.publish(name, to="", access_model="open")
    juliet.publish("c", to="", access_model="presence")
    juliet.publish("d", to="", access_model="whitelist")
    paris = globe.person("paris")
    query = f"<query xmlns='{ns.DISCO_ITEMS}'><set xmlns='{RESULT_SET}'>{page}</set></query>"
    said = [tostring(paris.ask(query, to=to)).decode() for to in (JULIET, hers)]
    ids = [paris._ids - 1, paris._ids]
    one, other = (
        each.replace(f'"q{id_}"', "").replace(to, "")
        for each, id_, to in zip(said, ids, (JULIET, hers), strict=True)
    )
    assert one == other
