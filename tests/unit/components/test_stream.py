"""A component's stream: XEP-0114 §3, XEP-0198 on it, and when it is connected anew."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest
from OpenSSL import SSL
from twisted.internet import error
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from components.common.component import Component
from components.common.connection import Pace
from components.common.stream import ASK_EVERY, ASK_OCTETS, Identity
from tests.support.kit import (
    ASK,
    DOMAIN,
    FEATURES,
    HANDSHAKE,
    HEADER,
    JULIET,
    SERVER,
    Server,
    iq,
    message,
    sm,
)
from tests.support.logs import logged
from xmppd import ns
from xmppd.jid import JID

ROMEO = JID.parse("romeo@example.org")
PACE = Pace(first=1.0, growth=2.0, longest=8.0, slow=60.0)


@pytest.fixture
def server() -> Server:
    return Server()


# ---------------------------------------------------------------------- XEP-0114


def test_the_header_names_the_component_and_a_version(server: Server) -> None:
    """XEP-0114 §3: `to` is the component's domain; version 1.0 asks for features."""
    server.component()
    header = (
        f"<?xml version='1.0'?><stream:stream xmlns='{ns.COMPONENT}' xmlns:stream='{ns.STREAM}'"
        f" to='{DOMAIN}' version='1.0'>"
    )
    assert server.take() == header.encode()


def test_an_instance_is_named_by_from(server: Server) -> None:
    server.component(instance="one's")
    assert f" from='{DOMAIN}/one&apos;s'".encode() in server.take()


def test_the_handshake_hashes_the_id_and_the_secret(server: Server) -> None:
    """XEP-0114 §3: SHA-1 of both, in lower-case hexadecimals."""
    server.component()
    server.take()
    server.send(HEADER + ">")
    assert server.take() == HANDSHAKE


def test_an_id_counts_as_it_means_not_as_it_is_written(server: Server) -> None:
    server.component()
    server.take()
    server.send(HEADER.replace("3BF96D32", "&#x33;BF96D32") + ">")
    assert server.take() == HANDSHAKE


def test_nothing_is_sent_before_the_handshake_is_accepted(server: Server) -> None:
    component = server.component()
    component.message(ROMEO, b"<body>early</body>")
    server.send(HEADER + ">")
    assert b"early" not in server.take()
    server.send("<handshake/>")
    assert b"<body>early</body>" in server.take()


@pytest.mark.parametrize("version", ["", " version='1.0'"])
def test_servers_without_stream_management_are_as_welcome(server: Server, version: str) -> None:
    component = server.component()
    server.send(HEADER + version + ">")
    if version:
        server.send("<stream:features/>")
    server.send("<handshake/>")
    assert component.link.connected
    assert b"enable" not in server.take()


def test_features_may_come_behind_the_handshake_that_we_sent(server: Server) -> None:
    server.component()
    server.send(HEADER + " version='1.0'>")
    server.send(FEATURES)
    server.take()
    server.send("<handshake/>")
    assert server.take() == sm("enable", resume="true").encode()


def test_it_reads_whatever_the_pieces(server: Server) -> None:
    component = server.component()
    texts: list[str] = []
    component.on_message(lambda m: texts.append(m.element.findtext(m.named("body")) or ""))
    for octet in (HEADER + "><handshake/>" + message("a > b") + " " + message("&lt;é")).encode():
        server.send(bytes([octet]))
    assert texts == ["a > b", "<é"]


def test_a_stanza_before_the_handshake_ends_the_stream(server: Server) -> None:
    server.component()
    server.send(HEADER + ">" + message())
    assert not server.line.up


# ---------------------------------------------------------------------- errors and attempts


@pytest.mark.parametrize("condition", ["not-authorized", "host-unknown", "conflict"])
def test_a_refusal_is_told_with_a_remedy_and_retried_slowly(server: Server, condition: str) -> None:
    server.component(pace=PACE)
    with logged("warn") as lines:
        server.send(
            f"{HEADER}><stream:error><{condition} xmlns='{ns.STREAM_ERRORS}'/></stream:error>"
            "</stream:stream>"
        )
    assert server.take().endswith(b"</stream:stream>")
    assert not server.line.up
    [line] = lines
    assert condition in line and ". Next attempt in" in line
    server.pass_time(29)
    assert len(server.lines) == 1
    server.pass_time(32)
    assert len(server.lines) == 2


