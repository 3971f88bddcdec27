"""Who wants the place of a connection that is there, where the first is to stay (XEP-0198 §5)."""

import pytest

from tests.support.components import ECHO, Component, table, verona
from tests.support.server import condition
from tests.support.spooled import SM, back, managed, say, told


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
