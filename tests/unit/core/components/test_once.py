"""Nothing twice: what a component sends again when it comes back, and late answers."""

import pytest

from tests.support.components import ECHO, Component, verona
from tests.support.managed import ack, managed
from tests.support.server import condition
from xmppd import ns

SM = ns.STREAM_MANAGEMENT
JULIET = "juliet@capulet.lit/balcony"


@pytest.fixture
def server():
    return verona()


@pytest.fixture
def echo(server):
    return connect(server, f"<enable xmlns='{SM}' resume='true'/>")


def connect(server, nonza):
    component = Component(server).log_in(version="1.0").send(nonza)
    component.answer, *component.rest = component.elements()
    return component


def back(server, before):
    return connect(server, f"<resume xmlns='{SM}' previd='{before.answer.get('id')}' h='0'/>")


def say(body):
    return f"<message to='{JULIET}' type='chat'><body>{body}</body></message>"


def answer(type_="result", id_="r1", sender=ECHO, to=JULIET):
    return f"<iq type='{type_}' id='{id_}' from='{sender}' to='{to}'/>"


def ask(id_="r1"):
    return f"<iq type='get' id='{id_}' to='{ECHO}'><ping xmlns='urn:xmpp:ping'/></iq>"


def test_5_it_need_not_send_again_what_a_client_has_and_did_not_acknowledge(server, echo):
    """The client's session is asked to put it in safe hands; then it counts as handled."""
    juliet, _ = managed(server, "juliet", "balcony")
    juliet.send("<presence/>").take()
    echo.send(say("a") + say("b"))
    assert len([e for e in juliet.elements() if e.tag.endswith("message")]) == 2
    echo.hang_up()
    echo = back(server, echo)
    assert (echo.answer.tag, echo.answer.get("h")) == (f"{{{SM}}}resumed", "2")
    echo.send(f"<r xmlns='{SM}'/>")
    assert echo.one().get("h") == "2"


def test_5_it_waits_until_that_is_stored(server, echo, monkeypatch):
    """Meanwhile it may leave, and come back once more."""
    juliet, _ = managed(server, "juliet", "balcony")
    juliet.send("<presence/>").take()
    echo.send(say("a"))
    echo.hang_up()
    monkeypatch.setattr("xmppd.core.managed.Managed.secure", lambda self: None)
    resume = f"<resume xmlns='{SM}' previd='{echo.answer.get('id')}' h='0'/>"
    first = Component(server).log_in(version="1.0").send(resume)
    assert first.take() == b""
    first.hang_up()
    second = Component(server).log_in(version="1.0").send(resume)
    assert second.take() == b""
    ack(juliet, 2)  # her own presence, and the message
    assert first.take() == b""
    assert [e.get("h") for e in second.elements()] == ["1"]


def test_8_2_3_a_request_has_no_second_answer(server, echo):
    """RFC 6120: an error when the component went, and nothing when it comes back and answers."""
    juliet = server.log_in("juliet", "balcony").send(ask())
    echo.take()
    echo.hang_up()
    assert condition(juliet.one()) == "service-unavailable"
    echo = back(server, echo)
    echo.send(answer())
    assert juliet.elements() == []
    assert server.host.refusals.counts["component.unasked"] == 1
    echo.send(f"<r xmlns='{SM}'/>")
    assert echo.one().get("h") == "1"


@pytest.mark.parametrize("type_", ["result", "error"])
def test_8_2_3_nobody_gets_an_answer_who_has_not_asked(server, type_):
    juliet = server.log_in("juliet", "balcony").send(ask())
    echo = Component(server).log_in()
    for sender in (ECHO, f"a@{ECHO}"):
        echo.send(answer(type_, "guess", sender))
    assert juliet.elements()[1:] == []
    assert not echo.closed


def test_8_2_3_each_request_has_its_answer_once(server):
    echo = Component(server).log_in()
    juliet = server.log_in("juliet", "balcony").send(ask() + ask("r2"))
    echo.send(answer() * 3 + answer(id_="r2"))
    assert [e.get("id") for e in juliet.elements()] == ["r1", "r2"]


@pytest.mark.parametrize("sender", ["romeo@capulet.lit", "capulet.lit", "@@"])
def test_3_a_forged_answer_ends_the_stream_as_anything_forged_does(server, sender):
    echo = Component(server).log_in()
    echo.send(answer(sender=sender))
    assert condition(echo.elements()[-1]) == "invalid-from"


def test_an_answer_for_no_address_is_dropped(server):
    echo = Component(server).log_in()
    echo.send(answer(to="@@"))
    assert not echo.closed