def test_attempts_become_rarer_and_never_stop(server: Server) -> None:
    server.up = False
    server.component(pace=PACE)
    server.pass_time(200, 0.25)
    waits = [after - before for before, after in pairwise(server.attempts)]
    for wait, most in zip(waits, [1, 2, 4, 8, 8, 8], strict=False):
        assert most / 2 <= wait <= most + 0.25
    assert max(waits) <= 8.25


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (error.ConnectionRefusedError(), "nobody listens there: start the server, see to [listen]"),
        (error.DNSLookupError("no such name"), "there is no such host: correct [core] endpoint"),
        (error.TimeoutError(), "nothing answers there: correct [core] endpoint"),
        (error.ConnectError(2, "No such file"), "is the server there? If it is elsewhere, correct"),
    ],
)
def test_what_keeps_it_from_connecting_is_told_with_a_remedy(problem: Exception, told: str) -> None:
    nowhere = SimpleNamespace(connect=lambda factory: fail(problem))
    identity = Identity(DOMAIN, "secret")
    component = Component(identity, [SERVER], nowhere, Clock(), where="tcp:x", source="/a.toml")
    with logged("warn") as lines:
        component.start()
    [line] = lines
    assert line.startswith("/a.toml: tcp:x: can't connect: ")
    assert told in line and ".." not in line


def test_a_port_that_says_nothing_may_be_one_for_tls(server: Server) -> None:
    """Only where nothing was said: later it is no port for the wrong thing."""
    server.component()
    with logged("warn") as lines:
        server.line.cut(error.ConnectionDone())
        server.pass_time(1)
        server.send(HEADER + ">")
        server.line.cut(error.ConnectionDone())
    assert ["[core] endpoint begins with tls:" in line for line in lines] == [True, False]


def test_a_port_that_does_not_begin_with_tls_is_told_with_a_remedy(server: Server) -> None:
    server.component()
    with logged("warn") as lines:
        server.line.cut(SSL.Error([("SSL routines", "", "wrong version number")]))
    assert "does not begin with TLS: correct [core] endpoint" in lines[0]


def test_a_good_connection_begins_attempts_anew(server: Server) -> None:
    server.up = False
    component = server.component(pace=PACE)
    server.pass_time(30)
    server.up = True
    server.pass_time(10)
    server.let_in()
    assert component.link.connected
    server.line.cut()
    server.pass_time(2)
    assert len(server.lines) == 2


def test_who_does_not_let_us_in_is_given_up(server: Server) -> None:
    server.component()
    server.pass_time(31)
    assert not server.lines[0].up
    server.pass_time(2)
    assert len(server.lines) == 2


def test_what_is_no_xmpp_server_is_told(server: Server) -> None:
    server.component()
    with logged("warn") as lines:
        server.send("HTTP/1.1 400 Bad Request\r\n\r\n<html>")
    assert not server.line.up
    assert "not-well-formed" in lines[0]


# ---------------------------------------------------------------------- XEP-0198


def test_stanzas_count_from_enable_on(server: Server) -> None:
    """XEP-0198 §4: what comes before `<enabled/>` is not counted."""
    component = server.component()
    component.on_message(lambda m: None)
    server.send(f"{HEADER} version='1.0'>{FEATURES}<handshake/>")
    server.send(message() + sm("enabled", id="s1", resume="true") + message())
    server.take()
    server.send(sm("r"))
    assert server.take() == sm("a", h=1).encode()


@pytest.mark.parametrize("resumed", [True, False])
def test_what_comes_before_the_stream_is_open_is_handled_when_it_is(
    server: Server, resumed: bool
) -> None:
    """Who forgets all with a new stream forgets nothing that came on it."""
    component = server.component()
    happened: list[str] = []
    component.on_message(lambda m: happened.append(m.attrs["from"]))
    component.on_open(lambda again: happened.append("open"))
    server.let_in(managed=True)
    server.line.cut()
    server.pass_time(2)
    happened.clear()
    server.send(f"{HEADER} version='1.0'>{FEATURES}<handshake/>" + message())
    assert happened == []
    if resumed:
        server.send(sm("resumed", h=0, previd="s1") + message())
    else:
        server.send(sm("failed") + sm("enabled", id="s2", resume="true") + message())
    assert [each.startswith("open") for each in happened] == [True, False, False]
    server.take()
    server.send(sm("r"))
    assert server.take() == sm("a", h=1).encode(), "what came before is not counted"


def test_what_is_not_handled_is_not_acknowledged(server: Server) -> None:
    """XEP-0198 §4: `h` is what was handled, and nothing behind one that is not."""
    component = server.component()
    works: list[Deferred[None]] = [Deferred(), Deferred()]
    todo = iter([*works, None])
    component.on_message(lambda m: next(todo))
    server.let_in(managed=True).send(message() * 3 + sm("r"))
    assert server.take() == sm("a", h=0).encode()
    works[1].callback(None)
    server.send(sm("r"))
    assert server.take() == sm("a", h=0).encode()
    works[0].callback(None)
    server.send(sm("r"))
    assert server.take() == sm("a", h=3).encode()


