"""Several instances that share the nodes at the domain: what names none reaches all of them."""

from __future__ import annotations

from typing import Any

import pytest

from components.pubsub.faces import bounces
from components.pubsub.life import origins
from components.pubsub.life.origins import mark
from components.pubsub.model.node import Address, Node
from tests.support.pubsub import PUBSUB, Globe, Person, error, subscriptions
from tests.support.server import DOMAIN
from tests.unit.components.pubsub.faces.test_approvals import answer, asked, command, submitted
from xmppd import ns
from xmppd.jid import JID

DOMAIN_JID = JID.parse(PUBSUB)
JULIET, ROMEO = (JID.parse(f"{name}@{DOMAIN}") for name in ("juliet", "romeo"))
NAMES = ("one", "two", "three")


class Globes:
    """Instances at one server and on one store."""

    def __init__(self, count: int = 2, **policy: Any) -> None:
        first = Globe(instances=count, instance="one", route_by="node", **policy).start()
        self.all = {"one": first}
        for name in NAMES[1:count]:
            beside = Globe(instances=count, instance=name, beside=first, **policy)
            self.all[name] = beside.start()
        first.pump()
        self.epoch = first.service.instances.epoch
        assert sorted(self.epoch.names) == sorted(NAMES[:count])

    @property
    def first(self) -> str:
        """Who is sent what names no node."""
        return self.epoch.owner(DOMAIN_JID)

    @property
    def others(self) -> list[str]:
        """All but that one."""
        return [name for name in self.all if name != self.first]

    def node_of(self, instance: str) -> str:
        """A node that is an instance's."""
        names = (f"play{number}" for number in range(100))
        return next(name for name in names if self.epoch.owner(DOMAIN_JID, name) == instance)

    def person(self, name: str) -> Person:
        return self.all["one"].person(name)

    def node(self, name: str, service: str = PUBSUB) -> Node:
        """A node, where it is in memory; nobody else has it there."""
        address = Address(JID.parse(service), name)
        owner = self.epoch.owner(*address)
        for instance, globe in self.all.items():
            if instance != owner:
                assert globe.service.nodes.at_hand(address) is None
        return self.all[owner].node(name, service)

    def states(self, name: str, service: str = PUBSUB) -> list[str]:
        return [each.state.value for each in self.node(name, service).subscriptions()]

    def subscribed(self, name: str) -> list[JID]:
        return sorted(each.jid for each in self.node(name).subscriptions())


@pytest.fixture
def globes() -> Globes:
    return Globes()


@pytest.fixture
def juliet(globes: Globes) -> Person:
    return globes.person("juliet")


def closed(globes: Globes, owner: Person, instance: str) -> str:
    """A node of an instance where an owner says who may subscribe."""
    name = globes.node_of(instance)
    assert owner.create(name, access_model="authorize").get("type") == "result"
    return name


# ---------------------------------------------------------------------- §8.6


@pytest.mark.parametrize(("allow", "state"), [("1", ["subscribed"]), ("0", [])])
def test_8_6_an_owner_decides_whosever_node_it_is(
    globes: Globes, juliet: Person, allow: str, state: list[str]
) -> None:
    romeo = globes.person("romeo")
    for instance in globes.all:
        name = closed(globes, juliet, instance)
        romeo.subscribe(name)
        ((_, fields),) = asked(juliet)
        answer(juliet, fields, allow)
        assert globes.states(name) == state
        said = "subscribed" if state else "none"
        assert subscriptions(romeo.event()) == [(ROMEO, said)]
        assert juliet.came() == []


def test_8_6_nobody_else_decides_there(globes: Globes, juliet: Person) -> None:
    romeo, nurse = globes.person("romeo"), globes.person("nurse")
    name = closed(globes, juliet, globes.others[0])
    romeo.subscribe(name)
    ((_, fields),) = asked(juliet)
    for person in (romeo, nurse):
        person.came()
        answer(person, fields, "1", id_="mine")
        (refused,) = person.came()
        assert (refused.get("from"), refused.get("id")) == (PUBSUB, "mine")
        assert error(refused) == ("forbidden",)
    assert globes.states(name) == ["pending"]


