"""XMPP over WebSocket (RFC 6455, RFC 7395), in memory."""

from xml.etree.ElementTree import fromstring

import pytest

from components.bosh.names import FRAMING
from components.bosh.websocket.session import Terms
from tests.support.websocketing import (
    CLOSE,
    CLOSING,
    MESSAGE,
    MORE,
    OPEN,
    TEXT,
    Frame,
    House,
    frame,
)

NORMAL, GOING_AWAY = 1000, 1001


@pytest.fixture
def house():
    return House()


# ---------------------------------------------------------------------- streams


def test_a_stream_is_opened_rfc7395_3_4(house):
    juliet = house.join().open("example.org", " version='1.0' xml:lang='it' from='j@example.org'")
    (stream,) = house.streams
    assert stream.headers == [
        {"to": "example.org", "version": "1.0", "xml:lang": "it", "from": "j@example.org"}
    ]
    assert stream.where["address"] == "192.0.2.7"
    assert stream.where["to"] == "example.org"
    assert juliet.line.up


def test_elements_go_as_they_came_rfc7395_3_3(house):
    juliet = house.join().open()
    said = [
        MESSAGE,
        "<iq><open xmlns='urn:example'/></iq>",
        "<opened/>",
        "<close:a xmlns:close=''/>",
    ]
    juliet.say(*said)
    assert juliet.stream.texts == said


def test_an_xml_declaration_is_no_error_rfc7395_3_3_3(house):
    declared = "<?xml version='1.0' encoding='UTF-8'?>"
    juliet = house.join().say(declared + OPEN)
    assert juliet.frames() == []
    (stream,) = house.streams
    juliet.say(f"{declared}\n{MESSAGE}", f"{declared * 2}{MESSAGE}", "<?a b?><a/>")
    assert stream.texts == [MESSAGE, f"{declared}{MESSAGE}", "<?a b?><a/>"]


def test_each_element_for_the_client_is_a_message_rfc7395_3_3(house):
    juliet = house.join().open()
    juliet.stream.client.elements([b"<a/>", b"<b>\xc3\xa9</b>"])
    assert juliet.texts() == ["<a/>", "<b>é</b>"]


def test_the_stream_is_opened_anew_behind_sasl_rfc7395_3_7(house):
    juliet = house.join().open()
    juliet.stream.client.elements([b"<success/>"])
    juliet.texts()
    juliet.open()
    assert len(house.streams) == 1
    assert len(juliet.stream.headers) == 2


@pytest.mark.parametrize(
    "written", [OPEN, OPEN.replace("open", "f:open").replace("xmlns", "xmlns:f")]
)
def test_open_by_any_prefix(house, written):
    house.join().say(written)
    assert len(house.streams) == 1


# ---------------------------------------------------------------------- ends


def test_who_closes_the_stream_closes_the_socket_rfc7395_3_6(house):
    juliet = house.join().open()
    juliet.say(CLOSING)
    assert juliet.stream.ends == ["end"]
    house.clock.advance(4)
    assert juliet.say(MESSAGE).texts() == [CLOSING]
    juliet.send(frame(CLOSE, b"\x03\xe9"))
    assert juliet.frames() == [Frame(CLOSE, b"\x03\xe9")]
    assert not juliet.line.up
    assert (juliet.stream.ends, juliet.stream.texts) == (["end"], [])
    assert len(house.websockets) == 0


def test_a_client_that_closes_its_stream_alone_is_not_waited_for_rfc7395_3_6(house):
    juliet = house.join().open().say(CLOSING)
    house.clock.advance(5)
    assert juliet.ended() == ([CLOSING], NORMAL)


def test_who_closes_a_stream_hears_the_rest_rfc6120_4_4(house):
    juliet = house.join().open()
    juliet.stream.slow = True
    juliet.say(CLOSING, MESSAGE, "nonsense", OPEN)
    assert juliet.frames() == []
    juliet.stream.client.elements([b"<a xmlns='urn:xmpp:sm:3' h='1'/>"])
    juliet.stream.client.closed()
    assert juliet.texts() == ["<a xmlns='urn:xmpp:sm:3' h='1'/>", CLOSING]
    juliet.send(frame(CLOSE, b"\x03\xe8"))
    assert not juliet.line.up
    assert (juliet.stream.ends, juliet.stream.texts) == (["end"], [])
    assert house.refused == {}


