"""`twistd xmppd-pubsub` as processes: bundled, stopped, killed, several at once, on each store."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from itertools import count
from os import kill
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from components.common.instances import Epoch
from tests.e2e.processes import LISTEN, PEOPLE, Company, Program, company, there
from tests.e2e.verona import VERONA, running
from tests.support.peers import Peer
from tests.support.postgresql import PostgreSQL
from tests.support.process import until
from tests.support.pubsub import NS, OWNER, E, P, error, form
from xmppd import ns
from xmppd.bundled import BUNDLED
from xmppd.jid import JID

SERVICE = f"pubsub.{VERONA}"
JULIET, ROMEO, NURSE = PEOPLE
[GRANTS] = [each.grants for each in BUNDLED if each.name == "pubsub"]
NODES = Program("pubsub", SERVICE, {**GRANTS, "accounts": True})
PLAY = "urn:example:play"
X = f"{{{ns.DATA_FORM}}}"


@pytest.fixture
def alone(tmp_path: Path, store: Mapping[str, Any]) -> Iterator[Company]:
    with company(tmp_path, NODES, store) as made:
        made.start()
        yield made


# ---------------------------------------------------------------------- what people do


def ask(
    peer: Peer, inner: str, type_: str = "set", to: str = SERVICE, *, owner: bool = False
) -> Element:
    """The answer to a request, an error if it is one."""
    space = f"{NS}#owner" if owner else NS
    asked = f"<pubsub xmlns='{space}'>{inner}</pubsub>"
    return answered(peer, f"<iq type='{type_}' id='nodes' to='{to}'>{asked}</iq>")


def answered(peer: Peer, request: str) -> Element:
    """What has the id of a request; what comes before it is read later."""
    peer.send(request)
    id_, before = fromstring(request).get("id"), []
    while (found := peer.element()).get("id") != id_:
        before.append(found)
    peer.unread(before)
    return found


def do(peer: Peer, inner: str, to: str = SERVICE, *, owner: bool = False) -> Element:
    """The answer to a request that is granted."""
    answer = ask(peer, inner, "set", to, owner=owner)
    assert answer.get("type") == "result", error(answer)
    return answer


def create(peer: Peer, node: str, to: str = SERVICE, **fields: str) -> None:
    inner = f"<configure>{form('node_config', **fields)}</configure>"
    do(peer, f"<create node='{node}'/>{inner if fields else ''}", to)


def subscribe(peer: Peer, node: str, jid: str, to: str = SERVICE) -> None:
    do(peer, f"<subscribe node='{node}' jid='{jid}'/>", to)


def published(node: str, id_: str) -> str:
    """A request to publish an item that says what its id is."""
    item = f"<item id='{id_}'><act xmlns='{PLAY}'>{id_}</act></item>"
    return f"<pubsub xmlns='{NS}'><publish node='{node}'>{item}</publish></pubsub>"


def publish(peer: Peer, node: str, id_: str, to: str = SERVICE) -> None:
    item = f"<item id='{id_}'><act xmlns='{PLAY}'>{id_}</act></item>"
    do(peer, f"<publish node='{node}'>{item}</publish>", to)


def ids(peer: Peer, node: str, to: str = SERVICE) -> list[str]:
    """The ids of the items of a node, whose payloads have to be there as well."""
    answer = ask(peer, f"<items node='{node}'/>", "get", to)
    assert answer.get("type") == "result", error(answer)
    found = list(answer.iter(f"{P}item"))
    assert all(each.findtext(f"{{{PLAY}}}act") == each.get("id") for each in found)
    return [each.get("id", "") for each in found]


def told(peer: Peer) -> str:
    """The id of the next item that somebody is told of."""
    while (event := peer.element().find(f"{E}event/{E}items/{E}item")) is None:
        pass
    return event.get("id", "")


def ranks(peer: Peer, node: str) -> dict[str, str]:
    answer = ask(peer, f"<affiliations node='{node}'/>", "get", owner=True)
    found = answer.iter(f"{OWNER}affiliation")
    return {each.get("jid", ""): each.get("affiliation", "") for each in found}


def restart(made: Company, how: str) -> None:
    """Have another process after the one that stops, or is killed."""
    if how == "stopped":
        assert made.processes[""].stop() == 0
    else:
        made.processes[""].kill()
    made.start()


HOW = pytest.mark.parametrize("how", ["stopped", "killed"])

# ---------------------------------------------------------------------- one process


@HOW
def test_everything_of_a_node_is_kept(alone: Company, how: str) -> None:
    """Its configuration, affiliations, subscriptions with their options, and items in order."""
    with there(alone.server, *("juliet", "romeo", "nurse")) as (juliet, romeo, nurse):
        for peer in (juliet, romeo, nurse):
            peer.send("<presence/>")
        how_it_is = {"title": "A tragedy", "access_model": "whitelist", "max_items": "3"}
        # Who is there when the process starts is seen to come: he is to be told nothing by that.
        create(juliet, "play", send_last_published_item="on_sub", **how_it_is)
        members = "".join(
            f"<affiliation jid='{jid}' affiliation='{rank}'/>"
            for jid, rank in ((ROMEO, "publisher"), (NURSE, "member"))
        )
        do(juliet, f"<affiliations node='play'>{members}</affiliations>", owner=True)
        subscribe(romeo, "play", ROMEO)
        subscribe(nurse, "play", NURSE)
        quiet = form("subscribe_options", deliver="0")
        do(nurse, f"<options node='play' jid='{NURSE}'>{quiet}</options>")
        for id_ in ("1", "2", "3", "4", "2"):
            publish(romeo, "play", id_)
            assert told(romeo) == id_
        restart(alone, how)
        assert ids(nurse, "play") == ["3", "4", "2"]
        assert ranks(juliet, "play") == {JULIET: "owner", ROMEO: "publisher", NURSE: "member"}
        answer = ask(juliet, "<configure node='play'/>", "get", owner=True)
        assert "A tragedy" in "".join(answer.itertext())
        publish(romeo, "play", "5")
        assert told(romeo) == "5"
        assert ids(nurse, "play") == ["4", "2", "5"], "max_items is kept"
        options = ask(nurse, f"<options node='play' jid='{NURSE}'/>", "get")
        values = {e.get("var"): e.findtext("{jabber:x:data}value") for e in options.iter()}
        assert values["pubsub#deliver"] in ("0", "false")


def test_who_was_there_before_it_started_is_known(tmp_path: Path) -> None:
    """By presence a node delivers, to those as well who came when nobody was told of it."""
    with (
        company(tmp_path, NODES, {"url": "sqlite:pubsub.db"}) as made,
        there(made.server, "juliet", "romeo") as (juliet, romeo),
    ):
        for peer in (juliet, romeo):
            peer.send("<presence/>")
            peer.ping()
        made.start()
        create(juliet, "play", presence_based_delivery="1")
        subscribe(romeo, "play", ROMEO)
        publish(juliet, "play", "1")
        assert told(romeo) == "1"


@HOW
def test_everything_of_an_account_is_kept(alone: Company, how: str) -> None:
    """XEP-0163: who sees the presence is told after it as before, by no subscription."""
    with there(alone.server, "juliet", "romeo") as (juliet, romeo):
        for peer in (juliet, romeo):
            peer.send("<presence/>")
        whitelist = form("publish-options", access_model="whitelist", max_items="max")
        for id_ in ("1", "2"):
            item = f"<item id='{id_}'><act xmlns='{PLAY}'>{id_}</act></item>"
            options = f"<publish-options>{whitelist}</publish-options>"
            do(juliet, f"<publish node='urn:own'>{item}</publish>{options}", JULIET)
        create(juliet, "urn:open", JULIET, access_model="open")
        publish(juliet, "urn:open", "1", JULIET)
        subscribe(romeo, "urn:open", ROMEO, JULIET)
        assert told(romeo) == "1"
        restart(alone, how)
        assert ids(juliet, "urn:own", JULIET) == ["1", "2"]
        closed = ask(romeo, "<items node='urn:own'/>", "get", JULIET)
        assert error(closed) == ("not-allowed", "closed-node")
        publish(juliet, "urn:open", "2", JULIET)
        assert told(romeo) == "2"


def test_what_was_answered_is_there_after_kill_9(alone: Company) -> None:
    """Items are kept before anybody is told of them; in order, and none twice."""
    with there(alone.server, "juliet", "romeo") as (juliet, romeo):
        create(juliet, "play", max_items="max")
        sent = [f"{number}" for number in range(400)]
        for id_ in sent:
            juliet.send(f"<iq type='set' id='p{id_}' to='{SERVICE}'>{published('play', id_)}</iq>")
        answered: list[str] = []
        while len(answered) < 100:
            answer = juliet.element()
            assert answer.get("type") == "result", error(answer)
            answered.append(answer.get("id", "").removeprefix("p"))
        alone.processes[""].kill()
        while not (last := juliet.element()).get("id", "").endswith(sent[-1]):
            if last.get("type") == "result":
                answered.append(last.get("id", "").removeprefix("p"))
        alone.start()
        kept = [each for page in pages(romeo, "play") for each in page]
        assert len(kept) == len(set(kept))
        assert set(answered) <= set(kept)
        assert kept == sorted(kept, key=int)


def pages(peer: Peer, node: str) -> Iterator[list[str]]:
    """The ids of all items, a page at a time (XEP-0059 §2.2)."""
    last = ""
    while True:
        after = f"<after>{last}</after>" if last else ""
        page = f"<set xmlns='http://jabber.org/protocol/rsm'><max>100</max>{after}</set>"
        answer = ask(peer, f"<items node='{node}'/>{page}", "get")
        found = [each.get("id", "") for each in answer.iter(f"{P}item")]
        if not found:
            return
        yield found
        last = answer.findtext(".//{http://jabber.org/protocol/rsm}last", "")


def test_while_it_is_away_requests_are_refused_at_once(alone: Company) -> None:
    """Those for accounts as well, which the server hands on to it (XEP-0355)."""
    with there(alone.server, "juliet") as (juliet,):
        create(juliet, "play")
        assert alone.processes[""].stop() == 0
        for to in (SERVICE, JULIET):
            refused = ask(juliet, "<items node='play'/>", "get", to)
            assert error(refused)[0] in ("service-unavailable", "remote-server-timeout")
        alone.start()
        publish(juliet, "play", "1")


@pytest.mark.parametrize("url", ["sqlite:pubsub.db"])
def test_subscribers_are_told_when_the_server_has_come_back(tmp_path: Path, url: str) -> None:
    """Who is there, it tells anew; a subscription needs no renewal."""
    with company(tmp_path, NODES, {"url": url}) as made:
        made.start()
        with there(made.server, "juliet", "romeo") as (juliet, romeo):
            create(juliet, "play")
            create(juliet, "here", presence_based_delivery="1")
            romeo.send("<presence/>")
            for node in ("play", "here"):
                subscribe(romeo, node, ROMEO)
            publish(juliet, "play", "1")
            assert told(romeo) == "1"
            made.server.process.kill()
        lines = len(made.processes[""].lines)
        made.server.start()
        made.processes[""].wait_for(f"{SERVICE} is connected", lines)
        with there(made.server, "juliet", "romeo") as (juliet, romeo):
            romeo.send("<presence/>")
            romeo.ping()
            numbers = count(2)
            for node in ("play", "here"):
                id_ = f"{next(numbers)}"
                publish(juliet, node, id_)
                while told(romeo) != id_:
                    pass


def test_what_was_of_an_account_is_nobodys_when_it_is_gone(alone: Company) -> None:
    """Its nodes, affiliations and subscriptions; who makes it anew has none of them."""
    with there(alone.server, "juliet", "romeo") as (juliet, romeo):
        create(juliet, "play", access_model="whitelist")
        member = f"<affiliation jid='{ROMEO}' affiliation='publisher'/>"
        do(juliet, f"<affiliations node='play'>{member}</affiliations>", owner=True)
        subscribe(romeo, "play", ROMEO)
        publish(romeo, "urn:his", "1", ROMEO)
        create(romeo, "his-own")
        removed = alone.server.process.ctl("deluser", "--yes", ROMEO)
        assert removed.returncode == 0, removed.stderr
        until(lambda: ROMEO not in ranks(juliet, "play"))
        alone.server.add([ROMEO])
        with there(alone.server, "romeo") as (anew,):
            gone = ask(anew, "<items node='urn:his'/>", "get", ROMEO)
            assert error(gone) == ("item-not-found",)
            closed = ask(anew, "<items node='play'/>", "get")
            assert error(closed) == ("not-allowed", "closed-node")
            for kind in ("subscriptions", "affiliations"):
                answer = ask(anew, f"<{kind}/>", "get")
                assert not len(answer[0][0]), kind
            again = ask(anew, "<publish node='his-own'><item/></publish>")
            assert error(again)[0] in ("forbidden", "item-not-found")


def test_it_comes_with_the_server_and_comes_back_when_it_is_killed(tmp_path: Path) -> None:
    tables = {"listen": {**LISTEN, "component": []}, "bundled": {"off": ["vcard", "muc", "bosh"]}}
    with running(tmp_path, tables, PEOPLE) as server:
        server.process.wait_for(f"component {SERVICE} is connected")
        with there(server, "juliet") as (juliet,):
            create(juliet, "play")
            publish(juliet, "play", "1")
            publish(juliet, "urn:mine", "1", JULIET)
            [child] = json.loads(server.process.ctl("status", "--json").stdout)["bundled"]
            lines = len(server.process.lines)
            kill(child["pid"], signal.SIGKILL)
            server.process.wait_for(f"component {SERVICE} is connected", lines)
            assert ids(juliet, "play") == ["1"]
            assert ids(juliet, "urn:mine", JULIET) == ["1"]


# ---------------------------------------------------------------------- several


@pytest.fixture
def globes(tmp_path: Path) -> Iterator[Company]:
    """Two instances on one PostgreSQL, which share nodes by their names."""
    database = PostgreSQL()
    database.start()
    try:
        database.execute("CREATE DATABASE globes")
        shared = NODES._replace(grants={**NODES.grants, "route_by": "node"})
        with company(tmp_path, shared, {"url": database.url("globes")}, 2) as made:
            made.start("one")
            made.start("two")
            yield made
    finally:
        database.remove()


NAMES = tuple(f"play{number}" for number in range(8))
"""Nodes enough that each instance has some."""
_BOTH = Epoch(1, "one", ("one", "two"), "node")
assert {_BOTH.owner(JID.parse(SERVICE), node) for node in NAMES} == {"one", "two"}


def test_two_instances_are_one_service(globes: Company) -> None:
    """Whichever has a node, everybody is told, and of nothing twice."""
    with there(globes.server, "juliet", "romeo") as (juliet, romeo):
        romeo.send("<presence/>")
        romeo.ping()
        for node in NAMES:
            create(juliet, node)
            subscribe(romeo, node, ROMEO)
        for node in NAMES:
            publish(juliet, node, f"{node}-1")
        assert sorted(told(romeo) for _ in NAMES) == [f"{node}-1" for node in NAMES]
        for account, peer in ((JULIET, juliet), (ROMEO, romeo)):
            publish(peer, "urn:mine", account, account)
            assert ids(peer, "urn:mine", account) == [account]
        listed = {each.get("node") for each in ask(juliet, "<affiliations/>", "get")[0][0]}
        assert listed == set(NAMES)
        listed = {each.get("node") for each in ask(romeo, "<subscriptions/>", "get")[0][0]}
        assert listed == set(NAMES)
        taken = ask(romeo, f"<create node='{NAMES[0]}'/>")
        assert error(taken) == ("conflict",)


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_the_nodes_of_an_instance_that_goes_are_the_others(globes: Company, how: str) -> None:
    """No node, item, affiliation or subscription is lost, then or when it comes back."""
    with there(globes.server, "juliet", "romeo") as (juliet, romeo):
        romeo.send("<presence/>")
        romeo.ping()
        for node in NAMES:
            # Who is there is seen to come by the instance that is back: no reason to tell him.
            create(juliet, node, max_items="max", send_last_published_item="on_sub")
            subscribe(romeo, node, ROMEO)
            publish(juliet, node, f"{node}-1")
        globes.settle()
        for _ in NAMES:
            told(romeo)
        if how == "killed":
            globes.processes["two"].kill()
        else:
            assert globes.processes["two"].stop() == 0
        for node in NAMES:
            publish(juliet, node, f"{node}-2")
        assert sorted(told(romeo) for _ in NAMES) == [f"{node}-2" for node in NAMES]
        outcast = f"<affiliation jid='{NURSE}' affiliation='outcast'/>"
        for node in NAMES:
            do(juliet, f"<affiliations node='{node}'>{outcast}</affiliations>", owner=True)
        globes.start("two")
        for node in NAMES:
            publish(juliet, node, f"{node}-3")
            assert ids(juliet, node) == [f"{node}-{number}" for number in (1, 2, 3)]
        assert sorted(told(romeo) for _ in NAMES) == [f"{node}-3" for node in NAMES]
        with there(globes.server, "nurse") as (nurse,):
            for node in NAMES:
                assert error(ask(nurse, f"<items node='{node}'/>", "get")) == ("forbidden",)


def test_who_is_there_is_known_to_an_instance_that_comes_later(globes: Company) -> None:
    """By presence a node delivers, whichever instance has it."""
    with there(globes.server, "juliet", "romeo") as (juliet, romeo):
        for node in NAMES:
            # When he is known there is a moment, and what is published before that the last item.
            create(juliet, node, presence_based_delivery="1", send_last_published_item="on_sub")
            subscribe(romeo, node, ROMEO)
        globes.processes["two"].kill()
        romeo.send("<presence/>")
        romeo.ping()
        globes.start("two")
        for node in NAMES:
            publish(juliet, node, f"{node}-1")
        assert sorted(told(romeo) for _ in NAMES) == [f"{node}-1" for node in NAMES]


def request(peer: Peer) -> dict[str, str]:
    """The next form by which an owner is asked who may subscribe, by the names of its fields."""
    while (x := peer.element().find(f"{X}x")) is None:
        pass
    fields = {each.get("var", ""): each.findtext(f"{X}value", "") for each in x.iter(f"{X}field")}
    return {var: value for var, value in fields.items() if var != "pubsub#allow" and value}


def decide(peer: Peer, fields: Mapping[str, str], allow: str) -> None:
    said = {**fields, "pubsub#allow": allow}
    inner = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in said.items())
    peer.send(f"<message to='{SERVICE}'><x xmlns='{X[1:-1]}' type='submit'>{inner}</x></message>")


def show_again(peer: Peer, node: str) -> Element:
    """Have requests for a node shown again (§8.7); the answer."""
    value = f"<field var='pubsub#node'><value>{node}</value></field>"
    x = f"<x xmlns='{X[1:-1]}' type='submit'>{value}</x>"
    command = f"<command xmlns='{ns.COMMANDS}' node='{NS}#get-pending'>{x}</command>"
    return answered(peer, f"<iq type='set' id='again' to='{SERVICE}'>{command}</iq>")


def subscribed_to(peer: Peer) -> set[str | None]:
    answer = ask(peer, "<subscriptions/>", "get")
    return {each.get("node") for each in answer.iter(f"{P}subscription")}


def test_owners_decide_about_any_node_though_the_answer_names_none(globes: Company) -> None:
    """XEP-0060 §8.6, §8.7: forms and commands come to the domain, that is to one of them."""
    with there(globes.server, "juliet", "romeo") as (juliet, romeo):
        for peer in (juliet, romeo):
            peer.send("<presence/>")
            peer.ping()
        for node in NAMES:
            create(juliet, node, access_model="authorize")
            subscribe(romeo, node, ROMEO)
            assert request(juliet)["pubsub#node"] == node
            assert error(show_again(romeo, node)) == ("forbidden",)
            assert show_again(juliet, node).get("type") == "result"
            fields = request(juliet)
            assert (fields["pubsub#node"], fields["pubsub#subscriber_jid"]) == (node, ROMEO)
            decide(romeo, fields, "1")
            while (refused := romeo.element()).get("type") != "error":
                pass
            assert error(refused) == ("forbidden",)
            decide(juliet, fields, "1")
            while (event := romeo.element().find(f"{E}event/{E}subscription")) is None:
                pass
            assert (event.get("node"), event.get("subscription")) == (node, "subscribed")
            publish(juliet, node, f"{node}-1")
            assert told(romeo) == f"{node}-1"


def test_who_is_gone_is_subscribed_no_more_to_any_node(globes: Company) -> None:
    """XEP-0060 §13.4: the error comes to one of them, whichever has sent what comes back."""
    with there(globes.server, "juliet", "romeo") as (juliet, romeo):
        romeo.send("<presence/>")
        romeo.ping()
        for node in NAMES:
            create(juliet, node)
        for sender in ("one", "two"):
            for node in NAMES:
                subscribe(romeo, node, f"{ROMEO}/street")
            assert subscribed_to(romeo) == set(NAMES)
            publish(
                juliet,
                next(n for n in NAMES if _BOTH.owner(JID.parse(SERVICE), n) == sender),
                sender,
            )
            while (message := romeo.element()).find(f"{E}event") is None:
                pass
            gone = f"<error type='cancel'><gone xmlns='{ns.STANZA_ERRORS}'/></error>"
            id_ = message.get("id")
            romeo.send(f"<message type='error' id='{id_}0' to='{SERVICE}'>{gone}</message>")
            romeo.ping()
            assert subscribed_to(romeo) == set(NAMES)
            romeo.send(f"<message type='error' id='{id_}' to='{SERVICE}'>{gone}</message>")
            until(lambda: not subscribed_to(romeo))
