"""DIGEST-MD5 (RFC 2831) as clients of RFC 3920 use it."""

import pytest
from twisted.words.protocols.jabber.sasl_mechanisms import DigestMD5

from tests.support.sasl import DOMAIN, VERSION, Users, converse, failure, mechanism
from xmppd.stream.sasl import Answer, Challenge, Context, Exchange, FetchPassword, Success
from xmppd.stream.sasl.digest_md5 import Digest

CONTEXT = Context(DOMAIN, nonce=lambda: "server-nonce")
MALFORMED = ("malformed-request", "auth.malformed")
WRONG = ("not-authorized", "auth.credentials")


def test_the_digests_of_the_rfc():
    """RFC 2831 §4."""
    digest = Digest(
        "chris", "elwood.innosoft.com", "OA6MG9tEQGm2hh", "OA6MHXh6VqTrRk",
        "imap/elwood.innosoft.com",
    )  # fmt: skip
    assert digest.response("secret", "utf-8") == "d388dad90d4bbd760a152321f2143af7"
    assert digest.response("secret", "utf-8", "") == "ea40f60335c427b5527b84dbabcdfffd"


def login(username, password, users, *, host=None):
    """Log in with Twisted's client."""
    client = DigestMD5("xmpp", host or DOMAIN, DOMAIN if host else None, username, password)
    exchange = Exchange(mechanism("DIGEST-MD5"), CONTEXT)
    return converse(exchange, None, client.getResponse, users)


@pytest.mark.parametrize(
    ("username", "password"), [("juliet", "r0m30"), ("jüliet", "rømeo"), ("джульетта", "ромео")]
)
def test_a_client_of_other_make_logs_in_with_the_right_password_only(username, password):
    users = Users({username: password})
    passed = login(username, password, users)
    assert passed.success == Success(username, version=VERSION)
    refused = login(username, "wrong", users).failure
    assert (refused.condition, refused.reason) == WRONG


def test_the_password_is_proved_to_the_client_in_one_more_challenge():
    """RFC 3920 §6.5: rspauth is a challenge, and an empty response follows."""
    sides = [side for side, _ in login("juliet", "r0m30", Users({"juliet": "r0m30"})).messages]
    assert sides == ["server", "client", "server", "client"]


def test_a_host_the_domain_is_found_at_may_stand_in_the_uri():
    """RFC 2831 §2.1.2: digest-uri is serv-type/host/serv-name; the service's name counts."""
    users = Users({"juliet": "r0m30"})
    # Twisted's client takes the realm from the challenge.
    assert login("juliet", "r0m30", users, host="balcony.verona.lit").success


def test_an_unknown_user_and_a_wrong_password_look_alike():
    users = Users({"romeo": "jul13t"})
    known, unknown = login("romeo", "wrong", users), login("paris", "wrong", users)
    # The client's cnonce and so its length is the same; the names are of one length.
    assert known.shape == unknown.shape
    assert known.failure.reason == unknown.failure.reason


def response(hashed_as="utf-8", **changed):
    """A right response for juliet, with directives changed (or removed, if None)."""
    fields = {
        "username": "juliet",
        "realm": DOMAIN,
        "nonce": "server-nonce",
        "cnonce": "c",
        "digest-uri": f"xmpp/{DOMAIN}",
        "authzid": "",
    } | {name.replace("_", "-"): value for name, value in changed.items()}
    digest = Digest(
        fields["username"] or "", fields["realm"] or "", fields["nonce"] or "",
        fields["cnonce"] or "", fields["digest-uri"] or "", fields["authzid"] or "",
    )  # fmt: skip
    fields = {"nc": "00000001", "response": digest.response("r0m30", hashed_as)} | fields
    quoted = (
        (name, value.replace("\\", "\\\\").replace('"', '\\"'))
        for name, value in fields.items()
        if value is not None and (value or name != "authzid")
    )
    bare = {"nc", "qop", "charset", "response"}
    return ",".join(f"{n}={v}" if n in bare else f'{n}="{v}"' for n, v in quoted)


