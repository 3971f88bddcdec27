"""What clients want events of, told to components with their presence (XEP-0163 §4.3)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from tests.support.capabilities import EXODUS, PSI, Kind, Stage, appear, asked, reply
from tests.support.components import Component, table
from tests.support.people import JULIET, ROMEO, friends, put
from tests.support.server import Client, Verona
from xmppd import ns
from xmppd.core.disco import DiscoInfo
from xmppd.jid import JID

PUBSUB, MOON, ECHO = "pubsub.capulet.lit", "moon.capulet.lit", "echo.capulet.lit"
DREAM = f"dream@{MOON}"
MOOD = ["urn:example:mood"]
TUNE = Kind(ns.DISCO_INFO, "urn:tune+notify", "urn:avatar+notify", node="http://tune.lit")
FORGED = f"<interests xmlns='{ns.INTERESTS}'><node>urn:forged</node></interests>"

Told = list[tuple[str | None, list[str | None] | None]]


def stage_with(presence: str = "managed_entity", *, interests: bool = True) -> Stage:
    grants = table(presence=presence, roster="get", roster_push=False, interests=interests)
    plain = table(presence=presence, roster="get", roster_push=False)
    return Stage(components={PUBSUB: grants, MOON: table(), ECHO: plain})


@pytest.fixture(params=["managed_entity", "roster"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return stage_with(request.param)


def connect(stage: Stage, domain: str = PUBSUB) -> Component:
    component = Component(stage.server, domain).open().prove()
    stage.later()
    component.take()
    return component


def presences(component: Component) -> list[Element]:
    return [e for e in component.elements() if e.tag == f"{{{ns.COMPONENT}}}presence"]


def told(component: Component) -> Told:
    """Presence that the component got: whose, and which nodes it names, None for no element."""
    found: Told = []
    for each in presences(component):
        wanted = each.findall(f"{{{ns.INTERESTS}}}interests")
        assert len(wanted) <= 1
        if wanted:
            assert each[-1] is wanted[0], "it stands last"
        nodes = [node.text for node in wanted[0]] if wanted else None
        found.append((each.get("from"), nodes))
    return found


def answer(stage: Stage, client: Client, kind: Kind) -> None:
    """Have a client say what it can do."""
    (request,) = asked(client)
    reply(client, request, kind.info)
    stage.later()


def test_4_3_it_is_told_once_with_what_is_known_already(stage: Stage) -> None:
    stage.learn(TUNE)
    pubsub = connect(stage)
    juliet = stage.log_in("juliet", TUNE)
    stage.later()
    assert told(pubsub) == [(juliet.jid, ["urn:avatar", "urn:tune"])]


def test_it_is_told_again_when_it_is_known(stage: Stage) -> None:
    pubsub = connect(stage)
    juliet = appear(stage.log_in("juliet"), EXODUS, "<show>away</show>")
    assert told(pubsub) == [(juliet.jid, None)]
    answer(stage, juliet, EXODUS)
    (again,) = presences(pubsub)
    assert again.findtext(f"{{{ns.COMPONENT}}}show") == "away"
    assert [e.text for e in again[-1]] == MOOD


def test_who_wants_nothing_is_said_to(stage: Stage) -> None:
    pubsub = connect(stage)
    juliet = stage.log_in("juliet", PSI)
    answer(stage, juliet, PSI)
    assert told(pubsub) == [(juliet.jid, None), (juliet.jid, [])]


def test_who_can_not_be_verified_stays_unknown(stage: Stage) -> None:
    pubsub = connect(stage)
    liar = Kind(ns.DISCO_INFO, "urn:tune+notify", claims=[ns.DISCO_INFO])
    juliet = stage.log_in("juliet", liar)
    answer(stage, juliet, liar)
    assert told(pubsub) == [(juliet.jid, None)]


def test_another_ver_is_told(stage: Stage) -> None:
    """At once where it is known, and then once."""
    stage.learn(TUNE)
    pubsub = connect(stage)
    juliet = stage.log_in("juliet", EXODUS)
    assert told(pubsub) == [(juliet.jid, None)]
    appear(juliet, TUNE)
    stage.later()
    assert told(pubsub) == [(juliet.jid, ["urn:avatar", "urn:tune"])]
    juliet.take()
    appear(juliet, EXODUS)
    answer(stage, juliet, EXODUS)
    assert told(pubsub) == [(juliet.jid, None), (juliet.jid, MOOD)]


def test_what_decides_about_events_is_told_and_nothing_else_is(stage: Stage) -> None:
    pubsub, echo = connect(stage), connect(stage, ECHO)
    juliet = stage.log_in("juliet", EXODUS)
    answer(stage, juliet, EXODUS)
    pubsub.take(), echo.take()
    for inner, times in (
        ("", 0),
        ("<status>alone</status>", 0),
        ("<show>dnd</show>", 1),
        ("<show>dnd</show><status>alone</status>", 0),
        ("<show>dnd</show><priority>0</priority>", 0),
        ("<show>dnd</show><priority>-1</priority>", 1),
        ("", 1),
    ):
        appear(juliet, EXODUS, inner)
        assert told(pubsub) == [(juliet.jid, MOOD)] * times, inner
    juliet.send("<presence/>")
    assert told(pubsub) == [], "capabilities that are not named stay as they are (XEP-0115 §8.4)"
    assert told(echo) == [], "who has no interests is told no more than before"


def test_who_goes_and_comes_is_told_anew(stage: Stage) -> None:
    pubsub = connect(stage)
    juliet = stage.log_in("juliet", EXODUS)
    answer(stage, juliet, EXODUS)
    pubsub.take()
    juliet.send("<presence type='unavailable'/>")
    assert told(pubsub) == [(juliet.jid, None)]
    appear(juliet, EXODUS)
    stage.later()
    assert told(pubsub) == [(juliet.jid, MOOD)]


def test_8_who_connects_later_is_told_of_all(stage: Stage) -> None:
    juliet, romeo = stage.log_in("juliet", EXODUS), stage.log_in("romeo", PSI)
    answer(stage, juliet, EXODUS)
    pubsub = Component(stage.server, PUBSUB).open().prove()
    stage.later()
    assert sorted(told(pubsub)) == [(juliet.jid, MOOD), (romeo.jid, None)]
    answer(stage, romeo, PSI)
    assert told(pubsub) == [(romeo.jid, [])]


def test_who_leaves_before_it_is_known_is_not_told_again(stage: Stage) -> None:
    pubsub = connect(stage)
    juliet, romeo = stage.log_in("juliet", EXODUS), stage.log_in("romeo", EXODUS)
    juliet.send("<presence type='unavailable'/>")
    pubsub.take()
    stage.later()
    answer(stage, romeo, EXODUS)
    assert [jid for jid, _ in told(pubsub)] == [romeo.jid]


@pytest.mark.parametrize("interests", [True, False])
def test_nobody_says_it_himself(interests: bool) -> None:
    """Neither in his own presence nor in what he directs to the component (XEP-0356 §7.3)."""
    stage = stage_with(interests=interests)
    pubsub = connect(stage)
    juliet = stage.log_in("juliet")
    juliet.send(f"<presence><show>away</show>{FORGED}</presence>")
    assert told(pubsub) == [(juliet.jid, None)]
    if interests:
        juliet.send(f"<presence to='{PUBSUB}'>{FORGED}<show>xa</show></presence>")
        assert told(pubsub) == [(juliet.jid, None)]


def test_without_it_nothing_is_said(stage: Stage) -> None:
    echo = connect(stage, ECHO)
    juliet = stage.log_in("juliet", EXODUS)
    answer(stage, juliet, EXODUS)
    appear(juliet, EXODUS, "<show>away</show>")
    assert told(echo) == [(juliet.jid, None)]


def test_it_is_granted_and_taken_back_while_all_are_there() -> None:
    stage = stage_with(interests=False)
    pubsub = connect(stage)
    juliet = stage.log_in("juliet", EXODUS)
    pubsub.take()
    components = {PUBSUB: table(presence="managed_entity", interests=True)}
    stage.server.reload(components=components)
    stage.later()
    assert told(pubsub) == [(juliet.jid, None)]
    answer(stage, juliet, EXODUS)
    assert told(pubsub) == [(juliet.jid, MOOD)]
    stage.server.reload(components={PUBSUB: table(presence="managed_entity")})
    stage.later()
    pubsub.take()
    appear(juliet, EXODUS, "<show>away</show>")
    assert told(pubsub) == []


# Of contacts


@pytest.fixture
def verona() -> Stage:
    stage = stage_with("roster")
    friends(stage.server, JULIET, ROMEO)
    for user in (JULIET, ROMEO):
        put(stage.server, user, DREAM)
    return stage


def moonlight(kind: Kind, to: str = JULIET, inner: str = "") -> str:
    return f"<presence from='{DREAM}/sky' to='{to}'>{inner}{kind.c}</presence>"


def shine(stage: Stage, moon: Component, kind: Kind) -> None:
    (request,) = [e for e in moon.elements() if e.get("type") == "get"]
    moon.send(
        f"<iq type='result' id='{request.get('id')}' from='{DREAM}/sky' to='{request.get('from')}'>"
        f"{kind.info}</iq>"
    )
    stage.later()


def test_a_contact_elsewhere_is_told_again_when_it_is_known(verona: Stage) -> None:
    pubsub, moon = connect(verona), connect(verona, MOON)
    for user in (JULIET, ROMEO):
        moon.send(moonlight(EXODUS, user))
    assert told(pubsub) == [(f"{DREAM}/sky", None)] * 2
    shine(verona, moon, EXODUS)
    assert told(pubsub) == [(f"{DREAM}/sky", MOOD)]
    for user in (JULIET, ROMEO):
        moon.send(moonlight(EXODUS, user, "<show>away</show>"))
    verona.later()
    assert told(pubsub) == [(f"{DREAM}/sky", MOOD)]


def shown(component: Component) -> list[list[str | None]]:
    """Of each presence that the component got, to which accounts it is shown."""
    tag = f"{{{ns.INTERESTS}}}shown"
    return [[one.get("to") for one in each.iterfind(tag)] for each in presences(component)]


def test_of_a_contact_elsewhere_it_is_told_whom_he_shows_himself(verona: Stage) -> None:
    """XEP-0163 §4.3.4: each account sends its own events. Once for each, until he has gone."""
    pubsub, moon = connect(verona), connect(verona, MOON)
    forged = f"<shown xmlns='{ns.INTERESTS}' to='{ROMEO}'/>"
    moon.send(moonlight(EXODUS, JULIET, forged))
    assert shown(pubsub) == [[JULIET]]
    moon.send(moonlight(EXODUS, ROMEO))
    assert shown(pubsub) == [[ROMEO]]
    shine(verona, moon, EXODUS)
    assert shown(pubsub) == [[JULIET, ROMEO]]
    moon.send(moonlight(EXODUS, JULIET, "<show>away</show>"))
    assert shown(pubsub) == [[]]
    moon.send(f"<presence from='{DREAM}/sky' to='{JULIET}' type='unavailable'/>")
    moon.send(moonlight(EXODUS, JULIET))
    assert shown(pubsub) == [[], [JULIET]]


def test_who_connects_is_told_whom_contacts_elsewhere_show_themselves(verona: Stage) -> None:
    before, moon = connect(verona), connect(verona, MOON)
    for user in (JULIET, ROMEO):
        moon.send(moonlight(EXODUS, user))
    before.hang_up()
    pubsub = Component(verona.server, PUBSUB).open().prove()
    verona.later()
    assert shown(pubsub) == [[JULIET, ROMEO]]


def test_whom_users_show_themselves_is_in_their_rosters(verona: Stage) -> None:
    pubsub = connect(verona)
    verona.log_in("romeo", EXODUS)
    assert shown(pubsub) == [[]]


def test_without_interests_nobody_is_told_of_it(verona: Stage) -> None:
    echo, moon = connect(verona, ECHO), connect(verona, MOON)
    for user in (JULIET, ROMEO):
        moon.send(moonlight(EXODUS, user))
    assert shown(echo) == [[]]


def test_a_contact_elsewhere_whose_kind_is_known_is_told_once(verona: Stage) -> None:
    verona.learn(TUNE)
    pubsub, moon = connect(verona), connect(verona, MOON)
    moon.send(moonlight(EXODUS))
    pubsub.take()
    moon.send(moonlight(TUNE, inner=FORGED))
    verona.later()
    assert told(pubsub) == [(f"{DREAM}/sky", ["urn:avatar", "urn:tune"])]


def test_8_who_connects_later_is_told_of_contacts_elsewhere(verona: Stage) -> None:
    before, moon = connect(verona), connect(verona, MOON)
    moon.send(moonlight(EXODUS))
    shine(verona, moon, EXODUS)
    before.hang_up()
    pubsub = Component(verona.server, PUBSUB).open().prove()
    verona.later()
    assert told(pubsub) == [(f"{DREAM}/sky", MOOD)]


def test_what_is_kept_of_who_left_is_nothing(verona: Stage) -> None:
    pubsub, moon = connect(verona), connect(verona, MOON)
    moon.send(moonlight(EXODUS))
    moon.send(f"<presence from='{DREAM}/sky' to='{JULIET}' type='unavailable'/>")
    pubsub.take()
    verona.server.host.hooks.capabilities(
        JID(f"{DREAM}/sky"), DiscoInfo((), frozenset(EXODUS.features))
    )
    verona.later()
    assert told(pubsub) == []


def test_who_connects_is_told_of_many_as_they_are_by_then() -> None:
    """What is told bit by bit is no old news: who has left meanwhile has left."""
    names = tuple(f"guest{number:03}" for number in range(150))
    server = Verona(accounts=names, components={PUBSUB: table(presence="managed_entity")})
    people = [server.log_in(name, "x").send("<presence/>") for name in names]
    pubsub = Component(server, PUBSUB).open().prove()
    people[-1].send("<presence type='unavailable'/>")
    server.clock.advance(0)
    seen = [(e.get("from"), e.get("type")) for e in presences(pubsub)]
    assert len(seen) == 150
    assert [type_ for jid, type_ in seen if jid == people[-1].jid] == ["unavailable"]
