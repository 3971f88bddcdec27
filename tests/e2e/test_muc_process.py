"""`twistd xmppd-muc` as processes: bundled, stopped, killed, several at a time, on each store."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from os import kill
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from components.common.instances import Epoch
from tests.e2e.processes import LISTEN, PEOPLE, Company, Program, company, there
from tests.e2e.verona import VERONA, running
from tests.support.conference import ENTER, INSTANT, MUC, codes, item
from tests.support.peers import Peer
from tests.support.people import C
from tests.support.postgresql import PostgreSQL
from tests.support.process import until
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

SERVICE = f"conference.{VERONA}"
HALL = f"hall@{SERVICE}"
ROOMS = Program(
    "muc", SERVICE, {"multicast": 1000, "accounts": True}, "[muc.defaults]\npersistent = true"
)


@pytest.fixture
def alone(tmp_path: Path, store: Mapping[str, Any]) -> Iterator[Company]:
    with company(tmp_path, ROOMS, store) as made:
        made.start()
        yield made


def enter(peer: Peer, nick: str, room: str = HALL) -> list[Element]:
    """Enter a room; what came until the subject (XEP-0045 §7.1)."""
    peer.send(f"<presence to='{room}/{nick}'>{ENTER}</presence>")
    came = [peer.element()]
    while came[-1].find(f"{C}subject") is None:
        assert came[-1].get("type") != "error", condition(came[-1])
        came.append(peer.element())
    return came


def opened(peer: Peer, nick: str, room: str = HALL) -> None:
    """Make a room, and let others in."""
    enter(peer, nick, room)
    assert peer.ask(INSTANT, "set", to=room).get("type") == "result"


def say(peer: Peer, text: str, room: str = HALL) -> None:
    """Say something, and wait until one hears oneself."""
    peer.send(f"<message to='{room}' type='groupchat' id='m'><body>{text}</body></message>")
    while (heard := peer.element()).findtext(f"{C}body") != text:
        assert heard.get("type") != "error", condition(heard)


def farewell(peer: Peer) -> Element:
    """The next presence that says that one has to go."""
    while (came := peer.element()).get("type") != "unavailable":
        pass
    return came


def words(came: list[Element]) -> list[str]:
    return [each.findtext(f"{C}body", "") for each in came if each.find(f"{C}body") is not None]


def ban(peer: Peer, account: str, room: str) -> None:
    query = f"<query xmlns='{MUC}#admin'><item affiliation='outcast' jid='{account}'/></query>"
    assert peer.ask(query, "set", to=room).get("type") == "result"


def refused(peer: Peer, nick: str, room: str) -> str:
    peer.send(f"<presence to='{room}/{nick}'>{ENTER}</presence>")
    return condition(peer.element())


# ---------------------------------------------------------------------- one process


def test_11_2_who_is_there_when_it_stops_is_told_and_enters_again_at_once(alone: Company) -> None:
    with there(alone.server, "juliet", "romeo") as (juliet, romeo):
        opened(juliet, "Juliet")
        enter(romeo, "Romeo")
        say(juliet, "O Romeo, Romeo!")
        ban(juliet, PEOPLE[2], HALL)
        alone.processes[""].signal(signal.SIGTERM)
        for peer, nick in ((juliet, "Juliet"), (romeo, "Romeo")):
            gone = farewell(peer)
            assert gone.get("from") == f"{HALL}/{nick}"
            assert codes(gone) == [110, 332]
        # As clients do: this comes before the process has ended, or while there is none.
        juliet.send(f"<presence to='{HALL}/Juliet'>{ENTER}</presence>")
        assert alone.processes[""].wait() == 0
        alone.start()
        own = juliet.element()
        assert (own.get("type"), codes(own)) == (None, [110])
        assert item(own)["affiliation"] == "owner"
        assert words(enter(romeo, "Romeo")) == ["O Romeo, Romeo!"]
        with there(alone.server, "nurse") as (nurse,):
            assert refused(nurse, "Nurse", HALL) == "forbidden"


def test_after_kill_9_nothing_is_lost_and_those_who_were_there_are_told(alone: Company) -> None:
    with there(alone.server, "juliet", "romeo") as (juliet, romeo):
        opened(juliet, "Juliet")
        enter(romeo, "Romeo")
        say(juliet, "O Romeo, Romeo!")
        ban(juliet, PEOPLE[2], HALL)
        say(juliet, "Wherefore art thou Romeo?")
        alone.settle()
        alone.processes[""].kill()
        alone.start()
        for peer, nick in ((juliet, "Juliet"), (romeo, "Romeo")):
            gone = farewell(peer)
            assert gone.get("from") == f"{HALL}/{nick}"
            assert codes(gone) == [110, 332]
        came = enter(romeo, "Romeo")
        assert words(came) == ["O Romeo, Romeo!", "Wherefore art thou Romeo?"]
        enter(juliet, "Juliet")
        say(juliet, "Ay me!")
        while romeo.element().findtext(f"{C}body") != "Ay me!":
            pass
        with there(alone.server, "nurse") as (nurse,):
            assert refused(nurse, "Nurse", HALL) == "forbidden"


def test_who_does_not_come_back_to_a_server_that_was_killed_is_in_no_room(tmp_path: Path) -> None:
    """It has forgotten whom he has shown himself to; the room finds out."""
    with company(tmp_path, ROOMS, {"url": "sqlite:muc.db"}) as made:
        made.start()
        with there(made.server, "juliet", "romeo") as (juliet, romeo):
            opened(juliet, "Juliet")
            enter(romeo, "Romeo")
            say(juliet, "O Romeo, Romeo!")
            made.server.process.kill()
        told = len(made.processes[""].lines)
        made.server.start()
        made.processes[""].wait_for(f"{SERVICE} is connected", told)
        with there(made.server, "juliet") as (juliet,):
            enter(juliet, "Juliet")
            others = f"<query xmlns='{MUC}#admin'><item role='participant'/></query>"
            until(lambda: not list(juliet.ask(others, to=HALL)[0]))
            say(juliet, "Ay me!")


def test_it_comes_with_the_server_and_comes_back_when_it_is_killed(tmp_path: Path) -> None:
    tables = {
        "listen": {**LISTEN, "component": []},
        "bundled": {"off": ["vcard", "pubsub", "bosh"]},
    }
    with running(tmp_path, {**tables}, PEOPLE) as server:
        server.process.wait_for(f"component {SERVICE} is connected")
        with there(server, "juliet") as (juliet,):
            opened(juliet, "Juliet")
            say(juliet, "O Romeo, Romeo!")
            [child] = json.loads(server.process.ctl("status", "--json").stdout)["bundled"]
            kill(child["pid"], signal.SIGKILL)
            assert codes(farewell(juliet)) == [110, 332]
            came = enter(juliet, "Juliet")
            assert item(came[0])["affiliation"] == "owner"
            assert words(came) == ["O Romeo, Romeo!"]


# ---------------------------------------------------------------------- several


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Company]:
    """Two instances on one PostgreSQL."""
    database = PostgreSQL()
    database.start()
    try:
        database.execute("CREATE DATABASE halls")
        with company(tmp_path, ROOMS, {"url": database.url("halls")}, 2) as made:
            made.start("one")
            made.start("two")
            yield made
    finally:
        database.remove()


def room_of(instance: str) -> str:
    epoch = Epoch(1, "one", ("one", "two"))
    names = (f"hall{number}@{SERVICE}" for number in range(100))
    return next(name for name in names if epoch.owner(JID.parse(name)) == instance)


def test_the_rooms_of_an_instance_that_is_killed_are_the_others(houses: Company) -> None:
    """No configuration, affiliation or history is lost."""
    with there(houses.server, "juliet", "romeo") as (juliet, romeo):
        rooms = {instance: room_of(instance) for instance in ("one", "two")}
        for room in rooms.values():
            opened(juliet, "Juliet", room)
            enter(romeo, "Romeo", room)
            say(juliet, "O Romeo, Romeo!", room)
            ban(juliet, PEOPLE[2], room)
        houses.settle()
        houses.processes["two"].kill()
        room = rooms["two"]
        juliet.send(f"<presence to='{room}/Juliet'>{ENTER}</presence>")
        gone = farewell(juliet)
        assert (gone.get("from"), codes(gone)) == (f"{room}/Juliet", [110, 332])
        while codes(own := juliet.element()) != [110]:
            pass
        assert item(own)["affiliation"] == "owner"
        gone = farewell(romeo)
        assert (gone.get("from"), codes(gone)) == (f"{room}/Romeo", [110, 332])
        assert words(enter(romeo, "Romeo", room)) == ["O Romeo, Romeo!"]
        say(romeo, "Call me but love.", room)
        with there(houses.server, "nurse") as (nurse,):
            for each in rooms.values():
                assert refused(nurse, "Nurse", each) == "forbidden"
        houses.start("two")
        gone = farewell(romeo)
        assert (gone.get("from"), codes(gone)) == (f"{room}/Romeo", [110, 332]), "it moves back"
        assert words(enter(romeo, "Romeo", room)) == ["O Romeo, Romeo!", "Call me but love."]


def test_one_that_stops_leaves_its_rooms_to_the_other(houses: Company) -> None:
    room = room_of("two")
    with there(houses.server, "juliet") as (juliet,):
        opened(juliet, "Juliet", room)
        say(juliet, "O Romeo, Romeo!", room)
        houses.processes["two"].signal(signal.SIGTERM)
        assert codes(farewell(juliet)) == [110, 332]
        assert words(enter(juliet, "Juliet", room)) == ["O Romeo, Romeo!"]
        assert houses.processes["two"].wait() == 0
        info = juliet.ask(f"<query xmlns='{ns.DISCO_ITEMS}'/>", to=SERVICE)
        assert info.get("type") == "result", "any instance answers for the service"
