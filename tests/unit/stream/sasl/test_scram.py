"""SCRAM (RFC 5802, RFC 7677), against test vectors and clients of other make."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scramp import ScramClient
from slixmpp.util.sasl import mechanisms as slixmpp_sasl

from tests.support.sasl import DOMAIN, TLS, Users, converse, failure, mechanism
from xmppd.credentials import derive, prepare_password, prepare_username
from xmppd.stream.sasl import Answer, Challenge, Context, Exchange, FetchKeys, Success

PLUS_OFFERED = TLS._replace(offered=("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"))
HASHES = ["SHA-1", "SHA-256"]

VECTORS = {
    "SHA-1": (
        "fyko+d2lbbFgONRv9qkxdawL",
        "3rfcNHYJY1ZVvWVs7j",
        "QSXCR+Q6sek8bf92",
        "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    "SHA-256": (
        "rOprNGfwEbeRWgbNEkqO",
        "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "W22ZaJ0SNY7soEsUEjb6gQ==",
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


@pytest.mark.parametrize("hash_name", HASHES)
def test_the_exchange_of_the_rfc(hash_name):
    """RFC 5802 §5 and RFC 7677 §3, message by message."""
    client_nonce, server_nonce, salt, proof, signature = VECTORS[hash_name]
    exchange = Exchange(
        mechanism(f"SCRAM-{hash_name}"), Context(DOMAIN, nonce=lambda: server_nonce)
    )
    request = exchange.start(f"n,,n=user,r={client_nonce}".encode())
    assert request == FetchKeys("user", hash_name)
    keys = derive("pencil", hash_name, salt=base64.b64decode(salt), iterations=4096)
    nonce = client_nonce + server_nonce
    challenge = Challenge(f"r={nonce},s={salt},i=4096".encode())
    assert exchange.answer(Answer(keys, "this one")) == challenge
    success = exchange.respond(f"c=biws,r={nonce},p={proof}".encode())
    assert success == Success("user", "", f"v={signature}".encode(), version="this one")


def scramp_login(name, username, password, users, *, context=TLS, binding=None):
    client = ScramClient([name], username, password, channel_binding=binding)

    def respond(challenge):
        client.set_server_first(challenge.decode())
        return client.get_client_final().encode()

    initial = client.get_client_first().encode()
    passed = converse(Exchange(mechanism(name), context), initial, respond, users)
    if passed.success:
        client.set_server_final(passed.success.data.decode())  # raises if the server is a fake
    return passed


def preparable(text):
    try:
        return bool(prepare_username(text) and prepare_password(text))
    except ValueError:
        return False


NAMES = st.text(min_size=1, max_size=20).filter(preparable)


@given(username=NAMES, password=NAMES, wrong=NAMES, hash_name=st.sampled_from(HASHES))
@settings(max_examples=60)
def test_a_client_of_other_make_logs_in_with_the_right_password_only(
    username, password, wrong, hash_name
):
    """Any user name, its commas and equals signs escaped; both sides prove themselves."""
    users = Users({prepare_username(username): password})
    passed = scramp_login(f"SCRAM-{hash_name}", username, password, users)
    assert passed.success.username == prepare_username(username)
    if prepare_password(wrong) != prepare_password(password):
        refused = scramp_login(f"SCRAM-{hash_name}", username, wrong, users).failure
        assert (refused.condition, refused.reason) == ("not-authorized", "auth.credentials")


def slixmpp_login(name, client_binding):
    """Log juliet in with slixmpp's client over TLS 1.3, as bound as `client_binding` says."""
    credentials = {
        "username": b"juliet",
        "password": b"r0m30",
        "authzid": b"",
        "channel_binding": client_binding,
    }
    settings = {
        "tls_version": "TLSv1.3",
        "encrypted": True,
        "unencrypted_scram": False,
        "binding_proposed": True,
    }
    client = slixmpp_sasl.SCRAM(name, credentials, settings)
    passed = converse(
        Exchange(mechanism(name), PLUS_OFFERED),
        client.process(),
        client.process,
        Users({"juliet": "r0m30"}),
    )
    if passed.success:
        client.process(passed.success.data)  # raises if the server is a fake
    return passed


