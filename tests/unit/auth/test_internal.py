"""Credentials checked against the accounts store: xmppd/auth/internal.py."""

import hashlib
from dataclasses import replace

import pytest
from twisted.internet.defer import fail

from tests.support.deferred import refusal, result
from xmppd.auth.claim import claim
from xmppd.auth.internal import AccountBackend
from xmppd.auth.seal import Seal
from xmppd.credentials import Credentials, make_credentials, verify
from xmppd.errors import StoreBusy
from xmppd.jid import JID

DOMAIN = "capulet.lit"
NOT_AUTHORIZED = ("not-authorized", "auth.credentials")
CHANGED = ("temporary-auth-failure", "auth.changed")
JULIET, TYBALT = JID(f"juliet@{DOMAIN}"), JID(f"tybalt@{DOMAIN}")
UNAVAILABLE = ("temporary-auth-failure", "auth.unavailable")
NO_ACCOUNT = ["paris", "", "@", "juliet@x", "\x07", "\ud800", "x" * 2000]


def as_(username, domain=DOMAIN):
    return claim(username, domain, "192.0.2.7")


class TestCheckPassword:
    def test_right_and_wrong(self, backend):
        assert result(backend.check_password(as_("juliet"), "r0m30")).value is True
        assert result(backend.check_password(as_("juliet"), "wrong")).value is False

    def test_the_name_is_prepared_as_a_localpart(self, backend):
        assert result(backend.check_password(as_("JULIET"), "r0m30")).value is True

    @pytest.mark.parametrize("username", NO_ACCOUNT)
    def test_an_unknown_user_is_a_no_after_the_same_work(self, backend, threads, username):
        result(backend.check_password(as_("juliet"), "wrong"))
        known, threads.ran = threads.ran, []
        assert result(backend.check_password(as_(username), "r0m30")).value is False
        assert threads.ran == known

    @pytest.mark.parametrize("password", ["", "\x07", "x" * 5000])
    def test_a_password_that_cannot_be_is_a_no(self, backend, password):
        assert result(backend.check_password(as_("juliet"), password)).value is False

    def test_a_store_in_trouble_cannot_tell(self, backend, accounts):
        accounts.broken = True
        assert refusal(backend.check_password(as_("juliet"), "r0m30")) == UNAVAILABLE

    def test_a_disabled_account_says_yes_and_is_not_admitted(self, backend):
        assert result(backend.check_password(as_("tybalt"), "peace")).value is True
        assert result(backend.check_password(as_("tybalt"), "war")).value is False
        assert refusal(backend.admit(TYBALT, None)) == ("account-disabled", "auth.disabled")

    def test_too_much_work_for_the_threads_is_no_answer(self, accounts):
        def busy(function, *args, address):
            return fail(StoreBusy("too many passwords are being worked on"))

        backend = AccountBackend(accounts, run=busy, secret=b"s" * 32, iterations=4096)
        refused = backend.check_password(as_("juliet"), "r0m30")
        assert refusal(refused) == UNAVAILABLE

    def test_a_wrong_password_for_old_keys_takes_the_time_of_new_ones(
        self, accounts, threads, monkeypatch
    ):
        rounds = []
        real = hashlib.pbkdf2_hmac

        def counted(algorithm, password, salt, iterations):
            rounds.append(iterations)
            return real(algorithm, password, salt, iterations)

        backend = AccountBackend(accounts, run=threads, secret=b"s" * 32, iterations=6000)
        monkeypatch.setattr("hashlib.pbkdf2_hmac", counted)
        totals = []
        for username in ("juliet", "paris"):
            result(backend.check_password(as_(username), "wrong"))
            totals.append(sum(rounds))
            rounds.clear()
        assert totals == [6000, 6000]

    def test_the_work_is_done_for_the_clients_address(self, sealing, threads):
        result(sealing.check_password(as_("juliet"), "r0m30"))
        assert threads.addresses == ["192.0.2.7"] * 2


class TestRenewal:
    def test_good_credentials_stay(self, backend, accounts):
        result(backend.check_password(as_("juliet"), "r0m30"))
        assert accounts.writes == 0

    def test_few_rounds_and_a_missing_hash_are_made_good(self, accounts, threads):
        only = {"SHA-1": accounts.credentials("juliet").keys["SHA-1"]}
        accounts.put("juliet", Credentials(only))
        backend = AccountBackend(accounts, run=threads, secret=b"s" * 32, iterations=5000)
        assert result(backend.check_password(as_("juliet"), "wrong")).value is False
        assert accounts.credentials("juliet").keys == only
        assert result(backend.check_password(as_("juliet"), "r0m30")).value is True
        renewed = accounts.credentials("juliet")
        assert {(n, k.iterations) for n, k in renewed.keys.items()} == {
            ("SHA-1", 5000),
            ("SHA-256", 5000),
        }
        assert all(verify("r0m30", keys) for keys in renewed.keys.values())
        assert renewed.sealed is None

    def test_the_password_is_sealed_where_digest_logins_are_on(self, sealing, accounts, seal):
        result(sealing.check_password(as_("juliet"), "r0m30"))
        assert seal.unseal(accounts.credentials("juliet").sealed) == "r0m30"

    def test_and_its_seal_goes_where_they_are_off(self, backend, accounts, seal):
        accounts.add("juliet", "r0m30", seal=seal.seal)
        result(backend.check_password(as_("juliet"), "r0m30"))
        assert accounts.credentials("juliet").sealed is None

    def test_a_password_changed_in_the_meantime_stays_changed(self, sealing, accounts):
        changed = make_credentials("new", iterations=4096)
        accounts.on_get = lambda: accounts.put("juliet", changed)
        assert result(sealing.check_password(as_("juliet"), "r0m30")).value is False
        assert accounts.credentials("juliet") == changed

    def test_two_logins_that_renew_at_once_are_both_let_in(self, sealing, threads):
        threads.hold = True
        logins = [sealing.check_password(as_("juliet"), "r0m30") for _ in "12"]
        while not all(login.called for login in logins):
            threads.release()
        for login in logins:
            right, version = result(login)
            assert right
            assert result(sealing.admit(JULIET, version)) is None

    def test_a_store_that_takes_nothing_does_not_spoil_the_login(self, sealing, accounts):
        def break_after_reading():
            accounts.broken = True

        accounts.on_get = break_after_reading
        assert result(sealing.check_password(as_("juliet"), "r0m30")).value is True
        assert accounts.writes == 1
        assert accounts.credentials("juliet").sealed is None


