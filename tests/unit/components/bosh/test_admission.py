import pytest
from twisted.internet.task import Clock

from components.bosh.http import admission
from components.bosh.http.admission import Admission, Entry, Limits
from tests.support.http_exchanges import Counted, told


@pytest.fixture
def clock():
    return Clock()


def admit(clock, **limits):
    return Admission(Limits(**limits), clock.seconds)


def test_connections_in_all(clock):
    counted = Counted()
    doors = Admission(Limits(connections=2), clock.seconds, counted)
    first = doors.enter("127.0.0.1")
    doors.enter("192.0.2.7")
    refused = doors.enter("192.0.2.8")
    assert (refused.status, refused.close) == (503, True)
    assert int(told(refused, "Retry-After")) > 0
    assert counted == [("http.connections", "192.0.2.8")]
    first.left()
    assert isinstance(doors.enter("192.0.2.8"), Entry)
    assert doors.connections == 2


def test_connections_of_one_address(clock):
    doors = admit(clock, connections_per_address=1)
    first = doors.enter("192.0.2.7")
    refused = doors.enter("::ffff:192.0.2.7")
    assert (refused.status, refused.close) == (429, True)
    assert int(told(refused, "Retry-After")) > 0
    assert isinstance(doors.enter("192.0.2.8"), Entry)
    first.left()
    assert isinstance(doors.enter("192.0.2.7"), Entry)


def test_a_network_of_ipv6_is_one_address(clock):
    doors = admit(clock, connections_per_address=1)
    doors.enter("2001:db8::1")
    assert doors.enter("2001:db8::2:1").status == 429
    assert isinstance(doors.enter("2001:db8:0:1::1"), Entry)


def test_who_speaks_for_many_counts_in_the_total_only(clock):
    doors = admit(clock, connections=4, connections_per_address=1)
    for _ in range(2):
        assert isinstance(doors.enter("10.0.0.1", speaks_for_many=True), Entry)
        assert isinstance(doors.enter("::1"), Entry)
    assert doors.enter("::1").status == 503


def test_who_leaves_leaves_once(clock):
    doors = admit(clock, connections=5, connections_per_address=5)
    first, _ = doors.enter("192.0.2.7"), doors.enter("192.0.2.7")
    first.left()
    first.left()
    assert doors.connections == 1
    assert doors._by_network == {"192.0.2.7": 1}


def test_no_limits(clock):
    doors = admit(clock)
    assert all(isinstance(doors.enter("192.0.2.7"), Entry) for _ in range(1000))
    assert not any(doors.request("192.0.2.7") for _ in range(1000))


def test_the_rate_of_requests(clock):
    counted = Counted()
    doors = Admission(Limits(requests=0.5, burst=3), clock.seconds, counted)
    assert [doors.request("192.0.2.7") for _ in range(3)] == [None] * 3
    refused = doors.request("192.0.2.7")
    assert (refused.status, refused.close, told(refused, "Retry-After")) == (429, False, "2")
    assert counted == [("http.rate", "192.0.2.7")]
    assert doors.request("192.0.2.8") is None
    clock.advance(1.5)
    assert told(doors.request("192.0.2.7"), "Retry-After") == "1"
    clock.advance(0.5)
    assert doors.request("192.0.2.7") is None
    assert doors.request("192.0.2.7") is not None
    clock.advance(1_000)
    assert [doors.request("192.0.2.7") for _ in range(4)].count(None) == 3


def test_a_request_refused_costs_nothing(clock):
    doors = admit(clock, requests=1, burst=1)
    doors.request("192.0.2.7")
    for _ in range(100):
        assert told(doors.request("192.0.2.7"), "Retry-After") == "1"


def test_the_rate_of_an_ipv6_network(clock):
    doors = admit(clock, requests=1, burst=1)
    assert doors.request("2001:db8::1") is None
    assert doors.request("2001:db8::2").status == 429


def test_requests_of_this_machine_have_no_rate(clock):
    doors = admit(clock, requests=1, burst=1)
    assert not any(doors.request(each) for each in ("127.0.0.1", "::1") for _ in range(9))


def test_as_many_addresses_are_known_as_there_is_room_for(clock, monkeypatch):
    monkeypatch.setattr(admission, "KNOWN", 2)
    doors = admit(clock, requests=1, burst=1)
    for last in (1, 2, 1):
        doors.request(f"192.0.2.{last}")
    assert doors.request("192.0.2.3") is None
    assert len(doors._buckets) == 2
    assert doors.request("192.0.2.1") is not None
    assert doors.request("192.0.2.2") is None
