"""Contract of `interfaces.Accounts`, over every backend."""

import pytest

from tests.support.stores import credentials, keys
from xmppd.credentials import Credentials
from xmppd.storage.accounts import SQLAccounts
from xmppd.storage.interfaces import Account, AccountExists

VERONA = "verona.example"
MANTUA = "mantua.example"

ODD_NAMES = [
    "ζουλιέτα",
    "朱丽叶",
    "julia\N{COMBINING ACUTE ACCENT}",
    "\N{MATHEMATICAL SCRIPT SMALL J}uliet",
    "o'neill",
    '"; DROP TABLE accounts; --',
    "100%s?%",
    "j" * 1023,
]


def make(wait, accounts, local, domain=VERONA, seed=1, now=1595.0):
    return wait(accounts.create(local, domain, credentials(seed), now=now))


def test_an_account_reads_back_as_it_was_made(wait, accounts):
    given = credentials(3, sealed=b"\x00sealed\xff")
    made = wait(accounts.create("juliet", VERONA, given, now=1595.25))
    assert made == Account(made.id, "juliet", VERONA, 1595.25, True, given)
    assert wait(accounts.get("juliet", VERONA)) == made


def test_there_is_no_account_before_it_is_made(wait, accounts):
    assert wait(accounts.get("juliet", VERONA)) is None
    assert wait(accounts.exists("juliet", VERONA)) is False
    assert wait(accounts.count(VERONA)) == 0
    assert list(wait(accounts.list(VERONA))) == []


def test_a_name_is_taken_once_and_the_first_keeps_its_credentials(wait, accounts):
    first = make(wait, accounts, "juliet", seed=1)
    with pytest.raises(AccountExists) as caught:
        make(wait, accounts, "juliet", seed=7)
    assert (caught.value.local, caught.value.domain) == ("juliet", VERONA)
    assert wait(accounts.get("juliet", VERONA)) == first


def test_a_name_is_free_in_another_domain(wait, accounts):
    here = make(wait, accounts, "juliet", VERONA, seed=1)
    there = make(wait, accounts, "juliet", MANTUA, seed=7)
    assert here.id != there.id
    assert wait(accounts.get("juliet", MANTUA)).credentials == credentials(7)
    assert wait(accounts.get("juliet", VERONA)).credentials == credentials(1)


def test_names_are_compared_by_byte(wait, accounts):
    make(wait, accounts, "juliet")
    assert wait(accounts.exists("Juliet", VERONA)) is False
    make(wait, accounts, "Juliet")
    assert wait(accounts.count(VERONA)) == 2


@pytest.mark.parametrize("local", ODD_NAMES, ids=range(len(ODD_NAMES)))
def test_any_name_is_kept_to_the_letter(wait, accounts, local):
    made = make(wait, accounts, local)
    assert wait(accounts.get(local, VERONA)) == made
    assert [each.local for each in wait(accounts.list(VERONA))] == [local]
    assert wait(accounts.remove(local, VERONA)) is True


def test_new_credentials_replace_all_of_the_old(wait, accounts):
    make(wait, accounts, "juliet")
    only = Credentials({"SHA-256": keys(9, iterations=20_000)})
    assert wait(accounts.set_credentials("juliet", VERONA, only)) is True
    assert wait(accounts.get("juliet", VERONA)).credentials == only
    sealed = credentials(11, sealed=b"sealed")
    assert wait(accounts.set_credentials("juliet", VERONA, sealed)) is True
    assert wait(accounts.get("juliet", VERONA)).credentials == sealed


def test_an_account_without_keys_is_still_an_account(wait, accounts):
    """One that is authenticated elsewhere."""
    made = wait(accounts.create("juliet", VERONA, Credentials({}), now=1595.0))
    assert wait(accounts.get("juliet", VERONA)) == made


