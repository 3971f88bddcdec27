"""Who handles what, and exactly one answer to each request (RFC 6120 §8.2.3)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from components.common import answers, work
from components.common.build import Tag
from components.common.component import Component, On, Passed, Unfinished
from components.common.connection import Pace
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from tests.support.deferred import result
from tests.support.kit import ASK, DOMAIN, JULIET, Server, asked, iq, message, sm
from tests.support.logs import logged
from xmppd import ns
from xmppd.errors import StanzaError, StoreBusy
from xmppd.jid import JID

PING = f"<ping xmlns='{ns.PING}'/>"
NAME = f"{ns.PING} ping"
ROMEO = JID.parse("romeo@example.org/orchard")


def condition(data: bytes) -> str:
    """The condition of the one error that was sent."""
    assert data.count(b"type='error'") == 1, data
    found = re.search(rb"<([a-z-]+) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'", data)
    assert found is not None, data
    return found[1].decode()


# ---------------------------------------------------------------------- requests


@pytest.mark.parametrize(
    "answer, inner",
    [
        (None, b"/>"),
        (Tag("a", ns="urn:a"), b"><a xmlns='urn:a'/></iq>"),
        (b"<a xmlns='urn:a'/>", b"><a xmlns='urn:a'/></iq>"),
    ],
)
def test_an_answer_is_nothing_an_element_or_bytes(
    server: Server, component: Component, answer: Any, inner: bytes
) -> None:
    component.iq("get", NAME, lambda s: answer)
    server.send(iq("get", PING))
    head = f"<iq from='{DOMAIN}' to='{JULIET}' type='result' id='q1'".encode()
    assert server.take() == head + inner


def test_an_answer_may_take_its_time(server: Server, component: Component) -> None:
    later: Deferred[Tag] = Deferred()

    async def answer(stanza: Stanza) -> Tag:
        return await later

    component.iq("get", NAME, answer)
    server.send(iq("get", PING))
    assert server.take() == b""
    later.callback(Tag("late", ns="urn:a"))
    assert b"<late xmlns='urn:a'/>" in server.take()


def test_what_takes_too_long_is_answered_once(server: Server, component: Component) -> None:
    later: Deferred[None] = Deferred()
    component.iq("get", NAME, lambda s: later)
    server.send(iq("get", PING))
    server.pass_time(work.SECONDS + 10)
    assert condition(server.take()) == "remote-server-timeout"
    assert len(component.work) == 0


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize(
    "error, expected",
    [
        (StanzaError("item-not-found", reason="stanza.node"), "item-not-found"),
        (StoreBusy("full"), StoreBusy.condition),
        (RequestFailed("remote-server-timeout"), "remote-server-timeout"),
        (ZeroDivisionError(), "internal-server-error"),
    ],
)
def test_errors_are_raised_anywhere_and_told_once(
    server: Server, component: Component, error: Exception, expected: str, wait: bool
) -> None:
    async def later(stanza: Stanza) -> None:
        raise error

    def now(stanza: Stanza) -> None:
        raise error

    component.iq("get", NAME, later if wait else now)
    server.send(iq("get", PING))
    assert condition(server.take()) == expected


def test_an_address_that_is_none_is_malformed(server: Server, component: Component) -> None:
    component.iq("get", NAME, lambda s: str(s.sender).encode() and None)
    server.send(iq("get", PING, sender="@/x"))
    assert condition(server.take()) == "jid-malformed"


@pytest.mark.parametrize(
    "request_, expected",
    [
        (iq("get", "<x xmlns='urn:x'/>"), "service-unavailable"),  # RFC 6120 §8.4
        (iq("set", PING), "not-allowed"),
        (iq("get", ""), "bad-request"),  # §8.2.3, rule 3
        (iq("get", PING + PING), "bad-request"),
        (iq("put", PING), "not-allowed"),
        (iq("put", "<x xmlns='urn:x'/>"), "bad-request"),  # §8.2.3, rule 2
        (iq("get", PING, to=f"room@{DOMAIN}"), "service-unavailable"),
    ],
)
def test_what_nobody_handles_is_refused(
    server: Server, component: Component, request_: str, expected: str
) -> None:
    component.iq("get", NAME, lambda s: None)
    server.send(request_)
    assert condition(server.take()) == expected


@pytest.mark.parametrize("type_", ["result", "error"])
def test_results_and_errors_are_never_answered(
    server: Server, component: Component, type_: str
) -> None:
    """RFC 6120 §8.2.3, rule 5; §8.3.1."""
    strays: list[Stanza] = []
    component.on_stray_answer(strays.append)
    server.send(iq(type_, PING))
    assert server.take() == b""
    assert len(strays) == 1


def test_addresses_are_asked_apart_from_the_service(server: Server, component: Component) -> None:
    component.iq("get", NAME, lambda s: b"<service/>")
    component.iq("get", NAME, lambda s: b"<room/>", On.ADDRESS)
    server.send(iq("get", PING, to=f"{DOMAIN}/x") + iq("get", PING, to=f"room@{DOMAIN}/nick"))
    sent = server.take()
    assert sent.index(b"<service/>") < sent.index(b"<room/>")
    with pytest.raises(ValueError, match="has a responder"):
        component.iq("get", NAME, lambda s: None, On.ADDRESS)


def test_an_unknown_request_may_be_passed_on(server: Server, component: Component) -> None:
    component.on_unknown_iq(lambda s: Passed.ON)
    server.send(iq("get", "<x xmlns='urn:x'/>"))
    assert server.take() == b""


def test_who_has_too_much_to_do_says_so(
    server: Server, component: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    component.work._most = 1
    component.iq("get", NAME, lambda s: Deferred())
    server.send(iq("get", PING))
    server.send(iq("get", PING))
    assert condition(server.take()) == "resource-constraint"


# ---------------------------------------------------------------------- messages and presence


def test_a_message_goes_to_who_handles_one_of_its_children(
    server: Server, component: Component
) -> None:
    handled: list[str] = []
    component.on_message(lambda m: handled.append("all"))
    component.on_message(lambda m: handled.append("x"), "urn:x x")
    server.send(message() + message("</body><x xmlns='urn:x'/><body>"))
    assert handled == ["all", "x"]


def test_a_text_in_a_message_is_its_body(server: Server, component: Component) -> None:
    """RFC 6121 §5.2.3: characters beside the elements of a message are for nobody."""
    component.message(ROMEO, "<hist>", Tag("x", ns="urn:x"), id_="1")
    sent = f"<message from='{DOMAIN}' to='{ROMEO}' id='1'>"
    sent += "<body>&lt;hist&gt;</body><x xmlns='urn:x'/></message>"
    assert server.take() == sent.encode()


def test_a_reply_is_of_the_type_and_from_where_the_message_was_for(
    server: Server, component: Component
) -> None:
    """RFC 6121 §5.2.2."""
    component.on_message(lambda stanza: component.reply(stanza, stanza.body or "nothing"))
    to = f"ball@{DOMAIN}/x"
    for type_ in ("chat", "headline"):
        head = f"<message from='{ROMEO}' to='{to}' type='{type_}'"
        server.send(f"{head}><subject>s</subject><body>bells</body><body>two</body></message>")
        said = server.take()
        head = f"<message from='{to}' to='{ROMEO}' type='{type_}'"
        assert said == f"{head}><body>bells</body></message>".encode()
    server.send(f"<message from='{ROMEO}' to='{to}'><subject>s</subject></message>")
    assert b">nothing<" in server.take()


def test_errors_have_a_handler_of_their_own(server: Server, component: Component) -> None:
    """Who answers messages would answer errors, and they him (RFC 6120 §8.3.1)."""
    handled: list[str] = []
    component.on_message(lambda m: handled.append("message"))
    component.on_presence(lambda m: handled.append("presence"))
    error = f"<message from='{JULIET}' to='{DOMAIN}' type='error'/>"
    server.send(error)
    component.on_error(lambda m: handled.append(m.kind))
    server.send(error + error.replace("message", "presence"))
    assert handled == ["message", "presence"]
    assert server.take() == b""


def test_messages_that_nobody_takes_are_refused(server: Server, component: Component) -> None:
    """RFC 6121 §8.5.2: but for headlines, errors and presence."""
    server.send(message())
    assert condition(server.take()) == "service-unavailable"
    for type_ in ("headline", "error"):
        server.send(f"<message from='{JULIET}' to='{DOMAIN}' type='{type_}'/>")
    server.send(f"<presence from='{JULIET}' to='{DOMAIN}'/>")
    assert server.take() == b""


def test_the_errors_of_a_kind_of_stanza_may_be_written_otherwise(
    server: Server, component: Component
) -> None:
    def refuse(stanza: Stanza) -> None:
        raise StanzaError("forbidden", reason="test.no")

    component.on_message(refuse)
    component.iq("get", NAME, refuse)
    component.errors("message", lambda stanza, error: answers.error(stanza, error, beside=b"<a/>"))
    server.send(message("<body>Who's there?</body>"))
    assert b"><a/><error " in server.take()
    server.send(iq("get", PING))
    assert b"<a/>" not in server.take(), "only of that kind"
    assert component.counts["test.no"] == 2


def test_a_message_may_be_refused(server: Server, component: Component) -> None:
    def refuse(stanza: Stanza) -> None:
        raise StanzaError("forbidden", "go away", reason="stanza.forbidden")

    component.on_message(refuse)
    server.send(message())
    sent = server.take()
    assert condition(sent) == "forbidden" and b">go away</text>" in sent


def test_stanzas_without_addresses_are_ignored(server: Server, component: Component) -> None:
    """XEP-0114 §3: each has both."""
    server.send(f"<iq to='{DOMAIN}' type='get' id='1'>{PING}</iq><message from='{JULIET}'/>")
    assert server.take() == b""
    assert component.counts["component.no-address"] == 2


def test_the_content_may_be_passed_on_as_it_is(server: Server, component: Component) -> None:
    inner: list[bytes] = []
    component.on_message(lambda m: inner.append(m.inner))
    body = "<body>a &amp; b</body><x xmlns='urn:x' y='1'><z/></x>"
    server.send(f"<message from='{JULIET}' to='{DOMAIN}'>{body}</message>")
    assert inner == [body.encode()]


def test_prefixes_from_outside_are_spelled_out(server: Server, component: Component) -> None:
    inner: list[bytes] = []
    component.on_message(lambda m: inner.append(m.inner))
    server.send(
        f"<message from='{JULIET}' to='{DOMAIN}' xmlns:p='urn:p'><p:x a='1' p:b='2'/>"
        "<body>t</body></message>"
    )
    assert inner == [b"<x xmlns='urn:p' a='1' xmlns:a1='urn:p' a1:b='2'/><body>t</body>"]


# ---------------------------------------------------------------------- requests of its own


def test_an_own_request_has_the_answer_of_whom_it_asked(
    server: Server, component: Component
) -> None:
    """RFC 6120 §8.2.3, rule 4: address and id."""
    answer = component.ask(ROMEO, "get", Tag("ping", ns=ns.PING))
    id_ = asked(server.take())
    server.send(iq("result", "<forged/>", id_=id_))
    server.send(iq("result", "<forged/>", id_="other", sender=ROMEO))
    server.send(iq("result", "<forged/>", id_=id_, sender=ROMEO, to=f"x@{DOMAIN}"))
    assert not answer.called
    server.send(iq("result", "<right xmlns='urn:r'/>", id_=id_, sender=ROMEO))
    assert result(answer).children == ["urn:r right"]
    assert len(component.requests) == 0 and len(server.clock.getDelayedCalls()) == 2


def test_an_error_is_the_failure_of_a_request(server: Server, component: Component) -> None:
    answer = component.ask(ROMEO, "get", None)
    id_ = asked(server.take())
    server.send(
        iq(
            "error",
            f"<error type='cancel'><item-not-found xmlns='{ns.STANZA_ERRORS}'/></error>",
            id_=id_,
            sender=ROMEO,
        )
    )
    with pytest.raises(RequestFailed, match="item-not-found"):
        result(answer)


def test_requests_fail_in_time_and_with_the_connection(
    server: Server, component: Component
) -> None:
    slow = component.ask(ROMEO, "get", None, seconds=5)
    server.pass_time(5)
    with pytest.raises(RequestFailed, match="remote-server-timeout"):
        result(slow)
    lost = component.ask(ROMEO, "get", None)
    server.line.cut()
    with pytest.raises(RequestFailed, match="connection is lost"):
        result(lost)


def test_a_request_outlives_a_connection_that_can_be_resumed(server: Server) -> None:
    component = server.component()
    server.let_in(managed=True)
    answer = component.ask(ROMEO, "get", None)
    server.line.cut()
    assert not answer.called


# ---------------------------------------------------------------------- care


def test_what_is_no_xml_is_never_sent(component: Component) -> None:
    """XML 1.0 §2.2: sent once, it would end the stream; resent, the next one, too."""
    for text in ("\0", "\x1b", "\ud800", "\uffff"):
        with pytest.raises(ValueError):
            Tag("body", {}, text).render()
        with pytest.raises(ValueError):
            Tag("body", {"x": text}).render()


def test_no_content_is_logged(server: Server, component: Component) -> None:
    def fail(stanza: Stanza) -> None:
        raise ZeroDivisionError(repr(stanza))

    component.on_message(fail)
    with logged("critical") as lines:
        server.send(message("a secret"))
    assert len(lines) == 1
    assert not any("a secret" in line for line in lines)


def test_what_waits_is_bounded_while_a_connection_is_being_agreed_on(server: Server) -> None:
    component = server.component(pace=Pace(octets=1_000))
    assert component.send(b"<message/>" * 90)
    assert not component.send(b"<message/>" * 90)


def test_what_has_waited_for_too_long_is_lost_whatever_came_of_attempts(server: Server) -> None:
    component = server.component()
    server.let_in().line.cut()
    component.send(message().encode())
    for _ in range(100):  # the server accepts connections, and ends them
        server.pass_time(10)
        server.line.cut()
    while not server.line.up:
        server.pass_time(1)
    server.take()
    server.let_in()
    assert b"<message" not in server.take()


# ---------------------------------------------------------------------- left to the next process


def leaving(*, later: bool):
    async def soon(stanza):
        raise Unfinished

    def now(stanza):
        raise Unfinished

    return soon if later else now


@pytest.mark.parametrize("later", [True, False])
def test_what_is_left_to_the_next_process_is_never_acknowledged(later):
    server = Server()
    component = server.component()
    component.on_message(leaving(later=later))
    server.let_in(managed=True)
    server.send(message("but soft") + message("what light"))
    server.take()
    server.send(ASK.decode())
    assert server.take() == sm("a", h=0).encode()
    assert len(component.work) == 0, "nobody waits for it"


@pytest.mark.parametrize("later", [True, False])
def test_where_nobody_acknowledges_it_is_refused(later):
    server = Server()
    server.component().on_message(leaving(later=later))
    server.let_in()
    server.send(message("but soft"))
    assert b"<resource-constraint" in server.take()


def test_a_request_is_never_left_unanswered():
    server = Server()
    server.component().iq("get", "urn:example:x x", leaving(later=True))
    server.let_in(managed=True)
    server.send(iq("get", "<x xmlns='urn:example:x'/>"))
    assert b"<resource-constraint" in server.take()
