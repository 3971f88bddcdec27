"""Stream management of a component's stream (XEP-0198), and what waits while it is away."""

import re

import pytest
from twisted.internet.defer import fail

from tests.support.components import ECHO, Component, table, verona
from tests.support.logs import logged
from tests.support.server import Verona, condition
from xmppd import ns
from xmppd.core.components.spool import Spool
from xmppd.errors import StoreError

SM = ns.STREAM_MANAGEMENT


@pytest.fixture
def server():
    return verona()


@pytest.fixture
def juliet(server):
    return server.log_in("juliet", "balcony")


@pytest.fixture
def echo(server):
    return managed(server)


def managed(server, **attrs):
    component = Component(server).log_in(version="1.0")
    shown = "".join(f" {key}='{value}'" for key, value in {"resume": "true", **attrs}.items())
    component.send(f"<enable xmlns='{SM}'{shown}/>")
    component.enabled = component.elements()[0]
    return component


def back(server, before, h=0):
    """The component comes back and goes on with its stream."""
    component = Component(server).log_in(version="1.0")
    component.send(f"<resume xmlns='{SM}' previd='{before.enabled.get('id')}' h='{h}'/>")
    component.enabled = before.enabled
    return component


def say(*bodies, to=ECHO, type_="chat"):
    return "".join(
        f"<message to='{to}' type='{type_}' id='{body}'><body>{body}</body></message>"
        for body in bodies
    )


def ask(id_):
    return f"<iq type='get' id='{id_}' to='{ECHO}'><ping xmlns='urn:xmpp:ping'/></iq>"


def told(component):
    """The kinds of what came, a message by its body."""
    found = []
    for element in component.elements():
        kind = element.tag.rpartition("}")[2]
        found.append(element.findtext(f"{{{ns.COMPONENT}}}body") if kind == "message" else kind)
    return found


def ack(component, h):
    return component.send(f"<a xmlns='{SM}' h='{h}'/>")


# 3, 4


def test_3_it_is_enabled_and_may_be_resumed(echo):
    assert echo.enabled.tag == f"{{{SM}}}enabled"
    assert echo.enabled.attrib.keys() == {"id", "resume", "max"}
    assert echo.enabled.get("max") == "600"


@pytest.mark.parametrize(("attrs", "told"), [({"max": "60"}, "60"), ({"resume": "false"}, None)])
def test_3_both_agree_how_long_it_waits(server, attrs, told):
    assert managed(server, **attrs).enabled.get("max") == told


def test_3_a_second_enable_is_a_fault(echo):
    echo.send(f"<enable xmlns='{SM}'/>")
    assert condition(echo.elements()[-1]) == "policy-violation"


@pytest.mark.parametrize("name", ["r", "a h='0'"])
def test_3_what_is_not_managed_has_no_acknowledgements(server, name):
    component = Component(server).log_in()
    component.send(f"<{name} xmlns='{SM}'/>")
    assert condition(component.elements()[-1]) == "unsupported-stanza-type"


def test_4_what_the_component_sends_is_acknowledged(echo, juliet):
    echo.send(say("a", "b", to=juliet.jid) + f"<r xmlns='{SM}'/>")
    assert echo.one().attrib == {"h": "2"}


def test_4_what_it_is_sent_is_asked_about(server, echo, juliet):
    juliet.send(say("a"))
    assert told(echo) == ["a"]
    server.clock.advance(0.3)
    assert told(echo) == ["r"]
    ack(echo, 1)
    server.clock.advance(0.3)
    assert told(echo) == []


def test_4_many_are_asked_about_at_once(echo, juliet):
    juliet.send(say(*map(str, range(20))))
    assert "r" in told(echo)


def test_4_who_takes_his_time_is_asked_again_a_little_later(server, echo, juliet):
    juliet.send(say(*map(str, range(40))))
    assert "r" in told(echo)
    ack(echo, 0)
    assert told(echo) == []
    server.clock.advance(0.3)
    assert told(echo) == ["r"]


def test_6_too_high_a_count_ends_the_stream(echo):
    ack(echo, 1)
    assert condition(echo.elements()[-1]) == "undefined-condition"
    assert b"handled-count-too-high" in echo.log


@pytest.mark.parametrize("h", ["", "-1", "x", str(2**32)])
def test_4_a_count_that_is_none_ends_the_stream(echo, h):
    ack(echo, h)
    assert condition(echo.elements()[-1]) == "policy-violation"


# 5 Away and back


