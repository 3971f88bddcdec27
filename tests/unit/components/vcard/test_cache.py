"""The cache in front of the store: right on change, bounded in octets."""

from sys import getsizeof

import pytest
from twisted.internet.defer import CancelledError, Deferred

from components.vcard.cache import NONE, CachedVCards, Known, octets
from components.vcard.store import Edited, StoredVCard
from components.vcard.vcard import VCard
from tests.support.deferred import result
from xmppd.errors import StoreBusy, StoreError
from xmppd.jid import JID

JULIET, ROMEO, NURSE = (JID.parse(f"{name}@verona.example") for name in ("juliet", "romeo", "nu"))
OLD, NEW = StoredVCard(b"<old/>", "", 1.0), StoredVCard(b"<new/>", "", 2.0)


class Store:
    """Answers when it is told to, in any order."""

    def __init__(self):
        self.asked = []

    def get(self, owner):
        return self._ask("get", owner)

    def edit(self, owner, edit, *, now, publish, cleared):
        return self._ask("edit", owner)

    def erase(self, owner):
        return self._ask("erase", owner)

    def _ask(self, what, owner):
        self.asked.append((what, owner, Deferred()))
        return self.asked[-1][2]

    def answer(self, number, value):
        answer = self.asked[number][2]
        (answer.errback if isinstance(value, Exception) else answer.callback)(value)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def cache(store):
    return CachedVCards(store, 10_000)


def get(cache, store, owner, stored):
    answer = cache.get(owner)
    store.answer(-1, stored)
    return result(answer)


def edited(after=NEW):
    return Edited(OLD, after and VCard(after.encoded, None, None))


def cached(cache, store, owner):
    """What is had without the store, None where that has to be asked."""
    asked = len(store.asked)
    answer = cache.get(owner)
    if len(store.asked) > asked:
        answer.addErrback(lambda failure: None)
        store.answer(-1, StoreError())
        return None
    return result(answer)


@pytest.mark.parametrize("stored", [OLD, None])
def test_what_was_read_is_not_read_again_and_who_has_none_neither(cache, store, stored):
    known = Known(stored.encoded, "") if stored else NONE
    assert get(cache, store, JULIET, stored) == known
    assert result(cache.get(JULIET)) == known
    assert len(store.asked) == 1
    assert cached(cache, store, ROMEO) is None


def test_many_who_ask_at_once_are_one_to_the_store(cache, store):
    answers = [cache.get(JULIET) for _ in range(5)]
    store.answer(0, OLD)
    assert {result(answer).encoded for answer in answers} == {b"<old/>"}
    assert len(store.asked) == 1


def test_a_failure_is_told_to_all_and_not_kept(cache, store):
    answers = [cache.get(JULIET) for _ in range(2)]
    store.answer(0, StoreBusy())
    for answer in answers:
        with pytest.raises(StoreBusy):
            result(answer)
    assert get(cache, store, JULIET, OLD).encoded == b"<old/>"


def test_a_change_is_seen_once_it_is_done(cache, store):
    get(cache, store, JULIET, OLD)
    cache.edit(JULIET, None, now=2.0)
    assert result(cache.get(JULIET)).encoded == b"<old/>"
    store.answer(1, edited())
    assert result(cache.get(JULIET)).encoded == b"<new/>"
    cache.edit(JULIET, None, now=3.0)
    store.answer(2, edited(None))
    assert result(cache.get(JULIET)) == NONE
    assert len(store.asked) == 3


@pytest.mark.parametrize(("how", "after"), [("edit", b"<new/>"), ("erase", None)])
def test_a_change_that_took_too_long_is_seen_once_it_is_done(cache, store, how, after):
    """The store does it all the same."""
    get(cache, store, JULIET, OLD)
    change = cache.edit(JULIET, None, now=2.0) if how == "edit" else cache.erase(JULIET)
    change.cancel()
    assert result(cache.get(JULIET)).encoded == b"<old/>"
    store.answer(1, edited() if how == "edit" else None)
    with pytest.raises(CancelledError):
        result(change)
    assert result(cache.get(JULIET)).encoded == after


def test_a_reading_that_is_older_than_a_change_is_not_kept(cache, store):
    reading = cache.get(JULIET)
    cache.edit(JULIET, None, now=2.0)
    store.answer(1, edited())
    assert result(cache.get(JULIET)).encoded == b"<new/>"
    store.answer(0, OLD)
    assert result(reading).encoded == b"<old/>"
    assert result(cache.get(JULIET)).encoded == b"<new/>"


