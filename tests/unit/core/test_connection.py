"""A client's connection: its time-outs, its session's one life, its end by an operator."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from tests.support.connections import SHUT, Chronicle, nothing_left, stream_error
from tests.support.deferred import result
from tests.support.server import DOMAIN, STRANGER, Verona, condition
from xmppd import ns
from xmppd.core.sessions import Session
from xmppd.errors import StreamError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.wire.stanza import Nonza

JULIET = JID.parse(f"juliet@{DOMAIN}")


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
    """Unavailable presence is sent from here (RFC 6121 §4.5.3)."""
    seen: list[tuple[int | None, str, bool]] = []

    def listener(session: Session) -> None:
        assert session.presence is not None
        known = server.host.directory.get(session.jid) is not None
        seen.append((session.priority, session.presence.kind, known))

    server.host.hooks.session_unbound.add(Phase.GUARD, listener)
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


def test_no_end_is_told_of_a_session_whose_beginning_was_not(server: Verona) -> None:
    """The wire may fail in the very answer to the bind."""
    told = Chronicle(server)
    client = server.connect().open().authenticate("juliet").open()
    client.write = lambda data: client.connection.lost()  # type: ignore[method-assign]
    client.send(f"<iq type='set' id='b'><bind xmlns='{ns.BIND}'/></iq>")
    assert (told.bound, told.unbound) == ([], [])
    assert not len(server.host.directory)


def test_the_old_session_is_unbound_before_the_new_one_is_bound(server: Verona) -> None:
    order: list[str] = []
    hooks = server.host.hooks
    hooks.session_bound.add(Phase.DELIVER, lambda session: order.append("bound"))
    hooks.session_unbound.add(Phase.DELIVER, lambda session: order.append("unbound"))
    server.log_in("juliet", "balcony")
    server.log_in("juliet", "balcony")
    assert order == ["bound", "unbound", "bound"]


def test_who_hears_of_the_replaced_session_may_end_the_new_one(server: Verona) -> None:
    """No session is bound on a stream that is over."""
    error = StreamError("policy-violation", reason="session.kicked")
    server.host.hooks.session_unbound.add(
        Phase.DELIVER, lambda session: server.host.end_streams(JULIET, error)
    )
    old = server.log_in("juliet", "balcony")
    new = server.connect().open().authenticate("juliet").open()
    new.take()
    new.send(
        f"<iq type='set' id='b'><bind xmlns='{ns.BIND}'><resource>balcony</resource></bind></iq>"
    )
    assert stream_error(new) == "policy-violation"
    assert old.closed
    assert nothing_left(server)


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


@pytest.mark.parametrize("kind", ["message", "presence"])
def test_only_an_iq_binds_a_resource_rfc6120_7_1(server: Verona, kind: str) -> None:
    client = server.connect().open().authenticate("juliet").open()
    client.take()
    client.send(f"<{kind} type='set' id='b'><bind xmlns='{ns.BIND}'/></{kind}>")
    assert condition(client.elements()[-1]) == "not-authorized"
    assert client.closed
    assert len(server.host.directory) == 0


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ("to='capulet.lit'", ""),
        ("to='Juliet@CAPULET.lit'", ""),
        ("from='juliet@capulet.lit'", ""),
        ("to='romeo@capulet.lit'", "not-authorized"),
        ("to='juliet@capulet.lit/balcony'", "not-authorized"),
        ("to='montague.lit'", "not-authorized"),
        ("to='@@'", "not-authorized"),
        ("from='romeo@capulet.lit'", "invalid-from"),
        ("from='@@'", "invalid-from"),
    ],
)
def test_a_bind_is_for_the_server_or_the_own_account_rfc6120_7_1(
    server: Verona, attrs: str, expected: str
) -> None:
    client = server.connect().open().authenticate("juliet").open()
    client.take()
    client.send(f"<iq type='set' id='b' {attrs}><bind xmlns='{ns.BIND}'/></iq>")
    answer = client.elements()[-1]
    assert condition(answer) == expected
    assert len(server.host.directory) == (0 if expected else 1)


def test_a_session_is_announced_once_its_client_knows_of_it(server: Verona) -> None:
    """What a listener writes stands behind the answer to the bind (RFC 6120 §7.6.1)."""
    server.host.hooks.session_bound.add(
        Phase.DELIVER, lambda session: session.write(b"<message id='first'/>")
    )
    client = server.connect().open().authenticate("juliet").open()
    client.take()
    client.send(f"<iq type='set' id='b'><bind xmlns='{ns.BIND}'/></iq>")
    assert [e.get("id") for e in client.elements()] == ["b", "first"]


def test_an_element_may_come_before_there_is_a_session(server: Verona) -> None:
    """As <resume/> does (XEP-0198 §5)."""
    seen = []

    async def responder(connection: Any, nonza: Nonza) -> None:
        seen.append((connection.session, connection.stream.jid))

    server.host.early_nonzas["urn:xmpp:sm:3 resume"] = responder
    client = server.connect().open().authenticate("juliet").open()
    client.send("<resume xmlns='urn:xmpp:sm:3' previd='x'/>")
    assert seen == [(None, "juliet@capulet.lit")]
    assert not client.closed
