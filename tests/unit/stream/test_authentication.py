"""Authentication on a stream (RFC 6120 §6): what is asked, what is told, and how often."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

import pytest

from tests.support.frames import CLOSE, HEADER
from tests.support.streams import (
    ABORT,
    PASSWORDS,
    POLICY,
    Client,
    auth,
    bind,
    ended,
    frames,
    names,
    offered,
    plain,
    reasons,
    response,
    sent,
)
from xmppd.errors import SASLFailure
from xmppd.jid import JID
from xmppd.stream import sasl
from xmppd.stream.events import Authenticated, Authorize, BindResource, Closed, Reject
from xmppd.stream.states import Fact, State
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Nonza

SECURE: Callable[[], Client] = lambda: Client(secure=True).opened()  # noqa: E731

BUSY = SASLFailure("temporary-auth-failure", reason="auth.unavailable")


def scram(client: Client, user: str = "romeo", password: str | None = None) -> list[str]:
    """A whole SCRAM-SHA-1 exchange; what the server said to the last message."""
    bare = f"n={user},r=rose"
    client.new()
    said = client.send(auth("SCRAM-SHA-1", f"n,,{bare}".encode()))
    challenge = next(f for f in frames(sent(said)) if isinstance(f, Nonza))
    server_first = base64.b64decode(challenge.text).decode()
    fields = dict(part.split("=", 1) for part in server_first.split(","))
    without = f"c=biws,r={fields['r']}"
    secret = PASSWORDS[user] if password is None else password
    salted = hashlib.pbkdf2_hmac(
        "sha1", secret.encode(), base64.b64decode(fields["s"]), int(fields["i"])
    )
    key = hmac.digest(salted, b"Client Key", "sha1")
    stored = hashlib.sha1(key).digest()
    signed = hmac.digest(stored, f"{bare},{server_first},{without}".encode(), "sha1")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signed, strict=True))).decode()
    return names(client.send(response(f"{without},p={proof}".encode())))


def test_plain_in_one_step() -> None:
    client = SECURE()
    client.new()
    assert names(client.send(plain())) == ["success", "Authenticated"]
    assert Authenticated(JID("romeo@verona.lit")) in client.events
    assert [type(q) for q in client.asked] == [sasl.CheckPassword, Authorize]
    assert client.stream.state is State.EXPECT_HEADER
    assert offered(client.send(HEADER)) == ["bind"]


def test_plain_with_an_empty_challenge() -> None:
    client = SECURE()
    client.new()
    assert names(client.send(auth("PLAIN"))) == ["challenge"]
    assert client.stream.state is State.SASL
    said = names(client.send(response(b"\0romeo\0juliet-is-the-sun")))
    assert said == ["success", "Authenticated"]


def test_scram_proves_both_sides() -> None:
    client = SECURE()
    assert scram(client) == ["success", "Authenticated"]
    success = next(f for f in frames(sent(client.events[-2:])) if isinstance(f, Nonza))
    assert base64.b64decode(success.text).startswith(b"v=")
    assert client.stream.jid == "romeo@verona.lit"


def test_scram_with_a_wrong_password() -> None:
    client = SECURE()
    assert scram(client, password="tybalt") == ["failure not-authorized"]
    assert client.stream.jid is None
    assert isinstance(client.asked[-1], Reject)
    assert client.asked[-1].username == "romeo"


def test_a_whole_login_in_one_segment() -> None:
    """A client may know what comes and say it all at once (RFC 6120 §4.3.4 forbids it not)."""
    client = Client(secure=True)
    client.send(HEADER + plain() + HEADER + bind("orchard") + b"<presence/><message id='1'/>")
    assert names(client.events) == [
        *("open", "features", "success", "Authenticated"),
        *("open", "features", "iq result", "Bound"),
        *("<Stanza presence - None -> None>", "<Stanza message - None -> None>"),
    ]
    assert client.stream.jid == "romeo@verona.lit/orchard"


def test_a_whole_login_in_one_segment_with_answers_that_take_time() -> None:
    client = Client(secure=True)
    client.later(sasl.CheckPassword, Authorize, BindResource)
    client.send(HEADER + plain() + HEADER + bind("orchard") + b"<presence/>")
    client.send(b"<message/>")
    assert names(client.events) == ["open", "features"]
    client.answer(sasl.Answer(True, None))
    assert client.stream.jid is None
    client.answer(JID("romeo@verona.lit"))
    assert names(client.events)[2:] == ["success", "Authenticated", "open", "features"]
    client.send(b"<iq/>")
    client.answer(JID("romeo@verona.lit/orchard"))
    assert names(client.events)[6:] == [
        *("iq result", "Bound"),
        "<Stanza presence - None -> None>",
        "<Stanza message - None -> None>",
        "<Stanza iq - None -> None>",
    ]


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_a_login_may_be_cut_anywhere(at: int) -> None:
    data = HEADER + plain() + HEADER + bind("orchard") + b"<presence/>"
    client = Client(secure=True)
    client.send(*(data[i : i + 1 + at] for i in range(0, len(data), 1 + at)))
    assert names(client.events)[-3:] == ["iq result", "Bound", "<Stanza presence - None -> None>"]


@pytest.mark.parametrize(
    ("data", "condition"),
    [
        (auth("ROSE", b"x"), "invalid-mechanism"),
        (auth("", b"x"), "invalid-mechanism"),
        (auth("plain", b"\0romeo\0x"), "invalid-mechanism"),
        (auth("EXTERNAL", "="), "invalid-mechanism"),
        (auth("SCRAM-SHA-1-PLUS", b"x"), "invalid-mechanism"),
        (auth("SCRAM-SHA-256", b"n,,n=romeo,r=x"), "invalid-mechanism"),
        (auth("ANONYMOUS"), "invalid-mechanism"),
        (auth("PLAIN", "!!!!"), "incorrect-encoding"),
        (auth("PLAIN", "AHJvbWVvAHg"), "incorrect-encoding"),
        (auth("PLAIN", "AHJv bWVvAHg="), "incorrect-encoding"),
        (auth("PLAIN", "AHJvbWVvAHg=="), "incorrect-encoding"),
        (auth("PLAIN", "é"), "incorrect-encoding"),
        (auth("PLAIN", "="), "malformed-request"),
        (auth("PLAIN", b"romeo"), "malformed-request"),
        (auth("PLAIN", b"\0romeo\0x" + b"y" * 5000), "malformed-request"),
        (auth("SCRAM-SHA-1", b"rose"), "malformed-request"),
        (plain(password="wrong"), "not-authorized"),
        (plain("tybalt", "x"), "not-authorized"),
    ],
)
def test_attempts_that_fail(data: bytes, condition: str) -> None:
    """RFC 6120 §6.5; the client may try again (§6.4.5), and with the right password gets in."""
    client = SECURE()
    client.new()
    assert names(client.send(data)) == [f"failure {condition}"]
    assert client.stream.state is State.NEGOTIATING
    assert client.stream.authentication.failed
    assert names(client.send(plain())) == ["success", "Authenticated"]


def test_a_malformed_response_ends_the_attempt() -> None:
    client = SECURE()
    client.new()
    assert names(client.send(auth("PLAIN"), response("!"))) == [
        "challenge",
        "failure incorrect-encoding",
    ]
    client.send(response(b"\0romeo\0juliet-is-the-sun"))
    assert reasons(client) == ("policy-violation", "stream.element")
    assert client.stream.jid is None


def test_the_stream_ends_with_the_last_attempt_allowed() -> None:
    """RFC 6120 §6.4.5: the failure is told, then the error."""
    client = Client(POLICY._replace(max_attempts=3), secure=True).opened()
    wrong = plain(password="wrong")
    client.send(wrong, auth("PLAIN", "!"))
    assert client.stream.state is State.NEGOTIATING
    assert names(client.send(wrong))[-4:] == [
        "failure not-authorized",
        "error policy-violation",
        "close",
        "Closed policy-violation",
    ]
    assert reasons(client)[1] == "auth.retries"


def test_attempts_in_one_segment_are_counted() -> None:
    client = SECURE()
    client.send(plain(password="wrong") * 2 + auth("ROSE") + plain() + bind())
    assert reasons(client)[1] == "auth.retries"
    assert client.stream.jid is None


@pytest.mark.parametrize("question", [sasl.CheckPassword, Authorize])
def test_what_is_not_the_clients_fault_does_not_count(question: type) -> None:
    client = SECURE()
    right = client.answers[question]

    def fail(_: object) -> None:
        raise BUSY

    client.answers[question] = fail
    for _ in range(10):
        client.new()
        assert names(client.send(plain())) == ["failure temporary-auth-failure"]
    assert not any(isinstance(q, Reject) for q in client.asked)
    client.answers[question] = right
    assert names(client.send(plain())) == ["success", "Authenticated"]


def test_an_abort_is_answered_and_does_not_count() -> None:
    """RFC 6120 §6.4.4, §6.5.1."""
    client = SECURE()
    client.new()
    for _ in range(10):
        assert names(client.send(auth("PLAIN"), ABORT)) == ["challenge", "failure aborted"]
    assert names(client.send(plain())) == ["success", "Authenticated"]


def test_nothing_to_abort() -> None:
    client = SECURE()
    client.send(ABORT)
    assert reasons(client) == ("policy-violation", "stream.element")


def test_one_exchange_at_a_time() -> None:
    client = SECURE()
    client.send(auth("PLAIN"), plain())
    assert reasons(client) == ("policy-violation", "stream.element")
    assert client.stream.jid is None


def test_a_failure_waits_until_it_may_be_told() -> None:
    client = SECURE()
    client.later(Reject)
    client.new()
    assert names(client.send(plain(password="wrong") + plain())) == []
    assert client.stream.state is State.WAITING
    assert client.stream.jid is None
    assert names(client.answer(None)) == ["failure not-authorized", "success", "Authenticated"]


def test_a_failure_that_could_not_be_counted_is_told_all_the_same() -> None:
    client = SECURE()
    client.later(Reject)
    client.send(plain(password="wrong"))
    client.new()
    assert names(client.answer(BUSY)) == ["failure temporary-auth-failure"]
    assert client.stream.state is State.NEGOTIATING


@pytest.mark.parametrize(
    "failure",
    [
        SASLFailure("not-authorized", reason="auth.credentials"),
        SASLFailure("account-disabled", reason="auth.disabled"),
        SASLFailure("invalid-authzid", reason="auth.authzid"),
    ],
)
def test_who_may_not_act_as_asked_is_no_one(failure: SASLFailure) -> None:
    client = SECURE()
    client.later(Authorize)
    client.send(plain())
    client.new()
    assert names(client.answer(failure)) == [f"failure {failure.condition}"]
    assert client.stream.jid is None
    assert not client.stream.facts & Fact.AUTHENTICATED


def test_once_is_enough() -> None:
    """RFC 6120 §6.3.5: no second authentication on a stream."""
    client = Client().authenticated()
    client.send(plain("juliet"))
    assert reasons(client) == ("policy-violation", "stream.element")
    assert client.stream.jid == "romeo@verona.lit"


@pytest.mark.parametrize("stanza", [b"<message/>", b"<presence/>", bind(), b"<iq type='get'/>"])
def test_no_stanza_before(stanza: bytes) -> None:
    """RFC 6120 §4.9.3.12."""
    client = SECURE()
    client.send(stanza)
    assert reasons(client) == ("not-authorized", "stream.not-authorized")


def test_no_stanza_in_the_midst_of_it() -> None:
    client = SECURE()
    client.send(auth("PLAIN"), b"<message/>")
    assert reasons(client) == ("not-authorized", "stream.not-authorized")


def test_strangers_have_less_room() -> None:
    policy = POLICY._replace(before=Limits(stanza=500), after=Limits(stanza=5000))
    client = Client(policy, secure=True).opened()
    client.send(auth("PLAIN", b"x" * 600))
    assert reasons(client) == ("policy-violation", "limit.stanza-size")
    client = Client(policy, secure=True).authenticated()
    client.send(bind("x" * 600))
    assert client.stream.state is State.BOUND


def test_what_comes_while_an_answer_is_owed_is_bounded() -> None:
    client = Client(POLICY._replace(before=Limits(stanza=500)), secure=True).opened()
    client.later(sasl.CheckPassword)
    client.send(plain())
    for _ in range(5):
        assert client.send(b"x" * 100) == []
    client.send(b"x")
    assert reasons(client) == ("policy-violation", "limit.stanza-size")
    assert client.answer(sasl.Answer(True, None)) == []
    assert client.stream.jid is None
    assert isinstance(client.events[-1], Closed)


def test_the_end_comes_behind_the_answer_that_is_owed() -> None:
    client = SECURE()
    client.later(sasl.CheckPassword)
    client.new()
    assert client.send(plain() + CLOSE) == []
    assert names(client.answer(sasl.Answer(False, None)))[-2:] == ["close", "Closed"]
    assert ended(client) is None


def test_a_thousand_attempts_in_one_segment_take_a_thousand_steps_not_frames() -> None:
    """Whatever is answered at once must not nest: the depth of calls is the client's to choose."""
    client = Client(POLICY._replace(max_attempts=1000), secure=True).opened()
    client.new()
    said = names(client.send((auth("SCRAM-SHA-1", b"n,,n=romeo,r=rose") + ABORT) * 1000))
    assert said == ["challenge", "failure aborted"] * 1000