def test_credentials_of_nobody_are_not_kept(wait, accounts):
    assert wait(accounts.set_credentials("juliet", VERONA, credentials(5))) is False
    assert wait(accounts.exists("juliet", VERONA)) is False


def test_switching_off_and_on(wait, accounts):
    make(wait, accounts, "tybalt")
    make(wait, accounts, "juliet")
    assert wait(accounts.set_enabled("tybalt", VERONA, False)) is True
    assert wait(accounts.get("tybalt", VERONA)).enabled is False
    assert wait(accounts.get("juliet", VERONA)).enabled is True
    assert wait(accounts.exists("tybalt", VERONA)) is True
    assert wait(accounts.set_enabled("tybalt", VERONA, True)) is True
    assert wait(accounts.get("tybalt", VERONA)).enabled is True
    assert wait(accounts.set_enabled("mercutio", VERONA, True)) is False


def test_removing_takes_one_account_and_everything_that_refers_to_it(wait, backend):
    database = backend.open()
    accounts = SQLAccounts(database)
    gone = make(wait, accounts, "tybalt")
    stays = make(wait, accounts, "juliet")

    async def referring(tx):
        return [row[0] for row in (await tx.execute("SELECT account FROM credentials")).rows]

    assert wait(accounts.remove("tybalt", VERONA)) is True
    assert wait(accounts.get("tybalt", VERONA)) is None
    left = wait(database.read(referring))
    assert gone.id not in left
    assert stays.id in left
    assert wait(accounts.get("juliet", VERONA)) == stays
    assert wait(accounts.remove("tybalt", VERONA)) is False


def test_an_account_made_again_inherits_nothing_and_has_a_new_id(wait, accounts):
    before = wait(accounts.create("juliet", VERONA, credentials(1, sealed=b"sealed"), now=1595.0))
    wait(accounts.set_enabled("juliet", VERONA, False))
    wait(accounts.remove("juliet", VERONA))
    only = Credentials({"SHA-256": keys(9)})
    after = wait(accounts.create("juliet", VERONA, only, now=1597.0))
    assert after.id > before.id
    assert wait(accounts.get("juliet", VERONA)) == Account(
        after.id, "juliet", VERONA, 1597.0, True, only
    )


def test_paging_meets_every_account_of_the_domain_once_in_order(wait, accounts):
    names = ["benvolio", "juliet", "nurse", "romeo", "tybalt", "ζ", "\N{GRINNING FACE}"]
    for name in reversed(names):
        make(wait, accounts, name)
    make(wait, accounts, "paris", MANTUA)
    seen, pages, after = [], [], ""
    while page := wait(accounts.list(VERONA, after, limit=3)):
        pages.append(len(page))
        seen += [account.local for account in page]
        after = page[-1].local
    assert seen == names
    assert pages == [3, 3, 1]


def test_a_page_shows_whole_accounts(wait, accounts):
    made = [make(wait, accounts, name, seed=n) for n, name in enumerate(["juliet", "romeo"])]
    assert list(wait(accounts.list(VERONA))) == made


def test_paging_goes_on_behind_an_account_that_was_removed(wait, accounts):
    for name in ("benvolio", "juliet", "romeo"):
        make(wait, accounts, name)
    wait(accounts.remove("juliet", VERONA))
    assert [each.local for each in wait(accounts.list(VERONA, "juliet"))] == ["romeo"]


def test_counting_is_by_domain(wait, accounts):
    make(wait, accounts, "juliet")
    make(wait, accounts, "romeo")
    make(wait, accounts, "paris", MANTUA)
    wait(accounts.set_enabled("romeo", VERONA, False))
    assert (wait(accounts.count(VERONA)), wait(accounts.count(MANTUA))) == (2, 1)


def test_an_account_in_a_log_line_gives_no_keys_away(wait, accounts):
    text = repr(make(wait, accounts, "juliet"))
    assert "juliet" in text
    assert "stored_key" not in text and "server_key" not in text
