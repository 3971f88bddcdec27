"""How connections with other servers end in peace (RFC 6120 §4.4, §13.7.2.3)."""

from __future__ import annotations

import pytest

from tests.support.federated import Town, Web
from tests.support.server import Client, condition
from tests.support.server_streams import auth, header, message
from xmppd import ns
from xmppd.core.s2s.connection import CLOSING_SECONDS

CAPULET, MONTAGUE = "capulet.lit", "montague.lit"
JULIET, ROMEO = "juliet@capulet.lit", "romeo@montague.lit"


def chat(body: str, to: str) -> str:
    return f"<message to='{to}' type='chat'><body>{body}</body></message>"


def bodies(client: Client) -> list[str]:
    return [e.findtext(f"{{{ns.CLIENT}}}body", "") for e in client.elements()]


def talking(web: Web, *, managed: bool = True) -> tuple[Town, Client, Client]:
    """Two towns with one stream for both ways, which capulet.lit has opened."""
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    for town in (verona, mantua):
        town.remotes.policy = town.remotes.policy._replace(manageable=managed)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("one", ROMEO))
    web.settle()
    romeo.send(chat("two", JULIET))
    web.settle()
    assert (bodies(romeo), bodies(juliet)) == (["one"], ["two"])
    assert len(verona.remotes.connections) == len(mantua.remotes.connections) == 1
    return verona, juliet, romeo


@pytest.mark.parametrize("managed", [True, False])
def test_what_was_on_its_way_while_we_close_arrives_once_rfc6120_4_4(managed: bool) -> None:
    web = Web()
    verona, juliet, romeo = talking(web, managed=managed)
    (connection,) = verona.remotes.connections
    assert (connection.managed is not None) is managed
    romeo.send(chat("three", JULIET))
    connection.close()
    web.settle()
    assert bodies(juliet) == ["three"]
    assert connection not in verona.remotes.connections
    web.advance(CLOSING_SECONDS + 1)
    assert (bodies(juliet), bodies(romeo)) == ([], [])


@pytest.mark.parametrize("managed", [True, False])
def test_what_is_sent_while_we_close_takes_another_stream_rfc6120_4_4(managed: bool) -> None:
    web = Web()
    verona, juliet, romeo = talking(web, managed=managed)
    (connection,) = verona.remotes.connections
    connection.close()
    juliet.send(chat("three", ROMEO))
    web.settle()
    assert bodies(romeo) == ["three"]
    assert connection not in verona.remotes.connections
    assert len(verona.remotes.connections) == 1


def test_who_does_not_close_is_not_waited_for_rfc6120_4_4() -> None:
    web = Web()
    verona, *_ = talking(web)
    (connection,) = verona.remotes.connections
    other = connection.wire.other  # type: ignore[union-attr]
    other.arrive = lambda data: None  # it does not hear us
    connection.close()
    web.advance(CLOSING_SECONDS - 1)
    assert connection in verona.remotes.connections
    assert not other.gone
    web.advance(2)
    assert connection not in verona.remotes.connections
    assert other.gone


def test_a_stream_that_is_closing_is_not_resumed_when_it_breaks_xep0198_5() -> None:
    web = Web()
    verona, *_ = talking(web)
    web.advance(1)  # all is acknowledged
    (connection,) = verona.remotes.connections
    connection.wire.other.arrive = lambda data: None  # type: ignore[union-attr]
    connection.close()
    connection.wire.cut()  # type: ignore[union-attr]
    web.settle()
    remote = verona.remotes.find(MONTAGUE)
    assert remote is not None
    assert remote.idle


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_stream_ends_with_the_peer_s_certificate_rfc6120_13_7_2_3(side: str) -> None:
    web = Web()
    verona, juliet, romeo = talking(web)
    (connection,) = verona.remotes.connections
    wire = connection.wire
    for end in (wire, wire.other):  # type: ignore[union-attr]
        mine = (end is wire) is (side == "ours")
        end.carried.stream.peer.until = web.clock.seconds() + (100 if mine else 1_000)  # type: ignore[union-attr]
    web.advance(99)
    assert connection in verona.remotes.connections
    web.advance(12)
    assert connection not in verona.remotes.connections
    told = [each.reason for each in verona.host.refusals.recent]
    assert ("s2s.expired" in told) is (side == "ours")
    juliet.send(chat("three", ROMEO))
    web.settle()
    romeo.send(chat("four", JULIET))
    web.settle()
    assert (bodies(romeo), bodies(juliet)) == (["three"], ["four"])


@pytest.mark.parametrize("end", ["the server stops", "in peace", "the peer closes"])
def test_the_last_word_is_what_is_handled_xep0198_4(end: str) -> None:
    """Else the peer would send it again."""
    verona = Web().town(CAPULET)
    juliet = verona.log_in("juliet")
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    hand.send(auth(), header(), f"<enable xmlns='{ns.STREAM_MANAGEMENT}'/>", message())
    assert bodies(juliet) == ["wherefore"]
    hand.take()
    (connection,) = verona.remotes.connections
    if end == "the server stops":
        verona.remotes.close()
    elif end == "in peace":
        connection.close()
    else:
        hand.send("</stream:stream>")
    said = hand.take()
    assert said.startswith(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='1'/>")
    assert said.count("<a ") == 1
    assert said.endswith("</stream:stream>")


def test_the_reason_is_reset_rfc6120_4_9_3_16() -> None:
    web = Web()
    verona = web.town(CAPULET)
    hand = verona.called(MONTAGUE)
    hand.through_tls(MONTAGUE, CAPULET)
    (connection,) = verona.remotes.connections
    connection.stream.peer.until = web.clock.seconds() + 5  # type: ignore[union-attr]
    web.advance(11)
    (error,) = hand.elements()
    assert condition(error) == "reset"
