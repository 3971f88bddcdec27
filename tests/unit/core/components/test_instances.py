"""Several instances of one component: who gets what, hand-overs, and draining."""

import re

import pytest
from twisted.internet.defer import Deferred

from tests.support.components import ECHO, Component, table, verona
from tests.support.server import Verona, condition
from xmppd import ns
from xmppd.core.components.choice import Owners

SM = ns.STREAM_MANAGEMENT
PING = "<ping xmlns='urn:xmpp:ping'/>"
ROOMS = [f"r{number}@{ECHO}" for number in range(20)]


@pytest.fixture
def server():
    return verona(instances=3)


@pytest.fixture
def juliet(server):
    return server.log_in("juliet", "balcony")


ANNOUNCED = re.compile(rb"<iq ([^>]*)>(<instances .*?</instances>)</iq>")


def announced(component):
    """The last announcement of instances that came, and all else, as bytes."""
    data = component.take()
    return ANNOUNCED.findall(data)[-1], ANNOUNCED.sub(b"", data)


def answer(component, attrs, type_="result", content=""):
    id_ = re.search(rb" id='([^']*)'", attrs)[1].decode()
    component.send(f"<iq type='{type_}' id='{id_}' to='capulet.lit'>{content}</iq>")


def let_go(component):
    """Answer all announcements that have come so far; what else came since it was last read."""
    for attrs, _ in ANNOUNCED.findall(component.log):
        answer(component, attrs)  # a second answer is none
    return ANNOUNCED.sub(b"", component.take())


def connect(server, *names):
    components = [Component(server).log_in(name) for name in names]
    for component in components:
        let_go(component)
    return components


def say(*rooms):
    return "".join(f"<message to='{room}' id='m'><body>{room}</body></message>" for room in rooms)


def bodies(component, data=None):
    return [b.decode() for b in re.findall(rb"<body>(.*?)</body>", data or component.take())]


def test_each_gets_what_is_its_own(server, juliet):
    components = dict(zip("abc", connect(server, "a", "b", "c"), strict=True))
    juliet.send(say(*ROOMS))
    owners = Owners("abc")
    for name, component in components.items():
        assert bodies(component) == [room for room in ROOMS if owners.of(room) == name]


def test_by_whom_it_is_sent_where_that_is_configured():
    server = verona(instances=2, route_by="from")
    a, b = connect(server, "a", "b")
    juliet = server.log_in("juliet")
    juliet.send(say(*ROOMS))
    mine = a if Owners("ab").of(juliet.jid.bare) == "a" else b
    assert bodies(mine) == ROOMS
    assert bodies(a) + bodies(b) == []


def test_they_are_told_who_they_are(server):
    (a,) = connect(server, "a")
    Component(server).log_in("b")
    (_, instances), _ = announced(a)
    assert re.findall(rb"name='(\w)'", instances) == [b"a", b"b"]
    assert b"self='a'" in instances
    assert b"by='to'" in instances


def test_an_address_moves_once_its_owner_has_let_go(server, juliet):
    (a,) = connect(server, "a")
    b = Component(server).log_in("b")
    let_go(b)
    juliet.send(say(*ROOMS))
    owners = Owners("ab")
    (attrs, _), rest = announced(a)
    assert bodies(a, rest) == [room for room in ROOMS if owners.of(room) == "a"]
    assert bodies(b) == []
    answer(a, attrs)
    assert bodies(b) == [room for room in ROOMS if owners.of(room) == "b"]


def test_who_knows_nothing_of_it_has_let_go(server, juliet):
    (a,) = connect(server, "a")
    b = Component(server).log_in("b")
    (attrs, _), _ = announced(a)
    error = f"<service-unavailable xmlns='{ns.STANZA_ERRORS}'/>"
    answer(a, attrs, "error", f"<error type='cancel'>{error}</error>")
    juliet.send(say(*ROOMS))
    assert bodies(b)


def test_who_does_not_let_go_in_time_is_cut_off(server, juliet):
    (a,) = connect(server, "a")
    b = Component(server).log_in("b")
    let_go(b)
    juliet.send(say(*ROOMS))
    server.clock.advance(11)
    assert a.closed
    let_go(b)
    assert set(bodies(b, b.log)) == {room for room in ROOMS if Owners("ab").of(room) == "b"}
    juliet.send(say(*ROOMS))
    assert bodies(b) == ROOMS


