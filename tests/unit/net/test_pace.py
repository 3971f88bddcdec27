from __future__ import annotations

from collections.abc import Callable

from xmppd.net.pace import Pace


class Turns:
    """A reactor: what is called in a turn may have something called in the next."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def callLater(self, seconds: float, call: Callable[[], object]) -> None:
        assert seconds == 0
        self.calls.append(call)

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class Crowd:
    """Some who wait at a pace of three."""

    def __init__(self, size: int) -> None:
        self.turns = Turns()
        self.pace = Pace(self.turns, 3)
        self.passed: list[int] = []
        self.waiting = [self.pace.wait().addCallback(self._pass, n) for n in range(size)]

    def _pass(self, _: None, number: int) -> None:
        self.passed.append(number)

    def turn(self) -> list[int]:
        self.turns.turn()
        return self.passed


def test_so_many_pass_in_each_turn_in_order() -> None:
    crowd = Crowd(7)
    assert crowd.passed == [0, 1, 2]
    assert crowd.turn() == [0, 1, 2, 3, 4, 5]
    assert crowd.turn() == [0, 1, 2, 3, 4, 5, 6]
    crowd.turn()
    assert crowd.turns.calls == []


def test_who_comes_later_is_behind_those_who_wait() -> None:
    crowd = Crowd(4)
    crowd.pace.wait().addCallback(crowd._pass, 9)
    assert crowd.turn() == [0, 1, 2, 3, 9]
    crowd.pace.wait().addCallback(crowd._pass, 10)
    assert crowd.passed[-1] == 10


def test_who_comes_alone_passes_at_once_each_turn_anew() -> None:
    crowd = Crowd(3)
    crowd.turn()
    assert crowd.turns.calls == []
    crowd.pace.wait().addCallback(crowd._pass, 3)
    assert crowd.passed == [0, 1, 2, 3]


def test_who_gives_up_leaves_his_place_to_the_next() -> None:
    crowd = Crowd(8)
    crowd.waiting[3].addErrback(lambda _: None)
    crowd.waiting[3].cancel()
    assert crowd.turn() == [0, 1, 2, 4, 5, 6]


def test_who_comes_as_others_pass_is_behind_those_who_wait() -> None:
    crowd = Crowd(3)
    entering = crowd.pace.wait()
    entering.addCallback(lambda _: crowd.pace.wait().addCallback(crowd._pass, 9) and None)
    crowd.pace.wait().addCallback(crowd._pass, 3)
    assert crowd.turn() == [0, 1, 2, 3, 9]
