"""Who may act as whom, for each mechanism: xmppd/auth/authorization.py, backend.authorized."""

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest
from scramp import ScramClient

from tests.support.deferred import refusal, result
from tests.support.sasl import EVERYTHING, Users, converse, mechanism
from xmppd.auth.authorization import authorize
from xmppd.auth.backend import authorized
from xmppd.auth.claim import claim
from xmppd.errors import SASLFailure
from xmppd.jid import JID
from xmppd.stream.sasl import MECHANISMS, Exchange, Success

DOMAIN = "capulet.lit"
RULES = {f"juliet@{DOMAIN}": [f"nurse@{DOMAIN}"]}
REFUSED = ("invalid-authzid", "auth.authzid")


def scram_client(name, authzid):
    """A client made of scramp's parts, with the authzid it has no way to send."""
    hash_name = name.removeprefix("SCRAM-").removesuffix("-PLUS")
    bound = b""
    flag = "n"
    if name.endswith("-PLUS"):
        flag, bound = "p=tls-exporter", EVERYTHING.channel_bindings["tls-exporter"]
    header = f"{flag},{f'a={authzid}' if authzid else ''},".encode()
    client = ScramClient([f"SCRAM-{hash_name}"], "juliet", "r0m30")
    first = client.get_client_first().encode().removeprefix(b"n,,")

    def respond(challenge):
        algorithm = hash_name.replace("-", "").lower()
        nonce, salt, rounds = (part[2:] for part in challenge.decode().split(","))
        salted = hashlib.pbkdf2_hmac(algorithm, b"r0m30", base64.b64decode(salt), int(rounds))
        key = hmac.digest(salted, b"Client Key", algorithm)
        final = b"c=" + base64.b64encode(header + bound) + b",r=" + nonce.encode()
        stored = hashlib.new(algorithm, key).digest()
        signature = hmac.digest(stored, b",".join((first, challenge, final)), algorithm)
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        return final + b",p=" + base64.b64encode(proof)

    return header + first, respond


def digest_client(authzid):
    def respond(challenge):
        if challenge.startswith(b"rspauth="):
            return b""
        nonce = challenge.split(b'nonce="')[1].split(b'"')[0].decode()

        def md5(data):
            return hashlib.md5(data)

        a1 = md5(f"juliet:{DOMAIN}:r0m30".encode()).digest() + f":{nonce}:c".encode()
        a1 += f":{authzid}".encode() if authzid else b""
        ha2 = md5(f"AUTHENTICATE:xmpp/{DOMAIN}".encode()).hexdigest()
        proof = md5(f"{md5(a1).hexdigest()}:{nonce}:00000001:c:auth:{ha2}".encode()).hexdigest()
        message = (
            f'username="juliet",realm="{DOMAIN}",nonce="{nonce}",cnonce="c",nc=00000001,'
            f'qop=auth,digest-uri="xmpp/{DOMAIN}",response={proof},charset=utf-8'
        )
        return (message + (f',authzid="{authzid}"' if authzid else "")).encode()

    return None, respond


def client_of(name, authzid):
    if name.startswith("SCRAM"):
        return scram_client(name, authzid)
    if name == "DIGEST-MD5":
        return digest_client(authzid)
    initial = {"PLAIN": f"{authzid}\0juliet\0r0m30", "EXTERNAL": authzid}[name]
    return initial.encode(), None


def login(name, authzid):
    initial, respond = client_of(name, authzid)
    users = Users({"juliet": "r0m30"})
    return converse(Exchange(mechanism(name), EVERYTHING), initial, respond, users).success


def outcome(success, rules):
    try:
        return authorize(success.username, DOMAIN, success.authzid, rules)
    except SASLFailure as refused:
        return refused.condition, refused.reason


@pytest.mark.parametrize("name", [m.name for m in MECHANISMS if m.name != "ANONYMOUS"])
class TestEveryMechanism:
    """RFC 6120 §6.3.8, §6.5.6."""

    def test_empty_is_oneself(self, name):
        assert outcome(login(name, ""), {}) == JID.parse(f"juliet@{DOMAIN}")

    def test_ones_own(self, name):
        assert outcome(login(name, f"juliet@{DOMAIN}"), {}) == f"juliet@{DOMAIN}"

    def test_another(self, name):
        assert outcome(login(name, f"nurse@{DOMAIN}"), {}) == REFUSED

    def test_another_with_a_rule(self, name):
        assert outcome(login(name, f"nurse@{DOMAIN}"), RULES) == f"nurse@{DOMAIN}"


