"""The opening handshake (RFC 6455 §4.2, RFC 7395 §3.1)."""

import pytest

from components.bosh.names import FRAMING
from tests.support.http_lines import answers
from tests.support.websocketing import ACCEPT, KEY, TEXT, House, frame, handshake


def shake(request):
    """The answer to a handshake, and the stream that it led to, if any."""
    house = House()
    line = house.site.connect().send(request)
    (answer,) = answers(line.read())
    line.send(frame(TEXT, f"<open xmlns='{FRAMING}' to='example.org'/>"))
    return answer, house.streams


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"Upgrade": "WebSocket"},
        {"Connection": "keep-alive, upgrade"},
        {"Sec_WebSocket_Protocol": "chat, xmpp"},
        {"Sec_WebSocket_Protocol": "chat\r\nsec-websocket-PROTOCOL: xmpp"},
        {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"},
        {"Sec_WebSocket_Extensions": 'a; b="c"\r\nSec-WebSocket-Extensions: d'},
        {"Sec_WebSocket_Extensions": ""},
        {"Sec_WebSocket_Key": f"{KEY} ", "Sec_WebSocket_Version": " 13\t", "Upgrade": "websocket "},
    ],
)
def test_who_asks_properly_has_a_websocket_rfc6455_4_2_2(other):
    answer, streams = shake(handshake(**other))
    assert answer.status == 101
    assert answer.headers["sec-websocket-accept"] == ACCEPT
    assert answer.headers["sec-websocket-protocol"] == "xmpp"
    assert "sec-websocket-extensions" not in answer.headers
    assert len(streams) == 1


@pytest.mark.parametrize(
    ("status", "other"),
    [
        (400, {"Sec_WebSocket_Protocol": None}),
        (400, {"Sec_WebSocket_Protocol": ""}),
        (400, {"Sec_WebSocket_Protocol": "XMPP"}),
        (400, {"Sec_WebSocket_Protocol": "xmpp2, chat"}),
        (400, {"Sec_WebSocket_Protocol": "xmpp, @@ a"}),
        (400, {"Sec_WebSocket_Protocol": "xmpp chat"}),
        (400, {"Sec_WebSocket_Extensions": ";;"}),
        (400, {"Sec_WebSocket_Extensions": 'a; b="c d"'}),
        (400, {"Sec_WebSocket_Extensions": "a b"}),
        (400, {"Host": ""}),
        (400, {"Host": "a b"}),
        (400, {"Sec_WebSocket_Key": None}),
        (400, {"Sec_WebSocket_Key": "short"}),
        (400, {"Sec_WebSocket_Key": "c2hvcnQ="}),
        (400, {"Sec_WebSocket_Key": "*" * 24}),
        (426, {"Sec_WebSocket_Version": None}),
        (426, {"Sec_WebSocket_Version": "8"}),
        (426, {"Sec_WebSocket_Version": "13, 8"}),
        (426, {"Sec_WebSocket_Version": "13\r\nSec-WebSocket-Version: 13"}),
        (426, {"Upgrade": None}),
        (426, {"Upgrade": "h2c"}),
        (426, {"Connection": "keep-alive"}),
        (426, {"Connection": None}),
    ],
    ids=repr,
)
def test_who_does_not_has_none_rfc6455_4_2_1(status, other):
    answer, streams = shake(handshake(**other))
    assert answer.status == status
    assert streams == []
    told = [answer.headers.get(name) for name in ("upgrade", "connection")]
    assert (told[0] == "websocket" and "Upgrade" in told[1]) == (status == 426)  # RFC 9110 §15.5.22


@pytest.mark.parametrize("other", [{"Upgrade": None}, {"Sec_WebSocket_Key": "short"}], ids=repr)
def test_a_request_that_is_no_handshake_is_counted(other):
    house = House()
    house.site.connect().send(handshake(**other))
    house.site.connect().send(handshake())
    assert house.refused == {"websocket.handshake": 1}


def test_the_version_that_there_is_is_told_rfc6455_4_4():
    answer, _ = shake(handshake(Sec_WebSocket_Version="8"))
    assert answer.headers["sec-websocket-version"] == "13"


def test_two_keys_are_none():
    request = handshake().replace(
        b"Sec-WebSocket-Key", b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Key"
    )
    answer, streams = shake(request)
    assert (answer.status, streams) == (400, [])


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"OPTIONS"])
def test_only_get_opens_one_rfc6455_4_1(method):
    answer, streams = shake(handshake().replace(b"GET", method))
    assert answer.status == 405
    assert streams == []


def test_http_1_0_opens_none_rfc6455_4_2_1():
    answer, streams = shake(handshake().replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert (answer.status, streams) == (426, [])


def test_a_handshake_has_no_body():
    request = handshake(Content_Length="8") + frame(TEXT, "<a")
    answer, streams = shake(request)
    assert (answer.status, streams) == (426, [])


def test_a_gateway_that_ends_takes_nobody_in():
    house = House()
    house.websockets.close()
    line = house.site.connect().send(handshake())
    (answer,) = answers(line.read())
    assert answer.status == 503
    assert line.ended
