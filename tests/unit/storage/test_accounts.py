"""Contract of `interfaces.Accounts`, over every backend."""

import pytest

from tests.support.stores import credentials, keys
from xmppd.credentials import Credentials
from xmppd.jid import JID
from xmppd.storage.accounts import SQLAccounts
from xmppd.storage.interfaces import Account, AccountExists

VERONA = "verona.example"
MANTUA = "mantua.example"

JULIET, ROMEO, TYBALT = (JID.of(name, VERONA) for name in ("juliet", "romeo", "tybalt"))
ELSEWHERE = JID.of("juliet", MANTUA)

ODD_NAMES = [
    "ζουλιέτα",
    "朱丽叶",
    "juli\N{LATIN SMALL LETTER A WITH ACUTE}",
    "o\\27neill",
    ";drop_table_accounts;--",
    "100%s?%",
    "j" * 1023,
]


def make(wait, accounts, jid, seed=1, now=1595.0):
    return wait(accounts.create(jid, credentials(seed), now=now))


def test_an_account_reads_back_as_it_was_made(wait, accounts):
    given = credentials(3, sealed=b"\x00sealed\xff")
    made = wait(accounts.create(JULIET, given, now=1595.25))
    assert made == Account(made.id, JULIET, 1595.25, True, given)
    assert wait(accounts.get(JULIET)) == made


def test_there_is_no_account_before_it_is_made(wait, accounts):
    assert wait(accounts.get(JULIET)) is None
    assert wait(accounts.exists(JULIET)) is False
    assert wait(accounts.count(VERONA)) == 0
    assert list(wait(accounts.list(VERONA))) == []


def test_a_name_is_taken_once_and_the_first_keeps_its_credentials(wait, accounts):
    first = make(wait, accounts, JULIET, seed=1)
    with pytest.raises(AccountExists) as caught:
        make(wait, accounts, JULIET, seed=7)
    assert caught.value.jid == JULIET
    assert wait(accounts.get(JULIET)) == first


def test_a_name_is_free_in_another_domain(wait, accounts):
    here = make(wait, accounts, JULIET, seed=1)
    there = make(wait, accounts, ELSEWHERE, seed=7)
    assert here.id != there.id
    assert wait(accounts.get(ELSEWHERE)).credentials == credentials(7)
    assert wait(accounts.get(JULIET)).credentials == credentials(1)


@pytest.mark.parametrize("local", ODD_NAMES, ids=range(len(ODD_NAMES)))
def test_any_name_is_kept_to_the_letter(wait, accounts, local):
    jid = JID.of(local, VERONA)
    assert jid.local == local
    made = make(wait, accounts, jid)
    assert wait(accounts.get(jid)) == made
    assert [each.jid for each in wait(accounts.list(VERONA))] == [jid]
    assert wait(accounts.remove(jid)) is True


def test_new_credentials_replace_all_of_the_old(wait, accounts):
    make(wait, accounts, JULIET)
    only = Credentials({"SHA-256": keys(9, iterations=20_000)})
    assert wait(accounts.set_credentials(JULIET, only)) is True
    assert wait(accounts.get(JULIET)).credentials == only
    sealed = credentials(11, sealed=b"sealed")
    assert wait(accounts.set_credentials(JULIET, sealed)) is True
    assert wait(accounts.get(JULIET)).credentials == sealed


def test_an_account_without_keys_is_still_an_account(wait, accounts):
    """One that is authenticated elsewhere."""
    made = wait(accounts.create(JULIET, Credentials({}), now=1595.0))
    assert wait(accounts.get(JULIET)) == made


def test_credentials_are_replaced_only_if_they_are_those_that_were_read(wait, accounts):
    first = make(wait, accounts, JULIET, seed=1)
    assert wait(accounts.replace_credentials(first, credentials(3))) is True
    assert wait(accounts.replace_credentials(first, credentials(5))) is False
    assert wait(accounts.get(JULIET)).credentials == credentials(3)


def test_credentials_of_an_account_are_not_those_of_the_next_of_its_name(wait, accounts):
    first = make(wait, accounts, JULIET)
    wait(accounts.remove(JULIET))
    assert wait(accounts.replace_credentials(first, credentials(3))) is False
    again = make(wait, accounts, JULIET)
    assert wait(accounts.replace_credentials(first, credentials(3))) is False
    assert wait(accounts.get(JULIET)) == again


def test_credentials_of_nobody_are_not_kept(wait, accounts):
    assert wait(accounts.set_credentials(JULIET, credentials(5))) is False
    assert wait(accounts.exists(JULIET)) is False


