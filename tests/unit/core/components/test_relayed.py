"""What users send a component is said again by it, as rooms and nodes do: no word ends its stream.

What the server itself has made larger, on its way to the component, it has to take back.
"""

import pytest

from components.common.delegation import Delegation
from components.common.stanza import write
from tests.support.components import Component, verona
from tests.support.meeting import VCARD, Meeting
from tests.support.server import condition
from xmppd import ns

QUOTES = "'" * 1_023
"""An id that is six times as long once it stands between quotation marks of the same kind."""
LONG = "urn:" + "n" * 490


@pytest.fixture
def meeting():
    """A component that says again whatever it is told, to whoever has said it."""
    meeting = Meeting(delegation={"vcard-temp": ()})
    delegation = Delegation(meeting.component, meeting.disco)
    delegation.iq("get", "vcard-temp vCard", lambda request: b"<vCard xmlns='vcard-temp'/>")

    def say_again(message):
        meeting.component.send(write("message", message.to, message.sender, message.inner))

    meeting.component.on_message(say_again)
    return meeting.start()


def unpacked():
    """Prefixes that are declared once, and spelled out on the way to the component."""
    return f"<x xmlns='urn:x' xmlns:p='urn:{'n' * 16}'>{'<p:a/>' * 42_000}</x>"


def long_tag():
    """More prefixes than are kept: what is meant by them is spelled out where they are used."""
    begin = end = ""
    for level in range(9):
        numbers = range(15 * level, 15 * level + 15)
        declared = "".join(f" xmlns:p{n}='{LONG}{n:03}'" for n in numbers)
        begin += f"<y{declared}>"
        end += "</y>"
    attributes = "".join(f" p{n}:x=''" for n in range(135 - 64, 135))
    return f"<x xmlns='urn:x'>{begin}<z{attributes}/>{end}</x>"


def many_declarations():
    """An element that declares as many prefixes as it may, and uses as many others."""
    outer = "".join(f" xmlns:o{n}='u:{n}'" for n in range(60))
    others = "".join(f" xmlns:q{n}='v:{n}'" for n in range(60))
    used = "".join(f" q{n}:x=''" for n in range(60))
    own = "".join(f" xmlns:r{n}='w:{n}'" for n in range(60))
    return f"<x xmlns='urn:x'><y{outer}><y{others}><z{own}{used}/></y></y></x>"


@pytest.mark.parametrize("content", [unpacked(), long_tag(), many_declarations()])
def test_what_is_said_again_is_taken(meeting, content):
    juliet = meeting.server.log_in("juliet", "balcony")
    juliet.send(f"<message to='{VCARD}'>{content}</message>")
    meeting.pump()
    assert not meeting.wire.closed
    assert juliet.one().get("from") == VCARD


def test_as_many_children_as_a_client_may_send_are_said_again_with_some_more(meeting):
    """A room adds its ids, and a delay; whoever sends to many adds whom it is for."""
    juliet = meeting.server.log_in("juliet", "balcony")
    begin = f"<message from='{VCARD}' to='{juliet.jid}'>"
    meeting.component.send(f"{begin}{'<a/>' * (1_024 + 8)}</message>".encode())
    meeting.pump()
    assert not meeting.wire.closed
    assert juliet.one().get("from") == VCARD


@pytest.mark.parametrize(
    "payload", ["<ping xmlns='urn:xmpp:ping'/>", "<vCard xmlns='vcard-temp'/>"]
)
def test_an_id_that_grows_comes_back(meeting, payload):
    juliet = meeting.server.log_in("juliet", "balcony")
    to = VCARD if "ping" in payload else "romeo@capulet.lit"
    juliet.send(f'<iq type="get" to="{to}" id="{QUOTES}">{payload}</iq>')
    meeting.pump()
    assert not meeting.wire.closed
    assert juliet.one().get("id") == QUOTES


def test_what_would_grow_too_large_for_clients_is_refused_and_no_more(verona_and_juliet):
    """It may have come to the component in an envelope, where it was not spelled out."""
    server, juliet = verona_and_juliet
    echo = Component(server).log_in(version="1.0")
    echo.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>").take()
    content = f"<x xmlns='urn:x' xmlns:p='{LONG}'>{'<p:a/>' * 200}</x>"
    echo.send(f"<message to='{juliet.jid}' id='m'>{content}</message>")
    assert condition(echo.one()) == "policy-violation"
    echo.send(f"<message to='{juliet.jid}'><body>hi</body></message>")
    assert b"hi" in juliet.take()
    echo.send(f"<r xmlns='{ns.STREAM_MANAGEMENT}'/>")
    assert b" h='2'" in echo.take()


def test_an_answer_that_can_not_be_passed_on_is_none(verona_and_juliet):
    """Who has asked is told so in its place."""
    server, juliet = verona_and_juliet
    echo = Component(server).log_in()
    juliet.send(f"<iq type='get' id='q' to='{echo.domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
    content = f"<x xmlns='urn:x' xmlns:p='{LONG}'>{'<p:a/>' * 200}</x>"
    echo.send(f"<iq type='result' id='q' to='{juliet.jid}'>{content}</iq>")
    assert condition(juliet.one()) == "policy-violation"
    server.clock.advance(60)
    server.clock.advance(80)
    assert juliet.take() == b""


@pytest.fixture
def verona_and_juliet():
    server = verona()
    return server, server.log_in("juliet", "balcony")