@pytest.mark.parametrize("caught_up", [True, False])
def test_who_has_no_room_to_be_told_has_not_let_go(server, juliet, caught_up):
    """He acts on: another one that did, too, would have the same rooms."""
    (a,) = connect(server, "a")
    a.clog(8_388_609)
    b = Component(server).log_in("b")
    let_go(b)
    juliet.send(say(*ROOMS))
    server.clock.advance(3)
    assert bodies(b) == []
    if caught_up:
        a.unclog()
        server.clock.advance(1)
        let_go(a)
        assert bodies(b) == [room for room in ROOMS if Owners("ab").of(room) == "b"]
    server.clock.pump([0.5] * 20)
    assert a.closed is not caught_up
    if not caught_up:
        let_go(b)
        assert {room for room in ROOMS if Owners("ab").of(room) == "b"} <= set(bodies(b, b.log))


def test_who_answers_that_it_has_too_much_to_do_is_asked_again(server):
    (a,) = connect(server, "a")
    Component(server).log_in("b")
    (attrs, _), _ = announced(a)
    error = f"<resource-constraint xmlns='{ns.STANZA_ERRORS}'/>"
    answer(a, attrs, "error", f"<error type='wait'>{error}</error>")
    server.clock.advance(0.5)
    assert announced(a)


def test_nor_is_he_spared_while_others_come_and_go(server):
    """Each that comes is a new epoch."""
    (a,) = connect(server, "a")
    for _ in range(4):
        b = Component(server).log_in("b")
        let_go(b)
        server.clock.advance(3)
        b.hang_up()
    assert a.closed


def test_who_answers_each_time_is_not_cut_off(server):
    (a,) = connect(server, "a")
    for _ in range(4):
        b = Component(server).log_in("b")
        let_go(b)
        server.clock.advance(3)
        let_go(a)
        b.hang_up()
        let_go(a)
    server.clock.advance(11)
    assert not a.closed


def test_who_is_lost_is_replaced_at_once(server, juliet):
    a, b = connect(server, "a", "b")
    a.hang_up()
    juliet.send(say(*ROOMS))
    assert bodies(b) == ROOMS


def test_what_a_lost_one_had_not_acknowledged_goes_to_who_is_there(server, juliet):
    a = Component(server).log_in("a", version="1.0").send(f"<enable xmlns='{SM}' resume='true'/>")
    let_go(a)
    juliet.send(say(*ROOMS))
    (b,) = connect(server, "b")
    let_go(a)
    a.hang_up()
    let_go(b)
    got = bodies(b, b.log)
    assert sorted(got) == sorted(ROOMS)
    assert juliet.take() == b""


def test_a_lost_one_that_comes_back_learns_how_much_was_handled(server, juliet):
    """Its stream was given up for the others (XEP-0198 §5): it need not send all of it again."""
    juliet.send("<presence/>").take()
    a = Component(server).log_in("a", version="1.0").send(f"<enable xmlns='{SM}' resume='true'/>")
    id_ = re.search(rb"<enabled [^>]*? id='([^']*)'", a.log)[1].decode()
    let_go(a)
    (b,) = connect(server, "b")
    let_go(a)  # an answer to the server: it is a stanza, too
    a.send(f"<message from='{ROOMS[0]}' to='{juliet.jid}'/>")
    received = server.host.components.get(ECHO).instances["a"].received
    a.hang_up()
    let_go(b)
    a = Component(server).log_in("a", version="1.0")
    a.send(f"<resume xmlns='{SM}' previd='{id_}' h='0'/>")
    assert f"<failed xmlns='{SM}' h='{received}'>".encode() in a.take()


def test_the_last_one_is_waited_for(server, juliet):
    a = Component(server).log_in("a", version="1.0").send(f"<enable xmlns='{SM}' resume='true'/>")
    let_go(a)
    a.hang_up()
    juliet.send(say(ROOMS[0]))
    assert juliet.take() == b""
    b = Component(server).log_in("b")
    assert bodies(b, b.log) == [ROOMS[0]]


def test_answers_go_to_who_has_asked(server, juliet):
    a, b = connect(server, "a", "b")
    for component in (a, b):
        component.send(f"<iq type='get' id='q' to='{juliet.jid}'>{PING}</iq>")
        juliet.take()
        juliet.send(f"<iq type='result' id='q' to='{ECHO}'/>")
        assert b"type='result'" in component.take()
    for component in (a, b):
        component.send("<iq type='get' id='p' to='capulet.lit'><ping xmlns='urn:xmpp:ping'/></iq>")
        assert b"id='p'" in component.take(), "the server answers at once"