def test_switching_off_and_on(wait, accounts):
    make(wait, accounts, TYBALT)
    make(wait, accounts, JULIET)
    assert wait(accounts.set_enabled(TYBALT, False)) is True
    assert wait(accounts.get(TYBALT)).enabled is False
    assert wait(accounts.get(JULIET)).enabled is True
    assert wait(accounts.exists(TYBALT)) is True
    assert wait(accounts.set_enabled(TYBALT, True)) is True
    assert wait(accounts.get(TYBALT)).enabled is True
    assert wait(accounts.set_enabled(JID.of("mercutio", VERONA), True)) is False


def test_removing_takes_one_account_and_everything_that_refers_to_it(wait, backend):
    database = backend.open()
    accounts = SQLAccounts(database)
    gone = make(wait, accounts, TYBALT)
    stays = make(wait, accounts, JULIET)

    async def referring(tx):
        return [row[0] for row in (await tx.execute("SELECT account FROM credentials")).rows]

    assert wait(accounts.remove(TYBALT)) is True
    assert wait(accounts.get(TYBALT)) is None
    left = wait(database.read(referring))
    assert gone.id not in left
    assert stays.id in left
    assert wait(accounts.get(JULIET)) == stays
    assert wait(accounts.remove(TYBALT)) is False


def test_an_account_made_again_inherits_nothing_and_has_a_new_id(wait, accounts):
    before = wait(accounts.create(JULIET, credentials(1, sealed=b"sealed"), now=1595.0))
    wait(accounts.set_enabled(JULIET, False))
    wait(accounts.remove(JULIET))
    only = Credentials({"SHA-256": keys(9)})
    after = wait(accounts.create(JULIET, only, now=1597.0))
    assert after.id > before.id
    assert wait(accounts.get(JULIET)) == Account(after.id, JULIET, 1597.0, True, only)


def test_paging_meets_every_account_of_the_domain_once_in_order(wait, accounts):
    names = ["benvolio", "juliet", "nurse", "romeo", "tybalt", "ζ", "\N{OLD ITALIC LETTER A}"]
    for name in reversed(names):
        make(wait, accounts, JID.of(name, VERONA))
    make(wait, accounts, JID.of("paris", MANTUA))
    seen, pages, after = [], [], ""
    while page := wait(accounts.list(VERONA, after, limit=3)):
        pages.append(len(page))
        seen += [account.jid.local for account in page]
        after = page[-1].jid.local
    assert seen == names
    assert pages == [3, 3, 1]


def test_a_page_shows_whole_accounts(wait, accounts):
    made = [make(wait, accounts, jid, seed=n) for n, jid in enumerate([JULIET, ROMEO])]
    assert list(wait(accounts.list(VERONA))) == made


def test_paging_goes_on_behind_an_account_that_was_removed(wait, accounts):
    for name in ("benvolio", "juliet", "romeo"):
        make(wait, accounts, JID.of(name, VERONA))
    wait(accounts.remove(JULIET))
    assert [each.jid.local for each in wait(accounts.list(VERONA, "juliet"))] == ["romeo"]


def test_counting_is_by_domain(wait, accounts):
    make(wait, accounts, JULIET)
    make(wait, accounts, ROMEO)
    make(wait, accounts, JID.of("paris", MANTUA))
    wait(accounts.set_enabled(ROMEO, False))
    assert (wait(accounts.count(VERONA)), wait(accounts.count(MANTUA))) == (2, 1)


@pytest.mark.parametrize("stretch", [1, 2, 5_000])
def test_iteration_counts_are_told_by_domain(wait, accounts, monkeypatch, stretch):
    monkeypatch.setattr("xmppd.storage.accounts.STRETCH", stretch)
    assert wait(accounts.iterations()) == {}
    make(wait, accounts, JULIET)
    paris = JID.of("paris", VERONA)
    make(wait, accounts, paris)
    wait(accounts.remove(paris))
    make(wait, accounts, ELSEWHERE)
    old = Credentials({"SHA-256": keys(9, iterations=4096)})
    wait(accounts.create(ROMEO, old, now=1595.0))
    assert wait(accounts.iterations()) == {VERONA: {4096: 1, 10_000: 2}, MANTUA: {10_000: 2}}


def test_an_account_in_a_log_line_gives_no_keys_away(wait, accounts):
    text = repr(make(wait, accounts, JULIET))
    assert "juliet" in text
    assert "stored_key" not in text and "server_key" not in text
