"""What a connection waits for: answers that are late, wrong, or come to nobody any more."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, fail

from tests.support.connections import Chronicle, nothing_left, stream_error
from tests.support.deferred import result
from tests.support.server import DOMAIN, PASSWORD, STRANGER, Client, Verona, condition
from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.sessions import Session
from xmppd.errors import SASLFailure, StanzaError, StreamError
from xmppd.jid import JID
from xmppd.stream import sasl
from xmppd.wire.build import Tag

JULIET = JID.parse(f"juliet@{DOMAIN}")


@pytest.fixture
def server() -> Verona:
    return Verona()


# ---------------------------------------------------------------------- answers


class Slow:
    """An authenticator whose answers the test gives."""

    def __init__(self) -> None:
        self.owed: list[Deferred[Any]] = []

    def answer(self, question: object, domain: str, address: str) -> Deferred[Any]:
        self.owed.append(Deferred())
        return self.owed[-1]


def waiting(server: Verona) -> tuple[Client, Slow]:
    slow = Slow()
    server.host.authenticator = slow
    client = server.connect().open().authenticate("juliet")
    assert client.paused, "nothing is read while an answer is owed"
    client.take()
    return client, slow


@pytest.mark.parametrize("ending", ["hangs up", "is too slow", "is shut down"])
def test_an_answer_that_nobody_waits_for_is_called_off(server: Verona, ending: str) -> None:
    client, slow = waiting(server)
    if ending == "hangs up":
        client.hang_up()
    elif ending == "is too slow":
        server.clock.advance(server.config.limits.negotiation_seconds)
    else:
        server.host.shut_down()
    assert slow.owed[0].called
    assert server.host.refusals.counts["stream.internal"] == 0
    slow.owed[0].callback(None)  # comes all the same: Client.write would fail the test
    assert nothing_left(server)


def test_a_failed_attempt_that_is_held_back_dies_with_its_connection() -> None:
    """Else one could pile up delayed answers by guessing and hanging up, without end."""
    server = Verona()
    for _ in range(50):
        client = server.connect(STRANGER, secure=True).open().authenticate("juliet", "poison")
        client.hang_up()
    assert nothing_left(server)


@pytest.mark.parametrize(
    "broken",
    [
        lambda *_: 1 / 0,
        lambda *_: fail(ZeroDivisionError()),
        lambda *_: fail(StreamError("reset", reason="session.kicked")),
    ],
)
def test_a_failing_authenticator_ends_the_stream_and_no_more(server: Verona, broken: Any) -> None:
    other = server.log_in("romeo")
    server.host.authenticator.answer = broken  # type: ignore[method-assign]
    client = server.connect().open()
    client.take()
    client.authenticate("juliet")
    assert stream_error(client) in ("internal-server-error", "reset")
    assert not other.closed
    assert len(server.host.connections) == 1


def test_what_comes_while_an_answer_is_owed_is_bounded(server: Verona) -> None:
    client, _ = waiting(server)
    limit = server.config.limits.stanza_bytes_unauthenticated
    for _ in range(limit // 1000 + 2):
        if not client.closed:
            client.connection.receive(b" " * 1000)
    assert stream_error(client) == "policy-violation"


def test_elements_sent_ahead_are_not_nested_calls(server: Verona) -> None:
    """Many requests in one segment must not be answered each inside the other."""

    async def answer(connection: object, stanza: object) -> Tag:
        return Tag("q", ns="urn:example:q")

    ModuleContext(server.host, "eager").open_request("urn:example:q q", answer)
    client = server.connect().open()
    client.take()
    request = "<iq type='get' id='{}'><q xmlns='urn:example:q'/></iq>"
    client.send("".join(request.format(n) for n in range(50)))
    assert [e.get("id") for e in client.elements()] == [str(n) for n in range(50)]


def test_a_removed_account_does_not_get_in_by_an_exchange_begun_before(server: Verona) -> None:
    ask = server.host.authenticator.answer
    slow = Slow()
    client = server.connect().open()
    server.host.authenticator.answer = slow.answer  # type: ignore[method-assign]
    client.authenticate("juliet", PASSWORD)
    server.host.authenticator.answer = ask  # type: ignore[method-assign]
    client.take()
    assert result(server.host.administrator.remove(JULIET))
    slow.owed[0].callback(sasl.Answer(True, None))
    assert [e.tag for e in client.elements()] == [f"{{{ns.SASL}}}failure"]


def test_a_refusal_that_comes_at_once_is_a_refusal(server: Verona) -> None:
    def answer(*_: object) -> Deferred[Any]:
        raise SASLFailure("temporary-auth-failure", reason="auth.unavailable")

    server.host.authenticator.answer = answer  # type: ignore[method-assign]
    client = server.connect().open()
    client.take()
    client.authenticate("juliet")
    assert condition(client.one()) == "temporary-auth-failure"
    assert not client.closed


# ---------------------------------------------------------------------- open requests


def ask_early(server: Verona, responder: Any, attrs: str = "id='r1'") -> Client:
    ModuleContext(server.host, "early").open_request("urn:example:q q", responder)
    client = server.connect().open()
    client.take()
    return client.send(f"<iq type='get' {attrs}><q xmlns='urn:example:q'/></iq>")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (StanzaError("not-allowed", reason="stanza.forbidden"), "not-allowed"),
        (ZeroDivisionError("Mercutio"), "internal-server-error"),
        (None, "internal-server-error"),
    ],
)
def test_an_early_request_that_fails_is_answered(
    server: Verona, error: Exception | None, expected: str
) -> None:
    async def responder(connection: object, stanza: object) -> Any:
        if error is not None:
            raise error
        return "nonsense"

    client = ask_early(server, responder)
    answer = client.one()
    assert (condition(answer), answer.get("id")) == (expected, "r1")
    assert b"Mercutio" not in client.log
    assert not client.closed


def test_an_early_request_needs_an_id(server: Verona) -> None:
    async def responder(connection: object, stanza: object) -> Any:
        raise AssertionError("asked")

    assert condition(ask_early(server, responder, "").one()) == "bad-request"


def test_an_early_request_goes_on_when_its_client_does_not(server: Verona) -> None:
    """It may be making an account; half of one would be worse than one too many."""
    later: Deferred[None] = Deferred()
    done: list[bool] = []

    async def responder(connection: object, stanza: object) -> None:
        await later
        done.append(True)

    client = ask_early(server, responder)
    client.hang_up()
    later.callback(None)
    assert done == [True]


@pytest.mark.parametrize("gone", ["meanwhile", "before"])
def test_what_an_early_request_only_waits_for_goes_with_its_client(
    server: Verona, gone: str
) -> None:
    started: Deferred[None] = Deferred()
    told: Deferred[None] = Deferred()
    ended: list[type[BaseException]] = []

    async def responder(connection: Any, stanza: object) -> None:
        await started
        try:
            await connection.waits_for(told)
        except BaseException as error:
            ended.append(type(error))
            raise

    client = ask_early(server, responder)
    if gone == "meanwhile":
        started.callback(None)
        client.hang_up()
    else:
        client.hang_up()
        started.callback(None)
    assert ended == [CancelledError]
    assert server.host.refusals.counts["stanza.internal"] == 0
    assert nothing_left(server)


def test_nobody_is_admitted_on_a_connection_that_is_gone(server: Verona) -> None:
    """XEP-0078: the password was checked while its client hung up. No ghost stays behind."""
    told = Chronicle(server)
    later: Deferred[None] = Deferred()
    refused: list[str] = []

    async def responder(connection: Any, stanza: object) -> None:
        await later
        try:
            connection.admit(server.host.residents.guest(JULIET), "balcony")
        except StanzaError as error:
            refused.append(error.condition)
            raise

    client = ask_early(server, responder)
    client.hang_up()
    later.callback(None)
    assert refused == ["recipient-unavailable"]
    assert told.bound == []
    assert nothing_left(server)


def test_stanzas_behind_a_login_by_other_means_wait_for_its_reply(server: Verona) -> None:
    """XEP-0078: even when the wire brings them before the reply is out."""
    romeo = server.log_in("romeo", "street")
    later: Deferred[None] = Deferred()

    async def responder(connection: Any, stanza: object) -> None:
        connection.admit(server.host.residents.guest(JULIET), "balcony")
        await later

    client = ask_early(server, responder)
    wire = client.connection
    wire.receive(f"<message to='romeo@{DOMAIN}/street' type='chat' id='m1'/>".encode())
    assert romeo.take() == b""
    later.callback(None)
    assert client.one().get("id") == "r1"
    assert romeo.one().get("from") == f"{JULIET}/balcony"


# ---------------------------------------------------------------------- nonzas


def test_what_acts_on_a_nonza_may_end_the_stream(server: Verona) -> None:
    def responder(session: Session, nonza: object) -> None:
        raise StreamError("undefined-condition", reason="stream.element")

    ModuleContext(server.host, "acks").nonza("urn:example:q r", responder)
    client = server.log_in("juliet").send("<r xmlns='urn:example:q'/>")
    assert stream_error(client) == "undefined-condition"


def test_a_bug_in_what_acts_on_a_nonza_ends_that_stream_only(server: Verona) -> None:
    def responder(session: Session, nonza: object) -> None:
        raise KeyError("Tybalt")

    ModuleContext(server.host, "acks").nonza("urn:example:q r", responder)
    other = server.log_in("romeo")
    client = server.log_in("juliet").send("<r xmlns='urn:example:q'/>")
    assert stream_error(client) == "internal-server-error"
    assert not other.closed


@pytest.mark.parametrize("bound", [True, False])
def test_an_element_that_nobody_knows_ends_the_stream_rfc6120_4_9_3_24(
    server: Verona, bound: bool
) -> None:
    client = server.log_in("juliet") if bound else server.connect().open()
    if not bound:
        client.authenticate("juliet").open()
    client.take()
    client.send("<poison xmlns='urn:example:p'/>")
    assert stream_error(client) == "unsupported-stanza-type"


# ---------------------------------------------------------------------- the wire gives way


def test_a_wire_that_breaks_while_it_is_written_to_takes_only_its_own_down(server: Verona) -> None:
    """The client asks much at once and reads nothing: the limit strikes amid its own stanzas."""
    told = Chronicle(server)
    client = server.log_in("juliet")

    def write(data: bytes) -> None:
        client.closed = True
        client.connection.lost()

    client.write = write  # type: ignore[method-assign]
    session = client.connection.session
    assert session is not None
    session.deliver = lambda stanza: write(stanza.render())
    ping = f"<iq type='get' id='p'><ping xmlns='{ns.PING}'/></iq>"
    client.connection.receive((ping * 5).encode())
    assert len(told.unbound) == 1
    assert server.host.refusals.counts["stream.internal"] == 0
    assert server.host.router.routed == 1, "the rest was not acted on"
