"""Clients that manage their streams (XEP-0198), written out by hand."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from tests.support.gateway import Gateway
from tests.support.server import Client, Verona
from xmppd import ns

SM = f"xmlns='{ns.STREAM_MANAGEMENT}'"
S = f"{{{ns.STREAM_MANAGEMENT}}}"
REQUEST = f"<r {SM}/>"


def managed(
    server: Verona | Gateway, name: str, resource: str, attrs: str = "resume='true'"
) -> tuple[Client, str]:
    """A client with a managed session, and the SM-ID of that, "" where it can't be resumed."""
    client = server.log_in(name, resource)
    enabled = client.send(f"<enable {SM} {attrs}/>").one()
    assert enabled.tag == f"{S}enabled"
    return client, enabled.get("id", "")


def unbound(server: Verona | Gateway, name: str) -> Client:
    """A client that has authenticated, and bound no resource."""
    client = server.connect().open().authenticate(name).open()
    client.take()
    return client


def come_back(server: Verona | Gateway, name: str, id_: str, h: int = 0) -> Client:
    """A client that has asked to go on with a session, and has read nothing yet."""
    return unbound(server, name).send(f"<resume {SM} previd='{id_}' h='{h}'/>")


def resumed(
    server: Verona | Gateway, name: str, id_: str, h: int = 0
) -> tuple[Client, int, list[Element]]:
    """A client that goes on with a session: what the server has handled, and what it sends again.

    Without the question of the server, if it asks one.
    """
    client = come_back(server, name, id_, h)
    answer, *rest = client.elements()
    assert (answer.tag, answer.get("previd")) == (f"{S}resumed", id_), answer.attrib
    return client, int(answer.attrib["h"]), [each for each in rest if each.tag != f"{S}r"]


def ack(client: Client, h: int) -> Client:
    """Have a client tell how much it has handled."""
    return client.send(f"<a {SM} h='{h}'/>")


def handled(client: Client) -> int:
    """What the server says when it is asked how much it has handled."""
    answer = client.send(REQUEST).elements()[-1]
    assert answer.tag == f"{S}a"
    return int(answer.attrib["h"])


def expire(server: Verona, *clients: Client) -> None:
    """Have clients not come back in time; those that are there leave without a word."""
    for client in clients:
        if not client.closed:
            client.hang_up()
    server.clock.advance(server.config.stream_management.hibernate_seconds)
