"""Contract of `privacy.SQLPrivacy`, over every backend."""

import pytest

from tests.support.stores import Accounts
from xmppd.core.privacy import ALL, IQ, MESSAGE
from xmppd.jid import JID
from xmppd.storage.privacy import PrivacyItem, SQLPrivacy, StoredPrivacy

JULIET = JID.of("juliet", "verona.example")
TYBALT = PrivacyItem(3, True, ALL, "jid", "tybalt@verona.example/sword")
ENEMIES = PrivacyItem(4, True, MESSAGE | IQ, "group", "Ennemis \N{CROSSED SWORDS} '; --")
BOTH = PrivacyItem(5, False, ALL, "subscription", "both")
REST = PrivacyItem(2**32 - 1, True, ALL)


class Verona(Accounts):
    """A database, an account in it, and its lists."""

    def __init__(self, backend):
        super().__init__(backend)
        self.privacy = SQLPrivacy(self.database)
        self.juliet = self.make(JULIET)

    def load(self, account=None):
        number = self.juliet if account is None else account
        return self.wait(self.database.read(lambda tx: self.privacy.load(tx, number)))

    def change(self, default="", **lists):
        self.wait(self.privacy.change(self.juliet, lists, default))


@pytest.fixture
def verona(backend):
    return Verona(backend)


def test_an_account_begins_without_lists(verona):
    assert verona.load() == StoredPrivacy({}, "")


@pytest.mark.parametrize("items", [(TYBALT,), (TYBALT, ENEMIES, BOTH, REST), ()])
def test_a_list_reads_back_as_it_was_put(verona, items):
    verona.change(public=items)
    assert verona.load() == StoredPrivacy({"public": items}, "")


def test_any_name_is_kept_to_the_letter(verona):
    names = ["Öffentlich", "öffentlich", "a'; DROP TABLE privacy_lists; --", "x" * 1023, " "]
    verona.wait(verona.privacy.change(verona.juliet, dict.fromkeys(names, (REST,)), names[0]))
    assert set(verona.load().lists) == set(names)
    assert verona.load().default == names[0]


def test_a_list_takes_the_place_of_the_one_of_its_name_and_of_no_other(verona):
    verona.change(public=(TYBALT,), private=(REST,))
    verona.change(public=(BOTH,))
    assert verona.load().lists == {"public": (BOTH,), "private": (REST,)}


def test_a_list_is_removed_by_none(verona):
    verona.change("private", public=(TYBALT,), private=(REST,))
    verona.change("private", public=None)
    assert verona.load() == StoredPrivacy({"private": (REST,)}, "private")


def test_the_default_is_set_changed_and_declined(verona):
    verona.change("public", public=(TYBALT,), private=(REST,))
    assert verona.load().default == "public"
    verona.change("private")
    assert verona.load().default == "private"
    verona.change("")
    assert verona.load() == StoredPrivacy({"public": (TYBALT,), "private": (REST,)}, "")


def test_lists_are_of_one_account(verona):
    romeo = verona.make(JID.of("romeo", "verona.example"))
    verona.change("public", public=(TYBALT,))
    assert verona.load(romeo) == StoredPrivacy({}, "")


def test_an_account_made_again_inherits_no_lists(verona):
    verona.change("public", public=(TYBALT,))
    verona.wait(verona.accounts.remove(JULIET))
    assert verona.load() == StoredPrivacy({}, "")
    assert verona.load(verona.make(JULIET)) == StoredPrivacy({}, "")