def test_anonymous_has_no_authzid_to_send():
    """RFC 4505 §2: its message is trace information."""
    success = Exchange(mechanism("ANONYMOUS"), EVERYTHING).start(f"juliet@{DOMAIN}".encode())
    assert outcome(success, {}) == f"{success.username}@{DOMAIN}"


@pytest.mark.parametrize(
    "authzid",
    [
        "nurse@capulet.lit",
        "juliet@montague.lit",
        "juliet@capulet.lit/balcony",
        "capulet.lit",
        "juliet",
        "@capulet.lit",
        "juliet@@capulet.lit",
        "\x07@capulet.lit",
        "*@capulet.lit",
        "juliet@capulet.lit\x00",
    ],
)
def test_what_is_refused_without_a_rule(authzid):
    with pytest.raises(SASLFailure) as caught:
        authorize("juliet", DOMAIN, authzid, {})
    assert (caught.value.condition, caught.value.reason) == REFUSED


def test_names_are_compared_in_normal_form():
    assert authorize("JULIET", DOMAIN, "Juliet@Capulet.lit", {}) == f"juliet@{DOMAIN}"


class TestRules:
    @pytest.mark.parametrize(
        ("granted", "authzid", "allowed"),
        [
            ([f"*@{DOMAIN}"], f"nurse@{DOMAIN}", True),
            ([f"*@{DOMAIN}"], "nurse@montague.lit", False),
            (["*@montague.lit"], f"nurse@{DOMAIN}", False),
            (["*@montague.lit"], "nurse@montague.lit", False),
            (["*"], f"nurse@{DOMAIN}", False),
            ([f"paris@{DOMAIN}"], f"nurse@{DOMAIN}", False),
            ([f"*@{DOMAIN}"], f"nurse@{DOMAIN}/kitchen", False),
            ([f"*@{DOMAIN}"], DOMAIN, False),
        ],
    )
    def test_what_they_grant(self, granted, authzid, allowed):
        """Never out of the stream's domain, and only to whom the rule names."""
        rules = {f"juliet@{DOMAIN}": granted}
        try:
            jid = authorize("juliet", DOMAIN, authzid, rules)
        except SASLFailure as refused:
            assert not allowed
            assert refused.condition == "invalid-authzid"
        else:
            assert allowed
            assert jid == authzid

    def test_they_are_nobody_elses(self):
        with pytest.raises(SASLFailure):
            authorize("nurse", DOMAIN, f"juliet@{DOMAIN}", RULES)


@pytest.mark.parametrize("username", ["", "a@b", "\x07"])
def test_a_name_that_is_no_localpart_is_nobody(username):
    with pytest.raises(SASLFailure) as caught:
        authorize(username, DOMAIN, "", {f"@{DOMAIN}": [DOMAIN]})
    assert caught.value.condition == "not-authorized"


class TestAuthorized:
    """The account acted for has to be there and switched on."""

    def ask(self, backend, authzid):
        rules = {f"juliet@{DOMAIN}": [f"*@{DOMAIN}"]}
        proved = result(backend.check_password(claim("juliet", DOMAIN, "192.0.2.7"), "r0m30"))
        success = replace(login("PLAIN", authzid), version=proved.version)
        return authorized(backend, success, DOMAIN, rules)

    def test_another_account(self, backend, accounts):
        accounts.add("nurse", "peter")
        assert result(self.ask(backend, f"nurse@{DOMAIN}")) == f"nurse@{DOMAIN}"

    def test_no_account(self, backend):
        assert refusal(self.ask(backend, f"paris@{DOMAIN}"))[0] == "not-authorized"

    def test_an_account_that_is_off(self, backend):
        assert refusal(self.ask(backend, f"tybalt@{DOMAIN}"))[0] == "account-disabled"

    def test_an_account_of_ones_own_that_is_off(self, backend, accounts):
        version = result(backend.check_password(claim("tybalt", DOMAIN, ""), "peace")).version
        refused = authorized(backend, Success("tybalt", version=version), DOMAIN, {})
        assert refusal(refused)[0] == "account-disabled"

    def test_the_users_own_account_is_looked_at_last(self, backend, accounts):
        accounts.add("nurse", "peter")
        result(self.ask(backend, f"nurse@{DOMAIN}"))
        assert accounts.reads[-2:] == [f"nurse@{DOMAIN}", f"juliet@{DOMAIN}"]

    def test_anonymous_users_need_no_account(self, backend, accounts):
        success = Exchange(mechanism("ANONYMOUS"), EVERYTHING).start(b"")
        jid = result(authorized(backend, success, DOMAIN, {}))
        assert jid == f"{success.username}@{DOMAIN}"