def test_8_6_a_form_of_no_node_and_of_no_request(globes: Globes, juliet: Person) -> None:
    romeo = globes.person("romeo")
    name = closed(globes, juliet, globes.others[0])
    romeo.subscribe(name)
    ((_, fields),) = asked(juliet)
    none = next(
        each
        for each in (f"sonnet{number}" for number in range(100))
        if globes.epoch.owner(DOMAIN_JID, each) == globes.others[0]
    )
    answer(juliet, {**fields, "pubsub#node": none}, "1")
    (refused,) = juliet.came()
    assert error(refused) == ("item-not-found",)
    romeo.unsubscribe(name)
    answer(juliet, fields, "1")
    (refused,) = juliet.came()
    assert error(refused) == ("unexpected-request", "not-subscribed")


def test_8_6_an_accounts_node_is_its_instances(globes: Globes) -> None:
    """The form says whose node it is, and comes to the service's domain."""
    decided = set()
    nurse = globes.person("nurse")
    for name in ("juliet", "romeo", "mercutio", "tybalt", "paris"):
        owner = globes.person(name)
        owner.publish("tune", id_="1", to="", access_model="open")
        owner.configure("tune", "", access_model="authorize")
        nurse.subscribe("tune", owner.jid.bare)
        ((_, fields),) = asked(owner)
        answer(owner, fields, "1")
        assert globes.states("tune", owner.jid.bare) == ["subscribed"]
        decided.add(globes.epoch.owner(owner.jid.bare))
    assert decided == set(globes.all)


def test_8_6_the_largest_form_ends_no_stream(globes: Globes, juliet: Person) -> None:
    """What nobody reads of it is not passed on."""
    romeo = globes.person("romeo")
    name = closed(globes, juliet, globes.others[0])
    romeo.subscribe(name)
    ((_, fields),) = asked(juliet)
    answer(juliet, {**fields, "x" * 1_000: "&apos;" * 35_000}, "1", id_="&quot;" * 1_000)
    assert globes.states(name) == ["subscribed"]
    assert all(globe.component.connected for globe in globes.all.values())
    globes.person("nurse").subscribe(name)
    ((_, fields),) = asked(juliet)
    fields["pubsub#subid"] = "&apos;" * 1_023
    answer(juliet, {**fields, "pubsub#node": "&apos;" * 1_023, "x-service": ""}, "1")
    (refused,) = juliet.came()
    assert error(refused) == ("item-not-found",)
    assert all(globe.component.connected for globe in globes.all.values())


def test_8_6_who_has_the_node_is_gone_meanwhile(globes: Globes, juliet: Person) -> None:
    """Another has it then, by what the store says."""
    romeo = globes.person("romeo")
    away = globes.others[0]
    name = closed(globes, juliet, away)
    romeo.subscribe(name)
    ((_, fields),) = asked(juliet)
    globes.all[away].cut()
    answer(juliet, fields, "1")
    found = globes.all[globes.first].node(name).subscriptions()
    assert [each.state.value for each in found] == ["subscribed"]


# ---------------------------------------------------------------------- §8.7


def test_8_7_requests_for_all_nodes_are_shown_again(globes: Globes, juliet: Person) -> None:
    romeo = globes.person("romeo")
    nodes = {closed(globes, juliet, instance) for instance in globes.all}
    for name in nodes:
        romeo.subscribe(name)
    assert len(asked(juliet)) == 2
    shown = command(juliet)
    values = {each.text for each in shown.iter(f"{{{ns.DATA_FORM}}}value")}
    assert nodes <= values
    for name in nodes:
        assert command(juliet, submitted(name)).get("type") == "result"
        juliet.others += juliet.came()
        forms = [each for each in juliet.others if each.find(f"{{{ns.DATA_FORM}}}x") is not None]
        (form,) = [each for each in forms if each.tag.endswith("message")]
        juliet.others.clear()
        fields = {
            each.get("var"): each.findtext(f"{{{ns.DATA_FORM}}}value")
            for each in form.iter(f"{{{ns.DATA_FORM}}}field")
        }
        assert (fields["pubsub#node"], fields["pubsub#subscriber_jid"]) == (name, ROMEO)
        answer(juliet, fields, "1")
        assert globes.states(name) == ["subscribed"]


