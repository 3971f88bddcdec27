"""What tests of connections ask: who was told of a session, how a stream ended, what is left."""

from __future__ import annotations

from tests.support.server import Client, Verona, condition
from xmppd import ns
from xmppd.phases import Phase

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
