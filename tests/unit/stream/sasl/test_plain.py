"""PLAIN (RFC 4616)."""

import pytest

from tests.support.sasl import DOMAIN, TLS, VERSION, Users, converse, failure, mechanism
from xmppd.errors import SASLFailure
from xmppd.stream.sasl import Challenge, CheckPassword, Context, Exchange, Success

MALFORMED = ("malformed-request", "auth.malformed")
USERS = {"tim": "tanstaaftanstaaf", "Kurt": "xipj3plmq"}


def login(message, *, users=USERS, context=TLS):
    exchange = Exchange(mechanism("PLAIN"), context)
    return converse(exchange, message, None, Users(dict(users)))


@pytest.mark.parametrize(
    ("message", "success"),
    [
        (b"\0tim\0tanstaaftanstaaf", Success("tim", version=VERSION)),
        (b"Ursel\0Kurt\0xipj3plmq", Success("Kurt", "Ursel", version=VERSION)),
    ],
)
def test_the_exchanges_of_the_rfc(message, success):
    """RFC 4616 §4."""
    assert login(message).success == success


def test_a_wrong_password_and_an_unknown_user_are_one():
    wrong, unknown = login(b"\0tim\0wrong"), login(b"\0tom\0wrong")
    assert wrong.shape == unknown.shape
    assert (wrong.failure.condition, wrong.failure.reason) == ("not-authorized", "auth.credentials")
    assert unknown.failure.reason == wrong.failure.reason


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"tim\0tanstaaftanstaaf",
        b"\0tim\0a\0b",
        b"\0\0tanstaaftanstaaf",
        b"\0tim\0",
        b"\0tim\0\xff",
        b"\0tim\0" + b"x" * 4096,
    ],
)
def test_malformed_messages(message):
    """RFC 4616 §2: three parts, two of them not empty, in UTF-8."""
    refused = login(message).failure
    assert (refused.condition, refused.reason) == MALFORMED


def test_a_name_that_saslprep_refuses_is_a_failure():
    """RFC 4616 §2: where preparation fails, verification fails."""
    refused = login(b"\0\x07\0x").failure
    assert (refused.condition, refused.reason) == ("not-authorized", "auth.credentials")


def test_the_name_is_prepared_and_the_password_is_not():
    exchange = Exchange(mechanism("PLAIN"), TLS)
    request = exchange.start("\0I\u00adX\0I\u00adX".encode())
    assert request == CheckPassword("IX", "I\u00adX")


def test_without_tls_it_does_not_even_look():
    """RFC 6120 §6.5.4."""
    exchange = Exchange(mechanism("PLAIN"), Context(DOMAIN))
    expected = ("encryption-required", "auth.encryption-required")
    assert failure(exchange.start, b"\0tim\0tanstaaftanstaaf") == expected


def test_without_tls_it_runs_where_that_is_allowed():
    context = Context(DOMAIN, plaintext_allowed=True)
    assert login(b"\0tim\0tanstaaftanstaaf", context=context).success


def test_without_an_initial_response_an_empty_challenge_asks_for_it():
    exchange = Exchange(mechanism("PLAIN"), TLS)
    assert exchange.start(None) == Challenge(b"")
    assert exchange.respond(b"\0tim\0x") == CheckPassword("tim", "x")


def test_a_store_that_cannot_answer_is_no_wrong_password():
    exchange = Exchange(mechanism("PLAIN"), TLS)
    exchange.start(b"\0tim\0x")
    trouble = SASLFailure("temporary-auth-failure", reason="auth.unavailable")
    assert failure(exchange.fail, trouble) == ("temporary-auth-failure", "auth.unavailable")
