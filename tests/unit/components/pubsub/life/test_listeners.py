"""Services of the same server are told of what everybody may read (XEP-0398 §3.1)."""

from __future__ import annotations

import pytest

from components.pubsub.life import listeners
from tests.support.components import Component, table
from tests.support.interests import TUNE, node
from tests.support.pubsub import E, Globe, Person
from xmppd import ns

MOON = "moon.capulet.lit"
MINE = ""
SM_ENABLE = f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>"


class Service:
    """Another component; `wants` are the nodes that it says to want."""

    def __init__(self, globe: Globe, *wants: str) -> None:
        self.globe = globe
        self.wants = wants
        self.line = Component(globe.server, MOON).open().prove()
        self._told: list[tuple[str, str]] = []

    def settle(self) -> None:
        """Answer who asks, and take what comes."""
        self.globe.pump()
        for each in self.line.elements():
            if each.find(f"{{{ns.DISCO_INFO}}}query") is not None and each.get("type") == "get":
                told = "".join(f"<feature var='{node}+notify'/>" for node in self.wants)
                id_, to = each.get("id"), each.get("from")
                self.line.send(
                    f"<iq type='result' id='{id_}' from='{MOON}' to='{to}'>"
                    f"<query xmlns='{ns.DISCO_INFO}'>{told}</query></iq>"
                )
            for told in each.iterfind(f"{E}event/{E}configuration"):
                assert not len(told), "how it is, is its owner's business"
                self._told.append((each.get("from", ""), told.get("node", "")))
            for items in each.iterfind(f"{E}event/{E}items"):
                self._told.append((each.get("from", ""), items[0].get("id", "")))
        self.globe.pump()

    def told(self) -> list[tuple[str, str]]:
        self.settle()
        found, self._told = self._told, []
        return found


@pytest.fixture
def globe() -> Globe:
    return Globe(others={MOON: table()}).start()


@pytest.fixture
def juliet(globe: Globe) -> Person:
    return globe.person("juliet", "balcony")


def find_out(globe: Globe, *services: Service) -> None:
    for _ in range(13):
        globe.pass_time(5)
        for each in services:
            each.settle()


def test_a_service_that_wants_a_node_is_told_of_those_that_are_open(globe, juliet):
    moon = Service(globe, TUNE)
    find_out(globe, moon)
    node(globe, TUNE, access_model="open")
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish("urn:example:other", id_="2", to=MINE, access_model="open")
    assert moon.told() == [("juliet@capulet.lit", "1")]


@pytest.mark.parametrize("access", ["presence", "whitelist", "authorize", "roster"])
def test_of_others_it_is_told_nothing(globe, juliet, access):
    moon = Service(globe, TUNE)
    find_out(globe, moon)
    node(globe, TUNE, access_model=access)
    juliet.publish(TUNE, id_="1", to=MINE)
    assert moon.told() == []


def test_one_that_wants_nothing_or_is_gone_for_long_is_told_nothing(globe, juliet):
    moon = Service(globe)
    find_out(globe, moon)
    node(globe, TUNE, access_model="open")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert moon.told() == []
    moon.wants = (TUNE,)
    find_out(globe, moon)
    juliet.publish(TUNE, id_="2", to=MINE)
    assert moon.told() == [("juliet@capulet.lit", "2")]
    moon.line.hang_up()
    globe.pass_time(listeners.KEPT + listeners.EVERY)
    assert list(globe.service.audiences._listeners.wanting(TUNE)) == []
    assert not globe.service.audiences._listeners._known


def test_one_that_is_away_for_a_while_has_what_it_wants_when_it_is_back(globe, juliet):
    moon = Service(globe, TUNE)
    moon.line.send(SM_ENABLE)
    find_out(globe, moon)
    node(globe, TUNE, access_model="open")
    moon.line.hang_up()
    globe.pass_time(2 * listeners.EVERY)
    juliet.publish(TUNE, id_="1", to=MINE)
    assert Service(globe, TUNE).told() == [("juliet@capulet.lit", "1")]


def test_one_that_starts_with_the_server_is_known_in_seconds(globe, juliet):
    """It may be there a moment later than this service, and people at once."""
    globe.pass_time(listeners.FIRST + 0.1)
    moon = Service(globe, TUNE)
    for _ in range(8):
        globe.pass_time(0.5)
        moon.settle()
    node(globe, TUNE, access_model="open")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert moon.told() == [("juliet@capulet.lit", "1")]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("open", "presence", True),
        ("whitelist", "open", True),
        ("presence", "whitelist", False),
        ("open", "open", False),
    ],
)
def test_it_is_told_who_shows_a_node_to_everybody_and_who_does_not_any_more(
    globe: Globe, juliet: Person, before: str, after: str, told: bool
) -> None:
    """What it has made of the node is not for everybody either (XEP-0398 §7)."""
    moon = Service(globe, TUNE)
    find_out(globe, moon)
    node(globe, TUNE, access_model=before)
    juliet.configure(TUNE, MINE, access_model=after, title="Tunes")
    assert moon.told() == [("juliet@capulet.lit", TUNE)] * told


def test_of_the_domains_own_nodes_it_is_told_nothing(globe, juliet):
    moon = Service(globe, TUNE)
    find_out(globe, moon)
    juliet.publish(TUNE, id_="1")
    juliet.configure(TUNE, access_model="whitelist")
    assert moon.told() == []
