"""Contract of `private.SQLPrivate`, over every backend (XEP-0049)."""

import pytest

from tests.support.stores import credentials
from xmppd.jid import JID
from xmppd.storage.accounts import SQLAccounts
from xmppd.storage.private import PrivateFull, SQLPrivate

PREFS, NOTES = "exodus:prefs exodus", "storage:rosternotes storage"


@pytest.fixture
def database(backend):
    return backend.open()


@pytest.fixture
def private(database):
    return SQLPrivate(database)


@pytest.fixture
def hamlet(wait, database):
    return make(wait, database, "hamlet")


def make(wait, database, name):
    jid = JID.of(name, "shakespeare.lit")
    return wait(SQLAccounts(database).create(jid, credentials(), now=1602.0)).id


def put(wait, private, account, elements, most=10, octets=1_000):
    return wait(private.put(account, elements, most=most, octets=octets))


def test_an_element_reads_back_as_it_was_put(wait, private, hamlet):
    element = "<exodus xmlns='exodus:prefs'>Ωphelia\x00</exodus>".encode()
    put(wait, private, hamlet, {PREFS: element})
    assert wait(private.get(hamlet, [PREFS, NOTES])) == {PREFS: element}


def test_a_name_with_a_space_in_its_namespace_is_no_other(wait, private, hamlet):
    put(wait, private, hamlet, {"a b c": b"<c/>", "a b": b"<b/>"})
    assert wait(private.get(hamlet, ["a b c", "a b", "b c"])) == {"a b c": b"<c/>", "a b": b"<b/>"}


def test_what_is_put_takes_the_place_of_what_was_there(wait, private, hamlet):
    put(wait, private, hamlet, {PREFS: b"<a/>", NOTES: b"<n/>"})
    put(wait, private, hamlet, {PREFS: b"<b/>"})
    assert wait(private.get(hamlet, [PREFS, NOTES])) == {PREFS: b"<b/>", NOTES: b"<n/>"}
    put(wait, private, hamlet, {PREFS: b""})
    assert wait(private.get(hamlet, [PREFS, NOTES])) == {NOTES: b"<n/>"}


def test_no_account_has_what_is_another_ones(wait, private, database, hamlet):
    put(wait, private, hamlet, {PREFS: b"<a/>"})
    assert wait(private.get(make(wait, database, "macbeth"), [PREFS])) == {}


def test_it_goes_with_its_account(wait, private, database, hamlet):
    put(wait, private, hamlet, {PREFS: b"<a/>"})
    wait(SQLAccounts(database).remove(JID.of("hamlet", "shakespeare.lit")))

    async def rows(tx):
        return (await tx.execute("SELECT count(*) FROM private_xml")).rows[0][0]

    assert wait(database.read(rows)) == 0


def test_who_has_as_many_as_he_may_gets_no_further_one(wait, private, hamlet):
    put(wait, private, hamlet, {PREFS: b"<a/>"}, most=1)
    with pytest.raises(PrivateFull):
        put(wait, private, hamlet, {PREFS: b"<b/>", NOTES: b"<n/>"}, most=1)
    assert wait(private.get(hamlet, [PREFS, NOTES])) == {PREFS: b"<a/>"}
    put(wait, private, hamlet, {PREFS: b"<b/>"}, most=1)
    put(wait, private, hamlet, {PREFS: b"", NOTES: b"<n/>"}, most=1)
    assert wait(private.get(hamlet, [PREFS, NOTES])) == {NOTES: b"<n/>"}


def test_octets_are_counted_over_all_elements_of_one_account(wait, private, database, hamlet):
    put(wait, private, hamlet, {PREFS: b"x" * 600}, octets=1_000)
    put(wait, private, make(wait, database, "macbeth"), {PREFS: b"x" * 600}, octets=1_000)
    with pytest.raises(PrivateFull):
        put(wait, private, hamlet, {NOTES: b"x" * 401}, octets=1_000)
    put(wait, private, hamlet, {NOTES: b"x" * 400}, octets=1_000)


def test_a_limit_that_was_lowered_lets_what_is_there_get_smaller(wait, private, hamlet):
    put(wait, private, hamlet, {PREFS: b"x" * 900, NOTES: b"<n/>"})
    put(wait, private, hamlet, {PREFS: b"x" * 800}, most=1, octets=100)
    with pytest.raises(PrivateFull):
        put(wait, private, hamlet, {PREFS: b"x" * 801}, most=1, octets=100)
    assert wait(private.get(hamlet, [PREFS])) == {PREFS: b"x" * 800}