@pytest.mark.parametrize("hash_name", HASHES)
def test_plus_with_tls_exporter(hash_name):
    """RFC 9266: slixmpp binds to the exporter of TLS 1.3."""
    data = TLS.channel_bindings["tls-exporter"]
    name = f"SCRAM-{hash_name}-PLUS"
    passed = slixmpp_login(name, data)
    assert passed.success.username == "juliet"


def test_plus_with_a_binding_of_another_connection_is_refused():
    """RFC 5802 §6: somebody ends the TLS in the middle."""
    refused = slixmpp_login("SCRAM-SHA-256-PLUS", b"\x08" * 32).failure
    assert (refused.condition, refused.reason) == ("not-authorized", "auth.channel-binding")


def test_plus_with_tls_server_end_point():
    """RFC 5929 §4."""
    context = TLS._replace(channel_bindings={"tls-server-end-point": b"\x05" * 32})
    passed = scramp_login(
        "SCRAM-SHA-256-PLUS",
        "juliet",
        "r0m30",
        Users({"juliet": "r0m30"}),
        context=context,
        binding=("tls-server-end-point", b"\x05" * 32),
    )
    assert passed.success.username == "juliet"


def test_y_where_plus_was_offered_is_a_downgrade():
    """RFC 5802 §6: the client could bind and saw no -PLUS, so somebody took it out."""
    users = Users({"juliet": "r0m30"})
    passed = scramp_login(
        "SCRAM-SHA-256",
        "juliet",
        "r0m30",
        users,
        context=PLUS_OFFERED,
        binding=("tls-server-end-point", b"\x05" * 32),
    )
    assert passed.failure.condition == "not-authorized"
    assert passed.failure.reason == "auth.channel-binding"
    assert users.asked == []


def test_y_where_plus_was_not_offered_is_fine():
    passed = scramp_login(
        "SCRAM-SHA-256",
        "juliet",
        "r0m30",
        Users({"juliet": "r0m30"}),
        context=TLS._replace(offered=("SCRAM-SHA-256",)),
        binding=("tls-server-end-point", b"\x05" * 32),
    )
    assert passed.success


def start(message, name="SCRAM-SHA-256", context=PLUS_OFFERED):
    return Exchange(mechanism(name), context).start(message)


MALFORMED = ("malformed-request", "auth.malformed")
MISBOUND = ("malformed-request", "auth.channel-binding")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"", MALFORMED),
        (b"n,,n=juliet", MALFORMED),
        (b"n,,n=,r=abc", MALFORMED),
        (b"n,,n=juliet,r=", MALFORMED),
        (b"n,,n=juliet,r=a b", MALFORMED),
        (b"n,,m=x,n=juliet,r=abc", MALFORMED),
        (b"n,,n=juliet,r=abc,m=x", MALFORMED),
        (b"n,,n=jul=iet,r=abc", MALFORMED),
        (b"n,,n=jul=2ciet,r=abc", MALFORMED),
        (b"n,,n=juliet\x00,r=abc", MALFORMED),
        (b"n,,n=\xff,r=abc", MALFORMED),
        (b"n,,n=\x07,r=abc", MALFORMED),
        (b"n,a=,n=juliet,r=abc", MALFORMED),
        (b"x,,n=juliet,r=abc", MALFORMED),
        (b"n,n=juliet,r=abc", MALFORMED),
        (b"n,,n=juliet,r=abc\n", MALFORMED),
        (b"n,,n=juliet,r=" + b"a" * 4096, MALFORMED),
        (b"p=tls-exporter,,n=juliet,r=abc", MISBOUND),
    ],
)
def test_bad_first_messages(message, expected):
    """RFC 5802 §5.1, §7: refused before anything is looked up."""
    assert failure(start, message) == expected


