"""Frames of WebSockets (RFC 6455), pings and pace, in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.bosh.websocket.session import STRANGE_OCTETS
from tests.support.http_lines import PIPE
from tests.support.websocketing import (
    BINARY,
    CLOSE,
    CLOSING,
    MESSAGE,
    MORE,
    OPEN,
    PING,
    PONG,
    TEXT,
    Frame,
    House,
    frame,
    handshake,
)

PROTOCOL_ERROR, UNSUPPORTED, INVALID, POLICY, TOO_BIG = 1002, 1003, 1007, 1008, 1009


@pytest.fixture
def house():
    return House()


# ---------------------------------------------------------------------- frames


@pytest.mark.parametrize(
    ("code", "octets"),
    [
        (PROTOCOL_ERROR, frame(TEXT, MESSAGE, masked=False)),
        (PROTOCOL_ERROR, frame(TEXT, MESSAGE, reserved=4)),
        (PROTOCOL_ERROR, frame(TEXT, MESSAGE, reserved=1)),
        (PROTOCOL_ERROR, frame(3, MESSAGE)),
        (PROTOCOL_ERROR, frame(11)),
        (PROTOCOL_ERROR, frame(MORE, MESSAGE)),
        (PROTOCOL_ERROR, frame(TEXT, "<a", fin=False) + frame(TEXT, "/>")),
        (PROTOCOL_ERROR, frame(TEXT, "<a", fin=False) + frame(BINARY, "/>")),
        (PROTOCOL_ERROR, frame(PING, b"x" * 126)),
        (PROTOCOL_ERROR, frame(PING, fin=False)),
        (PROTOCOL_ERROR, frame(CLOSE, b"\x03")),
        (PROTOCOL_ERROR, frame(CLOSE, b"\x00\x00")),
        (PROTOCOL_ERROR, frame(CLOSE, b"\x03\xed")),
        (INVALID, frame(CLOSE, b"\x03\xe8\xff")),
        (UNSUPPORTED, frame(BINARY, MESSAGE)),
        (UNSUPPORTED, frame(BINARY, "<a", fin=False)),
        (INVALID, frame(TEXT, b"<a>\xff</a>")),
        (INVALID, frame(TEXT, b"<a>\xed\xa0\x80</a>")),
        (INVALID, frame(TEXT, b"<a>\xc0\x80</a>")),
        (INVALID, frame(TEXT, b"<a>\xc3", fin=False) + frame(MORE, b"</a>")),
        (TOO_BIG, frame(TEXT, b"", size=524_288 + 126)),
        (TOO_BIG, frame(TEXT, b"", size=2**63 - 1)),
        (TOO_BIG, frame(TEXT, b"x" * 1_000, fin=False) + frame(MORE, b"", size=524_000)),
    ],
)
def test_frames_that_are_wrong_rfc6455(house, code, octets):
    juliet = house.join().open().send(octets)
    assert juliet.ended() == ([], code)
    assert juliet.stream.texts == []
    assert house.refused.total() == 1
    juliet.send(frame(TEXT, MESSAGE))
    juliet.line.hang_up()
    assert juliet.stream.texts == []
    assert len(juliet.stream.ends) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 3000, 3999, 4000, 4999])
def test_a_close_frame_is_answered_by_its_own_code_rfc6455_5_5_1(house, code):
    why = code.to_bytes(2, "big")
    juliet = house.join().open().send(frame(CLOSE, why + "così".encode()))
    (answer,) = juliet.frames()
    assert (answer.opcode, answer.code) == (CLOSE, code)
    assert not juliet.line.up
    assert juliet.stream.ends == ["lost"]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])
def test_codes_that_nobody_may_send_rfc6455_7_4(house, code):
    juliet = house.join().open().send(frame(CLOSE, code.to_bytes(2, "big")))
    assert juliet.ended() == ([], PROTOCOL_ERROR)


@pytest.mark.parametrize("opcode", [*range(3, 8), *range(11, 16)])
def test_kinds_of_frames_that_there_are_not_rfc6455_5_2(house, opcode):
    juliet = house.join().open().send(frame(opcode))
    assert juliet.ended() == ([], PROTOCOL_ERROR)


def test_a_close_frame_within_a_message_is_answered_rfc6455_5_4(house):
    juliet = house.join().open()
    juliet.send(frame(TEXT, "<a", fin=False) + frame(CLOSE, b"\x03\xe8"))
    assert [each.opcode for each in juliet.frames()] == [CLOSE]
    assert not juliet.line.up
    assert (juliet.stream.ends, juliet.stream.texts) == (["lost"], [])


def test_pings_are_answered_until_the_client_has_closed_rfc6455_5_5_2(house):
    juliet = house.join().open()
    juliet.stream.client.closed()
    juliet.ended()
    juliet.send(frame(PING, b"1"), frame(CLOSE, b"\x03\xe8") + frame(PING, b"2"))
    assert juliet.frames() == [Frame(PONG, b"1")]
    assert not juliet.line.up


def test_the_largest_message_fits(house):
    text = f"<a>{'x' * (524_288 - 7)}</a>"
    juliet = house.join().open().open().say(text)
    juliet.send(frame(TEXT, text[:300_000], fin=False), frame(MORE, text[300_000:]))
    assert juliet.stream.texts == [text, text]


def test_control_frames_stand_behind_the_most_that_fits_rfc6455_5_4(house):
    text = f"<a>{'x' * (STRANGE_OCTETS - 7)}</a>"
    juliet = house.join().open()
    juliet.send(frame(TEXT, text, fin=False), frame(PING, b"x" * 125), frame(MORE, b""))
    assert juliet.frames() == [Frame(PONG, b"x" * 125)]
    assert juliet.stream.texts == [text]


def test_before_a_login_no_message_is_large(house):
    text = f"<a>{'x' * (STRANGE_OCTETS - 7)}</a>"
    juliet = house.join().open().say(text)
    assert juliet.stream.texts == [text]
    juliet.say(f"{text}{' ' * 126}")
    assert juliet.ended() == ([], 1009)


def test_fragments_are_joined_and_control_frames_stand_between_rfc6455_5_4(house):
    juliet = house.join().open()
    written = "<a>é</a>".encode()
    juliet.send(frame(TEXT, written[:4], fin=False), frame(PING, b"1"), frame(MORE, b"", fin=False))
    juliet.send(frame(PONG), frame(MORE, written[4:]))
    assert juliet.stream.texts == ["<a>é</a>"]
    assert juliet.frames() == [Frame(PONG, b"1")]


def test_fragments_without_end_are_refused(house):
    juliet = house.join().open().send(frame(TEXT, b"<", fin=False))
    juliet.send(frame(MORE, b"", fin=False) * 1_025)
    assert juliet.ended() == ([], POLICY)
    assert juliet.stream.ends == ["close"]


@given(st.lists(st.binary(max_size=40), max_size=5), st.booleans())
def test_no_octets_at_all_do_harm(pieces, opened):
    house = House()
    juliet = house.join()
    if opened:
        juliet.open()
    for piece in pieces:
        juliet.send(frame(TEXT, piece)[: len(piece) + 3] if len(piece) % 2 else piece)
    juliet.line.hang_up()
    assert len(house.websockets) == 0


# ---------------------------------------------------------------------- pings, silence


def test_a_ping_is_answered_rfc6455_5_5_2(house):
    juliet = house.join().send(frame(PING, b"abc"))
    assert juliet.frames() == [Frame(PONG, b"abc")]


@pytest.mark.parametrize(
    "octets",
    [
        frame(PING),
        frame(PONG),
        frame(PING, b"x" * 125),
        frame(TEXT, "<"),
        frame(TEXT, "<", fin=False) + frame(MORE, "", fin=False) * 5 + frame(MORE, "a/>"),
    ],
)
def test_many_frames_that_bring_nothing_are_refused(house, octets):
    juliet = house.join().open()
    most = 65_536 // len(octets)
    juliet.send(octets * most)
    *_, last = juliet.frames()
    assert last.code == POLICY
    assert juliet.line.ended
    assert juliet.line.up
    assert house.refused == {"websocket.flood": 1}
    assert sum(map(len, juliet.stream.texts)) <= 200


def test_frames_that_bring_nothing_behind_our_close_are_not_read(house):
    juliet = house.join().open()
    juliet.stream.client.closed()
    juliet.send(frame(PING) * 10_000)
    assert juliet.line.aborted


def test_a_ping_each_second_is_welcome(house):
    juliet = house.join().open()
    for _ in range(1_000):
        house.clock.advance(1)
        juliet.send(frame(PING))
    assert juliet.line.up


def test_what_comes_together_is_said_together(house):
    juliet = house.join().open()
    juliet.send(frame(TEXT, MESSAGE) * 20)
    assert juliet.stream.texts == [MESSAGE] * 20
    assert juliet.stream.sayings == 1


def test_what_comes_before_an_error_is_said(house):
    juliet = house.join().open()
    juliet.send(frame(TEXT, MESSAGE) + frame(TEXT, "<a>\0</a>") + frame(TEXT, MESSAGE))
    assert juliet.stream.texts == [MESSAGE]
    juliet = house.join().open()
    juliet.send(frame(TEXT, MESSAGE) + frame(TEXT, "nonsense") + frame(TEXT, MESSAGE))
    assert juliet.stream.texts == [MESSAGE]
    juliet = house.join().open()
    juliet.send(frame(TEXT, MESSAGE) + frame(TEXT, CLOSING) + frame(TEXT, MESSAGE))
    assert juliet.stream.texts == [MESSAGE]
    assert juliet.stream.ends == ["end"]


@pytest.mark.parametrize("behind", [OPEN, CLOSING, "nonsense"])
def test_one_error_ends_a_stream_once(house, behind):
    juliet = house.join().open()
    juliet.send(frame(TEXT, "<a>\0</a>") + frame(TEXT, behind))
    found = [each.data for each in juliet.frames() if each.opcode == TEXT]
    assert [data.partition(b" ")[0] for data in found] == [b"<stream:error", b"<close"]
    assert len(house.streams) == 1
    assert house.refused == {"websocket.characters": 1}


def test_pings_of_who_does_not_read_are_not_read_either(house):
    juliet = house.join(deaf=True).open_deaf()
    house.streams[0].client.elements([b"<a>%b</a>" % (b"x" * 70_000)])
    for _ in range(50):
        juliet.send(frame(PING, b"x" * 125))
    assert not juliet.line.reading
    assert juliet.line.unread == 131 * 49
    assert juliet.line.most < 2 * PIPE
    juliet.line.read()
    assert juliet.line.reading
    juliet.line.pump()
    assert juliet.line.unread == 0


def test_pings_of_who_has_to_wait_leave_him_waiting(house):
    juliet = house.join(deaf=True).open_deaf()
    client = house.streams[0].client
    client.elements([b"<a>%b</a>" % (b"x" * 70_000)])
    juliet.send(frame(PING))
    client.pause()
    assert not juliet.line.reading
    juliet.line.read()
    assert not juliet.line.reading
    client.resume()
    assert juliet.line.reading


def test_who_is_silent_is_asked_and_then_dropped(house):
    juliet = house.join().open()
    house.clock.pump([45, 45])
    assert juliet.frames() == [Frame(PING, b"")]
    assert juliet.line.up
    house.clock.advance(45)
    assert juliet.line.aborted
    assert juliet.stream.ends == ["lost"]
    assert house.refused["websocket.silent"] == 1


def test_who_opens_no_stream_is_not_waited_for(house):
    juliet = house.join()
    for _ in range(4):
        house.clock.advance(10)
        juliet.send(frame(PING))
    assert juliet.line.up
    house.clock.advance(6)
    assert juliet.line.aborted
    assert house.refused == {"websocket.unopened": 1}


def test_who_answers_stays(house):
    juliet = house.join().open()
    for _ in range(20):
        house.clock.advance(45)
        for _ in juliet.frames():
            juliet.send(frame(PONG))
    assert juliet.line.up


def test_who_is_not_read_is_not_silent(house):
    juliet = house.join().open()
    juliet.stream.client.pause()
    house.clock.pump([45] * 10)
    assert juliet.line.up
    juliet.stream.client.resume()
    house.clock.pump([45] * 4)
    assert juliet.line.aborted


def test_nothing_is_left_behind(house):
    for _ in range(3):
        house.join().open().line.hang_up()
    house.clock.pump([46, 46])
    assert house.clock.getDelayedCalls() == []
    assert len(house.site.gone) == 3


# ---------------------------------------------------------------------- pace


def test_who_is_paused_is_not_read(house):
    juliet = house.join().open()
    juliet.stream.client.pause()
    juliet.stream.client.pause()
    juliet.say(MESSAGE)
    assert juliet.stream.texts == []
    juliet.stream.client.resume()
    juliet.line.pump()
    assert juliet.stream.texts == [MESSAGE]


def test_a_question_is_answered_when_the_client_has_taken_all(house):
    juliet = house.join(deaf=True).open_deaf()
    stream = house.streams[0]
    stream.client.asked(1)
    assert stream.answered == [1]
    stream.client.elements([b"<a>%b</a>" % (b"x" * 70_000)])
    stream.client.asked(2)
    stream.client.asked(3)
    assert stream.answered == [1]
    juliet.line.read()
    assert stream.answered == [1, 3]


def test_a_close_does_not_wait_for_who_reads_nothing(house):
    juliet = house.join(deaf=True).open_deaf()
    client = house.streams[0].client
    client.elements([b"<a>%b</a>" % (b"x" * 70_000)])
    client.closed()
    house.clock.pump([1] * 21)
    assert juliet.line.aborted


def test_data_behind_the_handshake_is_read():
    house = House()
    house.site.connect().send(handshake() + frame(TEXT, OPEN) + frame(TEXT, MESSAGE)[:9])
    assert len(house.streams) == 1