def test_8_7_3_who_owns_none_is_shown_none(globes: Globes, juliet: Person) -> None:
    romeo = globes.person("romeo")
    for instance in globes.all:
        name = closed(globes, juliet, instance)
        romeo.subscribe(name)
        assert error(command(romeo, submitted(name))) == ("forbidden",)
    assert error(command(romeo)) == ("forbidden",)
    assert asked(romeo) == []


def test_8_7_who_runs_the_service_is_shown_all() -> None:
    globes = Globes(admins=[f"nurse@{DOMAIN}"])
    juliet, romeo, nurse = (globes.person(name) for name in ("juliet", "romeo", "nurse"))
    name = closed(globes, juliet, globes.others[0])
    romeo.subscribe(name)
    assert command(nurse, submitted(name)).get("type") == "result"
    forms = [each for each in nurse.others + nurse.came() if each.tag.endswith("message")]
    assert len(forms) == 1


# ---------------------------------------------------------------------- §13.4


@pytest.fixture
def three() -> Globes:
    return Globes(3)


def notice(person: Person, owner: Person, name: str) -> str:
    """The id of the message by which somebody is told of an item."""
    person.events()
    owner.publish(name)
    person.event()
    (message,) = person.messages
    return message.get("id", "")


def bounce(person: Person, id_: str, condition: str = "gone") -> None:
    said = f"<error type='cancel'><{condition} xmlns='{ns.STANZA_ERRORS}'/></error>"
    person.send(f"<message type='error' id='{id_}' to='{PUBSUB}'>{said}</message>")


@pytest.mark.parametrize("sender", NAMES)
def test_13_4_who_is_no_more_is_subscribed_no_more_to_any_node(three: Globes, sender: str) -> None:
    """Whichever instance has sent what comes back."""
    juliet, romeo, nurse = (three.person(name) for name in ("juliet", "romeo", "nurse"))
    nodes = {instance: three.node_of(instance) for instance in three.all}
    for name in nodes.values():
        juliet.create(name)
        for person in (romeo, nurse):
            person.subscribe(name, jid=str(person.jid))
    id_ = notice(romeo, juliet, nodes[sender])
    for name in nodes.values():
        romeo.subscribe(name)
    bounce(romeo, id_)
    for name in nodes.values():
        assert three.subscribed(name) == sorted([nurse.jid, ROMEO])


def test_13_4_an_error_is_of_a_message_that_was_sent_to_who_sends_it(three: Globes) -> None:
    """Wherever it is passed on to; by nothing else in it anybody is dropped."""
    juliet, romeo, nurse = (three.person(name) for name in ("juliet", "romeo", "nurse"))
    name = three.node_of(three.others[0])
    juliet.create(name)
    romeo.subscribe(name, jid=str(romeo.jid))
    id_ = notice(romeo, juliet, name)
    nurse.subscribe(name, jid=str(nurse.jid))
    nurse.events()
    made_up = [f"{mark(each)}{id_[8:]}" for each in three.all if mark(each) != id_[:8]]
    for said in ("", "invitation", f"{id_}0", mark(three.others[0]), *made_up):
        bounce(romeo, said)
    bounce(nurse, id_)
    bounce(romeo, id_, "service-unavailable")
    assert three.subscribed(name) == sorted([nurse.jid, romeo.jid])
    bounce(romeo, id_)
    assert three.subscribed(name) == [nurse.jid]


