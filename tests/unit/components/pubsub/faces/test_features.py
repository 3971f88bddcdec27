"""Every feature that is told of holds, at the domain and at accounts (XEP-0060 §11, §17.3)."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest

from components.common.paging import RESULT_SET
from components.pubsub.model import features
from tests.support.pubsub import (
    NS,
    OWNER,
    PUBSUB,
    E,
    Globe,
    P,
    befriend,
    error,
    form,
    subid,
    subscriptions,
)
from tests.support.server import DOMAIN
from xmppd import ns

OWNERS = f"{NS}#owner"
INFO = f"{{{ns.DISCO_INFO}}}"


class Stage:
    """Juliet's node "play" at a service, which Romeo may see and read."""

    def __init__(self, personal: bool) -> None:
        self.globe = Globe().start()
        self.juliet, self.romeo = self.globe.person("juliet"), self.globe.person("romeo")
        befriend(self.juliet, self.romeo)
        self.to = f"juliet@{DOMAIN}" if personal else PUBSUB
        self.done(self.juliet.create("play", self.to, access_model="open", max_items="9"))

    def done(self, answer: Element) -> Element:
        assert answer.get("type") == "result", error(answer)
        return answer

    def own(self, inner: str, type_: str = "set") -> Element:
        """Done by the owner, of owners' requests."""
        return self.done(self.juliet.pubsub(inner, type_, self.to, owner=True))

    def his(self, inner: str, type_: str = "set") -> Element:
        """Done by Romeo."""
        return self.done(self.romeo.pubsub(inner, type_, self.to))

    def publish(self, id_: str = "1", **options: str) -> None:
        self.done(self.juliet.publish("play", id_=id_, to=self.to, **options))

    def ids(self) -> list[str]:
        return self.romeo.ids("play", self.to)

    def subscribe(self) -> Element:
        return self.done(self.romeo.subscribe("play", self.to))

    def configure(self, **config: str) -> None:
        self.done(self.juliet.configure("play", self.to, **config))

    def info(self, node: str = "") -> Element:
        attr = f" node='{node}'" if node else ""
        return self.done(self.romeo.ask(f"<query xmlns='{ns.DISCO_INFO}'{attr}/>", to=self.to))


def collections(s: Stage) -> None:
    for name in ("acts", "scenes"):
        s.done(s.juliet.create(name, s.to, node_type="collection", access_model="open"))
    s.configure(collection=["acts", "scenes"])  # type: ignore[arg-type]
    x = form("subscribe_options", subscription_type="items")
    s.his(f"<subscribe node='acts' jid='{s.romeo.jid.bare}'/><options>{x}</options>")
    s.publish()
    assert s.romeo.event()[0].get("node") == "play"


def configured(s: Stage) -> None:
    s.own("<configure node='play'/>", "get")
    s.configure(title="Verona")
    (identity,) = s.info("play").iter(f"{INFO}identity")
    assert identity.get("name") == "Verona"


def the_most(s: Stage) -> None:
    s.configure(max_items="max", item_expire="max")


def created_and_configured(s: Stage) -> None:
    s.done(s.juliet.create("other", s.to, access_model="whitelist"))
    assert error(s.romeo.subscribe("other", s.to))[0] == "not-allowed"


def created(s: Stage) -> None:
    s.done(s.juliet.create("other", s.to))


def instant(s: Stage) -> None:
    answer = s.done(s.juliet.pubsub("<create/>", to=s.to))
    assert answer.find(f".//{P}create").get("node")  # type: ignore[union-attr]


def items_deleted(s: Stage) -> None:
    s.publish()
    s.done(s.juliet.retract("play", "1", s.to))
    assert s.ids() == []


def retracted(s: Stage) -> None:
    s.subscribe()
    s.publish()
    s.romeo.events()
    s.done(s.juliet.retract("play", "1", s.to, notify="true"))
    assert s.romeo.event()[0][0].tag == f"{E}retract"


def nodes_deleted(s: Stage) -> None:
    s.own("<delete node='play'/>")
    assert error(s.romeo.items("play", s.to)) == ("item-not-found",)


def purged(s: Stage) -> None:
    s.publish()
    s.own("<purge node='play'/>")
    assert s.ids() == []


def item_ids(s: Stage) -> None:
    s.publish("the first")
    assert s.ids() == ["the first"]


def several_items(s: Stage) -> None:
    for id_ in "123":
        s.publish(id_)
    assert s.ids() == ["1", "2", "3"]