def test_a_server_that_says_no_more_is_not_waited_for_rfc6120_4_4(house):
    juliet, romeo = house.join().open(), house.join().open()
    for each in (juliet, romeo):
        each.stream.slow = True
        each.say(CLOSING)
    juliet.stream.client.lost()
    assert juliet.texts() == [CLOSING]
    house.clock.advance(5)
    assert romeo.ended() == ([CLOSING], NORMAL)
    assert romeo.stream.ends == ["end", "close"]


def test_who_has_waited_for_the_rest_still_has_time_to_close_the_socket_rfc7395_3_6(house):
    juliet = house.join().open()
    juliet.stream.slow = True
    juliet.say(CLOSING)
    house.clock.advance(4.9)
    juliet.stream.client.closed()
    assert juliet.texts() == [CLOSING]
    house.clock.advance(4.9)
    assert juliet.frames() == []
    house.clock.advance(0.1)
    assert juliet.ended() == ([], NORMAL)


def test_the_client_closes_its_stream_and_the_socket_at_once(house):
    juliet = house.join().open()
    juliet.stream.slow = True
    juliet.send(frame(TEXT, CLOSING) + frame(CLOSE, b"\x03\xe8"))
    assert juliet.ended()[1] == NORMAL
    assert juliet.stream.ends == ["end", "lost"]
    assert not juliet.line.up


def test_the_server_closes_the_stream_rfc7395_3_6(house):
    """The socket is closed when both have closed the stream: what is on its way is not lost."""
    juliet = house.join().open()
    juliet.stream.client.closed()
    assert juliet.texts() == [CLOSING]
    juliet.say(MESSAGE, "nonsense", "<close/>", f"<close xmlns='{FRAMING}'>x</close>")
    assert juliet.send(frame(TEXT, b"\xff")).texts() == []
    juliet.send(frame(TEXT, CLOSING[:9], fin=False), frame(MORE, CLOSING[9:]))
    assert [each.code for each in juliet.frames()] == [NORMAL]
    juliet.send(frame(CLOSE, b"\x03\xe8"))
    assert not juliet.line.up
    assert (juliet.stream.ends, juliet.stream.texts) == ([], [])
    assert house.refused == {}


def test_a_client_that_does_not_close_its_stream_is_not_waited_for_rfc7395_3_6(house):
    juliet, romeo = house.join().open(), house.join().open()
    juliet.stream.client.closed()
    house.clock.advance(3)
    romeo.stream.client.closed()
    house.clock.advance(1)
    assert (juliet.texts(), romeo.texts()) == ([CLOSING], [CLOSING])
    house.clock.advance(1)
    assert [each.code for each in juliet.frames()] == [NORMAL]
    assert romeo.texts() == []
    house.clock.advance(3)
    assert [each.code for each in romeo.frames()] == [NORMAL]


def test_a_client_that_answers_by_a_close_frame_alone_is_done(house):
    juliet = house.join().open()
    juliet.stream.client.closed()
    juliet.send(frame(CLOSE, b"\x03\xe8"))
    assert juliet.ended() == ([CLOSING], NORMAL)
    assert not juliet.line.up
    assert len(house.websockets) == 0


def test_both_close_the_stream_at_once_rfc7395_3_6(house):
    juliet = house.join().open()
    juliet.stream.client.pause()
    juliet.say(CLOSING)
    juliet.stream.client.closed()
    juliet.line.pump()
    assert juliet.ended() == ([CLOSING], NORMAL)


def test_the_gateway_ends_while_a_client_is_waited_for(house):
    juliet = house.join().open()
    juliet.stream.client.closed()
    house.websockets.close()
    assert [each.opcode for each in juliet.frames()] == [TEXT, CLOSE]
    juliet.send(frame(CLOSE, b"\x03\xe8"))
    house.clock.advance(10)
    assert house.clock.getDelayedCalls() == []


def test_a_client_that_does_not_answer_a_close_frame_is_let_go(house):
    juliet = house.join().open()
    juliet.stream.client.closed()
    juliet.ended()
    house.clock.advance(4)
    assert juliet.line.up
    house.clock.advance(2)
    assert not juliet.line.up