def test_13_4_nobody_but_an_instance_says_that_somebody_is_gone(three: Globes) -> None:
    juliet, romeo, nurse = (three.person(name) for name in ("juliet", "romeo", "nurse"))
    nodes = [three.node_of(instance) for instance in three.all]
    for name in nodes:
        juliet.create(name)
        romeo.subscribe(name, jid=str(romeo.jid))
    gone = f"<gone xmlns='urn:xmppd:pubsub:gone' jid='{romeo.jid}'/>"
    message = f"<message xmlns='jabber:client' from='{PUBSUB}' to='{PUBSUB}'>{gone}</message>"
    forwarded = f"<forwarded xmlns='{ns.FORWARD}'>{message}</forwarded>"
    nurse.came()
    for instance in three.all:
        passed = f"<pass xmlns='{ns.INSTANCES}' instance='{instance}'>{forwarded}</pass>"
        assert error(nurse.ask(passed, "set")) == ("forbidden",)
    nurse.send(f"<message to='{PUBSUB}'>{gone}</message>")
    (refused,) = nurse.came()
    assert error(refused) == ("forbidden",)
    for name in nodes:
        assert three.subscribed(name) == [romeo.jid]


def test_13_4_who_sends_errors_in_vain_has_instances_do_little(three: Globes) -> None:
    """Each that is passed on is work for two of them, until it is answered."""
    juliet, romeo, nurse = (three.person(name) for name in ("juliet", "romeo", "nurse"))
    name = three.node_of(three.others[0])
    juliet.create(name)
    for person in (romeo, nurse):
        person.subscribe(name, jid=str(person.jid))
    id_ = notice(romeo, juliet, name)
    other = three.all[three.others[0]]
    before = other.component.counts["iq"]
    for number in range(50):
        bounce(romeo, f"{id_}{number}")
    assert other.component.counts["iq"] - before == bounces.OFTEN
    nurse.event()
    bounce(nurse, nurse.messages[0].get("id", ""))
    assert three.subscribed(name) == [romeo.jid]
    three.all["one"].pass_time(60)
    bounce(romeo, id_)
    assert three.subscribed(name) == []


def test_13_4_whose_a_message_is_is_said_by_a_few_characters(globes: Globes) -> None:
    """Names are as long as may be, and nobody's business."""
    ours = {name: globe.service.origins for name, globe in globes.all.items()}
    for name, origin in ours.items():
        id_ = origin.next_id()
        assert origin.next_id() != id_
        assert len(id_) < origins.LONGEST
        assert origin.of(id_) == ""
        assert {each: other.of(id_) for each, other in ours.items() if each != name} == {
            each: name for each in ours if each != name
        }
        assert origin.of(id_ + "0" * origins.LONGEST) == ""
    assert ours["one"].of("") == ours["one"].of("invitation") == ""


def test_13_4_who_was_cut_off_is_known_by_his_name(globes: Globes) -> None:
    one = globes.all["one"]
    one.cut()
    id_ = one.service.origins.next_id()
    assert id_.startswith(mark("one"))


# ---------------------------------------------------------------------- removed accounts


def test_a_removed_accounts_nodes_are_gone_whosever_they_are(globes: Globes) -> None:
    """The server asks one instance after the other; each has some of them in memory."""
    romeo, nurse = globes.person("romeo"), globes.person("nurse")
    nodes = [globes.node_of(instance) for instance in globes.all]
    for name in nodes:
        romeo.create(name)
        nurse.subscribe(name)
    server = globes.all["one"].server
    server.done(server.host.administrator.remove(ROMEO))
    globes.all["one"].pump()
    assert [each.tag.rpartition("}")[2] for event in nurse.events() for each in event] == [
        "delete",
        "delete",
    ]
    for name in nodes:
        assert error(nurse.items(name)) == ("item-not-found",)
        assert error(nurse.subscribe(name)) == ("item-not-found",)
        assert nurse.create(name).get("type") == "result"
        assert nurse.publish(name, id_="1").get("type") == "result"
