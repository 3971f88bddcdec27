"""How many connections are let in, and how fast they may send."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xmppd.config import Limits
from xmppd.core.limits import Admission, Admitted, Bucket


def admission(**limits: int) -> Admission:
    defaults = {
        "connections_per_address": 0,
        "unauthenticated": 0,
        "unauthenticated_per_address": 0,
    }
    return Admission(Limits(**{**defaults, **limits}))


def enter(admission: Admission, *addresses: str, authenticated: bool = False) -> list[Admitted]:
    """Let in who is let in, each address in turn."""
    found = []
    for address in addresses:
        if admission.refusal(address) is None:
            one = admission.enter(address, lambda: None)
            if authenticated:
                one.authenticated()
            found.append(one)
    return found


def test_an_address_has_so_many_connections_and_no_more() -> None:
    door = admission(connections_per_address=3)
    inside = enter(door, *["192.0.2.1"] * 5, authenticated=True)
    assert len(inside) == 3
    assert door.refusal("192.0.2.1") == "limit.connections"
    assert door.refusal("192.0.2.2") is None
    inside[0].left()
    assert door.refusal("192.0.2.1") is None


def test_the_addresses_of_an_ipv6_network_share_their_limit() -> None:
    door = admission(connections_per_address=3)
    enter(door, *(f"2001:db8::{n}" for n in range(1, 4)))
    assert door.refusal("2001:db8::ffff:1") == "limit.connections"
    assert door.refusal("2001:db8:0:1::1") is None


def test_a_mapped_address_is_no_second_address() -> None:
    door = admission(connections_per_address=1)
    enter(door, "192.0.2.1")
    assert door.refusal("::ffff:192.0.2.1") == "limit.connections"


def test_who_has_logged_in_is_no_stranger() -> None:
    door = admission(unauthenticated_per_address=1)
    (one,) = enter(door, *["192.0.2.1"] * 2)
    assert door.refusal("192.0.2.1") == "limit.unauthenticated"
    one.authenticated()
    one.authenticated()
    assert door.refusal("192.0.2.1") is None
    assert len(enter(door, *["192.0.2.1"] * 2)) == 1


def test_the_stranger_who_came_first_makes_room_even_on_loopback() -> None:
    """Whoever fills the house with silent connections locks nobody out."""
    door = admission(unauthenticated=2)
    evicted: list[str] = []
    inside = {
        name: door.enter(name, lambda name=name: evicted.append(name))  # type: ignore[misc]
        for name in ("192.0.2.1", "127.0.0.1", "192.0.2.3")
    }
    assert evicted == ["192.0.2.1"]
    inside["127.0.0.1"].authenticated()
    door.enter("192.0.2.4", lambda: None)
    assert evicted == ["192.0.2.1"]
    door.limits = Limits(unauthenticated=1)
    door.enter("192.0.2.5", lambda: None)
    assert evicted == ["192.0.2.1", "192.0.2.3"]
    for one in inside.values():
        one.left()
    assert list(door._connections) == ["192.0.2.4", "192.0.2.5"]


def test_loopback_has_no_limit_of_its_own() -> None:
    door = admission(connections_per_address=1, unauthenticated_per_address=1, unauthenticated=100)
    assert len(enter(door, *["127.0.0.1", "::1", ""] * 10)) == 30


def test_zero_is_no_limit() -> None:
    assert len(enter(admission(), *["192.0.2.1"] * 500)) == 500


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=60))
def test_whatever_comes_and_goes_the_counts_end_at_nothing(moves: list[tuple[int, int]]) -> None:
    """And nothing is remembered of who has left."""
    door = admission(connections_per_address=5, unauthenticated=9, unauthenticated_per_address=4)
    inside: list[Admitted] = []
    for address, move in moves:
        if move == 0:
            inside += enter(door, f"192.0.2.{address}")
        elif inside:
            one = inside[address % len(inside)]
            one.authenticated()
            if move == 2:
                inside.remove(one)
                one.left()
    for one in inside:
        one.left()
    assert (door._connections, door._strangers, door._pool) == ({}, {}, {})


# ---------------------------------------------------------------------- the bucket


def test_a_burst_is_free_and_then_the_rate_holds() -> None:
    bucket = Bucket(1_000, 5_000, 0.0)
    assert bucket.take(5_000, 0.0) == 0
    assert bucket.take(1_000, 0.0) == 1.0
    assert bucket.take(0, 1.0) == 0
    assert bucket.take(500, 1.0) == 0.5


def test_waiting_saves_up_no_more_than_a_burst() -> None:
    bucket = Bucket(1_000, 5_000, 0.0)
    assert bucket.take(5_000, 1e6) == 0
    assert bucket.take(1, 1e6) > 0


@given(st.lists(st.integers(1, 65_536), min_size=1, max_size=50))
def test_who_waits_as_told_is_never_faster_than_the_rate(sizes: list[int]) -> None:
    bucket = Bucket(10_000, 20_000, 0.0)
    now = 0.0
    for size in sizes:
        now += bucket.take(size, now)
    assert sum(sizes) <= 20_000 + 10_000 * now + 1


def test_nobody_is_let_in_whom_there_is_no_file_for_wherever_he_comes_from() -> None:
    door = admission()
    door.files = 2
    one, _ = enter(door, "127.0.0.1", "192.0.2.1")
    assert {door.refusal("127.0.0.1"), door.refusal("192.0.2.2")} == {"limit.files"}
    one.left()
    assert door.refusal("192.0.2.2") is None