def test_a_stream_error_stands_before_close_rfc7395_3_5(house):
    juliet = house.join().open()
    juliet.stream.client.failed(b"<conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>")
    juliet.stream.client.closed()
    (error, close), code = juliet.ended()
    assert error.startswith("<stream:error xmlns:stream='http://etherx.jabber.org/streams'><conf")
    assert (close, code) == (CLOSING, NORMAL)


def test_a_socket_closed_without_close_may_come_back_rfc7395_3_6(house):
    juliet = house.join().open()
    juliet.send(frame(CLOSE, b"\x03\xe9"))
    assert juliet.ended() == ([], GOING_AWAY)
    assert juliet.stream.ends == ["lost"]


def test_a_connection_that_breaks_may_come_back(house):
    juliet = house.join().open()
    juliet.line.hang_up()
    assert juliet.stream.ends == ["lost"]
    juliet.stream.client.elements([b"<a/>"])
    juliet.stream.client.lost()
    assert len(house.websockets) == 0


def test_the_server_is_lost_and_the_client_may_resume(house):
    """No `<close/>`: that ends a stream for good (RFC 7395 §3.6, §3.8)."""
    juliet = house.join().open()
    juliet.stream.client.lost()
    assert juliet.ended() == ([], GOING_AWAY)
    assert juliet.stream.ends == []


def test_the_gateway_ends_and_the_client_may_resume(house):
    juliet, romeo = house.join().open(), house.join()
    house.websockets.close()
    assert juliet.ended() == ([], GOING_AWAY)
    assert romeo.ended() == ([], GOING_AWAY)
    assert juliet.stream.ends == ["lost"]


def test_a_client_that_reads_nothing_is_told_nothing(house):
    juliet = house.join(deaf=True)
    juliet.say(OPEN)
    client = house.streams[0].client
    client.elements([b"<a>%b</a>" % (b"x" * 70_000)])
    client.lost()
    assert juliet.line.aborted


# ---------------------------------------------------------------------- errors


MANY = " ".join(f"p:a{number}=''" for number in range(2_000))
ERRORS = [
    ("bad-format", "message"),
    ("bad-format", ""),
    ("bad-format", f" {OPEN}"),
    ("bad-format", f"\ufeff{OPEN}"),
    ("bad-format", MESSAGE),
    ("bad-format", "<?xml version='1.0'?>"),
    ("restricted-xml", "<!DOCTYPE open [<!ENTITY a 'b'>]><open/>"),
    ("restricted-xml", "<?xml version='1.0'?><!DOCTYPE open><open/>"),
    ("bad-format", "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>"),
    ("invalid-namespace", "<open to='example.org'/>"),
    ("invalid-namespace", "<open xmlns='jabber:client' to='example.org'/>"),
    ("invalid-namespace", "<close xmlns='jabber:client'/>"),
    ("invalid-namespace", "<x:open xmlns:x='jabber:client'>a"),
    ("bad-format", "<?a b?><open/>"),
    ("bad-format", f"<open xmlns='{FRAMING}'><a/></open>"),
    ("bad-format", f"<open xmlns='{FRAMING}'>a</open>"),
    ("bad-format", f"<close xmlns='{FRAMING}'> </close>"),
    ("not-well-formed", f"<open xmlns='{FRAMING}'>"),
    ("not-well-formed", f"{OPEN}{MESSAGE}"),
    ("not-well-formed", f"<open xmlns='{FRAMING}' to='&lol;'/>"),
    ("not-well-formed", f"<open xmlns='{FRAMING}' to='a' to='b'/>"),
    ("bad-format", "<open"),
    ("not-well-formed", f"<open xmlns='{FRAMING}' to='\x01'/>"),
    ("not-well-formed", f"<open xmlns='{FRAMING}' to='\ufffe'/>"),
    ("not-well-formed", f"<open xmlns='{FRAMING}' to='&#1;'/>"),
    ("not-well-formed", f"<x:open to='{FRAMING}'/>"),
    ("restricted-xml", f"<open xmlns='{FRAMING}'><!-- --></open>"),
    ("restricted-xml", f"<open xmlns='{FRAMING}'><?a b?></open>"),
    ("restricted-xml", f"{OPEN}<!-- -->"),
    # Each attribute would have the whole of its namespace in its name.
    ("policy-violation", f"<open xmlns='{FRAMING}' xmlns:p='{'u' * 9_000}' {MANY}/>"),
    ("policy-violation", f"<p:close xmlns:p='{'u' * 9_000}'/>"),
]


