"""Each connection is looked at once in a period, and only the silent ones hear of it."""

from __future__ import annotations

from xmppd.net.idle import SLOTS, IdleWatch


class Ear:
    def __init__(self) -> None:
        self.heard = True
        self.called = 0

    def keep_alive(self) -> None:
        self.called += 1


def period(watch: IdleWatch) -> None:
    for _ in range(SLOTS):
        watch.sweep()


def watched(number: int) -> tuple[IdleWatch, list[Ear]]:
    watch, ears = IdleWatch(), [Ear() for _ in range(number)]
    for ear in ears:
        watch.add(ear)
    return watch, ears


def test_who_was_heard_since_is_left_alone() -> None:
    watch, ears = watched(200)
    for _ in range(5):
        for ear in ears:
            ear.heard = True
        period(watch)
    assert [ear.called for ear in ears] == [0] * 200


def test_a_silent_one_is_called_once_in_each_period() -> None:
    watch, ears = watched(200)
    period(watch)  # all have been heard before this one
    for expected in (1, 2, 3):
        period(watch)
        assert [ear.called for ear in ears] == [expected] * 200


def test_only_the_silent_ones_are_called() -> None:
    watch, ears = watched(200)
    period(watch)
    for ear in ears[::2]:
        ear.heard = True
    period(watch)
    assert [ear.called for ear in ears] == [0, 1] * 100


def test_they_are_not_all_looked_at_at_once() -> None:
    watch, ears = watched(SLOTS * 3)
    period(watch)
    for sweeps in range(1, SLOTS + 1):
        watch.sweep()
        assert sum(ear.called for ear in ears) == 3 * sweeps


def test_a_period_counts_from_any_moment() -> None:
    watch, ears = watched(100)
    for _ in range(17):
        watch.sweep()
    late = Ear()
    watch.add(late)
    period(watch)
    period(watch)
    assert late.called == 1
    assert {ear.called for ear in ears} <= {1, 2}


def test_who_has_gone_is_forgotten() -> None:
    watch, ears = watched(100)
    for ear in ears:
        watch.discard(ear)
        watch.discard(ear)
    period(watch)
    period(watch)
    assert sum(ear.called for ear in ears) == 0
    assert not any(watch._slots)
    assert watch._slot_of == {}


def test_one_that_goes_while_it_is_called_disturbs_nobody() -> None:
    watch, ears = watched(SLOTS * 4)
    for ear in ears:
        ear.keep_alive = lambda ear=ear: (watch.discard(ear), Ear.keep_alive(ear))  # type: ignore[misc,method-assign,assignment]
    period(watch)
    period(watch)
    period(watch)
    assert [ear.called for ear in ears] == [1] * len(ears)
