"""Which of several instances serves an address (rendezvous hashing), and how one takes over."""

import hashlib
from collections import Counter

import pytest

from xmppd.core.components.choice import Choice, Owners
from xmppd.errors import StanzaError
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

ROOMS = [f"room{number}@rooms.capulet.lit" for number in range(300)]


def owners(*names):
    return {room: Owners(names).of(room) for room in ROOMS}


def test_addresses_are_shared_about_evenly():
    shares = Counter(owners("a", "b", "c").values())
    assert set(shares) == {"a", "b", "c"}
    assert min(shares.values()) > 70


def test_it_does_not_matter_in_which_order_they_came():
    assert owners("a", "b", "c") == owners("c", "a", "b")


def test_only_what_a_new_one_gets_moves():
    before, after = owners("a", "b"), owners("a", "b", "c")
    assert {after[room] for room in ROOMS if after[room] != before[room]} == {"c"}


def test_only_what_had_been_a_lost_ones_moves():
    before, after = owners("a", "b", "c"), owners("a", "b")
    assert {before[room] for room in ROOMS if after[room] != before[room]} == {"c"}


def test_the_hash_is_what_the_guide_says():
    """SHA-1 of the name, a zero octet and the address; the greatest wins."""
    room = ROOMS[0]
    digests = {n: hashlib.sha1(n.encode() + b"\0" + room.encode()).hexdigest() for n in "abc"}
    assert Owners("abc").of(room) == max(digests, key=digests.get)


def test_what_is_remembered_of_owners_is_bounded(monkeypatch):
    monkeypatch.setattr("xmppd.core.components.choice.REMEMBERED", 10)
    owners = Owners("ab")
    for room in ROOMS:
        owners.of(room)
    assert len(owners._known) <= 10


class Stage:
    """A choice, and what was delivered and bounced."""

    def __init__(self):
        self.delivered = []
        self.bounced = []
        self.now = 1_000.0
        self.choice = Choice(
            lambda name, stanza, address: self.delivered.append((name, stanza.id)),
            lambda stanza, error: self.bounced.append((stanza.id, error.condition)),
            lambda: self.now,
        )

    def send(self, room, id_="", claim=None):
        stanza = Stanza("message", {"id": id_ or room}, [], b"")
        stanza.claim = claim
        self.choice.route(room, stanza)

    def taken(self):
        taken, self.delivered = self.delivered, []
        return taken


@pytest.fixture
def stage():
    return Stage()


def moving(before, after):
    """An address that another instance has afterwards, and one that stays."""
    was, becomes = owners(*before), owners(*after)
    moved = next(room for room in ROOMS if was[room] != becomes[room])
    stays = next(room for room in ROOMS if was[room] == becomes[room])
    return moved, stays


def test_an_address_that_moves_waits_until_its_owner_has_let_go(stage):
    moved, stays = moving("a", "ab")
    stage.choice.change("a")
    stage.choice.change("ab")
    stage.send(moved)
    stage.send(stays)
    assert stage.taken() == [("a", stays)]
    assert stage.choice.waiting == 1
    stage.choice.let_go("b", stage.choice.epoch)
    assert stage.taken() == []
    stage.choice.let_go("a", stage.choice.epoch)
    assert stage.taken() == [("b", moved)]
    stage.send(moved)
    assert stage.taken() == [("b", moved)]


def test_what_waits_keeps_its_order(stage):
    moved, _ = moving("a", "ab")
    stage.choice.change("a")
    stage.choice.change("ab")
    for id_ in "123":
        stage.send(moved, id_)
    stage.choice.let_go("a", stage.choice.epoch)
    assert stage.taken() == [("b", "1"), ("b", "2"), ("b", "3")]


def test_who_answers_for_an_epoch_that_is_over_has_not_let_go(stage):
    moved, _ = moving("a", "ab")
    stage.choice.change("a")
    stage.choice.change("ab")
    old = stage.choice.epoch
    stage.choice.change("abc")
    stage.send(moved)
    stage.choice.let_go("a", old)
    assert stage.taken() == []
    stage.choice.let_go("a", stage.choice.epoch)
    stage.choice.let_go("b", stage.choice.epoch)
    assert [id_ for _, id_ in stage.taken()] == [moved]


def test_who_is_gone_has_let_go(stage):
    moved, _ = moving("ab", "b")
    stage.choice.change("ab")
    stage.choice.let_go("a", stage.choice.epoch)
    stage.choice.let_go("b", stage.choice.epoch)
    stage.choice.change("b")
    stage.send(moved)
    assert stage.taken() == [("b", moved)]


def test_who_goes_while_others_wait_for_him_lets_them_go(stage):
    moved, _ = moving("a", "ab")
    stage.choice.change("a")
    stage.choice.change("ab")
    stage.send(moved)
    stage.choice.change("b")
    assert stage.taken() == [("b", moved)]


def test_an_address_that_came_back_need_not_wait(stage):
    """B came, and was gone before A had let go: A has had the address all the time."""
    moved, _ = moving("a", "ab")
    stage.choice.change("a")
    stage.choice.change("ab")
    stage.send(moved)
    stage.choice.change("a")
    assert stage.taken() == [("a", moved)]


def test_nobody_is_left(stage):
    moved, _ = moving("a", "ab")
    stage.choice.change("a")
    stage.choice.change("ab")
    stage.send(moved)
    stage.choice.change("")
    assert stage.bounced == [(moved, "service-unavailable")]


def test_what_waits_is_bounded_and_held(stage, monkeypatch):
    monkeypatch.setattr("xmppd.core.components.choice.MOST_WAITING", 1)
    moved, _ = moving("a", "ab")
    stage.choice.change("a")
    stage.choice.change("ab")
    claim = Claim()
    stage.send(moved, claim=claim)
    assert claim.held == 2
    with pytest.raises(StanzaError, match="resource-constraint"):
        stage.send(moved)
    stage.choice.let_go("a", stage.choice.epoch)
    assert claim.held == 1


def test_epochs_grow_over_a_restart(stage):
    stage.choice.change("a")
    stage.choice.change("ab")
    first = stage.choice.epoch
    again = Stage()
    again.now = stage.now + 1
    again.choice.change("a")
    assert again.choice.epoch > first


def test_what_waits_is_bounded_in_octets(stage, monkeypatch):
    monkeypatch.setattr("xmppd.core.components.choice.MOST_OCTETS", 100)
    moved, _ = moving("a", "ab")
    stage.choice.change("a")
    stage.choice.change("ab")
    for _ in range(2):
        stage.send(moved, "x" * 60)
        with pytest.raises(StanzaError):
            stage.send(moved, "x" * 60)
        stage.choice.let_go("a", stage.choice.epoch)
        stage.choice.change("a")
        stage.choice.change("ab")
