"""Which mechanisms a stream sees, ANONYMOUS, the XML coding, and the exchange's own rules."""

import pytest

from tests.support.sasl import DOMAIN, EVERYTHING, TLS, failure, mechanism
from xmppd.errors import SASLFailure
from xmppd.stream.sasl import (
    MECHANISMS,
    Answer,
    Challenge,
    CheckPassword,
    Context,
    Exchange,
    channel_binding_types,
    decode_initial,
    decode_response,
    encode,
    encode_success,
    offered,
    select,
)
from xmppd.stream.sasl.legacy import digest, verify_digest

ALL = [m.name for m in MECHANISMS]
BARE = Context(DOMAIN)
SCRAMS = ["SCRAM-SHA-256", "SCRAM-SHA-1"]
PLUS = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"]


@pytest.mark.parametrize(
    ("context", "allowed", "expected"),
    [
        (EVERYTHING, ALL, ALL),
        (BARE, ALL, [*SCRAMS, "DIGEST-MD5"]),
        (BARE._replace(plaintext_allowed=True), ALL, [*SCRAMS, "DIGEST-MD5", "PLAIN"]),
        (BARE._replace(secure=True), ALL, [*SCRAMS, "DIGEST-MD5", "PLAIN"]),
        (TLS, [*PLUS, *SCRAMS, "PLAIN"], [*PLUS, *SCRAMS, "PLAIN"]),
        (BARE._replace(anonymous=True), ["ANONYMOUS"], ["ANONYMOUS"]),
        (EVERYTHING._replace(certificate=()), ["EXTERNAL", "PLAIN"], ["PLAIN"]),
        (EVERYTHING._replace(domain="montague.lit"), ["EXTERNAL"], []),
        (EVERYTHING, [], []),
    ],
)
def test_only_what_is_allowed_and_possible_is_offered(context, allowed, expected):
    assert [m.name for m in offered(context, allowed)] == expected


def test_only_what_was_offered_is_accepted():
    """RFC 6120 §6.5.7."""
    context = TLS._replace(offered=("PLAIN",))
    assert select("PLAIN", context, ALL).name == "PLAIN"
    refused = ("invalid-mechanism", "auth.mechanism")
    for name in ("ANONYMOUS", "SCRAM-SHA-1", "plain", "X-OAUTH2", ""):
        assert failure(select, name, context, ALL) == refused
    for allowed in (ALL, ["ANONYMOUS"]):
        assert failure(select, "PLAIN", context._replace(offered=()), allowed) == refused


def test_plain_without_tls_asks_for_encryption():
    """RFC 6120 §6.5.4; but only where PLAIN is allowed at all."""
    expected = ("encryption-required", "auth.encryption-required")
    assert failure(select, "PLAIN", BARE, ALL) == expected
    assert failure(select, "PLAIN", BARE, SCRAMS)[0] == "invalid-mechanism"


def test_channel_binding_types_are_advertised_strongest_first_beside_plus_only():
    """XEP-0440 §3."""
    assert channel_binding_types(EVERYTHING._replace(offered=tuple(ALL))) == (
        "tls-exporter",
        "tls-server-end-point",
    )
    assert channel_binding_types(TLS._replace(offered=(PLUS[1],))) == ("tls-exporter",)
    assert channel_binding_types(EVERYTHING._replace(offered=tuple(SCRAMS))) == ()
    assert channel_binding_types(BARE._replace(offered=tuple(ALL))) == ()


class TestAnonymous:
    context = BARE._replace(anonymous=True)

    def run(self, trace, context=context):
        return Exchange(mechanism("ANONYMOUS"), context).start(trace)

    @pytest.mark.parametrize("trace", [b"", b"sirhc", "\u2168".encode() * 255])
    def test_anybody_gets_a_fresh_name(self, trace):
        """RFC 4505 §2: the trace may have 255 characters; it is no name and no authzid."""
        one, two = self.run(trace), self.run(trace)
        assert one.anonymous
        assert one.authzid == ""
        assert one.username != two.username
        assert len(one.username) == 32

    @pytest.mark.parametrize("trace", [b"\xff", b"x" * 256])
    def test_malformed_traces(self, trace):
        assert failure(self.run, trace) == ("malformed-request", "auth.malformed")

    def test_other_domains_are_closed_to_it(self):
        assert failure(self.run, b"", BARE) == ("invalid-mechanism", "auth.mechanism")