@pytest.mark.parametrize(("condition", "text"), ERRORS, ids=lambda text: repr(text[:80]))
def test_an_error_before_open_is_told_behind_an_open_of_ours_rfc7395_3_5(house, condition, text):
    juliet = house.join().say(text)
    (opened, error, close), code = juliet.ended()
    assert opened.startswith(f"<open xmlns='{FRAMING}' from='example.org' id='")
    assert opened.endswith("' xml:lang='en' version='1.0'/>")
    assert f"<{condition} " in error
    assert (close, code) == (CLOSING, NORMAL)
    assert house.streams == []
    assert sum(house.refused.values()) == 1


@pytest.mark.parametrize("rest", [frame(CLOSE), frame(TEXT, masked=False), frame(TEXT, CLOSING)])
def test_an_error_and_the_end_in_one_piece(house, rest):
    juliet = house.join().send(frame(TEXT, "nonsense") + rest)
    assert juliet.frames()[-1].opcode == CLOSE
    juliet.line.hang_up()
    assert len(house.websockets) == 0


@pytest.mark.parametrize(
    "text", ["x", "", "<open ", f"<open xmlns='{FRAMING}'>a</open>", "<a>\0</a>"]
)
def test_an_error_in_a_stream_ends_it_rfc7395_3_5(house, text):
    juliet = house.join().open().say(text, MESSAGE)
    (error, close), code = juliet.ended()
    assert error.startswith("<stream:error ")
    assert (close, code) == (CLOSING, NORMAL)
    assert juliet.stream.ends == ["close"]
    assert juliet.stream.texts == []


@pytest.mark.parametrize("namespace", ["", "jabber:client", "urn:ietf:params:xml:ns:framing"])
@pytest.mark.parametrize("name", ["open", "close"])
def test_headers_of_another_namespace_end_a_stream_rfc7395_3_3_2(house, name, namespace):
    juliet = house.join().open().say(f"<{name} xmlns='{namespace}' to='example.org'/>")
    (error, close), code = juliet.ended()
    assert "<invalid-namespace " in error
    assert (close, code) == (CLOSING, NORMAL)
    assert (juliet.stream.ends, juliet.stream.texts) == (["close"], [])


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ("to='example.net' version='1.0'", {"from": "example.net", "version": "1.0"}),
        ("to='elsewhere' version='2.1'", {"from": "example.org", "version": "1.0"}),
        (
            "to='example.org' from='j@example.org/b' version='1.0'",
            {"from": "example.org", "to": "j@example.org", "version": "1.0"},
        ),
        ("from='@'", {"from": "example.org"}),
        ("version='0.9'", {"from": "example.org"}),
    ],
)
def test_our_open_before_an_end_is_as_any_rfc6120_4_7(house, given, answered):
    house.unwelcome = ("resource-constraint", "")
    juliet = house.join().say(f"<open xmlns='{FRAMING}' {given}/>")
    (opened, _, _), _ = juliet.ended()
    told = dict(fromstring(opened).attrib)
    assert len(told.pop("id")) >= 16
    assert told.pop("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert told == answered


def test_the_server_has_no_stream_for_a_client(house):
    house.unwelcome = ("resource-constraint", "too many <sessions>")
    juliet = house.join().say(OPEN, MESSAGE)
    (_, error, close), code = juliet.ended()
    assert "<resource-constraint " in error
    assert "too many &lt;sessions>" in error or "too many &lt;sessions&gt;" in error
    assert (close, code) == (CLOSING, NORMAL)
    assert house.streams[0].texts == []
    assert house.streams[0].ends == []


def test_no_stream_and_the_client_is_gone_in_one_piece(house):
    house.unwelcome = ("remote-server-timeout", "")
    juliet = house.join().send(frame(TEXT, OPEN) + frame(CLOSE))
    assert juliet.frames()[-1].opcode == CLOSE
    assert not juliet.line.up


def test_see_other_uri_rfc7395_3_6_1():
    house = House(Terms(see_other_uri="wss://other.example/ws?a&b", see_other_for_all=True))
    juliet = house.join().say(OPEN)
    (opened, close), code = juliet.ended()
    assert "from='example.org'" in opened
    assert "see-other-uri='wss://other.example/ws?a&amp;b'" in close
    assert house.refused == {"websocket.see-other": 1}
    assert (house.streams, code) == ([], NORMAL)