def persistent(s: Stage) -> None:
    s.publish()
    s.globe.again()
    assert s.ids() == ["1"]


def last_published(s: Stage) -> None:
    s.publish()
    s.subscribe()
    assert s.romeo.event()[0][0].get("id") == "1"
    said = [each.get("var") for each in s.own("<default/>", "get").iter(f"{{{ns.DATA_FORM}}}field")]
    assert "pubsub#send_last_published_item" in said


def published(s: Stage) -> None:
    s.subscribe()
    s.publish()
    assert s.romeo.event()[0][0].get("id") == "1"


def full(s: Stage) -> None:
    s.configure(max_items="1", publish_node_full="reject")
    s.publish("1")
    assert error(s.juliet.publish("play", id_="2", to=s.to))[0] == "conflict"


def options(s: Stage) -> None:
    s.publish(access_model="open")
    answer = s.juliet.publish("play", to=s.to, access_model="whitelist")
    assert error(answer) == ("conflict", "precondition-not-met")


def ranked(rank: str, publishes: bool, reads: bool) -> Callable[[Stage], None]:
    def check(s: Stage) -> None:
        s.configure(access_model="whitelist")
        s.done(s.juliet.affiliate("play", s.to, romeo=rank))
        assert (s.romeo.publish("play", to=s.to).get("type") == "result") is publishes
        assert (s.romeo.items("play", s.to).get("type") == "result") is reads

    return check


def own_affiliations(s: Stage) -> None:
    s.done(s.juliet.affiliate("play", s.to, romeo="member"))
    assert [
        each.get("node") for each in s.his("<affiliations/>", "get").iter(f"{P}affiliation")
    ] == ["play"]


def affiliations_of_all(s: Stage) -> None:
    s.done(s.juliet.affiliate("play", s.to, romeo="member"))
    answer = s.own("<affiliations node='play'/>", "get")
    listed = {
        each.get("jid"): each.get("affiliation") for each in answer.iter(f"{OWNER}affiliation")
    }
    assert listed[f"romeo@{DOMAIN}"] == "member"


def subscribed(s: Stage) -> None:
    s.subscribe()
    s.done(s.romeo.unsubscribe("play", s.to))


def own_subscriptions(s: Stage) -> None:
    s.subscribe()
    assert subscriptions(s.his("<subscriptions/>", "get"))


def subscriptions_of_all(s: Stage) -> None:
    s.subscribe()
    jid = s.romeo.jid.bare
    inner = f"<subscription jid='{jid}' subscription='none'/>"
    s.own(f"<subscriptions node='play'>{inner}</subscriptions>")
    assert subscriptions(s.his("<subscriptions/>", "get")) == []


def several_subscriptions(s: Stage) -> None:
    first = subid(s.subscribe())
    assert subid(s.done(s.romeo.subscribe("play", s.to, more=True))) != first


def subscription_options(s: Stage) -> None:
    s.subscribe()
    jid = s.romeo.jid.bare
    s.his(f"<options node='play' jid='{jid}'/>", "get")
    x = form("subscribe_options", deliver="0")
    s.his(f"<options node='play' jid='{jid}'>{x}</options>")
    s.publish()
    assert s.romeo.events() == []


def leased(s: Stage) -> None:
    x = form("subscribe_options", expire="2999-01-01T00:00:00Z")
    s.his(f"<subscribe node='play' jid='{s.romeo.jid.bare}'/><options>{x}</options>")


def default_options(s: Stage) -> None:
    assert s.his("<default/>", "get").find(f"{P}pubsub/{P}default") is not None


def told_of_subscriptions(s: Stage) -> None:
    s.configure(access_model="authorize")
    s.subscribe()
    s.romeo.events()
    inner = f"<subscription jid='{s.romeo.jid.bare}' subscription='subscribed'/>"
    s.own(f"<subscriptions node='play'>{inner}</subscriptions>")
    assert f"{E}subscription" in [event[0].tag for event in s.romeo.events()]


def pending(s: Stage) -> None:
    s.configure(access_model="authorize")
    s.subscribe()
    command = f"<command xmlns='{ns.COMMANDS}' node='{NS}#get-pending' action='execute'/>"
    answer = s.done(s.juliet.ask(command, "set", to=s.to))
    assert "play" in [each.text for each in answer.iter(f"{{{ns.DATA_FORM}}}value")]


def by_presence(s: Stage) -> None:
    s.configure(presence_based_delivery="1")
    s.subscribe()
    s.publish()
    assert s.romeo.event()[0][0].get("id") == "1"
    s.romeo.send("<presence type='unavailable'/>").came()
    s.publish()
    assert s.romeo.events() == []


