"""What one instance of a component passes on to another, by way of the server."""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from twisted.internet.defer import Deferred

from tests.support.components import ECHO, Component, table
from tests.support.server import Client, Verona, condition
from xmppd import ns
from xmppd.core.components import node
from xmppd.core.components.choice import Owners
from xmppd.jid import JID

OTHER = "other.capulet.lit"
NODES = [f"princely_musings_{number}" for number in range(20)]
INNER = "<message xmlns='jabber:client' from='juliet@capulet.lit/balcony'><body>hi</body></message>"


@pytest.fixture
def server() -> Verona:
    both = {ECHO: table(instances=2, route_by="node"), OTHER: table(instances=2)}
    return Verona(components=both)


@pytest.fixture
def juliet(server: Verona) -> Client:
    return server.log_in("juliet", "balcony")


ANNOUNCED = re.compile(rb"<iq ([^>]*)><instances .*?</instances></iq>")


def let_go(component: Component) -> bytes:
    """Answer all announcements; what else came since it was last read."""
    data = component.take()
    for attrs in ANNOUNCED.findall(data):
        id_ = re.search(rb" id='([^']*)'", attrs)
        assert id_ is not None
        component.send(f"<iq type='result' id='{id_[1].decode()}' to='capulet.lit'/>")
    return ANNOUNCED.sub(b"", data)


def connect(server: Verona, *names: str, domain: str = ECHO) -> list[Component]:
    components = [Component(server, domain).log_in(name) for name in names]
    for component in components * 2:
        let_go(component)
    return components


def passing(id_: str = "p", inner: str = INNER, to: str = ECHO, **attrs: str) -> str:
    shown = "".join(f" {key}={quoteattr(value)}" for key, value in attrs.items())
    payload = f"<forwarded xmlns='{ns.FORWARD}'>{inner}</forwarded>"
    payload = f"<pass xmlns='{ns.INSTANCES}'{shown}>{payload}</pass>"
    return f"<iq type='set' id='{id_}' to='{to}'>{payload}</iq>"


def came(component: Component) -> list[str]:
    """The ids of what was passed on to an instance."""
    return [each.get("id", "") for each in passed(component)]


def passed(component: Component) -> list[Any]:
    found = component.elements()
    return [each for each in found if each.find(f"{{{ns.INSTANCES}}}pass") is not None]


def owner(name: str) -> str:
    return Owners("ab").of(node.key(JID(ECHO), name))


def test_it_goes_to_who_has_the_node(server: Verona) -> None:
    both = dict(zip("ab", connect(server, "a", "b"), strict=True))
    for name in NODES:
        both["a"].send(passing(name, address=ECHO, node=name))
    got = {name: came(component) for name, component in both.items()}
    assert got == {each: [name for name in NODES if owner(name) == each] for each in "ab"}
    assert all(got.values())


def test_an_account_has_no_nodes_apart(server: Verona) -> None:
    both = dict(zip("ab", connect(server, "a", "b"), strict=True))
    accounts = [f"{name}@capulet.lit" for name in ("juliet", "romeo", "nurse", "tybalt", "paris")]
    for account in accounts:
        both["a"].send(passing(account, address=account, node="play"))
    owners = Owners("ab")
    for name, component in both.items():
        assert came(component) == [each for each in accounts if owners.of(each) == name]


def test_where_addresses_are_shared_a_node_is_where_its_address_is(server: Verona) -> None:
    both = dict(zip("ab", connect(server, "a", "b", domain=OTHER), strict=True))
    for name in NODES:
        both["a"].send(passing(name, to=OTHER, address=OTHER, node=name))
    assert came(both[Owners("ab").of(OTHER)]) == NODES


def test_it_goes_to_the_instance_that_is_named(server: Verona) -> None:
    a, b = connect(server, "a", "b")
    for name in "ab":
        a.send(passing(name, instance=name))
    assert (came(a), came(b)) == (["a"], ["b"])


def test_what_is_passed_on_comes_as_it_was_sent_and_is_answered(server: Verona) -> None:
    a, b = connect(server, "a", "b")
    a.send(passing("p", instance="b"))
    (iq,) = passed(b)
    assert (iq.get("from"), iq.get("to")) == (ECHO, ECHO)
    message = iq.find(f"{{{ns.INSTANCES}}}pass/{{{ns.FORWARD}}}forwarded/{{{ns.CLIENT}}}message")
    assert message.get("from") == "juliet@capulet.lit/balcony"
    assert message.findtext(f"{{{ns.CLIENT}}}body") == "hi"
    b.send(f"<iq type='result' id='p' to='{ECHO}'/>")
    (answer,) = a.elements()
    assert (answer.get("type"), answer.get("id"), answer.get("from")) == ("result", "p", ECHO)


def test_an_instance_that_is_not_there_is_an_error(server: Verona) -> None:
    (a,) = connect(server, "a")
    for name in ("b", "", "c" * 2_000):
        a.send(passing("p", instance=name))
        (refused,) = a.elements()
        assert refused.get("id") == "p"
        assert condition(refused) == "service-unavailable"


