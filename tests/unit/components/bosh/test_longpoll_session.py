"""A BOSH session from its first request to its last (XEP-0124 §7, §8, §13; XEP-0206 §4, §5)."""

from __future__ import annotations

import pytest

from components.bosh.longpoll.names import RESTART
from tests.support.boshing import FIRST, MESSAGE, B, Bosh
from xmppd import ns

FEATURES = f"{{{ns.STREAM}}}features"
CHAT = f"{{{ns.CLIENT}}}message"
XBOSH = "{urn:xmpp:xbosh}"


@pytest.fixture
def bosh() -> Bosh:
    return Bosh()


def test_a_session_is_told_of_with_the_features_xep0206_4(bosh: Bosh) -> None:
    juliet = bosh.client()
    asked = juliet.begin()
    assert asked.is_held
    juliet.stream.welcome()
    assert asked.is_held, "what else comes in this turn goes out with it"
    bosh.turn()
    assert asked.names == [FEATURES]
    attrs = asked.attrs
    assert (attrs["authid"], attrs["from"], attrs[f"{XBOSH}version"]) == (
        "a81",
        "capulet.lit",
        "1.0",
    )
    assert attrs[f"{XBOSH}restartlogic"] == "true"
    assert asked.headers["Content-Type"] == "text/xml; charset=utf-8"


def test_all_attributes_of_the_answer_xep0124_7_2(bosh: Bosh) -> None:
    asked = bosh.client().log_in(ack=1)
    attrs = dict(asked.attrs)
    assert len(attrs.pop("sid")) >= 32
    assert attrs.pop("stream")
    assert {key: value for key, value in attrs.items() if "{" not in key} == {
        "wait": "60",
        "hold": "1",
        "requests": "2",
        "inactivity": "120",
        "polling": "5",
        "ver": "1.6",
        "accept": "gzip",
        "charsets": "UTF-8",
        "maxpause": "300",
        "ack": str(FIRST),
        "authid": "a81",
        "from": "capulet.lit",
    }


def test_the_stream_is_opened_as_the_client_says_xep0206_3(bosh: Bosh) -> None:
    juliet = bosh.client()
    juliet.begin(**{"from": "juliet@capulet.lit"})
    stream = juliet.stream
    assert (stream.address, stream.secure, stream.to) == ("192.0.2.7", True, "capulet.lit")
    header = {
        "to": "capulet.lit",
        "from": "juliet@capulet.lit",
        "version": "1.0",
        "xml:lang": "en",
    }
    assert stream.said == [("open", header)]


def test_what_is_said_goes_to_the_server_and_back_xep0124_8(bosh: Bosh) -> None:
    juliet = bosh.client()
    juliet.log_in()
    asked = juliet.ask("<message to='romeo@montague.lit'><body>Romeo?</body></message>")
    assert juliet.stream.texts[-1] == (
        "<message to='romeo@montague.lit'><body>Romeo?</body></message>"
    )
    assert asked.is_held
    juliet.stream.client.elements([MESSAGE])
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    assert asked.names == [CHAT, CHAT]
    assert asked.status == 200


def test_nothing_to_say_is_said_after_wait_xep0124_8(bosh: Bosh) -> None:
    juliet = bosh.client()
    juliet.log_in(wait=30)
    bosh.clock.advance(17)
    asked = juliet.ask()
    bosh.clock.advance(29)
    assert asked.is_held
    bosh.clock.advance(1)
    assert asked.text == "<body xmlns='http://jabber.org/protocol/httpbind'/>"


def test_no_more_are_held_than_agreed_xep0124_8(bosh: Bosh) -> None:
    juliet = bosh.client()
    juliet.log_in()
    first = juliet.ask()
    second = juliet.ask("<presence/>")
    assert first.names == [] and second.is_held


def test_who_breaks_off_a_request_may_ask_anew_at_once_xep0124_11(bosh: Bosh) -> None:
    """As a page does that is loaded again: it waits for one request then, not for two."""
    juliet = bosh.client()
    juliet.log_in()
    juliet.ask().break_off()
    asked = juliet.ask()
    assert asked.is_held
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    assert asked.names == [CHAT]


def test_the_stream_is_opened_anew_xep0206_5(bosh: Bosh) -> None:
    juliet = bosh.client()
    juliet.log_in()
    asked = juliet.restart(to="capulet.lit")
    assert juliet.stream.said[-1] == (
        "open",
        {"to": "capulet.lit", "version": "1.0", "xml:lang": "en"},
    )
    juliet.stream.welcome()
    bosh.turn()
    assert asked.names == [FEATURES]
    assert "authid" not in asked.attrs
    assert RESTART == "urn:xmpp:xbosh restart"


def test_the_client_ends_it_xep0124_13(bosh: Bosh) -> None:
    juliet = bosh.client()
    juliet.log_in()
    held = juliet.ask()
    asked = juliet.ask("<presence type='unavailable'/>", type="terminate")
    assert juliet.stream.said[-2:] == ["<presence type='unavailable'/>", "close"]
    bosh.turn()
    assert held.condition == ""
    assert asked.text == "<body xmlns='http://jabber.org/protocol/httpbind'/>"
    assert juliet.ask().condition == "item-not-found"
    assert len(bosh.service) == 0


def test_the_server_ends_it(bosh: Bosh) -> None:
    juliet = bosh.client()
    juliet.log_in()
    held = juliet.ask()
    juliet.stream.client.closed()
    bosh.turn()
    assert held.condition == ""


def test_a_stream_error_comes_behind_what_was_said_before_xep0206_6(bosh: Bosh) -> None:
    juliet = bosh.client()
    juliet.log_in()
    juliet.stream.client.elements([MESSAGE])
    juliet.stream.client.failed(b"<conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>")
    juliet.stream.client.closed()
    bosh.turn()
    asked = juliet.ask()
    assert asked.condition == "remote-stream-error"
    assert asked.names == [CHAT, f"{{{ns.STREAM}}}error"]
    assert asked.body[1][0].tag == f"{{{ns.STREAM_ERRORS}}}conflict"
    assert B


def test_what_stands_in_a_restart_is_ignored_xep0206_5(bosh: Bosh) -> None:
    juliet = bosh.client()
    juliet.log_in()
    juliet.ask("<message/>", **{"xmpp:restart": "1", "xmlns:xmpp": "urn:xmpp:xbosh"})
    assert juliet.stream.said[-1][0] == "open" and not juliet.stream.texts


def test_a_restart_that_is_none_xep0206_5(bosh: Bosh) -> None:
    juliet = bosh.client()
    juliet.log_in()
    juliet.ask("<message/>", **{"xmpp:restart": "false", "xmlns:xmpp": "urn:xmpp:xbosh"})
    assert juliet.stream.texts == ["<message/>"]