def test_of_requests_only_those_are_remembered_that_go_on(server, juliet):
    a, _b = connect(server, "a", "b")
    a.send(f"<iq type='get' id='{'x' * 100_000}' to='{juliet.jid}'>{PING}</iq>")
    assert condition(a.one()) == "bad-request"
    assert not server.host.components.get(ECHO)._asked


def test_there_are_so_many_at_most(server):
    connect(server, "a", "b", "c")
    fourth = Component(server).open(**{"from": f"{ECHO}/d"}).prove()
    assert condition(fourth.elements()[-1]) == "resource-constraint"


def test_one_of_a_name_replaces_the_other(server):
    (a,) = connect(server, "a")
    connect(server, "a")
    assert a.closed


def test_who_gives_no_name_gets_one(server, juliet):
    components = connect(server, "", "")
    juliet.send(say(*ROOMS))
    assert all(bodies(component) for component in components)


def test_all_are_told_what_is_delegated():
    server = verona(instances=2, delegation={"vcard-temp": ()})
    for name in "ab":
        component = Component(server).open(**{"from": f"{ECHO}/{name}"}).prove()
        assert b"<delegated namespace='vcard-temp'/>" in component.log


def test_delegated_requests_are_chosen_by_whom_they_ask():
    server = verona(instances=2, delegation={"vcard-temp": ()})
    components = dict(zip("ab", connect(server, "a", "b"), strict=True))
    juliet = server.log_in("juliet")
    owners = Owners("ab")
    for name in ("juliet", "romeo", "nurse", "tybalt"):
        account = f"{name}@capulet.lit"
        juliet.send(f"<iq type='get' id='v' to='{account}'><vCard xmlns='vcard-temp'/></iq>")
        assert b"vCard" in components[owners.of(account)].take()


# Draining


def enabled(server, **attrs):
    component = Component(server).log_in(version="1.0", **attrs)
    component.send(f"<enable xmlns='{SM}' resume='true'/>").take()
    return component


def drain(server, seconds=5, name=None):
    outcome = []
    component = server.host.components.get(ECHO)
    Deferred.fromCoroutine(component.drain(seconds, name)).addCallback(outcome.append)
    return outcome