def test_a_client_that_aborts_again_and_again_is_sent_away() -> None:
    """RFC 6120 §6.4.4 lets it abort; the exchanges of a stream are counted all the same."""
    client = Client(POLICY._replace(max_attempts=2), secure=True).opened()
    client.new()
    attempt = auth("SCRAM-SHA-1", b"n,,n=romeo,r=rose") + ABORT
    assert names(client.send(attempt * 7)) == ["challenge", "failure aborted"] * 7
    assert names(client.send(attempt)) == [
        *("challenge", "failure aborted"),
        *("error policy-violation", "close", "Closed policy-violation"),
    ]
    assert reasons(client)[1] == "auth.retries"


def test_a_failure_names_nobody_of_an_attempt_before() -> None:
    """What is held against a name must be that name's."""
    client = SECURE()
    client.send(plain("juliet", "wrong"), auth("PLAIN", b"no message of PLAIN"))
    assert [q.username for q in client.asked if isinstance(q, Reject)] == ["juliet", ""]


def test_another_address_than_ones_own_is_for_others_to_grant() -> None:
    client = SECURE()
    client.answers[Authorize] = lambda q: JID(q.success.authzid)
    client.send(auth("PLAIN", b"juliet@verona.lit\0romeo\0juliet-is-the-sun"))
    assert client.stream.jid == "juliet@verona.lit"
