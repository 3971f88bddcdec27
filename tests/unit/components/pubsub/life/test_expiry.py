"""Items that become too old are deleted (XEP-0060 §17.4.4, `pubsub#item_expire`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from components.pubsub.life import expiry
from tests.support.deferred import result
from tests.support.pubsub import Globe, Person
from tests.support.pubsub_items import opened, told

ROUND = 2 * expiry.EVERY
"""Seconds in which everything was looked at once, whatever the spread."""


def kept(person: Person) -> Sequence[tuple[Any, ...]]:
    """What is in the store: node's name, item's id."""

    async def work(tx: Any) -> Sequence[tuple[Any, ...]]:
        sql = (
            "SELECT name, pubsub_items.id FROM pubsub_items JOIN pubsub_nodes"
            " ON pubsub_nodes.id = node ORDER BY name, position"
        )
        return (await tx.execute(sql)).rows

    return result(person.globe.database.read(work))


def counted(person: Person) -> dict[str, int]:
    """How many items nodes are said to have."""

    async def work(tx: Any) -> dict[str, int]:
        return dict((await tx.execute("SELECT name, items FROM pubsub_nodes")).rows)

    return result(person.globe.database.read(work))


def test_items_go_when_they_are_too_old(globe: Globe, juliet: Person, romeo: Person) -> None:
    """Nobody is told: that they go, and when, the node's configuration says."""
    opened(juliet, "hour", item_expire=3_600)
    opened(juliet, "ever")
    for node in ("hour", "ever"):
        juliet.publish(node, id_="1")
    globe.pass_time(3_000)
    juliet.publish("hour", id_="2")
    romeo.subscribe("hour")
    told(romeo)
    globe.pass_time(600 - ROUND)
    assert kept(juliet) == [("ever", "1"), ("hour", "1"), ("hour", "2")]
    globe.pass_time(2 * ROUND)
    assert kept(juliet) == [("ever", "1"), ("hour", "2")]
    assert counted(juliet) == {"ever": 1, "hour": 1}
    assert told(romeo) == []
    assert juliet.ids("hour") == ["2"]


def test_the_service_may_keep_none_for_ever() -> None:
    globe = Globe(expire=3_600).start()
    juliet = globe.person("juliet")
    opened(juliet, "max", item_expire=-1)
    opened(juliet, "year", item_expire=366 * 86_400)
    opened(juliet, "minute", item_expire=60)
    for node in ("max", "minute", "year"):
        juliet.publish(node, id_="1")
    globe.pass_time(60 + ROUND)
    assert kept(juliet) == [("max", "1"), ("year", "1")]
    globe.pass_time(3_600)
    assert kept(juliet) == []


def test_many_go_in_slices(globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "SLICE", 2)
    for node in "abc":
        opened(juliet, node, item_expire=60)
        for id_ in "12345":
            juliet.publish(node, id_=id_)
    # Behind each slice there is a pause, of one step here.
    globe.pass_time(60 + 2 * ROUND)
    assert kept(juliet) == []


def test_a_store_that_is_away_for_a_while_does_no_harm(
    globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(juliet, item_expire=60)
    juliet.publish("play", id_="1")
    with monkeypatch.context() as away:
        away.setattr(type(globe.service.items), "aging", _away)
        globe.pass_time(60 + ROUND)
    assert kept(juliet) == [("play", "1")]
    globe.pass_time(ROUND)
    assert kept(juliet) == []


def _away(*_: object, **__: object) -> None:
    raise OSError("the store is away")


def test_one_of_several_instances_does_it() -> None:
    """That which acts for the service's own address."""
    one = Globe(instances=2, instance="one").start()
    other = Globe(instances=2, instance="other", beside=one).start()
    one.pass_time(5)
    acting = [each for each in (one, other) if each.service.instances.own(each.component.domain)]
    assert len(acting) == 1
    asked: list[Globe] = []
    for each in (one, other):
        look = each.service.items.aging
        each.service.items.aging = (  # type: ignore[method-assign]
            lambda *args, each=each, look=look, **kw: asked.append(each) or look(*args, **kw)
        )
    one.pass_time(ROUND)
    assert set(map(id, asked)) == set(map(id, acting))


@pytest.mark.parametrize("looking", [False, True])
def test_nothing_is_looked_for_when_the_component_stops(
    globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch, looking: bool
) -> None:
    """Whether it is between two rounds, or two slices."""
    opened(juliet, item_expire=60)
    asked: list[int] = []
    look = globe.service.items.aging

    def aging(after: int, most: int, *, every: bool) -> object:
        asked.append(after)
        return look(after, most, every=every)

    monkeypatch.setattr(globe.service.items, "aging", aging)
    while looking and not asked:
        globe.server.clock.advance(expiry.PAUSE / 2)
        globe.pump()
    before = len(asked)
    Deferred.fromCoroutine(globe.component.stop())
    globe.pump().server.clock.advance(3 * ROUND)
    assert len(asked) == before == looking