def default_access(model: str) -> Callable[[Stage], None]:
    def check(s: Stage) -> None:
        answer = s.own("<default/>", "get")
        (field,) = (
            each
            for each in answer.iter(f"{{{ns.DATA_FORM}}}field")
            if each.get("var") == "pubsub#access_model"
        )
        assert field.findtext(f"{{{ns.DATA_FORM}}}value") == model

    return check


def paged(s: Stage) -> None:
    """§6.5.4: of the items of a node, not only of what discovery lists."""
    for id_ in ("1", "2"):
        s.publish(id_)
    page = f"<set xmlns='{RESULT_SET}'><max>1</max></set>"
    answer = s.done(s.juliet.pubsub(f"<items node='play'/>{page}", "get", s.to))
    assert [each.get("id") for each in answer.iter(f"{P}item")] == ["1"]
    assert answer.findtext(f".//{{{RESULT_SET}}}count") == "2"


def made_by_publishing(s: Stage) -> None:
    s.done(s.juliet.publish("tune", id_="1", to=s.to))


SHOWN: dict[str, Callable[[Stage], None]] = {
    "access-open": default_access("open"),
    "access-presence": default_access("presence"),
    "auto-create": made_by_publishing,
    "collections": collections,
    "config-node": configured,
    "config-node-max": the_most,
    "create-and-configure": created_and_configured,
    "create-nodes": created,
    "delete-items": items_deleted,
    "delete-nodes": nodes_deleted,
    "get-pending": pending,
    "instant-nodes": instant,
    "item-ids": item_ids,
    "last-published": last_published,
    "leased-subscription": leased,
    "manage-subscriptions": subscriptions_of_all,
    "member-affiliation": ranked("member", False, True),
    "meta-data": configured,
    "modify-affiliations": affiliations_of_all,
    "multi-collections": collections,
    "multi-items": several_items,
    "multi-subscribe": several_subscriptions,
    "outcast-affiliation": ranked("outcast", False, False),
    "persistent-items": persistent,
    "presence-notifications": by_presence,
    "publish": published,
    "publish-node-full": full,
    "publish-only-affiliation": ranked("publish-only", True, False),
    "publish-options": options,
    "publisher-affiliation": ranked("publisher", True, True),
    "purge-nodes": purged,
    "retract-items": retracted,
    "retrieve-affiliations": own_affiliations,
    "retrieve-default": default_access("open"),
    "retrieve-default-sub": default_options,
    "retrieve-items": item_ids,
    "retrieve-subscriptions": own_subscriptions,
    "rsm": paged,
    "subscribe": subscribed,
    "subscription-notifications": told_of_subscriptions,
    "subscription-options": subscription_options,
}
"""How it shows that they hold."""

ELSEWHERE = frozenset({"auto-subscribe", "filtered-notifications", "presence-subscribe"})
"""Those that `life/test_audience_of_accounts.py` shows."""


def names(told: frozenset[str]) -> list[str]:
    return sorted(each.partition("#")[2] for each in told if each.startswith(f"{NS}#"))


@pytest.mark.parametrize("name", names(features.AT_DOMAIN))
def test_11_it_holds_at_the_domain(name: str) -> None:
    SHOWN[name](Stage(personal=False))


@pytest.mark.parametrize("name", sorted({*names(features.PERSONAL)} - ELSEWHERE))
def test_11_it_holds_at_accounts(name: str) -> None:
    check = default_access("presence") if name == "retrieve-default" else SHOWN[name]
    check(Stage(personal=True))


def test_11_all_that_are_told_of_are_those_of_the_table() -> None:
    stage = Stage(personal=False)
    for to, told in ((PUBSUB, features.AT_DOMAIN), (f"juliet@{DOMAIN}", features.PERSONAL)):
        stage.to = to
        said = {each.get("var", "") for each in stage.info().iter(f"{INFO}feature")}
        assert {each for each in said if each.startswith(NS) and not each.startswith(OWNERS)} == {
            each for each in told if each.startswith(NS)
        }


@pytest.mark.parametrize("personal", [False, True])
def test_xep_0131_3_2_the_headers_of_notifications_are_known(personal: bool) -> None:
    answer = Stage(personal).info("http://jabber.org/protocol/shim")
    assert {e.get("var") for e in answer.iter(f"{INFO}feature")} == {
        "http://jabber.org/protocol/shim#Collection",
        "http://jabber.org/protocol/shim#SubID",
    }