def begun(message, password="r0m30"):
    """An exchange, and what the server says to `message`."""
    exchange = Exchange(mechanism("DIGEST-MD5"), CONTEXT)
    exchange.start(None)
    request = exchange.respond(message if isinstance(message, bytes) else message.encode())
    assert isinstance(request, FetchPassword)
    return exchange, exchange.answer(Answer(password, VERSION))


def answer(message, password="r0m30"):
    return begun(message, password)[1]


def success_of(message):
    exchange, challenge = begun(message)
    assert challenge.data.startswith(b"rspauth=")
    return exchange.respond(b"")


def test_the_challenge_offers_what_there_is():
    """RFC 2831 §2.1.1."""
    assert Exchange(mechanism("DIGEST-MD5"), CONTEXT).start(None) == Challenge(
        b'realm="capulet.lit",nonce="server-nonce",qop="auth",charset=utf-8,algorithm=md5-sess'
    )


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"qop": "auth"},
        {"charset": "utf-8"},
        {"realm": None},
        {"username": 'ju"li\\et'},
        {"authzid": "juliet@capulet.lit"},
        {"digest_uri": "XMPP/Capulet.lit"},
    ],
)
def test_right_responses(changed):
    success = success_of(response(**changed))
    assert (success.username, success.version) == (changed.get("username", "juliet"), VERSION)


@pytest.mark.parametrize(
    "changed",
    [
        {"username": None},
        {"username": "\x07"},
        {"nonce": "another"},
        {"nonce": None},
        {"cnonce": None},
        {"cnonce": ""},
        {"nc": "00000002"},
        {"nc": None},
        {"qop": "auth-int"},
        {"charset": "koi8-r"},
        {"realm": "montague.lit"},
        {"digest_uri": "xmpp/montague.lit"},
        {"digest_uri": f"imap/{DOMAIN}"},
        {"digest_uri": f"xmpp/{DOMAIN}/montague.lit"},
        {"digest_uri": f"xmpp/montague.lit/garden/{DOMAIN}"},
        {"digest_uri": None},
        {"response": None},
    ],
)
def test_wrong_directives_are_malformed_requests(changed):
    """RFC 2831 §2.1.2; the nonce counts to 1, there being no subsequent authentication."""
    assert failure(answer, response(**changed)) == MALFORMED


@pytest.mark.parametrize(
    "message",
    [
        "",
        "username",
        "username=",
        'username="juliet',
        response() + ',username="romeo"',
        b'charset=utf-8,username="\xff"',
        "x=" + "y" * 4096,
    ],
)
def test_messages_that_are_no_directives(message):
    assert failure(answer, message) == MALFORMED


def test_the_authzid_is_under_the_digest():
    """RFC 2831 §2.1.2.1: A1 contains it, so nobody can add one on the way."""
    forged = response() + ',authzid="romeo@capulet.lit"'
    assert failure(answer, forged) == WRONG


def test_a_client_without_utf_8_hashes_latin_1():
    """RFC 2831 §2.1.2: no charset directive, no UTF-8."""
    message = response("iso-8859-1", username="jüliet")
    assert success_of(message.encode("iso-8859-1")).username == "jüliet"


def test_a_client_with_utf_8_may_hash_latin_1_where_it_can():
    """RFC 2831 §2.1.2.1 wants that; most clients don't do it, see above."""
    message = response("iso-8859-1", username="jüliet", charset="utf-8")
    assert success_of(message).username == "jüliet"


def test_a_password_that_is_not_to_be_had_is_a_wrong_one():
    assert failure(answer, response(), None) == WRONG


def test_an_initial_response_is_malformed():
    """RFC 4422 §3.3: the server speaks first in this mechanism."""
    exchange = Exchange(mechanism("DIGEST-MD5"), CONTEXT)
    assert failure(exchange.start, b"") == MALFORMED


def test_the_last_response_has_to_be_empty():
    exchange = Exchange(mechanism("DIGEST-MD5"), CONTEXT)
    exchange.start(None)
    exchange.respond(response().encode())
    assert exchange.answer(Answer("r0m30", VERSION)).data.startswith(b"rspauth=")
    assert failure(exchange.respond, b"more") == MALFORMED
