"""Token buckets: how fast people may do things."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from components.muc.model import rates
from components.muc.model.rates import Limits, Rate
from tests.support.conference import HALL, Conference, codes
from tests.support.people import C
from tests.support.server import condition

SLOW = Limits(
    messages=1, room_messages=100, presence=1, room_presence=100, requests=1, joins=1, burst=5
)
VERSION = "<query xmlns='jabber:iq:version'/>"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hall() -> Conference:
    return Conference(rates=SLOW).start()


def took(rate: Rate, who: str, times: int) -> int:
    return sum(rate.take(who) for _ in range(times))


def test_a_burst_and_then_as_many_as_time_gives(clock):
    rate = Rate(2, 5, clock.seconds)
    assert took(rate, "romeo", 30) == 10
    clock.advance(1)
    assert took(rate, "romeo", 30) == 2
    clock.advance(100)
    assert took(rate, "romeo", 30) == 10, "no more than that is ever saved up"


def test_one_does_not_pay_for_another(clock):
    rate = Rate(2, 5, clock.seconds)
    took(rate, "romeo", 30)
    assert took(rate, "juliet", 1) == 1


def test_what_costs_more_leaves_less(clock):
    rate = Rate(2, 5, clock.seconds)
    assert rate.take("romeo", 8)
    assert took(rate, "romeo", 30) == 2


def test_0_is_no_limit(clock):
    rate = Rate(0, 5, clock.seconds)
    assert took(rate, "romeo", 1_000) == 1_000
    assert len(rate) == 0


def test_a_bucket_is_kept_no_longer_than_it_is_not_full(clock):
    """What one has taken is remembered over a turn, and forgotten when it does not matter."""
    rate = Rate(1, 10, clock.seconds)
    clock.advance(9)
    assert took(rate, "romeo", 30) == 10
    clock.advance(5)
    assert took(rate, "romeo", 30) == 5
    clock.advance(9.5)
    assert took(rate, "romeo", 30) == 9
    for _ in range(3):
        clock.advance(11)
        took(rate, "juliet", 1)
    assert len(rate) <= 2


def test_buckets_are_bounded(clock, monkeypatch):
    monkeypatch.setattr(rates, "MOST", 100)
    rate = Rate(1, 10, clock.seconds)
    assert sum(rate.take(n) for n in range(1_000)) == 100
    assert len(rate) == 100
    clock.advance(25)
    assert rate.take(5_000)


def test_a_flood_of_messages_is_refused_and_says_nothing(hall):
    juliet, romeo = hall.opened("juliet"), hall.person("romeo").join()
    romeo.came(), juliet.came()
    for number in range(8):
        romeo.say(f"word {number}")
    heard = [each.findtext(f"{C}body") for each in juliet.came()]
    assert heard == [f"word {number}" for number in range(5)]
    refused = [each for each in romeo.came() if each.get("type") == "error"]
    assert [condition(each) for each in refused] == ["resource-constraint"] * 3
    assert refused[0].find(f"{C}error").get("type") == "wait"
    romeo.message(f"{HALL}/Juliet", "<body>psst</body>", "chat")
    assert condition(romeo.one()) == "resource-constraint"
    juliet.say("Peace!")
    assert romeo.one().findtext(f"{C}body") == "Peace!"
    hall.pass_time(2)
    romeo.say("But, soft!")
    assert romeo.one().get("type") == "groupchat"


def test_a_flood_of_presence_is_refused_and_changes_nothing(hall):
    juliet, romeo = hall.opened("juliet"), hall.person("romeo").join()
    hall.pass_time(10)
    romeo.came(), juliet.came()
    for number in range(7):
        romeo.presence(f"{HALL}/Romeo", f"<status>{number}</status>")
    assert [each.findtext(f"{C}status") for each in juliet.came()] == list("01234")
    assert [condition(each) for each in romeo.came()][-2:] == ["resource-constraint"] * 2
    romeo.presence(f"{HALL}/Montague")
    assert condition(romeo.one()) == "resource-constraint"
    assert juliet.came() == []
    romeo.leave()
    assert juliet.one().get("type") == "unavailable", "who wants to go always may"


def test_who_enters_and_leaves_again_and_again_has_to_wait(hall):
    hall.opened("juliet")
    romeo = hall.person("romeo")
    assert codes(romeo.join().came()[-2]) == [110]
    romeo.leave().came()
    assert condition(romeo.join().one()) == "resource-constraint"
    hall.pass_time(5)
    assert codes(romeo.join().came()[-2]) == [110]


def test_requests_to_occupants_are_counted(hall):
    juliet, romeo = hall.opened("juliet"), hall.person("romeo").join()
    juliet.came(), romeo.came()
    for number in range(7):
        query = f"<iq type='get' id='v{number}' to='{HALL}/Juliet'>{VERSION}</iq>"
        romeo.send(query)
    assert [each.get("type") for each in juliet.came()] == ["get"] * 5
    assert [condition(each) for each in romeo.came()] == ["resource-constraint"] * 2


def test_no_honest_client_meets_the_defaults():
    """A bridge relays a lively room; a client comes back to all its rooms, and asks for vCards."""
    defaults = Limits()
    assert defaults.messages * defaults.burst >= 50
    assert defaults.joins * defaults.burst >= 200
    assert defaults.requests * defaults.burst >= 500
    assert defaults.room_presence * defaults.burst >= 5_000
