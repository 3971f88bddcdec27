"""How often somebody may do something (components/vcard/rate.py)."""

from components.common import rate
from components.common.rate import MINUTE, Rate


class Now:
    seconds = 1_000.0

    def __call__(self):
        return self.seconds


def test_so_often_in_a_minute_and_then_again():
    now = Now()
    limit = Rate(2, now)
    assert [limit.take("romeo") for _ in range(3)] == [True, True, False]
    assert limit.take("juliet")
    now.seconds += MINUTE - 1
    assert not limit.take("romeo")
    now.seconds += 1
    assert limit.take("romeo")


def test_it_remembers_only_so_many(monkeypatch):
    monkeypatch.setattr(rate, "MOST", 3)
    now = Now()
    limit = Rate(2, now)
    assert [limit.take(who) for who in "abcda"] == [True, True, True, False, True]
    now.seconds += MINUTE
    assert limit.take("d")
