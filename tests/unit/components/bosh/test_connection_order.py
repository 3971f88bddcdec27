"""The order and the times of one HTTP/1.1 connection (RFC 9112), and its end, in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.bosh.http.connection import Terms
from components.bosh.http.refusing import refusal
from components.bosh.http.request import Response, plain
from tests.support.http_lines import PIPE, UPGRADE, Answering, answers, echo, get, statuses

# ---------------------------------------------------------------------- pipelining


def test_answers_come_in_the_order_of_requests_rfc9112_9_3_2():
    site = Answering()
    line = site.connect().send(get(b"/1") + get(b"/2") + get(b"/3"))
    first, second, third = site.exchanges
    third.answer(plain(203))
    second.answer(plain(202))
    assert line.read() == b""
    first.answer(plain(201))
    assert statuses(line.read()) == [201, 202, 203]


def test_no_more_are_handled_at_a_time_than_may_be():
    site = Answering(terms=Terms(pipelined=3))
    line = site.connect().send(get() * 10)
    assert len(site.exchanges) == 3
    assert not line.reading
    site.exchanges[1].answer(plain(200))
    site.turns()
    assert len(site.exchanges) == 3
    site.exchanges[0].answer(plain(200))
    site.turns()
    assert len(site.exchanges) == 5
    while any(each.written is None for each in site.exchanges):
        for each in site.exchanges:
            each.answer(plain(200))
        site.turns()
    assert len(site.exchanges) == 10
    assert line.reading
    assert len(statuses(line.read())) == 10


def test_a_request_that_has_to_wait_is_in_no_hurry():
    site = Answering(terms=Terms(pipelined=1, request_seconds=10))
    line = site.connect().send(get(), get()[:9], get()[9:])
    site.clock.pump([1] * 60)
    assert line.up
    for _ in range(2):
        site.exchanges[-1].answer(plain(200))
        site.turns()
    assert statuses(line.read()) == [200, 200]


def test_a_refusal_comes_behind_the_answers_that_are_owed():
    site = Answering(terms=Terms(pipelined=2))
    line = site.connect().send(get() * 5 + b"nonsense\r\n\r\n" + get())
    for number in range(5):
        site.exchanges[number].answer(plain(200))
        site.turns()
    assert statuses(line.read()) == [200] * 5 + [400]
    assert len(site.exchanges) == 5
    assert line.ended


def test_many_requests_in_one_piece_cost_what_the_client_takes():
    """2,000 times 50 KB, asked in 64 KB by a client that does not read."""
    asked = []

    def file(exchange):
        asked.append(exchange)
        exchange.answer(Response(200, (), b"x" * 50_000))

    site = Answering(file)
    line = site.connect(deaf=True)
    request = b"GET / HTTP/1.1\r\nHost:a\r\n\r\n"
    line.send(request * 2_400)
    site.turns()
    assert len(asked) <= 2
    assert line.most < 2 * PIPE
    assert not line.reading
    assert line.unread == 0
    got = line.read()
    for _ in range(2_400):
        line.pump()
        site.turns(2)
        got += line.read()[:100]
        if len(asked) == 2_400:
            break
    assert len(asked) == 2_400
    assert line.most < 2 * PIPE


def test_a_client_that_reads_nothing_is_dropped():
    site = Answering(lambda exchange: exchange.answer(Response(200, (), b"x" * 70_000)))
    line = site.connect(deaf=True).send(get() * 3)
    site.clock.advance(19)
    assert line.up
    line.send(get()[:20])
    site.clock.advance(2)
    assert line.aborted


def test_answers_that_come_while_it_reads_nothing_give_it_no_more_time():
    site = Answering()
    line = site.connect(deaf=True).send(get() * 3)
    site.exchanges[0].answer(Response(200, (), b"x" * 70_000))
    site.clock.advance(15)
    for exchange in site.exchanges[1:]:
        exchange.answer(plain(200))
    site.clock.advance(6)
    assert line.aborted


MOVES = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 12)),
    st.tuples(st.just("part"), st.integers(1, 40)),
    st.tuples(st.just("answer"), st.integers(0, 9)),
    st.tuples(st.just("large"), st.integers(0, 9)),
    st.tuples(st.just("last"), st.integers(0, 9)),
    st.tuples(st.just("read"), st.just(0)),
    st.tuples(st.just("turn"), st.just(0)),
    st.tuples(st.just("time"), st.integers(1, 19)),
)


@given(st.lists(MOVES, max_size=25), st.booleans())
def test_whatever_happens_answers_are_those_of_the_requests_in_order(moves, deaf):
    site = Answering(terms=Terms(pipelined=3))
    line = site.connect(deaf=deaf)
    unsent = b"".join(get(b"/%d" % number) for number in range(400))
    got, ended_at = b"", None
    sizes = (len(get(b"/0")), len(get(b"/10")), len(get(b"/100")))
    assert sizes[2] - sizes[1] == sizes[1] - sizes[0] == 1
    answered = set()

    def held():
        return [at for at in range(len(site.exchanges)) if at not in answered]

    for move, number in moves:
        if move == "ask":
            end = sum(len(each) + 4 for each in unsent.split(b"\r\n\r\n")[:number])
            line.send(unsent[:end])
            unsent = unsent[end:]
        elif move == "part":
            line.send(unsent[:number])
            unsent = unsent[number:]
        elif move in ("answer", "large", "last") and held():
            at = held()[number % len(held())]
            answered.add(at)
            exchange = site.exchanges[at]
            body = exchange.request.path.encode()
            if move == "last":
                ended_at = at if ended_at is None else min(at, ended_at)
            more = b" " * 70_000 if move == "large" else b""
            exchange.answer(Response(200, (), body + more, close=move == "last"))
        elif move == "read":
            got += line.read()
        elif move == "turn":
            site.turns()
            line.pump()
        elif move == "time":
            site.clock.advance(number)
    for _ in range(1_000):
        site.turns(2)
        line.pump()
        got += line.read()
        if not held() or not line.up or line.ended:
            break
        at = held()[0]
        answered.add(at)
        site.exchanges[at].answer(Response(200, (), site.exchanges[at].request.path.encode()))
    if line.aborted:
        return  # the client was too slow, and the rest of an answer is gone
    told = [(each.status, each.body.strip()) for each in answers(got)]
    if told and told[-1][0] == 408:
        told.pop()
    assert told == [(200, b"/%d" % number) for number in range(len(told))]
    if ended_at is not None and line.ended and len(told) > ended_at:
        assert len(told) == ended_at + 1
    line.hang_up()
    site.turns()
    assert site.clock.getDelayedCalls() == []


# ---------------------------------------------------------------------- time


@pytest.mark.parametrize("begun", [b"G", get()[:-1], get(b"/", b"Content-Length: 2") + b"x"])
def test_a_request_that_does_not_come_to_its_end_rfc9110_15_5_9(begun):
    site = Answering(echo)
    line = site.connect().send(begun)
    site.clock.advance(19)
    line.send(b"")
    assert line.read() == b""
    site.clock.advance(2)
    assert statuses(line.read()) == [408]
    assert line.ended


def test_a_slow_request_behind_another_has_no_more_time():
    site = Answering(echo)
    line = site.connect().send(get()[:5])
    line.send(get()[5:] + get()[:5])
    assert statuses(line.read()) == [200]
    site.clock.advance(21)
    assert statuses(line.read()) == [408]


def test_a_slow_request_behind_one_that_is_held_has_no_more_time():
    site = Answering()
    line = site.connect().send(get()[:5])
    line.send(get()[5:] + get()[:5])
    site.clock.pump([1] * 25)
    site.exchanges[0].answer(plain(200))
    assert statuses(line.read()) == [200, 408]


def test_who_says_nothing_is_let_go_in_order():
    site = Answering(echo)
    line = site.connect()
    site.clock.advance(76)
    assert (line.up, line.aborted) == (False, False)
    line = site.connect().send(get())
    site.clock.advance(74)
    assert line.up
    site.clock.advance(2)
    assert (line.up, line.aborted) == (False, False)


def test_empty_lines_are_no_sign_of_life():
    site = Answering(echo)
    line = site.connect()
    for _ in range(80):
        line.send(b"\r\n")
        site.clock.advance(1)
    assert not line.up


def test_who_waits_for_an_answer_is_let_wait():
    site = Answering()
    line = site.connect().send(get())
    site.clock.pump([10] * 100)
    assert line.up
    site.exchanges[0].answer(plain(200))
    assert statuses(line.read()) == [200]


def test_nothing_is_left_behind():
    site = Answering()
    gone = []
    line = site.connect().send(get() * 20)
    for exchange in site.exchanges:
        exchange.on_gone = lambda: gone.append(1)
    line.hang_up()
    assert len(gone) == 8
    assert len(site.gone) == 1
    site.exchanges[0].answer(plain(200))
    site.turns()
    assert len(site.exchanges) == 8
    assert site.clock.getDelayedCalls() == []


# ---------------------------------------------------------------------- the end


def test_an_answer_is_not_lost_to_what_is_still_sent_rfc9112_9_6():
    site = Answering(echo, Terms(body_octets=100))
    line = site.connect().send(get(b"/", b"Content-Length: 100000000"))
    assert statuses(line.read()) == [413]
    assert (line.ended, line.up, line.reading) == (True, True, True)
    for _ in range(6):
        line.send(b"x" * 1_000_000)
        site.clock.advance(1)
    assert (line.read(), line.up, line.unread) == (b"", False, 5_000_000 - 4_000_000)


def test_one_connection_too_many_is_told_and_closed():
    site = Answering(echo)
    line = site.connect()
    full = type(line.protocol)(site, "192.0.2.7")
    full.refusal = refusal("http.connections", close=True)
    line = type(line)(full)
    assert statuses(line.read()) == [503]
    assert not line.up
    line.send(get())
    assert line.read() == b""


# ---------------------------------------------------------------------- taking over


class Took:
    """Who takes a connection over."""

    def __init__(self):
        self.got = b""
        self.wire = None
        self.left = 0

    def __call__(self, exchange):
        if b"upgrade" in exchange.request.headers:
            self.wire = exchange.take_over(self, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        else:
            exchange.answer(plain(200))

    def receive(self, data):
        self.got += data

    def gone(self):
        self.left += 1

    def relieved(self):
        pass


def test_what_comes_behind_an_upgrade_is_for_who_took_over_rfc9110_7_8():
    took = Took()
    site = Answering(took)
    line = site.connect().send(get() + get(b"/", *UPGRADE) + b"GET / is not read", b" at all")
    assert statuses(line.read()) == [200, 101]
    assert took.got == b"GET / is not read at all"
    site.clock.pump([10] * 100)
    assert line.up
    took.wire.write(b"x")
    assert line.read() == b"x"
    line.hang_up()
    assert took.left == 1


def test_an_upgrade_that_nobody_takes_ends_the_connection_rfc9110_7_8():
    site = Answering(echo)
    line = site.connect().send(get(b"/", *UPGRADE) + get())
    assert statuses(line.read()) == [200]
    assert line.ended


def holding():
    """Who takes connections over, requests that are held, and what hands each its own."""
    took = Took()
    held = []

    def handler(exchange):
        (held.append if exchange.request.path == "/held" else took)(exchange)

    return took, held, handler


def test_an_upgrade_behind_a_held_request_is_refused():
    took, held, handler = holding()
    line = Answering(handler).connect().send(get(b"/held") + get(b"/", *UPGRADE) + b"frames")
    assert took.wire is None
    held[0].answer(plain(200))
    assert statuses(line.read()) == [200, 400]
    assert took.got == b""
    assert line.ended


def test_an_upgrade_that_has_to_wait_is_refused():
    took, held, handler = holding()
    site = Answering(handler, Terms(pipelined=1))
    line = site.connect().send(get(b"/held") + get(b"/") + get(b"/", *UPGRADE) + b"frames")
    held[0].answer(plain(200))
    site.turns()
    assert statuses(line.read()) == [200, 200, 400]
    assert took.wire is None
    assert line.ended


def test_requests_before_an_upgrade_that_nobody_takes_are_answered_when_the_client_reads():
    site = Answering(lambda exchange: exchange.answer(Response(200, (), b"x" * 70_000)))
    line = site.connect(deaf=True).send(get() * 3 + get(b"/", *UPGRADE) + b"frames")
    got = b""
    for _ in range(6):
        got += line.read()
        site.turns()
    assert len(answers(got)) == 4
    assert line.ended


def test_http_1_0_takes_nothing_over_rfc9110_7_8():
    site = Answering()
    site.connect().send(get(b"/", *UPGRADE, version=b"1.0"))
    assert b"upgrade" not in site.requests[0].headers


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_a_body_is_of_no_other_protocol_rfc9110_7_8(version):
    site = Answering(echo)
    request = get(b"/a", *UPGRADE, method=b"POST", body=b"hello", version=version)
    (answer,) = answers(site.connect().send(request).read())
    assert answer.body == b"/a hello"


def test_nor_is_one_in_chunks_rfc9110_7_8():
    request = get(b"/a", *UPGRADE, b"Transfer-Encoding: chunked", method=b"POST")
    request += b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    site = Answering(echo)
    for at in range(len(request)):
        (answer,) = answers(site.connect().send(request[:at], request[at:]).read())
        assert answer.body == b"/a hello"


def test_who_stays_with_http_goes_on_rfc9110_7_8():
    took = Took()
    line = Answering(took).connect()
    line.send(get(b"/", *UPGRADE, method=b"POST", body=b"a") * 300)
    line.send(get(b"/", *UPGRADE) + b"frames")
    assert statuses(line.read()) == [200] * 300 + [101]
    assert took.got == b"frames"


def test_and_no_folded_header_becomes_another_one_rfc9112_5_2():
    site = Answering(echo)
    request = get(b"/a", *UPGRADE, b"X: a\r\n Y: b", method=b"POST", body=b"hello")
    assert statuses(site.connect().send(request).read()) == [400]
    assert site.requests == []
