"""One after the other, for each key."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from components.pubsub.life.turns import Turns


def test_many_who_are_done_at_once_follow_each_other() -> None:
    turns: Turns[str] = Turns()
    first: Deferred[None] = Deferred()
    done: list[int] = []

    async def put(number: int) -> None:
        async with turns.of("juliet"):
            if not number:
                await first
            done.append(number)

    for number in range(1_000):
        Deferred.fromCoroutine(put(number))
    first.callback(None)
    assert done == list(range(1_000))
    assert not turns._locks, "it is there only while somebody holds it"


def test_who_gives_up_waiting_leaves_the_turn_to_others() -> None:
    turns: Turns[str] = Turns()
    ends: list[Deferred[None]] = [Deferred() for _ in range(3)]

    async def put(end: Deferred[None]) -> None:
        async with turns.of("juliet"):
            await end

    begun = [Deferred.fromCoroutine(put(end)) for end in ends]
    begun[1].addErrback(lambda _: None)
    begun[1].cancel()
    ends[0].callback(None)
    assert turns._locks and not begun[2].called
    ends[2].callback(None)
    assert begun[2].called and not turns._locks