def test_5_what_was_not_acknowledged_comes_again_and_then_what_came_meanwhile(server, echo, juliet):
    juliet.send(say("a", "b", "c"))
    ack(echo, 1)
    echo.hang_up()
    juliet.send(say("d"))
    again = back(server, echo, 2)
    resumed, *rest = again.elements()
    assert (resumed.tag, resumed.get("h")) == (f"{{{SM}}}resumed", "0")
    bodies = [each.findtext(f"{{{ns.COMPONENT}}}body") for each in rest]
    assert bodies == ["c", "d", None]
    ack(again, 4)
    again.hang_up()
    assert told(back(server, again, 4)) == ["resumed"]
    assert juliet.take() == b""


def test_5_it_counts_on(server, echo, juliet):
    echo.send(say("a", to=juliet.jid))
    echo.hang_up()
    again = back(server, echo)
    assert again.one().get("h") == "1"
    again.send(say("b", to=juliet.jid) + f"<r xmlns='{SM}'/>")
    assert again.one().get("h") == "2"


def test_5_requests_are_answered_at_once_and_not_asked_again(server, echo, juliet):
    juliet.send(say("a") + ask("q") + say("b"))
    echo.hang_up()
    assert condition(juliet.one()) == "service-unavailable"
    juliet.send(ask("r"))
    assert condition(juliet.one()) == "service-unavailable"
    assert told(back(server, echo)) == ["resumed", "a", "b", "r"]


def test_5_what_it_had_handled_of_them_still_counts(server, echo, juliet):
    """Of three it has handled two, the request among them, whose answer was lost."""
    juliet.send(say("a") + ask("q") + say("b"))
    echo.hang_up()
    assert told(back(server, echo, 2)) == ["resumed", "b", "r"]


def test_5_results_that_it_waits_for_come_again(server, echo, juliet):
    echo.send(f"<iq type='get' id='q' to='{juliet.jid}'><ping xmlns='urn:xmpp:ping'/></iq>")
    juliet.take()
    echo.hang_up()
    juliet.send(f"<iq type='result' id='q' to='{ECHO}'/>")
    again = back(server, echo)
    assert told(again) == ["resumed", "iq", "r"]


def test_5_presence_keeps_its_newest_value(server, echo, juliet):
    echo.hang_up()
    for show in ("away", "dnd", "xa"):
        juliet.send(f"<presence to='{ECHO}'><show>{show}</show></presence>")
    juliet.send(say("a") + f"<presence to='moon@{ECHO}'/>")
    again = back(server, echo)
    shows = [e.findtext(f"{{{ns.COMPONENT}}}show") for e in again.elements() if "presence" in e.tag]
    assert shows == ["xa", None]


def test_5_a_stream_that_is_not_resumed_still_gets_what_waits(server, echo, juliet):
    """A component that was restarted knows nothing of its old stream."""
    juliet.send(say("a") + ask("q"))
    echo.hang_up()
    juliet.send(say("b"))
    again = managed(server)
    assert re.findall(rb"<body>(\w)</body>", again.log) == [b"a", b"b"]
    ack(again, 2)
    assert told(again) == []


@pytest.mark.parametrize("counting", [True, False])
def test_4_what_has_waited_says_since_when(server, echo, juliet, counting):
    """XEP-0203, as of any message that comes later than it was sent; once, however often."""
    echo.hang_up()
    juliet.send(say("x"))
    server.clock.advance(300)
    managed(server).hang_up()
    server.clock.advance(300)
    again = Component(server).open(version="1.0" if counting else "").prove()
    if counting:
        again.send(f"<enable xmlns='{SM}'/>")
    came = next(each for each in again.elements() if each.tag.endswith("message"))
    (delay,) = came.findall(f"{{{ns.DELAY}}}delay")
    assert delay.attrib == {"from": "capulet.lit", "stamp": "2006-12-08T01:58:35Z"}
    assert came.findtext(f"{{{ns.COMPONENT}}}body") == "x"


def test_5_who_comes_too_late_learns_how_much_was_handled(server, echo, juliet):
    """So it sends nothing again that was handled."""
    juliet.send("<presence/>").take()
    echo.send(f"<message to='{juliet.jid}'/>")
    echo.hang_up()
    server.clock.advance(601)
    assert back(server, echo).one().attrib == {"h": "1"}
    assert back(server, echo).one().attrib == {"h": "1"}