@pytest.mark.parametrize("flag", [b"n", b"y", b"p=tls-unique"])
def test_plus_needs_a_binding_that_is_there(flag):
    """RFC 5802 §6: -PLUS and the flag go together; the type must have been offered."""
    message = flag + b",,n=juliet,r=abc"
    assert failure(start, message, "SCRAM-SHA-1-PLUS") == MISBOUND


def test_optional_extensions_are_ignored_and_escapes_undone():
    """RFC 5802 §5.1 (=2C, =3D), §7 (extensions)."""
    request = start(b"n,a=nurse=2Cold=3D,n=jul=2Ciet=3D,r=abc,x=y")
    assert request == FetchKeys("jul,iet=", "SHA-256")
    assert start(b"n,,n=jul=3D2Ciet,r=abc") == FetchKeys("jul=2Ciet", "SHA-256")


def final(change):
    """Run an exchange to its last message, which `change` makes out of the right one."""
    exchange = Exchange(mechanism("SCRAM-SHA-256"), TLS)
    client = ScramClient(["SCRAM-SHA-256"], "juliet", "r0m30")
    users = Users({"juliet": "r0m30"})
    challenge = exchange.answer(users.answer(exchange.start(client.get_client_first().encode())))
    client.set_server_first(challenge.data.decode())
    return exchange.respond(change(client.get_client_final()).encode())


def flip(text):
    """Another nonce of the same length."""
    at = text.index(",r=") + 3
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda text: "", MALFORMED),
        (flip, MALFORMED),
        (lambda text: text.replace(",p=", ",m=x,p="), MALFORMED),
        (lambda text: text[: text.index(",p=")], MALFORMED),
        (lambda text: text[: text.index(",p=")] + ",p=====", MALFORMED),
        (lambda text: text[: text.index(",p=")] + ",p=AAAA", MALFORMED),
        (lambda text: text + ",x=y", MALFORMED),
        (lambda text: text.replace("c=biws", "c=eSws"), ("not-authorized", "auth.channel-binding")),
        (lambda text: text.replace(",p=", ",x=y,p="), ("not-authorized", "auth.credentials")),
        (
            lambda text: text[: text.index(",p=")] + ",p=" + "A" * 43 + "=",
            ("not-authorized", "auth.credentials"),
        ),
    ],
)
def test_bad_final_messages(change, expected):
    """RFC 5802 §5.1, §7; the proof covers all that went before it."""
    assert failure(final, change) == expected


def test_an_unknown_user_and_a_wrong_password_look_alike():
    """RFC 5802 §9: same messages, same lengths, same end."""
    users = Users({"romeo": "jul13t"})
    known = scramp_login("SCRAM-SHA-256", "romeo", "wrong", users)
    asked, users.asked = users.asked, []
    unknown = scramp_login("SCRAM-SHA-256", "paris", "wrong", users)
    assert known.shape == unknown.shape
    assert known.failure.reason == unknown.failure.reason
    assert [type(r) for r in asked] == [type(r) for r in users.asked]


def test_an_unknown_user_has_the_same_salt_each_time():
    def salt():
        first = scramp_login("SCRAM-SHA-1", "paris", "x", Users()).messages[0][1]
        return first.split(b",")[1]

    assert salt() == salt()


def test_server_nonces_are_fresh():
    challenges = {
        scramp_login("SCRAM-SHA-1", "paris", "x", Users()).messages[0][1] for _ in range(3)
    }
    assert len(challenges) == 3


def test_without_an_initial_response_an_empty_challenge_asks_for_it():
    """RFC 6120 §6.4.2."""
    exchange = Exchange(mechanism("SCRAM-SHA-1"), TLS)
    assert exchange.start(None) == Challenge(b"")
    assert exchange.respond(b"n,,n=juliet,r=abc") == FetchKeys("juliet", "SHA-1")
