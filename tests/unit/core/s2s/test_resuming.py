"""Streams that are lost and go on by another connection, both ends in memory (XEP-0198 §5)."""

from __future__ import annotations

from typing import Any

from tests.support.federated import Town, Web
from tests.support.server import Client
from tests.support.server_streams import key
from xmppd import ns
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

CAPULET, MONTAGUE, HALLS = "capulet.lit", "montague.lit", "halls.montague.lit"
ONE_WAY: dict[str, Any] = {"bidirectional": False}


def chat(body: str, to: str = "romeo@montague.lit") -> str:
    return f"<message to='{to}' type='chat'><body>{body}</body></message>"


def bodies(client: Client) -> list[str]:
    return [e.findtext(f"{{{ns.CLIENT}}}body", "") for e in client.elements()]


def notice(town: Town) -> None:
    """A server notices that the connection is gone by which it sends, and the other does not."""
    drop(town)
    town.web.settle()


def drop(town: Town) -> None:
    """The same, before anything comes of it."""
    (connection,) = [each for each in town.remotes.connections if not each.incoming]
    wire: Any = connection.wire
    wire.gone = True
    connection.lost()


def test_a_stream_whose_end_the_peer_has_not_heard_of_goes_on_whole() -> None:
    """What came on it after that was acknowledged, and thrown away."""
    web = Web()
    verona, mantua = web.town(CAPULET, s2s=ONE_WAY), web.town(MONTAGUE, s2s=ONE_WAY)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("one"))
    web.settle()
    (connection,) = mantua.remotes.connections
    connection.close()
    web.way.clear()  # neither its last words nor the end of the stream arrive
    notice(verona)
    juliet.send(chat("two"))
    web.advance(1)
    assert bodies(romeo) == ["one", "two"]
    assert len(mantua.remotes.connections) == 1


def test_what_is_not_in_safe_hands_yet_may_be_gone_on_with_by_a_third_connection() -> None:
    """The first that waited for it took with it how much was handled."""
    web = Web()
    verona, mantua = web.town(CAPULET, s2s=ONE_WAY), web.town(MONTAGUE, HALLS, s2s=ONE_WAY)
    juliet = verona.log_in("juliet")
    came: list[Claim] = []

    def keep(stanza: Stanza) -> None:
        assert stanza.claim is not None
        stanza.claim.hold()
        came.append(stanza.claim)

    mantua.host.router.routes[HALLS] = keep
    juliet.send(chat("one", f"friar@{HALLS}"))
    web.advance(1)
    for _ in range(3):
        notice(verona)
        web.advance(10)
    assert len(came) == 1
    came.pop().let_go()
    web.advance(1)
    assert came == [], "what had been handled was sent once more"
    juliet.send(chat("two", f"friar@{HALLS}"))
    web.advance(1)
    assert len(came) == 1


def test_while_a_stream_of_ours_is_being_resumed_nothing_else_carries_its_stanzas() -> None:
    """One of the peer's took them, and then ours went on with nobody who counted."""
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("one"))
    web.settle()
    juliet.send(chat("two"))
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    (old,) = mantua.remotes.connections
    drop(verona)
    while old.open:  # it is told when the new one has asked to go on with it
        web.way.popleft()()
    pair = verona.remotes.pair(CAPULET, MONTAGUE)
    hand.wire.other.arrive(f"<bidi xmlns='{ns.BIDI}'/>{key()}".encode())
    assert pair.line is None
    web.advance(1)
    assert pair.line is pair.outgoing is not None
    assert bodies(romeo) == ["one", "two"]
    assert "two" not in hand.take()


def test_what_we_were_granted_once_is_not_asked_for_again() -> None:
    """Where the other server's stream was the first, ours authenticated once more behind it."""
    web = Web()
    verona, _ = web.town(CAPULET), web.town(MONTAGUE)
    juliet = verona.log_in("juliet")
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    juliet.send(chat("one"))
    pair = verona.remotes.pair(CAPULET, MONTAGUE)
    while pair.outgoing is None:
        web.way.popleft()()
    hand.wire.other.arrive(f"<bidi xmlns='{ns.BIDI}'/>{key()}".encode())
    web.settle()
    assert pair.line is hand.wire.other.carried
    hand.wire.cut()
    juliet.send(chat("two"))
    web.settle()
    assert pair.line is pair.outgoing is not None
    assert len(verona.remotes.connections) == 1
    assert [host for _, host in web.dialled] == ["host.montague.lit"]


def test_what_is_counted_by_the_peer_alone_is_not_heard_while_a_stream_is_closed() -> None:
    """It was done, and whoever had asked for it was told that it was not."""
    web = Web()
    verona, mantua = web.town(CAPULET, s2s=ONE_WAY), web.town(MONTAGUE, s2s=ONE_WAY)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("one"))
    pair = verona.remotes.pair(CAPULET, MONTAGUE)
    while pair.line is None:
        web.way.popleft()()
    (connection,) = mantua.remotes.connections
    connection.close()
    web.advance(1)
    assert bodies(romeo) == ["one"]