def test_5_nor_need_it_be_managed_again(server, echo, juliet):
    juliet.send(say("a"))
    echo.hang_up()
    plain = Component(server).open().prove()
    assert told(plain) == ["handshake", "a"]


def test_5_who_may_go_on_has_a_moment_to_say_so(server, echo, juliet):
    juliet.send(say("a"))
    echo.hang_up()
    again = Component(server).log_in(version="1.0")
    juliet.send(say("b"))
    assert told(again) == []
    server.clock.advance(2)
    assert told(again) == ["a", "b"]


def test_5_who_sends_something_has_said_that_it_does_not(server, echo, juliet):
    juliet.send(say("a"))
    echo.hang_up()
    again = Component(server).log_in(version="1.0")
    again.send(say("x", to=juliet.jid))
    assert told(again) == ["a"]


@pytest.mark.parametrize("previd", ["", "x"])
def test_5_an_unknown_stream_is_not_found(server, echo, previd):
    echo.hang_up()
    again = Component(server).log_in(version="1.0")
    again.send(f"<resume xmlns='{SM}' previd='{previd}' h='0'/>")
    assert again.one()[0].tag.endswith("item-not-found")
    again.send(f"<enable xmlns='{SM}'/>")
    assert told(again) == ["enabled"]


def test_5_a_new_connection_takes_the_stream_over(server, echo, juliet):
    """The old one may be dead, and nobody has noticed yet."""
    juliet.send(say("a"))
    again = back(server, echo)
    assert echo.closed
    assert told(again) == ["resumed", "a", "r"]


def test_5_who_knows_the_new_secret_goes_on_with_a_stream_that_was_opened_by_the_old_one(
    server, echo, juliet
):
    juliet.send(say("a"))
    server.reload(components={ECHO: table("a rose by another")})
    assert echo.closed
    resume = f"<resume xmlns='{SM}' previd='{echo.enabled.get('id')}' h='0'/>"
    old = Component(server).open(version="1.0").prove().send(resume)
    assert condition(old.elements()[-1]) == "not-authorized"
    again = Component(server).open(version="1.0").prove("a rose by another")
    again.take()
    assert told(again.send(resume)) == ["resumed", "a", "r"]


@pytest.fixture
def strict():
    """A server at which the first connection of a domain stays."""
    return verona(conflict="refuse")


def contend(server, said=""):
    again = Component(server).log_in(version="1.0")
    return again.send(said) if said else again


def test_5_the_same_process_takes_its_stream_over_where_no_other_may(strict):
    """Its former connection is cut, which nobody here has noticed."""
    echo, juliet = managed(strict), strict.log_in("juliet", "balcony")
    juliet.send(say("a"))
    again = back(strict, echo)
    assert condition(echo.elements()[-1]) == "conflict"
    assert told(again) == ["resumed", "a", "r"]
    juliet.send(say("b"))
    assert told(again) == ["b"]


@pytest.mark.parametrize(
    "said",
    [
        f"<resume xmlns='{SM}' previd='guess' h='0'/>",
        f"<resume xmlns='{SM}' h='0'/>",
        f"<enable xmlns='{SM}' resume='true'/>",
        f"<r xmlns='{SM}'/>",
        say("x", to="juliet@capulet.lit/balcony"),
        "</stream:stream>",
        None,
    ],
)
def test_5_and_no_other_process_does(strict, said):
    echo, juliet = managed(strict), strict.log_in("juliet", "balcony")
    other = contend(strict, said)
    strict.clock.advance(3)
    assert other.closed
    if said != "</stream:stream>":
        assert condition(other.elements()[-1]) == "conflict"
    other.take()
    juliet.send(say("a"))
    assert (told(echo)[0], other.take(), juliet.take()) == ("a", b"", b"")


def test_5_a_stream_that_can_not_be_resumed_is_left_alone(strict):
    echo = managed(strict, resume="false")
    other = Component(strict).open(version="1.0").prove()
    assert condition(other.elements()[-1]) == "conflict"
    assert not echo.closed


@pytest.mark.parametrize("expired", [False, True])
def test_5_who_waits_gets_a_place_that_has_become_free(strict, expired):
    echo, juliet = managed(strict, max="1"), strict.log_in("juliet", "balcony")
    other = contend(strict)
    echo.hang_up()
    strict.clock.advance(1.5 if expired else 0.5)
    other.send(f"<enable xmlns='{SM}'/>")
    juliet.send(say("a"))
    assert told(other) == ["enabled", "a"]
    assert strict.host.components.connected == [ECHO]


