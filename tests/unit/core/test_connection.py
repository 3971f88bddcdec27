"""A client's connection: its time-outs, its session's one life, and answers that come too late."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail

from tests.support.deferred import result
from tests.support.server import DOMAIN, PASSWORD, STRANGER, Client, Verona, condition
from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError, StreamError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.wire.build import Tag

JULIET = JID.parse(f"juliet@{DOMAIN}")
SHUT = "</stream:stream>"


class Chronicle:
    """What the session events told."""

    def __init__(self, server: Verona) -> None:
        self.bound: list[str] = []
        self.unbound: list[str] = []
        hooks = server.host.hooks
        hooks.session_bound.add(Phase.DELIVER, lambda session: self.bound.append(session.jid))
        hooks.session_unbound.add(Phase.DELIVER, lambda session: self.unbound.append(session.jid))


def stream_error(client: Client) -> str:
    found = [condition(e) for e in client.elements() if e.tag == f"{{{ns.STREAM}}}error"]
    assert len(found) == 1, found
    assert client.log.count(SHUT.encode()) == 1
    assert client.closed
    return found[0]


def nothing_left(server: Verona) -> bool:
    host = server.host
    server.clock.advance(0)  # a client reads on in a turn of its own
    return (len(host.directory), len(host.connections), server.clock.getDelayedCalls()) == (
        0,
        0,
        [],
    )


@pytest.fixture
def server() -> Verona:
    return Verona()


# ---------------------------------------------------------------------- time-outs


STEPS = {
    "connected": lambda client: client,
    "header sent": lambda client: client.open(),
    "half a tag sent": lambda client: client.send("<stream:str"),
    "authenticated": lambda client: client.open().authenticate("juliet"),
    "restarted": lambda client: client.open().authenticate("juliet").open(),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_stream_that_is_not_negotiated_in_time_ends(server: Verona, step: str) -> None:
    client = STEPS[step](server.connect())
    seconds = server.config.limits.negotiation_seconds
    server.clock.advance(seconds - 1)
    assert not client.closed
    client.take()
    server.clock.advance(1)
    assert stream_error(client) == "connection-timeout"
    assert nothing_left(server)


def test_a_client_that_drips_whitespace_is_not_given_more_time(server: Verona) -> None:
    client = server.connect().open()
    for _ in range(server.config.limits.negotiation_seconds):
        client.send(" ")
        server.clock.advance(1)
    assert stream_error(client) == "connection-timeout"


def test_a_bound_stream_has_no_such_limit(server: Verona) -> None:
    client = server.log_in("juliet")
    assert server.clock.getDelayedCalls() == []
    server.clock.advance(1_000_000)
    assert not client.closed


# ---------------------------------------------------------------------- one life of a session

ENDINGS = {
    "lost": lambda server, client: client.hang_up(),
    "closed by the client": lambda server, client: client.send(SHUT),
    "not well-formed": lambda server, client: client.send("</iq>"),
    "forged": lambda server, client: client.send("<message from='romeo@capulet.lit'/>"),
    "unknown element": lambda server, client: client.send("<poison xmlns='urn:example:p'/>"),
    "kicked": lambda server, client: server.host.end_streams(
        client.jid, StreamError("not-authorized", reason="session.kicked")
    ),
    "shut down": lambda server, client: server.host.shut_down(),
    "replaced": lambda server, client: server.log_in("juliet", "balcony"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_session_is_released_once_and_told_of_once(server: Verona, ending: str) -> None:
    told = Chronicle(server)
    client = server.log_in("juliet", "balcony")
    assert told.unbound == []
    ENDINGS[ending](server, client)
    client.connection.lost()
    client.connection.lost()
    client.connection.end(StreamError("reset", reason="session.kicked"))
    assert told.unbound == [f"{JULIET}/balcony"]
    assert client.closed
    if ending != "replaced":
        assert nothing_left(server)
        assert told.bound == told.unbound


def test_a_listener_still_sees_what_the_session_was(server: Verona) -> None:
    """The next issue sends unavailable presence from here (RFC 6121 §4.5.3)."""
    seen: list[tuple[int | None, str, bool]] = []

    def listener(session: Session) -> None:
        assert session.presence is not None
        known = server.host.directory.get(session.jid) is not None
        seen.append((session.priority, session.presence.kind, known))

    server.host.hooks.session_unbound.add(Phase.DELIVER, listener)
    client = server.log_in("juliet").send("<presence><priority>3</priority></presence>")
    client.hang_up()
    assert seen == [(3, "presence", False)]


def test_the_replaced_session_is_told_of_the_conflict_rfc6120_7_7_2_2(server: Verona) -> None:
    told = Chronicle(server)
    old = server.log_in("juliet", "balcony")
    new = server.log_in("juliet", "balcony")
    assert stream_error(old) == "conflict"
    assert server.host.refusals.counts["session.replaced"] == 1
    assert told.bound == [f"{JULIET}/balcony"] * 2
    assert told.unbound == [f"{JULIET}/balcony"]
    old.connection.lost()
    romeo = server.log_in("romeo")
    romeo.send(f"<message to='{JULIET}/balcony'><body>She speaks</body></message>")
    assert new.one().findtext("{jabber:client}body") == "She speaks"


def test_the_old_session_is_unbound_before_the_new_one_is_bound(server: Verona) -> None:
    order: list[str] = []
    hooks = server.host.hooks
    hooks.session_bound.add(Phase.DELIVER, lambda session: order.append("bound"))
    hooks.session_unbound.add(Phase.DELIVER, lambda session: order.append("unbound"))
    server.log_in("juliet", "balcony")
    server.log_in("juliet", "balcony")
    assert order == ["bound", "unbound", "bound"]


@pytest.mark.parametrize(("policy", "answer"), [("refuse", "conflict"), ("rename", "")])
def test_the_other_conflict_policies_end_nobody(policy: str, answer: str) -> None:
    server = Verona(server={"resource_conflict": policy})
    old = server.log_in("juliet", "balcony")
    new = server.connect().open().authenticate("juliet").open()
    new.take()
    told = new.bind("balcony")
    assert condition(told) == answer
    assert not old.closed
    # RFC 6120 §7.7.2: the client may try again on the same stream.
    if policy == "refuse":
        assert new.bind("chamber").get("type") == "result"


def test_a_refused_bind_leaves_the_time_limit_running() -> None:
    server = Verona(server={"resource_conflict": "refuse"})
    server.log_in("juliet", "balcony")
    new = server.connect().open().authenticate("juliet").open()
    new.take()
    new.bind("balcony")
    server.clock.advance(server.config.limits.negotiation_seconds)
    assert stream_error(new) == "connection-timeout"


def test_a_listener_may_end_the_session_that_is_being_bound(server: Verona) -> None:
    told = Chronicle(server)
    banned = StreamError("policy-violation", reason="session.kicked")
    server.host.hooks.session_bound.add(Phase.FALLBACK, lambda session: session.end(banned))
    client = server.connect().open().authenticate("juliet").open()
    client.take()
    client.send(f"<iq type='set' id='b1'><bind xmlns='{ns.BIND}'/></iq>")
    assert stream_error(client) == "policy-violation"
    assert (len(told.bound), len(told.unbound)) == (1, 1)
    assert nothing_left(server)


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
    """Thousands of requests in one segment must not be answered each inside the other."""

    async def answer(connection: object, stanza: object) -> Tag:
        return Tag("q", ns="urn:example:q")

    ModuleContext(server.host, "eager").open_request("urn:example:q q", answer)
    client = server.connect().open()
    client.take()
    request = "<iq type='get' id='{}'><q xmlns='urn:example:q'/></iq>"
    client.send("".join(request.format(n) for n in range(1000)))
    assert [e.get("id") for e in client.elements()] == [str(n) for n in range(1000)]


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


def test_nobody_is_admitted_on_a_connection_that_is_gone(server: Verona) -> None:
    """XEP-0078: the password was checked while its client hung up. No ghost stays behind."""
    told = Chronicle(server)
    later: Deferred[None] = Deferred()
    refused: list[str] = []

    async def responder(connection: Any, stanza: object) -> None:
        await later
        try:
            connection.admit(JULIET, "balcony")
        except StanzaError as error:
            refused.append(error.condition)
            raise

    client = ask_early(server, responder)
    client.hang_up()
    later.callback(None)
    assert refused == ["recipient-unavailable"]
    assert told.bound == []
    assert nothing_left(server)


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
    session.write = write
    ping = f"<iq type='get' id='p'><ping xmlns='{ns.PING}'/></iq>"
    client.connection.receive((ping * 5).encode())
    assert len(told.unbound) == 1
    assert server.host.refusals.counts["stream.internal"] == 0
    assert server.host.router.routed == 1, "the rest was not acted on"


# ---------------------------------------------------------------------- the operator


def test_shutting_down_tells_everyone_rfc6120_4_9_3_20(server: Verona) -> None:
    clients = [
        server.connect(),
        server.connect().open(),
        server.connect().open().authenticate("juliet"),
        server.log_in("juliet"),
        server.log_in("romeo"),
    ]
    for client in clients:
        client.take()
    server.host.shut_down()
    assert [stream_error(client) for client in clients] == ["system-shutdown"] * 5
    assert nothing_left(server)


def test_removing_an_account_ends_all_its_streams_and_no_other(server: Verona) -> None:
    removed: list[str] = []
    server.host.hooks.account_removed.add(Phase.DELIVER, removed.append)
    unbound = server.connect().open().authenticate("juliet").open()
    bound = server.log_in("juliet")
    stranger = server.connect().open()
    others = [server.log_in("romeo"), stranger]
    unbound.take()
    assert result(server.host.administrator.remove(JULIET))
    server.clock.advance(0)
    assert [stream_error(client) for client in (unbound, bound)] == ["not-authorized"] * 2
    assert not any(client.closed for client in others)
    assert removed == [JULIET]
    assert not result(server.host.administrator.remove(JULIET))
    assert removed == [JULIET]


def test_a_removed_account_does_not_get_in_by_an_exchange_begun_before(server: Verona) -> None:
    ask = server.host.authenticator.answer
    slow = Slow()
    client = server.connect().open()
    server.host.authenticator.answer = slow.answer  # type: ignore[method-assign]
    client.authenticate("juliet", PASSWORD)
    server.host.authenticator.answer = ask  # type: ignore[method-assign]
    client.take()
    assert result(server.host.administrator.remove(JULIET))
    slow.owed[0].callback(True)
    assert [e.tag for e in client.elements()] == [f"{{{ns.SASL}}}failure"]


@pytest.mark.parametrize(
    ("address", "ended"),
    [("balcony", 1), ("chamber", 1), ("tomb", 0), ("", 3)],
)
def test_a_full_jid_ends_one_stream_and_a_bare_one_all(
    server: Verona, address: str, ended: int
) -> None:
    clients = {r: server.log_in("juliet", r) for r in ("balcony", "chamber")}
    server.connect().open().authenticate("juliet")
    jid = JULIET.with_resource(address) if address else JULIET
    error = StreamError("not-authorized", reason="session.kicked")
    assert server.host.end_streams(jid, error) == ended
    assert {r for r, c in clients.items() if c.closed} == (
        {address} & clients.keys() if address else set(clients)
    )


def test_a_reload_holds_for_streams_opened_from_then_on(server: Verona) -> None:
    old = server.log_in("juliet")
    server.reload(tls={"require": True})
    assert not old.closed
    features = server.connect(STRANGER).open().elements()[0]
    assert [child.tag.partition("}")[2] for child in features] == ["starttls"]


# ---------------------------------------------------------------------- memory


@pytest.mark.parametrize("ending", ["lost", "closed by the client", "not well-formed", "forged"])
def test_a_closed_connection_is_freed_at_once(server: Verona, ending: str) -> None:
    """By reference counting: no cycle keeps it until the collector comes round."""
    client = server.log_in("juliet")
    client.send("<presence/>").ask(f"<ping xmlns='{ns.PING}'/>")
    gc.collect()
    gc.disable()
    try:
        ENDINGS[ending](server, client)
        client.connection.lost()
        session_and_stream_hold = weakref.ref(client)  # by way of the connection's wire
        del client.connection
        del client
        assert session_and_stream_hold() is None
    finally:
        gc.enable()
