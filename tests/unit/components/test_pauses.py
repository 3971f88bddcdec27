"""Who has much to send waits for his turn."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred

from components.common.component import Component
from components.common.connection import Pace
from components.common.pauses import PAUSE
from tests.support.kit import Server
from xmppd.jid import JID

ROMEO = JID.parse("romeo@example.org/orchard")


class Sender:
    """Waits until the server has taken enough, and is told so."""

    def __init__(self, component: Component, name: str, done: list[str], times: int = 1) -> None:
        self._component = component
        self._name = name
        self._done = done
        self.waiting = Deferred.fromCoroutine(self._send(times))

    async def _send(self, times: int) -> None:
        for _ in range(times):
            await self._component.pauses.until_taken()
            self._done.append(self._name)


def test_who_has_waited_longest_goes_on_first(
    server: Server, component: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or what happened later would be told first."""
    done: list[str] = []
    with monkeypatch.context() as behind:
        behind.setattr(type(component), "behind", True)
        for name in "abc":
            Sender(component, name, done)
            server.clock.advance(0.4 * PAUSE)
        server.clock.advance(0.4 * PAUSE)
        assert done == []
    Sender(component, "d", done)
    server.clock.advance(PAUSE)
    assert done == ["a", "b", "c", "d"]


def test_none_of_them_takes_all_the_room(
    server: Server, component: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    with monkeypatch.context() as behind:
        behind.setattr(type(component), "behind", True)
        Sender(component, "a", done, 3)
        Sender(component, "b", done, 2)
    server.clock.advance(PAUSE)
    assert done == ["a", "b", "a", "b", "a"]


def test_each_makes_the_server_wait_for_the_next(
    server: Server, component: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(type(component), "behind", property(lambda _: len(done) % 2 == 1))
    done.append("behind")
    for name in "ab":
        Sender(component, name, done)
    server.clock.advance(PAUSE)
    assert done == ["behind"]
    done.append("done with it")
    server.clock.advance(PAUSE)
    assert done[2:] == ["a"]
    done.append("done with it")
    server.clock.advance(PAUSE)
    assert done[4:] == ["b"]


def test_who_gives_up_is_in_nobodys_way(
    server: Server, component: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    with monkeypatch.context() as behind:
        behind.setattr(type(component), "behind", True)
        gone = Sender(component, "a", done).waiting
        Sender(component, "b", done)
        gone.cancel()
        gone.addErrback(lambda failure: failure.trap(CancelledError) and None)
    server.clock.advance(PAUSE)
    assert done == ["b"]


def test_nobody_waits_who_is_to_hurry(
    server: Server, component: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(type(component), "behind", True)
    Sender(component, "a", done)
    with component.pauses.hurry():
        Sender(component, "b", done)
        assert done == ["a", "b"]
    Sender(component, "c", done)
    server.clock.advance(PAUSE)
    assert done == ["a", "b"]


def test_he_waits_before_requests_are_refused(server: Server) -> None:
    component = server.component(pace=Pace(octets=1_000))
    server.let_in()
    server.line.producer.pauseProducing()
    component.message(ROMEO, b"x" * 300)
    done: list[str] = []
    Sender(component, "a", done)
    server.clock.advance(PAUSE)
    assert (done, component.crowded) == ([], False)
    server.line.producer.resumeProducing()
    server.clock.advance(PAUSE)
    assert done == ["a"]