@pytest.mark.parametrize("components", [{}, {ECHO: table("a new secret", conflict="refuse")}])
def test_5_who_waits_while_the_secret_is_changed_gets_nothing(strict, components):
    echo = managed(strict)
    other = contend(strict)
    strict.reload(components=components)
    assert echo.closed
    other.send(f"<resume xmlns='{SM}' previd='{echo.enabled.get('id')}' h='0'/>")
    assert condition(other.elements()[-1]) == "reset"
    assert strict.host.components.connected == []


def test_5_of_two_who_wait_the_first_gets_it(strict):
    echo = managed(strict)
    others = [contend(strict), contend(strict)]
    echo.hang_up()
    strict.clock.advance(3)
    assert [other.closed for other in others] == [False, True]


def test_5_who_was_restored_has_no_stream_to_go_on_with(server, echo, juliet):
    """What waits for it was in the store, and so has no name."""
    echo.hang_up()
    juliet.send(say("a"))
    server = killed(server)
    again = Component(server).log_in(version="1.0")
    again.send(f"<resume xmlns='{SM}' previd='' h='1'/>")
    assert told(again) == ["failed"]
    again.send(f"<enable xmlns='{SM}'/>")
    assert told(again)[:2] == ["enabled", "a"]


def test_who_does_not_come_back_is_given_up_and_senders_are_told(server, echo, juliet):
    juliet.send(say("a"))
    echo.hang_up()
    juliet.send(say("b") + f"<presence to='{ECHO}'/>")
    server.clock.advance(599)
    assert juliet.take() == b""
    server.clock.advance(2)
    errors = juliet.elements()
    assert [(each.get("id"), condition(each)) for each in errors] == [
        ("a", "service-unavailable"),
        ("b", "service-unavailable"),
    ]
    juliet.send(say("c"))
    assert condition(juliet.one()) == "service-unavailable"
    assert told(back(server, echo)) == ["failed"]


def test_a_stream_that_is_closed_in_peace_waits_for_its_component_too(server, echo, juliet):
    """That is how it is upgraded: the next process gets what was left."""
    juliet.send(say("a"))
    echo.send("</stream:stream>")
    juliet.send(say("b"))
    assert told(back(server, echo)) == ["resumed", "a", "b", "r"]


def test_what_is_not_to_be_resumed_does_not_wait(server, juliet):
    echo = managed(server, resume="false")
    juliet.send(say("a"))
    echo.hang_up()
    assert condition(juliet.one()) == "service-unavailable"


def test_what_waits_is_bounded(juliet):
    server = verona(spool_octets=65_536)
    echo, juliet = managed(server), server.log_in("juliet")
    echo.hang_up()
    big = f"<message to='{ECHO}' id='m'><body>{'x' * 30_000}</body></message>"
    juliet.send(big * 2)
    assert juliet.take() == b""
    juliet.send(big)
    assert condition(juliet.one()) == "resource-constraint"
    juliet.send(f"<presence to='{ECHO}'><status>{'x' * 30_000}</status></presence>")
    assert condition(juliet.one()) == "resource-constraint"


def test_many_small_ones_are_bounded_too():
    server = verona(spool_octets=65_536)
    echo, juliet = managed(server), server.log_in("juliet")
    echo.hang_up()
    juliet.send(say(*("x" * 50 for _ in range(1_000))))
    refused = juliet.elements()
    assert 400 < len(refused) < 900
    assert {condition(each) for each in refused} == {"resource-constraint"}


def test_an_error_for_it_that_finds_no_room_is_answered_by_nothing():
    server = verona(spool_octets=65_536)
    echo, juliet = managed(server), server.log_in("juliet")
    echo.hang_up()
    big = "<body>" + "x" * 100_000 + "</body>"
    juliet.send(f"<message to='{ECHO}' type='error'>{big}</message>")
    assert juliet.take() == b""


# The delivery contract


def sm(client):
    client.send(f"<enable xmlns='{SM}'/>").take()
    return client


def handled(client):
    """How much of what it sent the client is told to be handled."""
    client.send(f"<r xmlns='{SM}'/>")
    return client.elements()[-1].get("h")


def test_a_client_is_told_when_the_component_has_acknowledged(server, echo, juliet):
    sm(juliet).send(say("a"))
    assert handled(juliet) == "0"
    ack(echo, 1)
    assert handled(juliet) == "1"


def test_a_client_does_not_wait_for_a_component_that_takes_long(server, echo, juliet):
    sm(juliet).send(say("a"))
    server.clock.pump([0.3] * 52)
    assert handled(juliet) == "1"