def test_a_drained_component_finishes_and_the_next_one_goes_on_without_a_break():
    server = verona()
    echo, juliet = enabled(server), server.log_in("juliet", "balcony")
    juliet.send(f"<iq type='get' id='q' to='{ECHO}'><ping xmlns='urn:xmpp:ping'/></iq>")
    outcome = drain(server)
    juliet.send(say("a@" + ECHO))
    juliet.send(f"<iq type='get' id='r' to='{ECHO}'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert not echo.closed
    assert bodies(echo) == [], "it gets nothing more"
    echo.send(f"<iq type='result' id='q' to='{juliet.jid}'/><a xmlns='{SM}' h='1'/>")
    assert juliet.one().get("id") == "q"
    server.clock.advance(0.2)
    assert outcome == [{"": 0}]
    error = echo.elements()[-1]
    assert condition(error) == "system-shutdown"
    assert error.find(f"{{{ns.INSTANCES}}}drained") is not None
    juliet.send(say("b@" + ECHO))
    assert juliet.take() == b""
    again = enabled(server)
    assert bodies(again, again.log) == ["a@" + ECHO, "b@" + ECHO]
    again.send(f"<iq type='result' id='r' to='{juliet.jid}'/>")
    assert juliet.one().get("id") == "r"


@pytest.mark.parametrize("managed", [False, True])
def test_a_drained_component_gets_the_answers_that_it_needs_to_finish(managed):
    """Its successor has asked nothing, and could do nothing with them."""
    server = verona()
    echo = enabled(server) if managed else Component(server).log_in()
    juliet = server.log_in("juliet", "balcony")
    juliet.send(f"<iq type='get' id='q' to='{ECHO}'>{PING}</iq>")
    drain(server)
    echo.take()
    for id_, to in (("its", "capulet.lit"), ("hers", str(juliet.jid))):
        echo.send(f"<iq type='get' id='{id_}' from='{ECHO}' to='{to}'>{PING}</iq>")
    juliet.send(f"<iq type='result' id='hers' to='{ECHO}'/>")
    assert re.findall(rb" id='(its|hers)'", echo.take()) == [b"its", b"hers"]


def test_who_does_not_finish_is_ended_in_the_end():
    server = verona()
    echo, juliet = enabled(server), server.log_in("juliet", "balcony")
    juliet.send(f"<iq type='get' id='q' to='{ECHO}'><ping xmlns='urn:xmpp:ping'/></iq>")
    outcome = drain(server, 1)
    server.clock.pump([0.2] * 6)
    assert outcome == [{"": 2}], "a request, which was not acknowledged either"
    assert echo.closed
    assert condition(juliet.one()) == "service-unavailable"


def test_nobody_takes_over_and_all_is_answered():
    server = verona()
    echo, juliet = Component(server).log_in(), server.log_in("juliet", "balcony")
    drain(server)
    juliet.send(f"<iq type='get' id='r' to='{ECHO}'><ping xmlns='urn:xmpp:ping'/></iq>")
    juliet.send(say("a@" + ECHO))
    server.clock.advance(0.2)
    assert echo.closed
    assert juliet.take() == b""
    server.clock.advance(61)
    assert [condition(each) for each in juliet.elements()] == ["service-unavailable"] * 2


def test_what_is_held_back_is_bounded():
    server = verona(spool_octets=65_536)
    juliet = server.log_in("juliet", "balcony")
    Component(server).log_in()
    drain(server)
    juliet.send(f"<message to='{ECHO}' id='m'><body>{'x' * 70_000}</body></message>")
    assert condition(juliet.one()) == "resource-constraint"


def test_of_several_the_others_take_over(server, juliet):
    a, b = connect(server, "a", "b")
    drain(server, name="a")
    juliet.send(say(*ROOMS))
    assert a.closed
    assert set(bodies(b, b.log)) == set(ROOMS)


# What a process that is being drained is told, and what is handed on


def drained(server, names, who):
    """Instances of which one is being drained, and has yet to answer a request."""
    components = dict(zip(names, connect(server, *names), strict=True))
    for component in components.values():
        let_go(component)
    room = next(room for room in ROOMS if Owners(names).of(room) == who)
    server.log_in("romeo").send(f"<iq type='get' id='1' to='{room}'>{PING}</iq>")
    drain = Deferred.fromCoroutine(server.host.components.get(ECHO).drain(60, who))
    assert not drain.called
    components[who].take()
    return components


def test_one_that_is_drained_lets_go_for_another_that_comes(server):
    components = drained(server, "ab", "a")
    c = Component(server).log_in("c")
    for component in (*components.values(), c):
        let_go(component)
    server.clock.advance(11)
    assert not components["a"].closed


def test_a_delegated_request_that_was_held_back_goes_to_who_has_the_account_by_then():
    name = next(
        name
        for name in (f"u{number}" for number in range(99))
        if Owners("ab").of(f"{name}@capulet.lit") != Owners("ab").of(ECHO)
        and Owners("abc").of(f"{name}@capulet.lit") == "c"
    )
    delegated = table(instances=3, delegation={"vcard-temp": ()})
    server = Verona(components={ECHO: delegated}, accounts=("romeo", name))
    components = drained(server, "abc", "c")
    server.log_in(name).send("<iq type='get' id='1'><vCard xmlns='vcard-temp'/></iq>")
    components["c"].hang_up()
    for each in "ab":
        let_go(components[each])
    got = [each for each, component in components.items() if b"<vCard" in component.log]
    assert got == [Owners("ab").of(f"{name}@capulet.lit")]


def test_instances_do_not_depend_on_how_many_requests_wait_for_another_component(monkeypatch):
    monkeypatch.setattr("xmppd.core.requests.MOST", 3)
    slow = "slow.capulet.lit"
    tables = {ECHO: table(instances=3), slow: table(delegation={"vcard-temp": ()})}
    server = Verona(components=tables)
    Component(server, slow).log_in()
    (a,) = connect(server, "a")
    juliet = server.log_in("juliet")
    for number in range(3):
        juliet.send(f"<iq type='get' id='{number}'><vCard xmlns='vcard-temp'/></iq>")
    b = Component(server).log_in("b")
    assert not a.closed
    assert not b.closed