def test_a_resumed_stream_sends_what_was_not_acknowledged(server: Server) -> None:
    """XEP-0198 §5: in order, once, and behind `<resumed/>`."""
    component = server.component()
    server.let_in(managed=True)
    for number in range(3):
        component.message(ROMEO, b"<body>%d</body>" % number)
    server.send(sm("a", h=1))
    server.line.cut()
    component.message(ROMEO, b"<body>3</body>")
    server.pass_time(2)
    server.send(f"{HEADER} version='1.0'>{FEATURES}<handshake/>")
    assert server.take().endswith(sm("resume", h=0, previd="s1").encode())
    server.send(sm("resumed", h=2, previd="s1"))
    sent = server.take()
    assert [b"<body>%d</body>" % n in sent for n in range(4)] == [False, False, True, True]
    assert sent.endswith(ASK)
    server.send(sm("a", h=4))
    assert len(component.link.session.outbox) == 0


def test_who_resumes_has_handled_what_is_still_being_handled(server: Server) -> None:
    """Somebody is at it here: else the server would send it again, and it would be done twice."""
    component = server.component()
    work: Deferred[None] = Deferred()
    component.on_message(lambda m: work)
    server.let_in(managed=True).send(message())
    server.line.cut()
    server.pass_time(22)  # it is not waited for for ever
    server.send(f"{HEADER} version='1.0'>{FEATURES}<handshake/>")
    assert server.take().endswith(sm("resume", h=1, previd="s1").encode())


def test_a_session_that_is_gone_begins_anew_and_loses_nothing(server: Server) -> None:
    """XEP-0198 §5: `<failed h/>` says what was had; the rest belongs to the new session."""
    component = server.component()
    opened: list[bool] = []
    component.on_open(opened.append)
    server.let_in(managed=True)
    for number in range(3):
        component.message(ROMEO, b"<body>%d</body>" % number)
    server.line.cut()
    server.pass_time(2)
    server.send(f"{HEADER} version='1.0'>{FEATURES}<handshake/>")
    server.send(f"<failed xmlns='{ns.STREAM_MANAGEMENT}' h='1'/>")
    assert server.take().endswith(sm("enable", resume="true").encode())
    server.send(sm("enabled", id="s2", resume="true"))
    sent = server.take()
    assert [b"<body>%d</body>" % n in sent for n in range(3)] == [False, True, True]
    server.send(sm("a", h=2))
    assert len(component.link.session.outbox) == 0
    assert opened == [False, False]


def test_an_impossible_h_ends_the_stream(server: Server) -> None:
    """XEP-0198 §6."""
    server.component()
    server.let_in(managed=True).send(sm("a", h=7))
    assert not server.line.up


def test_the_server_is_asked_after_some_stanzas_and_after_some_time(server: Server) -> None:
    component = server.component()
    server.let_in(managed=True)
    for _ in range(ASK_EVERY - 1):
        component.message(ROMEO, b"<body/>")
    assert ASK not in server.take()
    component.message(ROMEO, b"<body/>")
    assert server.take().endswith(ASK)
    component.message(ROMEO, b"x" * ASK_OCTETS)
    assert server.take().endswith(ASK)
    server.pass_time(31)
    assert server.take() == ASK


def test_a_server_that_answers_no_more_is_given_up_and_resumed(server: Server) -> None:
    component = server.component()
    server.let_in(managed=True)
    component.message(ROMEO, b"<body>x</body>")
    server.pass_time(130)
    assert not server.lines[0].up
    server.send(f"{HEADER} version='1.0'>{FEATURES}<handshake/>")
    assert b"<resume " in server.take()


def test_without_stream_management_silence_is_filled_with_white_space(server: Server) -> None:
    server.component()
    server.let_in()
    server.pass_time(200)
    assert server.take().strip(b" ") == b""
    assert server.line.up


@pytest.mark.parametrize("condition, kept", [("system-shutdown", True), ("invalid-xml", False)])
def test_what_would_end_the_next_stream_too_is_dropped(
    server: Server, condition: str, kept: bool
) -> None:
    component = server.component(pace=PACE)
    server.let_in(managed=True)
    component.message(ROMEO, b"<body>x</body>")
    server.send(
        f"<stream:error><{condition} xmlns='{ns.STREAM_ERRORS}'/></stream:error></stream:stream>"
    )
    server.wait()
    server.let_in(managed=True, session="s2")
    assert (b"<body>x</body>" in server.take()) is kept


# ---------------------------------------------------------------------- bounds