def test_a_client_does_not_wait_for_one_that_has_come_back_and_takes_long(server, echo, juliet):
    """What was kept, and is not wanted any more, had its place in the count."""
    sm(juliet).send(say("a") + ask("q") + say("b"))
    echo.hang_up()
    back(server, echo)
    juliet.take()
    juliet.send(say("c"))
    assert handled(juliet) == "3"
    server.clock.pump([0.3] * 52)
    assert handled(juliet) == "4"


def test_what_is_stored_is_not_looked_at_again(server, echo, juliet, monkeypatch):
    """As many may wait as the queue holds, and it is looked four times a second."""
    looked, secured = [], Spool._secured
    monkeypatch.setattr(
        Spool, "_secured", lambda spool, sent: looked.append(sent.data) or secured(spool, sent)
    )
    juliet.send(say("a", "b"))
    server.clock.pump([0.3] * 60)
    juliet.send(say("c"))
    ack(echo, 1)
    server.clock.pump([0.3] * 60)
    assert [re.findall(rb"<body>(.)", data)[0] for data in looked] == [b"a", b"b", b"c"]
    echo.hang_up()
    assert len(looked) == 3


def test_a_client_is_told_when_what_it_wrote_to_who_is_away_is_stored(server, echo, juliet):
    echo.hang_up()
    sm(juliet).send(say("a"))
    assert handled(juliet) == "1"


def killed(server):
    """The server is killed and started again."""
    return Verona(after=server, components={ECHO: table()})


def test_a_server_that_is_killed_loses_nothing_that_it_has_acknowledged(server, echo, juliet):
    """What was under way when the component went, and what came later; each once, in order."""
    sm(juliet).send(say("a", "b"))
    ack(echo, 1)
    echo.hang_up()
    juliet.send(say("c"))
    assert handled(juliet) == "3"
    server = killed(server)
    again = managed(server)
    assert re.findall(rb"<body>(\w)</body>", again.log) == [b"b", b"c"]
    ack(again, 2)
    again.hang_up()
    assert b"<body>" not in managed(killed(server)).log, "they are forgotten"


def test_what_no_component_has_come_for_is_answered_in_the_end(server, echo, juliet):
    echo.hang_up()
    juliet.send(say("a"))
    server = killed(server)
    juliet = server.log_in("juliet", "balcony")
    server.clock.advance(601)
    assert condition(juliet.one()) == "service-unavailable"
    assert b"<body>" not in managed(killed(server)).log


def test_what_waits_for_a_domain_that_is_no_components_any_more_is_dropped(server, echo, juliet):
    echo.hang_up()
    juliet.send(say("a"))
    server = Verona(after=server)
    assert b"<body>" not in managed(killed(server)).log


def test_what_could_not_be_stored_is_not_acknowledged(server, echo, juliet, monkeypatch):
    echo.hang_up()
    monkeypatch.setattr(server.host.stores.database, "write", lambda work: fail(StoreError("full")))
    with logged("critical") as found:
        sm(juliet).send(say("a"))
    assert handled(juliet) == "0"
    assert any("was not stored" in text for text in found)
    monkeypatch.undo()
    ack(back(server, echo), 1)
    assert handled(juliet) == "1"


def test_a_component_is_told_when_the_client_has_acknowledged(echo, juliet):
    sm(juliet)
    echo.send(say("a", to=juliet.jid) + f"<r xmlns='{SM}'/>")
    assert echo.one().get("h") == "0"
    ack(juliet, 1)
    assert echo.one().get("h") == "1"


def test_the_octets_that_wait_are_those_of_what_waits(server, juliet, echo):
    """They are counted as they come and go: to count them all for each that comes is quadratic."""
    outbox = server.host.components.get(ECHO).instances[""].spool.outbox

    def waiting():
        return sum(len(sent.data) for sent in outbox)

    juliet.send(say("a", "bb", "ccc"))
    assert outbox.octets == waiting() > 0
    echo.send(f"<a xmlns='{SM}' h='2'/>")
    assert outbox.octets == waiting() > 0
    echo.hang_up()
    juliet.send(say("dddd"))
    assert outbox.octets == waiting()
    echo = back(server, echo, h=3)
    assert outbox.octets == waiting() > 0
    echo.send(f"<a xmlns='{SM}' h='4'/>")
    assert (outbox.octets, len(outbox)) == (0, 0)
