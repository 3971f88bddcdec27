"""Exchanges answered by the real back-end over a store in memory: xmppd/auth/backend.py."""

import pytest
from scramp import ScramClient

from tests.support.deferred import result
from tests.support.sasl import EVERYTHING, converse, mechanism
from xmppd.auth.backend import answer, authorized
from xmppd.auth.claim import claim
from xmppd.errors import SASLFailure
from xmppd.stream.sasl import Challenge, Exchange

DOMAIN = "capulet.lit"
UNAVAILABLE = ("temporary-auth-failure", "auth.unavailable")


class AnsweredBy:
    """Takes the place of a table of users."""

    def __init__(self, backend):
        self.backend = backend

    def answer(self, request):
        return result(answer(self.backend, claim(request.username, DOMAIN, "192.0.2.7"), request))


def login_by(exchange, initial, respond, backend):
    """An exchange, and the admission after it."""
    passed = converse(exchange, initial, respond, AnsweredBy(backend))
    if passed.success is not None:
        try:
            result(authorized(backend, passed.success, DOMAIN, {}))
        except SASLFailure as refused:
            passed.success, passed.failure = None, refused
    return passed


def scram(backend, username, password):
    client = ScramClient(["SCRAM-SHA-256"], username, password)

    def respond(challenge):
        client.set_server_first(challenge.decode())
        return client.get_client_final().encode()

    initial = client.get_client_first().encode()
    exchange = Exchange(mechanism("SCRAM-SHA-256"), EVERYTHING)
    return login_by(exchange, initial, respond, backend)


def plain(backend, username, password):
    exchange = Exchange(mechanism("PLAIN"), EVERYTHING)
    return login_by(exchange, f"\0{username}\0{password}".encode(), None, backend)


def external(backend, username, password):
    exchange = Exchange(mechanism("EXTERNAL"), EVERYTHING)
    return login_by(exchange, b"", None, backend)


@pytest.mark.parametrize("login", [scram, plain])
class TestWithPasswords:
    def test_right(self, backend, login):
        assert login(backend, "juliet", "r0m30").success.username == "juliet"

    @pytest.mark.parametrize("username", ["juliet", "paris", "tybalt"])
    def test_wrong_unknown_and_disabled_are_one(self, backend, login, username):
        expected = login(backend, "romeo.", "wrong")
        passed = login(backend, username, "wrong")
        assert passed.failure.condition == "not-authorized"
        assert passed.failure.reason == expected.failure.reason
        assert len(passed.messages) == len(expected.messages)
        if len(username) == len("romeo."):
            assert passed.shape == expected.shape

    def test_right_and_disabled(self, backend, login):
        assert login(backend, "tybalt", "peace").failure.condition == "account-disabled"

    def test_a_store_in_trouble_is_not_held_against_the_client(self, backend, accounts, login):
        accounts.broken = True
        refused = login(backend, "juliet", "r0m30").failure
        assert (refused.condition, refused.reason) == UNAVAILABLE


def test_a_certificate_for_an_account_removed_or_off_lets_nobody_in(backend, accounts):
    assert external(backend, "", "").success.username == "juliet"
    del accounts.accounts[f"juliet@{DOMAIN}"]
    assert external(backend, "", "").failure.condition == "not-authorized"
    accounts.add("juliet", "x", enabled=False)
    assert external(backend, "", "").failure.condition == "account-disabled"


def test_an_account_removed_between_its_keys_and_its_proof_lets_nobody_in(backend, accounts):
    def removed_after_first_read():
        accounts.accounts.clear()

    accounts.on_get = removed_after_first_read
    assert scram(backend, "juliet", "r0m30").failure.condition == "not-authorized"


def test_a_challenge_is_not_the_back_ends_to_answer(backend):
    with pytest.raises(TypeError):
        answer(backend, claim("juliet", DOMAIN, "192.0.2.7"), Challenge(b""))
