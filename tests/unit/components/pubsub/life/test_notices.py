"""Who has much to tell waits for his turn."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred

from components.pubsub.life.notices import PAUSE
from tests.support.pubsub import Globe


@pytest.fixture
def globe() -> Globe:
    return Globe().start()


class Sender:
    """Waits for room, and is told when there is some."""

    def __init__(self, globe: Globe, name: str, done: list[str], times: int = 1) -> None:
        self._globe = globe
        self._name = name
        self._done = done
        self.waiting = Deferred.fromCoroutine(self._send(times))

    async def _send(self, times: int) -> None:
        for _ in range(times):
            await self._globe.service.notices.room()
            self._done.append(self._name)


def test_who_has_waited_longest_goes_on_first(
    globe: Globe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or what happened later would be told first."""
    done: list[str] = []
    with monkeypatch.context() as behind:
        behind.setattr(type(globe.component), "behind", True)
        for name in "abc":
            Sender(globe, name, done)
            globe.pass_time(0.4 * PAUSE)
        globe.pass_time(0.4 * PAUSE)
        assert done == []
    Sender(globe, "d", done)
    globe.pass_time(PAUSE)
    assert done == ["a", "b", "c", "d"]


def test_none_of_them_takes_all_the_room(globe: Globe, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    with monkeypatch.context() as behind:
        behind.setattr(type(globe.component), "behind", True)
        Sender(globe, "a", done, 3)
        Sender(globe, "b", done, 2)
    globe.pass_time(PAUSE)
    assert done == ["a", "b", "a", "b", "a"]


def test_each_makes_the_server_wait_for_the_next(
    globe: Globe, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(type(globe.component), "behind", property(lambda _: len(done) % 2 == 1))
    done.append("behind")
    for name in "ab":
        Sender(globe, name, done)
    globe.pass_time(PAUSE)
    assert done == ["behind"]
    done.append("done with it")
    globe.pass_time(PAUSE)
    assert done[2:] == ["a"]
    done.append("done with it")
    globe.pass_time(PAUSE)
    assert done[4:] == ["b"]


def test_who_gives_up_is_in_nobodys_way(globe: Globe, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    with monkeypatch.context() as behind:
        behind.setattr(type(globe.component), "behind", True)
        gone = Sender(globe, "a", done).waiting
        Sender(globe, "b", done)
        gone.cancel()
        gone.addErrback(lambda failure: failure.trap(CancelledError) and None)
    globe.pass_time(PAUSE)
    assert done == ["b"]
