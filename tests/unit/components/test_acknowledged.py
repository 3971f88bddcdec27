"""When a component may forget what it has sent: the server says that it has it (XEP-0198 §4)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from components.common.component import Component
from components.common.requests import RequestFailed
from tests.support.kit import ASK, DOMAIN, SERVER, Server, asked, iq, sm
from xmppd.jid import JID

ROMEO = JID.parse("romeo@example.org")


def outcome(waiting: Coroutine[Deferred[Any], Any, None]) -> list[str]:
    """What came of it, as soon as it is known: "" or the condition that it failed with."""
    told: list[str] = []
    deferred = Deferred.fromCoroutine(waiting)
    deferred.addCallbacks(lambda _: told.append(""), lambda f: told.append(f.value.condition))
    return told


def sent(server: Server, *, managed: bool) -> Component:
    component = server.component()
    server.let_in(managed=managed)
    component.message(ROMEO, "a")
    server.take()
    return component


def test_the_server_is_asked_at_once_and_its_word_counts() -> None:
    server = Server()
    component = sent(server, managed=True)
    told = outcome(component.acknowledged())
    assert server.take() == ASK
    component.message(ROMEO, "b")
    server.send(sm("a", h=0))
    assert told == []
    server.send(sm("a", h=1))
    assert told == [""]
    assert outcome(component.acknowledged()) == []
    server.send(sm("a", h=2))
    assert outcome(component.acknowledged()) == [""]


def test_it_is_waited_for_over_a_lost_connection() -> None:
    server = Server()
    component = sent(server, managed=True)
    told = outcome(component.acknowledged())
    server.line.cut()
    assert outcome(component.acknowledged()) == ["remote-server-timeout"]
    server.pass_time(2)
    server.send(
        "<stream:stream xmlns='jabber:component:accept' id='2' version='1.0'"
        " xmlns:stream='http://etherx.jabber.org/streams'>"
        "<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features><handshake/>"
    )
    server.send(sm("resumed", previd="s1", h=1))
    assert told == [""]


def test_what_was_given_up_nobody_knows_of() -> None:
    server = Server()
    component = sent(server, managed=True)
    told = outcome(component.acknowledged())
    server.line.cut()
    server.up = False
    server.pass_time(component.link.pace.keep + 1)
    server.up = True
    server.pass_time(component.link.pace.longest + 1)
    assert told == ["remote-server-timeout"]


@pytest.mark.parametrize("answer", ["result", "error"])
def test_a_server_that_counts_nothing_is_pinged(answer: str) -> None:
    server = Server()
    component = sent(server, managed=False)
    told = outcome(component.acknowledged())
    assert told == []
    server.send(iq(answer, "", sender=SERVER, to=DOMAIN, id_=asked(server.take())))
    assert told == [""]


def test_without_an_answer_nobody_knows() -> None:
    server = Server()
    component = sent(server, managed=False)
    told = outcome(component.acknowledged())
    server.line.cut()
    assert told == ["remote-server-timeout"]
    with pytest.raises(RequestFailed):
        component.acknowledged().send(None)