class TestCoding:
    def test_no_initial_response_and_an_empty_one_differ(self):
        """RFC 6120 §6.4.2."""
        assert decode_initial("") is None
        assert decode_initial("=") == b""
        assert decode_initial("AHRpbQB4") == b"\0tim\0x"

    def test_responses(self):
        assert decode_response("") == decode_response("=") == b""
        assert decode_response("YQ==") == b"a"

    @pytest.mark.parametrize(
        "text", ["YQ", "YQ=", "Y Q==", "\nYQ==", "YQ==YQ==", "YQ===", "==", "Y-_=", "é"]
    )
    def test_base64_is_strict(self, text):
        """RFC 6120 §13.9.1, §6.5.5."""
        assert failure(decode_response, text) == ("incorrect-encoding", "auth.encoding")
        assert failure(decode_initial, text) == ("incorrect-encoding", "auth.encoding")

    def test_encoding(self):
        """RFC 6120 §6.4.6: data of no length beside success is `=`."""
        assert (encode(b""), encode(b"a")) == ("", "YQ==")
        assert [encode_success(data) for data in (None, b"", b"a")] == ["", "=", "YQ=="]


class TestExchange:
    def started(self):
        exchange = Exchange(mechanism("PLAIN"), TLS)
        assert exchange.start(b"\0tim\0x") == exchange.pending == CheckPassword("tim", "x")
        return exchange

    def test_a_response_that_nothing_asked_for_fails_the_attempt(self):
        exchange = self.started()
        assert failure(exchange.respond, b"") == ("malformed-request", "auth.malformed")
        with pytest.raises(RuntimeError):
            exchange.answer(True)

    def test_a_challenge_takes_no_answer(self):
        exchange = Exchange(mechanism("PLAIN"), TLS)
        assert exchange.start(None) == exchange.pending == Challenge(b"")
        with pytest.raises(RuntimeError):
            exchange.answer(True)

    def test_it_starts_once(self):
        with pytest.raises(RuntimeError):
            self.started().start(b"")

    def test_nothing_comes_after_abort(self):
        exchange = self.started()
        exchange.abort()
        exchange.abort()
        assert exchange.pending is None
        with pytest.raises(RuntimeError):
            exchange.answer(True)

    def test_an_answer_in_a_log_line_gives_no_password_away(self):
        assert "r0m30" not in f"{Answer('r0m30', None)}"

    def test_nothing_comes_after_the_end(self):
        exchange = self.started()
        exchange.answer(Answer(True, None))
        assert exchange.pending is None
        assert failure(exchange.respond, b"") == ("malformed-request", "auth.malformed")

    def test_every_message_is_bounded(self):
        exchange = Exchange(mechanism("PLAIN"), TLS)
        exchange.start(None)
        assert failure(exchange.respond, b"\0tim\0".ljust(4097, b"x")) == (
            "malformed-request",
            "auth.malformed",
        )


class TestLegacyDigest:
    def test_the_digest_of_the_xep(self):
        """XEP-0078 §3.1, example."""
        expected = "48fc78be9ec8f86d8ce1c39c320c97c21d62334d"
        assert digest("3EE948B0", "Calli0pe") == expected
        assert verify_digest("3EE948B0", "Calli0pe", expected)

    @pytest.mark.parametrize("presented", ["", "x", digest("3EE948B0", "calli0pe"), "é\ud800"])
    def test_any_other_is_wrong(self, presented):
        assert not verify_digest("3EE948B0", "Calli0pe", presented)

    def test_no_password_is_never_right(self):
        assert not verify_digest("3EE948B0", None, digest("3EE948B0", ""))


def test_rfc_6120_6_5_7_what_was_not_offered_wants_no_tls_where_it_could_run_without():
    """A client from before XMPP 1.0 is offered nothing."""
    context = Context(domain="verona.lit", plaintext_allowed=True)
    with pytest.raises(SASLFailure) as refused:
        select("PLAIN", context, ["PLAIN"])
    assert refused.value.condition == "invalid-mechanism"
