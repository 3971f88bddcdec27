"""The quota: what each name may use within a time, in bounded memory."""

from twisted.internet.task import Clock

from xmppd.core import quota
from xmppd.core.quota import Quota


def test_a_name_has_so_many_uses_in_a_time_that_slides():
    clock = Clock()
    uses = Quota(clock.seconds)
    assert uses.take("romeo", 2, 10)
    clock.advance(6)
    assert uses.take("romeo", 2, 10)
    assert not uses.take("romeo", 2, 10)
    clock.advance(4)
    assert uses.take("romeo", 2, 10)
    assert not uses.take("romeo", 2, 10)


def test_a_refused_use_does_not_count():
    clock = Clock()
    uses = Quota(clock.seconds)
    assert uses.take("romeo", 1, 10)
    clock.advance(9)
    assert not uses.take("romeo", 1, 10)
    clock.advance(1)
    assert uses.take("romeo", 1, 10)


def test_names_do_not_share():
    uses = Quota(Clock().seconds)
    assert uses.take("romeo", 1, 10)
    assert uses.take("juliet", 1, 10)


def test_memory_is_bounded_and_the_name_idle_longest_is_forgotten(monkeypatch):
    monkeypatch.setattr(quota, "REMEMBERED", 2)
    uses = Quota(Clock().seconds)
    for name in ("romeo", "juliet"):
        uses.take(name, 1, 10)
    assert not uses.take("romeo", 1, 10)
    uses.take("tybalt", 1, 10)
    assert not uses.take("romeo", 1, 10)
    assert uses.take("juliet", 1, 10)