def test_what_waits_for_a_connection_is_bounded(server: Server) -> None:
    server.up = False
    component = server.component(pace=PACE._replace(octets=1_000))
    body = b"<body>" + b"x" * 300 + b"</body>"
    with logged("warn") as lines:
        sent = [component.message(ROMEO, body) for _ in range(5)]
    assert sent == [True, True, False, False, False]
    assert sum("the rest is lost" in line for line in lines) == 1
    server.up = True
    server.pass_time(9)
    with logged("warn") as lines:
        server.let_in()
    assert "3 stanzas are lost" in lines[0]
    assert server.take().count(b"<message ") == 2


def test_what_has_waited_for_too_long_is_not_sent(server: Server) -> None:
    component = server.component(pace=PACE)
    server.let_in(managed=True)
    server.up = False
    server.line.cut()
    component.message(ROMEO, b"<body>old</body>")
    server.pass_time(700)
    server.up = True
    server.pass_time(9)
    server.let_in(managed=True, session="s2")
    assert b"old" not in server.take()


def test_nothing_is_read_while_the_server_takes_nothing(server: Server) -> None:
    component = server.component(pace=Pace(octets=1_000))
    component.on_message(lambda m: None)
    server.let_in()
    server.line.producer.pauseProducing()
    component.message(ROMEO, b"x" * 300)
    assert server.line.reading and not component.crowded
    for _ in range(4):
        component.message(ROMEO, b"x" * 300)
    assert not server.line.reading and component.crowded
    server.line.producer.resumeProducing()
    assert server.line.reading and not component.crowded


def test_who_sends_very_much_pauses_before_requests_are_refused(server: Server) -> None:
    component = server.component(pace=Pace(octets=1_000))
    server.let_in()
    server.line.producer.pauseProducing()
    component.message(ROMEO, b"x" * 100)
    assert not component.behind
    component.message(ROMEO, b"x" * 100)
    assert component.behind and not component.crowded
    server.line.producer.resumeProducing()
    assert not component.behind


def test_and_where_the_server_acknowledges_nothing(server: Server) -> None:
    component = server.component(pace=Pace(octets=1_000))
    server.let_in(managed=True, session="s1")
    component.message(ROMEO, b"x" * 300)
    assert component.behind and not component.crowded


def test_a_server_that_takes_nothing_for_long_is_given_up(server: Server) -> None:
    server.component()
    server.let_in()
    server.line.producer.pauseProducing()
    server.pass_time(130)
    assert not server.lines[0].up


# ---------------------------------------------------------------------- the end


def test_the_end_waits_for_handlers_then_closes_the_stream(server: Server) -> None:
    component = server.component()
    work: Deferred[None] = Deferred()
    component.iq("get", f"{ns.PING} ping", lambda s: work)
    server.let_in(managed=True).send(iq("get", f"<ping xmlns='{ns.PING}'/>"))
    ended = Deferred.fromCoroutine(component.stop())
    assert server.take() == b""
    work.callback(None)
    server.clock.advance(0)
    sent = server.take()
    assert sent.startswith(f"<iq from='{DOMAIN}' to='{JULIET}' type='result'".encode())
    assert sent.endswith(sm("a", h=1).encode() + b"</stream:stream>")
    assert not ended.called
    server.send("</stream:stream>")
    assert ended.called and not server.line.up
    server.pass_time(100)
    assert len(server.lines) == 1
    assert server.clock.getDelayedCalls() == []


def test_the_end_does_not_wait_for_ever(server: Server) -> None:
    component = server.component()
    component.on_message(lambda m: Deferred())
    server.let_in(managed=True).send(message())
    ended = Deferred.fromCoroutine(component.stop())
    server.pass_time(4)
    assert not ended.called
    server.pass_time(1)
    assert server.take().endswith(sm("a", h=0).encode() + b"</stream:stream>")
    server.pass_time(2)
    assert ended.called


def test_the_end_without_a_connection(server: Server) -> None:
    server.up = False
    component = server.component()
    ended = Deferred.fromCoroutine(component.stop())
    assert ended.called
    server.pass_time(100)
    assert len(server.attempts) == 1


def test_what_a_handler_is_at_work_on_is_finished_before_the_session_is_resumed(
    server: Server,
) -> None:
    """To resume is to say that it is handled (XEP-0198 §5); a process that dies has not said so."""
    component = server.component(pace=PACE)
    working: Deferred[None] = Deferred()
    component.on_message(lambda _: working)
    server.let_in(managed=True).send(message())
    server.take()
    server.line.cut()
    server.pass_time(10)
    assert len(server.lines) == 1
    working.callback(None)
    server.pass_time(1)
    server.send(HEADER + " version='1.0'>" + FEATURES).send("<handshake/>")
    assert b"<resume" in (said := server.take())
    assert b"h='1'" in said
