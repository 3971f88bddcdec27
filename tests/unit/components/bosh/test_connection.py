"""One HTTP/1.1 connection (RFC 9112), in memory."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import globalLogPublisher

from components.bosh.http.connection import Terms
from components.bosh.http.request import Response, plain
from tests.support.http_lines import Answering, answers, echo, get, statuses

CHUNKED = b"Transfer-Encoding: chunked"


# ---------------------------------------------------------------------- requests and answers


def test_a_request_in_pieces_is_one():
    line = Answering(echo).connect()
    for octet in get(b"/a?b=c", method=b"POST", body=b"hello"):
        line.send(bytes((octet,)))
    (answer,) = answers(line.read())
    assert answer.body == b"/a hello"
    assert line.up


def test_the_connection_is_kept_rfc9112_9_3():
    line = Answering(echo).connect()
    for _ in range(3):
        assert statuses(line.send(get()).read()) == [200]


def test_close_is_done_as_asked_rfc9112_9_6():
    line = Answering(echo).connect()
    (answer,) = answers(line.send(get(b"/", b"Connection: close")).read())
    assert answer.headers["connection"] == "close"
    assert line.ended


def test_nothing_is_answered_behind_the_last_rfc9112_9_6():
    line = Answering(echo).connect()
    line.send(get(b"/", b"Connection: close") + get())
    assert statuses(line.read()) == [200]
    line.send(get())
    assert line.read() == b""


def test_nothing_is_answered_behind_an_answer_that_ends_the_connection():
    line = Answering(lambda exchange: exchange.answer(plain(500, close=True))).connect()
    line.send(get() * 5)
    assert statuses(line.read()) == [500]


def test_a_bug_costs_one_connection_and_is_told(caught):
    def broken(exchange):
        raise ZeroDivisionError

    line = Answering(broken).connect()
    assert statuses(line.send(get() + get()).read()) == [500]
    assert line.ended
    assert len(caught(ZeroDivisionError)) == 1


@pytest.fixture
def caught():
    events = []
    globalLogPublisher.addObserver(events.append)
    yield lambda kind: [e for e in events if "log_failure" in e and e["log_failure"].check(kind)]
    globalLogPublisher.removeObserver(events.append)


def test_http_1_0_ends_unless_it_is_kept_rfc9112_c_2_2():
    site = Answering(echo)
    line = site.connect().send(get(version=b"1.0"))
    assert statuses(line.read()) == [200]
    assert line.ended
    line = site.connect().send(get(b"/", b"Connection: keep-alive", version=b"1.0"))
    (answer,) = answers(line.read())
    assert answer.headers["connection"] == "keep-alive"
    assert not line.ended


def test_http_1_0_needs_no_host():
    line = Answering(echo).connect().send(b"GET / HTTP/1.0\r\n\r\n")
    assert statuses(line.read()) == [200]


def test_white_space_around_a_value_is_none_of_it_rfc9112_5_1():
    site = Answering()
    line = site.connect()
    line.send(get(b"/", b"A:b", b"C: \t d e\t ", CHUNKED + b" ", method=b"POST") + b"0\r\n\r\n")
    headers = site.requests[0].headers
    assert [headers[name] for name in (b"a", b"c", b"transfer-encoding")] == [
        b"b",
        b"d e",
        b"chunked",
    ]


@pytest.mark.parametrize("version", [b"0.9", b"2.0"])
def test_other_versions_are_not_spoken_rfc9110_15_6_6(version):
    line = Answering(echo).connect().send(get(version=version))
    assert statuses(line.read()) == [505]
    assert line.ended


def test_head_has_no_body_but_its_length_rfc9110_9_3_2():
    line = Answering(echo).connect().send(get(method=b"HEAD") + get())
    first, second = answers(line.read(), head=lambda number: number == 0)
    assert first.headers["content-length"] == "2"
    assert second.body == b"/ "


@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body_rfc9110_8_6(status):
    line = Answering(lambda exchange: exchange.answer(Response(status, (), b"x"))).connect()
    first, second = answers(line.send(get() + get()).read())
    assert "content-length" not in first.headers
    assert second.status == status


def test_a_whole_url_names_the_host_rfc9112_3_2_2():
    site = Answering()
    site.connect().send(get(b"http://there.example/a?b"), get(b"HTTPS://there.example"))
    site.connect().send(get(b"*", method=b"OPTIONS"))
    first, second, third = site.requests
    assert (first.path, first.query, first.header(b"host")) == ("/a", "b", "there.example")
    assert (second.path, second.header(b"host")) == ("/", "there.example")
    assert (third.path, third.header(b"host")) == ("*", "chat.example.org")


# ---------------------------------------------------------------------- bodies


def test_chunks_are_joined_rfc9112_7_1():
    site = Answering(echo)
    body = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    line = site.connect().send(get(b"/", CHUNKED, method=b"POST") + body)
    assert answers(line.read())[0].body == b"/ abcde"


def test_trailers_are_no_headers_rfc9110_6_5_1():
    site = Answering()
    body = b"1\r\na\r\n0\r\nX-Forwarded-For: 127.0.0.1\r\nHost: other\r\n\r\n"
    line = site.connect().send(get(b"/", CHUNKED, b"X-Forwarded-For: 192.0.2.9") + body)
    (request,) = site.requests
    assert request.header(b"x-forwarded-for") == "192.0.2.9"
    assert request.header(b"host") == "chat.example.org"
    assert line.up


def test_100_continue_rfc9110_10_1_1():
    site = Answering(echo)
    line = site.connect().send(get(b"/", b"Expect: 100-continue", b"Content-Length: 2"))
    assert line.read() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answers(line.send(b"hi").read())[0].body == b"/ hi"


def test_100_continue_is_not_said_to_http_1_0_rfc9110_10_1_1():
    line = Answering(echo).connect()
    line.send(get(b"/", b"Expect: 100-continue", b"Content-Length: 2", version=b"1.0"))
    assert line.read() == b""


def test_100_continue_never_stands_between_answers():
    site = Answering()
    line = site.connect().send(get())
    line.send(get(b"/", b"Expect: 100-continue", b"Content-Length: 2"))
    assert line.read() == b""


def test_a_body_too_large_is_not_awaited_rfc9110_15_5_14():
    site = Answering(echo, Terms(body_octets=100))
    line = site.connect().send(get(b"/", b"Expect: 100-continue", b"Content-Length: 101"))
    assert statuses(line.read()) == [413]
    assert line.ended
    line = site.connect().send(get(method=b"POST", body=b"x" * 100))
    assert statuses(line.read()) == [200]


def test_a_body_in_many_pieces_takes_no_more_than_in_one():
    """One that is never whole, in pieces of two octets each: they would take twenty times that."""
    pieces = 20_000
    line = Answering(echo).connect().send(get(b"/", CHUNKED, method=b"POST"))
    chunks = b"2\r\nab\r\n" * pieces
    tracemalloc.start()
    line.send(chunks)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 4 * pieces
    assert answers(line.send(b"0\r\n\r\n").read())[0].body == b"/ " + b"ab" * pieces


def test_a_body_is_kept_no_longer_than_its_request():
    line = Answering(lambda exchange: exchange.answer(plain(200))).connect()
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n"
    tracemalloc.start()
    line.send(head, b"x" * 400_000)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert statuses(line.read()) == [200]
    assert kept < 100_000


def test_chunks_too_large_are_refused():
    site = Answering(echo, Terms(body_octets=100))
    line = site.connect().send(get(b"/", CHUNKED))
    line.send(b"32\r\n" + b"x" * 50 + b"\r\n")
    assert line.read() == b""
    line.send(b"33\r\n" + b"x" * 51 + b"\r\n")
    assert statuses(line.read()) == [413]


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"", b"1\r\nx\r\n" * 40),
        (b"1;", b"x" * 200),
        (b"0\r\nX: ", b"x" * 200),
        (b"0\r\nX", b"x" * 200),
        (b"0\r\n", b"X: y\r\n" * 40),
    ],
)
def test_what_frames_chunks_is_bounded_too(begun, more):
    site = Answering(echo, Terms(body_octets=10_000, head_octets=1_000))
    line = site.connect().send(get(b"/", CHUNKED), begun)
    for _ in range(120):
        line.send(more)
    assert statuses(line.read()) in ([413], [431])


# ---------------------------------------------------------------------- heads


def test_a_head_too_large_is_refused_rfc6585_5():
    site = Answering(echo, Terms(head_octets=1_000))
    line = site.connect().send(get(b"/", *[b"X: y"] * 200))
    assert statuses(line.read()) == [431]
    assert line.ended
    line = site.connect().send(get(b"/" + b"x" * 1_001))
    assert statuses(line.read()) == [431]


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\nX", b"GET /"])
def test_one_endless_header_is_refused(begun):
    line = Answering(echo, Terms(head_octets=1_000)).connect().send(begun)
    for _ in range(10):
        line.send(b"x" * 200)
    assert statuses(line.read()) == [431]


def test_a_head_that_fits_is_not_counted_twice():
    site = Answering(echo, Terms(head_octets=1_000))
    line = site.connect()
    for _ in range(20):
        for octet in get(b"/", b"X: " + b"y" * 800):
            line.send(bytes((octet,)))
        assert statuses(line.read()) == [200]


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1 x\r\nHost: a\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        get(b"/", b"Content-Length: 1", CHUNKED) + b"1\r\na\r\n0\r\n\r\n",
        get(b"/", CHUNKED, b"Content-Length: 1") + b"1\r\na\r\n0\r\n\r\n",
        get(b"/", b"Content-Length: 1", b"Content-Length: 2") + b"ab",
        get(b"/", b"Content-Length: 1", b"Content-Length: 1") + b"a",
        get(b"/", b"Content-Length: 1, 1") + b"a",
        get(b"/", b"Content-Length: +1") + b"a",
        get(b"/", b"Content-Length: -1") + b"a",
        get(b"/", b"Content-Length: 0x1") + b"a",
        get(b"/", b"Content-Length: 1_0") + b"a",
        get(b"/", b"Content-Length: 99999999999999999999999") + b"a",
        get(b"/", b"Content-Length:") + b"a",
        get(b"/", b"Transfer-Encoding: chunked, gzip") + b"a",
        get(b"/", b"Transfer-Encoding: chunked, chunked") + b"1\r\na\r\n0\r\n\r\n",
        get(b"/", b"Transfer-Encoding:\x0bchunked") + b"1\r\na\r\n0\r\n\r\n",
        get(b"/", CHUNKED) + b"1\na\n0\n\n",
        get(b"/", CHUNKED) + b"1\r\naXX0\r\n\r\n",
        get(b"/", CHUNKED) + b"-1\r\na\r\n",
        get(b"/", CHUNKED) + b"0x1\r\na\r\n0\r\n\r\n",
        get(b"/", CHUNKED) + b"fffffffffffffffff\r\na",
        get(b"/", CHUNKED, version=b"1.0") + b"0\r\n\r\n",
    ],
)
def test_what_two_readers_may_read_differently_is_refused_rfc9112_11_2(request_):
    site = Answering()
    line = site.connect().send(request_, get())
    assert statuses(line.read()) == [400]
    assert line.ended
    assert site.exchanges == []


def test_other_codings_are_not_known_rfc9112_6_1():
    site = Answering()
    line = site.connect()
    line.send(get(b"/", b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n")
    assert statuses(line.read()) == [501]
    assert site.exchanges == []


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_octets_at_all_do_harm(pieces):
    site = Answering(echo)
    line = site.connect().send(*pieces)
    statuses(line.read())
    line = site.connect().send(get()[:-2], *pieces)
    answers(line.read())


@pytest.mark.parametrize(
    ("octets", "status", "reason"),
    [
        (b"\x16\x03\x01\x02\x00", 400, "http.no-request"),  # the beginning of TLS
        (b"GET / HTTP/1.1\r\n\r\n", 400, "http.no-request"),
        (get(b"/", b"Content-Length: 9999999", method=b"POST"), 413, "http.large-body"),
        (get(b"/" + b"x" * 20_000), 431, "http.large-head"),
        (get(b"/", b"Transfer-Encoding: gzip, chunked", method=b"POST"), 501, "http.coding"),
        (b"GET / HT", 408, "http.slow"),
    ],
)
def test_what_is_no_request_has_a_reason_once(octets, status, reason):
    site = Answering(echo)
    line = site.connect()
    line.send(octets)
    site.clock.advance(60)
    line.send(b"GET / HTTP/1.1\r\n\r\n")
    assert statuses(line.read()) == [status]
    assert site.reasons == [reason]