def test_nor_is_it_when_nobody_can_say_whether_the_change_was_done(cache, store):
    get(cache, store, JULIET, OLD)
    change = cache.edit(JULIET, None, now=2.0)
    reading = cache.get(ROMEO)
    other = cache.edit(ROMEO, None, now=2.0)
    store.answer(1, StoreError())
    store.answer(3, StoreError())
    store.answer(2, OLD)
    for failed in (change, other):
        with pytest.raises(StoreError):
            result(failed)
    assert result(reading).encoded == b"<old/>"
    assert cached(cache, store, JULIET) is cached(cache, store, ROMEO) is None


def test_who_asks_after_a_change_is_not_told_what_was_read_before_it(cache, store):
    early = cache.get(JULIET)
    change = cache.edit(JULIET, None, now=2.0)
    store.answer(1, StoreError())
    change.addErrback(lambda failure: None)
    late = cache.get(JULIET)
    store.answer(2, NEW)
    store.answer(0, OLD)
    assert (result(early).encoded, result(late).encoded) == (b"<old/>", b"<new/>")
    assert result(cache.get(JULIET)).encoded == b"<new/>"


def test_the_one_that_was_asked_for_longest_ago_goes_first(store):
    cache = CachedVCards(store, 3 * octets(JULIET, Known(b"0123456789", "")))
    for owner in (JULIET, ROMEO, NURSE):
        get(cache, store, owner, StoredVCard(b"0123456789", "", 1.0))
    result(cache.get(JULIET))
    get(cache, store, JID.parse("tybalt@x"), None)
    assert cached(cache, store, ROMEO) is None
    assert cached(cache, store, JULIET) is not None
    assert cached(cache, store, NURSE) is not None


def test_answers_that_there_is_none_are_bounded_too(store):
    cache = CachedVCards(store, 100 * octets(JID.parse("u000@x"), NONE))
    for number in range(1_000):
        get(cache, store, JID.parse(f"u{number:03}@x"), None)
    assert len(cache._known) == 100


@pytest.mark.parametrize("character", ["a", "\u0436", "\u6f22", "\U0001d157"])
def test_so_are_the_longest_addresses_at_which_nobody_is(store, character):
    """Of whatever width: Python takes as much for each character as for the widest."""
    cache = CachedVCards(store, 1_000_000)
    local = character * (1_000 // len(character.encode()))
    for number in range(500):
        get(cache, store, JID.parse(f"{number}{local}@x"), None)
    parts = [(o, o.local, o.attr) for o in cache._known]
    assert 100_000 < sum(getsizeof(part) for each in parts for part in each) < 1_000_000


def test_what_is_larger_than_the_cache_is_told_all_the_same(store):
    cache = CachedVCards(store, 1_000)
    get(cache, store, ROMEO, OLD)
    assert get(cache, store, JULIET, StoredVCard(b"x" * 2_000, "", 1.0)).encoded == b"x" * 2_000
    assert cached(cache, store, JULIET) is None
    assert cache._room == 1_000


def test_room_is_counted_right_whatever_happens(cache, store):
    for stored in (OLD, None, StoredVCard(b"x" * 500, "", 1.0)):
        cache.edit(JULIET, None, now=1.0)
        store.answer(-1, edited(stored))
        get(cache, store, ROMEO, stored) if cached(cache, store, ROMEO) is None else None
        assert cache._room + sum(octets(*each) for each in cache._known.items()) == 10_000
        cache.add_vcard4(ROMEO, cache.at_hand(ROMEO), b"<vcard/>")
        assert cache._room + sum(octets(*each) for each in cache._known.items()) == 10_000
    cache.clear()
    assert cache._room == 10_000


def test_a_vcard4_of_what_is_known_no_more_is_not_kept(cache, store):
    known = get(cache, store, JULIET, OLD)
    cache.edit(JULIET, None, now=2.0)
    store.answer(1, edited())
    cache.add_vcard4(JULIET, known, b"<older/>")
    assert cache.at_hand(JULIET) == Known(b"<new/>", "")
    cache.add_vcard4(ROMEO, known, b"<older/>")
    assert cache.at_hand(ROMEO) is None


def test_what_others_may_have_changed_can_be_forgotten(cache, store):
    get(cache, store, JULIET, OLD)
    reading = cache.get(ROMEO)
    cache.clear()
    store.answer(1, OLD)
    assert result(reading).encoded == b"<old/>"
    assert cached(cache, store, JULIET) is cached(cache, store, ROMEO) is None
