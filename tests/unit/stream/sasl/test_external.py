"""EXTERNAL with client certificates (XEP-0178 §2)."""

import pytest

from tests.support.sasl import DOMAIN, Users, converse, failure, mechanism
from xmppd.stream.sasl import Challenge, Context, Exchange, Success

JULIET = ("xmppAddr", f"juliet@{DOMAIN}")
NURSE = ("xmppAddr", f"nurse@{DOMAIN}")
ELSEWHERE = ("xmppAddr", "juliet@montague.lit")
MAIL = ("rfc822Name", f"juliet@{DOMAIN}")
NOT_CERTIFIED = ("not-authorized", "auth.certificate")
AUTHZID = ("invalid-authzid", "auth.authzid")


def login(*certificate, authzid=b"", email=False):
    context = Context(DOMAIN, secure=True, certificate=certificate, email_accounts=email)
    exchange = Exchange(mechanism("EXTERNAL"), context)
    passed = converse(exchange, authzid, None, Users())
    if passed.failure:
        return passed.failure.condition, passed.failure.reason
    return passed.success


def test_one_address_needs_no_authzid():
    """Point 11a."""
    assert login(JULIET) == Success("juliet")


def test_one_address_passes_an_authzid_on_to_be_authorized():
    """Point 10a: the client may ask to be somebody else; that is decided elsewhere."""
    assert login(JULIET, authzid=b"romeo@capulet.lit") == Success("juliet", "romeo@capulet.lit")


def test_the_address_is_compared_in_normal_form():
    assert login(("xmppAddr", "Juliet@CAPULET.lit/balcony")) == Success("juliet")


def test_several_addresses_need_an_authzid_that_is_one_of_them():
    """Point 11b."""
    assert login(JULIET, NURSE) == AUTHZID
    assert login(JULIET, NURSE, authzid=b"paris@capulet.lit") == AUTHZID
    assert login(JULIET, NURSE, authzid=b"@") == AUTHZID
    chosen = login(JULIET, NURSE, authzid=b"Nurse@capulet.lit")
    assert chosen == Success("nurse", "Nurse@capulet.lit")


def test_addresses_elsewhere_and_repetitions_do_not_count():
    assert login(ELSEWHERE, JULIET, JULIET) == Success("juliet")
    assert login(ELSEWHERE) == NOT_CERTIFIED
    assert login(("xmppAddr", DOMAIN), ("xmppAddr", "@@")) == NOT_CERTIFIED


def test_an_e_mail_address_counts_where_it_is_configured_to():
    """Point 11c."""
    assert login(MAIL) == NOT_CERTIFIED
    assert login(MAIL, email=True) == Success("juliet")
    assert login(("rfc822Name", "juliet@montague.lit"), email=True) == NOT_CERTIFIED
    assert login(MAIL, ("rfc822Name", f"nurse@{DOMAIN}"), email=True) == AUTHZID


def test_an_e_mail_address_does_not_count_beside_an_xmpp_address():
    """Point 11c is for certificates without one."""
    assert login(ELSEWHERE, MAIL, email=True) == NOT_CERTIFIED
    assert login(NURSE, MAIL, email=True) == Success("nurse")


@pytest.mark.parametrize("kind", ["SRVName", "dNSName", "commonName"])
def test_other_identities_name_no_user(kind):
    assert login((kind, f"_xmpp-client.{DOMAIN}"), (kind, MAIL[1]), email=True) == NOT_CERTIFIED


@pytest.mark.parametrize("authzid", [b"\xff", b"juliet@capulet.lit\0"])
def test_malformed_messages(authzid):
    assert login(JULIET, authzid=authzid) == ("malformed-request", "auth.malformed")


def test_without_an_initial_response_an_empty_challenge_asks_for_it():
    context = Context(DOMAIN, secure=True, certificate=(JULIET,))
    exchange = Exchange(mechanism("EXTERNAL"), context)
    assert exchange.start(None) == Challenge(b"")
    assert exchange.respond(b"") == Success("juliet")


def test_without_a_certificate_nothing_is_asked():
    exchange = Exchange(mechanism("EXTERNAL"), Context(DOMAIN, secure=True))
    assert failure(exchange.start, None) == NOT_CERTIFIED