@pytest.mark.parametrize("address", ["", "@", "a@b@c"])
def test_what_names_nobody_is_refused(server: Verona, address: str) -> None:
    (a,) = connect(server, "a")
    a.send(passing("p", address=address))
    assert condition(a.one()) == "bad-request"


def test_it_waits_while_a_node_moves(server: Verona) -> None:
    (a,) = connect(server, "a")
    b = Component(server).log_in("b")
    mine = next(name for name in NODES if owner(name) == "b")
    a.send(passing("p", address=ECHO, node=mine))
    let_go(b)
    assert came(b) == []
    let_go(a)
    assert came(b) == ["p"]


def test_who_goes_before_it_has_answered_has_it_answered(server: Verona) -> None:
    a, b = connect(server, "a", "b")
    a.send(passing("p", instance="b"))
    b.hang_up()
    refused = [each for each in a.elements() if each.get("id") == "p"]
    assert [condition(each) for each in refused] == ["service-unavailable"]


# Nobody but an instance does so


def test_what_a_user_sends_comes_from_him_and_goes_where_all_that_is_his_goes(
    server: Verona, juliet: Client
) -> None:
    both = dict(zip("ab", connect(server, "a", "b"), strict=True))
    own = Owners("ab").of(ECHO)
    away = "b" if own == "a" else "a"
    theirs = next(name for name in NODES if owner(name) == away)
    juliet.send(passing("1", instance=away) + passing("2", address=ECHO, node=theirs))
    found = passed(both[own])
    assert [(each.get("id"), each.get("from")) for each in found] == [
        ("1", juliet.jid),
        ("2", juliet.jid),
    ]
    assert came(both[away]) == []


def test_a_user_can_not_send_from_the_domain(server: Verona, juliet: Client) -> None:
    both = connect(server, "a", "b")
    juliet.send(passing("p", instance="a").replace("<iq", f"<iq from='{ECHO}'", 1))
    assert condition(juliet.elements()[-1]) == "invalid-from"
    assert [came(each) for each in both] == [[], []]


def test_nor_can_another_component(server: Verona) -> None:
    both = dict(zip("ab", connect(server, "a", "b"), strict=True))
    own = Owners("ab").of(ECHO)
    away = "b" if own == "a" else "a"
    (other,) = connect(server, "x", domain=OTHER)
    other.send(passing("p", instance=away))
    assert [each.get("from") for each in passed(both[own])] == [OTHER]
    assert came(both[away]) == []
    other.send(passing("q", instance=away).replace("<iq", f"<iq from='{ECHO}'", 1))
    assert condition(other.elements()[-1]) == "invalid-from"
    assert [came(each) for each in both.values()] == [[], []]


def test_nor_does_an_address_at_the_domain(server: Verona) -> None:
    """A room is an address that says what others have it say."""
    a, b = connect(server, "a", "b")
    own = dict(zip("ab", (a, b), strict=True))[Owners("ab").of(ECHO)]
    away = "b" if own is a else "a"
    a.send(passing("p", instance=away).replace("<iq", f"<iq from='room@{ECHO}'", 1))
    assert came(own) == ["p"]


def test_only_a_request_does_so(server: Verona) -> None:
    a, b = connect(server, "a", "b")
    own = dict(zip("ab", (a, b), strict=True))[Owners("ab").of(ECHO)]
    away = "b" if own is a else "a"
    a.send(
        passing("p", instance=away)
        .replace("<iq type='set'", "<message", 1)
        .replace("iq>", "message>")
    )
    assert came(own) == ["p"]


def test_the_only_instance_gets_what_it_passes_on() -> None:
    server = Verona(components={ECHO: table()})
    echo = Component(server).log_in()
    echo.send(passing("p", address=ECHO, node="x"))
    assert came(echo) == ["p"]


def test_it_may_be_as_large_as_the_kit_passes_on() -> None:
    """Where a client's stanzas are as small as they may be."""
    server = Verona(
        components={ECHO: table(instances=2)}, limits={"stanza_bytes": 10_000, "tag_bytes": 10_000}
    )
    a, b = connect(server, "a", "b")
    body = f"<body>{'&apos;' * 20_000}</body>"
    a.send(passing("p", INNER.replace("<body>hi</body>", body), instance="b"))
    assert not a.closed
    assert came(b) == ["p"]


def test_who_is_being_drained_learns_that_it_was_handled(server: Verona) -> None:
    """It is to finish what it has begun: an answer to it is nothing that a successor could use."""
    a, b = connect(server, "a", "b")
    a.send(passing("p", instance="b"))
    component = server.host.components.get(ECHO)
    assert component is not None
    Deferred.fromCoroutine(component.drain(5, "a"))
    b.send(f"<iq type='result' id='p' to='{ECHO}'/>")
    assert a.one().get("id") == "p"