class TestScramKeys:
    def test_a_user_has_its_own(self, backend, accounts):
        for name, keys in accounts.credentials("juliet").keys.items():
            assert result(backend.scram_keys(as_("Juliet"), name)).value == keys

    @pytest.mark.parametrize("username", NO_ACCOUNT)
    def test_an_unknown_user_has_invented_ones_that_stay(self, backend, username):
        one, two = (result(backend.scram_keys(as_(username), "SHA-256")).value for _ in "12")
        assert one == two
        assert one.iterations == 4096

    def test_two_spellings_of_an_unknown_name_have_one_salt(self, backend):
        """Else an account could be told by its salt staying the same when its case changes."""
        one, two = (
            result(backend.scram_keys(as_(name), "SHA-1")).value.salt for name in ("paris", "PARIS")
        )
        assert one == two

    def test_a_hash_that_is_missing_is_as_an_unknown_user(self, backend, accounts):
        fake = result(backend.scram_keys(as_("juliet", "montague.lit"), "SHA-256")).value
        accounts.put("juliet", Credentials({}))
        keys = result(backend.scram_keys(as_("juliet"), "SHA-256")).value
        assert keys != fake
        assert not verify("r0m30", keys)

    def test_a_store_in_trouble_cannot_tell(self, backend, accounts):
        accounts.broken = True
        assert refusal(backend.scram_keys(as_("juliet"), "SHA-1")) == UNAVAILABLE


class TestPassword:
    def test_it_is_opened(self, sealing, accounts, seal):
        accounts.add("romeo", "jul13t", seal=seal.seal)
        assert result(sealing.password(as_("romeo"))).value == "jul13t"

    def test_an_unknown_user_has_none(self, sealing):
        assert result(sealing.password(as_("paris"))).value is None

    def test_a_password_that_was_not_sealed_has_its_own_reason(self, sealing):
        expected = ("not-authorized", "auth.no-sealed-password")
        assert refusal(sealing.password(as_("juliet"))) == expected

    def test_where_digest_logins_are_off_nothing_is_opened(self, backend, accounts, seal):
        accounts.add("romeo", "jul13t", seal=seal.seal)
        expected = ("not-authorized", "auth.no-sealed-password")
        assert refusal(backend.password(as_("romeo"))) == expected

    def test_another_key_is_not_held_against_the_user(self, sealing, accounts):
        accounts.add("romeo", "jul13t", seal=Seal(b"B" * 43 + b"=").seal)
        assert refusal(sealing.password(as_("romeo"))) == UNAVAILABLE

    def test_a_store_in_trouble_cannot_tell(self, sealing, accounts):
        accounts.broken = True
        assert refusal(sealing.password(as_("juliet"))) == UNAVAILABLE


class TestAdmit:
    def test_an_account_that_is_on(self, backend):
        assert result(backend.admit(JULIET, None)) is None

    def test_no_account(self, backend):
        assert refusal(backend.admit(JID(f"paris@{DOMAIN}"), None)) == NOT_AUTHORIZED

    def test_the_account_that_was_proved(self, backend):
        version = result(backend.check_password(as_("juliet"), "r0m30")).version
        assert result(backend.admit(JULIET, version)) is None

    def test_what_was_said_of_an_unknown_user_admits_nobody(self, sealing, accounts):
        """Not even when there is an account by then."""
        given = [
            sealing.check_password(as_("paris"), "r0m30"),
            sealing.scram_keys(as_("paris"), "SHA-1"),
            sealing.password(as_("paris")),
        ]
        accounts.add("paris", "r0m30")
        for answer in given:
            refused = sealing.admit(JID(f"paris@{DOMAIN}"), result(answer).version)
            assert refusal(refused) == NOT_AUTHORIZED

    def test_an_account_made_again_is_another(self, backend, accounts):
        version = result(backend.scram_keys(as_("juliet"), "SHA-1")).version
        accounts.accounts[JULIET] = replace(accounts.accounts[JULIET], id=1595)
        assert refusal(backend.admit(JULIET, version)) == NOT_AUTHORIZED

    def test_a_new_password_is_another_and_tells_nothing_of_the_account(self, backend, accounts):
        """Who knows the old one need not know that the account was switched off."""
        version = result(backend.scram_keys(as_("juliet"), "SHA-1")).version
        accounts.put("juliet", make_credentials("new", iterations=4096))
        assert refusal(backend.admit(JULIET, version)) == CHANGED
        accounts.accounts[JULIET] = replace(accounts.accounts[JULIET], enabled=False)
        assert refusal(backend.admit(JULIET, version)) == CHANGED

    def test_a_store_in_trouble_cannot_tell(self, backend, accounts):
        accounts.broken = True
        assert refusal(backend.admit(JULIET, None)) == UNAVAILABLE
